//! A chart, ready to be put on a page: paths, labels and holes.

use super::grid::Grid;
use super::growth::Settled;
use super::holes::{self, Hole};
use super::path::{Pen, Stroke, bands};
use super::reduce::{Rows, Stack, line};
use super::span::Span;
use super::{HEIGHT, Scale, WIDTH, YTick, heat};
use crate::model::{Family, History, Unit, UnixMs};

/// What one chart shows. The same inputs give the same drawing on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// As many as `stroke_count` says, in the family's order.
    pub strokes: Vec<Stroke>,
    /// One path of rectangles, to be hatched.
    pub gaps: String,
    pub gap_notes: Vec<GapNote>,
    pub y_ticks: Vec<YTick>,
    pub scale: Scale,
    /// What may be drawn beside it later; `None` where nothing may.
    pub settled: Option<Settled>,
}

/// What stands on a hole, in units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapNote {
    pub start: i32,
    pub end: i32,
    /// When, and why: `14:05:10 to 14:05:40: the host was suspended`.
    pub title: String,
}

/// Holes of the same reason that are nearer than this, in units, share a note.
const NOTE_DISTANCE: i32 = 24;

impl Drawing {
    /// `top` is what its scale has to reach besides.
    pub fn of(family: &Family, history: &History, span: Span, zone_offset_minutes: i32, top: f64) -> Self {
        let holes = holes::holes(family, history, span);
        let (strokes, scale, settled) = match history.track(&family.id) {
            Some(track) if family.is_heat() => {
                let (strokes, scale) = heat::strokes(family, track, span);
                (strokes, scale, None)
            }
            Some(track) => {
                let rows = Rows::of(track, span, WIDTH);
                let shape = Shape::of(family, &rows);
                let scale = shape.scale(top);
                (shape.strokes(&scale), scale, Some(Settled::new(span, scale, &rows, history)))
            }
            None => (vec![Stroke::default(); stroke_count(family)], Scale::round(family.unit, 0.0), None),
        };
        let grid = Grid::new(span, WIDTH, family.interval_ms);
        let x = |t| grid.x(t).clamp(0, WIDTH);
        let stretches = holes.iter().map(|hole| around(hole, family, span)).map(|(from, to)| (x(from), x(to)));
        Self {
            strokes,
            gaps: bands(stretches, HEIGHT),
            gap_notes: notes(&holes, family, span, zone_offset_minutes, x),
            y_ticks: if family.is_heat() { heat::y_ticks(family) } else { scale.ticks() },
            scale,
            settled,
        }
    }
}

/// One a dimension, or one a level of heat.
pub fn stroke_count(family: &Family) -> usize {
    if family.is_heat() { heat::LEVELS } else { family.dimensions.len() }
}

/// Whether a dimension has an area under its line: in a stack all have; of one or two lines the first.
pub fn fills(family: &Family, dimension: usize) -> bool {
    family.stacked || (dimension == 0 && family.dimensions.len() <= 2)
}

/// What is drawn of a family that is no map of heat.
pub(super) struct Shape<'a> {
    family: &'a Family,
    rows: &'a Rows,
    /// Where the dimensions stand on top of each other.
    stack: Option<Stack<'a>>,
}

impl<'a> Shape<'a> {
    pub(super) fn of(family: &'a Family, rows: &'a Rows) -> Self {
        Self { family, rows, stack: family.stacked.then(|| rows.stack()) }
    }

    pub(super) fn scale(&self, top: f64) -> Scale {
        let unit = self.family.unit;
        match &self.stack {
            Some(stack) if matches!(unit, Unit::Bytes | Unit::Count) => Scale::total(unit, stack.max.max(top)),
            Some(stack) => Scale::round(unit, stack.max.max(top)),
            None => Scale::round(unit, self.rows.max().max(top)),
        }
    }

    fn strokes(&self, scale: &Scale) -> Vec<Stroke> {
        if let Some(stack) = &self.stack {
            return layered(self.rows.columns.len(), |dimension, pen| stack.edge(dimension, scale, HEIGHT, pen));
        }
        let draw = |(dimension, values): (usize, &Vec<f64>)| {
            let mut pen = Pen::new(WIDTH, HEIGHT, fills(self.family, dimension));
            line(&self.rows.ticks, values, scale, HEIGHT, &mut pen);
            pen.finish()
        };
        self.rows.columns.iter().enumerate().map(draw).collect()
    }
}

/// Each dimension on top of those before it, given how to draw its upper edge; the box is as wide as it needs.
///
/// An area is what lies under its own edge and not under the one below: both outlines, filled by
/// `evenodd`. So each outline is the text of its line once more, which compresses to almost nothing.
/// A dimension that adds nothing anywhere has neither line nor area.
pub(super) fn layered(dimensions: usize, mut edge: impl FnMut(usize, &mut Pen)) -> Vec<Stroke> {
    let mut below = Stroke::default();
    (0..dimensions)
        .map(|dimension| {
            let mut pen = Pen::new(2 * WIDTH, HEIGHT, true);
            edge(dimension, &mut pen);
            let edge = pen.finish();
            if edge.line.is_empty() || edge.line == below.line {
                return Stroke::default();
            }
            let area = edge.area.clone() + &below.area;
            below = edge;
            Stroke { line: below.line.clone(), area }
        })
        .collect()
}

/// A hole is hatched from the last value before it to the first one after it.
fn around(hole: &Hole, family: &Family, span: Span) -> (UnixMs, UnixMs) {
    ((hole.from - family.interval_ms).max(span.start()), (hole.to + family.interval_ms).min(span.end))
}

/// One a hole, or one for several near ones.
fn notes(
    holes: &[Hole],
    family: &Family,
    span: Span,
    zone_offset_minutes: i32,
    x: impl Fn(UnixMs) -> i32,
) -> Vec<GapNote> {
    let mut joined: Vec<Hole> = Vec::new();
    for hole in holes {
        match joined.last_mut() {
            Some(last) if last.words == hole.words && x(hole.from) <= x(last.to) + NOTE_DISTANCE => last.to = hole.to,
            _ => joined.push(*hole),
        }
    }
    joined
        .iter()
        .map(|hole| {
            let (from, to) = around(hole, family, span);
            GapNote { start: x(from), end: x(to), title: hole.title(span, zone_offset_minutes) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Window;
    use crate::chart::cursor::values_at;
    use crate::chart::fixture::{any_rows, at, family, gap, history, seconds};
    use crate::chart::path::tests::{is_sound, read};
    use crate::chart::ticks::time_ticks;
    use crate::model::GapReason;
    use proptest::prelude::*;

    #[test]
    fn a_chart_of_one_sample_is_not_empty() {
        let rows = [(300, vec![Some(10.0), Some(20.0)])];
        for family in [family(Unit::Percent, 1, &["a", "b"]), family(Unit::Percent, 1, &["a", "b"]).stacked()] {
            let drawing =
                Drawing::of(&family, &history(&family, &rows, &[]), Span::ending(at(300), Window::FIVE), 0, 0.0);
            assert!(drawing.strokes.iter().all(|stroke| !stroke.line.is_empty()));
            assert_eq!(values_at(&family, &history(&family, &rows, &[]), at(300)), [Some(10.0), Some(20.0)]);
            assert_eq!(drawing.gaps, "");
        }
    }

    #[test]
    fn a_chart_without_data_has_axes_all_the_same() {
        let family = family(Unit::Percent, 1, &["a", "b"]);
        let (history, span) = (history(&family, &[], &[]), Span::ending(at(300), Window::FIVE));
        let drawing = Drawing::of(&family, &history, span, 0, 0.0);
        assert!(drawing.strokes.iter().all(|stroke| stroke.line.is_empty()) && drawing.gap_notes.is_empty());
        assert_eq!((drawing.strokes.len(), drawing.y_ticks.len(), time_ticks(span, 0).len()), (2, 5, 4));
        assert_eq!(values_at(&family, &history, span.end), [None, None]);
    }

    #[test]
    fn areas_of_a_stack_are_the_outline_without_the_one_below() {
        let family = family(Unit::Bytes, 1, &["used", "none", "free"]).stacked();
        let rows: Vec<_> = (0..=60).map(|s| (s, vec![Some(1e9), Some(0.0), Some(1e9)])).collect();
        let drawing = Drawing::of(&family, &history(&family, &rows, &[]), Span::ending(at(60), Window::ONE), 0, 0.0);
        let stroke = |line: &str, area: &str| Stroke { line: line.to_owned(), area: area.to_owned() };
        let lower = "M0 120h1200V240H0z";
        assert_eq!(
            drawing.strokes,
            [stroke("M0 120h1200", lower), Stroke::default(), stroke("M0 0h1200", &format!("M0 0h1200V240H0z{lower}")),]
        );
        assert_eq!(drawing.scale.top(), 2e9);
    }

    #[test]
    fn a_hole_is_hatched_from_value_to_value_and_says_why() {
        let family = family(Unit::Count, 1, &["a"]);
        let rows = seconds(0..=300, |s| (!(101..=199).contains(&s)).then_some(Some(1.0)));
        let history = history(&family, &rows, &[gap(101, 199, GapReason::Suspended)]);
        let drawing = Drawing::of(&family, &history, Span::ending(at(300), Window::FIVE), 0, 0.0);
        assert_eq!(drawing.gaps, "M400 0h400v240H400z");
        let title = "00:01:41 to 00:03:19: the host was suspended".to_owned();
        assert_eq!(drawing.gap_notes, [GapNote { start: 400, end: 800, title }]);
        assert_eq!(drawing.strokes[0].line, "M0 0h400M800 0h400");
    }

    #[test]
    fn many_small_holes_share_a_note() {
        let family = family(Unit::Count, 1, &["a"]);
        let rows = seconds(0..=300, |s| Some((s % 2 == 0).then_some(1.0)));
        let drawing = Drawing::of(&family, &history(&family, &rows, &[]), Span::ending(at(300), Window::FIVE), 0, 0.0);
        assert_eq!(drawing.gap_notes.len(), 1);
    }

    proptest! {
        #[test]
        fn every_drawing_is_sound(
            rows in any_rows(),
            index in 0_usize..3,
            stacked in any::<bool>(),
            interval_s in 1_u32..12,
            end in 0_i64..800,
        ) {
            use Unit::*;
            let unit = [Percent, Bytes, BytesPerSecond, PerSecond, Milliseconds, Celsius, Hertz, Count][rows.len() % 8];
            let family = Family { stacked, ..family(unit, interval_s, &["a", "b"]) };
            let history = history(&family, &rows, &[]);
            let span = Span::ending(at(end), Window::LIVE[index]);
            let drawing = Drawing::of(&family, &history, span, 0, 0.0);
            for path in drawing.strokes.iter().flat_map(|stroke| [&stroke.line, &stroke.area]).chain([&drawing.gaps]) {
                prop_assert!(is_sound(path, i64::from(WIDTH), i64::from(HEIGHT)), "{}", path);
            }
            for run in drawing.strokes.iter().filter_map(|stroke| read(&stroke.line)).flatten() {
                prop_assert!(run.windows(2).all(|pair| pair[0].0 <= pair[1].0), "time runs backwards");
            }
            prop_assert!(drawing.y_ticks.len() <= 6 && time_ticks(span, 0).len() <= 7);
            prop_assert!(values_at(&family, &history, span.end).iter().flatten().all(|value| value.is_finite()));
            prop_assert!(drawing.gap_notes.iter().all(|note| note.start < note.end), "{:?}", drawing.gap_notes);
            prop_assert_eq!(&Drawing::of(&family, &history, span, 0, 0.0), &drawing);
        }
    }
}
