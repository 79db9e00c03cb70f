//! The answer to "who is connected".

use super::{Entry, Subscribers};
use crate::model::UnixMs;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use utoipa::ToSchema;

/// The longest list anybody is given; the count is always whole.
const LISTED: usize = 1_000;

#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriberList {
    /// Of all, also when not all are listed.
    pub count: usize,
    /// What happened since the start, to those who left as well.
    pub since_start: SinceStart,
    /// The longest connected first, at most 1 000.
    pub subscribers: Vec<Subscriber>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SinceStart {
    /// Refused because there were too many in all.
    pub refused_all: u64,
    /// Refused because there were too many from one address.
    pub refused_address: u64,
    /// Came back with an id.
    pub resumed: u64,
    /// Gaps that were told to one reader because of where it was.
    pub gaps: u64,
    /// Sent away because they could not keep up.
    pub slow: u64,
    /// Of all streams.
    pub sent_bytes: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Subscriber {
    /// What the subscriber is called, by itself or by the server.
    #[schema(value_type = String)]
    pub id: Arc<str>,
    pub address: String,
    pub user_agent: String,
    /// Milliseconds since the epoch.
    #[schema(value_type = i64)]
    pub since: UnixMs,
    /// The names it asked for.
    pub events: Vec<&'static str>,
    /// How many events it was sent.
    pub sent: u64,
    /// In how many bytes, as they went over the wire.
    pub sent_bytes: u64,
    /// How many gaps it was told of.
    pub gaps: u32,
    /// How many events it is behind the newest one.
    pub queued: u64,
}

impl Subscribers {
    /// `head` is the number of slots the hub ever filled.
    pub fn list(&self, head: u64) -> SubscriberList {
        let (count, entries) = {
            let open = self.open();
            (open.entries.len(), open.entries.values().take(LISTED).map(Arc::clone).collect::<Vec<_>>())
        };
        let meter = &self.meter;
        let since_start = SinceStart {
            refused_all: meter.refused_all(),
            refused_address: meter.refused_address(),
            resumed: meter.resumed(),
            gaps: meter.gaps(),
            slow: meter.slow(),
            sent_bytes: meter.sent_bytes(),
        };
        SubscriberList { count, since_start, subscribers: entries.iter().map(|entry| entry.describe(head)).collect() }
    }
}

impl Entry {
    fn describe(&self, head: u64) -> Subscriber {
        Subscriber {
            id: Arc::clone(&self.id),
            address: self.address.address.to_string(),
            user_agent: self.user_agent.to_string(),
            since: self.since,
            events: self.wants.names(),
            sent: self.sent.load(Ordering::Relaxed),
            sent_bytes: self.sent_bytes.load(Ordering::Relaxed),
            gaps: self.gaps.load(Ordering::Relaxed),
            queued: head.saturating_sub(self.passed.load(Ordering::Relaxed)),
        }
    }
}
