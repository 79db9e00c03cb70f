//! From the answer of a request to the reactor that sends the rest of it.

use super::session::Session;
use crate::server::hub::Cursor;
use bytes::Bytes;
use std::io::IoSlice;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A subscriber without a connection.
#[derive(Debug)]
pub struct Seat {
    pub(super) cursor: Cursor,
    pub(super) session: Session,
    /// Made and not sent yet.
    pub(super) outbox: Vec<Bytes>,
    /// So many bytes of that are the head, or were counted when they were made.
    pub(super) counted: usize,
}

/// Goes with a request whose connection can be taken from whoever serves it. The body of the answer says when: all that
/// follows is in memory, and what it has given out is all there was.
#[derive(Debug, Default)]
pub struct Handover(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    seat: Option<Seat>,
    /// What the connection sends of the answer from then on: the head of it, mostly.
    begun: Vec<u8>,
    /// Whether that is all.
    is_flushed: bool,
}

impl Handover {
    pub(super) fn offer(&self, seat: Seat) {
        *self.state() = State { seat: Some(seat), begun: Vec::new(), is_flushed: false };
    }

    /// Takes bytes that the connection would send, if somebody else is to send what follows: with that, they go into one
    /// packet.
    pub fn take_over(&self, slices: &[IoSlice<'_>]) -> Option<usize> {
        let mut state = self.state();
        state.seat.as_ref()?;
        slices.iter().for_each(|slice| state.begun.extend_from_slice(slice));
        Some(slices.iter().map(|slice| slice.len()).sum())
    }

    /// To be called when the connection has no more bytes in its buffers.
    pub fn note_flush(&self) {
        self.state().is_flushed = true;
    }

    /// Whom to go on with; `None` until that can be.
    pub fn take(&self) -> Option<Seat> {
        let mut state = self.state();
        let is_flushed = state.is_flushed;
        let mut seat = state.seat.take_if(|_| is_flushed)?;
        let begun = std::mem::take(&mut state.begun);
        seat.counted = begun.len();
        if !begun.is_empty() {
            seat.outbox.insert(0, begun.into());
        }
        Some(seat)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
