//! `conntrack`: how full the firewall's table of connections is. When it is full, new ones are dropped.

use super::Roots;
use super::bytes::number;
use super::file::KernelFile;
use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use std::io;
use std::sync::Arc;

pub struct Conntrack {
    count: KernelFile,
    max: KernelFile,
    family: Arc<Family>,
}

impl Conntrack {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let dimensions = [("used", "used"), ("free", "free")];
        let file = |name: &str| KernelFile::new(roots.proc("sys/net/netfilter").join(name));
        Self {
            count: file("nf_conntrack_count"),
            max: file("nf_conntrack_max"),
            family: Arc::new(
                Family::new("conntrack", "Tracked connections", Unit::Count, interval, &dimensions).stacked(),
            ),
        }
    }
}

impl Collector for Conntrack {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        // Where nothing is tracked there are no such files, and no limit says that there is no table to fill.
        let (Some(max), Some(used)) = (value(&mut self.max, clock)?, value(&mut self.count, clock)?) else {
            return Ok(Vec::new());
        };
        let values = [Some(used as f64), Some(max.saturating_sub(used) as f64)];
        Ok(if max > 0 { vec![Reading::new(&self.family, values)] } else { Vec::new() })
    }
}

fn value(file: &mut KernelFile, clock: &dyn Clock) -> io::Result<Option<u64>> {
    Ok(file.read_if_served(clock)?.and_then(|contents| number(contents.bytes.trim_ascii())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, values};

    #[test]
    fn the_table_fills_up_to_its_limit() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Conntrack::new(&fixture.roots(), Interval::SECOND);
        assert_eq!(fixture.collect(&mut collector)?, [], "nothing is tracked");
        for (count, max, expected) in [
            ("200\n", "262144\n", Some([Some(200.0), Some(261_944.0)])),
            ("70\n", "64\n", Some([Some(70.0), Some(0.0)])),
            ("0\n", "0\n", None),
            ("1\n", "many\n", None),
        ] {
            fixture.write("proc/sys/net/netfilter/nf_conntrack_count", count.as_bytes())?;
            fixture.write("proc/sys/net/netfilter/nf_conntrack_max", max.as_bytes())?;
            let readings = fixture.collect(&mut collector)?;
            assert_eq!(values(&readings, "conntrack"), expected.as_ref().map(<[_; 2]>::as_slice), "{count} of {max}");
        }
        Ok(())
    }
}
