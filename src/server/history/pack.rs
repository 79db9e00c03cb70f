//! An hour that is over: its blocks become extents, and their folds part of the coarser tiers'.
//!
//! That takes long, so it is done some columns at a time, and what is sampled meanwhile is stored in between. Nothing
//! changes in the file before all of it is ready; then it does in one transaction.

use super::block;
use super::database::{Database, is_broken, transaction};
use super::derived::Derived;
use super::extent::{ColumnShape, Extent};
use super::place::{Place, extent};
use super::rows::{Buckets, Rows};
use super::salvage::mend_blocks;
use super::scan::instant;
use super::shapes::Shapes;
use super::tier::{HOUR_MS, Retention, Tier};
use super::writer::{decimals, store_gap};
use crate::model::{Catalog, Family, Gap, GapReason, UnixMs};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// So many columns of an hour are in memory at once, or one family's.
const MOST_COLUMNS: usize = 64;

/// The packing of one hour.
pub(super) struct Packing {
    era: i64,
    /// Where its blocks stand.
    blocks: [i64; 2],
    /// Everything that was there in that hour.
    catalog: Catalog,
    /// The newest shape of each family.
    by_family: HashMap<Arc<str>, i64>,
    /// What is to be packed yet.
    left: VecDeque<i64>,
    packed: Vec<Packed>,
    damaged: Vec<(i64, i64)>,
    /// How much time an extent of each tier holds at most.
    extents_ms: [i64; 3],
}

/// An extent as it will stand in its table.
struct Packed {
    place: Place,
    last: i64,
    body: Vec<u8>,
}

impl Packing {
    pub(super) fn begin(database: &mut Database, retention: &Retention, era: u32, hour: i64) -> rusqlite::Result<Self> {
        let era = i64::from(era);
        let blocks = [hour, hour + 1].map(|hour| Place::of_block(era, hour * HOUR_MS).0);
        let mut all = BTreeSet::new();
        let mut is_new = |shape| {
            all.insert(shape);
            false
        };
        let damaged = match read_blocks(&database.connection, blocks, &mut is_new, |_, _| {}) {
            // What can be read of the blocks is not to wait for what can't.
            Err(error) if is_broken(&error) => {
                mend_blocks(&mut database.connection)?;
                read_blocks(&database.connection, blocks, is_new, |_, _| {})?
            }
            read => read?,
        };
        for (first, last) in &damaged {
            tracing::warn!(first, last, "some seconds of the history are damaged; they are a gap now");
        }
        for shape in all.iter().filter(|shape| database.shapes.get(**shape).is_none()) {
            tracing::error!(shape, "what a family is that was sampled can't be read: an hour of it is lost");
        }
        let named = |shape: &i64| Some((Arc::clone(&database.shapes.get(*shape)?.id), *shape));
        Ok(Self {
            era,
            blocks,
            catalog: database.shapes.catalog(all.iter().copied()),
            by_family: all.iter().filter_map(named).collect(),
            left: all.into_iter().collect(),
            packed: Vec::new(),
            damaged,
            extents_ms: Tier::ALL.map(|tier| retention.extent_ms(tier)),
        })
    }

    /// Packs some more, or puts what is packed into the place of the blocks; `None` once that is done.
    pub(super) fn go_on(mut self, database: &mut Database) -> rusqlite::Result<Option<Self>> {
        if self.left.is_empty() {
            return self.finish(&mut database.connection).map(|()| None);
        }
        let Database { connection, shapes, .. } = &*database;
        let taken = self.take_some(shapes);
        let mut wanted: BTreeSet<i64> = taken.iter().map(|(shape, _)| *shape).collect();
        let derived: Vec<Vec<Derived>> = taken.iter().map(|(_, family)| Derived::of(family, &self.catalog)).collect();
        let beside = derived.iter().flatten().filter_map(Derived::also_reads);
        wanted.extend(beside.filter_map(|family| self.by_family.get(family)));

        let mut by_shape: BTreeMap<i64, Rows> = BTreeMap::new();
        let join = |shape, rows: Rows| match by_shape.get_mut(&shape) {
            Some(known) if known.t.last() < rows.t.first() => known.append(rows),
            // What is not in order stands in another's place.
            Some(_) => {}
            None => drop(by_shape.insert(shape, rows)),
        };
        read_blocks(connection, self.blocks, |shape| wanted.contains(&shape), join)?;
        for ((shape, family), derived) in taken.into_iter().zip(derived) {
            let Some(rows) = by_shape.get(&shape) else { continue };
            let beside = |name: &str| by_shape.get(self.by_family.get(name)?);
            let columns = derived.iter().map(|derived| derived.column(rows, beside)).collect();
            let folded = self.fold(connection, shape, &family, Wide { rows, derived: &derived, columns })?;
            self.packed.extend(folded);
        }
        Ok(Some(self))
    }

    /// The next families, as many as may be in memory.
    fn take_some(&mut self, shapes: &Shapes) -> Vec<(i64, Arc<Family>)> {
        let (mut taken, mut columns) = (Vec::new(), 0);
        while let Some(shape) = self.left.pop_front() {
            let Some(family) = shapes.get(shape) else { continue };
            columns += family.dimensions.len();
            if columns > MOST_COLUMNS && !taken.is_empty() {
                self.left.push_front(shape);
                break;
            }
            taken.push((shape, Arc::clone(family)));
        }
        taken
    }

    /// A family's extents in all tiers.
    fn fold(
        &self,
        connection: &Connection,
        shape: i64,
        family: &Family,
        wide: Wide<'_>,
    ) -> rusqlite::Result<Vec<Packed>> {
        let (Some(first), Some(last)) = (wide.rows.t.first(), wide.rows.t.last()) else { return Ok(Vec::new()) };
        let ticks = Extent { step: family.interval_ms.ms(), shape: columns(family), body: wide.rows.clone() };
        let mut packed =
            vec![Packed { place: Place::of_extent(Tier::Ticks, shape, *first), last: *last, body: ticks.encode() }];
        let Extent { shape: mut all, body: mut rows, .. } = ticks;
        all.extend(wide.derived.iter().map(|derived| derived.shape.clone()));
        rows.columns.extend(wide.columns);
        let mut finer: Option<Buckets> = None;
        for tier in Tier::FOLDED {
            let Some(step) = tier.step_ms() else { continue };
            let folded = finer.as_ref().map_or_else(|| rows.fold(step), |finer| finer.fold(step));
            let extent = Extent { step, shape: all.clone(), body: folded.clone() };
            packed.extend(self.continued(connection, tier, shape, extent)?);
            finer = Some(folded);
        }
        Ok(packed)
    }

    /// Added to the extent that the buckets continue, or as another one.
    fn continued(
        &self,
        connection: &Connection,
        tier: Tier,
        shape: i64,
        mut more: Extent<Buckets>,
    ) -> rusqlite::Result<Option<Packed>> {
        let (Some(first), Some(last)) = (more.body.t.first().copied(), more.body.t.last().copied()) else {
            return Ok(None);
        };
        let length = self.extents_ms[tier as usize];
        let begin = Place::of_extent(tier, shape, first.div_euclid(length) * length);
        let mut place = Place::of_extent(tier, shape, first);
        let known = || {
            let query = "SELECT max(place) FROM extent WHERE place >= ?1 AND place < ?2 AND era = ?3";
            let mut query = connection.prepare_cached(query)?;
            let before: Option<i64> = query.query_row([begin.0, place.0, self.era], |row| row.get(0))?;
            let Some(before) = before.map(Place) else { return Ok(None) };
            Ok(extent(connection, before)?.map(|stored| (before, Extent::<Buckets>::decode(&stored.body))))
        };
        let known = match known() {
            Err(error) if is_broken(&error) => None,
            known => known?,
        };
        if let Some((before, known)) = known {
            // Another set of columns has an extent of its own; so has what follows after damage.
            if let Ok(mut known) = known
                && known.shape == more.shape
                && known.body.t.last() <= more.body.t.first()
            {
                known.body.append(more.body);
                more = known;
                place = before;
            }
        }
        Ok(Some(Packed { place, last, body: more.encode() }))
    }

    fn finish(mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        match self.put_in_place(connection) {
            Err(error) if is_broken(&error) => {}
            put => return put,
        }
        // What would have to stand on a damaged page is lost; what else there is, is not.
        let era = self.era;
        self.packed.retain(|packed| {
            let has_room = can_insert(connection, era, packed);
            if !has_room {
                let (shape, first) = (packed.place.shape(), packed.place.first());
                tracing::error!(shape, first, "the file is damaged where this would be stored: it is lost");
            }
            has_room
        });
        self.put_in_place(connection)
    }

    fn put_in_place(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let transaction = transaction(connection)?;
        for (first, last) in &self.damaged {
            let [from, to] = [first, last].map(|t| Some(UnixMs(*t)));
            store_gap(&transaction, self.era, &Gap { from, to, reason: GapReason::Unknown })?;
        }
        for packed in &self.packed {
            insert(&transaction, self.era, packed)?;
        }
        transaction.execute("DELETE FROM hot WHERE place >= ?1 AND place < ?2", self.blocks)?;
        transaction.commit()
    }
}

/// What was sampled of a family in that hour, and what is derived of it.
struct Wide<'a> {
    rows: &'a Rows,
    derived: &'a [Derived],
    columns: Vec<Vec<f64>>,
}

/// The columns as a family has them.
fn columns(family: &Family) -> Vec<ColumnShape> {
    decimals(family).iter().map(|decimals| ColumnShape { decimals: *decimals, derived: None }).collect()
}

/// Some families' rows of some blocks; which of the blocks are damaged.
fn read_blocks(
    connection: &Connection,
    places: [i64; 2],
    mut is_wanted: impl FnMut(i64) -> bool,
    mut take: impl FnMut(i64, Rows),
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let query = "SELECT place, last, block FROM hot WHERE place >= ?1 AND place < ?2 ORDER BY place";
    let mut query = connection.prepare_cached(query)?;
    let mut blocks = query.query(places)?;
    let mut damaged = Vec::new();
    while let Some(row) = blocks.next()? {
        let place = Place(row.get(0)?);
        let bytes = row.get_ref(2)?.as_bytes().unwrap_or_default();
        if block::decode_at(place, bytes, &mut is_wanted, &mut take).is_err() {
            damaged.push((place.first(), instant(row, 1).unwrap_or(place.first())));
        }
    }
    Ok(damaged)
}

/// Whether no damage is in the way. Nothing is changed.
fn can_insert(connection: &mut Connection, era: i64, packed: &Packed) -> bool {
    transaction(connection).and_then(|transaction| insert(&transaction, era, packed)).is_ok()
}

/// Two eras may begin an extent at the same instant: the later one then stands beside it.
fn insert(within: &Connection, era: i64, packed: &Packed) -> rusqlite::Result<()> {
    let mut place = packed.place;
    while extent(within, place)?.is_some_and(|stored| stored.era != era) {
        place.0 += 1;
    }
    within
        .prepare_cached("INSERT OR REPLACE INTO extent (place, era, last, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![place.0, era, packed.last, packed.body])?;
    Ok(())
}
