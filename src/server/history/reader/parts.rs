//! What stands in the file, and what waits, as parts of a course: with what of it is damaged.

use super::super::block;
use super::super::bytes::Damaged;
use super::super::database::is_broken;
use super::super::eras::Eras;
use super::super::extent::Extent;
use super::super::place::{Place, Stored, extent};
use super::super::rows::Rows;
use super::super::tier::Tier;
use super::Reading;
use crate::model::{Gap, GapReason, UnixMs};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// So many extents are worth a thread more.
const MANY: usize = 16;

/// What was read of a shape, in parts of some length, each with its era.
pub(super) type Parts<T> = HashMap<i64, Vec<(i64, T)>>;

impl Reading<'_> {
    /// From extents, from blocks, and from what waits.
    pub(super) fn read_ticks(&mut self, shapes: &[i64], from: i64, to: i64) -> rusqlite::Result<Parts<Rows>> {
        let mut parts: Parts<Rows> = HashMap::new();
        for shape in shapes {
            let extents = self.read_extents(&self.places_of(Tier::Ticks, *shape, from, to)?, |_, _, body| {
                Extent::<Rows>::decode(body)
            })?;
            let rows = extents.into_iter().map(|(era, extent)| (era, extent.body));
            parts.entry(*shape).or_default().extend(rows);
        }
        for (shape, more) in self.read_open(shapes) {
            parts.entry(shape).or_default().extend(more);
        }
        Ok(parts)
    }

    /// What is in no extent yet.
    pub(super) fn read_open(&self, shapes: &[i64]) -> Parts<Rows> {
        shapes.iter().filter_map(|shape| Some((*shape, self.open.get(shape)?.clone()))).collect()
    }

    /// Reads the blocks once for all families of a group, and what waits.
    pub(super) fn open_blocks(&mut self, wanted: &HashSet<i64>, from: i64, to: i64) -> rusqlite::Result<()> {
        let mut parts: Parts<Rows> = HashMap::new();
        let mut damaged = Vec::new();
        {
            let query = "SELECT place, last, block FROM hot WHERE last >= ?1 ORDER BY place";
            let mut query = self.database.connection.prepare_cached(query)?;
            let mut blocks = query.query([from])?;
            while let Some(row) = blocks.next()? {
                let place = Place(row.get(0)?);
                if place.first() > to {
                    continue;
                }
                let era = place.era();
                let bytes = row.get_ref(2)?.as_bytes().unwrap_or_default();
                let take = |shape, rows: Rows| {
                    let known = parts.entry(shape).or_default();
                    match known.last_mut() {
                        Some((same, before)) if *same == era && before.columns.len() == rows.columns.len() => {
                            before.append(rows);
                        }
                        _ => known.push((era, rows)),
                    }
                };
                if block::decode(bytes, |shape| wanted.contains(&shape), take).is_err() {
                    damaged.push((place, row.get(1)?));
                }
            }
        }
        for (place, last) in damaged {
            let is_news = self.damages.hot.insert(place);
            self.gaps.push((place.era(), damage(is_news, "all families", place.first(), last)));
        }
        for (shape, era, rows) in self.waiting.iter().filter(|(shape, ..)| wanted.contains(shape)) {
            parts.entry(*shape).or_default().push((*era, rows.clone()));
        }
        self.open = parts;
        Ok(())
    }

    /// The extents that may reach into a stretch.
    pub(super) fn places_of(&self, tier: Tier, shape: i64, from: i64, to: i64) -> rusqlite::Result<Vec<Place>> {
        if shape < 0 {
            return Ok(Vec::new());
        }
        let begin = Place::of_extent(tier, shape, from.saturating_sub(tier.extent_ms()));
        let end = Place::of_extent(tier, shape, to);
        let query = "SELECT place FROM extent WHERE place >= ?1 AND place <= ?2 AND last >= ?3";
        let mut query = self.database.connection.prepare_cached(query)?;
        query.query_map([begin.0, end.0, from], |row| row.get(0).map(Place))?.collect()
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
        decode: impl Fn(&Eras, i64, &[u8]) -> Result<T, Damaged> + Sync,
    ) -> rusqlite::Result<Vec<(i64, T)>> {
        let mut stored = Vec::with_capacity(places.len());
        for place in places {
            match extent(&self.database.connection, *place) {
                Ok(found) => stored.extend(found.map(|found| (*place, found))),
                // A page that is damaged costs what stands on it, of whichever era that is.
                Err(error) if is_broken(&error) => {
                    stored.push((*place, Stored { era: i64::MAX, last: place.first(), body: Vec::new() }));
                }
                Err(error) => return Err(error),
            }
        }
        let decoded = side_by_side(&stored, |(_, stored)| decode(&self.eras, stored.era, &stored.body));
        let mut read = Vec::with_capacity(decoded.len());
        for ((place, Stored { era, last, .. }), decoded) in stored.into_iter().zip(decoded) {
            if let Ok(extent) = decoded {
                read.push((era, extent));
                continue;
            }
            let is_news = self.damages.known.insert(place);
            let family = self.known.get(place.shape()).map(|family| Arc::clone(&family.id)).unwrap_or_default();
            let gap = damage(is_news, &family, place.first(), last);
            self.damaged.entry(place.shape()).or_default().push((era, gap));
        }
        Ok(read)
    }

    pub(super) fn read_gaps(&mut self, from: i64, to: i64) -> rusqlite::Result<()> {
        let era = if self.database.has_eras_of_gaps { "era" } else { "(SELECT coalesce(max(era), 0) FROM era)" };
        let mut query = self
            .database
            .connection
            .prepare_cached(&format!("SELECT {era}, first, last, reason FROM gap WHERE last >= ?1 AND first <= ?2"))?;
        let mut rows = query.query([from, to])?;
        while let Some(row) = rows.next()? {
            let reason = row.get_ref(3)?.as_str().unwrap_or_default();
            let reason = GapReason::ALL.into_iter().find(|known| known.id() == reason).unwrap_or(GapReason::Unknown);
            let [from, to] = [row.get(1)?, row.get(2)?].map(|t| Some(UnixMs(t)));
            self.gaps.push((row.get(0)?, Gap { from, to, reason }));
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

/// As it would be one after the other, and sooner where there are many: a month is unpacked by two threads.
fn side_by_side<A: Sync, B: Send>(all: &[A], make: impl Fn(&A) -> B + Sync) -> Vec<B> {
    let threads = if all.len() < MANY { 1 } else { std::thread::available_parallelism().map_or(1, usize::from).min(2) };
    let (own, others) = all.split_at(all.len().div_ceil(threads));
    let make_all = |some: &[A]| some.iter().map(&make).collect::<Vec<B>>();
    std::thread::scope(|scope| {
        let builder = || std::thread::Builder::new().name("answers too".to_owned());
        let helper = (!others.is_empty()).then(|| builder().spawn_scoped(scope, || make_all(others)));
        let mut made = make_all(own);
        match helper.map(|helper| helper.map(|helper| helper.join())) {
            Some(Ok(Ok(others))) => made.extend(others),
            Some(Ok(Err(panic))) => std::panic::resume_unwind(panic),
            // There may be no thread more.
            Some(Err(_)) => made.extend(make_all(others)),
            None => {}
        }
        made
    })
}
