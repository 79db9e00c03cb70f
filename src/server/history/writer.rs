//! Storing: what was observed, some seconds at a time, as blocks.

use super::block::{self, Part};
use super::bytes::put;
use super::culprits;
use super::database::{Database, transaction};
use super::inbox::Batch;
use super::place::Place;
use super::rows::Rows;
use super::tier::hour;
use crate::model::{Catalog, EventId, Family, Gap, Observation, Sample};
use rusqlite::{Connection, Transaction, params};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A block that is read for some of its seconds is read as a whole.
const BLOCK_TICKS: usize = 60;

/// What stands between two stores, and is only taken over when the second one succeeded.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    catalog: Arc<Catalog>,
    /// The families of the catalog by name, with their numbers; empty until they are looked up.
    numbers: HashMap<Arc<str>, Number>,
    /// Whether the file knows of this catalog.
    is_told: bool,
    pub(super) newest: Option<EventId>,
}

#[derive(Clone, Debug)]
struct Number {
    shape: i64,
    decimals: Arc<[u8]>,
}

impl Progress {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, numbers: HashMap::new(), is_told: false, newest: None }
    }

    /// After an interruption: what was learned of the file may not be so any more.
    pub(super) fn forget_file(&mut self) {
        self.numbers.clear();
        self.is_told = false;
    }
}

/// Stores what was observed since, in one transaction.
pub(super) fn store(database: &mut Database, progress: &mut Progress, batch: &Batch) -> rusqlite::Result<()> {
    let mut next = progress.clone();
    append(database, &mut next, batch)?;
    *progress = next;
    Ok(())
}

/// From now on more may be told than is stored: what was marked as the end is none any more.
pub(super) fn begin(database: &Database) -> rusqlite::Result<()> {
    database.connection.execute("UPDATE era SET is_ended = 0 WHERE is_ended = 1", [])?;
    Ok(())
}

/// Nothing more will come: the next one to open the file may take its end for the end.
pub(super) fn end(database: &Database) -> rusqlite::Result<()> {
    database.connection.execute("UPDATE era SET is_ended = 1 WHERE era = (SELECT max(era) FROM era)", [])?;
    database.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

fn append(database: &mut Database, progress: &mut Progress, batch: &Batch) -> rusqlite::Result<()> {
    let Database { connection, shapes, .. } = database;
    let Batch { observations, culprits, .. } = batch;
    let transaction = transaction(connection)?;
    let mut draft = Draft::default();
    for (era, gap) in gaps(observations, progress.newest.map_or(0, |newest| i64::from(newest.era))) {
        store_gap(&transaction, era, &gap)?;
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
                        let Some(shape) = shapes.number(family, &transaction)? else {
                            tracing::warn!(family = %family.id, "too many families came and went: this one is not kept");
                            continue;
                        };
                        let number = Number { shape, decimals: decimals(family) };
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

/// Each gap with the era that it belongs to: that of the sample after it.
pub(super) fn gaps(observations: &[Observation], newest: i64) -> Vec<(i64, Gap)> {
    let (mut era, mut gaps) = (newest, Vec::new());
    for observation in observations.iter().rev() {
        match observation {
            Observation::Gap(gap) => gaps.push((era, *gap)),
            Observation::Sample { id, .. } => era = i64::from(id.era),
            Observation::Catalog(_) => {}
        }
    }
    gaps
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
            rows.push(id.t.0, &entry.values);
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

pub(super) fn store_gap(within: &Connection, era: i64, gap: &Gap) -> rusqlite::Result<()> {
    if let (Some(from), Some(to)) = (gap.from, gap.to) {
        let query = "INSERT INTO gap (era, first, last, reason) VALUES (?1, ?2, ?3, ?4)";
        within.execute(query, params![era, from.0, to.0, gap.reason.id()])?;
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

pub(super) fn decimals(family: &Family) -> Arc<[u8]> {
    (0..family.dimensions.len()).map(|index| family.unit_of(index).decimals()).collect()
}
