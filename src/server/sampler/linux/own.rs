//! `self`: what Telltale itself costs.

use super::Roots;
use super::bytes::{fields, number};
use super::file::KernelFile;
use crate::model::{Family, Interval};
use crate::server::meter::Meter;
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::portable::own_family;
use crate::server::sampler::rate::Counter;
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;

pub struct Own {
    statm: KernelFile,
    page_bytes: u64,
    meter: Arc<Meter>,
    family: Arc<Family>,
    /// Microseconds of CPU time: finer than the clock ticks of `/proc/self/stat`.
    cpu: Counter,
    sent: Counter,
    written: Counter,
}

impl Own {
    pub fn new(roots: &Roots, interval: Interval, meter: Arc<Meter>) -> Self {
        Self {
            statm: KernelFile::new(roots.proc("self/statm")),
            page_bytes: rustix::param::page_size() as u64,
            meter,
            family: Arc::new(own_family(interval)),
            cpu: Counter::default(),
            sent: Counter::default(),
            written: Counter::default(),
        }
    }
}

impl Collector for Own {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let spent = clock_gettime(ClockId::ProcessCPUTime);
        let spent_us = u64::try_from(spent.tv_sec * 1_000_000 + spent.tv_nsec / 1_000).unwrap_or(0);
        let at = clock.monotonic();
        let resident_pages =
            self.statm.read(clock).ok().and_then(|contents| fields(contents.bytes).nth(1).and_then(number));
        Ok(vec![Reading::new(
            &self.family,
            [
                self.cpu.per_second(spent_us, at).map(|us_per_second| us_per_second / 10_000.0),
                resident_pages.map(|pages| (pages * self.page_bytes) as f64),
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
    use crate::server::sampler::linux::fixture::{Fixture, values};

    #[test]
    fn its_own_cost_is_told() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        fixture.write("proc/self/statm", b"5000 1200 800 100 0 600 0\n")?;
        let meter = Arc::new(Meter::default());
        let mut collector = Own::new(&fixture.roots(), Interval::SECOND, Arc::clone(&meter));
        fixture.collect(&mut collector)?;
        meter.set_streams(3);
        meter.add_sent_bytes(700);
        meter.set_lateness_us(1_500);
        let readings = fixture.collect(&mut collector)?;
        let seen = values(&readings, "self").unwrap_or_default();
        assert_eq!(seen.len(), 6);
        assert!(seen[0].is_some_and(|cpu| cpu >= 0.0));
        let memory = 1_200.0 * rustix::param::page_size() as f64;
        assert_eq!(seen[1..], [Some(memory), Some(3.0), Some(700.0), Some(0.0), Some(1.5)]);
        Ok(())
    }
}
