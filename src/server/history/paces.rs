//! How far apart a family's ticks are, where that changed in a stretch of time.

use super::rows::Rows;
use std::collections::BTreeMap;

/// From which instant on ticks are how far apart, oldest first; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paces(Vec<(i64, i64)>);

impl Paces {
    pub(super) fn steady(interval: i64) -> Self {
        Self(vec![(i64::MIN, interval)])
    }

    /// Of parts, each with its interval; `usual` is that of nothing at all.
    pub(super) fn of(parts: &[(i64, Rows)], usual: i64) -> Self {
        let mut there = parts.iter().filter(|(_, rows)| !rows.is_empty()).map(|(interval, _)| *interval);
        let first = there.next().unwrap_or(usual);
        if there.all(|interval| interval == first) {
            return Self::steady(first);
        }
        let instants = parts.iter().flat_map(|(interval, rows)| rows.t.iter().map(|t| (*t, *interval)));
        let mut paces: Vec<(i64, i64)> = instants.collect::<BTreeMap<_, _>>().into_iter().collect();
        paces.dedup_by_key(|(_, interval)| *interval);
        Self(paces)
    }

    pub(super) fn at(&self, t: i64) -> i64 {
        let next = self.0.partition_point(|(from, _)| *from <= t);
        self.0[next.saturating_sub(1)].1
    }

    pub(super) fn last(&self) -> i64 {
        self.at(i64::MAX)
    }

    pub(super) fn longest(&self) -> i64 {
        self.0.iter().map(|(_, interval)| *interval).max().unwrap_or_else(|| self.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instant_is_at_the_pace_it_was_sampled_at() {
        let rows = |t: &[i64]| Rows { t: t.to_vec(), columns: Vec::new() };
        let paces = Paces::of(&[(1, rows(&[1, 2, 3, 21, 22])), (10, rows(&[10, 20])), (5, rows(&[]))], 7);
        for (t, interval) in [(0, 1), (3, 1), (9, 1), (10, 10), (20, 10), (21, 1), (99, 1)] {
            assert_eq!(paces.at(t), interval, "{t}");
        }
        assert_eq!((paces.last(), paces.longest()), (1, 10));
        assert_eq!(Paces::of(&[(2, rows(&[]))], 7), Paces::steady(7));
    }
}
