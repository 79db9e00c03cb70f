//! `memory`, `memory.available`, `swap` and `swap.io`, from `/proc/meminfo` and `/proc/vmstat`.
//! Where Telltale's group may not use all memory, the first three are of the limit, and the machine's is `memory.host`.

use super::Roots;
use super::bytes::{entries, fields, lines, number};
use super::file::KernelFile;
use super::limits::LimitedMemory;
use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::rate::Counter;
use std::sync::Arc;

pub struct Memory {
    meminfo: KernelFile,
    vmstat: KernelFile,
    page_bytes: u64,
    limited: LimitedMemory,
    memory: Arc<Family>,
    host: Arc<Family>,
    available: Arc<Family>,
    swap: Arc<Family>,
    swap_io: Arc<Family>,
    swapped_in: Counter,
    swapped_out: Counter,
}

/// The entries of `/proc/meminfo` that are used, in bytes.
#[derive(Default)]
struct Info {
    total: Option<u64>,
    free: Option<u64>,
    available: Option<u64>,
    buffers: u64,
    cached: u64,
    reclaimable: u64,
    shared: u64,
    swap_total: u64,
    swap_free: u64,
}

impl Memory {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let family = |id, title, unit, dimensions: &[_]| Family::new(id, title, unit, interval, dimensions);
        let memory = [("used", "used"), ("buffers", "buffers"), ("cached", "cached"), ("free", "free")];
        let available = [("available", "available")];
        let swap = [("used", "used"), ("free", "free")];
        let swap_io = [("in", "in"), ("out", "out")];
        Self {
            meminfo: KernelFile::new(roots.proc("meminfo")),
            vmstat: KernelFile::new(roots.proc("vmstat")),
            page_bytes: rustix::param::page_size() as u64,
            limited: LimitedMemory::new(roots, interval),
            memory: Arc::new(family("memory", "Memory", Unit::Bytes, &memory).stacked()),
            host: Arc::new(family("memory.host", "Memory of the host", Unit::Bytes, &memory).stacked()),
            available: Arc::new(family("memory.available", "Memory: available", Unit::Bytes, &available)),
            swap: Arc::new(family("swap", "Swap", Unit::Bytes, &swap).stacked()),
            swap_io: Arc::new(family("swap.io", "Swap: throughput", Unit::BytesPerSecond, &swap_io)),
            swapped_in: Counter::default(),
            swapped_out: Counter::default(),
        }
    }

    /// Null where the kernel's file can't be read: that is no reason to lose the rest.
    fn swap_rates(&mut self, clock: &dyn Clock) -> [Option<f64>; 2] {
        let (mut pages_in, mut pages_out, mut read_at) = (None, None, std::time::Duration::ZERO);
        if let Ok(contents) = self.vmstat.read(clock) {
            read_at = contents.at;
            [pages_in, pages_out] = entries(contents.bytes, [b"pswpin", b"pswpout"]);
        }
        let bytes = self.page_bytes as f64;
        [
            self.swapped_in.per_second_of(pages_in, read_at).map(|pages| pages * bytes),
            self.swapped_out.per_second_of(pages_out, read_at).map(|pages| pages * bytes),
        ]
    }
}

impl Collector for Memory {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let info = parse(self.meminfo.read(clock)?.bytes);
        let Some((total, free)) = info.total.zip(info.free) else {
            anyhow::bail!("{} names no total or no free memory", self.meminfo.path().display());
        };
        // Shared memory lies in the page cache but can't be dropped: it is used, not cached.
        let cached = (info.cached + info.reclaimable).saturating_sub(info.shared);
        let used = total.saturating_sub(free + info.buffers + cached);
        let bytes = |bytes: u64| Some(bytes as f64);
        let values = [bytes(used), bytes(info.buffers), bytes(cached), bytes(free)];
        let mut readings = self.limited.readings(clock, info.available);
        if !readings.is_empty() {
            readings.push(Reading::new(&self.host, values));
        } else {
            readings.push(Reading::new(&self.memory, values));
            if let Some(available) = info.available {
                readings.push(Reading::new(&self.available, [bytes(available)]));
            }
        }
        if info.swap_total > 0 {
            let used = info.swap_total.saturating_sub(info.swap_free);
            let of_host = || vec![Reading::new(&self.swap, [bytes(used), bytes(info.swap_free)])];
            readings.extend(self.limited.swap(clock).unwrap_or_else(of_host));
            let rates = self.swap_rates(clock);
            readings.push(Reading::new(&self.swap_io, rates));
        }
        Ok(readings)
    }
}

fn parse(text: &[u8]) -> Info {
    let mut info = Info::default();
    for line in lines(text) {
        let mut fields = fields(line);
        let Some(name) = fields.next() else { continue };
        let mut bytes = || fields.next().and_then(number).map(|kilobytes| kilobytes.saturating_mul(1_024));
        match name {
            b"MemTotal:" => info.total = bytes(),
            b"MemFree:" => info.free = bytes(),
            b"MemAvailable:" => info.available = bytes(),
            b"Buffers:" => info.buffers = bytes().unwrap_or(0),
            b"Cached:" => info.cached = bytes().unwrap_or(0),
            b"Shmem:" => info.shared = bytes().unwrap_or(0),
            b"SwapTotal:" => info.swap_total = bytes().unwrap_or(0),
            b"SwapFree:" => info.swap_free = bytes().unwrap_or(0),
            b"SReclaimable:" => {
                info.reclaimable = bytes().unwrap_or(0);
                // The last entry of interest; some twenty more follow.
                break;
            }
            _ => {}
        }
    }
    info
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, ids, values};

    const MEMINFO: &str = "MemTotal: 1000 kB\nMemFree: 200 kB\nMemAvailable: 600 kB\nBuffers: 50 kB\nCached: 400 kB\n\
        SwapCached: 0 kB\nSwapTotal: 500 kB\nSwapFree: 400 kB\nShmem: 30 kB\nSlab: 90 kB\nSReclaimable: 60 kB\n";

    #[test]
    fn memory_adds_up_to_all_of_it() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Memory::new(&fixture.roots(), Interval::SECOND);
        fixture.write("proc/meminfo", MEMINFO.as_bytes())?;
        fixture.write("proc/vmstat", b"nr_free_pages 1\npswpin 10\npswpout 20\n")?;
        let first = fixture.collect(&mut collector)?;
        assert_eq!(ids(&first), ["memory", "memory.available", "swap", "swap.io"]);
        let kilobytes = |values: &[u64]| values.iter().map(|&value| Some((value * 1024) as f64)).collect::<Vec<_>>();
        assert_eq!(values(&first, "memory"), Some(&kilobytes(&[320, 50, 430, 200])[..]));
        assert_eq!(values(&first, "memory.available"), Some(&kilobytes(&[600])[..]));
        assert_eq!(values(&first, "swap"), Some(&kilobytes(&[100, 400])[..]));
        assert_eq!(values(&first, "swap.io"), Some(&[None, None][..]));
        fixture.write("proc/vmstat", b"pswpin 11\npswpout 22\n")?;
        let page = rustix::param::page_size() as f64;
        assert_eq!(values(&fixture.collect(&mut collector)?, "swap.io"), Some(&[Some(page), Some(2.0 * page)][..]));
        fixture.remove("proc/vmstat")?;
        fixture.write("proc/vmstat", b"")?;
        fixture.collect(&mut collector)?;
        Ok(())
    }

    #[test]
    fn a_limit_changes_whose_memory_it_is() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Memory::new(&fixture.roots(), Interval::SECOND);
        fixture.write("proc/meminfo", MEMINFO.as_bytes())?;
        fixture.write("sys/fs/cgroup/cgroup.controllers", b"memory\n")?;
        for (limit, swap, expected) in [
            ("4096\n", "max\n", &["memory", "memory.available", "memory.host", "swap", "swap.io"][..]),
            ("4096\n", "0\n", &["memory", "memory.available", "memory.host", "swap.io"]),
            ("max\n", "4096\n", &["memory", "memory.available", "swap", "swap.io"]),
        ] {
            fixture.write("sys/fs/cgroup/memory.max", limit.as_bytes())?;
            fixture.write("sys/fs/cgroup/memory.swap.max", swap.as_bytes())?;
            (0..5).try_for_each(|_| fixture.collect(&mut collector).map(drop))?;
            assert_eq!(ids(&fixture.collect(&mut collector)?), expected, "{limit} {swap}");
        }
        Ok(())
    }

    #[test]
    fn what_a_machine_lacks_is_left_out() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Memory::new(&fixture.roots(), Interval::SECOND);
        fixture.write("proc/meminfo", b"MemTotal: 1000 kB\nMemFree: 200 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")?;
        assert_eq!(ids(&fixture.collect(&mut collector)?), ["memory"]);
        fixture.write("proc/meminfo", b"MemFree: 200 kB\n")?;
        assert!(fixture.collect(&mut collector).is_err());
        Ok(())
    }
}
