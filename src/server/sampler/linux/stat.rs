//! `cpu`, `cpu.cores`, `tasks`, `processes` and `interrupts`, from `/proc/stat` and, for the number of tasks, `/proc/loadavg`.
//! Where Telltale's group may not use all CPUs, `cpu` is of the limit, and what `/proc/stat` says is `cpu.host`.

use super::Roots;
use super::bytes::{fields, lines, number, numbers};
use super::file::KernelFile;
use super::limits::LimitedCpu;
use crate::model::{Dimension, Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, MOST_DIMENSIONS, Reading};
use crate::server::sampler::rate::Counter;
use std::sync::Arc;

/// user nice system idle iowait irq softirq steal. Time of guests is part of user and nice, so that these
/// eight are all the time there is.
type Times = [u64; 8];
const IDLE: usize = 3;
const IOWAIT: usize = 4;

pub struct Stat {
    stat: KernelFile,
    loadavg: KernelFile,
    limited: LimitedCpu,
    interval: Interval,
    cpu: Arc<Family>,
    host: Arc<Family>,
    cores: Arc<Family>,
    tasks: Arc<Family>,
    processes: Arc<Family>,
    interrupts: Arc<Family>,
    last_cpu: Option<Times>,
    /// By the number of the core, in the order of the family's dimensions.
    last_cores: Vec<(u64, Times)>,
    started: Counter,
    context_switches: Counter,
    interrupt_count: Counter,
}

/// One reading of `/proc/stat`.
#[derive(Default)]
struct Counts {
    cpu: Option<Times>,
    cores: Vec<(u64, Times)>,
    started: Option<u64>,
    context_switches: Option<u64>,
    interrupts: Option<u64>,
    running: Option<u64>,
    blocked: Option<u64>,
}

impl Stat {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let family = |id, title, unit, dimensions: &[_]| Family::new(id, title, unit, interval, dimensions);
        let cpu = [
            ("user", "user"),
            ("nice", "nice"),
            ("system", "system"),
            ("iowait", "waiting for disks"),
            ("irq", "interrupts"),
            ("softirq", "soft interrupts"),
            ("steal", "stolen by the hypervisor"),
        ];
        let tasks = [("running", "running"), ("blocked", "blocked"), ("total", "total")];
        let interrupts = [("context_switches", "context switches"), ("interrupts", "interrupts")];
        Self {
            stat: KernelFile::new(roots.proc("stat")),
            loadavg: KernelFile::new(roots.proc("loadavg")),
            limited: LimitedCpu::new(roots, interval),
            interval,
            cpu: Arc::new(family("cpu", "CPU", Unit::Percent, &cpu).stacked()),
            host: Arc::new(family("cpu.host", "CPU of the host", Unit::Percent, &cpu).stacked()),
            cores: Arc::new(family("cpu.cores", "", Unit::Percent, &[])),
            tasks: Arc::new(family("tasks", "Tasks", Unit::Count, &tasks)),
            processes: Arc::new(family("processes", "Processes started", Unit::PerSecond, &[("started", "started")])),
            interrupts: Arc::new(family("interrupts", "Interrupts and context switches", Unit::PerSecond, &interrupts)),
            last_cpu: None,
            last_cores: Vec::new(),
            started: Counter::default(),
            context_switches: Counter::default(),
            interrupt_count: Counter::default(),
        }
    }

    /// Busy time of each core; the family changes when a core goes offline or comes back, and with its title.
    fn cores(&mut self, cores: Vec<(u64, Times)>, title: &str) -> Vec<Option<f64>> {
        let same = self.last_cores.iter().map(|core| core.0).eq(cores.iter().map(|core| core.0));
        if !same || *self.cores.title != *title {
            let dimensions = cores.iter().map(|(number, _)| Dimension {
                id: number.to_string().into(),
                label: format!("core {number}").into(),
                unit: None,
            });
            let family = Family::new("cpu.cores", title, Unit::Percent, self.interval, &[]);
            self.cores = Arc::new(Family { dimensions: dimensions.collect(), ..family });
        }
        let busy = |&(number, now): &(u64, Times)| {
            let (_, last) = self.last_cores.iter().find(|(other, _)| *other == number)?;
            let shares = shares(last, &now)?;
            Some((100.0 - shares[IDLE] - shares[IOWAIT]).max(0.0))
        };
        let values = cores.iter().map(busy).collect();
        self.last_cores = cores;
        values
    }
}

impl Collector for Stat {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        // The number of tasks alone is not worth failing for.
        let total = self.loadavg.read(clock).ok().and_then(|contents| task_count(contents.bytes));
        let contents = self.stat.read(clock)?;
        let (counts, at) = (parse(contents.bytes), contents.at);
        anyhow::ensure!(counts.cpu.is_some(), "{} has no line for all cores", self.stat.path().display());
        let cpu = self.last_cpu.zip(counts.cpu).and_then(|(last, now)| shares(&last, &now));
        self.last_cpu = counts.cpu;
        let shown = (0..8).filter(|&index| index != IDLE);
        let cpu: Vec<_> = shown.map(|index| cpu.map(|shares| shares[index])).collect();
        let mut readings = self.limited.readings(clock);
        let (family, title) =
            if readings.is_empty() { (&self.cpu, "CPU cores") } else { (&self.host, "CPU cores of the host") };
        readings.push(Reading::new(family, cpu));
        let cores = self.cores(counts.cores, title);
        let count = |count: Option<u64>| count.map(|count| count as f64);
        let started = self.started.per_second_of(counts.started, at);
        let interrupts = [
            self.context_switches.per_second_of(counts.context_switches, at),
            self.interrupt_count.per_second_of(counts.interrupts, at),
        ];
        if !cores.is_empty() {
            readings.push(Reading::new(&self.cores, cores));
        }
        readings.push(Reading::new(&self.tasks, [count(counts.running), count(counts.blocked), count(total)]));
        readings.push(Reading::new(&self.processes, [started]));
        readings.push(Reading::new(&self.interrupts, interrupts));
        Ok(readings)
    }
}

fn parse(text: &[u8]) -> Counts {
    let mut counts = Counts::default();
    for line in lines(text) {
        // The line of interrupts has thousands of fields; only its first is looked at.
        let mut fields = fields(line);
        let Some(name) = fields.next() else { continue };
        match name {
            b"cpu" => counts.cpu = times(fields),
            b"ctxt" => counts.context_switches = fields.next().and_then(number),
            b"intr" => counts.interrupts = fields.next().and_then(number),
            b"processes" => counts.started = fields.next().and_then(number),
            b"procs_running" => counts.running = fields.next().and_then(number),
            b"procs_blocked" => counts.blocked = fields.next().and_then(number),
            _ => {
                let core = name.strip_prefix(b"cpu").and_then(number).zip(times(fields));
                if let Some(core) = core.filter(|_| counts.cores.len() < MOST_DIMENSIONS) {
                    counts.cores.push(core);
                }
            }
        }
    }
    counts
}

/// Old kernels have fewer columns; those are zero.
fn times<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Option<Times> {
    let mut times = Times::default();
    (numbers(fields, &mut times) > IDLE).then_some(times)
}

/// Each column's share of all time that passed, in percent. Idle and iowait are known to step back a
/// little on idle kernels and count as nothing then; any other column that falls was reset.
fn shares(last: &Times, now: &Times) -> Option<[f64; 8]> {
    let mut grown = [0.0; 8];
    for (index, grown) in grown.iter_mut().enumerate() {
        *grown = match now[index].checked_sub(last[index]) {
            Some(grown) => grown as f64,
            None if index == IDLE || index == IOWAIT => 0.0,
            None => return None,
        };
    }
    let all: f64 = grown.iter().sum();
    (all > 0.0).then(|| grown.map(|grown| grown / all * 100.0))
}

/// The second number of `3/456`: all the kernel schedules.
fn task_count(loadavg: &[u8]) -> Option<u64> {
    let field = fields(loadavg).nth(3)?;
    number(&field[field.iter().position(|&byte| byte == b'/')? + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, ids, values};

    const FIRST: &str = "cpu  100 0 50 800 40 5 5 0 0 0\ncpu0 50 0 25 400 20 5 5 0 0 0\n\
        cpu1 50 0 25 400 20 0 0 0 0 0\nintr 1000 1 2 3\nctxt 5000\nbtime 1\nprocesses 9\n\
        procs_running 2\nprocs_blocked 1\nsoftirq 1 2\n";
    const SECOND: &str = "cpu  120 10 60 930 50 6 8 16 20 0\ncpu0 60 0 25 490 20 5 5 0 0 0\n\
        cpu1 50 10 35 450 30 1 3 16 0 0\nintr 1500 1 2 3\nctxt 5200\nprocesses 16\nprocs_running 1\nprocs_blocked 0\n";

    fn stat(fixture: &Fixture, text: &str) -> std::io::Result<()> {
        fixture.write("proc/loadavg", b"0.1 0.2 0.3 3/456 789\n")?;
        fixture.write("proc/stat", text.as_bytes())
    }

    #[test]
    fn time_is_shared_among_all_that_spend_it() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Stat::new(&fixture.roots(), Interval::SECOND);
        stat(&fixture, FIRST)?;
        let first = fixture.collect(&mut collector)?;
        assert_eq!(ids(&first), ["cpu", "cpu.cores", "tasks", "processes", "interrupts"]);
        assert_eq!(values(&first, "cpu"), Some(&[None; 7][..]), "the first reading has nothing to compare with");
        assert_eq!(values(&first, "tasks"), Some(&[Some(2.0), Some(1.0), Some(456.0)][..]));
        stat(&fixture, SECOND)?;
        let second = fixture.collect(&mut collector)?;
        let expected = [10.0, 5.0, 5.0, 5.0, 0.5, 1.5, 8.0].map(Some);
        assert_eq!(values(&second, "cpu"), Some(&expected[..]), "200 jiffies, 130 of them idle");
        assert_eq!(values(&second, "cpu.cores"), Some(&[Some(10.0), Some(40.0)][..]));
        assert_eq!(values(&second, "processes"), Some(&[Some(7.0)][..]));
        assert_eq!(values(&second, "interrupts"), Some(&[Some(200.0), Some(500.0)][..]));
        Ok(())
    }

    #[test]
    fn a_limit_changes_whose_cpu_it_is() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Stat::new(&fixture.roots(), Interval::SECOND);
        fixture.write("sys/devices/system/cpu/online", b"0-1\n")?;
        fixture.write("sys/fs/cgroup/cgroup.controllers", b"cpu\n")?;
        stat(&fixture, FIRST)?;
        for (limit, expected) in [
            (
                "50000 100000\n",
                &["cpu", "cpu.throttled", "cpu.host", "cpu.cores", "tasks", "processes", "interrupts"][..],
            ),
            ("max 100000\n", &["cpu", "cpu.cores", "tasks", "processes", "interrupts"]),
        ] {
            fixture.write("sys/fs/cgroup/cpu.max", limit.as_bytes())?;
            (0..5).try_for_each(|_| fixture.collect(&mut collector).map(drop))?;
            let readings = fixture.collect(&mut collector)?;
            assert_eq!(ids(&readings), expected);
            let titles = readings.iter().map(|reading| &*reading.family.title);
            let of_host = titles.filter(|title| title.ends_with("of the host")).count();
            assert_eq!(
                of_host,
                if expected.contains(&"cpu.host") { 2 } else { 0 },
                "the cores are the machine's either way"
            );
        }
        Ok(())
    }

    #[test]
    fn a_reset_is_a_gap_and_idle_stepping_back_is_not() -> anyhow::Result<()> {
        let times = |user, idle, iowait| [user, 0, 0, idle, iowait, 0, 0, 0];
        for (last, now, user) in [
            (times(10, 100, 10), times(60, 150, 10), Some(50.0)),
            (times(10, 100, 10), times(60, 150, 9), Some(50.0)),
            (times(10, 100, 10), times(60, 99, 10), Some(100.0)),
            (times(10, 100, 10), times(9, 150, 10), None),
            (times(10, 100, 10), times(10, 100, 10), None),
        ] {
            assert_eq!(shares(&last, &now).map(|shares| shares[0]), user, "{now:?}");
        }
        Ok(())
    }

    #[test]
    fn a_core_that_goes_offline_leaves_the_catalog() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Stat::new(&fixture.roots(), Interval::SECOND);
        for (text, cores) in [
            ("cpu 1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\n", &["0", "1"][..]),
            ("cpu 2 2 2 2\ncpu1 2 2 2 2\n", &["1"]),
            ("cpu 3 3 3 3\n", &[]),
        ] {
            stat(&fixture, text)?;
            let readings = fixture.collect(&mut collector)?;
            let family = readings.iter().find(|reading| &*reading.family.id == "cpu.cores");
            let seen: Vec<_> = family.iter().flat_map(|reading| &reading.family.dimensions).map(|d| &*d.id).collect();
            assert_eq!(seen, cores);
            assert_eq!(family.map_or(0, |reading| reading.values.len()), cores.len());
        }
        stat(&fixture, "nothing of use\n")?;
        assert!(fixture.collect(&mut collector).is_err());
        Ok(())
    }
}
