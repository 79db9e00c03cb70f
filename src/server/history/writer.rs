//! Storing: some seconds at a time as blocks, hour by hour as extents, and forgetting what is too old.

use super::block::{self, Part};
use super::bytes::put;
use super::culprits;
use super::database::{Database, Place, extent, is_broken};
use super::derived::Derived;
use super::extent::{ColumnShape, Extent};
use super::inbox::Batch;
use super::rows::{Buckets, Rows};
use super::tier::{HOUR_MS, Retention, Tier};
use crate::model::{Catalog, EventId, Family, Gap, GapReason, Observation, Sample};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A block that is read for some of its seconds is read as a whole.
const BLOCK_TICKS: usize = 60;

/// So many free pages are kept for the hour to come; more are given back to the file system.
const SPARE_PAGES: i64 = 4_096;

/// What stands between two stores, and is only taken over when the second one succeeded.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    catalog: Arc<Catalog>,
    /// The families of the catalog by name, with their numbers; empty until they are looked up.
    numbers: HashMap<Arc<str>, Number>,
    /// Whether the file knows of this catalog.
    is_told: bool,
    pub(super) newest: Option<EventId>,
    /// The era and the hour whose blocks are not an extent yet.
    open: Option<(u32, i64)>,
    /// The era, and its first instant as far as this process knows, by both clocks.
    began: Option<(u32, i64, Instant)>,
}

#[derive(Clone, Debug)]
struct Number {
    shape: i64,
    decimals: Arc<[u8]>,
}

impl Progress {
    /// What the file holds already is put in order by the first store.
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, numbers: HashMap::new(), is_told: false, newest: None, open: None, began: None }
    }

    /// Whether the clock has gone for a while as it should: one that is wrong would forget everything at once.
    fn is_settled(&self, now: i64, after: Duration) -> bool {
        let Some((_, first, began)) = self.began else { return false };
        let passed = began.elapsed();
        let latest =
            first.saturating_add(i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)).saturating_add(HOUR_MS);
        after.is_zero() || (passed >= after && now <= latest)
    }

    /// After an interruption: what was learned of the file may not be so any more.
    pub(super) fn forget_file(&mut self) {
        self.numbers.clear();
        self.is_told = false;
        self.open = None;
    }
}

/// Stores what was observed since, in one transaction.
pub(super) fn store(database: &mut Database, progress: &mut Progress, batch: &Batch) -> rusqlite::Result<()> {
    let mut next = progress.clone();
    append(database, &mut next, batch)?;
    *progress = next;
    Ok(())
}

/// Packs the hours that are over, each in a transaction of its own, and forgets what is too old.
pub(super) fn tidy(database: &mut Database, progress: &mut Progress, retention: &Retention) -> rusqlite::Result<()> {
    let Some(newest) = progress.newest else { return Ok(()) };
    let now = (newest.era, hour(newest.t.0));
    if progress.began.is_none_or(|(era, ..)| era != newest.era) {
        progress.began = Some((newest.era, newest.t.0, Instant::now()));
    }
    if progress.open != Some(now) {
        for (era, hour) in hours_over(&database.connection, now)? {
            match close(database, era, hour) {
                // Its blocks stay where they are; the hours after it are not to wait for it.
                Err(error) if is_broken(&error) => tracing::error!(%error, hour, "an hour can't be packed"),
                closed => closed?,
            }
        }
        culprits::pack(&mut database.connection, newest.t.0)?;
        if progress.is_settled(newest.t.0, retention.settled_after) {
            forget(&mut database.connection, newest.t.0, retention)?;
        }
        progress.open = Some(now);
    }
    Ok(())
}

/// Nothing more will come: the next one to open the file may take its end for the end.
pub(super) fn end(database: &Database) -> rusqlite::Result<()> {
    database.connection.execute("UPDATE era SET is_ended = 1 WHERE era = (SELECT max(era) FROM era)", [])?;
    database.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn append(database: &mut Database, progress: &mut Progress, batch: &Batch) -> rusqlite::Result<()> {
    if !database.connection.is_autocommit() {
        // What shares this connection was broken off by a mistake of ours.
        database.connection.execute_batch("ROLLBACK")?;
    }
    let Database { connection, shapes } = database;
    let Batch { lost, observations, culprits } = batch;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut draft = Draft::default();
    for gap in lost.iter().chain(observations.iter().filter_map(gap)) {
        store_gap(&transaction, gap)?;
    }
    for observation in observations {
        match observation {
            Observation::Gap(_) => {}
            Observation::Catalog(catalog) => {
                draft.store(&transaction)?;
                progress.catalog = Arc::clone(catalog);
                progress.numbers.clear();
                progress.is_told = false;
            }
            Observation::Sample { id, sample } => {
                if progress.numbers.is_empty() {
                    for family in progress.catalog.iter() {
                        let number = Number { shape: shapes.number(family, &transaction)?, decimals: decimals(family) };
                        progress.numbers.insert(Arc::clone(&family.id), number);
                    }
                }
                if !progress.is_told {
                    let ids = progress.catalog.iter().filter_map(|family| progress.numbers.get(&family.id));
                    store_catalog(&transaction, *id, ids.map(|number| number.shape))?;
                    progress.is_told = true;
                }
                if !draft.continues(*id) {
                    draft.store(&transaction)?;
                }
                draft.add(*id, sample, &progress.numbers);
                progress.newest = Some(*id);
            }
        }
    }
    draft.store(&transaction)?;
    culprits::store(&transaction, culprits)?;
    transaction.commit()
}

fn gap(observation: &Observation) -> Option<&Gap> {
    match observation {
        Observation::Gap(gap) => Some(gap),
        _ => None,
    }
}

/// Samples that become a block: of one era, one hour and one catalog.
#[derive(Default)]
struct Draft {
    era: u32,
    ticks: Vec<i64>,
    parts: BTreeMap<i64, (Arc<[u8]>, Rows)>,
}

impl Draft {
    fn continues(&self, id: EventId) -> bool {
        self.ticks.last().is_none_or(|last| {
            self.era == id.era && *last < id.t.0 && hour(*last) == hour(id.t.0) && self.ticks.len() < BLOCK_TICKS
        })
    }

    fn add(&mut self, id: EventId, sample: &Sample, numbers: &HashMap<Arc<str>, Number>) {
        self.era = id.era;
        self.ticks.push(id.t.0);
        for entry in &sample.families {
            let Some(number) = numbers.get(&entry.family) else { continue };
            let columns = number.decimals.len();
            let (_, rows) =
                self.parts.entry(number.shape).or_insert_with(|| (Arc::clone(&number.decimals), Rows::new(columns)));
            rows.t.push(id.t.0);
            for (index, column) in rows.columns.iter_mut().enumerate() {
                column.push(entry.values.get(index).copied().flatten().unwrap_or(f64::NAN));
            }
        }
    }

    fn store(&mut self, within: &Transaction<'_>) -> rusqlite::Result<()> {
        let (Some(first), Some(last)) = (self.ticks.first(), self.ticks.last()) else { return Ok(()) };
        let parts = self.parts.iter().map(|(shape, (decimals, rows))| Part { shape: *shape, decimals, rows });
        let block = block::encode(&self.ticks, &parts.collect::<Vec<_>>());
        within
            .prepare_cached("INSERT OR REPLACE INTO hot (place, last, block) VALUES (?1, ?2, ?3)")?
            .execute(params![Place::of_block(i64::from(self.era), *first).0, last, block])?;
        within
            .prepare_cached(
                "INSERT INTO era (era, first, last, is_ended) VALUES (?1, ?2, ?3, 0)
                 ON CONFLICT (era) DO UPDATE SET last = excluded.last, is_ended = 0",
            )?
            .execute(params![self.era, first, last])?;
        *self = Self::default();
        Ok(())
    }
}

fn store_gap(within: &Connection, gap: &Gap) -> rusqlite::Result<()> {
    if let (Some(from), Some(to)) = (gap.from, gap.to) {
        within.execute("INSERT INTO gap VALUES (?1, ?2, ?3)", params![from.0, to.0, gap.reason.id()])?;
    }
    Ok(())
}

/// Where the newest one in the file is another.
fn store_catalog(within: &Connection, from: EventId, shapes: impl Iterator<Item = i64>) -> rusqlite::Result<()> {
    let mut bytes = Vec::new();
    shapes.for_each(|shape| put(&mut bytes, shape as u64));
    let newest = "SELECT shapes FROM catalog ORDER BY era DESC, first DESC LIMIT 1";
    let known: Option<Vec<u8>> = within.query_row(newest, [], |row| row.get(0)).ok();
    if known.as_ref() != Some(&bytes) {
        // Only the newest one is ever asked for.
        within.execute("DELETE FROM catalog", [])?;
        let query = "INSERT INTO catalog VALUES (?1, ?2, ?3)";
        within.execute(query, params![from.era, from.t.0, bytes])?;
    }
    Ok(())
}

fn decimals(family: &Family) -> Arc<[u8]> {
    (0..family.dimensions.len()).map(|index| family.unit_of(index).decimals()).collect()
}

const fn hour(t: i64) -> i64 {
    t.div_euclid(HOUR_MS)
}

/// The hours whose blocks wait to become extents.
fn hours_over(connection: &Connection, now: (u32, i64)) -> rusqlite::Result<Vec<(u32, i64)>> {
    let mut query = connection.prepare_cached("SELECT place FROM hot ORDER BY place")?;
    let places = query.query_map([], |row| row.get(0).map(Place))?;
    let mut hours = Vec::new();
    for place in places {
        let place = place?;
        let one = (u32::try_from(place.era()).unwrap_or_default(), hour(place.first()));
        if one != now && hours.last() != Some(&one) {
            hours.push(one);
        }
    }
    Ok(hours)
}

/// Blocks become extents, and their folds become part of the coarser tiers', in one transaction.
fn close(database: &mut Database, era: u32, hour: i64) -> rusqlite::Result<()> {
    let Database { connection, shapes } = database;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let [from, to] = [hour, hour + 1].map(|hour| Place::of_block(i64::from(era), hour * HOUR_MS).0);
    let mut by_shape: BTreeMap<i64, Rows> = BTreeMap::new();
    {
        let mut query = transaction
            .prepare_cached("SELECT place, last, block FROM hot WHERE place >= ?1 AND place < ?2 ORDER BY place")?;
        let mut blocks = query.query([from, to])?;
        while let Some(row) = blocks.next()? {
            let (first, last) = (Place(row.get(0)?).first(), row.get(1)?);
            let read = block::decode(
                row.get_ref(2)?.as_bytes().unwrap_or_default(),
                |_| true,
                |shape, rows| match by_shape.get_mut(&shape) {
                    Some(known) => known.append(rows),
                    None => drop(by_shape.insert(shape, rows)),
                },
            );
            if read.is_err() {
                tracing::warn!(first, last, "some seconds of the history are damaged; they are a gap now");
                let [from, to] = [first, last].map(|t| Some(crate::model::UnixMs(t)));
                store_gap(&transaction, &Gap { from, to, reason: GapReason::Unknown })?;
            }
        }
    }
    let catalog = shapes.catalog(by_shape.keys().copied());
    let by_family: HashMap<Arc<str>, &Rows> =
        by_shape.iter().filter_map(|(shape, rows)| Some((Arc::clone(&shapes.get(*shape)?.id), rows))).collect();
    for (shape, rows) in &by_shape {
        let Some(family) = shapes.get(*shape) else { continue };
        let ticks = Extent { step: family.interval_ms.ms(), shape: columns(family), body: rows.clone() };
        let place = Place::of_extent(Tier::Ticks, *shape, rows.t[0]);
        insert(&transaction, place, i64::from(era), rows.t[rows.t.len() - 1], &ticks.encode())?;

        let Extent { shape: mut all, body: mut wide, .. } = ticks;
        for derived in Derived::of(family, &catalog) {
            wide.columns.push(derived.column(rows, |name| by_family.get(name).copied()));
            all.push(derived.shape);
        }
        let mut buckets = None;
        for tier in Tier::FOLDED {
            let Some(step) = tier.step_ms() else { continue };
            let folded = buckets.as_ref().map_or_else(|| wide.fold(step), |finer: &Buckets| finer.fold(step));
            let extent = Extent { step, shape: all.clone(), body: folded.clone() };
            add(&transaction, tier, *shape, i64::from(era), extent)?;
            buckets = Some(folded);
        }
    }
    transaction.execute("DELETE FROM hot WHERE place >= ?1 AND place < ?2", [from, to])?;
    transaction.commit()
}

/// The columns as a family has them.
pub(super) fn columns(family: &Family) -> Vec<ColumnShape> {
    decimals(family).iter().map(|decimals| ColumnShape { decimals: *decimals, derived: None }).collect()
}

/// Adds to the extent that the buckets continue, or begins one.
fn add(within: &Transaction<'_>, tier: Tier, shape: i64, era: i64, mut more: Extent<Buckets>) -> rusqlite::Result<()> {
    let (Some(first), Some(last)) = (more.body.t.first().copied(), more.body.t.last().copied()) else { return Ok(()) };
    let begin = Place::of_extent(tier, shape, first.div_euclid(tier.extent_ms()) * tier.extent_ms());
    let mut place = Place::of_extent(tier, shape, first);
    let before: Option<i64> = within
        .prepare_cached("SELECT max(place) FROM extent WHERE place >= ?1 AND place < ?2 AND era = ?3")?
        .query_row([begin.0, place.0, era], |row| row.get(0))?;
    if let Some(before) = before.map(Place) {
        let known = extent(within, before)?.map(|stored| Extent::<Buckets>::decode(&stored.body, |_| true));
        // Another set of columns has an extent of its own; so has what follows after damage.
        if let Some(Ok(mut known)) = known
            && known.shape == more.shape
        {
            known.body.append(more.body);
            more = known;
            place = before;
        }
    }
    insert(within, place, era, last, &more.encode())
}

/// Two eras may begin an extent at the same instant: the later one then stands beside it.
fn insert(within: &Connection, mut place: Place, era: i64, last: i64, body: &[u8]) -> rusqlite::Result<()> {
    while extent(within, place)?.is_some_and(|stored| stored.era != era) {
        place.0 += 1;
    }
    within
        .prepare_cached("INSERT OR REPLACE INTO extent (place, era, last, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![place.0, era, last, body])?;
    Ok(())
}

/// Drops what is too old, then the oldest of the finest until the rest is small enough, and gives space back.
fn forget(connection: &mut Connection, now: i64, retention: &Retention) -> rusqlite::Result<()> {
    let before = |age: Duration| now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for tier in Tier::ALL {
        // An extent goes as a whole, once the newest that it can hold is too old.
        forget_tier(&transaction, tier, before(retention.of(tier)).saturating_sub(tier.extent_ms()))?;
    }
    transaction.execute("DELETE FROM hot WHERE last < ?1", [before(retention.ticks)])?;
    let oldest = before(Tier::ALL.map(|tier| retention.of(tier)).into_iter().max().unwrap_or_default());
    transaction.execute("DELETE FROM gap WHERE last < ?1", [oldest])?;
    transaction.commit()?;
    while used_bytes(connection)? > retention.max_bytes && forget_oldest(connection)? {}
    give_back(connection, SPARE_PAGES.max(number(connection, "page_count")? / 8))
}

/// Drops the extents of a tier that begin before an instant, and who was heaviest then.
fn forget_tier(within: &Connection, tier: Tier, before: i64) -> rusqlite::Result<()> {
    let shapes: i64 = within.query_row("SELECT coalesce(max(id), 0) FROM shape", [], |row| row.get(0))?;
    let mut query = within.prepare_cached("DELETE FROM extent WHERE place >= ?1 AND place <= ?2")?;
    for shape in 0..=shapes {
        let [first, last] = [0, before].map(|t| Place::of_extent(tier, shape, t).0);
        if first < last {
            query.execute([first, last])?;
        }
    }
    culprits::forget(within, tier, before)
}

/// Whether there was anything to forget.
fn forget_oldest(connection: &mut Connection) -> rusqlite::Result<bool> {
    for tier in Tier::ALL {
        if let Some(oldest) = oldest(connection, tier)? {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            forget_tier(&transaction, tier, oldest.saturating_add(tier.extent_ms()))?;
            transaction.commit()?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where the first extent of a tier begins.
pub(super) fn oldest(connection: &Connection, tier: Tier) -> rusqlite::Result<Option<i64>> {
    let shapes: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM shape", [], |row| row.get(0))?;
    let mut query = connection.prepare_cached("SELECT min(place) FROM extent WHERE place >= ?1 AND place < ?2")?;
    let mut oldest: Option<i64> = None;
    for shape in 0..=shapes {
        let [first, end] = [shape, shape + 1].map(|shape| Place::of_extent(tier, shape, 0).0);
        let found: Option<i64> = query.query_row([first, end], |row| row.get(0))?;
        oldest = oldest.into_iter().chain(found.map(|place| Place(place).first())).min();
    }
    Ok(oldest)
}

/// Free pages beyond so many go back to the file system.
pub(super) fn give_back(connection: &Connection, spare: i64) -> rusqlite::Result<()> {
    let free = number(connection, "freelist_count")?;
    if free > spare {
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({})", free - spare))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(())
}

/// What the file needs, but for pages that are free.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pages = number(connection, "page_count")? - number(connection, "freelist_count")?;
    Ok(u64::try_from(pages * number(connection, "page_size")?).unwrap_or_default())
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
