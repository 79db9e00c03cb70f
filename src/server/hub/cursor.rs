//! One reader's place in the ring. It owns no queue: a slow reader falls behind, and past the ring it is
//! told what it missed and goes on.

use super::Hub;
use super::edition::Edition;
use super::frame::Frame;
use super::ring::{Place, Placement, Resume};
use super::table::Table;
use crate::model::event::ByeReason;
use crate::model::{EventId, EventName, Gap, GapReason};
use std::sync::Arc;
use tokio::sync::watch;

pub struct Cursor {
    hub: Arc<Hub>,
    woken: watch::Receiver<u64>,
    place: Place,
    /// The catalog the reader has; another one is sent before the first sample of its shape.
    edition: Option<Arc<Edition>>,
    /// What is said before anything from the ring.
    gap: Option<Gap>,
    /// For a reader that wants processes; it knows which table was read.
    table: Option<watch::Receiver<Option<Arc<Table>>>>,
}

/// What comes next for one reader.
#[derive(Debug)]
pub enum Next {
    /// Shared by all readers.
    Frame(Arc<Frame>),
    /// This reader's own.
    Gap(Gap),
    Nothing,
    Closed(ByeReason),
}

impl Cursor {
    pub(super) fn new(hub: Arc<Hub>, woken: watch::Receiver<u64>, placement: Placement) -> Self {
        let Placement { place, gap, edition, .. } = placement;
        Self { hub, woken, place, edition: Some(edition), gap, table: None }
    }

    /// The reader wants the processes as well: the newest table, whenever there is nothing else to read.
    #[must_use]
    pub fn with_processes(self) -> Self {
        let mut table = self.hub.table.subscribe();
        table.mark_changed();
        Self { table: Some(table), ..self }
    }

    /// The reader has no catalog yet: one is sent before the next sample.
    #[must_use]
    pub(super) fn without_edition(self) -> Self {
        Self { edition: None, ..self }
    }

    /// The catalog the reader has.
    pub fn edition(&self) -> Option<&Arc<Edition>> {
        self.edition.as_ref()
    }

    /// Never waits; `changed` does.
    pub fn advance(&mut self) -> Next {
        let hub = Arc::clone(&self.hub);
        let ring = hub.ring();
        if let Place::Waiting(id) = self.place {
            let placement = ring.place(Resume::After(id));
            self.place = placement.place;
            self.gap = placement.gap;
        }
        if let Some(gap) = self.gap.take() {
            return Next::Gap(gap);
        }
        if let Place::At { next, last } = &mut self.place {
            if let Some(oldest) = ring.oldest().filter(|_| *next < ring.first()) {
                *next = ring.first();
                let gap = last.and_then(|last| ring.missing(last, oldest.id, GapReason::Expired));
                if let Some(gap) = gap {
                    return Next::Gap(gap);
                }
            }
            while let Some(slot) = ring.get(*next) {
                if last.is_some_and(|last| slot.id <= last) {
                    *next += 1;
                    continue;
                }
                if !self.edition.as_ref().is_some_and(|edition| Arc::ptr_eq(edition, &slot.edition)) {
                    let edition = Arc::clone(&slot.edition);
                    drop(ring);
                    let frame = Arc::clone(edition.frame());
                    self.edition = Some(edition);
                    return Next::Frame(frame);
                }
                *next += 1;
                if slot.frame.name() == EventName::Sample {
                    *last = Some(slot.id);
                }
                return Next::Frame(Arc::clone(&slot.frame));
            }
        }
        let closed = ring.closed;
        drop(ring);
        match closed {
            Some(reason) => Next::Closed(reason),
            None => self.unread_table().map_or(Next::Nothing, Next::Frame),
        }
    }

    /// Ends when there may be something next; at once if that happened since the last call.
    pub async fn changed(&mut self) {
        // The hub that this cursor holds also holds the senders, so there are always both.
        match &mut self.table {
            None => drop(self.woken.changed().await),
            Some(table) => tokio::select! {
                _ = self.woken.changed() => {}
                // It is still unread: waiting for it is not reading it.
                _ = table.changed() => table.mark_changed(),
            },
        }
    }

    fn unread_table(&mut self) -> Option<Arc<Frame>> {
        let unread = self.table.as_mut().filter(|table| table.has_changed().unwrap_or(false))?;
        let table = unread.borrow_and_update().clone()?;
        Some(Arc::clone(table.frame()))
    }

    /// The newest sample the reader has been given, or came with.
    pub fn last(&self) -> Option<EventId> {
        match self.place {
            Place::At { last, .. } => last,
            Place::Waiting(id) => Some(id),
        }
    }

    /// How many slots of the ring were passed; `Hub::head` less this is what the reader is behind.
    pub fn passed(&self) -> u64 {
        match self.place {
            Place::At { next, .. } => next,
            // It is behind nothing.
            Place::Waiting(_) => self.hub.head(),
        }
    }
}
