//! The hub: everything that is streamed goes in here once and comes out at every subscriber.
//!
//! It holds one ring of finished frames. A subscriber is a cursor into it and gets its first catalog and
//! its place under one lock, so that between the two there is neither a hole nor a repetition.

mod cursor;
mod edition;
mod frame;
mod piece;
mod ring;
mod table;

pub use cursor::{Cursor, Next};
pub use edition::{Edition, Greeting};
pub use frame::{Frame, Naming, json_line};
pub use piece::{Packed, Piece};
pub use ring::Resume;

use super::history;
use crate::model::event::ByeReason;
use crate::model::{Catalog, EventName, HostFacts, Interval, Observation, ProcessTable};
use ring::{Capacity, Ring};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use table::Table;
use tokio::sync::watch;

/// The most that frames may hold, whatever their number: fast ticks on a machine with very many series
/// are kept for less than ten minutes.
const RING_BYTES: usize = 32 << 20;

/// What every hello says and no event changes.
#[derive(Clone, Debug)]
pub struct HelloFacts {
    pub server_version: Arc<str>,
    pub page_build: Arc<str>,
    pub host: Arc<HostFacts>,
    pub interval: Interval,
}

#[derive(Debug)]
pub struct Hub {
    facts: HelloFacts,
    ring: Mutex<Ring>,
    /// The number the next slot of the ring will have; wakes who waits for it.
    head: watch::Sender<u64>,
    /// The newest table, while somebody looks; wakes who wants it.
    table: watch::Sender<Option<Arc<Table>>>,
    last_published: Mutex<Option<Instant>>,
}

impl Hub {
    pub fn new(facts: HelloFacts, catalog: Arc<Catalog>) -> Self {
        let samples = history::KEPT.ms() / facts.interval.ms() + 1;
        let capacity = Capacity { samples: usize::try_from(samples).unwrap_or(1), bytes: RING_BYTES };
        let edition = Arc::new(Edition::new(catalog, facts.clone()));
        let ring = Mutex::new(Ring::new(facts.interval, capacity, edition));
        let (head, table) = (watch::Sender::new(0), watch::Sender::new(None));
        Self { facts, ring, head, table, last_published: Mutex::new(None) }
    }

    /// To be called in the order of observation. A catalog and a gap reach subscribers together with the
    /// sample after them, so that whoever resumes after the sample before is told of both again.
    pub fn publish(&self, observation: &Observation) {
        match observation {
            Observation::Catalog(catalog) => {
                let mut ring = self.ring();
                if ring.edition().catalog() != catalog {
                    ring.set_edition(Arc::new(Edition::new(Arc::clone(catalog), self.facts.clone())));
                }
            }
            Observation::Gap(gap) => {
                let frame = Arc::new(Frame::new(EventName::Gap, None, gap));
                self.ring().push_gap(frame);
            }
            Observation::Sample { id, sample } => {
                let frame = Arc::new(Frame::new(EventName::Sample, Some(*id), &**sample));
                if !self.ring().push_sample(*id, frame) {
                    tracing::warn!(%id, "a sample out of order is not sent");
                }
                *self.last_published.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                self.wake();
            }
        }
    }

    /// What an earlier run told last, before anything of this one: whoever was there then goes on without a hole.
    pub fn recall(&self, catalog: Option<Arc<Catalog>>, observations: &[Observation]) {
        let now = Arc::clone(self.edition().catalog());
        catalog.into_iter().for_each(|catalog| self.publish(&Observation::Catalog(catalog)));
        observations.iter().for_each(|observation| self.publish(observation));
        self.publish(&Observation::Catalog(now));
        let mut ring = self.ring();
        ring.recalls();
        drop(ring);
        *self.last_published.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Replaces the table before; `None` when nobody looks any more.
    pub fn publish_processes(&self, table: Option<Arc<ProcessTable>>) {
        self.table.send_replace(table.map(|table| Arc::new(Table::new(table))));
    }

    /// Subscribers read what they have not read yet, then the reason, and leave.
    pub fn close(&self, reason: ByeReason) {
        self.ring().closed = Some(reason);
        self.wake();
    }

    pub fn is_closed(&self) -> bool {
        self.ring().closed.is_some()
    }

    /// A reader that is greeted with the catalog at its place.
    pub fn join(self: &Arc<Self>, resume: Resume) -> Cursor {
        let placement = self.ring().place(resume);
        Cursor::new(Arc::clone(self), self.head.subscribe(), placement)
    }

    /// A reader that is not greeted: if it can't go on where it stopped, the catalog comes before the samples.
    pub fn join_quietly(self: &Arc<Self>, resume: Resume) -> Cursor {
        let placement = self.ring().place(resume);
        let knows_catalog = placement.is_continued || resume == Resume::Newest;
        let cursor = Cursor::new(Arc::clone(self), self.head.subscribe(), placement);
        if knows_catalog { cursor } else { cursor.without_edition() }
    }

    /// The newest sample, as it was sent.
    pub fn newest(&self) -> Option<Arc<Frame>> {
        self.ring().newest().map(|slot| Arc::clone(&slot.frame))
    }

    /// The newest catalog.
    pub fn edition(&self) -> Arc<Edition> {
        Arc::clone(self.ring().edition())
    }

    /// The number of slots that were ever filled.
    pub fn head(&self) -> u64 {
        *self.head.borrow()
    }

    pub fn interval(&self) -> Interval {
        self.facts.interval
    }

    /// How long ago the newest sample came; `None` before the first one.
    pub fn silent_for(&self) -> Option<Duration> {
        self.last_published.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    fn wake(&self) {
        let head = self.ring().head();
        self.head.send_modify(|seen| *seen = head.max(*seen));
    }

    /// Whoever panicked under the lock left a ring that is whole: each change of it ends before any code
    /// that could panic.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
