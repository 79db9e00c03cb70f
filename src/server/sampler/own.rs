//! `self`: what Telltale itself costs, what it keeps, and how its streams fare.

use super::clock::Clock;
use super::collector::{Collector, Reading};
use super::rate::Counter;
use crate::model::{Dimension, Family, Interval, Unit};
use crate::server::meter::Meter;
use std::sync::Arc;
use std::time::Duration;

/// What the platform knows of this process.
pub trait OwnProcess: Send {
    fn read(&mut self, clock: &dyn Clock) -> Spent;
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Microseconds of CPU time since the start.
    pub cpu_us: Option<u64>,
    /// Resident.
    pub memory_bytes: Option<u64>,
}

pub struct Own<P> {
    process: P,
    meter: Arc<Meter>,
    family: Arc<Family>,
    /// What the history on disk is, where there is one.
    kept: Arc<Family>,
    streams: Arc<Family>,
    cpu: Counter,
    sent: Counter,
    written: Counter,
    /// Refused in all, refused from one address, resumed, gaps, slow.
    fates: [Counter; 5],
}

impl<P: OwnProcess> Own<P> {
    pub fn new(process: P, interval: Interval, meter: Arc<Meter>) -> Self {
        Self {
            process,
            meter,
            family: Arc::new(family(interval)),
            kept: Arc::new(kept(interval)),
            streams: Arc::new(streams(interval)),
            cpu: Counter::default(),
            sent: Counter::default(),
            written: Counter::default(),
            fates: Default::default(),
        }
    }

    fn streams(&mut self, at: Duration) -> Reading {
        let meter = &self.meter;
        let counts = [meter.refused_all(), meter.refused_address(), meter.resumed(), meter.gaps(), meter.slow()];
        let mut rates = self.fates.iter_mut().zip(counts).map(|(counter, count)| counter.per_second(count, at));
        let mut next = || rates.next().flatten();
        let of_all = [meter.take_fan_out_us() as f64 / 1_000.0, meter.take_lag() as f64];
        let [fan_out_ms, lag] = of_all.map(|figure| meter.is_fanned_out().then_some(figure));
        Reading::new(&self.streams, [next(), next(), next(), next(), next(), fan_out_ms, lag])
    }
}

impl<P: OwnProcess> Collector for Own<P> {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let spent = self.process.read(clock);
        let at = clock.monotonic();
        let mut readings = vec![Reading::new(
            &self.family,
            [
                self.cpu.per_second_of(spent.cpu_us, at).map(|us_per_second| us_per_second / 10_000.0),
                spent.memory_bytes.map(|bytes| bytes as f64),
                Some(self.meter.streams() as f64),
                self.sent.per_second(self.meter.sent_bytes(), at),
                self.written.per_second(self.meter.written_bytes(), at),
                Some(self.meter.lateness_us() as f64 / 1_000.0),
            ],
        )];
        readings.push(self.streams(at));
        if self.meter.is_storing() {
            let figures = [self.meter.stored_bytes(), self.meter.unsaved_ms()];
            readings.push(Reading::new(&self.kept, figures.map(|figure| Some(figure as f64))));
        }
        Ok(readings)
    }
}

fn dimension(id: &str, label: &str, unit: Unit) -> Dimension {
    Dimension { id: id.into(), label: label.into(), unit: Some(unit) }
}

/// Each dimension counts something else.
fn family(interval: Interval) -> Family {
    Family {
        dimensions: vec![
            dimension("cpu", "CPU of one core", Unit::Percent),
            dimension("memory", "memory", Unit::Bytes),
            dimension("streams", "open streams", Unit::Count),
            dimension("sent", "sent", Unit::BytesPerSecond),
            dimension("written", "written", Unit::BytesPerSecond),
            dimension("lateness", "lateness", Unit::Milliseconds),
        ],
        ..Family::new("self", "Telltale itself", Unit::Count, interval, &[])
    }
}

fn kept(interval: Interval) -> Family {
    Family {
        dimensions: vec![
            dimension("size", "size", Unit::Bytes),
            dimension("unsaved", "not stored yet", Unit::Milliseconds),
        ],
        ..Family::new("self.history", "Telltale's history", Unit::Count, interval, &[])
    }
}

fn streams(interval: Interval) -> Family {
    Family {
        dimensions: vec![
            dimension("refused", "refused, too many", Unit::PerSecond),
            dimension("refused_address", "refused, too many of an address", Unit::PerSecond),
            dimension("resumed", "resumed", Unit::PerSecond),
            dimension("gaps", "gaps", Unit::PerSecond),
            dimension("slow", "sent away, too slow", Unit::PerSecond),
            dimension("fan_out", "longest fan-out", Unit::Milliseconds),
            dimension("lag", "events behind", Unit::Count),
        ],
        ..Family::new("self.stream", "Telltale's streams", Unit::Count, interval, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::clock::fake::FakeClock;
    use std::time::Duration;

    /// Spends 20 ms a turn.
    struct Frugal(u64);

    impl OwnProcess for Frugal {
        fn read(&mut self, _: &dyn Clock) -> Spent {
            self.0 += 20_000;
            Spent { cpu_us: Some(self.0), memory_bytes: Some(4_096) }
        }
    }

    #[test]
    fn its_own_cost_is_told() -> anyhow::Result<()> {
        let (clock, meter) = (FakeClock::at(1_000_000), Arc::new(Meter::default()));
        let mut collector = Own::new(Frugal(0), Interval::SECOND, Arc::clone(&meter));
        collector.collect(&clock)?;
        meter.set_streams(3);
        meter.add_sent_bytes(700);
        meter.set_lateness_us(1_500);
        meter.count_resumed();
        meter.count_resumed();
        meter.count_slow();
        meter.set_fanned_out(true);
        meter.note_fan_out_us(2_500);
        meter.note_fan_out_us(800);
        meter.note_lag(4);
        clock.advance(Duration::from_secs(1));
        let cost = Reading::new(&collector.family, [2.0, 4_096.0, 3.0, 700.0, 0.0, 1.5].map(Some));
        let fates = Reading::new(&collector.streams, [0.0, 0.0, 2.0, 0.0, 1.0, 2.5, 4.0].map(Some));
        assert_eq!(collector.collect(&clock)?, [cost, fates]);
        // The longest is that of its own second.
        clock.advance(Duration::from_secs(1));
        let last = collector.collect(&clock)?.pop().map(|reading| reading.values);
        assert_eq!(last, Some([0.0; 7].map(Some).into()));
        meter.set_fanned_out(false);
        let last = collector.collect(&clock)?.pop().map(|reading| reading.values[5..].to_vec());
        assert_eq!(last, Some(vec![None; 2]));
        Ok(())
    }
}
