//! Several small collectors of the same tick on one thread: a thread each would cost more than what they read.

use super::clock::Clock;
use super::collector::{Collector, Reading};
use crate::model::Family;
use std::sync::Arc;

pub struct Together {
    parts: Vec<Part>,
}

struct Part {
    collector: Box<dyn Collector>,
    /// What it had when it last answered.
    known: Vec<Arc<Family>>,
    /// What was logged is not logged again until it recovers.
    failed: bool,
}

impl Together {
    pub fn new(collectors: impl IntoIterator<Item = Box<dyn Collector>>) -> Self {
        let part = |collector| Part { collector, known: Vec::new(), failed: false };
        Self { parts: collectors.into_iter().map(part).collect() }
    }
}

impl Collector for Together {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        Ok(self.parts.iter_mut().flat_map(|part| part.collect(clock)).collect())
    }
}

impl Part {
    /// One that fails leaves its own values missing and those of the others alone.
    fn collect(&mut self, clock: &dyn Clock) -> Vec<Reading> {
        match self.collector.collect(clock) {
            Ok(readings) => {
                self.failed = false;
                self.known.clear();
                self.known.extend(readings.iter().map(|reading| Arc::clone(&reading.family)));
                readings
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failed, true) {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "a part of a collector has no values; it is tried again");
                }
                self.known.iter().map(|family| Reading::new(family, vec![None; family.dimensions.len()])).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Unit};
    use crate::server::sampler::clock::SystemClock;

    /// Fails in every second turn.
    struct Shaky(Arc<Family>, bool);

    impl Collector for Shaky {
        fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
            self.1 = !self.1;
            anyhow::ensure!(self.1, "not now");
            Ok(vec![Reading::new(&self.0, [Some(1.0)])])
        }
    }

    #[test]
    fn one_that_fails_harms_no_other() -> anyhow::Result<()> {
        let shaky = |id, works| -> Box<dyn Collector> {
            Box::new(Shaky(Arc::new(Family::new(id, id, Unit::Count, Interval::SECOND, &[("a", "a")])), works))
        };
        let mut together = Together::new([shaky("first", false), shaky("second", true)]);
        for expected in [
            &[("first", Some(1.0))][..],
            &[("first", None), ("second", Some(1.0))],
            &[("first", Some(1.0)), ("second", None)],
        ] {
            let readings = together.collect(&SystemClock)?;
            let seen: Vec<_> = readings.iter().map(|reading| (&*reading.family.id, reading.values[0])).collect();
            assert_eq!(seen, expected);
        }
        Ok(())
    }
}
