//! The collectors of every platform without its own, through `sysinfo`. Compiled everywhere, so that it stays right.

mod processes;

use super::Settings;
use super::clock::Clock;
use super::collector::{Collector, Job, MOST_DEVICES, MOST_DIMENSIONS, Reading, slower};
use super::processes::{Scan, USERS};
use super::rate::Counter;
use crate::model::{Dimension, Family, Interval, Unit, label};
use crate::server::meter::Meter;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use sysinfo::{Disks, Networks, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

const SPACE_INTERVAL: Interval = Interval::SECOND.times(10);

pub fn jobs(settings: &Settings, meter: &Arc<Meter>) -> Vec<Job> {
    let interval = settings.interval;
    let (meter, space_interval) = (Arc::clone(meter), slower(interval, SPACE_INTERVAL));
    vec![
        Job::fallible("cpu", interval, move || Cpu::new(interval)),
        Job::fallible("memory", interval, move || Memory::new(interval)),
        Job::fallible("space", space_interval, move || Spaces::new(space_interval)),
        Job::fallible("net", interval, move || Interfaces::new(interval)),
        Job::fallible("self", interval, move || Own::new(interval, Arc::clone(&meter))),
    ]
}

pub fn scan(settings: &Settings) -> Box<dyn Scan> {
    Box::new(processes::Processes::new(USERS.into(), settings.with_arguments))
}

/// The family `self`, the same on all platforms: each dimension counts something else.
pub fn own_family(interval: Interval) -> Family {
    let dimension = |id: &str, label: &str, unit| Dimension { id: id.into(), label: label.into(), unit: Some(unit) };
    Family {
        dimensions: vec![
            dimension("cpu", "CPU of one core", Unit::Percent),
            dimension("memory", "memory", Unit::Bytes),
            dimension("streams", "open streams", Unit::Count),
            dimension("sent", "sent", Unit::BytesPerSecond),
            dimension("written", "written", Unit::BytesPerSecond),
            dimension("lateness", "lateness", Unit::Milliseconds),
        ],
        ..Family::new("self", "Telltale itself", Unit::Count, interval, &[])
    }
}

struct Cpu {
    system: System,
    interval: Interval,
    /// Usage is measured between two refreshes.
    primed: bool,
    cpu: Arc<Family>,
    cores: Arc<Family>,
    load: Arc<Family>,
}

impl Cpu {
    fn new(interval: Interval) -> anyhow::Result<Self> {
        let load = [("load1", "1 min"), ("load5", "5 min"), ("load15", "15 min")];
        Ok(Self {
            system: System::new()?,
            interval,
            primed: false,
            cpu: Arc::new(Family::new("cpu", "CPU", Unit::Percent, interval, &[("user", "busy")]).stacked()),
            cores: Arc::new(Family::new("cpu.cores", "CPU cores", Unit::Percent, interval, &[])),
            load: Arc::new(Family::new("load", "Load average", Unit::Count, interval, &load)),
        })
    }
}

impl Collector for Cpu {
    fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        self.system.refresh_cpu_usage();
        let cpus = &self.system.cpus()[..self.system.cpus().len().min(MOST_DIMENSIONS)];
        if cpus.len() != self.cores.dimensions.len() {
            let dimensions = (0..cpus.len()).map(|core| Dimension {
                id: core.to_string().into(),
                label: format!("core {core}").into(),
                unit: None,
            });
            let family = Family::new("cpu.cores", "CPU cores", Unit::Percent, self.interval, &[]);
            self.cores = Arc::new(Family { dimensions: dimensions.collect(), ..family });
        }
        let primed = std::mem::replace(&mut self.primed, true);
        let percent = |usage: f32| primed.then(|| f64::from(usage).clamp(0.0, 100.0));
        let cores: Vec<_> = cpus.iter().map(|cpu| percent(cpu.usage())).collect();
        let mut readings = vec![Reading::new(&self.cpu, [percent(self.system.global_cpu_usage())])];
        if !cores.is_empty() {
            readings.push(Reading::new(&self.cores, cores));
        }
        // Windows keeps no load average.
        if let Ok(load) = System::load_average() {
            readings.push(Reading::new(&self.load, [Some(load.one), Some(load.five), Some(load.fifteen)]));
        }
        Ok(readings)
    }
}

struct Memory {
    system: System,
    memory: Arc<Family>,
    available: Arc<Family>,
    swap: Arc<Family>,
}

impl Memory {
    fn new(interval: Interval) -> anyhow::Result<Self> {
        let both = [("used", "used"), ("free", "free")];
        let family = |id, title, dimensions: &[_]| Family::new(id, title, Unit::Bytes, interval, dimensions);
        Ok(Self {
            system: System::new()?,
            memory: Arc::new(family("memory", "Memory", &both).stacked()),
            available: Arc::new(family("memory.available", "Memory: available", &[("available", "available")])),
            swap: Arc::new(family("swap", "Swap", &both).stacked()),
        })
    }
}

impl Collector for Memory {
    fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        self.system.refresh_memory();
        let (total, used) = (self.system.total_memory(), self.system.used_memory());
        anyhow::ensure!(total > 0, "the system names no memory");
        let bytes = |bytes: u64| Some(bytes as f64);
        let mut readings = vec![
            Reading::new(&self.memory, [bytes(used), bytes(total.saturating_sub(used))]),
            Reading::new(&self.available, [bytes(self.system.available_memory())]),
        ];
        if self.system.total_swap() > 0 {
            let (total, used) = (self.system.total_swap(), self.system.used_swap());
            readings.push(Reading::new(&self.swap, [bytes(used), bytes(total.saturating_sub(used))]));
        }
        Ok(readings)
    }
}

struct Spaces {
    disks: Disks,
    interval: Interval,
    /// By mount point.
    families: HashMap<Vec<u8>, Arc<Family>>,
}

impl Spaces {
    fn new(interval: Interval) -> anyhow::Result<Self> {
        Ok(Self { disks: Disks::new()?, interval, families: HashMap::new() })
    }
}

impl Collector for Spaces {
    fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        self.disks.refresh(true);
        let mut seen = HashMap::new();
        let mut readings = Vec::new();
        for disk in self.disks.iter().filter(|disk| disk.total_space() > 0).take(MOST_DEVICES) {
            let point = disk.mount_point().as_os_str().as_encoded_bytes();
            let interval = self.interval;
            let family = self.families.remove(point).unwrap_or_else(|| {
                let (id, title) = (label::id_part(point), label::text(point));
                let dimensions = [("used", "used"), ("reserved", "reserved for root"), ("free", "free")];
                let title = format!("File system {title}: space");
                let family = Family::new(&format!("fs.{id}.space"), &title, Unit::Bytes, interval, &dimensions);
                Arc::new(family.stacked())
            });
            let (total, free) = (disk.total_space(), disk.available_space());
            let values = [Some(total.saturating_sub(free) as f64), Some(0.0), Some(free as f64)];
            readings.push(Reading::new(&family, values));
            seen.insert(point.to_vec(), family);
        }
        self.families = seen;
        Ok(readings)
    }
}

struct Interfaces {
    networks: Networks,
    interval: Interval,
    interfaces: HashMap<OsString, Interface>,
}

struct Interface {
    traffic: Arc<Family>,
    packets: Arc<Family>,
    errors: Arc<Family>,
    counters: [Counter; 6],
}

impl Interfaces {
    fn new(interval: Interval) -> anyhow::Result<Self> {
        Ok(Self { networks: Networks::new()?, interval, interfaces: HashMap::new() })
    }
}

impl Interface {
    fn new(name: &[u8], interval: Interval) -> Self {
        let (id, title) = (label::id_part(name), label::text(name));
        let family = |end: &str, what: &str, unit| {
            let title = format!("Network {title}: {what}");
            let dimensions = [("received", "received"), ("sent", "sent")];
            Arc::new(Family::new(&format!("net.{id}.{end}"), &title, unit, interval, &dimensions))
        };
        Self {
            traffic: family("traffic", "traffic", Unit::BytesPerSecond),
            packets: family("packets", "packets", Unit::PerSecond),
            errors: family("errors", "errors", Unit::PerSecond),
            counters: Default::default(),
        }
    }
}

impl Collector for Interfaces {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        self.networks.refresh(true);
        let at = clock.monotonic();
        let mut networks: Vec<_> = self.networks.iter().filter(|(name, _)| !is_loopback(name)).collect();
        networks.sort_by(|left, right| left.0.cmp(right.0));
        let mut before = std::mem::take(&mut self.interfaces);
        let mut readings = Vec::with_capacity(networks.len() * 3);
        for (name, data) in networks {
            let counts = [
                data.total_received(),
                data.total_transmitted(),
                data.total_packets_received(),
                data.total_packets_transmitted(),
                data.total_errors_on_received(),
                data.total_errors_on_transmitted(),
            ];
            let carried = counts[2] > 0 || counts[3] > 0;
            if !carried || self.interfaces.len() >= MOST_DEVICES {
                continue;
            }
            let mut interface =
                before.remove(name).unwrap_or_else(|| Interface::new(name.as_encoded_bytes(), self.interval));
            let mut rates = [None; 6];
            for ((rate, counter), count) in rates.iter_mut().zip(&mut interface.counters).zip(counts) {
                *rate = counter.per_second(count, at);
            }
            readings.push(Reading::new(&interface.traffic, &rates[..2]));
            readings.push(Reading::new(&interface.packets, &rates[2..4]));
            readings.push(Reading::new(&interface.errors, &rates[4..]));
            self.interfaces.insert(name.clone(), interface);
        }
        Ok(readings)
    }
}

fn is_loopback(name: &OsStr) -> bool {
    name == "lo" || name == "lo0"
}

struct Own {
    system: System,
    /// Absent where the platform has no processes.
    pid: Option<Pid>,
    meter: Arc<Meter>,
    family: Arc<Family>,
    cpu: Counter,
    sent: Counter,
    written: Counter,
}

impl Own {
    fn new(interval: Interval, meter: Arc<Meter>) -> anyhow::Result<Self> {
        Ok(Self {
            system: System::new()?,
            pid: sysinfo::get_current_pid().ok(),
            meter,
            family: Arc::new(own_family(interval)),
            cpu: Counter::default(),
            sent: Counter::default(),
            written: Counter::default(),
        })
    }
}

impl Collector for Own {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let kinds = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        if let Some(pid) = self.pid {
            self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kinds);
        }
        let process = self.pid.and_then(|pid| self.system.process(pid));
        let at = clock.monotonic();
        let spent_ms = process.map(sysinfo::Process::accumulated_cpu_time);
        Ok(vec![Reading::new(
            &self.family,
            [
                self.cpu.per_second_of(spent_ms, at).map(|ms_per_second| ms_per_second / 10.0),
                process.map(|process| process.memory() as f64),
                Some(self.meter.streams() as f64),
                self.sent.per_second(self.meter.sent_bytes(), at),
                self.written.per_second(self.meter.written_bytes(), at),
                Some(self.meter.lateness_us() as f64 / 1_000.0),
            ],
        )])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::board::Board;
    use crate::server::sampler::clock::SystemClock;
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
