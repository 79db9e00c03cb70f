//! The tiers: every tick for weeks, every minute for months, every hour for years.

use std::time::Duration;

const SECOND_MS: i64 = 1_000;
pub(super) const MINUTE_MS: i64 = 60 * SECOND_MS;
pub(super) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// The number of the hour that holds an instant.
pub(super) const fn hour(t: i64) -> i64 {
    t.div_euclid(HOUR_MS)
}

/// How long one step may be: every one is a multiple of a tier's, or finer than a minute.
const STEPS_MS: [i64; 30] = [
    250,
    500,
    SECOND_MS,
    2 * SECOND_MS,
    5 * SECOND_MS,
    10 * SECOND_MS,
    15 * SECOND_MS,
    30 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    3 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    15 * MINUTE_MS,
    20 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    3 * HOUR_MS,
    4 * HOUR_MS,
    6 * HOUR_MS,
    8 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
    2 * DAY_MS,
    4 * DAY_MS,
    7 * DAY_MS,
    14 * DAY_MS,
    30 * DAY_MS,
    90 * DAY_MS,
];

/// The number of each stands in files and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// As it was sampled.
    Ticks = 0,
    Minutes = 1,
    Hours = 2,
}

impl Tier {
    pub const ALL: [Self; 3] = [Self::Ticks, Self::Minutes, Self::Hours];
    pub const FOLDED: [Self; 2] = [Self::Minutes, Self::Hours];

    /// The length of its buckets; ticks have none.
    pub const fn step_ms(self) -> Option<i64> {
        match self {
            Self::Ticks => None,
            Self::Minutes => Some(MINUTE_MS),
            Self::Hours => Some(HOUR_MS),
        }
    }

    /// How much time one extent holds at most, beginning at a multiple of it.
    pub const fn extent_ms(self) -> i64 {
        match self {
            Self::Ticks => HOUR_MS,
            Self::Minutes => DAY_MS,
            Self::Hours => 30 * DAY_MS,
        }
    }

    /// The next finer one.
    pub(super) const fn finer(self) -> Option<Self> {
        match self {
            Self::Ticks => None,
            Self::Minutes => Some(Self::Ticks),
            Self::Hours => Some(Self::Minutes),
        }
    }

    /// The coarsest one that buckets of this length can be made of.
    pub fn of_step(step_ms: i64) -> Self {
        let serves = |tier: &Self| tier.step_ms().is_none_or(|own| step_ms % own == 0);
        Self::ALL.into_iter().rev().find(serves).unwrap_or(Self::Ticks)
    }
}

/// The shortest step, not below `least_ms`, of which at most so many reach across a stretch of time, both ends included.
pub(super) fn step_for((from, to): (i64, i64), points: usize, least_ms: i64) -> i64 {
    let points = i64::try_from(points.max(1)).unwrap_or(i64::MAX);
    let fits = |step: &i64| match points {
        1 => from.div_euclid(*step) == to.div_euclid(*step),
        // The first and the last bucket may be there only in part, wherever the stretch begins.
        _ => (to - from).max(0) / step + 2 <= points,
    };
    let longest = STEPS_MS[STEPS_MS.len() - 1];
    let longer = std::iter::successors(longest.checked_mul(2), |step| step.checked_mul(2));
    let steps = STEPS_MS.into_iter().filter(|step| *step >= least_ms);
    steps.chain(longer).find(fits).unwrap_or(longest)
}

/// How long each tier is kept, and how large all of it may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    pub ticks: Duration,
    pub minutes: Duration,
    pub hours: Duration,
    pub max_bytes: u64,
    /// So long the clock has to go on before anything is forgotten by it; zero believes it at once.
    pub settled_after: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            ticks: days(14),
            minutes: days(91),
            hours: days(731),
            max_bytes: 2 << 30,
            settled_after: Duration::from_mins(10),
        }
    }
}

impl Retention {
    /// What a server keeps that may write nothing.
    pub fn memory_only() -> Self {
        let hour = Duration::from_hours(1);
        Self { ticks: hour, minutes: hour, hours: hour, max_bytes: 256 << 20, settled_after: Duration::from_mins(10) }
    }

    pub fn of(&self, tier: Tier) -> Duration {
        match tier {
            Tier::Ticks => self.ticks,
            Tier::Minutes => self.minutes,
            Tier::Hours => self.hours,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_never_too_many() {
        for (length, points, least, expected, tier) in [
            (10 * MINUTE_MS, 602, SECOND_MS, SECOND_MS, Tier::Ticks),
            (10 * MINUTE_MS, 600, SECOND_MS, 2 * SECOND_MS, Tier::Ticks),
            (HOUR_MS, 150, SECOND_MS, 30 * SECOND_MS, Tier::Ticks),
            (DAY_MS, 1_200, SECOND_MS, 2 * MINUTE_MS, Tier::Minutes),
            (30 * DAY_MS, 1_200, SECOND_MS, HOUR_MS, Tier::Hours),
            (30 * DAY_MS, 2_000, SECOND_MS, 30 * MINUTE_MS, Tier::Minutes),
            (731 * DAY_MS, 150, SECOND_MS, 7 * DAY_MS, Tier::Hours),
            (HOUR_MS, 10_000, MINUTE_MS, MINUTE_MS, Tier::Minutes),
            (0, 1, SECOND_MS, SECOND_MS, Tier::Ticks),
        ] {
            let step = step_for((0, length), points, least);
            assert_eq!((step, Tier::of_step(step)), (expected, tier), "{length} ms in {points} points");
        }
        for points in [1, 2, 3, 4, 7, 100, 10_000] {
            for length in [0, 1, 1_000, 86_400_000, 3 * 365 * DAY_MS, 1 << 50] {
                for from in [0, 1, 59_999, 1_795_233_600_000, 1_795_233_599_999] {
                    let step = step_for((from, from + length), points, 1);
                    let told = (from + length).div_euclid(step) - from.div_euclid(step) + 1;
                    assert!(told <= points as i64, "{length} from {from} in {points}: {told} of {step}");
                }
            }
        }
    }
}
