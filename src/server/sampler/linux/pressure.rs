//! `pressure.cpu`, `pressure.memory` and `pressure.io`: the time tasks stood still for want of each, from the
//! running totals of `/proc/pressure`, or of the group whose limits Telltale runs in.

use super::Roots;
use super::bytes::{fields, lines, number};
use super::file::{KernelFile, word};
use super::limits::{self, Watch};
use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::rate::Counter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub struct Pressure {
    roots: Roots,
    interval: Interval,
    watch: Watch<Option<PathBuf>>,
    resources: [Resource; 3],
}

struct Resource {
    file: KernelFile,
    /// With and without `full`, which old kernels do not have for the CPU.
    both: Arc<Family>,
    only_some: Arc<Family>,
    /// Which of the two it was last; before the first reading, that of newer kernels.
    has_full: bool,
    some: Counter,
    full: Counter,
}

impl Pressure {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let watch = Watch::new(roots, limits::pressure_group);
        Self { roots: roots.clone(), interval, watch, resources: resources(roots, interval, None) }
    }
}

/// Of a group, as far as it has pressures of its own, else of the machine.
fn resources(roots: &Roots, interval: Interval, group: Option<&Path>) -> [Resource; 3] {
    [("cpu", "CPU"), ("memory", "memory"), ("io", "disks")].map(|(name, title)| {
        let of_group = group.map(|group| group.join(format!("{name}.pressure"))).filter(|path| word(path).is_some());
        let title = format!("Pressure: {title}{}", if of_group.is_some() { " (this group)" } else { "" });
        let family = |dimensions: &[_]| {
            Arc::new(Family::new(&format!("pressure.{name}"), &title, Unit::Percent, interval, dimensions))
        };
        let (some, full) = (("some", "some tasks stalled"), ("full", "all tasks stalled"));
        Resource {
            both: family(&[some, full]),
            only_some: family(&[some]),
            file: KernelFile::new(of_group.unwrap_or_else(|| roots.proc("pressure").join(name))),
            has_full: true,
            some: Counter::default(),
            full: Counter::default(),
        }
    })
}

impl Collector for Pressure {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        if let Some(group) = self.watch.look(clock.monotonic()) {
            self.resources = resources(&self.roots, self.interval, group.as_deref());
        }
        Ok(self.resources.iter_mut().filter_map(|resource| resource.read(clock)).collect())
    }
}

impl Resource {
    /// `None` where the kernel was built or started without it. A file that can't be read leaves its own
    /// values missing and says nothing of the other resources.
    fn read(&mut self, clock: &dyn Clock) -> Option<Reading> {
        let contents = match self.file.read_if_served(clock) {
            Ok(contents) => contents?,
            Err(_) => return Some(self.unreadable()),
        };
        let (some, full) = (total(contents.bytes, b"some"), total(contents.bytes, b"full"));
        let some = self.some.percent_of_time(some?, contents.at);
        self.has_full = full.is_some();
        Some(match full {
            Some(full) => Reading::new(&self.both, [some, self.full.percent_of_time(full, contents.at)]),
            None => Reading::new(&self.only_some, [some]),
        })
    }

    fn unreadable(&mut self) -> Reading {
        self.some.forget();
        self.full.forget();
        let family = if self.has_full { &self.both } else { &self.only_some };
        Reading::new(family, vec![None; family.dimensions.len()])
    }
}

/// The microseconds after `total=` in the line that begins with `name`.
pub fn total(text: &[u8], name: &[u8]) -> Option<u64> {
    lines(text).find_map(|line| {
        let mut fields = fields(line);
        (fields.next()? == name).then(|| fields.find_map(|field| field.strip_prefix(b"total=")).and_then(number))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, ids, values};

    fn write(fixture: &Fixture, name: &str, some: u64, full: Option<u64>) -> std::io::Result<()> {
        let line = |name: &str, total: u64| format!("{name} avg10=0.06 avg60=0.69 avg300=7.78 total={total}\n");
        let text = line("some", some) + &full.map_or(String::new(), |full| line("full", full));
        fixture.write(&format!("proc/pressure/{name}"), text.as_bytes())
    }

    #[test]
    fn stalls_are_shares_of_the_time_that_passed() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Pressure::new(&fixture.roots(), Interval::SECOND);
        assert_eq!(fixture.collect(&mut collector)?, [], "a kernel without it");
        write(&fixture, "cpu", 1_000, None)?;
        write(&fixture, "io", 5_000_000, Some(1_000_000))?;
        let first = fixture.collect(&mut collector)?;
        assert_eq!(ids(&first), ["pressure.cpu", "pressure.io"]);
        write(&fixture, "cpu", 251_000, None)?;
        write(&fixture, "io", 5_400_000, Some(900_000))?;
        let second = fixture.collect(&mut collector)?;
        assert_eq!(values(&second, "pressure.cpu"), Some(&[Some(25.0)][..]), "an old kernel has no full for it");
        assert_eq!(values(&second, "pressure.io"), Some(&[Some(40.0), None][..]), "a total that fell is a gap");
        Ok(())
    }

    #[test]
    fn a_group_with_a_limit_has_pressures_of_its_own() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Pressure::new(&fixture.roots(), Interval::SECOND);
        fixture.write("sys/devices/system/cpu/online", b"0-3\n")?;
        fixture.write("sys/fs/cgroup/cgroup.controllers", b"cpu memory\n")?;
        write(&fixture, "cpu", 0, Some(0))?;
        write(&fixture, "io", 0, Some(0))?;
        let titles = |readings: &[Reading]| readings.iter().map(|reading| reading.family.title.to_string()).collect();
        let machine: Vec<_> = titles(&fixture.collect(&mut collector)?);
        assert_eq!(machine, ["Pressure: CPU", "Pressure: disks"]);
        fixture.write("sys/fs/cgroup/cpu.max", b"50000 100000\n")?;
        fixture.write("sys/fs/cgroup/cpu.pressure", b"some total=0\nfull total=0\n")?;
        (0..5).try_for_each(|_| fixture.collect(&mut collector).map(drop))?;
        fixture.write("sys/fs/cgroup/cpu.pressure", b"some total=500000\nfull total=100000\n")?;
        write(&fixture, "io", 250_000, Some(0))?;
        let limited = fixture.collect(&mut collector)?;
        let seen: Vec<_> = titles(&limited);
        assert_eq!(seen, ["Pressure: CPU (this group)", "Pressure: disks"]);
        assert_eq!(values(&limited, "pressure.cpu"), Some(&[Some(50.0), Some(10.0)][..]));
        assert_eq!(values(&limited, "pressure.io"), Some(&[Some(25.0), Some(0.0)][..]), "the machine's");
        Ok(())
    }

    #[test]
    fn a_file_that_cannot_be_read_leaves_the_others_alone() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Pressure::new(&fixture.roots(), Interval::SECOND);
        write(&fixture, "cpu", 0, None)?;
        write(&fixture, "io", 0, Some(0))?;
        fixture.write("proc/pressure/memory/in-its-place", b"")?;
        fixture.collect(&mut collector)?;
        write(&fixture, "io", 400_000, Some(100_000))?;
        collector.resources[0].file = KernelFile::new(fixture.roots().proc("pressure"));
        let broken = fixture.collect(&mut collector)?;
        assert_eq!(values(&broken, "pressure.cpu"), Some(&[None][..]), "it keeps the shape it had");
        assert_eq!(values(&broken, "pressure.memory"), Some(&[None, None][..]));
        assert_eq!(values(&broken, "pressure.io"), Some(&[Some(40.0), Some(10.0)][..]));
        fixture.remove("proc/pressure/memory")?;
        write(&fixture, "memory", 0, Some(0))?;
        fixture.collect(&mut collector)?;
        write(&fixture, "memory", 500_000, Some(0))?;
        let mended = fixture.collect(&mut collector)?;
        assert_eq!(values(&mended, "pressure.memory"), Some(&[Some(50.0), Some(0.0)][..]));
        Ok(())
    }
}
