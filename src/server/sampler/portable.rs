//! The collectors of every platform without its own, through `sysinfo`. One file a subsystem. Compiled
//! everywhere, so that it stays right.

pub mod cpu;
pub mod disk;
pub mod memory;
pub mod net;
pub mod own;
pub mod processes;
pub mod space;
pub mod temperature;

use super::Settings;
use super::collector::{Job, slower};
use super::device_cap::DeviceCap;
use super::own::Own;
use super::processes::{Scan, USERS};
use crate::model::{DeviceKind, HostLimits, Interval};
use crate::server::meter::Meter;
use std::sync::Arc;

/// What changes slowly and is dear to ask for.
const SLOW_INTERVAL: Interval = Interval::SECOND.times(10);

/// Limits are asked of Linux only.
pub fn limits() -> Option<HostLimits> {
    None
}

pub fn jobs(settings: &Settings, meter: &Arc<Meter>) -> Vec<Job> {
    let interval = settings.interval;
    let cap = |kind| DeviceCap::new(kind, settings, meter);
    let (disks, spaces, interfaces) = (cap(DeviceKind::Disk), cap(DeviceKind::FileSystem), cap(DeviceKind::Interface));
    let meter = Arc::clone(meter);
    let slow = slower(interval, SLOW_INTERVAL);
    vec![
        Job::fallible("cpu", interval, move || cpu::Cpu::new(interval)),
        Job::fallible("memory", interval, move || memory::Memory::new(interval)),
        Job::fallible("disk", interval, move || disk::Throughput::new(interval, disks.clone())),
        Job::fallible("space", slow, move || space::Spaces::new(slow, spaces.clone())),
        Job::fallible("net", interval, move || net::Interfaces::new(interval, interfaces.clone())),
        Job::new("temperature", slow, move || temperature::Temperatures::new(slow)),
        Job::fallible("self", interval, move || Ok(Own::new(own::Process::new()?, interval, Arc::clone(&meter)))),
    ]
}

pub fn scan(settings: &Settings) -> Box<dyn Scan> {
    Box::new(processes::Processes::new(USERS.into(), settings.with_arguments))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::board::Board;
    use crate::server::sampler::clock::{Clock, SystemClock};
    use crate::server::sampler::crew::{Crew, Outcome};
    use std::time::Duration;

    #[test]
    fn every_platform_has_the_base() -> anyhow::Result<()> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut crew = Crew::start(jobs(&Settings::default(), &Arc::default()), &clock)?;
        let outcomes = crew.collect(None, Duration::from_secs(20));
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Read(_))), "{outcomes:?}");
        let mut board = Board::default();
        board.learn(&outcomes);
        let ids: Vec<_> = board.catalog().iter().map(|family| &*family.id).collect();
        for id in ["cpu", "cpu.cores", "load", "memory", "memory.available", "self"] {
            assert!(ids.contains(&id), "{id} in {ids:?}");
        }
        assert!(!board.learn(&crew.collect(None, Duration::from_secs(20))), "a second reading changes nothing");
        Ok(())
    }
}
