//! Instants and intervals, in milliseconds of the server's wall clock.

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// The newest multiple of `step` that is not after this instant.
    pub fn floor_to(self, step: Interval) -> Self {
        Self(self.0.div_euclid(step.ms()) * step.ms())
    }

    /// The oldest multiple of `step` that is not before this instant.
    pub fn ceil_to(self, step: Interval) -> Self {
        let floor = self.floor_to(step);
        if floor == self { self } else { floor + step }
    }

    /// Whether this instant is one of the ticks of `step`.
    pub fn is_tick_of(self, step: Interval) -> bool {
        self.0.rem_euclid(step.ms()) == 0
    }
}

impl std::ops::Add<Interval> for UnixMs {
    type Output = Self;
    fn add(self, step: Interval) -> Self {
        Self(self.0.saturating_add(step.ms()))
    }
}

impl std::ops::Sub<Interval> for UnixMs {
    type Output = Self;
    fn sub(self, step: Interval) -> Self {
        Self(self.0.saturating_sub(step.ms()))
    }
}

/// A length of time that is never zero, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Interval(u32);

impl Interval {
    pub const SECOND: Self = Self(1_000);
    pub const MINUTE: Self = Self(60_000);

    /// `None` for zero.
    pub const fn from_ms(ms: u32) -> Option<Self> {
        if ms == 0 { None } else { Some(Self(ms)) }
    }

    pub const fn ms(self) -> i64 {
        self.0 as i64
    }

    /// This interval `count` times over; at least once.
    pub const fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(if count == 0 { 1 } else { count }))
    }

    pub fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::from(self.0))
    }
}

impl TryFrom<u32> for Interval {
    type Error = &'static str;
    fn try_from(ms: u32) -> Result<Self, Self::Error> {
        Self::from_ms(ms).ok_or("an interval is longer than zero")
    }
}

impl From<Interval> for u32 {
    fn from(interval: Interval) -> Self {
        interval.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_align_to_ticks_on_both_sides_of_the_epoch() {
        for (at, step, floor, ceil) in [
            (0, 1_000, 0, 0),
            (1, 1_000, 0, 1_000),
            (999, 1_000, 0, 1_000),
            (1_000, 1_000, 1_000, 1_000),
            (-1, 1_000, -1_000, 0),
            (1_750, 250, 1_750, 1_750),
        ] {
            let step = Interval::from_ms(step).unwrap_or(Interval::SECOND);
            assert_eq!(UnixMs(at).floor_to(step), UnixMs(floor), "floor of {at}");
            assert_eq!(UnixMs(at).ceil_to(step), UnixMs(ceil), "ceil of {at}");
        }
    }
}
