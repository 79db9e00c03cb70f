//! The last minutes of the stream as finished frames, and where in them a client's id stands. Pure.

use super::edition::Edition;
use super::frame::Frame;
use crate::model::event::ByeReason;
use crate::model::{EventId, EventName, Gap, GapReason, Interval, UnixMs};
use std::collections::VecDeque;
use std::sync::Arc;

/// An id this much newer than the newest sample is not foreign: the page may have been rendered after the
/// history took a sample and before the stream did.
const AHEAD_MS: i64 = 2_000;

/// What is held, from the oldest to the newest sample. Slots are numbered for good, so that a reader's
/// place outlives the slots themselves.
#[derive(Debug)]
pub(super) struct Ring {
    slots: VecDeque<Slot>,
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
    gaps: Vec<Arc<Frame>>,
    edition: Arc<Edition>,
    pub(super) closed: Option<ByeReason>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    pub(super) samples: usize,
    pub(super) bytes: usize,
}

/// A sample, or a gap that belongs before the sample with this id.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) id: EventId,
    pub(super) frame: Arc<Frame>,
    pub(super) edition: Arc<Edition>,
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
    At {
        next: u64,
        /// The newest sample the client has; it and older ones are not sent again.
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
            edition,
            closed: None,
        }
    }

    /// The number the next slot will have.
    pub(super) fn head(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn get(&self, number: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// The newest sample.
    pub(super) fn newest(&self) -> Option<&Slot> {
        self.slots.back()
    }

    pub(super) fn oldest(&self) -> Option<&Slot> {
        self.slots.front()
    }

    pub(super) fn edition(&self) -> &Arc<Edition> {
        &self.edition
    }

    pub(super) fn set_edition(&mut self, edition: Arc<Edition>) {
        self.edition = edition;
    }

    /// What it holds is from an earlier run: there was more before that.
    pub(super) fn recalls(&mut self) {
        if self.began.is_some() {
            self.began = Some(EventId { era: 0, t: UnixMs(0) });
        }
        self.has_own = false;
    }

    pub(super) fn push_gap(&mut self, frame: Arc<Frame>) {
        self.gaps.push(frame);
    }

    /// Whether the sample was taken: ids only grow, one that does not is not told to anybody.
    pub(super) fn push_sample(&mut self, id: EventId, frame: Arc<Frame>) -> bool {
        if self.newest().is_some_and(|newest| newest.id >= id) {
            return false;
        }
        // Gaps before the very first sample are between nothing.
        let gaps = std::mem::take(&mut self.gaps);
        let gaps = if self.began.is_some() { gaps } else { Vec::new() };
        for frame in gaps.into_iter().chain([frame]) {
            self.bytes += frame.size();
            self.slots.push_back(Slot { id, frame, edition: Arc::clone(&self.edition) });
        }
        self.samples += 1;
        self.began.get_or_insert(id);
        self.has_own = true;
        while self.samples > 1 && (self.samples > self.capacity.samples || self.bytes > self.capacity.bytes) {
            self.forget_oldest();
        }
        true
    }

    /// The oldest sample and the gaps after it: the ring begins with a sample again.
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
        if id < oldest.id {
            // Samples from before this process are not here because it was not running; if the ring has
            // lost its beginning, it can't be told how many of them were its own.
            let reason = if self.began == Some(oldest.id) { GapReason::NotRunning } else { GapReason::Expired };
            return Placement {
                place: Place::At { next: self.first, last: Some(id) },
                gap: self.missing(id, oldest.id, reason),
                edition: Arc::clone(&oldest.edition),
                is_continued: false,
            };
        }
        let index = self.slots.partition_point(|slot| slot.id <= id);
        let before = index.checked_sub(1).and_then(|index| self.slots.get(index));
        let is_ahead = id.era == newest.id.era && id > newest.id && self.is_just_ahead(id.t, newest.id.t);
        // A tick that fell into a gap, or stands before its era's first: nothing is lost by going on after it.
        let is_between = index < self.slots.len() && id.t.is_tick_of(self.interval);
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

    /// The ticks between a sample and a later one, if there are any.
    pub(super) fn missing(&self, after: EventId, before: EventId, reason: GapReason) -> Option<Gap> {
        let from = (after.t + self.interval).floor_to(self.interval);
        let to = before.t - self.interval;
        (from <= to).then_some(Gap { from: Some(from), to: Some(to), reason })
    }

    /// Before the first sample, that one is the newest to come.
    fn at_newest(&self, gap: Option<Gap>) -> Placement {
        let edition = self.newest().map_or(&self.edition, |newest| &newest.edition);
        Placement {
            place: Place::At { next: self.head().saturating_sub(1).max(self.first), last: None },
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
