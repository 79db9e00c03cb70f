//! The y axis: from zero to a top, with round labels that share one prefix and their decimal places.

use super::span::Place;
use crate::model::Unit;
use crate::model::units::{self, Shown, between};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    unit: Unit,
    top: f64,
    step: f64,
}

/// A label of the y axis. Its place is measured from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YTick {
    pub place: Place,
    pub label: String,
}

/// A quarter of each is round, and 100 is where percentages end.
const PERCENT_TOPS: [f64; 7] = [1.0, 2.0, 4.0, 10.0, 20.0, 40.0, 100.0];
/// Percentages that miss 100 by a rounding are no reason for another scale.
const PERCENT_SLACK: f64 = 0.5;
/// More than anything a machine counts; beyond it labels would be nonsense.
const GREATEST: f64 = 1e24;
const ROUND_STEPS: [f64; 4] = [1.0, 2.0, 2.5, 5.0];
/// Close enough together that three of them always fit below a given total.
const TOTAL_STEPS: [f64; 8] = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5];
const TOTAL_STEPS_BINARY: [f64; 2] = [1.0, 1.5];

impl Scale {
    /// With a round top not below `max`.
    pub fn round(unit: Unit, max: f64) -> Self {
        let max = if max.is_finite() { max.min(GREATEST) } else { 0.0 };
        if unit == Unit::Percent && max <= 100.0 + PERCENT_SLACK {
            let top = PERCENT_TOPS.into_iter().find(|&top| top >= max).unwrap_or(100.0);
            return Self { unit, top, step: top / 4.0 };
        }
        let max = max.max(least_top(unit));
        let (steps, base): (&[f64], _) = if is_binary(unit) { (&[1.0], 2.0) } else { (&ROUND_STEPS, 10.0) };
        let step = first_step(steps, base, |step| step * 4.0 >= max);
        Self { unit, top: if step * 3.0 >= max { step * 3.0 } else { step * 4.0 }, step }
    }

    /// With a given top, for what adds up to a total: only the labels are round.
    pub fn total(unit: Unit, total: f64) -> Self {
        if !total.is_finite() || total <= 0.0 {
            return Self::round(unit, 0.0);
        }
        let total = between(total, least_top(unit), GREATEST);
        let (steps, base): (&[f64], _) =
            if is_binary(unit) { (&TOTAL_STEPS_BINARY, 2.0) } else { (&TOTAL_STEPS, 10.0) };
        Self { unit, top: total, step: first_step(steps, base, |step| step * 5.0 > total) }
    }

    pub const fn top(&self) -> f64 {
        self.top
    }

    /// Whether a value stands inside, or so little above that nobody sees it.
    pub fn covers(&self, value: f64) -> bool {
        value <= self.top * 1.005
    }

    /// Where a value stands from the top; what lies outside is put on the edge.
    pub fn place(&self, value: f64) -> Place {
        Place::of(1.0 - value / self.top)
    }

    /// How many units from the top a value stands in a box this high.
    pub fn y(&self, value: f64, height: i32) -> i32 {
        let height = f64::from(height);
        // The cast takes NaN to zero, so that nothing leaves the box whatever comes in.
        (height + 0.5 - between(value / self.top * height, 0.0, height)) as i32
    }

    /// Bottom to top, zero first.
    pub fn ticks(&self) -> Vec<YTick> {
        let prefix = self.unit.prefix(self.top);
        let step = self.step / prefix.worth;
        let decimals = (0..3).find(|&decimals| is_whole(step * 10_f64.powi(decimals))).unwrap_or(3) as usize;
        let count = (self.top / self.step + 1e-9) as u32;
        (0..=count)
            .map(|index| {
                let number = f64::from(index) * step;
                let shown = Shown { number: units::fixed(number, decimals), unit: prefix.unit };
                YTick { place: self.place(f64::from(index) * self.step), label: shown.text() }
            })
            .collect()
    }
}

fn is_binary(unit: Unit) -> bool {
    matches!(unit, Unit::Bytes | Unit::BytesPerSecond)
}

/// Below this an axis would make much of nothing.
fn least_top(unit: Unit) -> f64 {
    match unit {
        Unit::Bytes | Unit::BytesPerSecond => 4_096.0,
        Unit::PerSecond => 4.0,
        Unit::Celsius => 40.0,
        Unit::Percent | Unit::Milliseconds | Unit::Hertz | Unit::Count => 1.0,
    }
}

/// The first of the steps, times a power of the base, that is enough.
fn first_step(steps: &[f64], base: f64, is_enough: impl Fn(f64) -> bool) -> f64 {
    let mut power = 1.0 / (base * base);
    loop {
        for step in steps {
            if is_enough(step * power) {
                return step * power;
            }
        }
        power *= base;
    }
}

fn is_whole(number: f64) -> bool {
    (number - number.round()).abs() < 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KIB: f64 = 1024.0;
    const MIB: f64 = 1024.0 * KIB;
    const GIB: f64 = 1024.0 * MIB;

    fn labels(scale: Scale) -> String {
        scale.ticks().into_iter().map(|tick| tick.label).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn tops_are_round() {
        for (unit, max, expected) in [
            (Unit::Percent, 0.0, "0.00%, 0.25%, 0.50%, 0.75%, 1.00%"),
            (Unit::Percent, 3.0, "0%, 1%, 2%, 3%, 4%"),
            (Unit::Percent, 9.9, "0.0%, 2.5%, 5.0%, 7.5%, 10.0%"),
            (Unit::Percent, 41.0, "0%, 25%, 50%, 75%, 100%"),
            (Unit::Percent, 100.01, "0%, 25%, 50%, 75%, 100%"),
            (Unit::Percent, 163.0, "0%, 50%, 100%, 150%, 200%"),
            (Unit::BytesPerSecond, 0.0, "0 KiB/s, 1 KiB/s, 2 KiB/s, 3 KiB/s, 4 KiB/s"),
            (Unit::BytesPerSecond, 450.0 * KIB, "0 KiB/s, 128 KiB/s, 256 KiB/s, 384 KiB/s, 512 KiB/s"),
            (Unit::BytesPerSecond, 900.0 * MIB, "0.00 GiB/s, 0.25 GiB/s, 0.50 GiB/s, 0.75 GiB/s, 1.00 GiB/s"),
            (Unit::Bytes, 1.2 * GIB, "0.0 GiB, 0.5 GiB, 1.0 GiB, 1.5 GiB"),
            (Unit::Bytes, 500.0 * MIB, "0 MiB, 128 MiB, 256 MiB, 384 MiB, 512 MiB"),
            (Unit::Count, 0.0, "0.00, 0.25, 0.50, 0.75, 1.00"),
            (Unit::Count, 7.0, "0, 2, 4, 6, 8"),
            (Unit::PerSecond, 1.0, "0 /s, 1 /s, 2 /s, 3 /s, 4 /s"),
            (Unit::PerSecond, 12_300.0, "0 k/s, 5 k/s, 10 k/s, 15 k/s"),
            (Unit::Milliseconds, 0.4, "0.00 ms, 0.25 ms, 0.50 ms, 0.75 ms, 1.00 ms"),
            (Unit::Milliseconds, 1_700.0, "0.0 s, 0.5 s, 1.0 s, 1.5 s, 2.0 s"),
            (Unit::Celsius, 51.0, "0 °C, 20 °C, 40 °C, 60 °C"),
            (Unit::Count, f64::NAN, "0.00, 0.25, 0.50, 0.75, 1.00"),
        ] {
            assert_eq!(labels(Scale::round(unit, max)), expected, "{max} {unit:?}");
        }
    }

    #[test]
    fn a_total_stays_as_it_is_and_has_round_labels() {
        for (unit, total, expected) in [
            (Unit::Bytes, 31.2 * GIB, "0 GiB, 8 GiB, 16 GiB, 24 GiB"),
            (Unit::Bytes, 32.0 * GIB, "0 GiB, 8 GiB, 16 GiB, 24 GiB, 32 GiB"),
            (Unit::Bytes, 21.0 * GIB, "0 GiB, 6 GiB, 12 GiB, 18 GiB"),
            (Unit::Bytes, 0.0, "0 KiB, 1 KiB, 2 KiB, 3 KiB, 4 KiB"),
            (Unit::Count, 6_553_600.0, "0.0 M, 1.5 M, 3.0 M, 4.5 M, 6.0 M"),
        ] {
            let scale = Scale::total(unit, total);
            assert_eq!(labels(scale), expected, "{total}");
            assert!(total == 0.0 || scale.top() == total);
        }
    }

    proptest! {
        #[test]
        fn every_axis_has_four_or_five_labels(max in 0.0_f64..1e18, small in 0.0_f64..2e3, index in 0_usize..7) {
            use Unit::*;
            let unit = [Percent, Bytes, BytesPerSecond, PerSecond, Milliseconds, Celsius, Count][index];
            for max in [max, small] {
                let round = Scale::round(unit, max);
                prop_assert!(round.top() + PERCENT_SLACK >= max);
                prop_assert!((4..=5).contains(&round.ticks().len()), "{:?}", round.ticks());
                prop_assert_eq!(round.ticks().last().map(|tick| tick.place), Some(Place::default()));
                let total = Scale::total(unit, max + 1.0);
                prop_assert!((4..=5).contains(&total.ticks().len()), "{:?}", total.ticks());
                prop_assert!((0..=240).contains(&round.y(max, 240)));
            }
        }

        #[test]
        fn no_value_leaves_the_box(value in any::<f64>(), max in any::<f64>()) {
            for scale in [Scale::round(Unit::Bytes, max), Scale::total(Unit::Bytes, max)] {
                prop_assert!((0..=240).contains(&scale.y(value, 240)));
            }
        }
    }
}
