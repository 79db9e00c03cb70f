//! Who was heaviest at an instant of the past: what is kept of a table of processes.

use super::family::Unit;
use super::process::{Process, ProcessOrder, ProcessTable};
use super::series::joined;
use super::time::{Interval, UnixMs};
use super::top::top;
use super::units;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So many are kept by each order, and so many are named in words.
pub const MOST_CULPRITS: usize = 5;

/// The least share of the heaviest one's weight that is said in words.
const WORTH_A_WORD: f64 = 0.05;

/// The five heaviest processes by CPU, by memory and by what they read and write, of a second or of a minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Culprits {
    /// Of a second: when they were scanned. Of a minute or longer: where it begins.
    pub at: UnixMs,
    /// How much time they speak of.
    pub span_ms: Interval,
    /// Each once, also when it is heavy in several ways; the heaviest first; without arguments.
    pub processes: Vec<Process>,
}

impl Culprits {
    /// Those of the second before a scan.
    pub fn of(table: &ProcessTable) -> Self {
        Self { at: table.at, span_ms: Interval::SECOND, processes: heaviest(&table.processes) }
    }

    /// Those of a whole minute, or of longer: of each process the highest figures that were seen within it.
    pub fn over(at: UnixMs, span_ms: Interval, seen: &[Self]) -> Self {
        let mut peaks: BTreeMap<(u32, Option<UnixMs>), Process> = BTreeMap::new();
        for process in seen.iter().flat_map(|culprits| &culprits.processes) {
            let peak = peaks.entry((process.pid, process.started_at)).or_insert_with(|| process.clone());
            raise(peak, process);
        }
        let peaks: Vec<Process> = peaks.into_values().collect();
        Self { at, span_ms, processes: heaviest(&peaks) }
    }

    /// Whether they speak of an instant.
    pub fn holds(&self, at: UnixMs) -> bool {
        self.at <= at && at < self.at + self.span_ms
    }

    /// Who it was, and of how long; empty where there is nobody.
    pub fn told(&self) -> String {
        match self.words() {
            words if words.is_empty() => words,
            words if self.span_ms < Interval::MINUTE => format!("Heaviest: {words}"),
            words if self.span_ms == Interval::MINUTE => format!("Heaviest in that minute: {words}"),
            words => format!("Heaviest in those {}: {words}", units::duration(self.span_ms.ms() as u64 / 1_000)),
        }
    }

    /// The heaviest five with what they are heavy in: `cc1plus 97.0% CPU, 1.20 GiB; postgres writes 3.00 MiB/s`.
    pub fn words(&self) -> String {
        let lists = ProcessOrder::ALL.map(|order| (order, heavy(order, &self.processes)));
        let phrases = self.processes.iter().filter_map(|process| phrase(process, &lists));
        phrases.take(MOST_CULPRITS).collect::<Vec<_>>().join("; ")
    }
}

/// The heaviest of each order, in turns.
fn heaviest(processes: &[Process]) -> Vec<Process> {
    let lists = ProcessOrder::ALL.map(|order| heaviest_by(order, processes));
    let mut chosen: Vec<&Process> = Vec::new();
    for process in (0..MOST_CULPRITS).flat_map(|rank| lists.iter().filter_map(move |list| list.get(rank))) {
        if !chosen.iter().any(|known| std::ptr::eq(*known, *process)) {
            chosen.push(process);
        }
    }
    chosen.into_iter().map(|process| Process { arguments: None, ..process.clone() }).collect()
}

/// Whoever weighs nothing is none of them.
fn heaviest_by(order: ProcessOrder, processes: &[Process]) -> Vec<&Process> {
    let weighty = processes.iter().filter(|process| order.weight(process).is_some_and(|weight| weight > 0.0));
    top(weighty, MOST_CULPRITS, |left, right| order.is_before(left, right))
}

/// The heaviest that are worth a word: beside a compiler nobody asks for whoever weighs a hundredth of it.
fn heavy(order: ProcessOrder, processes: &[Process]) -> Vec<&Process> {
    let mut list = heaviest_by(order, processes);
    let most = list.first().and_then(|process| order.weight(process));
    list.retain(|process| order.weight(process) >= most.map(|most| most * WORTH_A_WORD));
    list
}

/// A process and its figures in those lists that it stands in; `None` where that is none.
fn phrase(process: &Process, lists: &[(ProcessOrder, Vec<&Process>)]) -> Option<String> {
    let heavy_in = lists.iter().filter(|(_, list)| list.iter().any(|one| std::ptr::eq(*one, process)));
    let figures: Vec<String> = heavy_in.flat_map(|(order, _)| figures(*order, process)).collect();
    (!figures.is_empty()).then(|| format!("{} {}", process.name, figures.join(", ")))
}

/// To the higher one of each figure.
fn raise(peak: &mut Process, seen: &Process) {
    peak.cpu_percent = joined(peak.cpu_percent, seen.cpu_percent, f64::max);
    peak.memory_bytes = peak.memory_bytes.max(seen.memory_bytes);
    peak.read_bytes_per_s = peak.read_bytes_per_s.max(seen.read_bytes_per_s);
    peak.written_bytes_per_s = peak.written_bytes_per_s.max(seen.written_bytes_per_s);
    peak.threads = peak.threads.max(seen.threads);
}

/// What an order looks at, in words.
fn figures(order: ProcessOrder, process: &Process) -> Vec<String> {
    let rate = |verb: &str, bytes: Option<u64>| {
        let bytes = bytes.filter(|bytes| *bytes > 0)?;
        Some(format!("{verb} {}", Unit::BytesPerSecond.show(bytes as f64).text()))
    };
    let figures = match order {
        ProcessOrder::Cpu => {
            [process.cpu_percent.map(|percent| format!("{} CPU", Unit::Percent.show(percent).text())), None]
        }
        ProcessOrder::Memory => [process.memory_bytes.map(|bytes| Unit::Bytes.show(bytes as f64).text()), None],
        ProcessOrder::Io => [rate("reads", process.read_bytes_per_s), rate("writes", process.written_bytes_per_s)],
    };
    figures.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;

    fn process(pid: u32, name: &str, cpu: f64, memory_mib: u64, written_mib: Option<u64>) -> Process {
        Process {
            pid,
            name: name.into(),
            cpu_percent: Some(cpu),
            memory_bytes: Some(memory_mib * MIB),
            written_bytes_per_s: written_mib.map(|mib| mib * MIB),
            arguments: Some("--secret".into()),
            ..Process::default()
        }
    }

    fn table(second: i64, processes: Vec<Process>) -> ProcessTable {
        ProcessTable { at: UnixMs(second * 1_000), total: processes.len(), processes }
    }

    #[test]
    fn the_heaviest_are_named_with_what_they_are_heavy_in() {
        let quiet = (10..30).map(|pid| process(pid, "quiet", 0.0, 0, Some(0)));
        let some = (1..=5).map(|pid| process(pid, &format!("some{pid}"), 1.0, u64::from(pid), None));
        for (processes, words) in [
            (vec![], ""),
            (quiet.clone().collect(), ""),
            (
                [process(8, "cc1plus", 97.0, 1_200, None), process(9, "postgres", 40.0, 5, Some(3))]
                    .into_iter()
                    .chain(quiet)
                    .collect(),
                "cc1plus 97.0% CPU, 1.17 GiB; postgres 40.0% CPU, writes 3.00 MiB/s",
            ),
            (
                some.chain([process(8, "cc1plus", 97.0, 0, None), process(9, "postgres", 0.5, 0, Some(3))]).collect(),
                "cc1plus 97.0% CPU; some5 5.00 MiB; postgres writes 3.00 MiB/s; some4 4.00 MiB; some3 3.00 MiB",
            ),
        ] {
            let culprits = Culprits::of(&table(1, processes));
            assert_eq!(culprits.words(), words);
        }
    }

    #[test]
    fn a_minute_tells_the_highest_that_was_seen() {
        let seen = [
            table(61, vec![process(1, "spike", 99.0, 10, None), process(2, "steady", 5.0, 100, Some(1))]),
            table(62, vec![process(1, "spike", 2.0, 90, None), process(2, "steady", 6.0, 100, None)]),
            table(63, vec![process(3, "late", 50.0, 1, None)]),
        ];
        let minute = Culprits::over(UnixMs(60_000), Interval::MINUTE, &seen.map(|table| Culprits::of(&table)));
        assert_eq!(
            minute.words(),
            "spike 99.0% CPU, 90.0 MiB; steady 6.0% CPU, 100 MiB, writes 1.00 MiB/s; late 50.0% CPU"
        );
        assert!(minute.told().starts_with("Heaviest in that minute: spike"));
        let longer = Culprits::over(UnixMs(0), Interval::MINUTE.times(12), std::slice::from_ref(&minute));
        assert_eq!(longer.told(), format!("Heaviest in those 12 min: {}", minute.words()));
        for (second, expected) in [(59, false), (60, true), (119, true), (120, false)] {
            assert_eq!(minute.holds(UnixMs(second * 1_000)), expected, "{second}");
        }
    }

    proptest! {
        #[test]
        fn nobody_heavier_is_left_out(figures in prop::collection::vec((0_u32..9, 0_u64..9, 0_u64..9), 0..40)) {
            let processes = figures.iter().zip(1..).map(|((cpu, memory, written), pid)| {
                process(pid, "one", f64::from(*cpu), *memory, Some(*written))
            });
            let table = table(1, processes.collect());
            let culprits = Culprits::of(&table);
            let is_kept = |pid: u32| culprits.processes.iter().filter(|one| one.pid == pid).count();
            for order in ProcessOrder::ALL {
                let (expected, _) = table.heaviest(order, "", MOST_CULPRITS);
                for process in expected.iter().filter(|process| order.weight(process) > Some(0.0)) {
                    prop_assert_eq!(is_kept(process.pid), 1, "{:?}", order);
                }
            }
            prop_assert!(culprits.processes.len() <= 3 * MOST_CULPRITS);
            prop_assert!(culprits.processes.iter().all(|process| process.arguments.is_none()));
            prop_assert_eq!(Culprits::over(UnixMs(0), Interval::MINUTE, std::slice::from_ref(&culprits)).words(), culprits.words());
        }
    }
}
