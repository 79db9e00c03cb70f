//! `tcp`, from the `Tcp:` lines of `/proc/net/snmp`, which count for IPv4 and IPv6 together.

use super::Roots;
use super::bytes::{fields, lines, number};
use super::file::KernelFile;
use crate::model::{Dimension, Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::rate::Counter;
use std::sync::Arc;

pub struct Tcp {
    file: KernelFile,
    family: Arc<Family>,
    retransmitted: Counter,
    resets: Counter,
}

impl Tcp {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let dimension = |id: &str, label: &str, unit| Dimension { id: id.into(), label: label.into(), unit };
        let family = Family {
            dimensions: vec![
                dimension("established", "connections established", None),
                dimension("retransmitted", "segments retransmitted", Some(Unit::PerSecond)),
                dimension("resets", "connections reset", Some(Unit::PerSecond)),
            ],
            ..Family::new("tcp", "TCP", Unit::Count, interval, &[])
        };
        Self {
            file: KernelFile::new(roots.proc("net/snmp")),
            family: Arc::new(family),
            retransmitted: Counter::default(),
            resets: Counter::default(),
        }
    }
}

impl Collector for Tcp {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let Some(contents) = self.file.read_if_served(clock)? else { return Ok(Vec::new()) };
        let [established, retransmitted, resets] =
            columns(contents.bytes, [b"CurrEstab", b"RetransSegs", b"EstabResets"]);
        let values = [
            established.map(|count| count as f64),
            self.retransmitted.per_second_of(retransmitted, contents.at),
            self.resets.per_second_of(resets, contents.at),
        ];
        Ok(vec![Reading::new(&self.family, values)])
    }
}

/// The numbers below these headings; which columns there are differs from kernel to kernel.
fn columns<const COUNT: usize>(text: &[u8], headings: [&[u8]; COUNT]) -> [Option<u64>; COUNT] {
    let mut rows = lines(text).filter_map(|line| line.strip_prefix(b"Tcp:"));
    let mut found = [None; COUNT];
    if let (Some(head), Some(values)) = (rows.next(), rows.next()) {
        for (heading, value) in fields(head).zip(fields(values)) {
            if let Some(index) = headings.iter().position(|wanted| *wanted == heading) {
                found[index] = number(value);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, values};

    fn write(fixture: &Fixture, heads: &str, numbers: &str) -> std::io::Result<()> {
        let text =
            format!("Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: {heads}\nTcp: {numbers}\nUdp: InDatagrams\nUdp: 3\n");
        fixture.write("proc/net/snmp", text.as_bytes())
    }

    #[test]
    fn columns_are_found_by_their_names() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Tcp::new(&fixture.roots(), Interval::SECOND);
        assert_eq!(fixture.collect(&mut collector)?, [], "a kernel without a network");
        write(&fixture, "MaxConn EstabResets CurrEstab RetransSegs", "-1 10 5 100")?;
        fixture.collect(&mut collector)?;
        for (heads, numbers, expected) in [
            ("RetransSegs MaxConn CurrEstab EstabResets", "107 -1 6 12", [Some(6.0), Some(7.0), Some(2.0)]),
            ("RetransSegs CurrEstab EstabResets", "107 7 11", [Some(7.0), Some(0.0), None]),
            ("RetransSegs CurrEstab", "109 7", [Some(7.0), Some(2.0), None]),
            ("RetransSegs CurrEstab EstabResets", "110", [None, Some(1.0), None]),
            ("", "", [None, None, None]),
        ] {
            write(&fixture, heads, numbers)?;
            assert_eq!(values(&fixture.collect(&mut collector)?, "tcp"), Some(&expected[..]), "{heads}: {numbers}");
        }
        Ok(())
    }
}
