//! Whether a series rises or falls, as a person would say it.

use crate::model::Unit;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    Rising,
    Falling,
    Steady,
}

impl Trend {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::Steady => "steady",
        }
    }

    /// Compares the last third of the values with the first, by their medians, so that single spikes
    /// decide nothing. The difference counts when it stands out of how much each third varies in itself
    /// and is worth a word for the unit.
    pub fn of(unit: Unit, values: &[f64]) -> Self {
        let third = values.len() / 3;
        if third == 0 {
            return Self::Steady;
        }
        let (first, last) = (&values[..third], &values[values.len() - third..]);
        let (before, after) = (median(first), median(last));
        let spread = f64::midpoint(deviation(first, before), deviation(last, after));
        let (share, least) = worth_a_word(unit);
        let needed = (2.0 * spread).max(share * before.abs().max(after.abs())).max(least);
        match after - before {
            difference if difference > needed => Self::Rising,
            difference if difference < -needed => Self::Falling,
            _ => Self::Steady,
        }
    }
}

/// The least difference that matters: as a share of the values, and as such.
fn worth_a_word(unit: Unit) -> (f64, f64) {
    match unit {
        Unit::Percent => (0.1, 1.0),
        Unit::Bytes => (0.01, 1_048_576.0),
        Unit::BytesPerSecond => (0.2, 4_096.0),
        Unit::PerSecond => (0.2, 1.0),
        Unit::Milliseconds | Unit::Celsius => (0.05, 1.0),
        Unit::Count => (0.1, 0.1),
        Unit::Hertz => (0.1, 50e6),
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    // A shell sort: quick enough for some hundred values, and a tenth of the library's sort in the browser.
    for distance in [109, 41, 19, 5, 1] {
        for start in distance..sorted.len() {
            let mut place = start;
            while place >= distance && sorted[place - distance] > sorted[place] {
                sorted.swap(place - distance, place);
                place -= distance;
            }
        }
    }
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// The median distance from the median.
fn deviation(values: &[f64], median_value: f64) -> f64 {
    let distances: Vec<f64> = values.iter().map(|value| (value - median_value).abs()).collect();
    median(&distances)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        let scattered: Vec<f64> = (0..301).map(|index| f64::from(index * 97 % 301)).collect();
        for (values, expected) in [(&[][..], 0.0), (&[7.0], 7.0), (&[3.0, 1.0, 2.0], 2.0), (&scattered, 150.0)] {
            assert_eq!(median(values), expected);
        }
    }

    #[test]
    fn trends_are_what_people_would_say() {
        let noise = |index: usize| [0.0, 7.0, 3.0, 9.0, 1.0, 5.0, 8.0][index % 7];
        let series = |f: &dyn Fn(usize) -> f64| (0..300).map(f).collect::<Vec<f64>>();
        for (what, unit, values, expected) in [
            ("nothing", Unit::Percent, vec![], Trend::Steady),
            ("one value", Unit::Percent, vec![99.0], Trend::Steady),
            ("a constant", Unit::Percent, series(&|_| 42.0), Trend::Steady),
            ("noise", Unit::Percent, series(&|i| 20.0 + noise(i)), Trend::Steady),
            ("a slope", Unit::Percent, series(&|i| i as f64 / 3.0), Trend::Rising),
            ("a noisy slope", Unit::Percent, series(&|i| 60.0 - i as f64 / 6.0 + noise(i)), Trend::Falling),
            ("a step", Unit::Percent, series(&|i| if i < 150 { 5.0 } else { 80.0 }), Trend::Rising),
            ("one spike at the end", Unit::Percent, series(&|i| if i == 299 { 100.0 } else { 2.0 }), Trend::Steady),
            ("an idle wobble", Unit::Percent, series(&|i| if i < 150 { 0.2 } else { 0.6 }), Trend::Steady),
            ("a leak", Unit::Bytes, series(&|i| 10e9 + i as f64 * 2e6), Trend::Rising),
            ("a quiet network", Unit::BytesPerSecond, series(&|i| i as f64), Trend::Steady),
            ("three values", Unit::Count, vec![1.0, 2.0, 3.0], Trend::Rising),
        ] {
            assert_eq!(Trend::of(unit, &values), expected, "{what}");
        }
    }
}
