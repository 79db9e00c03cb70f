//! `zram`: what compressed swap in memory holds, and what it takes for that, from `/sys/block/zram*/mm_stat`.

use super::Roots;
use super::bytes::{fields, number};
use super::file::{KernelFile, names, word};
use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::MOST_DEVICES;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long it holds which devices have a size; they are given it while the machine starts.
const DECISION_HOLDS: Duration = Duration::from_secs(10);

/// Block devices that are looked at, at most.
const MOST_BLOCKS: usize = 4_096;

pub struct Zram {
    blocks: PathBuf,
    family: Arc<Family>,
    devices: Vec<KernelFile>,
    decided_at: Option<Duration>,
}

impl Zram {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let dimensions = [("stored", "stored"), ("used", "memory used")];
        Self {
            blocks: roots.sys("block"),
            family: Arc::new(Family::new("zram", "Compressed memory (zram)", Unit::Bytes, interval, &dimensions)),
            devices: Vec::new(),
            decided_at: None,
        }
    }

    fn decide(&mut self) {
        let names = names(&self.blocks, MOST_BLOCKS);
        let directories =
            names.iter().filter(|name| name.as_bytes().starts_with(b"zram")).map(|name| self.blocks.join(name));
        self.devices = directories
            .filter(|directory| {
                word(&directory.join("disksize")).and_then(|size| number(&size)).is_some_and(|size| size > 0)
            })
            .take(MOST_DEVICES)
            .map(|directory| KernelFile::new(directory.join("mm_stat")))
            .collect();
    }
}

impl Collector for Zram {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let now = clock.monotonic();
        if self.decided_at.is_none_or(|decided| now.saturating_sub(decided) >= DECISION_HOLDS) {
            self.decided_at = Some(now);
            self.decide();
        }
        if self.devices.is_empty() {
            return Ok(Vec::new());
        }
        let mut sums = Some([0.0; 2]);
        for device in &mut self.devices {
            let held = device.read(clock).ok().and_then(|contents| held(contents.bytes));
            // A sum that lacks one device is not the sum.
            sums = sums.zip(held).map(|(sums, held)| [sums[0] + held[0], sums[1] + held[1]]);
        }
        if sums.is_none() {
            self.decided_at = None;
        }
        let values = [sums.map(|sums| sums[0]), sums.map(|sums| sums[1])];
        Ok(vec![Reading::new(&self.family, values)])
    }
}

/// The first and the third number: bytes before compression, and bytes of memory with all that goes with it.
fn held(text: &[u8]) -> Option<[f64; 2]> {
    let mut columns = fields(text.trim_ascii()).map(number);
    let (stored, used) = (columns.next()??, columns.nth(1)??);
    Some([stored as f64, used as f64])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, values};

    #[test]
    fn devices_with_a_size_are_added_up() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Zram::new(&fixture.roots(), Interval::SECOND);
        fixture.write("sys/block/vda/size", b"100\n")?;
        let write = |name: &str, disksize: &str, stat: &str| {
            fixture.write(&format!("sys/block/{name}/disksize"), disksize.as_bytes())?;
            fixture.write(&format!("sys/block/{name}/mm_stat"), stat.as_bytes())
        };
        write("zram0", "0\n", "       0        0        0        0        0        0        0        0        0\n")?;
        assert_eq!(fixture.collect(&mut collector)?, [], "one without a size holds nothing");
        write(
            "zram1",
            "1000000\n",
            "    4096     1000     2000        0     2000        0        0        0        0\n",
        )?;
        write("zram2", "1000000\n", "     904      500     1000        0\n")?;
        fixture.clock.advance(DECISION_HOLDS);
        let expected = [Some(5_000.0), Some(3_000.0)];
        assert_eq!(values(&fixture.collect(&mut collector)?, "zram"), Some(&expected[..]));
        write("zram2", "1000000\n", "nonsense\n")?;
        assert_eq!(values(&fixture.collect(&mut collector)?, "zram"), Some(&[None, None][..]));
        fixture.remove("sys/block/zram2")?;
        assert_eq!(values(&fixture.collect(&mut collector)?, "zram"), Some(&[Some(4_096.0), Some(2_000.0)][..]));
        fixture.remove("sys/block/zram1")?;
        fixture.clock.advance(DECISION_HOLDS);
        assert_eq!(fixture.collect(&mut collector)?, []);
        Ok(())
    }
}
