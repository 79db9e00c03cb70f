//! A family in a span to the vertices of its lines: one bucket of time at a time, breaking wherever a tick is missing.

use super::Scale;
use super::grid::{Grid, Group, Ticks};
use super::path::Pen;
use super::span::Span;
use crate::model::Track;

/// A line may stay this many units away from the extremes of a bucket before both are drawn. It
/// hides no spike and makes the path much shorter.
const FLAT: i32 = 3;

/// The rows of a track that matter in a span, in columns. A value that is missing is NaN.
#[derive(Debug)]
pub struct Rows {
    pub ticks: Ticks,
    /// One a dimension, each as long as the ticks.
    pub columns: Vec<Vec<f64>>,
}

impl Rows {
    pub fn of(track: &Track, span: Span, width: i32) -> Self {
        let grid = Grid::new(span, width, track.interval());
        let rows = grid.rows(track);
        Self {
            ticks: Ticks::new(grid, rows.clone().filter_map(|row| track.t(row)).collect()),
            columns: (0..track.dimensions()).map(|dimension| track.values(dimension, rows.clone()).collect()).collect(),
        }
    }

    /// The greatest value that is drawn; zero if there is none.
    pub fn max(&self) -> f64 {
        let first = self.ticks.first_drawn();
        self.columns.iter().flat_map(|column| &column[first..]).fold(0.0, |max, value| max.max(*value))
    }

    /// Which dimensions have a value at all.
    pub fn live(&self) -> impl Iterator<Item = bool> {
        self.columns.iter().map(|column| column.iter().any(|value| !value.is_nan()))
    }

    /// The dimensions on top of each other. One that has no value at all is left out; a row in which
    /// one of the others is missing has no sum, so it breaks them all.
    pub fn stack(&self) -> Stack<'_> {
        let live: Vec<&Vec<f64>> =
            self.columns.iter().zip(self.live()).filter_map(|(column, is)| is.then_some(column)).collect();
        let is_whole = |row: usize| !live.is_empty() && live.iter().all(|column| !column[row].is_nan());
        let groups: Vec<Group> = self.ticks.groups(is_whole).iter().flat_map(Group::with_its_end_in_ticks).collect();
        let mut sums = vec![0.0; groups.len()];
        let edges = self
            .columns
            .iter()
            .zip(self.live())
            .map(|(column, is_live)| {
                is_live.then(|| {
                    for (sum, group) in sums.iter_mut().zip(&groups) {
                        *sum += mean(&column[group.rows.clone()]).max(0.0);
                    }
                    sums.clone()
                })
            })
            .collect();
        Stack { ticks: &self.ticks, max: sums.iter().fold(0.0, |max, sum| sum.max(max)), groups, edges }
    }
}

/// Series on top of each other, a mean a bucket.
#[derive(Debug)]
pub struct Stack<'rows> {
    ticks: &'rows Ticks,
    groups: Vec<Group>,
    /// The upper edge of each dimension, a value a group; `None` for one that has no value at all.
    edges: Vec<Option<Vec<f64>>>,
    /// The highest the whole stack gets.
    pub max: f64,
}

impl Stack<'_> {
    /// The upper edge of one dimension.
    pub fn edge(&self, dimension: usize, scale: &Scale, height: i32, pen: &mut Pen) {
        let Some(Some(edge)) = self.edges.get(dimension) else { return };
        for (group, &sum) in self.groups.iter().zip(edge) {
            let y = scale.y(sum, height);
            if group.begins {
                pen.to(begin_x(self.ticks, group), y);
            }
            pen.to(self.ticks.x(group.last()), y);
            if group.ends {
                end(self.ticks, group, y, pen);
            }
        }
    }
}

/// One line. The first and the last bucket of a run are drawn tick by tick, so that it begins and
/// ends where it should; of the others the least and the greatest value in order of time, or their
/// mean where both are nearly the same: a spike of one tick stays as high as it was.
pub fn line(ticks: &Ticks, values: &[f64], scale: &Scale, height: i32, pen: &mut Pen) {
    for group in ticks.groups(|row| !values[row].is_nan()) {
        let y = |row: usize| scale.y(values[row], height);
        if group.begins {
            pen.to(begin_x(ticks, &group), y(group.rows.start));
        }
        if group.begins || group.ends {
            for row in group.rows.clone() {
                pen.to(ticks.x(row), y(row));
            }
        } else {
            let (least, greatest) = extremes(values, &group);
            let (bottom, top) = (y(least), y(greatest));
            if bottom - top > FLAT {
                pen.to(ticks.middle_x(&group), if least < greatest { bottom } else { top });
                pen.to(ticks.x(group.last()), if least < greatest { top } else { bottom });
            } else {
                pen.to(ticks.x(group.last()), scale.y(mean(&values[group.rows.clone()]), height));
            }
        }
        if group.ends {
            end(ticks, &group, y(group.last()), pen);
        }
    }
}

/// Where a run begins. A single tick is drawn as the interval it tells of, for a point would not be seen.
fn begin_x(ticks: &Ticks, group: &Group) -> i32 {
    let row = group.rows.start;
    if group.ends && group.rows.len() == 1 { ticks.x_before(row) } else { ticks.x(row) }
}

fn end(ticks: &Ticks, group: &Group, y: i32, pen: &mut Pen) {
    if let Some(x) = ticks.held_x(group.last()) {
        pen.to(x, y);
    }
    pen.lift();
}

fn extremes(values: &[f64], group: &Group) -> (usize, usize) {
    let (mut least, mut greatest) = (group.rows.start, group.rows.start);
    for row in group.rows.clone() {
        if values[row] < values[least] {
            least = row;
        }
        if values[row] > values[greatest] {
            greatest = row;
        }
    }
    (least, greatest)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::fixture::{any_rows, at, family, history, seconds};
    use crate::chart::path::tests::read;
    use crate::chart::{HEIGHT, Stroke, WIDTH, Window};
    use crate::model::{Family, History, Unit};
    use proptest::prelude::*;

    /// One line, of a hundred percent.
    fn draw(family: &Family, history: &History, span: Span) -> Stroke {
        let scale = Scale::round(Unit::Percent, 100.0);
        let mut pen = Pen::new(WIDTH, HEIGHT, false);
        if let Some(track) = history.track(&family.id) {
            let rows = Rows::of(track, span, WIDTH);
            if let Some(values) = rows.columns.first() {
                line(&rows.ticks, values, &scale, HEIGHT, &mut pen);
            }
        }
        pen.finish()
    }

    #[test]
    fn lines_break_where_something_is_missing() {
        let whole = |_| Some(Some(50.0));
        for (what, rows, end, window, expected) in [
            ("nothing", vec![], 300, Window::FIVE, ""),
            ("one tick at the end", seconds(300..=300, whole), 300, Window::FIVE, "M1196 120h4"),
            ("one tick in the middle", seconds(150..=150, whole), 300, Window::FIVE, "M596 120h4"),
            ("two ticks", seconds(299..=300, whole), 300, Window::FIVE, "M1196 120h4"),
            ("a constant", seconds(0..=700, whole), 700, Window::FIVE, "M0 120h1200"),
            ("a constant that began", seconds(100..=300, whole), 300, Window::TEN, "M800 120h400"),
            (
                "a tick missing inside a bucket",
                seconds(241..=300, |s| (s != 272).then_some(Some(50.0))),
                300,
                Window::FIVE,
                "M964 120h120M1092 120h108",
            ),
            (
                "a value missing",
                seconds(200..=300, |s| Some((s != 250).then_some(50.0))),
                300,
                Window::ONE,
                "M0 120h180M220 120h980",
            ),
            ("rows after the end", seconds(200..=400, whole), 300, Window::ONE, "M0 120h1200"),
        ] {
            let family = family(Unit::Percent, 1, &["a"]);
            let history = history(&family, &rows, &[]);
            assert_eq!(draw(&family, &history, Span::ending(at(end), window)).line, expected, "{what}");
        }
    }

    #[test]
    fn a_spike_of_one_tick_keeps_its_height_in_every_window() {
        for window in Window::LIVE {
            for spike in 650..=690 {
                let family = family(Unit::Percent, 1, &["a"]);
                let rows = seconds(0..=700, |s| Some(Some(if s == spike { 100.0 } else { 5.0 })));
                let stroke = draw(&family, &history(&family, &rows, &[]), Span::ending(at(700), window));
                let highest = read(&stroke.line).and_then(|runs| runs.iter().flatten().map(|point| point.1).min());
                assert_eq!(highest, Some(0), "{window:?} {spike}");
            }
        }
    }

    #[test]
    fn a_slow_family_is_one_line() {
        let family = family(Unit::Percent, 10, &["a"]);
        let rows: Vec<_> = (0..=30).map(|index| (index * 10, vec![Some(50.0)])).collect();
        for (end, window, expected) in [
            (300, Window::FIVE, "M0 120h1200"),
            (305, Window::FIVE, "M0 120h1200"),
            (305, Window::ONE, "M0 120h1200"),
            (303, Window::TEN, "M594 120h606"),
        ] {
            let stroke = draw(&family, &history(&family, &rows, &[]), Span::ending(at(end), window));
            assert_eq!(stroke.line, expected, "{end}");
        }
    }

    #[test]
    fn a_stack_breaks_for_all_but_for_what_is_never_there() {
        let family = family(Unit::Percent, 1, &["a", "b", "never"]);
        let rows: Vec<_> = (280..=300).map(|s| (s, vec![Some(25.0), (s != 290).then_some(25.0), None])).collect();
        let history = history(&family, &rows, &[]);
        let scale = Scale::round(Unit::Percent, 100.0);
        let lines = history.track(&family.id).map(|track| {
            let rows = Rows::of(track, Span::ending(at(300), Window::ONE), WIDTH);
            let stack = rows.stack();
            let edge = |dimension| {
                let mut pen = Pen::new(WIDTH, HEIGHT, false);
                stack.edge(dimension, &scale, HEIGHT, &mut pen);
                pen.finish().line
            };
            (stack.max, [edge(0), edge(1), edge(2)])
        });
        let expected = ["M800 180h180M1020 180h180", "M800 120h180M1020 120h180", ""].map(str::to_owned);
        assert_eq!(lines, Some((50.0, expected)));
    }

    /// Where a line is at every unit; `None` where it is not.
    fn profile(line: &str) -> Vec<Option<f64>> {
        let mut heights = vec![None; WIDTH as usize + 1];
        for run in read(line).unwrap_or_default() {
            for pair in run.windows(2) {
                let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
                for x in ax..=bx.max(ax) {
                    let share = if bx > ax { (x - ax) as f64 / (bx - ax) as f64 } else { 1.0 };
                    heights[x as usize] = Some(ay as f64 + share * (by - ay) as f64);
                }
            }
        }
        heights
    }

    proptest! {
        /// What is older than the newest two buckets only moves, by whole units.
        #[test]
        fn old_pixels_never_change(rows in any_rows(), index in 0_usize..3, later in 1_i64..30) {
            let window = Window::LIVE[index];
            let family = family(Unit::Percent, 1, &["a", "b"]);
            let history = history(&family, &rows, &[]);
            let end = rows.len() as i64;
            let before = profile(&draw(&family, &history, Span::ending(at(end), window)).line);
            let after = profile(&draw(&family, &history, Span::ending(at(end + later), window)).line);
            let shift = (later * 1_000 / window.unit_ms(WIDTH)) as usize;
            let newest = (2 * window.bucket_ms(family.interval_ms) / window.unit_ms(WIDTH)) as usize;
            // The line enters the box at a rounded height, so the step across the left edge is left out.
            let entry = shift + newest;
            for x in entry..(WIDTH as usize - newest).max(entry) {
                match (before[x], after[x - shift]) {
                    (Some(old), Some(new)) => prop_assert!((old - new).abs() < 1e-6, "at {}: {} became {}", x, old, new),
                    (old, new) => prop_assert_eq!(old, new, "at {}", x),
                }
            }
        }
    }
}
