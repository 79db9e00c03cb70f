//! What a collector is: one subsystem read at a time, on a worker of its own.

use super::clock::Clock;
use crate::model::{Family, Interval};
use std::sync::Arc;

/// The most dimensions of one family.
pub const MOST_DIMENSIONS: usize = 1_024;

/// One family as it was just read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub family: Arc<Family>,
    /// In the order of the family's dimensions.
    pub values: Vec<Option<f64>>,
}

impl Reading {
    pub fn new(family: &Arc<Family>, values: impl Into<Vec<Option<f64>>>) -> Self {
        Self { family: Arc::clone(family), values: values.into() }
    }
}

/// Reads one subsystem. It may block, fail or panic without harm to the others.
pub trait Collector: Send {
    /// All families this subsystem has now, also those whose values could not be read.
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>>;
}

/// A collector's name and tick, and how it is made, and made again after a panic.
pub struct Job {
    pub name: &'static str,
    /// A multiple of the sampler's interval.
    pub interval: Interval,
    pub make: Box<dyn Fn() -> anyhow::Result<Box<dyn Collector>> + Send>,
}

impl Job {
    pub fn new<C: Collector + 'static>(
        name: &'static str,
        interval: Interval,
        make: impl Fn() -> C + Send + 'static,
    ) -> Self {
        Self::fallible(name, interval, move || Ok(make()))
    }

    /// For a collector that may fail to come into being; that is tried again as well.
    pub fn fallible<C: Collector + 'static>(
        name: &'static str,
        interval: Interval,
        make: impl Fn() -> anyhow::Result<C> + Send + 'static,
    ) -> Self {
        Self { name, interval, make: Box::new(move || Ok(Box::new(make()?))) }
    }
}

/// The shortest multiple of `interval` that is at least `wanted`.
pub fn slower(interval: Interval, wanted: Interval) -> Interval {
    let count = (wanted.ms() + interval.ms() - 1) / interval.ms();
    interval.times(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slower_families_keep_to_the_ticks() {
        for (interval, wanted, expected) in
            [(1_000, 10_000, 10_000), (250, 10_000, 10_000), (3_000, 10_000, 12_000), (60_000, 10_000, 60_000)]
        {
            let ms = |ms| Interval::from_ms(ms).unwrap_or(Interval::SECOND);
            assert_eq!(slower(ms(interval), ms(wanted)), ms(expected), "{interval} {wanted}");
        }
    }
}
