//! A table of which some pages are damaged is exchanged for one with all that can still be read of it. The damaged one
//! stays in the file under another name, for its pages can't be given back without reading them. A file that can't go on is
//! kept under another name itself.

use super::database::{Database, FILE, OpenError, is_broken, transaction};
use super::eras::Eras;
use super::place::Place;
use super::scan::{Scan, Stands};
use super::shapes::told_last;
use super::tier::HOUR_MS;
use super::writer::store_gap;
use crate::model::{Gap, GapReason, UnixMs};
use rusqlite::{Connection, OptionalExtension, ffi};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Whether the tables are those that were made: what they are is written in the file as well.
pub(super) fn check_tables(connection: &Connection) -> rusqlite::Result<()> {
    let columns = |connection: &Connection| -> rusqlite::Result<Vec<[String; 4]>> {
        let mut query = connection.prepare(
            "SELECT made.name, own.name, own.type, CAST(own.pk AS TEXT)
             FROM sqlite_schema AS made, pragma_table_info(made.name) AS own",
        )?;
        let rows = query.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
        rows.collect()
    };
    let found = columns(connection)?;
    let expected = columns(&Database::in_memory()?.connection)?;
    if expected.iter().all(|column| found.contains(column)) {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None))
}

/// Before anything is written: one after the other, the tables in which it will be.
pub(super) fn mend(connection: &mut Connection) -> rusqlite::Result<()> {
    // Without the newest era it is not known where ids go on.
    if let Some([_, Some(_)]) = Scan::of(connection, "era", [0, i64::MAX])?.lost {
        exchange(connection, "era")?;
    }
    mend_blocks(connection)?;
    for table in ["gap", "culprit"] {
        if Scan::of(connection, table, [i64::MIN, i64::MAX])?.lost.is_some() {
            exchange(connection, table)?;
        }
    }
    match told_last(connection) {
        Err(error) if is_broken(&error) => exchange(connection, "catalog")?,
        told => drop(told?),
    }
    // Extents are many: of their table only the ends are looked at. What is damaged between them costs itself.
    let end = |order: &str| {
        let query = format!("SELECT place FROM extent ORDER BY place {order} LIMIT 1");
        connection.query_row(&query, [], |_| Ok(())).optional()
    };
    if [end("ASC"), end("DESC")].iter().all(|found| found.as_ref().is_err_and(is_broken)) {
        exchange(connection, "extent")?;
    }
    Ok(())
}

/// The blocks that can't be read are a gap from then on.
pub(super) fn mend_blocks(connection: &mut Connection) -> rusqlite::Result<()> {
    let scan = Scan::of(connection, "hot", [0, i64::MAX])?;
    let mut lost: Vec<(i64, i64, i64)> = Vec::new();
    if let Some([before, behind]) = scan.lost {
        let newest = Eras::read_what_is_left(connection)?.newest();
        lost.extend(lost_between(before, behind, newest));
    }
    for row in &scan.rows {
        let is_sound = match read_block(connection, row.place) {
            Err(error) if is_broken(&error) => false,
            // What a walk comes to and a number does not lead to: others would be put into the wrong place as well.
            block => block?.is_some(),
        };
        if !is_sound {
            lost.push((row.place.era(), row.place.first(), row.last()));
        }
    }
    if scan.lost.is_none() && lost.is_empty() {
        return Ok(());
    }
    exchange(connection, "hot")?;
    for (era, first, last) in lost {
        let [from, to] = [first, last].map(|t| Some(UnixMs(t)));
        store_gap(connection, era, &Gap { from, to, reason: GapReason::Unknown })?;
    }
    Ok(())
}

/// The era, and the first and last instant of the blocks between two others, as far as that can be told. `newest` is the
/// newest era with its last instant.
pub(super) fn lost_between(
    before: Option<Stands>,
    behind: Option<Stands>,
    newest: Option<(i64, i64)>,
) -> Option<(i64, i64, i64)> {
    // Whatever is no extent yet is of an hour that was not over.
    let hour = |t: i64| t.div_euclid(HOUR_MS) * HOUR_MS;
    let (era, first, last) = match (before, behind, newest) {
        (Some(before), Some(behind), _) if before.place.era() == behind.place.era() => {
            (before.place.era(), before.last() + 1, behind.place.first() - 1)
        }
        (_, Some(behind), _) => (behind.place.era(), hour(behind.place.first()), behind.place.first() - 1),
        (Some(before), None, Some((era, last))) if before.place.era() == era => (era, before.last() + 1, last),
        (_, None, Some((era, last))) => (era, hour(last), last),
        (_, None, None) => return None,
    };
    (first <= last).then_some((era, first, last))
}

/// A block's bytes: something else in their place is damage, and found to be so.
pub(super) fn read_block(connection: &Connection, place: Place) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut query = connection.prepare_cached("SELECT block FROM hot WHERE place = ?1")?;
    query.query_row([place.0], |row| Ok(row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec())).optional()
}

/// Where a transaction comes upon damage, it can't write anything any more: what can be read is found before it.
fn exchange(connection: &mut Connection, table: &str) -> rusqlite::Result<()> {
    let sound = sound_rows(connection, table)?;
    let transaction = transaction(connection)?;
    let make: String =
        transaction.query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let damaged = format!("damaged_{table}_{tables}");
    transaction.execute_batch(&format!("ALTER TABLE {table} RENAME TO {damaged}; {make}"))?;
    for row in &sound {
        let copy = format!("INSERT OR IGNORE INTO {table} SELECT * FROM {damaged} WHERE rowid = ?1");
        transaction.prepare_cached(&copy)?.execute([row])?;
    }
    transaction.commit()?;
    tracing::error!(table, saved = sound.len(), "a part of the history is damaged; what can be read of it is kept");
    Ok(())
}

/// The numbers of the rows that can be read as a whole.
fn sound_rows(connection: &Connection, table: &str) -> rusqlite::Result<Vec<i64>> {
    // What is told of the families in force has no rows of a number, and is told anew by the next sample.
    if table == "catalog" {
        return Ok(Vec::new());
    }
    let mut query = connection.prepare(&format!("SELECT * FROM {table} WHERE rowid = ?1"))?;
    let mut sound = Vec::new();
    for row in Scan::of(connection, table, [i64::MIN, i64::MAX])?.rows {
        match query.exists([row.place.0]) {
            Err(error) if is_broken(&error) => {}
            is_there => sound.extend(is_there?.then_some(row.place.0)),
        }
    }
    Ok(sound)
}

/// What can't go on is kept under another name, and history begins anew.
pub(super) fn set_aside(directory: &Path) -> Result<(), OpenError> {
    let aside = aside(&directory.join(FILE));
    let aside = aside.map_err(|error| OpenError::Directory { directory: directory.into(), error })?;
    tracing::error!(aside = %aside.display(), "the history's file is damaged: it is set aside, and another one is begun");
    Ok(())
}

/// The file under a name of its own, with what belongs to it.
fn aside(file: &Path) -> io::Result<PathBuf> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_millis());
    let aside = file.with_extension(format!("damaged-{now}.db"));
    fs::rename(file, &aside)?;
    for end in ["-wal", "-shm"] {
        let beside = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        // There need not be any.
        drop(fs::rename(beside(file), beside(&aside)));
    }
    Ok(aside)
}
