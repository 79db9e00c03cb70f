//! A reader that can wait: for what comes, and for the store.

use super::Hub;
use super::cursor::{Cursor, Next, Step};
use super::holes::between;
use super::past::{Beginning, Page};
use super::ring::{Place, Slot};
use crate::model::{EventId, Gap, GapReason, UnixMs};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

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
    /// The page that was asked for, if any. Whoever waits for it may do something else meanwhile, and keeps its turn.
    asked: JoinSet<Turned>,
}

/// What comes of asking.
struct Turned {
    /// None where the store can't be read.
    page: Option<Arc<Page>>,
    /// The event behind which it was asked for, and what was the oldest in memory then.
    last: EventId,
    oldest: Arc<Slot>,
}

impl Reader {
    pub(super) fn new(hub: Arc<Hub>, cursor: Cursor, woken: watch::Receiver<u64>) -> Self {
        Self { hub, cursor, woken, told: VecDeque::new(), from: None, gaps: Vec::new(), asked: JoinSet::new() }
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

    /// Whether all that comes next is in memory and will be for a while: whoever has the cursor alone can't ask for more.
    pub fn is_well_in_memory(&self) -> bool {
        self.told.is_empty() && self.cursor.is_in_memory() && self.hub.is_well_inside(&self.cursor)
    }

    /// What comes next; `None` where the store has to be asked.
    pub fn ready(&mut self) -> Option<Next> {
        loop {
            if let Some(next) = self.told.pop_front() {
                return Some(next);
            }
            match self.hub.step(&mut self.cursor, LOOK) {
                Step::Next(next) => return Some(next),
                Step::LookAgain => {}
                Step::Past(last) => {
                    if self.asked.is_empty() {
                        self.ask(last);
                    }
                    if !self.asked.is_empty() {
                        return None;
                    }
                }
            }
        }
    }

    /// What comes next. Waits for the store and for nothing else.
    #[cfg(test)]
    pub async fn next(&mut self) -> Next {
        loop {
            match self.ready() {
                Some(next) => return next,
                None => self.changed().await,
            }
        }
    }

    /// Ends when there may be something next; at once if that happened since the last call.
    pub async fn changed(&mut self) {
        tokio::select! {
            Some(turned) = self.asked.join_next() => match turned {
                Ok(turned) => self.take(turned),
                Err(error) => {
                    tracing::error!(%error, "a page of the past was not told");
                    self.do_without();
                }
            },
            // The hub that this reader holds also holds the sender, so there always is one.
            _ = self.woken.changed() => {}
        }
    }

    /// Asks for what comes next of the past.
    fn ask(&mut self, last: EventId) {
        // Of the past, the store knows samples alone.
        let past = self.hub.past.as_ref().filter(|_| self.cursor.wants().samples);
        let Some((past, (oldest, newest))) = past.map(Arc::clone).zip(self.hub.ends()) else {
            return self.do_without();
        };
        let beginning = self.from.map_or(Beginning::After(last), Beginning::At);
        self.asked.spawn(async move {
            let page = past.page(beginning, &oldest, newest.id).await;
            Turned { page, last, oldest }
        });
    }

    fn take(&mut self, turned: Turned) {
        let Turned { page: Some(page), mut last, oldest } = turned else { return self.do_without() };
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

    /// What the past has can't be told.
    fn do_without(&mut self) {
        let Place::Past(last) = self.cursor.place else { return };
        let Some((oldest, _)) = self.hub.ends() else {
            self.cursor.place = Place::Waiting(last);
            return;
        };
        let gap = between(self.hub.interval(), last, oldest.id, GapReason::Unknown);
        self.told.extend(gap.filter(|_| self.cursor.wants().samples).map(Next::Gap));
        self.go_on_in_memory(last, &oldest);
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
