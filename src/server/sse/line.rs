//! What a stream lets the connection know that it goes over.

use std::sync::atomic::{AtomicBool, Ordering};

/// Goes with every request.
#[derive(Debug, Default)]
pub struct Line {
    is_stream: AtomicBool,
    is_left: AtomicBool,
}

impl Line {
    pub(super) fn begin(&self) {
        self.is_stream.store(true, Ordering::Relaxed);
    }

    /// What was said is the last.
    pub(in crate::server) fn leave(&self) {
        self.is_left.store(true, Ordering::Relaxed);
    }

    /// Whether it has no end: what the kernel holds of it is old before it is read.
    pub fn is_stream(&self) -> bool {
        self.is_stream.load(Ordering::Relaxed)
    }

    /// Whether the client is to be gone soon, read or not.
    pub fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }
}
