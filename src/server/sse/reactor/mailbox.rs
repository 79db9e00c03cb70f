//! The way to a thread that sends.

use crate::server::sse::Seat;
use mio::Waker;
use mio::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) struct Mailbox {
    waker: Waker,
    /// `None` once the thread has ended.
    newcomers: Mutex<Option<Vec<(TcpStream, Seat)>>>,
    pub(super) has_published: AtomicBool,
    /// Whether the thread ends as soon as nobody is there any more, and whether it ends at once.
    pub(super) is_draining: AtomicBool,
    pub(super) is_ending: AtomicBool,
    /// How many were sent to the thread and have not left.
    pub(super) open: AtomicUsize,
}

impl Mailbox {
    pub(super) fn new(waker: Waker) -> Self {
        Self {
            waker,
            newcomers: Mutex::new(Some(Vec::new())),
            // Before its waker was there, something may have been.
            has_published: AtomicBool::new(true),
            is_draining: AtomicBool::new(false),
            is_ending: AtomicBool::new(false),
            open: AtomicUsize::new(0),
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.newcomers().is_some()
    }

    /// Whether it is the first of those that were not heard of yet.
    pub(super) fn take_in(&self, socket: std::net::TcpStream, seat: Seat) -> bool {
        let mut newcomers = self.newcomers();
        let Some(newcomers) = newcomers.as_mut() else { return false };
        self.open.fetch_add(1, Ordering::Relaxed);
        newcomers.push((TcpStream::from_std(socket), seat));
        newcomers.len() == 1
    }

    pub(super) fn newcomers(&self) -> MutexGuard<'_, Option<Vec<(TcpStream, Seat)>>> {
        self.newcomers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Once until it is heard.
    pub(super) fn wake(&self, reason: &AtomicBool) {
        if !reason.swap(true, Ordering::AcqRel) {
            self.call();
        }
    }

    pub(super) fn call(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "a thread of the stream can't be woken");
        }
    }
}
