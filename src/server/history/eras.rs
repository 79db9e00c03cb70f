//! Which clock's word counts where two of them speak of the same time.

use super::database::is_broken;
use super::place::Place;
use super::scan::instant;
use crate::model::{Gap, UnixMs};
use rusqlite::Connection;

/// More than a crash can cost an era of what was told of it.
const LOST_MS: i64 = 60_000;

/// The eras, in order: number, first and last instant. Where two know of the same time, the clock had been set back, and
/// what the later one says counts; so does that nothing is to come yet.
#[derive(Debug, Default)]
pub(super) struct Eras(Vec<(i64, i64, i64)>);

impl Eras {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut eras = Self::default();
        eras.read_in(connection, "ASC")?;
        Ok(eras)
    }

    /// For those who only read: whatever of it can be read.
    pub(super) fn read_what_is_left(connection: &Connection) -> rusqlite::Result<Self> {
        let mut eras = Self::default();
        for order in ["ASC", "DESC"] {
            match eras.read_in(connection, order) {
                Err(error) if is_broken(&error) => {}
                read => return read.map(|()| eras),
            }
        }
        eras.0.sort_unstable();
        eras.0.dedup();
        Ok(eras)
    }

    fn read_in(&mut self, connection: &Connection, order: &str) -> rusqlite::Result<()> {
        let mut query = connection.prepare_cached(&format!("SELECT era, first, last FROM era ORDER BY era {order}"))?;
        let eras = query.query_map([], |row| {
            let of_time = |column| instant(row, column).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, 0));
            let era = Some(row.get::<_, i64>(0)?).filter(|era| (0..=Place::LAST_ERA).contains(era));
            Ok((era.ok_or(rusqlite::Error::IntegralValueOutOfRange(0, 0))?, of_time(1)?, of_time(2)?))
        });
        for era in eras? {
            self.0.push(era?);
        }
        Ok(())
    }

    /// The newest one, and its last instant.
    pub(super) fn newest(&self) -> Option<(i64, i64)> {
        self.0.last().map(|(era, _, last)| (*era, *last))
    }

    /// What counts of an era from one instant to another: all but what later ones have taken over.
    pub(super) fn counting(&self, era: i64, from: i64, to: i64) -> Vec<(i64, i64)> {
        let later = || self.0.iter().filter(|(later, ..)| *later > era).map(|(_, first, last)| (*first, *last));
        let beyond = later().next_back().map(|(_, last)| (last, i64::MAX));
        let mut left = vec![(from, to)];
        for (begin, end) in later().chain(beyond) {
            let around = |(first, last): (i64, i64)| {
                let before = (first, last.min(begin.saturating_sub(1)));
                let after = (first.max(end.saturating_add(1)), last);
                let is_apart = last < begin || end < first;
                let pieces = if is_apart { [Some((first, last)), None] } else { [Some(before), Some(after)] };
                pieces.into_iter().flatten().filter(|(first, last)| first <= last)
            };
            left = left.into_iter().flat_map(around).collect();
        }
        left
    }

    /// Whose word counts at an instant that something is known of.
    pub(super) fn of(&self, t: i64) -> Option<i64> {
        self.0.iter().rev().find(|(_, first, last)| (*first..=*last).contains(&t)).map(|(era, ..)| *era)
    }

    /// The instant from which all that comes after an event has to be told: a later era may begin earlier. An event far
    /// beyond the end of its era never was: it stands for its instant.
    pub(super) fn behind(&self, era: i64, t: i64) -> i64 {
        let own = t.saturating_add(1);
        let is_beyond = self.0.iter().any(|(known, _, last)| *known == era && t > last.saturating_add(LOST_MS));
        let later = self.0.iter().filter(|(later, ..)| *later > era && !is_beyond).map(|(_, first, _)| *first);
        later.chain([own]).min().unwrap_or(own)
    }

    pub(super) fn take(&mut self, era: i64, t: i64) {
        match self.0.iter_mut().find(|(known, ..)| *known == era) {
            Some((.., last)) => *last = t,
            None => self.0.push((era, t, t)),
        }
    }

    /// What is left of an era's gap where later ones have taken over.
    pub(super) fn clip(&self, era: i64, gap: Gap) -> Vec<Gap> {
        let (Some(first), Some(last)) = (gap.from, gap.to) else { return Vec::new() };
        let left = self.counting(era, first.0, last.0).into_iter();
        left.map(|(first, last)| Gap { from: Some(UnixMs(first)), to: Some(UnixMs(last)), ..gap }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GapReason;

    #[test]
    fn an_instant_is_of_the_latest_era_that_knows_it() {
        let eras = Eras(vec![(0, 0, 99), (1, 30, 60), (2, 50, 80)]);
        for (t, era) in [(29, Some(0)), (49, Some(1)), (50, Some(2)), (80, Some(2)), (81, Some(0)), (100, None)] {
            assert_eq!(eras.of(t), era, "{t}");
        }
    }

    #[test]
    fn who_has_seen_an_era_is_told_of_all_later_ones() {
        let eras = Eras(vec![(0, 0, 99_000), (1, 30_000, 60_000), (2, 150_000, 180_000)]);
        for (what, era, t, from) in [
            ("in its middle", 0, 50_000, 30_000),
            ("what a crash took", 0, 120_000, 30_000),
            ("never told: an instant", 0, 160_000, 160_001),
            ("the clock was set back since", 1, 50_000, 50_001),
            ("the newest", 2, 170_000, 170_001),
            ("not known any more", 3, 10, 11),
        ] {
            assert_eq!(eras.behind(era, t), from, "{what}");
        }
    }

    #[test]
    fn a_gap_ends_where_a_later_era_knows_better() {
        let eras = Eras(vec![(0, 0, 99), (1, 1_000, 1_500), (2, 200, 400)]);
        let clip = |era, first, last| {
            let gap = Gap { from: Some(UnixMs(first)), to: Some(UnixMs(last)), reason: GapReason::Clock };
            let left = eras.clip(era, gap).into_iter();
            left.map(|gap| (gap.from.map_or(0, |from| from.0), gap.to.map_or(0, |to| to.0))).collect::<Vec<_>>()
        };
        assert_eq!(clip(1, 100, 999), [(100, 199)], "the clock came back: nothing later than its newest counts");
        assert_eq!(clip(0, 10, 20), [(10, 20)]);
        assert_eq!(clip(2, 250, 300), [(250, 300)], "its own gaps stay");
        let once = Eras(vec![(0, 0, 99), (1, 30, 60), (2, 80, 90)]);
        let gap = Gap { from: Some(UnixMs(10)), to: Some(UnixMs(85)), reason: GapReason::Suspended };
        let left: Vec<_> = once.clip(0, gap).into_iter().map(|gap| (gap.from, gap.to)).collect();
        assert_eq!(left, [(10, 29), (61, 79)].map(|(from, to)| (Some(UnixMs(from)), Some(UnixMs(to)))));
    }
}
