//! What is put in order once an hour: hours that are over are packed, and what is too old is forgotten. It is done a
//! little at a time, between stores.

mod clock;

use super::culprits;
use super::database::{Database, is_broken};
use super::forget::Forgetting;
use super::pack::Packing;
use super::place::Place;
use super::tier::{Retention, hour};
use crate::model::EventId;
use clock::Clock;
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
    clock: Clock,
    work: Option<Work>,
    /// The hour in which it could not be done, and when that was.
    failed: Option<(EraHour, Instant)>,
}

/// What is left to do.
struct Work {
    newest: EventId,
    /// `None` once all of it is done, or could not be.
    stage: Option<Stage>,
    /// What went wrong first.
    failure: Option<rusqlite::Error>,
}

/// In the order in which they are done.
enum Stage {
    /// Nothing is looked for yet.
    Begun,
    Hours(Hours),
    Culprits,
    Forgetting(Forgetting),
}

/// Those that are over and not packed yet.
struct Hours {
    left: VecDeque<EraHour>,
    packing: Option<Packing>,
}

impl Tidier {
    /// Begins when another hour has begun. What the file holds already is put in order by the first store.
    pub(super) fn look(&mut self, newest: Option<EventId>) {
        let Some(newest) = newest else { return };
        self.clock.look(newest, Instant::now());
        let is_resting = self.is_resting(newest);
        match &mut self.work {
            // As long as nothing is begun, all that came counts.
            Some(Work { newest: counted, stage: Some(Stage::Begun), .. }) => *counted = newest,
            None if self.done != Some(era_hour(newest)) && !is_resting => {
                self.work = Some(Work { newest, stage: Some(Stage::Begun), failure: None });
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

    /// Does some of it. What went wrong is told once the rest is done, and all of it begins anew a while later.
    pub(super) fn go_on(&mut self, database: &mut Database, retention: &Retention) -> rusqlite::Result<()> {
        let Some(mut work) = self.work.take() else { return Ok(()) };
        let is_settled = self.clock.is_settled(Instant::now(), retention.settled_after);
        work.go_on(database, retention, is_settled);
        if work.stage.is_some() {
            self.work = Some(work);
            return Ok(());
        }
        let hour = era_hour(work.newest);
        match work.failure {
            None => (self.done, self.failed) = (Some(hour), None),
            Some(error) => {
                self.failed = Some((hour, Instant::now()));
                return Err(error);
            }
        }
        Ok(())
    }

    /// For another file, or none: there is nothing to put in order before something is stored.
    pub(super) fn begin_anew(&mut self) {
        self.work = None;
        self.done = None;
    }
}

impl Work {
    fn go_on(&mut self, database: &mut Database, retention: &Retention, is_settled: bool) {
        let Some(stage) = self.stage.take() else { return };
        let next = stage.next(is_settled);
        self.stage = match stage.go_on(database, self.newest, retention) {
            Ok(more) => more.or(next),
            // Also where nothing could be packed: what is forgotten may be the room that is missing.
            Err(error) => {
                self.failure.get_or_insert(error);
                next
            }
        };
    }
}

impl Stage {
    /// Does some of it: what is left of it, if anything is.
    fn go_on(self, database: &mut Database, now: EventId, retention: &Retention) -> rusqlite::Result<Option<Self>> {
        Ok(match self {
            Self::Begun => {
                let left = hours_over(&database.connection, era_hour(now))?;
                Some(Self::Hours(Hours { left, packing: None }))
            }
            Self::Hours(hours) => hours.go_on(database, retention)?.map(Self::Hours),
            Self::Culprits => culprits::pack_some(&mut database.connection, now.t.0)?.then_some(Self::Culprits),
            Self::Forgetting(forgetting) => forgetting.go_on(database, now.t.0, retention)?.map(Self::Forgetting),
        })
    }

    /// What is done after it.
    fn next(&self, is_settled: bool) -> Option<Self> {
        match self {
            Self::Begun | Self::Hours(_) => Some(Self::Culprits),
            Self::Culprits => is_settled.then_some(Self::Forgetting(Forgetting::Begun)),
            Self::Forgetting(_) => None,
        }
    }
}

impl Hours {
    /// Packs some more; `None` once nothing is left to pack.
    fn go_on(mut self, database: &mut Database, retention: &Retention) -> rusqlite::Result<Option<Self>> {
        let packing = match self.packing.take() {
            Some(packing) => Ok(packing),
            None => match self.left.pop_front() {
                Some((era, hour)) => Packing::begin(database, retention, era, hour),
                None => return Ok(None),
            },
        };
        match packing.and_then(|packing| packing.go_on(database)) {
            Ok(packing) => self.packing = packing,
            // Its blocks stay where they are; the hours after it are not to wait for it.
            Err(error) if is_broken(&error) => tracing::error!(%error, "an hour can't be packed"),
            Err(error) => return Err(error),
        }
        Ok(Some(self))
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
