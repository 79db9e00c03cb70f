//! Counters to rates: from what was measured, never from what was planned.

use std::time::Duration;

/// A counter of the kernel and the monotonic instant at which it was last read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    last: Option<(u64, Duration)>,
}

/// By how much a counter grew, and in what time; the time is never zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    pub by: u64,
    pub time: Duration,
}

impl Counter {
    /// `None` for the first reading, for one that is lower than the last (the counter wrapped or was
    /// reset: what it counted is unknown) and for one at the same instant.
    pub fn read(&mut self, value: u64, at: Duration) -> Option<Growth> {
        let (last, last_at) = self.last.replace((value, at))?;
        let time = at.checked_sub(last_at).filter(|time| !time.is_zero())?;
        Some(Growth { by: value.checked_sub(last)?, time })
    }

    /// The next reading is the first one again.
    pub fn forget(&mut self) {
        self.last = None;
    }

    pub fn per_second(&mut self, value: u64, at: Duration) -> Option<f64> {
        self.read(value, at).map(Growth::per_second)
    }

    /// As `per_second`, for a counter that could not be read this time.
    pub fn per_second_of(&mut self, value: Option<u64>, at: Duration) -> Option<f64> {
        match value {
            Some(value) => self.per_second(value, at),
            None => {
                self.forget();
                None
            }
        }
    }

    /// For a counter of microseconds: how much of the time passed it counted, 100 at most.
    pub fn percent_of_time(&mut self, microseconds: u64, at: Duration) -> Option<f64> {
        self.read(microseconds, at).map(|growth| (growth.per_second() / 10_000.0).min(100.0))
    }
}

impl Growth {
    pub fn per_second(self) -> f64 {
        self.by as f64 / self.time.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(readings: &[(u64, u64)]) -> Option<f64> {
        let mut counter = Counter::default();
        readings.iter().fold(None, |_, &(value, at_ms)| counter.per_second(value, Duration::from_millis(at_ms)))
    }

    #[test]
    fn rates_are_of_the_time_that_passed() {
        for (readings, expected) in [
            (&[][..], None),
            (&[(5, 0)], None),
            (&[(5, 0), (15, 1_000)], Some(10.0)),
            (&[(5, 0), (15, 2_500)], Some(4.0)),
            (&[(5, 0), (5, 1_000)], Some(0.0)),
            (&[(5, 0), (4, 1_000)], None),
            (&[(u64::MAX, 0), (3, 1_000)], None),
            (&[(5, 0), (4, 1_000), (6, 2_000)], Some(2.0)),
            (&[(5, 1_000), (9, 1_000)], None),
            (&[(5, 1_000), (9, 500)], None),
            (&[(0, 0), (u64::MAX, 1)], Some(u64::MAX as f64 * 1_000.0)),
        ] {
            assert_eq!(rate(readings), expected, "{readings:?}");
        }
    }

    #[test]
    fn time_counted_is_never_more_than_all_of_it() {
        let mut counter = Counter::default();
        let at = Duration::from_secs;
        assert_eq!(counter.percent_of_time(0, at(1)), None);
        assert_eq!(counter.percent_of_time(250_000, at(2)), Some(25.0));
        assert_eq!(counter.percent_of_time(9_000_000, at(3)), Some(100.0));
    }

    proptest! {
        #[test]
        fn rates_are_finite_and_add_up(steps in prop::collection::vec((any::<u32>(), 0_u64..100_000), 1..50)) {
            let mut counter = Counter::default();
            let (mut value, mut at) = (0, Duration::ZERO);
            prop_assert_eq!(counter.per_second(value, at), None);
            for (growth, passed_us) in steps {
                value += u64::from(growth);
                at += Duration::from_micros(passed_us);
                let rate = counter.per_second(value, at);
                prop_assert_eq!(rate.is_some(), passed_us > 0);
                if let Some(rate) = rate {
                    prop_assert!(rate.is_finite() && rate >= 0.0);
                    let counted = rate * passed_us as f64 / 1e6;
                    prop_assert!((counted - f64::from(growth)).abs() <= f64::from(growth) * 1e-9);
                }
            }
        }

        #[test]
        fn a_counter_that_falls_never_gives_a_spike(values in prop::collection::vec(any::<u64>(), 2..50)) {
            let mut counter = Counter::default();
            for (second, pair) in values.windows(2).enumerate() {
                counter.forget();
                counter.read(pair[0], Duration::from_secs(second as u64));
                let rate = counter.per_second(pair[1], Duration::from_secs(second as u64 + 1));
                prop_assert_eq!(rate, (pair[1] >= pair[0]).then(|| (pair[1].wrapping_sub(pair[0])) as f64));
            }
        }
    }
}
