//! `cpu` of the limit and `cpu.throttled`, where a quota or a set of CPUs leaves less than all of them.

use super::super::Roots;
use super::super::bytes::{entry, fields, number};
use super::super::file::{KernelFile, word};
use super::{Watch, groups};
use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::Reading;
use crate::server::sampler::rate::Counter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The tightest limit, and where the group that has it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuLimit {
    /// How many cores' worth of time.
    pub cores: f64,
    usage: Usage,
    /// Where it is counted how long a quota held tasks back; a set of CPUs holds nobody back.
    throttled: Option<PathBuf>,
}

/// The group in which it is counted what was used.
#[derive(Clone, Debug, PartialEq)]
enum Usage {
    /// Of version 2.
    Unified(PathBuf),
    /// Of the controller `cpuacct` of version 1.
    Accounting(PathBuf),
}

impl CpuLimit {
    pub fn unified_group(self) -> Option<PathBuf> {
        match self.usage {
            Usage::Unified(group) => Some(group),
            Usage::Accounting(_) => None,
        }
    }
}

/// Of several that are as tight the outermost counts: it is the one that others are in as well.
pub fn find(roots: &Roots) -> Option<CpuLimit> {
    let machine = cpu_count(&roots.sys("devices/system/cpu/online"))?;
    let unified = groups::unified(roots);
    let quotas = unified.iter().filter_map(|group| unified_quota(group));
    let sets = unified.iter().filter_map(|group| {
        let cores = cpu_count(&group.join("cpuset.cpus.effective"))?;
        Some(CpuLimit { cores, usage: Usage::Unified(group.clone()), throttled: None })
    });
    let old_quotas = groups::controller(roots, "cpu").into_iter().filter_map(|group| old_quota(roots, &group));
    let old_sets = groups::controller(roots, "cpuset").into_iter().filter_map(|group| old_set(roots, &group));
    let all = quotas.chain(old_quotas).chain(sets).chain(old_sets);
    all.filter(|limit| limit.cores < machine).min_by(|left, right| left.cores.total_cmp(&right.cores))
}

/// `50000 100000`, or `max 100000` where there is none.
fn unified_quota(group: &Path) -> Option<CpuLimit> {
    let text = word(&group.join("cpu.max"))?;
    let mut fields = fields(&text).map(number);
    let cores = quota(fields.next()??, fields.next()??)?;
    Some(CpuLimit { cores, usage: Usage::Unified(group.to_owned()), throttled: Some(group.join("cpu.stat")) })
}

/// What nobody counts the usage of can't be made a percentage of.
fn old_quota(roots: &Roots, group: &Path) -> Option<CpuLimit> {
    let read = |name: &str| word(&group.join(name)).as_deref().and_then(number);
    let cores = quota(read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?)?;
    let usage = Usage::Accounting(groups::counterpart(roots, "cpu", group, "cpuacct")?);
    Some(CpuLimit { cores, usage, throttled: Some(group.join("cpu.stat")) })
}

fn old_set(roots: &Roots, group: &Path) -> Option<CpuLimit> {
    // Old kernels tell only what was asked for.
    let count = ["cpuset.effective_cpus", "cpuset.cpus"].into_iter().find_map(|name| cpu_count(&group.join(name)));
    let usage = Usage::Accounting(groups::counterpart(roots, "cpuset", group, "cpuacct")?);
    Some(CpuLimit { cores: count?, usage, throttled: None })
}

/// Both in microseconds.
fn quota(quota: u64, period: u64) -> Option<f64> {
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

/// How many there are in `0-3,8`; at least one.
fn cpu_count(path: &Path) -> Option<f64> {
    let list = word(path)?;
    let counts = list.split(|&byte| byte == b',').map(|range| {
        let mut ends = range.splitn(2, |&byte| byte == b'-').map(number);
        let first = ends.next()??;
        let last = ends.next().unwrap_or(Some(first))?;
        Some(last.checked_sub(first)? as f64 + 1.0)
    });
    counts.sum()
}

/// The part of the collector that reads the group whose limit counts.
pub struct LimitedCpu {
    watch: Watch<Option<CpuLimit>>,
    group: Option<Group>,
    cpu: Arc<Family>,
    throttled: Arc<Family>,
}

struct Group {
    cores: f64,
    used: Used,
    user: Counter,
    system: Counter,
    throttled_file: Option<KernelFile>,
    throttled: Counter,
}

/// The files in which it is counted what was used.
enum Used {
    /// One table, and what one of its numbers is worth.
    Table { file: KernelFile, user: &'static [u8], system: &'static [u8], worth_us: u64 },
    /// A file each, in nanoseconds.
    Files { user: KernelFile, system: KernelFile },
}

/// A number of microseconds, and when it was read.
type Count = (u64, Duration);

impl LimitedCpu {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let family = |id, title, dimensions: &[_]| Family::new(id, title, Unit::Percent, interval, dimensions);
        let cpu = [("user", "user"), ("system", "system")];
        let throttled = [("limit", "held back by the limit")];
        Self {
            watch: Watch::new(roots, find),
            group: None,
            cpu: Arc::new(family("cpu", "CPU (of the limit)", &cpu).stacked()),
            throttled: Arc::new(family("cpu.throttled", "CPU: held back by the limit", &throttled)),
        }
    }

    /// Nothing where all CPUs may be used.
    pub fn readings(&mut self, clock: &dyn Clock) -> Vec<Reading> {
        if let Some(limit) = self.watch.look(clock.monotonic()) {
            self.group = limit.as_ref().map(Group::new);
        }
        let Some(group) = &mut self.group else { return Vec::new() };
        let mut readings = vec![Reading::new(&self.cpu, group.percent(clock))];
        if let Some(file) = &mut group.throttled_file {
            let count = file.read(clock).ok().and_then(|contents| Some((throttled(contents.bytes)?, contents.at)));
            readings.push(Reading::new(
                &self.throttled,
                [count.and_then(|(us, at)| group.throttled.percent_of_time(us, at))],
            ));
        }
        readings
    }
}

impl Group {
    fn new(limit: &CpuLimit) -> Self {
        Self {
            cores: limit.cores,
            used: Used::new(&limit.usage),
            user: Counter::default(),
            system: Counter::default(),
            throttled_file: limit.throttled.clone().map(KernelFile::new),
            throttled: Counter::default(),
        }
    }

    /// User and system, of the limit. Where a tick is no multiple of the quota's period, a group has used up to a
    /// period more than its share: together they are never more than all of it.
    fn percent(&mut self, clock: &dyn Clock) -> [Option<f64>; 2] {
        let [user, system] = self.used.read(clock);
        let percent = |counter: &mut Counter, count: Option<Count>| {
            let at = count.map_or(Duration::ZERO, |(_, at)| at);
            counter.per_second_of(count.map(|(us, _)| us), at).map(|us| us / 10_000.0 / self.cores)
        };
        let (user, system) = (percent(&mut self.user, user), percent(&mut self.system, system));
        let Some((user, system)) = user.zip(system) else { return [None; 2] };
        let share = 100.0 / (user + system).max(100.0);
        [Some(user * share), Some(system * share)]
    }
}

impl Used {
    fn new(usage: &Usage) -> Self {
        let file = |group: &Path, name: &str| KernelFile::new(group.join(name));
        match usage {
            Usage::Unified(group) => {
                Self::Table { file: file(group, "cpu.stat"), user: b"user_usec", system: b"system_usec", worth_us: 1 }
            }
            Usage::Accounting(group) if group.join("cpuacct.usage_user").is_file() => {
                Self::Files { user: file(group, "cpuacct.usage_user"), system: file(group, "cpuacct.usage_sys") }
            }
            // Old kernels tell the two apart in ticks of the clock only.
            Usage::Accounting(group) => {
                let worth_us = 1_000_000 / rustix::param::clock_ticks_per_second().max(1);
                Self::Table { file: file(group, "cpuacct.stat"), user: b"user", system: b"system", worth_us }
            }
        }
    }

    fn read(&mut self, clock: &dyn Clock) -> [Option<Count>; 2] {
        match self {
            Self::Table { file, user, system, worth_us } => {
                let Ok(contents) = file.read(clock) else { return [None; 2] };
                [user, system].map(|name| {
                    let count = entry(contents.bytes, name)?.checked_mul(*worth_us)?;
                    Some((count, contents.at))
                })
            }
            Self::Files { user, system } => [user, system].map(|file| {
                let contents = file.read(clock).ok()?;
                Some((number(contents.bytes.trim_ascii_end())? / 1_000, contents.at))
            }),
        }
    }
}

/// Version 2 counts microseconds, version 1 nanoseconds.
fn throttled(table: &[u8]) -> Option<u64> {
    entry(table, b"throttled_usec").or_else(|| Some(entry(table, b"throttled_time")? / 1_000))
}

#[cfg(test)]
mod tests;
