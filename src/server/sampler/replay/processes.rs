//! The processes of a recording: the table that belongs to the sample just played, shifted to its time.

use crate::model::{ProcessTable, UnixMs};
use crate::server::sampler::Scan;
use crate::server::sampler::clock::Clock;
use std::sync::{Arc, Mutex, PoisonError};

/// What is being played: written by the source, read by whoever looks at the processes.
#[derive(Clone, Debug, Default)]
pub(super) struct Playing(Arc<Mutex<Option<Played>>>);

#[derive(Clone, Debug)]
struct Played {
    table: Arc<ProcessTable>,
    recorded: UnixMs,
    at: UnixMs,
}

/// Scans what is played. Of a recording without processes the table is empty.
pub struct ReplayedProcesses {
    playing: Playing,
    with_arguments: bool,
}

impl Playing {
    /// The table of the sample that was `recorded` then and is played `at` this time.
    pub(super) fn set(&self, table: Option<&Arc<ProcessTable>>, recorded: UnixMs, at: UnixMs) {
        let played = table.map(|table| Played { table: Arc::clone(table), recorded, at });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = played;
    }

    pub(super) fn scan(&self, with_arguments: bool) -> ReplayedProcesses {
        ReplayedProcesses { playing: self.clone(), with_arguments }
    }
}

impl Scan for ReplayedProcesses {
    fn scan(&mut self, clock: &dyn Clock) -> anyhow::Result<ProcessTable> {
        let played = self.playing.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(Played { table, recorded, at }) = played else {
            return Ok(ProcessTable { at: clock.now().wall(), ..ProcessTable::default() });
        };
        let shift = at.0.saturating_sub(recorded.0);
        let mut processes = table.processes.clone();
        for process in &mut processes {
            process.started_at = process.started_at.map(|started| UnixMs(started.0.saturating_add(shift)));
            process.arguments = process.arguments.take().filter(|_| self.with_arguments);
        }
        Ok(ProcessTable { at, total: table.total, processes })
    }

    fn forget(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Observation;
    use crate::server::sampler::clock::fake::FakeClock;
    use crate::server::sampler::replay::tests::RECORDING;
    use crate::server::sampler::replay::{ReplaySource, Tape};
    use crate::server::sampler::{Source, Stop};
    use std::time::Duration;

    #[test]
    fn processes_are_those_of_the_instant_shifted_to_now() -> anyhow::Result<()> {
        let table = |at: i64, name: &str| {
            format!(
                r#"{{"processes":{{"at":{at},"total":1,"processes":[{{"pid":7,"name":"{name}","user":"ann\u001b","cpu_percent":-1.0,"memory_bytes":5,"read_bytes_per_s":null,"written_bytes_per_s":null,"threads":1,"started_at":9000,"arguments":"x --token=abc"}}]}}}}"#
            )
        };
        let mut lines: Vec<String> = RECORDING.lines().map(str::to_owned).collect();
        lines.insert(4, table(12_300, "first"));
        lines.insert(6, table(15_300, "<b>"));
        for (text, with_arguments, expected) in [
            (lines.join("\n"), true, &["first 100000 99000", "first 105000 99000", "<b> 106000 99000"][..]),
            (lines.join("\n"), false, &["first 100000 99000", "first 105000 99000", "<b> 106000 99000"]),
            (RECORDING.to_owned(), true, &[]),
        ] {
            let tape = Tape::parse(text.as_bytes(), "recording".as_ref(), 1.0)?;
            let clock = Arc::new(FakeClock::at(100_300));
            let source = ReplaySource::new(tape, Duration::ZERO, clock.clone(), Arc::default());
            let (mut scan, stop, mut seen) = (source.processes(with_arguments), Stop::new(), Vec::new());
            assert_eq!(scan.scan(&*clock)?.total, 0, "nothing is played yet");
            Box::new(source).run(&stop, &mut |observation| {
                let Observation::Sample { sample, .. } = observation else { return };
                let played = scan.scan(&*clock).unwrap_or_default();
                assert_eq!(played.at.0 / 10_000, 10, "{played:?}");
                for process in played.processes.iter().filter(|_| [100_000, 105_000, 106_000].contains(&sample.t.0)) {
                    let started = process.started_at.map_or(0, |at| at.0);
                    seen.push(format!("{} {} {started}", process.name, played.at.0));
                    assert_eq!(process.arguments.as_deref(), with_arguments.then_some("x --token=***"));
                    assert_eq!((process.user.as_deref(), process.cpu_percent), (Some("ann\u{fffd}"), None));
                }
                if sample.t.0 >= 106_000 {
                    stop.stop();
                }
            });
            assert_eq!(seen, expected);
        }
        Ok(())
    }
}
