//! Forgetting: what is too old goes, then the oldest of what is too much, and space is given back.

use super::block;
use super::bytes::Reader;
use super::culprits;
use super::database::{Database, number, transaction, used_bytes};
use super::place::Place;
use super::tier::{Retention, Tier};
use rusqlite::Connection;
use std::collections::HashSet;
use std::time::Duration;

/// So many free pages are kept for the hour to come; more are given back to the file system.
const SPARE_PAGES: i64 = 4_096;

/// Drops what is too old, then the oldest of the finest until the rest is small enough, and gives space back.
pub(super) fn forget(database: &mut Database, now: i64, retention: &Retention) -> rusqlite::Result<()> {
    let before = |age: Duration| now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let connection = &mut database.connection;
    let transaction = transaction(connection)?;
    for tier in Tier::ALL {
        // An extent goes as a whole, once the newest that it can hold is too old.
        forget_tier(&transaction, tier, before(retention.of(tier)).saturating_sub(tier.extent_ms()))?;
    }
    transaction.execute("DELETE FROM hot WHERE last < ?1", [before(retention.ticks)])?;
    let oldest = before(Tier::ALL.map(|tier| retention.of(tier)).into_iter().max().unwrap_or_default());
    transaction.execute("DELETE FROM gap WHERE last < ?1", [oldest])?;
    transaction.commit()?;
    while used_bytes(connection)? > retention.max_bytes && forget_oldest(connection)? {}
    forget_shapes(database)?;
    let connection = &database.connection;
    give_back(connection, SPARE_PAGES.max(number(connection, "page_count")? / 8))
}

/// Drops the extents of a tier that begin before an instant, and who was heaviest then.
fn forget_tier(within: &Connection, tier: Tier, before: i64) -> rusqlite::Result<()> {
    let mut query = within.prepare_cached("DELETE FROM extent WHERE place >= ?1 AND place < ?2")?;
    for shape in firsts(within, tier)?.into_iter().filter(|first| first.first() < before).map(Place::shape) {
        query.execute([0, before].map(|t| Place::of_extent(tier, shape, t).0))?;
    }
    culprits::forget(within, tier, before)
}

/// Whether there was anything to forget.
fn forget_oldest(connection: &mut Connection) -> rusqlite::Result<bool> {
    for tier in Tier::ALL {
        if let Some(oldest) = first_of(connection, tier)?.map(Place::first) {
            let transaction = transaction(connection)?;
            forget_tier(&transaction, tier, oldest.saturating_add(tier.extent_ms()))?;
            transaction.commit()?;
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
        used.extend(firsts(&transaction, tier)?.into_iter().map(Place::shape));
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
    Ok(firsts(connection, tier)?.into_iter().min_by_key(|place| place.first()))
}

/// The first extent of each shape in a tier: found by steps from shape to shape, however many extents there are.
fn firsts(connection: &Connection, tier: Tier) -> rusqlite::Result<Vec<Place>> {
    let mut query = connection.prepare_cached("SELECT min(place) FROM extent WHERE place >= ?1 AND place < ?2")?;
    let end = Place::end_of_tier(tier);
    let (mut next, mut firsts) = (Place::of_extent(tier, 0, 0), Vec::new());
    while next < end {
        let found: Option<i64> = query.query_row([next.0, end.0], |row| row.get(0))?;
        let Some(first) = found.map(Place) else { break };
        firsts.push(first);
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
        while rows.next()?.is_some() {}
    }
    Ok(())
}
