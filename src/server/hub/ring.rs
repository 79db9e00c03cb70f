//! The last minutes of the stream as finished frames, and where in them a client's id stands. Pure.

use super::chain::{Chain, Link};
use super::edition::Edition;
use super::frame::{Frame, Naming};
use super::holes::between;
use super::piece::Sum;
use crate::model::event::ByeReason;
use crate::model::{EventId, EventName, Gap, GapReason, Interval, UnixMs};
use std::collections::VecDeque;
use std::sync::Arc;

/// An id this much newer than the newest sample is not foreign: the page may have been rendered after the
/// history took a sample and before the stream did.
const AHEAD_MS: i64 = 2_000;

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

/// Where a client wants to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// It has nothing yet.
    Newest,
    After(EventId),
    /// It names an id that is not ours.
    Foreign,
}

/// Where it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// After this id. What is missing until then can't be told before the first sample of this run.
    Waiting(EventId),
    /// Behind this id, in what is held no more.
    Past(EventId),
    At {
        next: u64,
        /// The newest event the client has; it and older ones are not sent again.
        last: Option<EventId>,
    },
}

/// The place, and what the client is told first.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) place: Place,
    pub(super) gap: Option<Gap>,
    pub(super) edition: Arc<Edition>,
    /// Whether the client knows this edition, because it follows the stream without a break.
    pub(super) is_continued: bool,
}

impl Resume {
    pub fn parse(last_event_id: Option<&[u8]>) -> Self {
        match last_event_id {
            None | Some([]) => Self::Newest,
            Some(bytes) => std::str::from_utf8(bytes)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .map_or(Self::Foreign, Self::After),
        }
    }
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

    pub(super) fn place(&self, resume: Resume) -> Placement {
        match (resume, self.oldest(), self.newest()) {
            (Resume::Newest, ..) => self.at_newest(None),
            (Resume::Foreign, ..) => self.at_newest(Some(UNKNOWN)),
            (Resume::After(id), Some(oldest), Some(newest)) => self.after(id, oldest, newest),
            (Resume::After(id), ..) => self.waiting(id),
        }
    }

    fn after(&self, id: EventId, oldest: &Slot, newest: &Slot) -> Placement {
        // Of what was before the very first sample, nobody knows more than is known here.
        let has_begun_here = self.began == Some(oldest.id);
        if id < oldest.id && self.reaches_back && !has_begun_here {
            return Placement {
                place: Place::Past(id),
                gap: None,
                edition: Arc::clone(&oldest.edition),
                is_continued: false,
            };
        }
        if id < oldest.id {
            // Samples from before this process are not here because it was not running; if the ring has
            // lost its beginning, it can't be told how many of them were its own.
            let reason = if has_begun_here { GapReason::NotRunning } else { GapReason::Expired };
            return Placement {
                place: Place::At { next: self.first, last: Some(id) },
                gap: between(self.interval, id, oldest.id, reason),
                edition: Arc::clone(&oldest.edition),
                is_continued: false,
            };
        }
        let index = self.slots.partition_point(|slot| slot.id <= id);
        let before = index.checked_sub(1).and_then(|index| self.slots.get(index));
        let is_ahead = id.era == newest.id.era && id > newest.id && self.is_just_ahead(id.t, newest.id.t);
        // Such as a tick that fell into a gap, or one that a crash cost the store: nothing is lost by going on after it.
        let is_between = index < self.slots.len();
        match before.filter(|slot| slot.id == id || is_ahead || is_between) {
            Some(slot) => Placement {
                place: Place::At { next: self.first + index as u64, last: Some(id) },
                gap: None,
                edition: Arc::clone(&slot.edition),
                is_continued: true,
            },
            // An earlier run has told more than is remembered of it: what comes next is behind that.
            None if !self.has_own && id > newest.id => self.waiting(id),
            None => self.at_newest(Some(UNKNOWN)),
        }
    }

    fn waiting(&self, id: EventId) -> Placement {
        Placement { place: Place::Waiting(id), gap: None, edition: Arc::clone(&self.edition), is_continued: false }
    }

    /// Before the first sample, that one is the newest to come.
    fn at_newest(&self, gap: Option<Gap>) -> Placement {
        let newest = self.newest_sample();
        let edition = newest.map_or(&self.edition, |newest| &newest.edition);
        // As if it had the tick before: if it falls out of memory before it has read anything, it begins there.
        let last = newest.map(|newest| EventId { t: newest.id.t - self.interval, ..newest.id });
        Placement {
            place: Place::At { next: newest.map_or(self.head(), |newest| newest.number), last },
            gap,
            edition: Arc::clone(edition),
            is_continued: false,
        }
    }

    fn is_just_ahead(&self, t: UnixMs, newest: UnixMs) -> bool {
        t.0.saturating_sub(newest.0) <= AHEAD_MS.max(self.interval.ms())
    }
}

const UNKNOWN: Gap = Gap { from: None, to: None, reason: GapReason::Unknown };

#[cfg(test)]
mod tests;
