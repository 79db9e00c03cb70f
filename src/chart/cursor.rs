//! The crosshair that all charts share: an instant, and what each family says about it.

use super::span::Span;
use crate::model::units::between;
use crate::model::{Family, History, Interval, UnixMs};

/// The values that stand for an instant, in the family's order. A row stands for its own interval.
pub fn values_at(family: &Family, history: &History, t: UnixMs) -> Vec<Option<f64>> {
    let row = history.track(&family.id).and_then(|track| Some((track, track.row_at(t)?)));
    (0..family.dimensions.len()).map(|dimension| row.and_then(|(track, row)| track.value(row, dimension))).collect()
}

/// The tick nearest to a place from the left, given as a share from 0 to 1.
pub fn t_at(span: Span, share: f64, interval: Interval) -> UnixMs {
    let start = span.start();
    let past_start = (between(share, 0.0, 1.0) * span.window.ms() as f64) as i64;
    within(span, UnixMs(start.0.saturating_add(past_start + interval.ms() / 2)).floor_to(interval), interval)
}

/// So many ticks later, or earlier; it stops at the edges of the span.
pub fn step(span: Span, t: UnixMs, ticks: i64, interval: Interval) -> UnixMs {
    let moved = t.floor_to(interval).0.saturating_add(ticks.saturating_mul(interval.ms()));
    within(span, UnixMs(moved), interval)
}

/// The nearest tick inside the span.
fn within(span: Span, t: UnixMs, interval: Interval) -> UnixMs {
    let (first, last) = (span.start().ceil_to(interval), span.end.floor_to(interval));
    t.max(first).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Window;
    use proptest::prelude::*;

    const SPAN: Span = Span::ending(UnixMs(300_000), Window::FIVE);

    #[test]
    fn a_place_is_the_nearest_tick() {
        for (share, t) in [
            (0.0, 0),
            (1.0, 300_000),
            (0.5, 150_000),
            (0.001, 0),
            (0.002, 1_000),
            (-1.0, 0),
            (2.0, 300_000),
            (f64::NAN, 0),
        ] {
            assert_eq!(t_at(SPAN, share, Interval::SECOND), UnixMs(t), "{share}");
        }
    }

    #[test]
    fn steps_stop_at_the_edges() {
        for (t, ticks, expected) in [
            (5_000, 1, 6_000),
            (5_000, -1, 4_000),
            (5_400, 1, 6_000),
            (300_000, 1, 300_000),
            (0, -1, 0),
            (5_000, i64::MIN, 0),
            (5_000, i64::MAX, 300_000),
        ] {
            assert_eq!(step(SPAN, UnixMs(t), ticks, Interval::SECOND), UnixMs(expected), "{t} {ticks}");
        }
    }

    proptest! {
        #[test]
        fn a_tick_is_found_again_where_it_is_drawn(second in 0_i64..=300) {
            let t = UnixMs(second * 1_000);
            let share = f64::from(SPAN.place(t).permyriad()) / 10_000.0;
            prop_assert_eq!(t_at(SPAN, share, Interval::SECOND), t);
        }
    }
}
