//! Forgetting: what is too old goes, then the oldest of what is too much, and space is given back. It is done a little
//! at a time, so that who stores waits for none of it.

use super::block;
use super::bytes::Reader;
use super::culprits;
use super::database::{Database, is_broken, number, transaction, unless_broken, used_bytes};
use super::place::Place;
use super::tier::{Retention, Tier};
use rusqlite::Connection;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

/// So many free pages are kept for the hour to come; more are given back to the file system.
const SPARE_PAGES: i64 = 4_096;

/// Beside damage the next shape is looked for under one number after the other: under so many at most.
const MOST_STEPS_BESIDE_DAMAGE: u32 = 10_000;

/// So many pages are given back at once.
const MOST_PAGES: i64 = 512;

/// So many rows go at once.
const MOST_ROWS: usize = 256;

/// How far that has come.
pub(super) enum Forgetting {
    /// What is too old is not looked for yet.
    Begun,
    /// These go, and then as many more as are too much.
    Rows(Rows),
    Shapes,
    Space,
}

/// What goes next.
#[derive(Default)]
pub(super) struct Rows {
    ranges: VecDeque<Range>,
    /// Whether any went, or was found stuck, since it was last looked how much there is.
    has_progressed: bool,
    /// What can't go, for damage is in the way; by where it begins.
    stuck: HashSet<Place>,
}

/// What goes of a table.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) table: &'static str,
    /// From the first place up to but without the second.
    pub(super) places: [Place; 2],
    /// What ends later stays.
    pub(super) before: i64,
}

impl Forgetting {
    /// Forgets some more of what was too old at an instant; `None` once nothing is left to forget.
    pub(super) fn go_on(
        self,
        database: &mut Database,
        now: i64,
        retention: &Retention,
    ) -> rusqlite::Result<Option<Self>> {
        let connection = &mut database.connection;
        Ok(match self {
            Self::Begun => {
                let ranges = too_old(connection, now, retention)?;
                Some(Self::Rows(Rows { ranges, has_progressed: true, ..Rows::default() }))
            }
            Self::Rows(Rows { ranges, has_progressed, stuck }) if ranges.is_empty() => {
                // Else there would be no end to it.
                let ranges = if has_progressed { too_much(connection, retention, &stuck)? } else { ranges };
                let is_last = ranges.is_empty();
                Some(if is_last { Self::Shapes } else { Self::Rows(Rows { ranges, has_progressed: false, stuck }) })
            }
            Self::Rows(mut rows) => {
                forget_some(connection, &mut rows)?;
                Some(Self::Rows(rows))
            }
            Self::Shapes => {
                unless_broken(forget_shapes(database))?;
                Some(Self::Space)
            }
            Self::Space => give_back_some(connection)?.then_some(Self::Space),
        })
    }
}

/// What is older than each tier is kept. Blocks and gaps go at once: there are few.
fn too_old(connection: &mut Connection, now: i64, retention: &Retention) -> rusqlite::Result<VecDeque<Range>> {
    let before = |age: Duration| now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let oldest = before(Tier::ALL.map(|tier| retention.of(tier)).into_iter().max().unwrap_or_default());
    for (table, before) in [("hot", before(retention.ticks)), ("gap", oldest)] {
        unless_broken(connection.execute(&format!("DELETE FROM {table} WHERE last < ?1"), [before]).map(drop))?;
    }
    let mut ranges = VecDeque::new();
    for tier in Tier::ALL {
        // An extent goes as a whole, once its newest is too old.
        let kept = before(retention.of(tier));
        let before = kept.saturating_sub(tier.step_ms().unwrap_or(0));
        ranges.extend(extents(&firsts(connection, tier)?.places, tier, kept, before));
        ranges.extend(culprits::ranges(tier, kept.saturating_sub(retention.extent_ms(tier))));
    }
    Ok(ranges)
}

/// The oldest of the finest, where all of it is too large; of what is not stuck.
fn too_much(
    connection: &Connection,
    retention: &Retention,
    stuck: &HashSet<Place>,
) -> rusqlite::Result<VecDeque<Range>> {
    let mut ranges = VecDeque::new();
    if used_bytes(connection)? <= retention.max_bytes {
        return Ok(ranges);
    }
    for tier in Tier::ALL {
        let mut places = firsts(connection, tier)?.places;
        places.retain(|first| !stuck.contains(&Place::of_extent(tier, first.shape(), 0)));
        if let Some(oldest) = places.iter().map(|first| first.first()).min() {
            let before = oldest.saturating_add(retention.extent_ms(tier));
            ranges.extend(extents(&places, tier, before, i64::MAX));
            ranges.extend(culprits::ranges(tier, before));
            break;
        }
    }
    Ok(ranges)
}

/// A tier's extents that begin before one instant and end before another; of each shape the first is known.
fn extents(firsts: &[Place], tier: Tier, begin: i64, before: i64) -> impl Iterator<Item = Range> {
    let shapes = firsts.iter().filter(move |first| first.first() < begin).map(|first| first.shape());
    shapes.map(move |shape| Range {
        table: "extent",
        places: [0, begin].map(|t| Place::of_extent(tier, shape, t)),
        before,
    })
}

/// As much as may go at once.
fn forget_some(connection: &mut Connection, rows: &mut Rows) -> rusqlite::Result<()> {
    let before = rows.ranges.clone();
    match forget_rows(connection, &mut rows.ranges) {
        Err(error) if is_broken(&error) => {}
        gone => {
            rows.has_progressed |= gone? > 0;
            return Ok(());
        }
    }
    // Damage is in the way of one of them, and the others are not to wait for it.
    rows.ranges = before;
    let Some(one) = rows.ranges.pop_front() else { return Ok(()) };
    let mut rest = VecDeque::from([one]);
    match forget_rows(connection, &mut rest) {
        Err(error) if is_broken(&error) => rows.has_progressed |= rows.stuck.insert(one.places[0]),
        gone => {
            rows.has_progressed |= gone? > 0;
            rest.into_iter().for_each(|rest| rows.ranges.push_front(rest));
        }
    }
    Ok(())
}

fn forget_rows(connection: &mut Connection, ranges: &mut VecDeque<Range>) -> rusqlite::Result<usize> {
    let transaction = transaction(connection)?;
    let (mut most, mut all) = (MOST_ROWS, 0);
    while most > 0
        && let Some(range) = ranges.front()
    {
        let gone = range.forget(&transaction, most)?;
        if gone < most {
            ranges.pop_front();
        }
        all += gone;
        // To look takes its time, too.
        most -= gone.clamp(1, most);
    }
    transaction.commit()?;
    Ok(all)
}

impl Range {
    /// At most so many; how many there were.
    fn forget(&self, within: &Connection, most: usize) -> rusqlite::Result<usize> {
        let Self { table, places: [from, to], before } = self;
        let query = format!(
            "DELETE FROM {table} WHERE place IN
             (SELECT place FROM {table} WHERE place >= ?1 AND place < ?2 AND last < ?3 LIMIT ?4)"
        );
        within.prepare_cached(&query)?.execute((from.0, to.0, before, i64::try_from(most).unwrap_or(i64::MAX)))
    }
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
    let mut steps = 0;
    while next < end {
        let found: Option<i64> = match query.query_row([next.0, end.0], |row| row.get(0)) {
            Err(error) if is_broken(&error) => {
                firsts.are_all = false;
                let highest: i64 = connection.query_row("SELECT max(id) FROM shape", [], |row| row.get(0))?;
                next = next.next_shape();
                steps += 1;
                if next.shape() > highest || steps > MOST_STEPS_BESIDE_DAMAGE {
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

/// Free pages beyond what the hour to come may need go back to the file system, some at once; whether there are more.
fn give_back_some(connection: &Connection) -> rusqlite::Result<bool> {
    let free = number(connection, "freelist_count")?;
    let spare = SPARE_PAGES.max(number(connection, "page_count")? / 8);
    if free <= spare {
        return Ok(false);
    }
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({})", MOST_PAGES.min(free - spare)))?;
    let mut rows = vacuum.query([])?;
    let mut move_some = || {
        while rows.next()?.is_some() {}
        Ok(())
    };
    // What is damaged can't be moved out of the way.
    unless_broken(move_some())?;
    // A file that was made otherwise gives nothing back.
    Ok(number(connection, "freelist_count")? < free)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Folder;
    use super::super::tier::HOUR_MS;
    use super::*;

    #[test]
    fn it_is_done_a_little_at_a_time() -> Result<(), Box<dyn std::error::Error>> {
        let folder = Folder::new()?;
        let mut database = Database::open(&folder.path)?;
        // Some megabytes: an extent an hour.
        database.connection.execute_batch(&format!(
            "WITH RECURSIVE hours (t) AS (VALUES (0) UNION ALL SELECT t + {HOUR_MS} FROM hours LIMIT 3000)
             INSERT INTO extent SELECT {} + t, 0, t + {HOUR_MS} - 1000, zeroblob(4000) FROM hours",
            Place::of_extent(Tier::Ticks, 1, 0).0
        ))?;
        let retention = Retention { ticks: Duration::from_hours(1_000), max_bytes: 4_000_000, ..Retention::default() };
        let extents = |database: &Database| {
            database.connection.query_row("SELECT count(*) FROM extent", [], |row| row.get::<_, i64>(0))
        };
        let pages = |database: &Database| number(&database.connection, "page_count");
        // With those that say whose the others are.
        let most_pages = MOST_PAGES + MOST_PAGES / 100;
        let (mut forgetting, mut left, mut size) = (Some(Forgetting::Begun), 3_000, pages(&database)?);
        while let Some(some) = forgetting {
            forgetting = some.go_on(&mut database, 3_000 * HOUR_MS, &retention)?;
            let (now_left, now_size) = (extents(&database)?, pages(&database)?);
            assert!(left - now_left <= MOST_ROWS as i64 && size - now_size <= most_pages, "{now_left} {now_size}");
            (left, size) = (now_left, now_size);
        }
        assert!((500..1_000).contains(&left), "what is not too old is too much all the same: {left}");
        let free = number(&database.connection, "freelist_count")?;
        assert!(free <= SPARE_PAGES && size - free < 4_000, "{free} of {size}");
        Ok(())
    }
}
