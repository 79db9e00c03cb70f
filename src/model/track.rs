//! The last minutes of every family, in columns: what the server renders from and the browser continues.

use super::event::Gap;
use super::family::{Catalog, Family};
use super::sample::Sample;
use super::time::{Interval, UnixMs};
use std::collections::VecDeque;
use std::sync::Arc;

/// A line comes from before where it begins: the rows of the bucket there, and of the one before it.
const LEAD_ROWS: usize = 48;

/// One family's values over time. Ticks that do not exist have no row; a value that could not be read
/// is NaN inside and `None` to every caller.
#[derive(Clone, Debug)]
pub struct Track {
    interval: Interval,
    t: VecDeque<UnixMs>,
    /// One column a dimension, each as long as `t`.
    columns: Vec<VecDeque<f64>>,
}

impl Track {
    pub fn new(family: &Family) -> Self {
        Self {
            interval: family.interval_ms,
            t: VecDeque::new(),
            columns: vec![VecDeque::new(); family.dimensions.len()],
        }
    }

    /// Rows whose instant is not after the newest one replace what stood there: a clock that was set
    /// back writes over a future that did not happen.
    pub fn push(&mut self, t: UnixMs, values: &[Option<f64>]) {
        while self.t.back().is_some_and(|&newest| newest >= t) {
            self.t.pop_back();
            self.columns.iter_mut().for_each(|column| {
                column.pop_back();
            });
        }
        self.t.push_back(t);
        for (index, column) in self.columns.iter_mut().enumerate() {
            let value = values.get(index).copied().flatten().filter(|value| value.is_finite());
            column.push_back(value.unwrap_or(f64::NAN));
        }
    }

    /// Rows of `earlier` from before this track's first one.
    fn prepend(&mut self, earlier: &Self) {
        let end = self.oldest_t().map_or(earlier.len(), |oldest| earlier.first_at_or_after(oldest));
        for row in (0..end).rev() {
            self.t.push_front(earlier.t[row]);
            for (column, source) in self.columns.iter_mut().zip(&earlier.columns) {
                column.push_front(source[row]);
            }
        }
    }

    pub fn forget_before(&mut self, t: UnixMs) {
        while self.t.front().is_some_and(|&oldest| oldest < t) {
            self.t.pop_front();
            self.columns.iter_mut().for_each(|column| {
                column.pop_front();
            });
        }
    }

    /// A copy of the rows from the last one before `t` on: what is needed to draw from there.
    fn since(&self, t: UnixMs) -> Self {
        let first = self.first_at_or_after(t).saturating_sub(LEAD_ROWS);
        Self {
            interval: self.interval,
            t: self.t.range(first..).copied().collect(),
            columns: self.columns.iter().map(|column| column.range(first..).copied().collect()).collect(),
        }
    }

    pub fn interval(&self) -> Interval {
        self.interval
    }

    pub fn len(&self) -> usize {
        self.t.len()
    }

    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    pub fn dimensions(&self) -> usize {
        self.columns.len()
    }

    /// The index of the first row at or after `t`.
    pub fn first_at_or_after(&self, t: UnixMs) -> usize {
        self.t.partition_point(|&row| row < t)
    }

    pub fn t(&self, row: usize) -> Option<UnixMs> {
        self.t.get(row).copied()
    }

    pub fn oldest_t(&self) -> Option<UnixMs> {
        self.t.front().copied()
    }

    pub fn value(&self, row: usize, dimension: usize) -> Option<f64> {
        self.columns.get(dimension)?.get(row).copied().filter(|value| value.is_finite())
    }

    /// The values of some rows, one after the other; NaN where there is none.
    pub fn values(&self, dimension: usize, rows: std::ops::Range<usize>) -> impl Iterator<Item = f64> {
        let column = self.columns.get(dimension);
        column.into_iter().flat_map(move |column| column.range(rows.clone()).copied())
    }

    /// The values of the newest row at or before `t`, unless that is more than an interval older.
    pub fn row_at(&self, t: UnixMs) -> Option<usize> {
        let row = self.t.partition_point(|&row| row <= t).checked_sub(1)?;
        (self.t[row] + self.interval > t).then_some(row)
    }

    pub fn same_shape(&self, family: &Family) -> bool {
        self.interval == family.interval_ms && self.columns.len() == family.dimensions.len()
    }
}

/// All families' tracks and the gaps between them, no older than `keep`.
#[derive(Clone, Debug)]
pub struct History {
    /// `None` keeps everything.
    keep: Option<Interval>,
    /// By family, in the order of their ids: looked up by halves, which costs the browser less code than hashing.
    tracks: Vec<(Arc<str>, Track)>,
    gaps: VecDeque<Gap>,
    oldest_tick: Option<UnixMs>,
    newest_tick: Option<UnixMs>,
    rewrites: u32,
}

impl History {
    pub fn new(keep: Interval) -> Self {
        Self { keep: Some(keep), ..Self::whole() }
    }

    /// Of a stretch of time that was chosen beforehand: nothing of it is forgotten.
    pub fn whole() -> Self {
        Self {
            keep: None,
            tracks: Vec::new(),
            gaps: VecDeque::new(),
            oldest_tick: None,
            newest_tick: None,
            rewrites: 0,
        }
    }

    /// Families that are new get an empty track, those that are gone or changed their shape lose theirs.
    pub fn set_catalog(&mut self, catalog: &Catalog) {
        self.tracks.retain(|(id, track)| catalog.family(id).is_some_and(|family| track.same_shape(family)));
        for family in catalog.iter() {
            if let Err(place) = self.find(&family.id) {
                self.tracks.insert(place, (family.id.clone(), Track::new(family)));
            }
        }
    }

    pub fn push(&mut self, sample: &Sample) {
        // As with the rows: after a clock was set back, what lay ahead did not happen.
        if self.newest_tick.is_some_and(|newest| newest >= sample.t) {
            self.gaps.retain(|gap| gap.to < Some(sample.t));
            self.rewrites += 1;
        }
        for entry in &sample.families {
            if let Ok(place) = self.find(&entry.family) {
                self.tracks[place].1.push(sample.t, &entry.values);
            }
        }
        if self.oldest_tick.is_none_or(|oldest| oldest > sample.t) {
            self.oldest_tick = Some(sample.t);
        }
        self.newest_tick = Some(sample.t);
        if let Some(keep) = self.keep {
            self.forget_old(sample.t - keep + Interval::from_ms(1).unwrap_or(Interval::SECOND));
        }
    }

    pub fn push_gap(&mut self, gap: Gap) {
        if gap.from.is_some() && gap.to.is_some() && self.gaps.back() != Some(&gap) {
            self.gaps.push_back(gap);
        }
    }

    /// A copy without what is not needed to draw from `t` on: with very many series the whole is dear to copy.
    pub fn since(&self, t: UnixMs) -> Self {
        Self {
            keep: self.keep,
            tracks: self.tracks.iter().map(|(id, track)| (id.clone(), track.since(t))).collect(),
            gaps: self.gaps.clone(),
            oldest_tick: self.oldest_tick,
            newest_tick: self.newest_tick,
            rewrites: self.rewrites,
        }
    }

    /// Adds what `earlier` knows of the time before this history begins.
    pub fn prepend(&mut self, earlier: Self) {
        for (id, track) in &mut self.tracks {
            if let Some(source) = earlier.track(id).filter(|source| source.columns.len() == track.columns.len()) {
                track.prepend(source);
            }
        }
        self.rewrites += 1;
        let begins = self.oldest_tick;
        for gap in earlier.gaps.into_iter().rev().filter(|gap| begins.is_none_or(|begins| gap.to < Some(begins))) {
            self.gaps.push_front(gap);
        }
        self.oldest_tick = earlier.oldest_tick.into_iter().chain(begins).min();
        self.newest_tick = self.newest_tick.or(earlier.newest_tick);
    }

    /// Where a family's track is, or would be.
    fn find(&self, family: &str) -> Result<usize, usize> {
        self.tracks.binary_search_by(|(id, _)| (**id).cmp(family))
    }

    fn forget_old(&mut self, before: UnixMs) {
        for (_, track) in &mut self.tracks {
            track.forget_before(before);
        }
        while self.gaps.front().is_some_and(|gap| gap.to.is_none_or(|to| to < before)) {
            self.gaps.pop_front();
        }
        self.oldest_tick = self.oldest_tick.map(|oldest| oldest.max(before));
    }

    pub fn track(&self, family: &str) -> Option<&Track> {
        self.find(family).ok().map(|place| &self.tracks[place].1)
    }

    /// How often something other than its newest end has changed: what was drawn before may be wrong then.
    pub fn rewrites(&self) -> u32 {
        self.rewrites
    }

    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter()
    }

    pub fn newest_tick(&self) -> Option<UnixMs> {
        self.newest_tick
    }

    pub fn oldest_tick(&self) -> Option<UnixMs> {
        self.oldest_tick
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::family::Unit;
    use crate::model::sample::FamilyValues;

    fn sample(t: i64, value: f64) -> Sample {
        Sample { t: UnixMs(t), families: vec![FamilyValues { family: "load".into(), values: vec![Some(value)] }] }
    }

    fn history_catalog() -> Catalog {
        Catalog(vec![Family::new("load", "Load", Unit::Count, Interval::SECOND, &[("load1", "1 min")])])
    }

    fn history() -> History {
        let mut history = History::new(Interval::SECOND.times(3));
        history.set_catalog(&history_catalog());
        history
    }

    #[test]
    fn keeps_no_more_than_it_should() {
        let mut history = history();
        for second in 1..=10 {
            history.push(&sample(second * 1_000, second as f64));
        }
        let rows = history.track("load").map(|track| (track.len(), track.oldest_t()));
        assert_eq!(rows, Some((3, Some(UnixMs(8_000)))));
    }

    #[test]
    fn a_copy_begins_a_little_before() {
        let mut history = History::new(Interval::MINUTE.times(5));
        history.set_catalog(&history_catalog());
        for second in 1..=100 {
            history.push(&sample(second * 1_000, second as f64));
        }
        for (t, oldest) in [(0, 1_000), (10_000, 1_000), (60_000, 12_000), (200_000, 53_000)] {
            let copy = history.since(UnixMs(t));
            let rows = copy.track("load").map(|track| (track.oldest_t(), track.t(track.len() - 1), track.value(0, 0)));
            let expected = (Some(UnixMs(oldest)), Some(UnixMs(100_000)), Some(oldest as f64 / 1_000.0));
            assert_eq!(rows, Some(expected), "{t}");
            assert_eq!((copy.oldest_tick(), copy.newest_tick()), (history.oldest_tick(), history.newest_tick()));
        }
    }

    #[test]
    fn a_clock_set_back_replaces_the_future() {
        let mut history = history();
        for (t, value) in [(5_000, 1.0), (6_000, 2.0), (5_000, 3.0)] {
            history.push(&sample(t, value));
        }
        let track = history.track("load").cloned();
        assert_eq!(track.as_ref().map(Track::len), Some(1));
        assert_eq!(track.and_then(|track| track.value(0, 0)), Some(3.0));
    }

    #[test]
    fn what_came_before_goes_in_front() {
        let (mut history, mut earlier) = (history(), history());
        for t in [3_000, 4_000] {
            history.push(&sample(t, 1.0));
        }
        for t in [2_000, 3_000] {
            earlier.push(&sample(t, 2.0));
        }
        history.prepend(earlier);
        let rows: Option<Vec<_>> = history
            .track("load")
            .map(|track| (0..track.len()).map(|row| (track.t(row), track.value(row, 0))).collect());
        let expected = [(2_000, 2.0), (3_000, 1.0), (4_000, 1.0)].map(|(t, value)| (Some(UnixMs(t)), Some(value)));
        assert_eq!(rows.as_deref(), Some(&expected[..]));
        assert_eq!(history.oldest_tick(), Some(UnixMs(2_000)));
    }

    #[test]
    fn a_row_stands_for_its_own_interval_only() {
        let mut track = Track::new(&Family::new("load", "Load", Unit::Count, Interval::SECOND, &[("load1", "1 min")]));
        track.push(UnixMs(1_000), &[Some(1.0)]);
        for (t, row) in [(999, None), (1_000, Some(0)), (1_999, Some(0)), (2_000, None)] {
            assert_eq!(track.row_at(UnixMs(t)), row, "{t}");
        }
    }
}
