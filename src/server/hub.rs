//! The hub: everything that is streamed goes in here once and comes out at every subscriber.
//!
//! It holds one ring of finished frames. A subscriber is a cursor into it and gets its first catalog and
//! its place under one lock, so that between the two there is neither a hole nor a repetition.

mod chain;
mod cursor;
mod edition;
mod frame;
mod holes;
mod past;
mod piece;
mod reader;
mod ring;
mod table;
mod view;

pub use cursor::{Cursor, Next, Wants};
pub use edition::{Edition, Greeting};
pub use frame::{Frame, Naming, json_line};
pub use piece::{Chunk, Piece, Sum, stored};
pub use reader::Reader;
pub use ring::{Resume, Slot};
pub use view::View;

use super::history::{self, History};
use crate::model::event::ByeReason;
use crate::model::{Catalog, EventId, EventName, HostFacts, Interval, Observation, ProcessTable};
use cursor::Step;
use past::Past;
use ring::{Capacity, Place, Placement, Ring};
use serde::Serialize;
use std::fmt;
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

#[cfg(test)]
impl HelloFacts {
    pub(crate) fn of_nobody() -> Self {
        Self { server_version: "0".into(), page_build: "0".into(), host: Arc::default(), interval: Interval::SECOND }
    }
}

pub struct Hub {
    facts: HelloFacts,
    held: Mutex<Held>,
    /// What the ring holds no more.
    past: Option<Arc<Past>>,
    /// Counts what was published; wakes who waits for it.
    published: watch::Sender<u64>,
    /// Called after each publication, besides.
    wakers: Mutex<Vec<Waker>>,
}

/// As long as a reader is no further from the oldest slot than this, it may be overtaken before it has read on.
const EDGE: u64 = 60;

type Waker = Box<dyn Fn() + Send>;

/// What is changed and looked at under one lock.
struct Held {
    ring: Ring,
    /// The newest table with its number, and whether somebody still looks.
    table: Option<(u64, Option<Arc<Table>>)>,
    /// How many read links.
    chained: usize,
    last_published: Option<Instant>,
}

/// As long as it lives, events are compressed one behind the other as they come.
#[derive(Debug)]
pub struct Chained(Arc<Hub>);

impl Hub {
    pub fn new(facts: HelloFacts, catalog: Arc<Catalog>) -> Self {
        let samples = history::KEPT.ms() / facts.interval.ms() + 1;
        let capacity = Capacity { samples: usize::try_from(samples).unwrap_or(1), bytes: RING_BYTES };
        let edition = Arc::new(Edition::new(catalog, facts.clone()));
        let ring = Ring::new(facts.interval, capacity, edition);
        let held = Mutex::new(Held { ring, table: None, chained: 0, last_published: None });
        Self { facts, held, past: None, published: watch::Sender::new(0), wakers: Mutex::default() }
    }

    /// What it holds no more is told from the history.
    #[must_use]
    pub fn reaching_back(mut self, history: Arc<History>) -> Self {
        self.past = Some(Arc::new(Past::new(history, self.facts.clone())));
        self.held().ring.reaches_back = true;
        self
    }

    /// To be called in the order of observation. A catalog and a gap reach subscribers together with the
    /// sample after them, so that whoever resumes after the sample before is told of both again.
    pub fn publish(&self, observation: &Observation) {
        match observation {
            Observation::Catalog(catalog) => {
                let mut held = self.held();
                if held.ring.edition().catalog() != catalog {
                    held.ring.set_edition(Arc::new(Edition::new(Arc::clone(catalog), self.facts.clone())));
                }
            }
            Observation::Gap(gap) => self.held().ring.push_gap(*gap),
            Observation::Sample { id, sample } => {
                let frame = Arc::new(Frame::new(EventName::Sample, Some(*id), &**sample));
                let mut held = self.held();
                held.last_published = Some(Instant::now());
                let is_taken = held.ring.push_sample(*id, frame);
                drop(held);
                if let Some(past) = &self.past {
                    past.forget();
                }
                if !is_taken {
                    tracing::warn!(%id, "a sample out of order is not sent");
                }
                self.wake();
            }
        }
    }

    /// A notification for everybody, or for whoever bears a name, also if they are away and come back with an id from
    /// before it. Its id in the stream; none yet before the first sample.
    pub fn notify(&self, to: Option<Arc<str>>, data: impl Serialize + Send + 'static) -> Option<EventId> {
        let message = move |id| Frame::new(EventName::Notification, Some(id), &data);
        let id = self.held().ring.push_message(to, Box::new(message));
        self.wake();
        id
    }

    /// What an earlier run told last, before anything of this one: whoever was there then goes on without a hole.
    pub fn recall(&self, catalog: Option<Arc<Catalog>>, observations: &[Observation]) {
        let now = Arc::clone(self.edition().catalog());
        catalog.into_iter().for_each(|catalog| self.publish(&Observation::Catalog(catalog)));
        observations.iter().for_each(|observation| self.publish(observation));
        self.publish(&Observation::Catalog(now));
        let mut held = self.held();
        held.ring.recalls();
        held.last_published = None;
    }

    /// Replaces the table before; `None` when nobody looks any more.
    pub fn publish_processes(&self, table: Option<Arc<ProcessTable>>) {
        let mut held = self.held();
        let number = held.table.as_ref().map_or(0, |(number, _)| *number) + 1;
        held.table = Some((number, table.map(|table| Arc::new(Table::new(table)))));
        drop(held);
        self.wake();
    }

    /// Subscribers read what they have not read yet, then the reason, and leave.
    pub fn close(&self, reason: ByeReason) {
        self.held().ring.closed = Some(reason);
        self.wake();
    }

    pub fn is_closed(&self) -> bool {
        self.held().ring.closed.is_some()
    }

    /// A reader that is greeted with the catalog at its place.
    pub fn join(self: &Arc<Self>, name: Arc<str>, wants: Wants, resume: Resume) -> Reader {
        self.reader(resume, |placement| Cursor::new(name, wants, placement))
    }

    /// A reader that is not greeted: if it can't go on where it stopped, the catalog comes before the samples.
    pub fn join_quietly(self: &Arc<Self>, name: Arc<str>, wants: Wants, resume: Resume) -> Reader {
        self.reader(resume, |placement| {
            let knows_catalog = placement.is_continued || resume == Resume::Newest;
            let cursor = Cursor::new(name, wants, placement);
            if knows_catalog { cursor } else { cursor.without_edition() }
        })
    }

    fn reader(self: &Arc<Self>, resume: Resume, cursor: impl FnOnce(Placement) -> Cursor) -> Reader {
        // Before the place is taken: nothing is missed between.
        let woken = self.published.subscribe();
        let placement = self.held().ring.place(resume);
        Reader::new(Arc::clone(self), cursor(placement), woken)
    }

    /// From now on links are made; whoever joins reads them from the next beginning of a chain on.
    pub fn chain(self: &Arc<Self>) -> Chained {
        let mut held = self.held();
        held.chained += 1;
        held.ring.is_chained = true;
        drop(held);
        Chained(Arc::clone(self))
    }

    /// Slots from a number on, at most so many, and all else that readers have to know of this instant.
    pub fn view(&self, from: u64, most: usize) -> View {
        let held = self.held();
        let ring = &held.ring;
        View {
            slots: ring.from(from, most).map(Arc::clone).collect(),
            head: ring.head(),
            oldest: ring.oldest().map(Arc::clone),
            reaches_back: ring.reaches_back,
            table: held.table.clone(),
            closed: ring.closed,
            interval: self.facts.interval,
        }
    }

    /// What comes next for a cursor, if that is in memory.
    fn step(&self, cursor: &mut Cursor, most: usize) -> Step {
        if let Place::Waiting(id) = cursor.place {
            let placement = self.held().ring.place(Resume::After(id));
            cursor.place = placement.place;
            cursor.gap = placement.gap.filter(|_| cursor.wants().samples);
        }
        cursor.step(&self.view(cursor.passed(), most))
    }

    /// What comes next for a cursor, as `view` has it or, where that does not reach, as it is now. `None` where it is
    /// not in memory.
    pub fn next(&self, cursor: &mut Cursor, view: &mut View, most: usize) -> Option<Next> {
        loop {
            let step = match cursor.place {
                Place::Waiting(_) => self.step(cursor, most),
                _ => cursor.step(view),
            };
            match step {
                Step::Next(next) => return Some(next),
                Step::Past(_) => return None,
                Step::LookAgain => *view = self.view(cursor.passed(), most),
            }
        }
    }

    /// How much text a reader has not passed that is in memory.
    pub fn bytes_behind(&self, cursor: &Cursor) -> u64 {
        self.held().ring.bytes_from(cursor.passed())
    }

    fn is_well_inside(&self, cursor: &Cursor) -> bool {
        let held = self.held();
        let oldest = held.ring.oldest().map_or(0, |slot| slot.number);
        cursor.passed().saturating_sub(oldest) >= EDGE.min((held.ring.head() - oldest) / 2)
    }

    /// The newest sample, as it was sent.
    pub fn newest(&self) -> Option<Arc<Frame>> {
        self.held().ring.newest_sample().map(|slot| Arc::clone(&slot.frame))
    }

    /// The newest catalog.
    pub fn edition(&self) -> Arc<Edition> {
        Arc::clone(self.held().ring.edition())
    }

    /// The number of slots that were ever filled.
    pub fn head(&self) -> u64 {
        self.held().ring.head()
    }

    pub fn interval(&self) -> Interval {
        self.facts.interval
    }

    /// How long ago the newest sample came; `None` before the first one.
    pub fn silent_for(&self) -> Option<Duration> {
        self.held().last_published.map(|at| at.elapsed())
    }

    /// To be called after each publication. It must not wait.
    pub fn on_publication(&self, waker: impl Fn() + Send + 'static) {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(waker));
    }

    fn wake(&self) {
        self.published.send_modify(|count| *count += 1);
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|wake| wake());
    }

    /// The oldest and the newest event in memory.
    fn ends(&self) -> Option<(Arc<Slot>, Arc<Slot>)> {
        let held = self.held();
        Some((Arc::clone(held.ring.oldest()?), Arc::clone(held.ring.newest()?)))
    }

    /// Whoever panicked under the lock left a ring that is whole: each change of it ends before any code
    /// that could panic.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Hub").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Drop for Chained {
    fn drop(&mut self) {
        let mut held = self.0.held();
        held.chained -= 1;
        held.ring.is_chained = held.chained > 0;
    }
}

#[cfg(test)]
mod tests;
