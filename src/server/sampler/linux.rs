//! The collectors of Linux: the kernel's own files, parsed by hand. One file a subsystem.

pub mod battery;
pub mod bytes;
pub mod conntrack;
pub mod cores;
pub mod disk;
pub mod disk_kind;
pub mod file;
pub mod frequency;
pub mod hierarchy;
pub mod limits;
pub mod load;
pub mod memory;
pub mod mounts;
pub mod net;
pub mod own;
pub mod patient;
pub mod pressure;
pub mod processes;
pub mod sensor_label;
pub mod sensors;
pub mod services;
pub mod space;
pub mod stat;
pub mod tcp;
pub mod temperature;
pub mod throttle;
pub mod zram;

#[cfg(test)]
pub mod fixture;
#[cfg(test)]
mod hostile;

use super::collector::{Collector, Job, slower};
use super::device_cap::DeviceCap;
use super::own::Own;
use super::processes::{Scan, USERS};
use super::together::Together;
use super::{Settings, probe};
use crate::model::{DeviceKind, HostLimits, Interval};
use crate::server::meter::Meter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the kernel's file systems are mounted; a test gives recorded ones.
#[derive(Clone, Debug)]
pub struct Roots {
    proc: PathBuf,
    sys: PathBuf,
    other: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into(), other: "/".into() }
    }
}

impl Roots {
    /// All below one directory.
    pub fn below(root: &Path) -> Self {
        Self { proc: root.join("proc"), sys: root.join("sys"), other: root.to_owned() }
    }

    pub fn proc(&self, path: &str) -> PathBuf {
        self.proc.join(path)
    }

    pub fn sys(&self, path: &str) -> PathBuf {
        self.sys.join(path)
    }

    /// What other programs keep, by its path without the first slash: `etc/passwd`.
    pub fn other(&self, path: &str) -> PathBuf {
        self.other.join(path)
    }
}

/// What a container or a control group leaves of the machine.
pub fn limits() -> Option<HostLimits> {
    limits::facts(&Roots::default())
}

/// File systems fill slowly, and asking each is a system call.
const SPACE_INTERVAL: Interval = Interval::SECOND.times(10);

/// What heats, cools and discharges changes slowly, and every sensor is a file of its own.
const SENSORS_INTERVAL: Interval = Interval::SECOND.times(10);

/// Each service is some six files to open, and there may be hundreds of them.
const SERVICES_INTERVAL: Interval = Interval::SECOND.times(5);

pub fn jobs(settings: &Settings, meter: &Arc<Meter>) -> Vec<Job> {
    let interval = settings.interval;
    let cap = |kind| DeviceCap::new(kind, settings, meter);
    let (disks, spaces) = (cap(DeviceKind::Disk), cap(DeviceKind::FileSystem));
    let (interfaces, services) = (cap(DeviceKind::Interface), cap(DeviceKind::Service));
    let (roots, meter) = (Roots::default(), Arc::clone(meter));
    let own_roots = roots.clone();
    vec![
        job("stat", &roots, interval, stat::Stat::new),
        job("load", &roots, interval, load::Load::new),
        job("memory", &roots, interval, |roots, interval| {
            Together::new([boxed(memory::Memory::new(roots, interval)), boxed(zram::Zram::new(roots, interval))])
        }),
        job("pressure", &roots, interval, pressure::Pressure::new),
        job("disk", &roots, interval, move |roots, interval| disk::Disks::new(roots, interval, disks.clone())),
        job("space", &roots, slower(interval, SPACE_INTERVAL), move |roots, interval| {
            space::Spaces::new(roots, interval, spaces.clone(), probe::Statvfs, space::PATIENCE)
        }),
        job("services", &roots, slower(interval, SERVICES_INTERVAL), move |roots, interval| {
            services::Services::new(roots, interval, services.clone())
        }),
        job("net", &roots, interval, move |roots, interval| {
            Together::new([
                boxed(net::Interfaces::new(roots, interval, interfaces.clone())),
                boxed(tcp::Tcp::new(roots, interval)),
                boxed(conntrack::Conntrack::new(roots, interval)),
            ])
        }),
        // Apart from the sensors: on older kernels each busy core takes ten milliseconds to tell its frequency.
        job("frequency", &roots, slower(interval, SENSORS_INTERVAL), |roots, interval| {
            Together::new([
                boxed(throttle::Throttle::new(roots, interval)),
                boxed(frequency::Frequency::new(roots, interval)),
            ])
        }),
        job("sensors", &roots, slower(interval, SENSORS_INTERVAL), |roots, interval| {
            Together::new([
                boxed(temperature::Temperatures::new(roots, interval, temperature::PATIENCE)),
                boxed(battery::Batteries::new(roots, interval, battery::PATIENCE)),
            ])
        }),
        Job::new("self", interval, move || Own::new(own::Process::new(&own_roots), interval, Arc::clone(&meter))),
    ]
}

fn boxed(collector: impl Collector + 'static) -> Box<dyn Collector> {
    Box::new(collector)
}

pub fn scan(settings: &Settings) -> Box<dyn Scan> {
    Box::new(processes::Processes::new(&Roots::default(), USERS.into(), settings.with_arguments))
}

fn job<C: Collector + 'static>(
    name: &'static str,
    roots: &Roots,
    interval: Interval,
    make: impl Fn(&Roots, Interval) -> C + Send + 'static,
) -> Job {
    let roots = roots.clone();
    Job::new(name, interval, move || make(&roots, interval))
}
