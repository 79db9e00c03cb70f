//! `cpu.thermal`: how often the CPU slowed itself down because it was hot.

use super::Roots;
use super::bytes::number;
use super::cores::cores;
use super::file::word;
use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::rate::Counter;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

pub struct Throttle {
    roots: Roots,
    family: Arc<Family>,
    /// Where each thread is; that never changes.
    places: HashMap<u64, Place>,
    core: Sum,
    package: Sum,
}

/// The sum of counters, each of which is repeated in several places.
#[derive(Default)]
struct Sum {
    counter: Counter,
    /// Whose counters it was made of last.
    parts: BTreeSet<Place>,
}

/// Package and core; only the package for what is counted a package.
type Place = (Option<Vec<u8>>, Option<Vec<u8>>);

impl Throttle {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let dimensions = [("core", "a core"), ("package", "a package")];
        let family = Family::new("cpu.thermal", "Thermal throttling", Unit::PerSecond, interval, &dimensions);
        Self {
            roots: roots.clone(),
            family: Arc::new(family),
            places: HashMap::new(),
            core: Sum::default(),
            package: Sum::default(),
        }
    }
}

impl Collector for Throttle {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let (mut core, mut package) = (Counts::default(), Counts::default());
        for (thread, directory) in cores(&self.roots) {
            let counters = directory.join("thermal_throttle");
            if !counters.is_dir() {
                continue;
            }
            let topology = |name: &str| word(&directory.join("topology").join(name));
            let read = || (topology("physical_package_id"), topology("core_id"));
            let place = self.places.entry(thread).or_insert_with(read);
            package.add((place.0.clone(), None), &counters.join("package_throttle_count"));
            core.add(place.clone(), &counters.join("core_throttle_count"));
        }
        let at = clock.monotonic();
        if core.parts.is_empty() && package.parts.is_empty() {
            return Ok(Vec::new());
        }
        let values = [(&mut self.core, core), (&mut self.package, package)].map(|(sum, counts)| {
            // A core that comes back brings all it ever counted.
            if sum.parts != counts.parts {
                sum.counter.forget();
                sum.parts = counts.parts;
            }
            let total = (!sum.parts.is_empty()).then_some(counts.total);
            sum.counter.per_second_of(total, at)
        });
        Ok(vec![Reading::new(&self.family, values)])
    }
}

#[derive(Default)]
struct Counts {
    total: u64,
    parts: BTreeSet<Place>,
}

impl Counts {
    /// Threads of one core, and cores of one package, all show the same counter: the first one is taken.
    fn add(&mut self, place: Place, file: &Path) {
        if !self.parts.contains(&place)
            && let Some(count) = word(file).and_then(|word| number(&word))
        {
            self.total = self.total.saturating_add(count);
            self.parts.insert(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, values};

    fn write(fixture: &Fixture, cpu: u32, place: (u32, u32), counts: (u64, u64)) -> std::io::Result<()> {
        for (file, number) in [
            ("topology/physical_package_id", u64::from(place.0)),
            ("topology/core_id", u64::from(place.1)),
            ("thermal_throttle/core_throttle_count", counts.0),
            ("thermal_throttle/package_throttle_count", counts.1),
        ] {
            fixture.write(&format!("sys/devices/system/cpu/cpu{cpu}/{file}"), format!("{number}\n").as_bytes())?;
        }
        Ok(())
    }

    #[test]
    fn each_core_and_package_counts_once() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Throttle::new(&fixture.roots(), Interval::SECOND);
        fixture.write("sys/devices/system/cpu/cpu0/online", b"1\n")?;
        assert_eq!(fixture.collect(&mut collector)?, [], "not every CPU counts it");
        let all = |core: u64, package: u64| -> std::io::Result<()> {
            // Two packages of two cores, the cores of the first with two threads each.
            for (cpu, place) in [(0, (0, 0)), (1, (0, 1)), (2, (0, 0)), (3, (0, 1)), (4, (1, 0)), (5, (1, 1))] {
                write(&fixture, cpu, place, (core, package))?;
            }
            Ok(())
        };
        all(10, 5)?;
        assert_eq!(values(&fixture.collect(&mut collector)?, "cpu.thermal"), Some(&[None, None][..]));
        all(12, 6)?;
        assert_eq!(values(&fixture.collect(&mut collector)?, "cpu.thermal"), Some(&[Some(8.0), Some(2.0)][..]));
        fixture.remove("sys/devices/system/cpu/cpu5/thermal_throttle")?;
        assert_eq!(values(&fixture.collect(&mut collector)?, "cpu.thermal"), Some(&[None, Some(0.0)][..]), "offline");
        assert_eq!(values(&fixture.collect(&mut collector)?, "cpu.thermal"), Some(&[Some(0.0), Some(0.0)][..]));
        all(12, 6)?;
        assert_eq!(values(&fixture.collect(&mut collector)?, "cpu.thermal"), Some(&[None, Some(0.0)][..]), "and back");
        Ok(())
    }
}
