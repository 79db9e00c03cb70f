//! What stretch of time is shown, and where an instant stands in it.

use super::WIDTH;
use crate::model::units::{between, duration};
use crate::model::{Interval, UnixMs};

/// How much time a chart shows: so long for each unit across.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    unit_ms: u32,
}

/// The windows that can be chosen by name, as it stands in an address, and their minutes.
const NAMED: [(&str, u32); 11] = [
    ("1m", 1),
    ("5m", 5),
    ("10m", 10),
    ("1h", 60),
    ("6h", 360),
    ("24h", 1_440),
    ("7d", 10_080),
    ("30d", 43_200),
    ("90d", 129_600),
    ("1y", 525_600),
    ("2y", 1_051_200),
];

/// Of what people count time in, in minutes.
const WORDS: [(i64, &str); 4] = [(525_600, "year"), (1_440, "day"), (60, "hour"), (1, "minute")];

/// From one time label to the next, in seconds.
const LABEL_STEPS_S: [i64; 19] = [
    5, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_592_000, 7_776_000,
];

impl Default for Window {
    fn default() -> Self {
        Self::FIVE
    }
}

impl Window {
    pub const ONE: Self = Self::minutes(1);
    pub const FIVE: Self = Self::minutes(5);
    pub const TEN: Self = Self::minutes(10);
    /// Those that are drawn from the samples of a page.
    pub const LIVE: [Self; 3] = [Self::ONE, Self::FIVE, Self::TEN];
    /// Nobody zooms further in or out than these.
    pub const SHORTEST: Self = Self::ONE;
    pub const LONGEST: Self = Self::minutes(1_051_200);

    const fn minutes(count: u32) -> Self {
        Self { unit_ms: count * (60_000 / WIDTH as u32) }
    }

    /// The shortest that is at least so long.
    pub fn reaching(length_ms: i64) -> Self {
        let unit_ms = (length_ms.max(0) + i64::from(WIDTH) - 1) / i64::from(WIDTH);
        let unit_ms = unit_ms.max(i64::from(Self::SHORTEST.unit_ms)).min(i64::from(Self::LONGEST.unit_ms));
        Self { unit_ms: unit_ms as u32 }
    }

    /// Those that can be chosen by name.
    pub fn named() -> impl DoubleEndedIterator<Item = Self> {
        NAMED.into_iter().map(|(_, minutes)| Self::minutes(minutes))
    }

    /// As it stands in an address; empty for one that has no name.
    pub fn id(self) -> &'static str {
        NAMED.into_iter().find(|(_, minutes)| Self::minutes(*minutes) == self).map_or("", |(id, _)| id)
    }

    pub fn parse(id: &str) -> Option<Self> {
        NAMED.into_iter().find(|(known, _)| *known == id).map(|(_, minutes)| Self::minutes(minutes))
    }

    /// As people say it, after "last": `5 minutes`, `day`.
    pub fn words(self) -> String {
        for (minutes, word) in WORDS {
            let unit = minutes * 60_000;
            if self.ms() % unit == 0 {
                let count = self.ms() / unit;
                return if count == 1 { word.to_owned() } else { format!("{count} {word}s") };
            }
        }
        duration((self.ms() / 1_000) as u64)
    }

    /// Whether a page draws it from samples of its own, second by second.
    pub fn is_live(self) -> bool {
        self <= Self::TEN
    }

    /// How long it is.
    pub const fn ms(self) -> i64 {
        self.unit_ms as i64 * WIDTH as i64
    }

    /// As how many points the past of such a window is told: every sample, as long as those are not too many to draw.
    pub fn points(self) -> usize {
        if self.ms() <= 20 * 60_000 { 1_300 } else { 130 }
    }

    /// The time from one time label to the next.
    pub fn label_step_ms(self) -> i64 {
        let step = LABEL_STEPS_S.into_iter().map(|step| step * 1_000).find(|step| self.ms() <= step * 5);
        step.unwrap_or(2 * 7_776_000_000)
    }

    /// The time from one row of the table twin to the next.
    pub fn row_step_ms(self) -> i64 {
        if self == Self::ONE { 5_000 } else { self.label_step_ms() }
    }

    /// How much time is drawn as one: so much that there are some 100 in a window, never less than an
    /// interval of what is drawn.
    pub fn bucket_ms(self, interval: Interval) -> i64 {
        let usual = match self {
            Self::ONE => 1_000,
            Self::FIVE => 3_000,
            Self::TEN => 6_000,
            _ => self.ms() / 240,
        };
        if interval.ms() >= usual {
            return interval.ms();
        }
        let unit = self.unit_ms(WIDTH);
        (usual + unit - 1) / unit * unit
    }

    /// How much time one unit across stands for, in a box this wide.
    pub const fn unit_ms(self, width: i32) -> i64 {
        self.ms() / width as i64
    }
}

/// A window that ends at an instant: its right edge, usually the newest tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub end: UnixMs,
    pub window: Window,
    /// Whether it is a stretch of the past that stays where it is.
    pub is_past: bool,
}

impl Span {
    pub const fn ending(end: UnixMs, window: Window) -> Self {
        Self { end, window, is_past: false }
    }

    /// The left edge. It lies on a whole unit also where the interval does not, so that old points
    /// move by whole units only.
    pub fn start(self) -> UnixMs {
        let unit = self.window.unit_ms(WIDTH);
        let aligned = self.end.0.saturating_add(unit - 1).div_euclid(unit).saturating_mul(unit);
        UnixMs(aligned.saturating_sub(self.window.ms()))
    }

    pub fn contains(self, t: UnixMs) -> bool {
        self.start() <= t && t <= self.end
    }

    /// Where an instant stands from the left; what lies outside is put on the edge.
    pub fn place(self, t: UnixMs) -> Place {
        Place::of(t.0.saturating_sub(self.start().0) as f64 / self.window.ms() as f64)
    }

    /// Whether its times are told with their dates.
    pub fn has_dates(self) -> bool {
        self.is_past || self.window.ms() > 12 * 3_600_000
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
        for window in Window::LIVE {
            assert_eq!(Window::parse(window.id()), Some(window));
        }
        assert!(Window::named().all(|window| Window::parse(window.id()) == Some(window)));
        for foreign in ["", "5", "5M", "3h", "5m "] {
            assert_eq!(Window::parse(foreign), None, "{foreign:?}");
        }
        assert_eq!(Window::default().id(), "5m");
    }

    #[test]
    fn buckets_are_few_and_hold_a_tick_each() {
        for (window, interval_ms, bucket_ms) in [
            (Window::ONE, 1_000, 1_000),
            (Window::FIVE, 250, 3_000),
            (Window::FIVE, 1_000, 3_000),
            (Window::FIVE, 10_000, 10_000),
            (Window::TEN, 1_000, 6_000),
            (Window::TEN, 7_001, 7_001),
            (Window::ONE, 60_000, 60_000),
        ] {
            let interval = Interval::from_ms(interval_ms).unwrap_or(Interval::SECOND);
            assert_eq!(window.bucket_ms(interval), bucket_ms, "{window:?} {interval_ms}");
            assert!(window.ms() / bucket_ms <= 150);
        }
    }

    #[test]
    fn any_length_has_a_window_with_few_labels() {
        for (length_s, unit_ms, words) in [
            (1, 50, "minute"),
            (61, 51, "1 min"),
            (3_600, 3_000, "hour"),
            (86_400 * 9, 648_000, "9 days"),
            (86_400, 72_000, "day"),
            (i64::MAX / 2_000, 52_560_000, "2 years"),
        ] {
            let window = Window::reaching(length_s * 1_000);
            assert_eq!((window.unit_ms(WIDTH), &*window.words()), (unit_ms, words));
            let labels = window.ms() / window.label_step_ms();
            assert!((2..=5).contains(&labels), "{window:?} {labels}");
        }
        assert_eq!(Window::named().map(|window| window.ms() / window.label_step_ms()).min(), Some(3));
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
            let window = Window::LIVE[index];
            let span = Span::ending(UnixMs(end), window);
            let unit = window.unit_ms(WIDTH);
            prop_assert_eq!(unit * i64::from(WIDTH), window.ms());
            prop_assert_eq!(span.start().0.rem_euclid(unit), 0);
            let length = end - span.start().0;
            prop_assert!(window.ms() - unit < length && length <= window.ms());
        }

        #[test]
        fn any_instant_has_a_place(end in any::<i64>(), t in any::<i64>()) {
            let span = Span::ending(UnixMs(end), Window::FIVE);
            prop_assert!(span.place(UnixMs(t)).permyriad() <= 10_000);
        }
    }
}
