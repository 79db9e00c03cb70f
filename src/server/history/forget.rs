//! Forgetting: what is too old goes, then the oldest of what is too much, and space is given back.

use super::block;
use super::bytes::Reader;
use super::culprits;
use super::database::{Database, is_broken, number, transaction, unless_broken, used_bytes};
use super::place::Place;
use super::tier::{Retention, Tier};
use rusqlite::Connection;
use std::collections::HashSet;
use std::time::Duration;

/// So many free pages are kept for the hour to come; more are given back to the file system.
const SPARE_PAGES: i64 = 4_096;

/// Beside damage the next shape is looked for under one number after the other: not for longer than this.
const MOST_STEPS_BESIDE_DAMAGE: i64 = 10_000;

/// Drops what is too old, then the oldest of the finest until the rest is small enough, and gives space back.
pub(super) fn forget(database: &mut Database, now: i64, retention: &Retention) -> rusqlite::Result<()> {
    let before = |age: Duration| now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let connection = &mut database.connection;
    for tier in Tier::ALL {
        // An extent goes as a whole, once the newest that it can hold is too old.
        forget_tier(connection, tier, before(retention.of(tier)).saturating_sub(tier.extent_ms()))?;
    }
    let oldest = before(Tier::ALL.map(|tier| retention.of(tier)).into_iter().max().unwrap_or_default());
    for (table, before) in [("hot", before(retention.ticks)), ("gap", oldest)] {
        delete(connection, &format!("DELETE FROM {table} WHERE last >= ?1 AND last < ?2"), &[[i64::MIN, before]])?;
    }
    while used_bytes(connection)? > retention.max_bytes && forget_oldest(connection)? {}
    unless_broken(forget_shapes(database))?;
    let connection = &database.connection;
    give_back(connection, SPARE_PAGES.max(number(connection, "page_count")? / 8))
}

/// Drops the extents of a tier that begin before an instant, and who was heaviest then; how many extents that were.
fn forget_tier(connection: &mut Connection, tier: Tier, before: i64) -> rusqlite::Result<usize> {
    let old = firsts(connection, tier)?.places.into_iter().filter(|first| first.first() < before);
    let range = |first: Place| [0, before].map(|t| Place::of_extent(tier, first.shape(), t).0);
    let ranges: Vec<[i64; 2]> = old.map(range).collect();
    let forgotten = delete(connection, "DELETE FROM extent WHERE place >= ?1 AND place < ?2", &ranges)?;
    let transaction = transaction(connection)?;
    unless_broken(culprits::forget(&transaction, tier, before).and_then(|()| transaction.commit()))?;
    Ok(forgotten)
}

/// All ranges at once; where damage is in the way of some, one after the other, for then the rest is not to wait for it.
fn delete(connection: &mut Connection, query: &str, ranges: &[[i64; 2]]) -> rusqlite::Result<usize> {
    let mut delete_at_once = |ranges: &[[i64; 2]]| -> rusqlite::Result<usize> {
        let transaction = transaction(connection)?;
        let mut deleted = 0;
        for range in ranges {
            deleted += transaction.prepare_cached(query)?.execute(*range)?;
        }
        transaction.commit()?;
        Ok(deleted)
    };
    match delete_at_once(ranges) {
        Err(error) if is_broken(&error) => {}
        deleted => return deleted,
    }
    let mut deleted = 0;
    for range in ranges {
        match delete_at_once(std::slice::from_ref(range)) {
            Err(error) if is_broken(&error) => {}
            more => deleted += more?,
        }
    }
    Ok(deleted)
}

/// Whether there was anything to forget.
fn forget_oldest(connection: &mut Connection) -> rusqlite::Result<bool> {
    for tier in Tier::ALL {
        if let Some(oldest) = first_of(connection, tier)?.map(Place::first)
            && forget_tier(connection, tier, oldest.saturating_add(tier.extent_ms()))? > 0
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Drops the shapes of which nothing is left: containers that came and went long ago. The newest one stays, so that no
/// number is ever given twice.
fn forget_shapes(database: &mut Database) -> rusqlite::Result<()> {
    let Database { connection, shapes, .. } = database;
    let transaction = transaction(connection)?;
    let mut used = HashSet::from([shapes.highest()]);
    for tier in Tier::ALL {
        let firsts = firsts(&transaction, tier)?;
        // There may be something left of a shape that can't be seen.
        if !firsts.are_all {
            return Ok(());
        }
        used.extend(firsts.places.into_iter().map(Place::shape));
    }
    {
        let mut query = transaction.prepare_cached("SELECT block FROM hot")?;
        let mut blocks = query.query([])?;
        while let Some(row) = blocks.next()? {
            let note = |shape| {
                used.insert(shape);
                false
            };
            // What a damaged one holds is lost already.
            _ = block::decode(row.get_ref(0)?.as_bytes().unwrap_or_default(), note, |_, _| {});
        }
        let mut query = transaction.prepare_cached("SELECT shapes FROM catalog")?;
        let mut catalogs = query.query([])?;
        while let Some(row) = catalogs.next()? {
            used.extend(Reader(row.get_ref(0)?.as_bytes().unwrap_or_default()).numbers());
        }
    }
    let unused: Vec<i64> = shapes.iter().map(|(shape, _)| shape).filter(|shape| !used.contains(shape)).collect();
    for shape in &unused {
        transaction.prepare_cached("DELETE FROM shape WHERE id = ?1")?.execute([shape])?;
    }
    transaction.commit()?;
    shapes.forget(&unused);
    Ok(())
}

/// Of the extents of a tier, the one that begins first.
pub(super) fn first_of(connection: &Connection, tier: Tier) -> rusqlite::Result<Option<Place>> {
    Ok(firsts(connection, tier)?.places.into_iter().min_by_key(|place| place.first()))
}

struct Firsts {
    places: Vec<Place>,
    /// Whether no damage is in the way of any.
    are_all: bool,
}

/// The first extent of each shape in a tier: found by steps from shape to shape, however many extents there are.
fn firsts(connection: &Connection, tier: Tier) -> rusqlite::Result<Firsts> {
    let mut query = connection.prepare_cached("SELECT min(place) FROM extent WHERE place >= ?1 AND place < ?2")?;
    let end = Place::end_of_tier(tier);
    let (mut next, mut firsts) = (Place::of_extent(tier, 0, 0), Firsts { places: Vec::new(), are_all: true });
    while next < end {
        let found: Option<i64> = match query.query_row([next.0, end.0], |row| row.get(0)) {
            Err(error) if is_broken(&error) => {
                firsts.are_all = false;
                let highest: i64 = connection.query_row("SELECT max(id) FROM shape", [], |row| row.get(0))?;
                next = next.next_shape();
                if next.shape() > highest.min(MOST_STEPS_BESIDE_DAMAGE) {
                    break;
                }
                continue;
            }
            found => found?,
        };
        let Some(first) = found.map(Place) else { break };
        firsts.places.push(first);
        next = first.next_shape();
    }
    Ok(firsts)
}

/// Free pages beyond so many go back to the file system.
fn give_back(connection: &Connection, spare: i64) -> rusqlite::Result<()> {
    let free = number(connection, "freelist_count")?;
    if free > spare {
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({})", free - spare))?;
        let mut rows = vacuum.query([])?;
        let mut move_all = || {
            while rows.next()?.is_some() {}
            Ok(())
        };
        // What is damaged can't be moved out of the way.
        unless_broken(move_all())?;
    }
    Ok(())
}
