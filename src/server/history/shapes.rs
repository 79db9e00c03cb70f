//! Families as they were when something of them was stored, each under a number.

use super::bytes::Reader;
use super::database::{is_broken, number, unless_broken};
use super::place::Place;
use crate::model::{Catalog, Dimension, Family, Interval, Unit};
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::collections::HashMap;
use std::sync::Arc;

/// Families as they were when something of them was stored, by number. Dimensions, units or intervals that change make
/// another shape of the same family.
#[derive(Clone, Debug, Default)]
pub(super) struct Shapes {
    by_id: HashMap<i64, Arc<Family>>,
    /// The numbers of each family's shapes: the oldest first, the one in force last. A family may be again what it was.
    by_family: HashMap<Arc<str>, Vec<i64>>,
    /// What the file was when it was last read, as far as others change it.
    version: Option<i64>,
    /// How many there were in the file, and their greatest number, also of those that can't be read.
    count: i64,
    highest: i64,
}

impl Shapes {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut shapes = Self::default();
        shapes.learn(connection)?;
        shapes.learn_order(connection)?;
        Ok(shapes)
    }

    /// For those who only read: whatever of it can be read.
    pub(super) fn read_what_is_left(connection: &Connection) -> rusqlite::Result<Self> {
        match Self::read(connection) {
            Err(error) if is_broken(&error) => {}
            read => return read,
        }
        let mut shapes = Self::default();
        for order in ["ASC", "DESC"] {
            unless_broken(shapes.learn_in(connection, order))?;
        }
        shapes.by_family.values_mut().for_each(|ids| ids.sort_unstable());
        unless_broken(shapes.learn_order(connection))?;
        Ok(shapes)
    }

    /// Learns those that came since; all of them anew where some were forgotten. Nothing where nobody else has stored
    /// anything: whoever stores knows already.
    pub(super) fn renew(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let version = Some(number(connection, "data_version")?);
        if self.version == version {
            return Ok(());
        }
        // Those that were known are so still.
        unless_broken(self.learn_changes(connection))?;
        self.version = version;
        Ok(())
    }

    fn learn_changes(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.learn(connection)?;
        let count: i64 = connection.prepare_cached("SELECT count(*) FROM shape")?.query_row([], |row| row.get(0))?;
        if count != self.count {
            *self = Self::read(connection)?;
        }
        self.learn_order(connection)
    }

    fn learn_order(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        told_last(connection)?.into_iter().for_each(|id| self.put_in_force(id));
        Ok(())
    }

    fn learn(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.learn_in(connection, "ASC")
    }

    fn learn_in(&mut self, connection: &Connection, order: &str) -> rusqlite::Result<()> {
        let query = format!("SELECT id, family FROM shape WHERE id > ?1 ORDER BY id {order}");
        let mut query = connection.prepare_cached(&query)?;
        let mut rows = query.query([self.highest])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            // The next one would have no place.
            if !(0..=Place::LAST_SHAPE).contains(&id) {
                return Err(rusqlite::Error::IntegralValueOutOfRange(0, id));
            }
            if self.by_id.contains_key(&id) {
                continue;
            }
            self.count += 1;
            self.highest = self.highest.max(id);
            match unpack(row.get_ref(1)?.as_bytes().unwrap_or_default()) {
                Some(family) => self.insert(id, Arc::new(family)),
                None => tracing::warn!(id, "a family in the history can't be read"),
            }
        }
        Ok(())
    }

    /// Nothing of these is left.
    pub(super) fn forget(&mut self, ids: &[i64]) {
        for id in ids {
            let Some(family) = self.by_id.remove(id) else { continue };
            self.count -= 1;
            if let Some(shapes) = self.by_family.get_mut(&family.id) {
                shapes.retain(|other| other != id);
            }
        }
        self.by_family.retain(|_, shapes| !shapes.is_empty());
    }

    pub(super) fn highest(&self) -> i64 {
        self.highest
    }

    fn insert(&mut self, id: i64, family: Arc<Family>) {
        self.by_family.entry(Arc::clone(&family.id)).or_default().push(id);
        self.by_id.insert(id, family);
    }

    fn put_in_force(&mut self, id: i64) {
        let ids = self.by_id.get(&id).and_then(|family| self.by_family.get_mut(&family.id));
        if let Some(ids) = ids.filter(|ids| ids.last() != Some(&id)) {
            ids.retain(|other| *other != id);
            ids.push(id);
        }
    }

    pub(super) fn get(&self, id: i64) -> Option<&Arc<Family>> {
        self.by_id.get(&id)
    }

    /// The numbers of a family's shapes, the oldest first, the one in force last.
    pub(super) fn of(&self, family: &str) -> &[i64] {
        self.by_family.get(family).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn families(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_family.keys()
    }

    pub(super) fn is_known(&self, family: &str) -> bool {
        self.by_family.contains_key(family)
    }

    /// The families as they were last, by name.
    pub(super) fn newest(&self) -> Catalog {
        let mut families: Vec<Family> =
            self.by_family.values().filter_map(|ids| Some((**self.get(*ids.last()?)?).clone())).collect();
        families.sort_by(|left, right| left.id.cmp(&right.id));
        Catalog(families)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, &Arc<Family>)> {
        self.by_id.iter().map(|(id, family)| (*id, family))
    }

    /// The number of a family as it is now; a new one is stored, if there is any number left.
    pub(super) fn number(&mut self, family: &Family, within: &Transaction<'_>) -> rusqlite::Result<Option<i64>> {
        let is_it = |id: &&i64| self.by_id.get(id).is_some_and(|known| **known == *family);
        if let Some(id) = self.of(&family.id).iter().rev().find(is_it).copied() {
            self.put_in_force(id);
            return Ok(Some(id));
        }
        if self.highest >= Place::LAST_SHAPE {
            return Ok(None);
        }
        within.execute("INSERT INTO shape (family) VALUES (?1)", [pack(family)])?;
        let id = within.last_insert_rowid();
        self.count += 1;
        self.highest = id;
        self.insert(id, Arc::new(family.clone()));
        Ok(Some(id))
    }

    /// All shapes as one catalog: what derived series are looked up in.
    pub(super) fn catalog(&self, ids: impl Iterator<Item = i64>) -> Catalog {
        Catalog(ids.filter_map(|id| self.get(id)).map(|family| (**family).clone()).collect())
    }
}

/// The shapes in force at the end of what is stored.
pub(super) fn told_last(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let query = "SELECT shapes FROM catalog ORDER BY era DESC, first DESC LIMIT 1";
    let told = connection.prepare_cached(query)?.query_row([], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    Ok(told.map(|bytes| Reader(&bytes).numbers()).unwrap_or_default())
}

/// A family as few bytes: what is usual is left out.
fn pack(family: &Family) -> Vec<u8> {
    use serde_json::{Value, json};
    use std::io::Write;
    let dimension = |dimension: &Dimension| match (&dimension.unit, dimension.id == dimension.label) {
        (None, true) => json!(dimension.id),
        (None, false) => json!([dimension.id, dimension.label]),
        (Some(unit), _) => json!([dimension.id, dimension.label, unit.id()]),
    };
    let dimensions: Vec<Value> = family.dimensions.iter().map(dimension).collect();
    let text = json!([family.id, family.title, family.unit.id(), family.stacked, family.interval_ms, dimensions]);
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    // Memory takes whatever is written to it.
    drop(packer.write_all(text.to_string().as_bytes()));
    packer.finish().unwrap_or_default()
}

fn unpack(packed: &[u8]) -> Option<Family> {
    use serde_json::Value;
    let text: Value = serde_json::from_reader(flate2::read::DeflateDecoder::new(packed)).ok()?;
    let [id, title, unit, stacked, interval, dimensions] = text.as_array()?.as_slice() else { return None };
    let dimension = |value: &Value| {
        let parts = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let text = |place: usize| parts.get(place).and_then(Value::as_str);
        let id: Arc<str> = text(0)?.into();
        let label = text(1).map_or_else(|| Arc::clone(&id), Arc::from);
        Some(Dimension { id, label, unit: text(2).and_then(Unit::parse) })
    };
    Some(Family {
        id: id.as_str()?.into(),
        title: title.as_str()?.into(),
        unit: Unit::parse(unit.as_str()?)?,
        stacked: stacked.as_bool()?,
        interval_ms: Interval::from_ms(u32::try_from(interval.as_u64()?).ok()?)?,
        dimensions: dimensions.as_array()?.iter().map(dimension).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::database::Database;
    use super::*;

    fn family(label: &str) -> Family {
        Family::new("load", "Load", Unit::Count, Interval::SECOND, &[("load1", label)])
    }

    #[test]
    fn a_shape_is_stored_once_and_found_again() -> Result<(), Box<dyn std::error::Error>> {
        let with_unit = Dimension { id: "a".into(), label: "A".into(), unit: Some(Unit::Bytes) };
        let mixed = Family { dimensions: vec![with_unit], ..family("b").stacked() };
        assert_eq!(unpack(&pack(&mixed)), Some(mixed));
        let folder = super::super::fixture::Folder::new()?;
        let mut database = Database::open(&folder.path)?;
        let transaction = database.connection.transaction()?;
        let numbers =
            ["a", "a", "b", "a"].map(|label| database.shapes.number(&family(label), &transaction).ok().flatten());
        assert_eq!(numbers, [Some(1), Some(1), Some(2), Some(1)]);
        transaction.commit()?;
        // What can't be read is passed over, and asked for once.
        database.connection.execute("INSERT INTO shape (family) VALUES (x'00')", [])?;
        let mut read = Database::read(&folder.path)?;
        read.shapes.renew(&read.connection)?;
        assert_eq!((read.shapes.count, read.shapes.highest()), (3, 3));
        assert_eq!(read.shapes.iter().count(), 2);
        assert_eq!(read.shapes.get(2).map(|found| (**found).clone()), Some(family("b")));
        Ok(())
    }
}
