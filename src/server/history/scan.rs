//! Which rows a table has, although some of its pages may be damaged: what stands before and behind them can be read.

use super::bytes::INSTANTS;
use super::database::is_broken;
use super::place::Place;
use rusqlite::{Connection, Row};

/// The rows of a table, in order.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) rows: Vec<Stands>,
    /// After which row, and before which one, there are some that can't be read.
    pub(super) lost: Option<[Option<Stands>; 2]>,
}

/// Where a row stands, and the last instant that it is of, if it says one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stands {
    pub(super) place: Place,
    pub(super) last: Option<i64>,
}

impl Stands {
    /// Whether what it holds may reach to an instant.
    pub(super) fn reaches(&self, from: i64) -> bool {
        self.last.is_none_or(|last| last >= from)
    }

    pub(super) fn last(&self) -> i64 {
        self.last.unwrap_or(self.place.first())
    }
}

impl Scan {
    /// From one place on and up to, but without, another.
    pub(super) fn of(connection: &Connection, table: &str, [begin, end]: [i64; 2]) -> rusqlite::Result<Self> {
        let mut rows = Vec::new();
        if walk(connection, table, [begin, end], true, &mut rows)? {
            return Ok(Self { rows, lost: None });
        }
        let mut behind = Vec::new();
        walk(connection, table, [begin, end], false, &mut behind)?;
        // What both came to is there once.
        let before = rows.last().copied();
        behind.retain(|row: &Stands| before.is_none_or(|before| before.place < row.place));
        let lost = Some([before, behind.last().copied()]);
        rows.extend(behind.into_iter().rev());
        Ok(Self { rows, lost })
    }
}

/// Whether it came to the end.
fn walk(
    connection: &Connection,
    table: &str,
    range: [i64; 2],
    is_up: bool,
    rows: &mut Vec<Stands>,
) -> rusqlite::Result<bool> {
    let order = if is_up { "ASC" } else { "DESC" };
    let query = format!("SELECT rowid, last FROM {table} WHERE rowid >= ?1 AND rowid < ?2 ORDER BY rowid {order}");
    let mut go_on = || {
        let mut query = connection.prepare_cached(&query)?;
        let mut found = query.query(range)?;
        while let Some(row) = found.next()? {
            let row = Stands { place: Place(row.get(0)?), last: instant(row, 1) };
            // A page that stands where another should.
            if rows.last().is_some_and(|before| (before.place < row.place) != is_up || before.place == row.place) {
                return Ok(false);
            }
            rows.push(row);
        }
        Ok(true)
    };
    match go_on() {
        Err(error) if is_broken(&error) => Ok(false),
        ended => ended,
    }
}

/// What stands in a column, if that is an instant.
pub(super) fn instant(row: &Row<'_>, column: usize) -> Option<i64> {
    row.get(column).ok().filter(|t| INSTANTS.contains(t))
}
