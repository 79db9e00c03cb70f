//! A chart, ready to be put on a page: paths, labels, holes and the newest values.

use super::grid::Grid;
use super::holes::{self, Hole};
use super::path::{Pen, Stroke, bands};
use super::reduce::{Rows, line};
use super::span::{Place, Span};
use super::ticks::{XTick, time_ticks};
use super::{HEIGHT, Scale, WIDTH, YTick, cursor, heat};
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
    pub x_ticks: Vec<XTick>,
    /// The values at the span's end, in the family's order.
    pub newest: Vec<Option<f64>>,
    pub scale: Scale,
}

/// What stands on a hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapNote {
    pub start: Place,
    pub end: Place,
    /// When, and why: `14:05:10 to 14:05:40: the host was suspended`.
    pub title: String,
}

/// Holes of the same reason that are nearer than this, in hundredths of a percent, share a note.
const NOTE_DISTANCE: u16 = 200;

impl Drawing {
    pub fn of(family: &Family, history: &History, span: Span, zone_offset_minutes: i32) -> Self {
        let newest = cursor::values_at(family, history, span.end);
        let holes = holes::holes(family, history, span);
        let (strokes, scale) = match history.track(&family.id) {
            Some(track) if family.is_heat() => heat::strokes(family, track, span),
            Some(track) if family.stacked => stacked(family.unit, &Rows::of(track, span, WIDTH)),
            Some(track) => lines(family.unit, &Rows::of(track, span, WIDTH)),
            None => (vec![Stroke::default(); stroke_count(family)], Scale::round(family.unit, 0.0)),
        };
        let grid = Grid::new(span, WIDTH, family.interval_ms);
        let x = |t| grid.x(t).clamp(0, WIDTH);
        let stretches = holes.iter().map(|hole| around(hole, family, span)).map(|(from, to)| (x(from), x(to)));
        Self {
            strokes,
            gaps: bands(stretches, HEIGHT),
            gap_notes: notes(&holes, family, span, zone_offset_minutes),
            y_ticks: if family.is_heat() { heat::y_ticks(family) } else { scale.ticks() },
            x_ticks: time_ticks(span, zone_offset_minutes),
            newest,
            scale,
        }
    }
}

/// One a dimension, or one a level of heat.
pub fn stroke_count(family: &Family) -> usize {
    if family.is_heat() { heat::LEVELS } else { family.dimensions.len() }
}

/// Each dimension a line. Where there are one or two, the first is filled to the ground.
fn lines(unit: Unit, rows: &Rows) -> (Vec<Stroke>, Scale) {
    let scale = Scale::round(unit, rows.max());
    let count = rows.columns.len();
    let strokes = rows
        .columns
        .iter()
        .enumerate()
        .map(|(dimension, values)| {
            let mut pen = Pen::new(WIDTH, HEIGHT, dimension == 0 && count <= 2);
            line(&rows.ticks, values, &scale, HEIGHT, &mut pen);
            pen.finish()
        })
        .collect();
    (strokes, scale)
}

/// Each dimension on top of those before it.
///
/// An area is what lies under its own edge and not under the one below: both outlines, filled by
/// `evenodd`. So each outline is the text of its line once more, which compresses to almost nothing.
/// A dimension that adds nothing anywhere has neither line nor area.
fn stacked(unit: Unit, rows: &Rows) -> (Vec<Stroke>, Scale) {
    let stack = rows.stack();
    let adds_up = matches!(unit, Unit::Bytes | Unit::Count);
    let scale = if adds_up { Scale::total(unit, stack.max) } else { Scale::round(unit, stack.max) };
    let mut below = Stroke::default();
    let strokes = (0..rows.columns.len())
        .map(|dimension| {
            let mut pen = Pen::new(WIDTH, HEIGHT, true);
            stack.edge(dimension, &scale, HEIGHT, &mut pen);
            let edge = pen.finish();
            if edge.line.is_empty() || edge.line == below.line {
                return Stroke::default();
            }
            let area = edge.area.clone() + &below.area;
            below = edge;
            Stroke { line: below.line.clone(), area }
        })
        .collect();
    (strokes, scale)
}

/// A hole is hatched from the last value before it to the first one after it.
fn around(hole: &Hole, family: &Family, span: Span) -> (UnixMs, UnixMs) {
    ((hole.from - family.interval_ms).max(span.start()), (hole.to + family.interval_ms).min(span.end))
}

fn notes(holes: &[Hole], family: &Family, span: Span, zone_offset_minutes: i32) -> Vec<GapNote> {
    let mut joined: Vec<Hole> = Vec::new();
    for hole in holes {
        match joined.last_mut() {
            Some(last) if last.words == hole.words && is_near(last, hole, span) => last.to = hole.to,
            _ => joined.push(*hole),
        }
    }
    joined
        .iter()
        .map(|hole| {
            let (from, to) = around(hole, family, span);
            GapNote { start: span.place(from), end: span.place(to), title: hole.title(zone_offset_minutes) }
        })
        .collect()
}

fn is_near(earlier: &Hole, later: &Hole, span: Span) -> bool {
    span.place(later.from).permyriad() <= span.place(earlier.to).permyriad() + NOTE_DISTANCE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Window;
    use crate::chart::fixture::{any_rows, at, family, gap, history, seconds};
    use crate::chart::path::tests::{is_sound, read};
    use crate::model::GapReason;
    use proptest::prelude::*;

    #[test]
    fn a_chart_of_one_sample_is_not_empty() {
        let rows = [(300, vec![Some(10.0), Some(20.0)])];
        for family in [family(Unit::Percent, 1, &["a", "b"]), family(Unit::Percent, 1, &["a", "b"]).stacked()] {
            let drawing = Drawing::of(&family, &history(&family, &rows, &[]), Span::ending(at(300), Window::Five), 0);
            assert!(drawing.strokes.iter().all(|stroke| !stroke.line.is_empty()));
            assert_eq!(drawing.newest, [Some(10.0), Some(20.0)]);
            assert_eq!(drawing.gaps, "");
        }
    }

    #[test]
    fn a_chart_without_data_has_axes_all_the_same() {
        let family = family(Unit::Percent, 1, &["a", "b"]);
        let drawing = Drawing::of(&family, &history(&family, &[], &[]), Span::ending(at(300), Window::Five), 0);
        assert!(drawing.strokes.iter().all(|stroke| stroke.line.is_empty()) && drawing.gap_notes.is_empty());
        assert_eq!((drawing.strokes.len(), drawing.y_ticks.len(), drawing.x_ticks.len()), (2, 5, 4));
        assert_eq!(drawing.newest, [None, None]);
    }

    #[test]
    fn areas_of_a_stack_are_the_outline_without_the_one_below() {
        let family = family(Unit::Bytes, 1, &["used", "none", "free"]).stacked();
        let rows: Vec<_> = (0..=60).map(|s| (s, vec![Some(1e9), Some(0.0), Some(1e9)])).collect();
        let drawing = Drawing::of(&family, &history(&family, &rows, &[]), Span::ending(at(60), Window::One), 0);
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
        let drawing = Drawing::of(&family, &history, Span::ending(at(300), Window::Five), 0);
        assert_eq!(drawing.gaps, "M400 0h400v240H400z");
        let title = "00:01:41 to 00:03:19: the host was suspended".to_owned();
        assert_eq!(drawing.gap_notes, [GapNote { start: Place::of(1.0 / 3.0), end: Place::of(2.0 / 3.0), title }]);
        assert_eq!(drawing.strokes[0].line, "M0 0h400M800 0h400");
    }

    #[test]
    fn many_small_holes_share_a_note() {
        let family = family(Unit::Count, 1, &["a"]);
        let rows = seconds(0..=300, |s| Some((s % 2 == 0).then_some(1.0)));
        let drawing = Drawing::of(&family, &history(&family, &rows, &[]), Span::ending(at(300), Window::Five), 0);
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
            let span = Span::ending(at(end), Window::ALL[index]);
            let drawing = Drawing::of(&family, &history, span, 0);
            for path in drawing.strokes.iter().flat_map(|stroke| [&stroke.line, &stroke.area]).chain([&drawing.gaps]) {
                prop_assert!(is_sound(path, i64::from(WIDTH), i64::from(HEIGHT)), "{}", path);
            }
            for run in drawing.strokes.iter().filter_map(|stroke| read(&stroke.line)).flatten() {
                prop_assert!(run.windows(2).all(|pair| pair[0].0 <= pair[1].0), "time runs backwards");
            }
            prop_assert!(drawing.y_ticks.len() <= 6 && drawing.x_ticks.len() <= 7);
            prop_assert!(drawing.gap_notes.iter().all(|note| note.start < note.end), "{:?}", drawing.gap_notes);
            prop_assert!(drawing.newest.iter().flatten().all(|value| value.is_finite()));
            prop_assert_eq!(&Drawing::of(&family, &history, span, 0), &drawing);
        }
    }
}
