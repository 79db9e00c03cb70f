//! What is put in order once an hour: hours that are over are packed, and what is too old is forgotten. It is done a
//! little at a time, between stores.

use super::culprits;
use super::database::{Database, is_broken};
use super::forget::forget;
use super::pack::Packing;
use super::place::Place;
use super::tier::{HOUR_MS, Retention, hour};
use crate::model::EventId;
use rusqlite::Connection;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So long nothing is put in order after that failed.
const REST: Duration = Duration::from_secs(60);

/// An era, and an hour within it.
type EraHour = (u32, i64);

/// How far everything is put in order.
#[derive(Default)]
pub(super) struct Tidier {
    /// When that was last done.
    done: Option<EraHour>,
    /// The era, and its first instant as far as this process knows, by both clocks.
    began: Option<(u32, i64, Instant)>,
    work: Option<Work>,
    /// The hour in which it could not be done, and when that was.
    failed: Option<(EraHour, Instant)>,
}

/// What is left to do.
struct Work {
    newest: EventId,
    /// Those that are over; `None` before they are looked for.
    hours: Option<VecDeque<EraHour>>,
    packing: Option<Packing>,
}

impl Tidier {
    /// Begins when another hour has begun. What the file holds already is put in order by the first store.
    pub(super) fn look(&mut self, newest: Option<EventId>) {
        let Some(newest) = newest else { return };
        if self.began.is_none_or(|(era, ..)| era != newest.era) {
            self.began = Some((newest.era, newest.t.0, Instant::now()));
        }
        let is_resting = self.is_resting(newest);
        match &mut self.work {
            // As long as nothing is begun, all that came counts.
            Some(work) if work.hours.is_none() => work.newest = newest,
            None if self.done != Some(era_hour(newest)) && !is_resting => {
                self.work = Some(Work { newest, hours: None, packing: None });
            }
            _ => {}
        }
    }

    /// What failed takes long to come that far again, and would fail again.
    fn is_resting(&self, newest: EventId) -> bool {
        self.failed.is_some_and(|(hour, at)| hour == era_hour(newest) && at.elapsed() < REST)
    }

    pub(super) fn is_at_work(&self) -> bool {
        self.work.is_some()
    }

    /// Does some of it. After an error all of it begins anew, a while later.
    pub(super) fn go_on(&mut self, database: &mut Database, retention: &Retention) -> rusqlite::Result<()> {
        let Some(mut work) = self.work.take() else { return Ok(()) };
        let now = work.newest;
        let packed = work.pack_some(database);
        if let Ok(true) = packed {
            self.work = Some(work);
            return Ok(());
        }
        // Also where nothing could be packed: what is forgotten may be the room that is missing.
        let packed = packed.and_then(|_| culprits::pack(&mut database.connection, now.t.0));
        let is_settled = self.is_settled(now.t.0, retention.settled_after);
        let forgotten = if is_settled { forget(database, now.t.0, retention) } else { Ok(()) };
        let tidied = packed.and(forgotten);
        match tidied {
            Ok(()) => (self.done, self.failed) = (Some(era_hour(now)), None),
            Err(_) => self.failed = Some((era_hour(now), Instant::now())),
        }
        tidied
    }

    /// After an interruption.
    pub(super) fn begin_anew(&mut self) {
        self.work = None;
        self.done = None;
    }

    /// Whether the clock has gone for a while as it should: one that is wrong would forget everything at once.
    fn is_settled(&self, now: i64, after: Duration) -> bool {
        let Some((_, first, began)) = self.began else { return false };
        let passed = began.elapsed();
        let latest =
            first.saturating_add(i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)).saturating_add(HOUR_MS);
        after.is_zero() || (passed >= after && now <= latest)
    }
}

impl Work {
    /// Whether there was anything to pack.
    fn pack_some(&mut self, database: &mut Database) -> rusqlite::Result<bool> {
        let now = era_hour(self.newest);
        let hours = match &mut self.hours {
            Some(hours) => hours,
            None => self.hours.insert(hours_over(&database.connection, now)?),
        };
        let packing = match self.packing.take() {
            Some(packing) => Ok(packing),
            None => match hours.pop_front() {
                Some((era, hour)) => Packing::begin(database, era, hour),
                None => return Ok(false),
            },
        };
        match packing.and_then(|packing| packing.go_on(database)) {
            Ok(packing) => self.packing = packing,
            // Its blocks stay where they are; the hours after it are not to wait for it.
            Err(error) if is_broken(&error) => tracing::error!(%error, "an hour can't be packed"),
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}

fn era_hour(id: EventId) -> EraHour {
    (id.era, hour(id.t.0))
}

/// The hours whose blocks wait to become extents.
fn hours_over(connection: &Connection, now: EraHour) -> rusqlite::Result<VecDeque<EraHour>> {
    let mut query = connection.prepare_cached("SELECT place FROM hot ORDER BY place")?;
    let places = query.query_map([], |row| row.get(0).map(Place))?;
    let mut hours = VecDeque::new();
    for place in places {
        let place = place?;
        let one = (u32::try_from(place.era()).unwrap_or_default(), hour(place.first()));
        if one != now && hours.back() != Some(&one) {
            hours.push_back(one);
        }
    }
    Ok(hours)
}
