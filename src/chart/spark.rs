//! The small picture on a headline tile: one line, no axes.

use super::grid::{Grid, Ticks};
use super::path::{Pen, Stroke};
use super::reduce::line;
use super::{Scale, Span};
use crate::model::{Interval, Unit, UnixMs};

/// Its box, in units: what `viewBox` says.
pub const SPARK_WIDTH: i32 = 600;
pub const SPARK_HEIGHT: i32 = 96;

/// `points` in order of time; one without a value breaks the line, as does a tick that is not there.
/// `max` is the value at the top; without it the greatest value decides.
pub fn spark(points: &[(UnixMs, Option<f64>)], span: Span, unit: Unit, max: Option<f64>) -> Stroke {
    let interval = interval(points);
    let grid = Grid::new(span, SPARK_WIDTH, interval);
    let visible =
        points.partition_point(|(t, _)| *t < span.start() - interval)..points.partition_point(|(t, _)| *t <= span.end);
    let points = points.get(visible).unwrap_or_default();
    let ticks = Ticks::new(grid, points.iter().map(|(t, _)| *t).collect());
    let values: Vec<f64> = points.iter().map(|(_, value)| value.unwrap_or(f64::NAN)).collect();
    let scale = Scale::round(unit, max.unwrap_or_else(|| values.iter().fold(0.0, |max, value| max.max(*value))));
    let mut pen = Pen::new(SPARK_WIDTH, SPARK_HEIGHT, true);
    line(&ticks, &values, &scale, SPARK_HEIGHT, &mut pen);
    pen.finish()
}

/// The shortest time from one point to the next: ticks further apart have others missing between them.
fn interval(points: &[(UnixMs, Option<f64>)]) -> Interval {
    // The newest point may stand for a stretch that is not over yet.
    points[..points.len() - usize::from(points.len() > 2)]
        .windows(2)
        .filter_map(|pair| u32::try_from(pair[1].0.0.saturating_sub(pair[0].0.0)).ok())
        .filter_map(Interval::from_ms)
        .min()
        .unwrap_or(Interval::SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Window;
    use crate::chart::path::tests::is_sound;
    use proptest::prelude::*;

    fn points(list: &[(i64, Option<f64>)]) -> Vec<(UnixMs, Option<f64>)> {
        list.iter().map(|(second, value)| (UnixMs(second * 1_000), *value)).collect()
    }

    #[test]
    fn sparks_break_where_charts_do() {
        let span = Span::ending(UnixMs(60_000), Window::ONE);
        for (list, max, line) in [
            (&[][..], None, ""),
            (&[(60, Some(50.0))][..], Some(100.0), "M590 48h10"),
            (&[(58, Some(50.0)), (59, Some(50.0)), (60, Some(100.0))][..], None, "M580 48h10l10-48"),
            (
                &[(54, Some(50.0)), (55, Some(50.0)), (57, Some(0.0)), (58, None)][..],
                Some(100.0),
                "M540 48h10M560 96h10",
            ),
            (&[(-9, Some(1.0)), (0, Some(50.0)), (1, Some(50.0))][..], Some(100.0), "M0 48h10"),
        ] {
            assert_eq!(spark(&points(list), span, Unit::Percent, max).line, line, "{list:?}");
        }
    }

    proptest! {
        #[test]
        fn every_spark_is_sound(values in prop::collection::vec(prop::option::of(any::<f64>()), 0..400), index in 0_usize..3) {
            let points: Vec<_> = values.iter().enumerate().map(|(i, v)| (UnixMs(i as i64 * 1_000), *v)).collect();
            let span = Span::ending(UnixMs(300_000), Window::LIVE[index]);
            let stroke = spark(&points, span, Unit::BytesPerSecond, None);
            for path in [stroke.line, stroke.area] {
                prop_assert!(is_sound(&path, i64::from(SPARK_WIDTH), i64::from(SPARK_HEIGHT)), "{}", path);
            }
        }
    }
}
