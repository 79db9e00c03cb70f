//! What stands in the file, and what waits, as parts of a course: with what of it is damaged.

use super::super::block::decode_at as decode_block;
use super::super::bytes::Damaged;
use super::super::database::is_broken;
use super::super::eras::Eras;
use super::super::extent::Extent;
use super::super::place::{Place, Stored, extent};
use super::super::rows::Rows;
use super::super::salvage::{lost_between, read_block};
use super::super::scan::{Scan, instant};
use super::super::tier::Tier;
use super::Reading;
use crate::model::{Gap, GapReason, UnixMs};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::ScopedJoinHandle;

/// So many extents are worth a thread more.
const MANY: usize = 16;

/// What was read of a shape, in parts of some length, each with its era.
pub(super) type Parts<T> = HashMap<i64, Vec<(i64, T)>>;

impl Reading<'_> {
    /// From extents, from blocks, and from what waits.
    pub(super) fn read_ticks(&mut self, shapes: &[i64], from: i64, to: i64) -> rusqlite::Result<Parts<Rows>> {
        let mut parts: Parts<Rows> = HashMap::new();
        for shape in shapes {
            let places = self.places_of(Tier::Ticks, *shape, from, to)?;
            let width = self.width(*shape);
            let extents = self.read_extents(&places, |_, place, stored| {
                let extent = Extent::<Rows>::decode(&stored.body)?;
                let begins = extent.body.t.first().is_none_or(|first| place.holds(Tier::Ticks, *first));
                if begins && extent.shape.len() == width { Ok(extent) } else { Err(Damaged) }
            })?;
            let rows = extents.into_iter().map(|(era, extent)| (era, extent.body));
            parts.entry(*shape).or_default().extend(rows);
        }
        for (shape, more) in self.read_open(shapes) {
            parts.entry(shape).or_default().extend(more);
        }
        Ok(parts)
    }

    /// How many dimensions a shape has: with more or fewer columns, something else stands in its place.
    pub(super) fn width(&self, shape: i64) -> usize {
        self.known.get(shape).map_or(0, |family| family.dimensions.len())
    }

    /// What is in no extent yet.
    pub(super) fn read_open(&self, shapes: &[i64]) -> Parts<Rows> {
        shapes.iter().filter_map(|shape| Some((*shape, self.open.get(shape)?.clone()))).collect()
    }

    /// Reads the blocks once for all families of a group, and what waits.
    pub(super) fn open_blocks(&mut self, wanted: &HashSet<i64>, from: i64, to: i64) -> rusqlite::Result<()> {
        let connection = &self.database.connection;
        let scan = Scan::of(connection, "hot", [0, i64::MAX])?;
        let mut parts: Parts<Rows> = HashMap::new();
        let mut damaged = Vec::new();
        if let Some([before, behind]) = scan.lost {
            damaged.extend(lost_between(before, behind, self.stored));
        }
        for row in scan.rows.iter().filter(|row| row.reaches(from) && row.place.first() <= to) {
            let (place, era) = (row.place, row.place.era());
            let take = |shape, rows: Rows| {
                let known = parts.entry(shape).or_default();
                match known.last_mut() {
                    Some((same, before))
                        if *same == era
                            && before.columns.len() == rows.columns.len()
                            && before.t.last() < rows.t.first() =>
                    {
                        before.append(rows);
                    }
                    _ => known.push((era, rows)),
                }
            };
            let is_read = match read_block(connection, place) {
                Ok(bytes) => bytes
                    .is_some_and(|bytes| decode_block(place, &bytes, |shape| wanted.contains(&shape), take).is_ok()),
                Err(error) if is_broken(&error) => false,
                Err(error) => return Err(error),
            };
            if !is_read {
                damaged.push((era, place.first(), row.last()));
            }
        }
        for (era, first, last) in damaged {
            let is_news = self.damages.hot.insert(Place::of_block(era, first));
            self.gaps.push((era, damage(is_news, "all families", first, last)));
        }
        for (shape, era, rows) in self.waiting.iter().filter(|(shape, ..)| wanted.contains(shape)) {
            parts.entry(*shape).or_default().push((*era, rows.clone()));
        }
        self.open = parts;
        Ok(())
    }

    /// The extents that may reach into a stretch. Where some of them can't be found, that is a gap of their family.
    pub(super) fn places_of(&mut self, tier: Tier, shape: i64, from: i64, to: i64) -> rusqlite::Result<Vec<Place>> {
        if shape < 0 {
            return Ok(Vec::new());
        }
        let begin = Place::of_extent(tier, shape, from.saturating_sub(tier.extent_ms()));
        let end = Place::of_extent(tier, shape, to);
        let scan = Scan::of(&self.database.connection, "extent", [begin.0, end.0 + 1])?;
        if let Some([before, behind]) = scan.lost {
            let first = before.map_or(from, |row| row.last().saturating_add(1)).max(from);
            let last = behind.map_or(to, |row| row.place.first() - 1).min(to);
            if first <= last {
                self.push_damaged(Place::of_extent(tier, shape, first), i64::MAX, last);
            }
        }
        Ok(scan.rows.iter().filter(|row| row.reaches(from)).map(|row| row.place).collect())
    }

    /// Told once, and a gap of its family from then on.
    fn push_damaged(&mut self, place: Place, era: i64, last: i64) {
        let is_news = self.damages.known.insert(place);
        let family = self.known.get(place.shape()).map(|family| Arc::clone(&family.id)).unwrap_or_default();
        let gap = damage(is_news, &family, place.first(), last);
        self.damaged.entry(place.shape()).or_default().push((era, gap));
    }

    /// Whether there are ticks of a shape in a stretch.
    pub(super) fn has_ticks(&self, shape: i64, from: i64, to: i64) -> bool {
        let holds = |rows: &Rows| rows.t.get(rows.t.partition_point(|t| *t < from)).is_some_and(|t| *t <= to);
        let is_open = || self.open.get(&shape).is_some_and(|parts| parts.iter().any(|(_, rows)| holds(rows)));
        let begin = Place::of_extent(Tier::Ticks, shape, from.saturating_sub(Tier::Ticks.extent_ms()));
        let end = Place::of_extent(Tier::Ticks, shape, to);
        let query = "SELECT 1 FROM extent WHERE place >= ?1 AND place <= ?2 AND last >= ?3";
        let stored = || self.database.connection.prepare_cached(query)?.exists([begin.0, end.0, from]);
        // Where that can't be read, there is nothing to be told of.
        is_open() || shape >= 0 && stored().unwrap_or(false)
    }

    /// Each with its era, but for what is damaged: that is told once, and a gap from then on.
    pub(super) fn read_extents<T: Send>(
        &mut self,
        places: &[Place],
        decode: impl Fn(&Eras, Place, &Stored) -> Result<T, Damaged> + Sync,
    ) -> rusqlite::Result<Vec<(i64, T)>> {
        let (connection, eras) = (&self.database.connection, &self.eras);
        let stored = places.iter().filter_map(|place| match extent(connection, *place) {
            Ok(found) => found.map(|found| Ok((*place, found))),
            // A page that is damaged costs what stands on it, of whichever era that is.
            Err(error) if is_broken(&error) => {
                Some(Ok((*place, Stored { era: i64::MAX, last: place.first(), body: Vec::new() })))
            }
            Err(error) => Some(Err(error)),
        });
        let decoded = side_by_side(stored, places.len() >= MANY, |(place, stored)| {
            (place, stored.era, stored.last, decode(eras, place, &stored))
        })?;
        let mut read = Vec::with_capacity(decoded.len());
        for (place, era, last, decoded) in decoded {
            match decoded {
                Ok(extent) => read.push((era, extent)),
                Err(Damaged) => self.push_damaged(place, era, last),
            }
        }
        Ok(read)
    }

    /// As far as they can be read; whether that is all of them.
    pub(super) fn read_gaps(&mut self, from: i64, to: i64) -> rusqlite::Result<bool> {
        for order in ["ASC", "DESC"] {
            match self.read_gaps_in(order, from, to) {
                // From the other end there are more; those that are read twice are told once.
                Err(error) if is_broken(&error) => self.damages.tell_gaps(),
                read => return read.map(|()| order == "ASC"),
            }
        }
        Ok(false)
    }

    fn read_gaps_in(&mut self, order: &str, from: i64, to: i64) -> rusqlite::Result<()> {
        let era = if self.database.has_eras_of_gaps { "era" } else { "(SELECT coalesce(max(era), 0) FROM era)" };
        let mut query = self.database.connection.prepare_cached(&format!(
            "SELECT {era}, first, last, reason FROM gap WHERE last >= ?1 AND first <= ?2 ORDER BY rowid {order}"
        ))?;
        let mut rows = query.query([from, to])?;
        while let Some(row) = rows.next()? {
            let reason = row.get_ref(3)?.as_str().unwrap_or_default();
            let reason = GapReason::ALL.into_iter().find(|known| known.id() == reason).unwrap_or(GapReason::Unknown);
            // Something else than instants is damage.
            let [Some(first), Some(last)] = [instant(row, 1), instant(row, 2)] else { continue };
            let gap = Gap { from: Some(UnixMs(first)), to: Some(UnixMs(last)), reason };
            self.gaps.extend(row.get(0).ok().map(|era| (era, gap)));
        }
        Ok(())
    }
}

/// Some of the history that can't be decoded: a gap, of which the log is told once.
fn damage(is_news: bool, family: &str, first: i64, last: i64) -> Gap {
    if is_news {
        tracing::warn!(first, last, family, "a part of the history is damaged; it is shown as a gap");
    }
    let [from, to] = [first, last].map(|t| Some(UnixMs(t)));
    Gap { from, to, reason: GapReason::Unknown }
}

/// As it would be one after the other, and sooner where there are many: a month is unpacked by two threads, and while
/// more of it is read.
fn side_by_side<A: Send, B: Send, E>(
    all: impl Iterator<Item = Result<A, E>>,
    are_many: bool,
    make: impl Fn(A) -> B + Sync,
) -> Result<Vec<B>, E> {
    let (sender, receiver) = mpsc::channel();
    let receiver = Mutex::new(receiver);
    let next = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    let make_rest = || std::iter::from_fn(next).map(|(index, one)| (index, make(one))).collect::<Vec<(usize, B)>>();
    let mut made = std::thread::scope(|scope| {
        // Where there can be no thread more, all is made here.
        let builder = || std::thread::Builder::new().name("answers too".to_owned());
        let helper = are_many.then(|| builder().spawn_scoped(scope, make_rest)).and_then(Result::ok);
        for (index, one) in all.enumerate() {
            // Whoever makes it is there until all is made.
            drop(sender.send((index, one?)));
        }
        drop(sender);
        let mut made = make_rest();
        match helper.map(ScopedJoinHandle::join) {
            Some(Ok(others)) => made.extend(others),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => {}
        }
        Ok(made)
    })?;
    made.sort_unstable_by_key(|(index, _)| *index);
    Ok(made.into_iter().map(|(_, made)| made).collect())
}
