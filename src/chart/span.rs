//! What stretch of time is shown, and where an instant stands in it.

use super::WIDTH;
use crate::model::units::between;
use crate::model::{Interval, UnixMs};
use serde::Serialize;

/// How much time a chart shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum Window {
    #[serde(rename = "1m")]
    One,
    #[default]
    #[serde(rename = "5m")]
    Five,
    #[serde(rename = "10m")]
    Ten,
}

impl Window {
    pub const ALL: [Self; 3] = [Self::One, Self::Five, Self::Ten];

    /// As it stands in an address.
    pub const fn id(self) -> &'static str {
        match self {
            Self::One => "1m",
            Self::Five => "5m",
            Self::Ten => "10m",
        }
    }

    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.id() == id)
    }

    /// As people say it, after "last".
    pub const fn words(self) -> &'static str {
        match self {
            Self::One => "minute",
            Self::Five => "5 minutes",
            Self::Ten => "10 minutes",
        }
    }

    pub const fn length(self) -> Interval {
        match self {
            Self::One => Interval::MINUTE,
            Self::Five => Interval::MINUTE.times(5),
            Self::Ten => Interval::MINUTE.times(10),
        }
    }

    /// The time from one time label to the next.
    pub const fn label_step(self) -> Interval {
        match self {
            Self::One => Interval::SECOND.times(15),
            Self::Five => Interval::MINUTE,
            Self::Ten => Interval::MINUTE.times(2),
        }
    }

    /// The time from one row of the table twin to the next.
    pub const fn row_step(self) -> Interval {
        match self {
            Self::One => Interval::SECOND.times(5),
            Self::Five => Interval::MINUTE,
            Self::Ten => Interval::MINUTE.times(2),
        }
    }

    /// How much time is drawn as one: so much that there are some 120 in a window, never less than an
    /// interval of what is drawn, always a whole number of units.
    pub fn bucket_ms(self, interval: Interval) -> i64 {
        let usual = match self {
            Self::One => 1_000,
            Self::Five => 2_000,
            Self::Ten => 5_000,
        };
        let unit = self.unit_ms(WIDTH);
        (interval.ms().max(usual) + unit - 1) / unit * unit
    }

    /// How much time one unit across stands for, in a box this wide.
    pub const fn unit_ms(self, width: i32) -> i64 {
        self.length().ms() / width as i64
    }
}

/// A window that ends at an instant: its right edge, usually the newest tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub end: UnixMs,
    pub window: Window,
}

impl Span {
    pub const fn ending(end: UnixMs, window: Window) -> Self {
        Self { end, window }
    }

    /// The left edge. It lies on a whole unit also where the interval does not, so that old points
    /// move by whole units only.
    pub fn start(self) -> UnixMs {
        let unit = self.window.unit_ms(WIDTH);
        let aligned = self.end.0.saturating_add(unit - 1).div_euclid(unit).saturating_mul(unit);
        UnixMs(aligned.saturating_sub(self.window.length().ms()))
    }

    pub fn contains(self, t: UnixMs) -> bool {
        self.start() <= t && t <= self.end
    }

    /// Where an instant stands from the left; what lies outside is put on the edge.
    pub fn place(self, t: UnixMs) -> Place {
        Place::of(t.0.saturating_sub(self.start().0) as f64 / self.window.length().ms() as f64)
    }
}

/// A place along an axis, in hundredths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u16);

impl Place {
    /// Of a share from 0 to 1; what lies outside is put on the edge.
    pub fn of(share: f64) -> Self {
        Self(between(share * 10_000.0 + 0.5, 0.0, 10_000.0) as u16)
    }

    pub const fn permyriad(self) -> u16 {
        self.0
    }

    /// The way to a place further right.
    pub fn until(self, other: Self) -> Option<Self> {
        other.0.checked_sub(self.0).map(Self)
    }

    /// As CSS writes it: `33.33%`.
    pub fn css(self) -> String {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match (rest, rest % 10) {
            (0, _) => format!("{whole}%"),
            (_, 0) => format!("{whole}.{}%", rest / 10),
            _ => format!("{whole}.{rest:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn windows_are_known_by_their_ids() {
        for window in Window::ALL {
            assert_eq!(Window::parse(window.id()), Some(window));
        }
        for foreign in ["", "5", "5M", "1h", "5m "] {
            assert_eq!(Window::parse(foreign), None, "{foreign:?}");
        }
        assert_eq!(Window::default().id(), "5m");
    }

    #[test]
    fn buckets_are_few_and_hold_a_tick_each() {
        for (window, interval_ms, bucket_ms) in [
            (Window::One, 1_000, 1_000),
            (Window::Five, 250, 2_000),
            (Window::Five, 1_000, 2_000),
            (Window::Five, 10_000, 10_000),
            (Window::Ten, 1_000, 5_000),
            (Window::Ten, 7_001, 7_500),
            (Window::One, 60_000, 60_000),
        ] {
            let interval = Interval::from_ms(interval_ms).unwrap_or(Interval::SECOND);
            assert_eq!(window.bucket_ms(interval), bucket_ms, "{window:?} {interval_ms}");
            assert!(window.length().ms() / bucket_ms <= 150);
        }
    }

    #[test]
    fn places_are_written_shortly() {
        for (share, css) in [(0.0, "0%"), (1.0, "100%"), (1.0 / 3.0, "33.33%"), (0.5005, "50.05%"), (0.125, "12.5%")] {
            assert_eq!(Place::of(share).css(), css);
        }
        for (share, permyriad) in [(-1.0, 0), (7.0, 10_000), (f64::NAN, 0), (f64::INFINITY, 10_000)] {
            assert_eq!(Place::of(share).permyriad(), permyriad);
        }
    }

    proptest! {
        #[test]
        fn a_span_is_as_long_as_its_window(end in 0_i64..4_000_000_000_000, index in 0_usize..3) {
            let window = Window::ALL[index];
            let span = Span::ending(UnixMs(end), window);
            let unit = window.unit_ms(WIDTH);
            prop_assert_eq!(unit * i64::from(WIDTH), window.length().ms());
            prop_assert_eq!(span.start().0.rem_euclid(unit), 0);
            let length = end - span.start().0;
            prop_assert!(window.length().ms() - unit < length && length <= window.length().ms());
        }

        #[test]
        fn any_instant_has_a_place(end in any::<i64>(), t in any::<i64>()) {
            let span = Span::ending(UnixMs(end), Window::Five);
            prop_assert!(span.place(UnixMs(t)).permyriad() <= 10_000);
        }
    }
}
