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
    refused_all: AtomicU64,
    refused_address: AtomicU64,
    resumed: AtomicU64,
    gaps: AtomicU64,
    slow: AtomicU64,
    is_fanned_out: AtomicBool,
    fan_out_us: AtomicU64,
    lag: AtomicU64,
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

    pub fn count_refused_all(&self) {
        self.refused_all.fetch_add(1, Ordering::Relaxed);
    }

    /// Streams refused since the start because there were too many in all.
    pub fn refused_all(&self) -> u64 {
        self.refused_all.load(Ordering::Relaxed)
    }

    pub fn count_refused_address(&self) {
        self.refused_address.fetch_add(1, Ordering::Relaxed);
    }

    /// Streams refused since the start because there were too many from one address.
    pub fn refused_address(&self) -> u64 {
        self.refused_address.load(Ordering::Relaxed)
    }

    pub fn count_resumed(&self) {
        self.resumed.fetch_add(1, Ordering::Relaxed);
    }

    /// Streams since the start that went on after an id.
    pub fn resumed(&self) -> u64 {
        self.resumed.load(Ordering::Relaxed)
    }

    pub fn count_gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    /// Gaps since the start that were told to one reader because of where it was.
    pub fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::Relaxed)
    }

    pub fn count_slow(&self) {
        self.slow.fetch_add(1, Ordering::Relaxed);
    }

    /// Readers sent away since the start because they could not keep up.
    pub fn slow(&self) -> u64 {
        self.slow.load(Ordering::Relaxed)
    }

    /// Whether there are threads that send to all; otherwise nobody knows how long that takes.
    pub fn set_fanned_out(&self, is_fanned_out: bool) {
        self.is_fanned_out.store(is_fanned_out, Ordering::Relaxed);
    }

    pub fn is_fanned_out(&self) -> bool {
        self.is_fanned_out.load(Ordering::Relaxed)
    }

    pub fn note_fan_out_us(&self, microseconds: u64) {
        self.fan_out_us.fetch_max(microseconds, Ordering::Relaxed);
    }

    /// The longest that it took to hand something new to all who wait for it, since this was asked last.
    pub fn take_fan_out_us(&self) -> u64 {
        self.fan_out_us.swap(0, Ordering::Relaxed)
    }

    pub fn note_lag(&self, events: u64) {
        self.lag.fetch_max(events, Ordering::Relaxed);
    }

    /// By how many events the last of all subscribers was behind, since this was asked last.
    pub fn take_lag(&self) -> u64 {
        self.lag.swap(0, Ordering::Relaxed)
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
