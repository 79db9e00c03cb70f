//! How a chart grows: what is drawn already only moves, and the ticks since then are drawn beside it.

use super::drawing::{Shape, fills, layered};
use super::grid::Grid;
use super::path::{Pen, Stroke};
use super::reduce::Rows;
use super::{HEIGHT, Scale, Span, WIDTH};
use crate::model::{Family, History, Track};
use std::ops::RangeInclusive;

/// So many ticks stand beside a drawing at most: they are not reduced.
const MOST_TICKS: usize = 40;

/// What a drawing showed, as far as it decides whether what comes next can stand beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    span: Span,
    scale: Scale,
    /// The dimensions that have a value somewhere in it.
    live: Vec<bool>,
    /// How often the history had been rewritten by then.
    rewrites: u32,
}

/// What makes a drawing one of a later end.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// How many units it has moved to the left.
    pub shift: i32,
    /// One a dimension, in the units of the drawing: they begin at its right edge and go on beyond it.
    pub strokes: Vec<Stroke>,
}

impl Settled {
    /// What a family's drawing of a span shows. A map of heat is drawn anew with every tick.
    pub fn of(family: &Family, history: &History, span: Span) -> Option<Self> {
        let track = history.track(&family.id).filter(|_| !family.is_heat())?;
        let rows = Rows::of(track, span, WIDTH);
        Some(Self::new(span, Shape::of(family, &rows).scale(0.0), &rows, history))
    }

    pub(super) fn new(span: Span, scale: Scale, rows: &Rows, history: &History) -> Self {
        Self { span, scale, live: rows.live().collect(), rewrites: history.rewrites() }
    }

    /// All labels of its y axis, one after the other.
    pub fn labels(&self) -> String {
        self.scale.ticks().into_iter().map(|tick| tick.label).collect()
    }

    /// What came after it, up to the end of a later span; `None` when all of it looks different there: another scale
    /// or window, a hole, too many ticks.
    pub fn grow(&self, family: &Family, history: &History, span: Span) -> Option<Growth> {
        let track = history.track(&family.id)?;
        let grid = Grid::new(self.span, WIDTH, track.interval());
        let shift = grid.x(span.start());
        let rows = self.rows(track, span)?;
        let has_moved_little = span.window == self.span.window && (0..=WIDTH).contains(&shift);
        if !has_moved_little || history.rewrites() != self.rewrites || !self.is_alike(family, track, rows.clone()) {
            return None;
        }
        // Where the drawing ends, each row since, and as far as the newest one still tells of.
        let mut places = vec![(*rows.start(), grid.x(self.span.end))];
        places.extend(rows.clone().skip(1).filter_map(|row| Some((row, grid.x(track.t(row)?)))));
        places.push((*rows.end(), grid.x(span.end)));
        let mut heights = vec![0.0; places.len()];
        let mut trace = |dimension: usize, pen: &mut Pen| {
            for (height, &(row, x)) in heights.iter_mut().zip(&places) {
                let Some(value) = track.value(row, dimension) else { return };
                *height = value.max(0.0) + if family.stacked { *height } else { 0.0 };
                pen.to(x, self.scale.y(*height, HEIGHT));
            }
        };
        let strokes = if family.stacked {
            layered(track.dimensions(), trace)
        } else {
            let line = |dimension| {
                let mut pen = Pen::new(2 * WIDTH, HEIGHT, fills(family, dimension));
                trace(dimension, &mut pen);
                pen.finish()
            };
            (0..track.dimensions()).map(line).collect()
        };
        Some(Growth { shift, strokes })
    }

    /// The row the drawing ends with, and those since, if none is missing.
    fn rows(&self, track: &Track, span: Span) -> Option<RangeInclusive<usize>> {
        let (first, last) = (track.row_at(self.span.end)?, track.row_at(span.end)?);
        let is_near = last.checked_sub(first)? <= MOST_TICKS;
        let follows = |row: usize| track.t(row) <= track.t(row - 1).map(|t| t + track.interval());
        // A row that still told of the drawing's end was drawn level; the line to the next one is not.
        let is_level = track.t(first)? < self.span.end;
        let is_whole = (first + 1..=last).all(follows) && (first == last || !is_level);
        (is_near && is_whole).then_some(first..=last)
    }

    /// Whether each row shows what the drawing shows at its end, and fits its scale.
    fn is_alike(&self, family: &Family, track: &Track, rows: RangeInclusive<usize>) -> bool {
        let first = *rows.start();
        let mut shows_any = false;
        for row in rows {
            let mut top = 0.0_f64;
            for (dimension, &is_live) in self.live.iter().enumerate() {
                let value = track.value(row, dimension);
                let shows = if family.stacked { is_live } else { track.value(first, dimension).is_some() };
                if value.is_some() != shows {
                    return false;
                }
                shows_any |= shows;
                let value = value.unwrap_or(0.0).max(0.0);
                top = if family.stacked { top + value } else { top.max(value) };
            }
            if !self.scale.covers(top) {
                return false;
            }
        }
        shows_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::fixture::{any_rows, at, family, history, seconds};
    use crate::chart::path::tests::{is_sound, read};
    use crate::chart::{Drawing, Window};
    use crate::model::Unit;
    use proptest::prelude::*;

    fn ending(second: i64) -> Span {
        Span::ending(at(second), Window::FIVE)
    }

    /// The strokes' lines, and how far the drawing has moved, of what was drawn to one second and grew to another.
    fn grown(family: &Family, rows: &[(i64, Vec<Option<f64>>)], from: i64, to: i64) -> Option<(i32, Vec<String>)> {
        let history = history(family, rows, &[]);
        let growth = Settled::of(family, &history, ending(from))?.grow(family, &history, ending(to))?;
        Some((growth.shift, growth.strokes.into_iter().map(|stroke| stroke.line).collect()))
    }

    #[test]
    fn a_line_goes_on_where_it_ended() {
        let family = family(Unit::Percent, 1, &["a"]);
        let rows = seconds(0..=310, |s| Some(Some(if s > 305 { 80.0 } else { 100.0 })));
        let lines = |to| grown(&family, &rows, 300, to);
        assert_eq!(lines(300), Some((0, vec![String::new()])));
        assert_eq!(lines(302), Some((8, vec!["M1200 0h8".to_owned()])));
        assert_eq!(lines(307), Some((28, vec!["M1200 0h20l4 48h4".to_owned()])));
    }

    #[test]
    fn a_slow_family_goes_on_level_until_it_is_read_again() {
        let family = family(Unit::Percent, 10, &["a"]);
        let rows: Vec<_> = (0..=31).map(|index| (index * 10, vec![Some(100.0 - index as f64)])).collect();
        let lines = |from, to| grown(&family, &rows, from, to).map(|(_, lines)| lines);
        assert_eq!(lines(300, 304), Some(vec!["M1200 72h16".to_owned()]));
        assert_eq!(lines(304, 308), Some(vec!["M1200 72h16".to_owned()]));
        assert_eq!(lines(300, 310), Some(vec!["M1200 72l40 2".to_owned()]));
        assert_eq!(lines(304, 310), None, "what was level rises to the new value");
    }

    #[test]
    fn what_looks_different_is_drawn_anew() {
        let line = family(Unit::Percent, 1, &["a"]);
        for (what, to, value) in [
            ("a greater scale", 305, Some(Some(50.0))),
            ("a value missing", 305, Some(None)),
            ("a tick missing", 306, None),
            ("nothing at the end", 305, None),
        ] {
            let rows = seconds(0..=310, |s| if s == 305 { value } else { Some(Some(5.0)) });
            assert_eq!(grown(&line, &rows, 300, to), None, "{what}");
        }
        let rows = seconds(0..=400, |_| Some(Some(5.0)));
        assert_eq!(grown(&line, &rows, 300, 299), None, "time went back");
        assert_eq!(grown(&line, &rows, 300, 341), None, "many ticks");
        assert!(grown(&line, &rows, 300, 340).is_some());
        let history = history(&line, &rows, &[]);
        let settled = Settled::of(&line, &history, ending(300));
        let mut rewritten = history.clone();
        rewritten.prepend(crate::chart::fixture::history(&line, &[], &[]));
        let grown = settled.as_ref().and_then(|settled| settled.grow(&line, &rewritten, ending(301)));
        assert_eq!(grown, None, "other samples than were drawn");
        let wider = Span::ending(at(301), Window::TEN);
        assert_eq!(settled.and_then(|settled| settled.grow(&line, &history, wider)), None, "another window");
    }

    #[test]
    fn a_stack_grows_by_what_lives_in_it() {
        let family = family(Unit::Percent, 1, &["a", "never", "b"]).stacked();
        let row = |s, b| (s, vec![Some(25.0), None, b]);
        let rows: Vec<_> = (0..=310).map(|s| row(s, Some(25.0))).collect();
        let lines = ["M1200 180h4", "", "M1200 120h4"].map(str::to_owned).to_vec();
        assert_eq!(grown(&family, &rows, 300, 301), Some((4, lines)));
        let broken: Vec<_> = (0..=310).map(|s| row(s, (s < 301).then_some(25.0))).collect();
        assert_eq!(grown(&family, &broken, 300, 301), None);
    }

    proptest! {
        /// A chart that grew is the chart that is drawn anew, but for its newest buckets: there it shows every tick.
        #[test]
        fn growing_loses_nothing(
            rows in any_rows(),
            index in 0_usize..3,
            stacked in any::<bool>(),
            from in 1_i64..500,
            later in 0_i64..400,
            interval_s in prop_oneof![4 => Just(1_u32), 1 => 2_u32..61],
        ) {
            let window = Window::LIVE[index];
            let family = Family { stacked, ..family(Unit::Percent, interval_s, &["a", "b"]) };
            let rows: Vec<_> = rows.into_iter().map(|(t, values)| (t * i64::from(interval_s), values)).collect();
            let (from, later) = (from * i64::from(interval_s), later % (40 * i64::from(interval_s)));
            let history = history(&family, &rows, &[]);
            let (before, after) = (Span::ending(at(from), window), Span::ending(at(from + later), window));
            let Some(settled) = Settled::of(&family, &history, before) else { return Ok(()) };
            let old = Drawing::of(&family, &history, before, 0, 0.0);
            prop_assert_eq!(old.settled.as_ref(), Some(&settled));
            let Some(growth) = settled.grow(&family, &history, after) else { return Ok(()) };
            prop_assert_eq!(i64::from(growth.shift), later * 1_000 / window.unit_ms(WIDTH));
            prop_assert!(growth.shift <= WIDTH, "what stands there is still in sight");
            let unit = 1_000 / window.unit_ms(WIDTH);
            for (dimension, stroke) in growth.strokes.iter().enumerate() {
                prop_assert!(is_sound(&stroke.line, 2 * i64::from(WIDTH), i64::from(HEIGHT)), "{}", stroke.line);
                let points: Vec<_> = read(&stroke.line).into_iter().flatten().flatten().collect();
                let ends = read(&old.strokes[dimension].line).and_then(|runs| runs.last()?.last().copied());
                if let (Some(first), Some(end)) = (points.first(), ends) {
                    prop_assert_eq!(*first, end, "it begins where the drawing ends");
                }
                // Every tick since is a point of the line, or lies on a straight step of it.
                let Some(track) = history.track("test") else { continue };
                for row in track.first_at_or_after(at(from))..track.first_at_or_after(at(from + later + 1)) {
                    let second = track.t(row).unwrap_or_default().0 / 1_000;
                    let value = |each| track.value(row, each).unwrap_or(0.0).max(0.0);
                    let value = if stacked { (0..=dimension).map(value).sum() } else { value(dimension) };
                    let x = i64::from(WIDTH) + (second - from) * unit;
                    let y = f64::from(old.scale.y(value, HEIGHT));
                    for pair in points.windows(2).filter(|pair| pair[0].0 <= x && x <= pair[1].0 && pair[0].0 < pair[1].0) {
                        let share = (x - pair[0].0) as f64 / (pair[1].0 - pair[0].0) as f64;
                        let drawn = pair[0].1 as f64 + share * (pair[1].1 - pair[0].1) as f64;
                        prop_assert!((drawn - y).abs() < 1e-6, "{} at {} instead of {}", drawn, x, y);
                    }
                }
            }
        }
    }
}
