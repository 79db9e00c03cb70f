//! Where in the ring a client's id stands, and what the client is told first. Pure.

use super::{Ring, Slot};
use crate::model::{EventId, Gap, GapReason, UnixMs};
use crate::server::hub::edition::Edition;
use crate::server::hub::holes::between;
use std::sync::Arc;

/// An id this much newer than the newest sample is not foreign: the page may have been rendered after the
/// history took a sample and before the stream did.
const AHEAD_MS: i64 = 2_000;

/// Nobody knows what the client has.
pub(super) const UNKNOWN: Gap = Gap { from: None, to: None, reason: GapReason::Unknown };

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
pub(in crate::server::hub) enum Place {
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
pub(in crate::server::hub) struct Placement {
    pub(in crate::server::hub) place: Place,
    pub(in crate::server::hub) gap: Option<Gap>,
    pub(in crate::server::hub) edition: Arc<Edition>,
    /// Whether the client knows this edition, because it follows the stream without a break.
    pub(in crate::server::hub) is_continued: bool,
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
    pub(in crate::server::hub) fn place(&self, resume: Resume) -> Placement {
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
