//! Counters of what each stage does, and who is looking. Stages write them, the sampler reads them.

mod lookers;

pub use lookers::{GLANCE, Look, Lookers};

use crate::model::DeviceKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by all stages. Counters only grow; gauges are set.
#[derive(Debug, Default)]
pub struct Meter {
    streams: AtomicU64,
    sent_bytes: AtomicU64,
    written_bytes: AtomicU64,
    is_storing: AtomicBool,
    stored_bytes: AtomicU64,
    unsaved_ms: AtomicU64,
    lateness_us: AtomicU64,
    /// By the order of `DeviceKind::ALL`.
    left_out: [AtomicU64; DeviceKind::ALL.len()],
    lookers: Arc<Lookers>,
}

impl Meter {
    pub fn set_streams(&self, count: u64) {
        self.streams.store(count, Ordering::Relaxed);
    }

    /// Streams open now.
    pub fn streams(&self) -> u64 {
        self.streams.load(Ordering::Relaxed)
    }

    pub fn add_sent_bytes(&self, bytes: u64) {
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes handed to the sockets of all streams since the start.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }

    pub fn set_written_bytes(&self, bytes: u64) {
        self.written_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Bytes written to disk since the start.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// Whether there is a history on disk.
    pub fn set_storing(&self, is_storing: bool) {
        self.is_storing.store(is_storing, Ordering::Relaxed);
    }

    pub fn is_storing(&self) -> bool {
        self.is_storing.load(Ordering::Relaxed)
    }

    pub fn set_stored_bytes(&self, bytes: u64) {
        self.stored_bytes.store(bytes, Ordering::Relaxed);
    }

    /// How large the history on disk is; zero without one.
    pub fn stored_bytes(&self) -> u64 {
        self.stored_bytes.load(Ordering::Relaxed)
    }

    pub fn set_unsaved_ms(&self, age: u64) {
        self.unsaved_ms.store(age, Ordering::Relaxed);
    }

    /// How long the oldest sample has been waiting to be stored.
    pub fn unsaved_ms(&self) -> u64 {
        self.unsaved_ms.load(Ordering::Relaxed)
    }

    /// Of each kind, how many devices are not measured because there are too many.
    pub fn set_left_out(&self, kind: DeviceKind, count: usize) {
        self.left_out[kind as usize].store(count as u64, Ordering::Relaxed);
    }

    pub fn left_out(&self, kind: DeviceKind) -> u64 {
        self.left_out[kind as usize].load(Ordering::Relaxed)
    }

    /// Who looks at the processes.
    pub fn lookers(&self) -> &Arc<Lookers> {
        &self.lookers
    }

    pub fn set_lateness_us(&self, microseconds: u64) {
        self.lateness_us.store(microseconds, Ordering::Relaxed);
    }

    /// How long after its round instant the newest sample was complete.
    pub fn lateness_us(&self) -> u64 {
        self.lateness_us.load(Ordering::Relaxed)
    }
}
