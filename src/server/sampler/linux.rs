//! The collectors of Linux: the kernel's own files, parsed by hand. One file a subsystem.

pub mod bytes;
pub mod disk;
pub mod disk_kind;
pub mod file;
pub mod hierarchy;
pub mod load;
pub mod memory;
pub mod mounts;
pub mod net;
pub mod own;
pub mod pressure;
pub mod probe;
pub mod processes;
pub mod space;
pub mod stat;

#[cfg(test)]
pub mod fixture;
#[cfg(test)]
mod hostile;

use super::Settings;
use super::collector::{Collector, Job, slower};
use super::processes::{Scan, USERS};
use crate::model::Interval;
use crate::server::meter::Meter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the kernel's file systems are mounted; a test gives recorded ones.
#[derive(Clone, Debug)]
pub struct Roots {
    proc: PathBuf,
    sys: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into() }
    }
}

impl Roots {
    /// Both below one directory.
    pub fn below(root: &Path) -> Self {
        Self { proc: root.join("proc"), sys: root.join("sys") }
    }

    pub fn proc(&self, path: &str) -> PathBuf {
        self.proc.join(path)
    }

    pub fn sys(&self, path: &str) -> PathBuf {
        self.sys.join(path)
    }
}

/// File systems fill slowly, and asking each is a system call.
const SPACE_INTERVAL: Interval = Interval::SECOND.times(10);

pub fn jobs(settings: &Settings, meter: &Arc<Meter>) -> Vec<Job> {
    let interval = settings.interval;
    let (roots, meter) = (Roots::default(), Arc::clone(meter));
    let own_roots = roots.clone();
    vec![
        job("stat", &roots, interval, stat::Stat::new),
        job("load", &roots, interval, load::Load::new),
        job("memory", &roots, interval, memory::Memory::new),
        job("pressure", &roots, interval, pressure::Pressure::new),
        job("disk", &roots, interval, disk::Disks::new),
        job("space", &roots, slower(interval, SPACE_INTERVAL), |roots, interval| {
            space::Spaces::new(roots, interval, probe::Statvfs, space::PATIENCE)
        }),
        job("net", &roots, interval, net::Interfaces::new),
        Job::new("self", interval, move || own::Own::new(&own_roots, interval, Arc::clone(&meter))),
    ]
}

pub fn scan(settings: &Settings) -> Box<dyn Scan> {
    Box::new(processes::Processes::new(&Roots::default(), USERS.into(), settings.with_arguments))
}

fn job<C: Collector + 'static>(
    name: &'static str,
    roots: &Roots,
    interval: Interval,
    make: fn(&Roots, Interval) -> C,
) -> Job {
    let roots = roots.clone();
    Job::new(name, interval, move || make(&roots, interval))
}
