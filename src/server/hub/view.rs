//! What the hub holds at one instant, as far as somebody looked: taken under its lock, read without it.

use super::ring::Slot;
use super::table::Table;
use crate::model::Interval;
use crate::model::event::ByeReason;
use std::sync::Arc;

#[derive(Debug)]
pub struct View {
    /// Some of those there are, one after the other.
    pub(super) slots: Vec<Arc<Slot>>,
    /// The number of the next slot to come.
    pub(super) head: u64,
    pub(super) oldest: Option<Arc<Slot>>,
    /// Whether what is older than that can be had from elsewhere.
    pub(super) reaches_back: bool,
    /// With its number; `None` when nobody looks any more.
    pub(super) table: Option<(u64, Option<Arc<Table>>)>,
    pub(super) closed: Option<ByeReason>,
    pub(super) interval: Interval,
}

impl View {
    pub fn slot(&self, number: u64) -> Option<&Arc<Slot>> {
        let first = self.slots.first()?.number;
        self.slots.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// The number of the first slot that is shown, or will be.
    pub fn first(&self) -> u64 {
        self.slots.first().map_or(self.head, |slot| slot.number)
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    pub fn closed(&self) -> Option<ByeReason> {
        self.closed
    }
}
