//! Where a family has nothing to show although it should, and why.

use super::span::Span;
use super::ticks::stamp;
use crate::model::{Family, GapReason, History, Interval, Track, UnixMs};

/// Ticks without a value, between two that have one, or at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The first and the last tick that is missing.
    pub from: UnixMs,
    pub to: UnixMs,
    pub words: &'static str,
}

/// The source was asked and gave nothing.
const UNREAD: &str = "could not be read";
/// The tick exists, this family is not in it.
const LATE: &str = "not read in time";
/// The same, for longer than anything is late: a disk that was pulled out, a container between two lives.
const AWAY: &str = "was not there or not read";

impl Hole {
    /// One line to stand on the hole.
    pub fn title(&self, span: Span, zone_offset_minutes: i32) -> String {
        let [from, to] = [self.from, self.to].map(|t| stamp(t, span, zone_offset_minutes));
        if from == to { format!("{from}: {}", self.words) } else { format!("{from} to {to}: {}", self.words) }
    }
}

/// The holes of a family that reach into a span, oldest first. Before the family's first value and
/// before the history began there are none: nothing was to be expected there.
pub fn holes(family: &Family, history: &History, span: Span) -> Vec<Hole> {
    let Some(track) = history.track(&family.id) else { return Vec::new() };
    let end = history.newest_tick().map_or(span.end, |newest| newest.min(span.end));
    let interval = track.interval();
    let first_row = track.first_at_or_after(span.start()).saturating_sub(1);
    let live = live_dimensions(family, track, first_row);
    let mut holes = Vec::new();
    let mut found = |from: UnixMs, to: UnixMs, unread: bool| {
        if from <= to && to >= span.start() {
            let own = match () {
                () if unread => UNREAD,
                () if to + interval > from + Interval::MINUTE => AWAY,
                () => LATE,
            };
            let words = reason(history, from, to).map_or(own, GapReason::words);
            holes.push(Hole { from, to, words });
        }
    };
    // The first tick that is due and was not seen yet, and whether a row without values was since.
    let mut expected = track.t(first_row).map(|t| begin(history, t, interval));
    let mut unread = false;
    for row in first_row..track.len() {
        let (Some(t), Some(due)) = (track.t(row), expected) else { break };
        if t > end {
            break;
        }
        if !is_there(track, row, family.stacked, &live) {
            unread = true;
            continue;
        }
        found(due, t - interval, unread);
        expected = Some(t + interval);
        unread = false;
    }
    if let Some(due) = expected {
        found(due, end.floor_to(interval), unread);
    }
    holes
}

/// Where the time begins in which values were due: at the first row, or as long before it as a gap
/// reaches whose other side the history has forgotten.
fn begin(history: &History, first: UnixMs, interval: Interval) -> UnixMs {
    let oldest = history.oldest_tick().unwrap_or(first);
    history
        .gaps()
        .filter_map(|gap| Some((gap.from?, gap.to?)))
        .find(|&(_, to)| to < first && first <= to + interval)
        .map_or(first, |(from, _)| from.max(oldest.ceil_to(interval)).min(first))
}

/// The dimensions that have a value in some row. Others are not there at all and leave no hole.
fn live_dimensions(family: &Family, track: &Track, first_row: usize) -> Vec<usize> {
    (0..family.dimensions.len())
        .filter(|&dimension| (first_row..track.len()).any(|row| track.value(row, dimension).is_some()))
        .collect()
}

/// Whether a row shows anything: in a stack, whether it is whole.
fn is_there(track: &Track, row: usize, stacked: bool, live: &[usize]) -> bool {
    let mut values = live.iter().map(|&dimension| track.value(row, dimension).is_some());
    if stacked { !live.is_empty() && values.all(|is_there| is_there) } else { values.any(|is_there| is_there) }
}

/// Of the gaps that touch a hole, the reason of the one that covers most of it.
fn reason(history: &History, from: UnixMs, to: UnixMs) -> Option<GapReason> {
    history
        .gaps()
        .filter_map(|gap| Some((gap.from?.max(from), gap.to?.min(to), gap.reason)))
        .filter(|(from, to, _)| from <= to)
        .max_by_key(|(from, to, _)| to.0 - from.0)
        .map(|(_, _, reason)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Window;
    use crate::chart::fixture::{at, family, gap, history, seconds};
    use crate::model::{Gap, Unit};

    #[test]
    fn holes_are_told_apart_and_have_their_reason() {
        let except = |from: i64, to: i64| move |s: i64| (s < from || s > to).then_some(Some(1.0));
        let unread = |from: i64, to: i64| move |s: i64| Some((s < from || s > to).then_some(1.0));
        let none: &[Gap] = &[];
        for (what, rows, gaps, expected) in [
            ("nothing at all", vec![], none, ""),
            ("nothing missing", seconds(1..=300, |_| Some(Some(1.0))), none, ""),
            ("a history that just began", seconds(290..=300, |_| Some(Some(1.0))), none, ""),
            ("late", seconds(1..=300, except(100, 102)), none, "100-102 not read in time"),
            ("unread", seconds(1..=300, unread(100, 100)), none, "100-100 could not be read"),
            ("unread still", seconds(1..=300, unread(298, 400)), none, "298-300 could not be read"),
            ("never read", seconds(298..=300, unread(0, 400)), none, "298-300 could not be read"),
            (
                "suspended",
                seconds(1..=300, except(100, 200)),
                &[gap(100, 200, GapReason::Suspended)],
                "100-200 the host was suspended",
            ),
            (
                "mostly not running",
                seconds(1..=300, except(100, 200)),
                &[gap(100, 110, GapReason::Late), gap(111, 200, GapReason::NotRunning)],
                "100-200 Telltale was not running",
            ),
            (
                "a gap before the first row of all",
                seconds(201..=300, |_| Some(Some(1.0))),
                &[gap(100, 200, GapReason::NotRunning)],
                "",
            ),
            ("across the left edge", seconds(1..=400, except(50, 120)), none, "50-120 was not there or not read"),
            ("before the left edge", seconds(1..=400, except(50, 90)), none, ""),
        ] {
            let family = family(Unit::Count, 1, &["a"]);
            let history = history(&family, &rows, gaps);
            let end = rows.last().map_or(300, |row| row.0);
            let text: Vec<String> = holes(&family, &history, Span::ending(at(end), Window::FIVE))
                .iter()
                .map(|hole| format!("{}-{} {}", hole.from.0 / 1_000, hole.to.0 / 1_000, hole.words))
                .collect();
            assert_eq!(text.join(", "), expected, "{what}");
        }
    }

    #[test]
    fn a_gap_stays_when_what_was_before_it_is_forgotten() {
        let family = family(Unit::Count, 1, &["a"]);
        // Twelve minutes are kept: of the rows before the gap nothing is left.
        let rows = [seconds(1..=20, |_| Some(Some(1.0))), seconds(400..=760, |_| Some(Some(1.0)))].concat();
        let history = history(&family, &rows, &[gap(21, 399, GapReason::Suspended)]);
        let span = Span::ending(at(760), Window::TEN);
        let hole = holes(&family, &history, span).first().map(|hole| (hole.from, hole.to));
        assert_eq!(hole, Some((at(41), at(399))));
    }

    #[test]
    fn a_stack_has_a_hole_where_it_is_not_whole() {
        let stack = family(Unit::Count, 1, &["a", "b", "never"]);
        let rows: Vec<_> = (1..=30).map(|s| (s, vec![Some(1.0), (s != 10).then_some(1.0), None])).collect();
        let span = Span::ending(at(30), Window::ONE);
        for (family, expected) in [(stack.clone(), 0), (stack.stacked(), 1)] {
            assert_eq!(holes(&family, &history(&family, &rows, &[]), span).len(), expected);
        }
    }

    #[test]
    fn a_slow_family_misses_only_its_own_ticks() {
        let family = family(Unit::Count, 10, &["a"]);
        let rows: Vec<_> = [0, 10, 30, 40].map(|s| (s, vec![Some(1.0)])).to_vec();
        let span = Span::ending(at(49), Window::ONE);
        let holes = holes(&family, &history(&family, &rows, &[]), span);
        assert_eq!(
            holes
                .iter()
                .map(|hole| hole.title(Span::ending(UnixMs(0), crate::chart::Window::ONE), 60))
                .collect::<Vec<_>>(),
            ["01:00:20: not read in time"]
        );
    }
}
