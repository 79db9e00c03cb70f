//! Instants and intervals, in milliseconds of the server's wall clock.

use serde::{Deserialize, Serialize};
use std::time::Duration;

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

    pub fn as_duration(self) -> Duration {
        Duration::from_millis(u64::from(self.0))
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

/// A length of time as people write it, a whole or decimal number and its unit: `250ms`, `1.5s`, `5m`, `1h`,
/// `7d`. What is finer than a nanosecond is left out.
pub fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (number, unit) = text.split_at(text.find(|c: char| c != '.' && !c.is_ascii_digit())?);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    if decimals.is_empty() || decimals.contains('.') {
        return None;
    }
    let whole = Duration::from_millis(whole.parse::<u64>().ok()?.checked_mul(unit_ms)?);
    let mut place_ns = unit_ms * 1_000_000;
    let decimals_ns = decimals.bytes().map(|digit| {
        place_ns /= 10;
        u64::from(digit - b'0') * place_ns
    });
    whole.checked_add(Duration::from_nanos(decimals_ns.sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        let (ms, ns) = (Duration::from_millis, Duration::from_nanos);
        for (text, expected) in [
            ("0", Some(ms(0))),
            ("500ms", Some(ms(500))),
            ("20s", Some(ms(20_000))),
            ("5m", Some(ms(300_000))),
            ("1h", Some(ms(3_600_000))),
            ("7d", Some(ms(604_800_000))),
            ("0s", Some(Duration::ZERO)),
            ("007s", Some(ms(7_000))),
            ("1.5s", Some(ms(1_500))),
            ("0.25d", Some(ms(21_600_000))),
            ("2.000001ms", Some(ns(2_000_001))),
            ("0.00000000099999s", Some(Duration::ZERO)),
            ("18446744073709551615ms", Some(ms(u64::MAX))),
            ("18446744073709551615.9ms", Some(ms(u64::MAX) + ns(900_000))),
            ("18446744073709551616ms", None),
            ("18446744073709551615d", None),
            ("99999999999999999999s", None),
            ("", None),
            ("20", None),
            ("1.5", None),
            ("s", None),
            (".s", None),
            (".5s", None),
            ("1.s", None),
            ("1.2.3s", None),
            ("1,5s", None),
            ("-1s", None),
            ("+1s", None),
            ("1e3s", None),
            ("1 s", None),
            (" 1s", None),
            ("1s ", None),
            ("1S", None),
            ("1min", None),
            ("1week", None),
            ("1h30m", None),
            ("NaNs", None),
            ("\u{0661}s", None),
        ] {
            assert_eq!(duration(text), expected, "{text:?}");
        }
    }

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
