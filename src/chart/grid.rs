//! The ticks of a family in a span: where each stands, and which of them are drawn as one.

use super::span::Span;
use crate::model::{Interval, Track, UnixMs};
use std::ops::Range;

/// The instants of a span in units across.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    start: i64,
    end: UnixMs,
    unit_ms: i64,
    bucket_ms: i64,
    interval: Interval,
}

/// Beyond any span.
const FAR: i64 = 1 << 20;

impl Grid {
    pub fn new(span: Span, width: i32, interval: Interval) -> Self {
        Self {
            start: span.start().0,
            end: span.end,
            unit_ms: span.window.unit_ms(width),
            bucket_ms: span.window.bucket_ms(interval),
            interval,
        }
    }

    /// Negative left of the span.
    pub fn x(&self, t: UnixMs) -> i32 {
        t.0.saturating_sub(self.start).div_euclid(self.unit_ms).clamp(-FAR, FAR) as i32
    }

    /// How many units before its end the middle of a bucket stands.
    pub fn half_bucket(&self) -> i32 {
        (self.bucket_ms / 2 / self.unit_ms) as i32
    }

    /// The bucket that holds an instant. It holds its end and not its beginning, as a tick tells of
    /// the time before it; it is aligned to absolute time, so that it holds the same ticks for ever.
    fn bucket(&self, t: UnixMs) -> i64 {
        t.0.saturating_sub(1).div_euclid(self.bucket_ms)
    }

    /// Everything that has a say in how the span looks lies after this instant: the bucket across
    /// the left edge, and the one before it, from which the line comes.
    fn outset(&self) -> UnixMs {
        UnixMs(self.bucket(UnixMs(self.start)).saturating_sub(1).saturating_mul(self.bucket_ms))
    }

    /// The rows of a track that matter.
    pub fn rows(&self, track: &Track) -> Range<usize> {
        let first = track.first_at_or_after(UnixMs(self.outset().0.saturating_add(1)));
        let end = track.first_at_or_after(UnixMs(self.end.0.saturating_add(1)));
        first..end.max(first)
    }
}

/// Instants in order of time, placed once for all the series that share them.
#[derive(Debug)]
pub struct Ticks {
    grid: Grid,
    t: Vec<UnixMs>,
    x: Vec<i32>,
    bucket: Vec<i64>,
}

/// Rows of one bucket with no hole between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub rows: Range<usize>,
    /// Whether it is the first, or the last, of a run of rows without a hole.
    pub begins: bool,
    pub ends: bool,
}

impl Group {
    pub fn last(&self) -> usize {
        self.rows.end - 1
    }

    /// As it is; the last of a run as one group a tick, so that the run ends with its last value.
    pub fn with_its_end_in_ticks(&self) -> impl Iterator<Item = Self> {
        let width = if self.ends { 1 } else { self.rows.len() };
        let Self { rows, begins, ends } = self.clone();
        rows.clone().step_by(width.max(1)).map(move |row| Self {
            rows: row..row + width,
            begins: begins && row == rows.start,
            ends: ends && row + width == rows.end,
        })
    }
}

impl Ticks {
    pub fn new(grid: Grid, t: Vec<UnixMs>) -> Self {
        let x = t.iter().map(|&t| grid.x(t)).collect();
        let bucket = t.iter().map(|&t| grid.bucket(t)).collect();
        Self { grid, t, x, bucket }
    }

    pub fn len(&self) -> usize {
        self.t.len()
    }

    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    pub fn x(&self, row: usize) -> i32 {
        self.x[row]
    }

    /// Where the middle of a group's bucket stands, unless the group begins later.
    pub fn middle_x(&self, group: &Group) -> i32 {
        (self.x[group.last()] - self.grid.half_bucket()).max(self.x[group.rows.start])
    }

    /// Where the interval begins that a row tells of.
    pub fn x_before(&self, row: usize) -> i32 {
        self.grid.x(self.t[row] - self.grid.interval)
    }

    /// Where a row still stands for the newest values: a row stands for its own interval, so that a
    /// slow family reaches to the end of the span.
    pub fn held_x(&self, row: usize) -> Option<i32> {
        let t = self.t[row];
        (t < self.grid.end && self.grid.end < t + self.grid.interval).then(|| self.grid.x(self.grid.end))
    }

    /// The first row that is drawn, if only in part.
    pub fn first_drawn(&self) -> usize {
        let first = self.grid.bucket(UnixMs(self.grid.start));
        self.bucket.partition_point(|&bucket| bucket < first)
    }

    /// The rows that are there, bucket by bucket; a run ends before a row that is not, and before
    /// one that comes more than an interval later.
    pub fn groups(&self, is_there: impl Fn(usize) -> bool) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::with_capacity(self.len().min(160));
        for row in 0..self.len() {
            if !is_there(row) {
                continue;
            }
            let begins = match groups.last_mut() {
                Some(group) if group.rows.end == row && self.t[row] <= self.t[row - 1] + self.grid.interval => {
                    if self.bucket[row] == self.bucket[row - 1] {
                        group.rows.end = row + 1;
                        continue;
                    }
                    group.ends = false;
                    false
                }
                _ => true,
            };
            groups.push(Group { rows: row..row + 1, begins, ends: true });
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{WIDTH, Window};

    fn grid(end_s: i64, window: Window) -> Grid {
        Grid::new(Span::ending(UnixMs(end_s * 1_000), window), WIDTH, Interval::SECOND)
    }

    #[test]
    fn instants_stand_on_whole_units() {
        for (window, end_s, t_s, x) in [
            (Window::ONE, 600, 600, 1200),
            (Window::ONE, 600, 599, 1180),
            (Window::FIVE, 600, 599, 1196),
            (Window::TEN, 600, 599, 1198),
            (Window::TEN, 600, 0, 0),
            (Window::FIVE, 600, 299, -4),
            (Window::FIVE, 600, i64::MAX / 1_000, 1 << 20),
        ] {
            assert_eq!(grid(end_s, window).x(UnixMs(t_s * 1_000)), x, "{window:?} {t_s}");
        }
    }

    #[test]
    fn rows_fall_into_buckets_that_break_at_holes() {
        let seconds = |list: &[i64]| list.iter().map(|s| UnixMs(s * 1_000)).collect::<Vec<_>>();
        for (what, t, missing, expected) in [
            ("three and two", seconds(&[1, 2, 3, 4, 5]), None, "[0..3 3..5]"),
            ("a tick missing inside a bucket", seconds(&[1, 2, 3, 4, 6, 7]), None, "[0..3 3..4] [4..5 5..6]"),
            ("one tick", seconds(&[7]), None, "[0..1]"),
            ("nothing", vec![], None, ""),
            ("a value missing", seconds(&[1, 2, 3, 4]), Some(1), "[0..1] [2..3 3..4]"),
        ] {
            let ticks = Ticks::new(grid(300, Window::FIVE), t);
            let groups = ticks.groups(|row| Some(row) != missing);
            let text: Vec<String> = groups
                .iter()
                .map(|group| {
                    let (open, close) = (if group.begins { "[" } else { "" }, if group.ends { "]" } else { "" });
                    format!("{open}{}..{}{close}", group.rows.start, group.rows.end)
                })
                .collect();
            assert_eq!(text.join(" "), expected, "{what}");
        }
    }

    #[test]
    fn a_slow_row_reaches_to_the_end_while_it_stands() {
        let slow = Interval::SECOND.times(10);
        for (end_s, held) in [(20, None), (25, Some(1200)), (29, Some(1200)), (30, None)] {
            let grid = Grid::new(Span::ending(UnixMs(end_s * 1_000), Window::FIVE), WIDTH, slow);
            let ticks = Ticks::new(grid, vec![UnixMs(10_000), UnixMs(20_000)]);
            assert_eq!(ticks.held_x(1), held, "{end_s}");
        }
    }

    #[test]
    fn the_end_of_a_run_is_told_tick_by_tick() {
        let group = |rows, begins, ends| Group { rows, begins, ends };
        let split = |group: Group| group.with_its_end_in_ticks().collect::<Vec<_>>();
        assert_eq!(split(group(3..6, true, false)), [group(3..6, true, false)]);
        assert_eq!(split(group(3..5, true, true)), [group(3..4, true, false), group(4..5, false, true)]);
        assert_eq!(split(group(3..4, true, true)), [group(3..4, true, true)]);
    }
}
