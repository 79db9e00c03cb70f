//! Who was heaviest, in the store: an entry a row while its hour lasts, then an hour of them in one row.

mod packed;

use super::bytes::Damaged;
use super::damages::Damages;
use super::database::{is_broken, transaction};
use super::forget::Range;
use super::place::Place;
use super::tier::{HOUR_MS, MINUTE_MS, Tier};
use crate::model::{Culprits, Interval, UnixMs};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// An entry of a second speaks of instants so near to it.
const NEAR_MS: i64 = 1_500;
const SECOND_MS: i64 = Interval::SECOND.ms();
/// No answer speaks of more.
const LONGEST: Interval = Interval::MINUTE.times(u32::MAX / 60_000);

/// The number of each stands in files and never changes.
#[derive(Clone, Copy)]
enum Kind {
    Minutes = 0,
    Seconds = 1,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Minutes, Self::Seconds];

    fn of(culprits: &Culprits) -> Self {
        if culprits.span_ms < Interval::MINUTE { Self::Seconds } else { Self::Minutes }
    }

    const fn span(self) -> Interval {
        match self {
            Self::Minutes => Interval::MINUTE,
            Self::Seconds => Interval::SECOND,
        }
    }

    /// They are kept as long as what is told of the same time.
    const fn tier(self) -> Tier {
        match self {
            Self::Minutes => Tier::Minutes,
            Self::Seconds => Tier::Ticks,
        }
    }

    /// Where a single entry stands.
    fn entry(self, at: i64) -> Place {
        Place::of_culprits(self as i64, at)
    }

    /// Where the hour stands that holds an instant, once it is packed.
    fn hour(self, at: i64) -> Place {
        Place::of_culprits(self as i64 + Self::ALL.len() as i64, begin_of_hour(at))
    }
}

/// Where the hour begins that holds an instant.
const fn begin_of_hour(at: i64) -> i64 {
    at.div_euclid(HOUR_MS) * HOUR_MS
}

pub(super) fn store(within: &Connection, all: &[Arc<Culprits>]) -> rusqlite::Result<()> {
    for culprits in all {
        let at = culprits.at.0;
        insert(within, Kind::of(culprits).entry(at), at, &packed::encode([&**culprits]))?;
    }
    Ok(())
}

/// Packs one of the hours before the one that holds `now`; whether there was one.
pub(super) fn pack_some(connection: &mut Connection, now: i64) -> rusqlite::Result<bool> {
    for kind in Kind::ALL {
        if let Some(hour) = first_hour_over(connection, kind, now)? {
            let transaction = transaction(connection)?;
            pack_hour(&transaction, kind, hour)?;
            transaction.commit()?;
            return Ok(true);
        }
    }
    Ok(false)
}

fn first_hour_over(connection: &Connection, kind: Kind, now: i64) -> rusqlite::Result<Option<i64>> {
    let mut query = connection.prepare_cached("SELECT min(place) FROM culprit WHERE place >= ?1 AND place < ?2")?;
    let range = [kind.entry(0), kind.entry(begin_of_hour(now))].map(|place| place.0);
    let first: Option<i64> = query.query_row(range, |row| row.get(0))?;
    Ok(first.map(|place| begin_of_hour(Place(place).first())))
}

/// Together with what was packed of that hour before: a clock that was set back comes through it again.
fn pack_hour(within: &Connection, kind: Kind, hour: i64) -> rusqlite::Result<()> {
    let end = hour + HOUR_MS;
    let (entries, damaged) = read(within, kind, hour, end - 1)?;
    if !damaged.is_empty() {
        tracing::warn!(hour, entries = damaged.len(), "some of the heaviest processes are damaged and left out");
    }
    if let Some((last, _)) = entries.last_key_value() {
        insert(within, kind.hour(hour), *last, &packed::encode(entries.values()))?;
    }
    let range = [kind.entry(hour), kind.entry(end)].map(|place| place.0);
    within.execute("DELETE FROM culprit WHERE place >= ?1 AND place < ?2", range)?;
    Ok(())
}

fn insert(within: &Connection, place: Place, last: i64, bytes: &[u8]) -> rusqlite::Result<()> {
    within
        .prepare_cached("INSERT OR REPLACE INTO culprit (place, last, tables) VALUES (?1, ?2, ?3)")?
        .execute(params![place.0, last, bytes])?;
    Ok(())
}

/// What begins before an instant and is kept as long as a tier.
pub(super) fn ranges(tier: Tier, before: i64) -> impl Iterator<Item = Range> {
    let kinds = Kind::ALL.into_iter().filter(move |kind| kind.tier() == tier);
    let places = move |kind: Kind| [[kind.entry(0), kind.entry(before)], [kind.hour(0), kind.hour(before)]];
    kinds.flat_map(places).map(|places| Range { table: "culprit", places, before: i64::MAX })
}

/// Who was heaviest at an instant that stands for some time before it: of that second, or else of its minutes. What
/// waits to be stored counts.
pub(super) fn at(
    connection: &Connection,
    damages: &mut Damages,
    waiting: &[Arc<Culprits>],
    (at, over): (UnixMs, Duration),
) -> rusqlite::Result<Option<Culprits>> {
    let mut known = |kind: Kind, from: i64, to: i64| -> rusqlite::Result<Vec<Culprits>> {
        let (mut entries, damaged) = read(connection, kind, from, to)?;
        damages.tell_culprits(&damaged);
        let more = waiting.iter().filter(|one| Kind::of(one) as i64 == kind as i64 && (from..=to).contains(&one.at.0));
        entries.extend(more.map(|one| (one.at.0, Culprits::clone(one))));
        Ok(entries.into_values().collect())
    };
    let over_ms = i64::try_from(over.as_millis()).unwrap_or(i64::MAX);
    if over_ms <= SECOND_MS {
        let near = known(Kind::Seconds, at.0.saturating_sub(NEAR_MS), at.0.saturating_add(NEAR_MS))?;
        if let Some(nearest) = near.into_iter().min_by_key(|one| one.at.0.abs_diff(at.0)) {
            return Ok(Some(nearest));
        }
        let minute = at.floor_to(Interval::MINUTE).0;
        return Ok(known(Kind::Minutes, minute, at.0)?.into_iter().find(|one| one.holds(at)));
    }
    let from = at.0.saturating_sub(over_ms);
    let joined = |first: i64, length: i64, found: &[Culprits]| {
        let length = u32::try_from(length).ok().and_then(Interval::from_ms).unwrap_or(LONGEST);
        (!found.is_empty()).then(|| Culprits::over(UnixMs(first), length, found))
    };
    if over_ms < MINUTE_MS {
        let seconds = joined(from, over_ms, &known(Kind::Seconds, from.saturating_add(1), at.0)?);
        if seconds.is_some() {
            return Ok(seconds);
        }
    }
    // A minute holds its seconds.
    let first = UnixMs(from).floor_to(Interval::MINUTE).0;
    Ok(joined(first, (at.0 - first).max(MINUTE_MS), &known(Kind::Minutes, first, at.0 - 1)?))
}

type Entries = BTreeMap<i64, Culprits>;

/// Everything of a kind from one instant to another, and where something was damaged. Single entries come after what is
/// packed: they are newer.
fn read(connection: &Connection, kind: Kind, from: i64, to: i64) -> rusqlite::Result<(Entries, Vec<Place>)> {
    let (mut entries, mut damaged) = (Entries::new(), Vec::new());
    for places in [[kind.entry(from), kind.entry(to)], [kind.hour(from), kind.hour(to)]] {
        let (found, spoilt) = match read_rows(connection, kind, places) {
            // A page that is damaged costs what stands on it.
            Err(error) if is_broken(&error) => (Vec::new(), vec![places[0]]),
            found => found?,
        };
        damaged.extend(spoilt);
        for one in found.into_iter().filter(|one| (from..=to).contains(&one.at.0)) {
            entries.entry(one.at.0).or_insert(one);
        }
    }
    Ok((entries, damaged))
}

fn read_rows(connection: &Connection, kind: Kind, places: [Place; 2]) -> rusqlite::Result<(Vec<Culprits>, Vec<Place>)> {
    let (mut found, mut damaged) = (Vec::new(), Vec::new());
    let mut query = connection.prepare_cached("SELECT place, tables FROM culprit WHERE place >= ?1 AND place <= ?2")?;
    let mut rows = query.query(places.map(|place| place.0))?;
    while let Some(row) = rows.next()? {
        match packed::decode(row.get_ref(1)?.as_bytes().unwrap_or_default(), kind.span()) {
            Ok(entries) => found.extend(entries),
            Err(Damaged) => damaged.push(Place(row.get(0)?)),
        }
    }
    Ok((found, damaged))
}
