//! The last minutes of the stream as finished frames, and where in them a client's id stands. Pure.

mod placement;

pub use placement::Resume;
pub(super) use placement::{Place, Placement};

use super::chain::{Chain, Link};
use super::edition::Edition;
use super::frame::{Frame, Naming};
use super::piece::Sum;
use crate::model::event::ByeReason;
use crate::model::{EventId, EventName, Gap, Interval, UnixMs};
use std::collections::VecDeque;
use std::sync::Arc;

/// What is held, from the oldest to the newest sample. Slots are numbered for good, so that a reader's
/// place outlives the slots themselves.
pub(super) struct Ring {
    slots: VecDeque<Arc<Slot>>,
    /// The number of the first slot.
    first: u64,
    samples: usize,
    bytes: usize,
    capacity: Capacity,
    interval: Interval,
    /// The first sample ever, as far as can be told.
    began: Option<EventId>,
    /// Whether there was a sample of this run.
    has_own: bool,
    /// Gaps that were said and go with the sample after them.
    gaps: Vec<Gap>,
    /// Messages from before the first sample of this run: they go behind it.
    early: Vec<(Option<Arc<str>>, Message)>,
    edition: Arc<Edition>,
    /// Of all that ever was in it.
    sum: Sum,
    chain: Chain,
    /// Whether somebody reads links.
    pub(super) is_chained: bool,
    /// Whether what is held no more can be had from elsewhere.
    pub(super) reaches_back: bool,
    pub(super) closed: Option<ByeReason>,
}

/// Makes the frame of a message, once its id is known.
pub(super) type Message = Box<dyn FnOnce(EventId) -> Frame + Send>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    pub(super) samples: usize,
    pub(super) bytes: usize,
}

/// A sample, a message, or a gap that belongs before the sample with this id.
#[derive(Clone, Debug)]
pub struct Slot {
    pub number: u64,
    pub id: EventId,
    pub frame: Arc<Frame>,
    pub edition: Arc<Edition>,
    /// Of a gap: which.
    pub gap: Option<Gap>,
    /// Of a message that is not for everybody: for whom.
    pub to: Option<Arc<str>>,
    /// Of the text of all slots before, and with that of this one.
    pub sums: (Sum, Sum),
    pub link: Option<Link>,
}

impl Ring {
    pub(super) fn new(interval: Interval, capacity: Capacity, edition: Arc<Edition>) -> Self {
        Self {
            slots: VecDeque::new(),
            first: 0,
            samples: 0,
            bytes: 0,
            capacity,
            interval,
            began: None,
            has_own: false,
            gaps: Vec::new(),
            early: Vec::new(),
            edition,
            sum: Sum::default(),
            chain: Chain::default(),
            is_chained: false,
            reaches_back: false,
            closed: None,
        }
    }

    /// The number the next slot will have.
    pub(super) fn head(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    /// Slots from this number on, at most so many.
    pub(super) fn from(&self, number: u64, most: usize) -> impl Iterator<Item = &Arc<Slot>> {
        let index = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.slots.range(index.min(self.slots.len())..).take(most)
    }

    /// The newest event.
    pub(super) fn newest(&self) -> Option<&Arc<Slot>> {
        self.slots.back()
    }

    pub(super) fn newest_sample(&self) -> Option<&Arc<Slot>> {
        self.slots.iter().rev().find(|slot| slot.frame.name() == EventName::Sample)
    }

    /// How many bytes of text stand in it from this number on.
    pub(super) fn bytes_from(&self, number: u64) -> u64 {
        self.from(number, 1).next().map_or(0, |slot| self.sum.bytes() - slot.sums.0.bytes())
    }

    pub(super) fn oldest(&self) -> Option<&Arc<Slot>> {
        self.slots.front()
    }

    pub(super) fn edition(&self) -> &Arc<Edition> {
        &self.edition
    }

    pub(super) fn set_edition(&mut self, edition: Arc<Edition>) {
        self.edition = edition;
    }

    /// What it holds is from an earlier run: there was more before that, and messages behind its newest sample that are
    /// not known here. The next ones wait for a sample of this run, so that no id is given twice.
    pub(super) fn recalls(&mut self) {
        if self.began.is_some() {
            self.began = Some(EventId { era: 0, t: UnixMs(0), n: 0 });
        }
        self.has_own = false;
    }

    pub(super) fn push_gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    /// Whether the sample was taken: ids only grow, one that does not is not told to anybody.
    pub(super) fn push_sample(&mut self, id: EventId, frame: Arc<Frame>) -> bool {
        if self.newest().is_some_and(|newest| newest.id >= id) {
            return false;
        }
        // Gaps before the very first sample are between nothing.
        let gaps = std::mem::take(&mut self.gaps);
        let gaps = if self.began.is_some() { gaps } else { Vec::new() };
        for gap in gaps {
            self.push(id, Arc::new(Frame::new(EventName::Gap, None, &gap)), Some(gap), None);
        }
        self.push(id, frame, None, None);
        self.samples += 1;
        self.began.get_or_insert(id);
        self.has_own = true;
        for (to, message) in std::mem::take(&mut self.early) {
            self.push_message(to, message);
        }
        self.forget();
        true
    }

    /// Behind the newest event. Its id; none yet before the first sample.
    pub(super) fn push_message(&mut self, to: Option<Arc<str>>, message: Message) -> Option<EventId> {
        let Some(newest) = self.newest().filter(|_| self.has_own) else {
            self.early.push((to, message));
            return None;
        };
        let id = EventId { n: newest.id.n.saturating_add(1), ..newest.id };
        self.push(id, Arc::new(message(id)), None, to);
        self.forget();
        Some(id)
    }

    fn push(&mut self, id: EventId, frame: Arc<Frame>, gap: Option<Gap>, to: Option<Arc<str>>) {
        let number = self.head();
        let piece = frame.piece(Naming::Named);
        let link = if self.is_chained {
            self.chain.add(number, piece.as_bytes())
        } else {
            self.chain.rest();
            None
        };
        let sums = (self.sum, self.sum.then(piece.sum()));
        self.sum = sums.1;
        self.bytes += frame.size();
        let edition = Arc::clone(&self.edition);
        self.slots.push_back(Arc::new(Slot { number, id, frame, edition, gap, to, sums, link }));
    }

    fn forget(&mut self) {
        while self.samples > 1 && (self.samples > self.capacity.samples || self.bytes > self.capacity.bytes) {
            self.forget_oldest();
        }
    }

    /// The oldest sample and what is behind it: the ring begins with a sample again.
    fn forget_oldest(&mut self) {
        while let Some(slot) = self.slots.pop_front() {
            self.first += 1;
            self.bytes -= slot.frame.size();
            self.samples -= usize::from(slot.frame.name() == EventName::Sample);
            if self.slots.front().is_none_or(|slot| slot.frame.name() == EventName::Sample) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests;
