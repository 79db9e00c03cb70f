//! One reader's place in the ring. It owns no queue: a slow reader falls behind, and past the ring it is
//! told what it missed and goes on.

use super::edition::Edition;
use super::frame::Frame;
use super::holes::{between, rest};
use super::ring::{Place, Placement, Slot};
use super::view::View;
use crate::model::event::ByeReason;
use crate::model::{EventId, EventName, Gap, GapReason};
use std::sync::Arc;

/// What a reader wants to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// With all that belongs to them: catalogs and gaps.
    pub samples: bool,
    pub notifications: bool,
    pub processes: bool,
}

impl Wants {
    pub const NOTHING: Self = Self { samples: false, notifications: false, processes: false };
    /// By the names of the events; all others belong to the stream itself.
    #[expect(clippy::type_complexity, reason = "a name, and where it is kept")]
    pub const CHOICES: [(&'static str, fn(&mut Self) -> &mut bool); 3] = [
        ("sample", |wants| &mut wants.samples),
        ("notification", |wants| &mut wants.notifications),
        ("processes", |wants| &mut wants.processes),
    ];

    /// The names of what is wanted.
    pub fn names(mut self) -> Vec<&'static str> {
        Self::CHOICES.iter().filter(|(_, wanted)| *wanted(&mut self)).map(|(name, _)| *name).collect()
    }
}

impl Default for Wants {
    fn default() -> Self {
        Self { samples: true, notifications: true, processes: false }
    }
}

#[derive(Debug)]
pub struct Cursor {
    pub(super) place: Place,
    wants: Wants,
    /// Who reads: what is for somebody else is passed over.
    name: Arc<str>,
    /// The catalog the reader has; another one is sent before the first sample of its shape.
    pub(super) edition: Option<Arc<Edition>>,
    /// What is said before anything from the ring.
    pub(super) gap: Option<Gap>,
    /// Which table of processes was read.
    table: u64,
}

/// What comes next for one reader.
#[derive(Clone, Debug)]
pub enum Next {
    /// From the ring: shared by all readers.
    Slot(Arc<Slot>),
    /// Shared as well, and in no ring.
    Frame(Arc<Frame>),
    /// This reader's own.
    Gap(Gap),
    Nothing,
    Closed(ByeReason),
}

/// How far one look goes.
#[derive(Debug)]
pub(super) enum Step {
    Next(Next),
    /// Further on than was looked.
    LookAgain,
    /// What comes next is not in memory.
    Past(EventId),
}

impl Cursor {
    pub(super) fn new(name: Arc<str>, wants: Wants, placement: Placement) -> Self {
        let Placement { place, gap, edition, .. } = placement;
        Self { place, wants, name, edition: Some(edition), gap: gap.filter(|_| wants.samples), table: 0 }
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

    pub fn wants(&self) -> Wants {
        self.wants
    }

    /// What comes next, as far as `view` shows it.
    pub(super) fn step(&mut self, view: &View) -> Step {
        if let Some(gap) = self.gap.take() {
            return Step::Next(Next::Gap(gap));
        }
        match &mut self.place {
            // Nothing was sampled yet.
            Place::Waiting(_) => {}
            // Who leaves comes back to it.
            Place::Past(id) if view.closed.is_none() => return Step::Past(*id),
            Place::Past(_) => {}
            Place::At { next, last } => {
                if let Some(oldest) = view.oldest.as_ref().filter(|oldest| *next < oldest.number) {
                    if let (true, Some(last)) = (view.reaches_back, *last) {
                        self.place = Place::Past(last);
                        return self.step(view);
                    }
                    *next = oldest.number;
                    let gap = last.and_then(|last| between(view.interval, last, oldest.id, GapReason::Expired));
                    if let Some(gap) = gap.filter(|_| self.wants.samples) {
                        return Step::Next(Next::Gap(gap));
                    }
                }
                while *next < view.head {
                    let Some(slot) = view.slot(*next) else { return Step::LookAgain };
                    if !is_for(slot, self.wants, &self.name) || last.is_some_and(|last| slot.id <= last) {
                        *next += 1;
                        pass(last, slot);
                        continue;
                    }
                    let is_known = self.edition.as_ref().is_some_and(|edition| Arc::ptr_eq(edition, &slot.edition));
                    if self.wants.samples && !is_known {
                        self.edition = Some(Arc::clone(&slot.edition));
                        return Step::Next(Next::Frame(Arc::clone(slot.edition.frame())));
                    }
                    // After a crash all of the lost ticks are told to be missing: not to who has seen some of them.
                    let known = slot.gap.zip(*last).filter(|(gap, last)| gap.from.is_some_and(|from| from <= last.t));
                    *next += 1;
                    pass(last, slot);
                    let Some((gap, last)) = known else { return Step::Next(Next::Slot(Arc::clone(slot))) };
                    if let Some(rest) = rest(view.interval, gap, last.t) {
                        return Step::Next(Next::Gap(rest));
                    }
                }
            }
        }
        Step::Next(match view.closed {
            Some(reason) => Next::Closed(reason),
            None => self.unread_table(view).map_or(Next::Nothing, Next::Frame),
        })
    }

    fn unread_table(&mut self, view: &View) -> Option<Arc<Frame>> {
        let (number, table) = view.table.as_ref().filter(|(number, _)| self.wants.processes && *number > self.table)?;
        self.table = *number;
        table.as_ref().map(|table| Arc::clone(table.frame()))
    }

    /// The newest event the reader has been given, or came with.
    pub fn last(&self) -> Option<EventId> {
        match self.place {
            Place::At { last, .. } => last,
            Place::Waiting(id) | Place::Past(id) => Some(id),
        }
    }

    /// Whether what comes next is in memory, or will be when it comes.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.place, Place::At { .. })
    }

    /// How many slots of the ring were passed; `Hub::head` less this is what the reader is behind.
    pub fn passed(&self) -> u64 {
        match self.place {
            Place::At { next, .. } => next,
            Place::Waiting(_) | Place::Past(_) => 0,
        }
    }
}

fn is_for(slot: &Slot, wants: Wants, name: &str) -> bool {
    match slot.frame.name() {
        EventName::Notification => wants.notifications && slot.to.as_deref().is_none_or(|to| to == name),
        _ => wants.samples,
    }
}

/// A gap is told with the sample behind it, whose id it bears: that one is still to come.
fn pass(last: &mut Option<EventId>, slot: &Slot) {
    if slot.frame.name() != EventName::Gap {
        *last = Some(last.map_or(slot.id, |last| last.max(slot.id)));
    }
}
