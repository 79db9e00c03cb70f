//! A reader that can wait: for what comes, and for the store.

use super::Hub;
use super::cursor::{Cursor, Next, Step};
use super::holes::between;
use super::past::{Page, Past};
use super::ring::{Place, Slot};
use crate::model::{EventId, Gap, GapReason, UnixMs};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;

/// How many slots are taken under the lock at once.
const LOOK: usize = 16;

pub struct Reader {
    hub: Arc<Hub>,
    cursor: Cursor,
    woken: watch::Receiver<u64>,
    /// From the store, and not read yet.
    told: VecDeque<Next>,
    /// Where in the past it goes on, once that is known.
    from: Option<UnixMs>,
    /// What the pages before knew of ticks that are missing since the last sample.
    gaps: Vec<Gap>,
}

impl Reader {
    pub(super) fn new(hub: Arc<Hub>, cursor: Cursor, woken: watch::Receiver<u64>) -> Self {
        Self { hub, cursor, woken, told: VecDeque::new(), from: None, gaps: Vec::new() }
    }

    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The cursor alone. Whoever has it goes on without waiting, if all that comes next is in memory.
    pub fn into_cursor(self) -> Cursor {
        self.cursor
    }

    /// How many slots it has passed; who waits for a first sample is behind nothing.
    pub fn passed(&self) -> u64 {
        match self.cursor.place {
            Place::Waiting(_) => self.hub.head(),
            _ => self.cursor.passed(),
        }
    }

    pub fn bytes_behind(&self) -> u64 {
        self.hub.bytes_behind(&self.cursor)
    }

    /// Whether the store is not needed for what comes next.
    pub fn is_in_memory(&self) -> bool {
        self.told.is_empty() && self.cursor.is_in_memory()
    }

    /// What comes next. Waits for the store and for nothing else; `changed` does.
    pub async fn next(&mut self) -> Next {
        loop {
            if let Some(next) = self.told.pop_front() {
                return next;
            }
            match self.hub.step(&mut self.cursor, LOOK) {
                Step::Next(next) => return next,
                Step::LookAgain => {}
                Step::Past(last) => self.turn_page(last).await,
            }
        }
    }

    /// Ends when there may be something next; at once if that happened since the last call.
    pub async fn changed(&mut self) {
        // The hub that this reader holds also holds the sender, so there always is one.
        let _ = self.woken.changed().await;
    }

    async fn turn_page(&mut self, last: EventId) {
        let hub = Arc::clone(&self.hub);
        // Nobody is sent to the past before there is something in memory.
        let Some((oldest, newest)) = hub.ends() else { return };
        // Of the past, the store knows samples alone.
        let past = hub.past.as_ref().filter(|_| self.cursor.wants().samples);
        let page = match past {
            Some(past) => self.page(past, last, &oldest, &newest).await,
            None => None,
        };
        let Some(page) = page else {
            let gap = between(hub.interval(), last, oldest.id, GapReason::Expired);
            self.told.extend(gap.filter(|_| self.cursor.wants().samples).map(Next::Gap));
            return self.go_on_in_memory(last, &oldest);
        };
        let mut last = last;
        for (id, frame) in page.samples.iter().filter(|(id, _)| *id < oldest.id) {
            if *id <= last {
                continue;
            }
            self.tell_holes(&page, last, *id);
            self.gaps.clear();
            if !self.cursor.edition.as_ref().is_some_and(|edition| Arc::ptr_eq(edition, &page.edition)) {
                self.cursor.edition = Some(Arc::clone(&page.edition));
                self.told.push_back(Next::Frame(Arc::clone(page.edition.frame())));
            }
            self.told.push_back(Next::Frame(Arc::clone(frame)));
            last = *id;
        }
        if page.next >= oldest.id.t {
            self.tell_holes(&page, last, oldest.id);
            self.go_on_in_memory(last, &oldest);
        } else {
            self.gaps.extend(page.gaps());
            self.cursor.place = Place::Past(last);
            self.from = Some(page.next);
        }
    }

    /// The page on which it goes on; `None` where the store can't be read.
    async fn page(&self, past: &Past, last: EventId, oldest: &Slot, newest: &Slot) -> Option<Arc<Page>> {
        let from = match self.from {
            Some(from) => from,
            // Of the same clock, it is known.
            None if last.era == oldest.id.era => UnixMs(last.t.0 + 1),
            None => past.beginning(last).await?,
        };
        let page = past.page(from, &oldest.edition, newest.id).await;
        if page.is_none() {
            tracing::warn!("a client that returns can't be told of the past: the history can't be read");
        }
        page
    }

    /// All before what was the oldest in memory has been told, or can't be. If that is gone by now, it is told as the past.
    fn go_on_in_memory(&mut self, last: EventId, oldest: &Slot) {
        self.cursor.place = Place::At { next: oldest.number, last: Some(last) };
        self.from = None;
        self.gaps.clear();
    }

    fn tell_holes(&mut self, page: &Page, after: EventId, before: EventId) {
        let holes = page.holes(&self.gaps, self.hub.interval(), after.t, before.t);
        self.told.extend(holes.into_iter().map(Next::Gap));
    }
}
