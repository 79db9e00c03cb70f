//! The past: its last minutes in memory, for pages that are live, and weeks of it on disk.
//!
//! A sample walks through `inbox` to the thread that writes: some seconds of all families are a `block`; at the end of
//! an hour those of each family become an `extent`, and their folds part of the coarser tiers' extents. Questions are
//! answered by a thread of their own (`reader`), from extents, blocks and what still waits. Who was heaviest
//! (`culprits`) goes the same way, in a table of its own.

mod archive;
mod beginnings;
mod block;
mod bytes;
mod column;
mod course;
mod culprits;
mod damages;
mod database;
mod derived;
mod eras;
mod extent;
#[cfg(test)]
mod fixture;
mod forget;
mod gaps;
mod inbox;
mod lock;
mod paces;
mod pack;
mod place;
mod reader;
mod recent;
mod replay;
mod rows;
mod salvage;
mod scan;
mod scribe;
mod shapes;
mod shop;
mod store;
pub mod table;
mod tidy;
mod tier;
mod told;
mod trouble;
mod writer;

pub use archive::Archive;
pub use course::{Answer, Body, Course, Detail, Question, Wanted};
pub use database::OpenError;
pub use recent::Recent;
pub use replay::Replay;
pub use store::{Opened, StoreSettings, Unanswered};
pub use table::{NoSeries, Table};
pub use tier::{Retention, Tier};
pub use trouble::Trouble;

use super::meter::Meter;
use crate::model::{self, Catalog, Culprits, EventId, Interval, Observation, Sample, UnixMs};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use store::Store;

/// How far back the memory goes.
pub const KEPT: Interval = Interval::MINUTE.times(10);

/// Written by the sampler, read by everybody else.
#[derive(Debug)]
pub struct History {
    memory: RwLock<Memory>,
    store: Store,
}

#[derive(Debug)]
struct Memory {
    catalog: Arc<Catalog>,
    history: model::History,
    newest: Option<(EventId, Arc<Sample>)>,
}

/// Catalog, columns and newest sample of one and the same instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub catalog: Arc<Catalog>,
    pub history: model::History,
    /// A stream that begins after this id continues the snapshot without a hole.
    pub newest: Option<(EventId, Arc<Sample>)>,
}

impl History {
    /// Goes on where the store ends; `catalog` is what there is from now on.
    pub fn start(opened: Opened, catalog: Arc<Catalog>, meter: Arc<Meter>) -> std::io::Result<Self> {
        let recent = opened.recent.clone();
        let mut history = model::History::new(KEPT);
        history.set_catalog(recent.continued_by(&catalog).as_ref().unwrap_or(&catalog));
        let store = Store::start(opened, Arc::clone(&catalog), meter)?;
        let memory = RwLock::new(Memory { catalog: Arc::clone(&catalog), history, newest: None });
        let history = Self { memory, store };
        recent.observations.iter().for_each(|observation| history.remember(observation));
        history.remember(&Observation::Catalog(catalog));
        Ok(history)
    }

    pub fn record(&self, observation: &Observation) {
        self.remember(observation);
        self.store.put(observation);
    }

    /// In memory alone.
    fn remember(&self, observation: &Observation) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        match observation {
            Observation::Catalog(catalog) => {
                memory.history.set_catalog(catalog);
                memory.catalog = Arc::clone(catalog);
            }
            Observation::Sample { id, sample } => {
                memory.history.push(sample);
                memory.newest = Some((*id, Arc::clone(sample)));
            }
            Observation::Gap(gap) => memory.history.push_gap(*gap),
        }
    }

    /// The past as far as it is kept.
    pub async fn ask(&self, question: Question) -> Result<Answer, Unanswered> {
        self.store.ask(store::answer(question)).await
    }

    /// Whether there ever was such a family.
    pub async fn knows(&self, family: Arc<str>) -> Result<bool, Unanswered> {
        if self.catalog().family(&family).is_some() {
            return Ok(true);
        }
        self.store.ask(move |database, _, waiting| reader::knows(database, waiting, &family)).await
    }

    /// From which instant on all has to be told that came after an event.
    pub async fn beginning(&self, after: EventId) -> Result<UnixMs, Unanswered> {
        self.store.ask(move |database, _, waiting| replay::beginning(database, waiting, after)).await
    }

    /// What was observed from one instant to another, both included, in the order of a catalog.
    pub async fn replay(&self, stretch: (UnixMs, UnixMs), catalog: Arc<Catalog>) -> Result<Replay, Unanswered> {
        self.store
            .ask(move |database, damages, waiting| replay::replay(database, damages, waiting, stretch, &catalog))
            .await
    }

    /// Who was heaviest is stored with the next samples.
    pub fn keep(&self, culprits: Culprits) {
        self.store.put_culprits(culprits);
    }

    /// Who was heaviest at an instant, that stands for so much time before it: in that second where it was kept, else in
    /// that minute or those minutes.
    pub async fn culprits(&self, at: UnixMs, over: Duration) -> Result<Option<Culprits>, Unanswered> {
        self.store.culprits(at, over).await
    }

    /// Why nothing is stored now, if that is so.
    pub fn trouble(&self) -> Option<Trouble> {
        self.store.trouble()
    }

    /// Has everything stored that was recorded by now; whether that succeeded in time. Blocks until then.
    pub fn flush(&self, patience: Duration) -> bool {
        self.store.flush(patience)
    }

    /// The disk has room again.
    #[cfg(test)]
    fn lift_limit(&self) {
        let database = self.store.database().lock().unwrap_or_else(PoisonError::into_inner);
        let lifted = database.connection.pragma_update_and_check(None, "max_page_count", 1 << 30, |_| Ok(()));
        assert_eq!(lifted, Ok(()));
    }

    /// Stores everything that waits; blocks until that is done.
    pub fn close(&self) {
        self.store.close();
    }

    /// With what is needed to draw so much of the past.
    pub fn snapshot(&self, past: Interval) -> Snapshot {
        let memory = self.read();
        let from = memory.history.newest_tick().unwrap_or_default() - past;
        Snapshot {
            catalog: Arc::clone(&memory.catalog),
            history: memory.history.since(from),
            newest: memory.newest.clone(),
        }
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.read().catalog)
    }

    pub fn newest(&self) -> Option<(EventId, Arc<Sample>)> {
        self.read().newest.clone()
    }

    /// A writer that panicked left at worst one tick half recorded, which the next one mends.
    fn read(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
