//! `telltale record`: samples this machine into a file that `--source replay:FILE` plays back.

use super::{Failure, load, log};
use crate::model::{Interval, Observation, ProcessTable};
use crate::server::config::keys::{INTERVAL, Key};
use crate::server::config::{Flags, value};
use crate::server::meter::Lookers;
use crate::server::processes::{MOST_TOLD, heaviest};
use crate::server::sampler::collector::slower;
use crate::server::sampler::{self, Opened, Recorder, Scan, SourceKind, Stop};
use crate::server::shutdown;
use anyhow::Context;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// How often processes are written: they change slowly, and each table is as long as many samples.
const PROCESSES_INTERVAL: Interval = Interval::SECOND.times(10);

pub(super) const EXAMPLE: &str = "Example:
  telltale record hour.jsonl --for 1h --with-processes
  telltale --source replay:hour.jsonl";

#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// File to write; one that exists is left alone
    pub(super) file: PathBuf,
    /// How long to record, for example 90s or 1h; Ctrl-C ends it sooner
    #[arg(long = "for", value_name = "TIME", value_parser = value::duration)]
    pub(super) time: Duration,
    #[arg(long, value_name = INTERVAL.value_name, help = INTERVAL.help)]
    interval: Option<String>,
    /// Also write a table of all processes every 10 s
    #[arg(long)]
    with_processes: bool,
    /// Configuration file, of which only what is sampled counts here
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn flags(&self) -> Flags {
        let interval: Option<(&'static Key, _)> = self.interval.clone().map(|text| (&INTERVAL, vec![text]));
        Flags { config: self.config.clone(), given: interval.into_iter().collect() }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    log::start()?;
    let config = load(&arguments.flags())?;
    if arguments.time < config.interval.as_duration() {
        let line = "--for: shorter than the interval, so that nothing would be recorded; say a longer time";
        return Err(Failure::Refused(line.to_owned()));
    }
    let name = arguments.file.display();
    let settings = sampler::Settings { source: SourceKind::System, ..config.sampling() };
    let Opened { host, catalog, source, processes, .. } = sampler::open(&settings, Arc::default())?;
    let file = File::create_new(&arguments.file).map_err(|error| Failure::Refused(refusal(&arguments.file, &error)))?;
    let mut recorder = Recorder::new(host, &catalog, file).with_context(|| format!("writing {name}"))?;
    let stop = Stop::new();
    stop_after(arguments.time, stop.clone()).context("waiting for the end of the recording")?;

    let period = slower(config.interval, PROCESSES_INTERVAL);
    let tables = match arguments.with_processes {
        true => scan_aside(processes, period, &stop).context("the processes cannot be scanned")?,
        false => mpsc::channel().1,
    };

    let mut samples = 0_u64;
    let mut written = Ok(());
    source.run(&stop, &mut |observation| {
        samples += u64::from(matches!(observation, Observation::Sample { .. }));
        if written.is_ok() {
            let mut tables = tables.try_iter();
            written = recorder
                .record(&observation)
                .and_then(|()| tables.try_for_each(|table| recorder.record_processes(&heaviest(&table, MOST_TOLD))));
        }
        if written.is_err() {
            stop.stop();
        }
    });
    written.with_context(|| format!("writing {name}"))?;
    tracing::info!("wrote {samples} samples to {name}; play them with: telltale --source replay:{name}");
    Ok(())
}

/// Scans on a thread of its own, so that no tick waits for it.
fn scan_aside(scan: Box<dyn Scan>, period: Interval, stop: &Stop) -> io::Result<mpsc::Receiver<Arc<ProcessTable>>> {
    let lookers = Arc::new(Lookers::default());
    let look = lookers.look();
    let (sender, tables) = mpsc::channel();
    sampler::processes::spawn(scan, period, lookers, stop.clone(), move |table| {
        let _look = &look;
        // Whoever wanted it has come to an end, and so does this.
        table.into_iter().for_each(|table| drop(sender.send(table)));
    })?;
    Ok(tables)
}

fn refusal(file: &Path, error: &io::Error) -> String {
    let mend = match error.kind() {
        io::ErrorKind::AlreadyExists => "remove it, or name another",
        _ => "name a file that can be written",
    };
    format!("cannot write to {}: {error}; {mend}", file.display())
}

/// Stops when the time is over or a signal comes, whichever is first. The waiting is done by a thread that
/// ends with the program.
fn stop_after(time: Duration, stop: Stop) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _inside = runtime.enter();
        shutdown::signals()?
    };
    std::thread::Builder::new().name("end of recording".to_owned()).spawn(move || {
        // Which of the two ended the wait makes no difference.
        let _ = runtime.block_on(async { tokio::time::timeout(time, signals).await });
        stop.stop();
    })?;
    Ok(())
}
