//! How far values went around their mean, where a point stands for more than one of them: an area behind the lines.

use super::grid::Grid;
use super::{HEIGHT, Scale, Span, WIDTH};
use crate::model::{Interval, UnixMs};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// Least and greatest value of each stretch of time, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// The dimension it is of; `None` for one that is about all of them.
    pub dimension: Option<usize>,
    /// The end of each stretch, and its extremes.
    pub points: Vec<(UnixMs, f64, f64)>,
}

/// By family.
pub type Bands = HashMap<Arc<str>, Vec<Band>>;

/// The highest that any of them gets.
pub fn top(bands: &[Band]) -> f64 {
    bands.iter().flat_map(|band| &band.points).fold(0.0, |top, (_, _, high)| top.max(*high))
}

impl Band {
    /// There and back again, for each run without a hole.
    pub fn path(&self, span: Span, scale: &Scale, interval: Interval) -> String {
        let grid = Grid::new(span, WIDTH, interval);
        let mut path = String::new();
        for run in self.points.chunk_by(|before, after| after.0 <= before.0 + interval) {
            let run: Vec<_> = run.iter().filter(|(t, ..)| *t >= span.start() - interval).collect();
            let there = run.iter().map(|(t, _, high)| (grid.x(*t), scale.y(*high, HEIGHT)));
            let back = run.iter().rev().map(|(t, low, _)| (grid.x(*t), scale.y(*low, HEIGHT)));
            let mut before = None;
            for (x, y) in there.chain(back) {
                // Writing into a string never fails. What is relative is shorter.
                let _ = match before {
                    None => write!(path, "M{x} {y}"),
                    Some((from_x, from_y)) => write!(path, "l{} {}", x - from_x, y - from_y),
                };
                before = Some((x, y));
            }
            if before.is_some() {
                path.push('z');
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Window;
    use crate::model::Unit;

    #[test]
    fn a_band_goes_there_and_back_and_breaks_at_holes() {
        let minute = |count: i64| UnixMs(count * 60_000);
        let band = Band {
            dimension: None,
            points: vec![
                (minute(2), 10.0, 50.0),
                (minute(3), 20.0, 100.0),
                (minute(6), 0.0, 100.0),
                (minute(7), 0.0, 50.0),
            ],
        };
        let span = Span { end: minute(10), window: Window::TEN, is_past: true };
        let path = band.path(span, &Scale::round(Unit::Percent, 100.0), Interval::MINUTE);
        assert_eq!(path, "M240 120l120 -120l0 192l-120 24zM720 0l120 120l0 120l-120 0z");
        assert_eq!((top(&[band]), top(&[])), (100.0, 0.0));
    }
}
