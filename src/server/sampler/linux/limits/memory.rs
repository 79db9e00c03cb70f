//! `memory`, `memory.available` and `swap` of the limit, where a group may have less than all of it.

use super::super::Roots;
use super::super::bytes::{entry, number};
use super::super::file::{KernelFile, word};
use super::{Watch, groups};
use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::Reading;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The tightest limits, each of its own group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryLimits {
    pub memory: Option<Limit>,
    pub swap: Option<Limit>,
}

/// So many bytes of one resource, in the group that is limited to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub bytes: u64,
    group: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Limit {
    fn of(bytes: Option<u64>, group: &Path, version: Version) -> Option<Self> {
        Some(Self { bytes: bytes?, group: group.to_owned(), version })
    }

    pub fn unified_group(self) -> Option<PathBuf> {
        (self.version == Version::Two).then_some(self.group)
    }
}

/// Of several that are as tight the outermost counts: it is the one that others are in as well. Version 1 writes
/// a number that no machine reaches where there is no limit.
pub fn find(roots: &Roots) -> MemoryLimits {
    let Ok(meminfo) = std::fs::read(roots.proc("meminfo")) else { return MemoryLimits::default() };
    let total = |name| entry(&meminfo, name).map_or(0, |kilobytes| kilobytes.saturating_mul(1_024));
    let (total_memory, total_swap) = (total(b"MemTotal:"), total(b"SwapTotal:"));
    let mut limits = MemoryLimits::default();
    let mut tighten = |group: &Path, version, memory, swap| {
        keep_tighter(&mut limits.memory, total_memory, Limit::of(memory, group, version));
        keep_tighter(&mut limits.swap, total_swap, Limit::of(swap, group, version));
    };
    for group in groups::unified(roots) {
        let memory = bytes(&group, "memory.max").filter(|&bytes| bytes > 0);
        tighten(&group, Version::Two, memory, bytes(&group, "memory.swap.max"));
    }
    for (depth, group) in groups::controller(roots, "memory").into_iter().enumerate() {
        let own = bytes(&group, "memory.limit_in_bytes").filter(|&bytes| bytes > 0);
        // What is mounted may lie below groups that can't be seen: the outermost one tells what they leave it.
        let above = (depth == 0).then(|| hierarchical(&group)).flatten();
        // Swap has no limit of its own there, but one together with memory.
        let both = bytes(&group, "memory.memsw.limit_in_bytes");
        let swap = both.zip(own.filter(|&own| own < total_memory)).map(|(both, own)| both.saturating_sub(own));
        tighten(&group, Version::One, own.into_iter().chain(above).min(), swap);
    }
    limits
}

fn keep_tighter(limit: &mut Option<Limit>, total: u64, other: Option<Limit>) {
    let least = limit.as_ref().map_or(total, |limit| limit.bytes);
    if let Some(tighter) = other.filter(|other| other.bytes < least) {
        *limit = Some(tighter);
    }
}

/// Also none where the file says `max`.
fn bytes(group: &Path, name: &str) -> Option<u64> {
    number(&word(&group.join(name))?)
}

fn hierarchical(group: &Path) -> Option<u64> {
    entry(&std::fs::read(group.join("memory.stat")).ok()?, b"hierarchical_memory_limit").filter(|&bytes| bytes > 0)
}

/// The part of the collector that reads the groups whose limits count.
pub struct LimitedMemory {
    watch: Watch<MemoryLimits>,
    memory: Option<Memory>,
    swap: Option<Swap>,
    memory_family: Arc<Family>,
    available_family: Arc<Family>,
    swap_family: Arc<Family>,
}

struct Memory {
    limit: u64,
    usage: KernelFile,
    stat: KernelFile,
    /// What of the usage can be dropped when memory is wanted.
    reclaimable: &'static [&'static [u8]],
}

struct Swap {
    limit: u64,
    usage: KernelFile,
    /// What of that is memory.
    memory: Option<KernelFile>,
}

impl LimitedMemory {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let family = |id, title, dimensions: &[_]| Family::new(id, title, Unit::Bytes, interval, dimensions);
        let memory = [("used", "used"), ("cached", "cached"), ("free", "free")];
        let available = [("available", "available")];
        let swap = [("used", "used"), ("free", "free")];
        Self {
            watch: Watch::new(roots, find),
            memory: None,
            swap: None,
            memory_family: Arc::new(family("memory", "Memory (of the limit)", &memory).stacked()),
            available_family: Arc::new(family("memory.available", "Memory: available (of the limit)", &available)),
            swap_family: Arc::new(family("swap", "Swap (of the limit)", &swap).stacked()),
        }
    }

    /// Nothing where all memory may be used. `host` is what the machine has available.
    pub fn readings(&mut self, clock: &dyn Clock, host: Option<u64>) -> Vec<Reading> {
        if let Some(limits) = self.watch.look(clock.monotonic()) {
            self.memory = limits.memory.as_ref().map(Memory::new);
            self.swap = limits.swap.as_ref().map(Swap::new);
        }
        let Some(memory) = &mut self.memory else { return Vec::new() };
        let parts = memory.read(clock);
        let available = parts.map(|[_, cached, free]| (cached + free).min(host.unwrap_or(u64::MAX)));
        let [used, cached, free] = [0, 1, 2].map(|index| parts.map(|parts| parts[index] as f64));
        vec![
            Reading::new(&self.memory_family, [used, cached, free]),
            Reading::new(&self.available_family, [available.map(|bytes| bytes as f64)]),
        ]
    }

    /// `None` where all swap may be used, and no reading where none may. To be asked after `readings`.
    pub fn swap(&mut self, clock: &dyn Clock) -> Option<Vec<Reading>> {
        let swap = self.swap.as_mut()?;
        if swap.limit == 0 {
            return Some(Vec::new());
        }
        let used = swap.read(clock);
        let free = used.map(|used| (swap.limit - used) as f64);
        Some(vec![Reading::new(&self.swap_family, [used.map(|used| used as f64), free])])
    }
}

impl Memory {
    fn new(limit: &Limit) -> Self {
        let file = |name| KernelFile::new(limit.group.join(name));
        let (usage, reclaimable): (_, &[&[u8]]) = match limit.version {
            Version::Two => ("memory.current", &[b"inactive_file", b"active_file", b"slab_reclaimable"]),
            Version::One => ("memory.usage_in_bytes", &[b"total_inactive_file", b"total_active_file"]),
        };
        Self { limit: limit.bytes, usage: file(usage), stat: file("memory.stat"), reclaimable }
    }

    /// Used, cached and free, which add up to the limit.
    fn read(&mut self, clock: &dyn Clock) -> Option<[u64; 3]> {
        let usage = read(&mut self.usage, clock)?.min(self.limit);
        let stat = self.stat.read(clock).ok()?;
        let reclaimable = self.reclaimable.iter().filter_map(|name| entry(stat.bytes, name));
        let cached = reclaimable.fold(0, u64::saturating_add).min(usage);
        Some([usage - cached, cached, self.limit - usage])
    }
}

impl Swap {
    fn new(limit: &Limit) -> Self {
        let file = |name| KernelFile::new(limit.group.join(name));
        let (usage, memory) = match limit.version {
            Version::Two => ("memory.swap.current", None),
            Version::One => ("memory.memsw.usage_in_bytes", Some(file("memory.usage_in_bytes"))),
        };
        Self { limit: limit.bytes, usage: file(usage), memory }
    }

    fn read(&mut self, clock: &dyn Clock) -> Option<u64> {
        let memory = match &mut self.memory {
            Some(file) => read(file, clock)?,
            None => 0,
        };
        Some(read(&mut self.usage, clock)?.saturating_sub(memory).min(self.limit))
    }
}

fn read(file: &mut KernelFile, clock: &dyn Clock) -> Option<u64> {
    number(file.read(clock).ok()?.bytes.trim_ascii_end())
}

#[cfg(test)]
mod tests;
