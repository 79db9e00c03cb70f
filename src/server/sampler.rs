//! The sampler: one observation of this machine a tick, in order, on a thread of its own.
//!
//! `plan` decides when a tick is, `crew` asks the collectors and waits no longer than it may, `board` makes
//! catalog and sample of what they answered. A recording that is played back (`replay`) stands in for all three.
//! Beside them `processes` scans who runs, only while somebody looks.

pub mod board;
pub mod clock;
pub mod collector;
pub mod crew;
pub mod device_cap;
pub mod facts;
pub mod filling;
pub mod interface;
pub mod kind;
pub mod own;
pub mod plan;
pub mod portable;
pub mod probe;
pub mod processes;
pub mod rate;
pub mod record;
pub mod replay;
pub mod settings;
pub mod stop;
pub mod system;
pub mod together;

/// `linux_depth` is set by build.rs: on Linux, unless the feature `portable` leaves it out.
#[cfg(linux_depth)]
pub mod linux;

/// The one seam between platforms: Linux is read from its own files, the others through `sysinfo`.
#[cfg(linux_depth)]
use linux as platform;
#[cfg(not(linux_depth))]
use portable as platform;

pub use self::processes::Scan;
pub use kind::{SourceKind, SourceKindError};
pub use record::Recorder;
pub use settings::Settings;
pub use stop::Stop;

use crate::model::{Catalog, HostFacts, Interval, LastSeen, Observation};
use crate::server::meter::Meter;
use anyhow::Context;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Something that is observed tick by tick: this machine, or a recording of one.
pub trait Source: Send {
    /// Goes on after what an earlier run took: ids follow its own, and what is missing since then is said.
    fn resume(&mut self, last: LastSeen);

    /// Blocks until stopped; `sink` is given every observation in order.
    fn run(self: Box<Self>, stop: &Stop, sink: &mut dyn FnMut(Observation));
}

/// A source that is ready, and what is known before its first tick.
pub struct Opened {
    pub host: HostFacts,
    /// The families as of now. An `Observation::Catalog` follows only when they change.
    pub catalog: Arc<Catalog>,
    /// The tick. A recording brings its own.
    pub interval: Interval,
    pub source: Box<dyn Source>,
    /// The same machine's processes, to be scanned while somebody looks.
    pub processes: Box<dyn Scan>,
}

/// Takes a first reading of everything, so that the first tick already has rates.
pub fn open(settings: &Settings, meter: Arc<Meter>) -> anyhow::Result<Opened> {
    let clock = Arc::new(clock::SystemClock);
    match &settings.source {
        SourceKind::System => {
            let (host, interval) = (facts::read(), settings.interval);
            let jobs = platform::jobs(settings, &meter);
            let (source, catalog) =
                system::SystemSource::open(jobs, interval, clock, meter).context("the collectors cannot be started")?;
            Ok(Opened { host, catalog, interval, source: Box::new(source), processes: platform::scan(settings) })
        }
        SourceKind::Replay { file, speed, lead } => {
            let tape = replay::Tape::read(file, *speed)?;
            let (host, recorded, interval) = (tape.host().clone(), tape.first_catalog(), tape.interval());
            let source = replay::ReplaySource::new(tape, *lead, clock, Arc::clone(&meter));
            let processes = Box::new(source.processes(settings.with_arguments));
            let source = replay::Capped::new(Box::new(source), &recorded, settings, &meter);
            Ok(Opened { host, catalog: source.catalog(), interval, source: Box::new(source), processes })
        }
    }
}

/// Runs the source on a thread of its own until `stop`.
pub fn spawn(
    source: Box<dyn Source>,
    stop: Stop,
    mut sink: impl FnMut(Observation) + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("sampler".to_owned()).spawn(move || source.run(&stop, &mut sink))
}
