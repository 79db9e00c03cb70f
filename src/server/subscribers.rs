//! Who is connected: every stream is registered while it lasts, within limits, and gone the moment it ends.

mod descriptors;

use super::meter::Meter;
use super::problem::Problem;
use crate::model::{UnixMs, label};
use axum::http::StatusCode;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

/// The longest list anybody is given; the count is always whole.
const LISTED: usize = 1_000;
/// What a client that was refused should wait, in seconds.
const RETRY_AFTER_S: u32 = 10;
/// Descriptors left for everything that is not a stream: files of the kernel, pages, scrapers.
const OTHER_DESCRIPTORS: usize = 128;

/// How many streams may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_connections: usize,
    pub max_per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_connections: 20_000, max_per_address: 256 }
    }
}

impl Limits {
    /// The same within what the process may open, after asking for as many descriptors as it may have.
    #[must_use]
    pub fn within_descriptors(self) -> Self {
        let streams = descriptors::raise_limit().map_or(usize::MAX, |limit| {
            let spare = OTHER_DESCRIPTORS.min(limit / 2);
            limit - spare
        });
        Self { max_connections: self.max_connections.min(streams), ..self }
    }
}

/// Where a client is, as far as can be known; the authorization layer finds it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress {
    pub address: IpAddr,
    /// Whether the limit per address applies: not to a proxy that hides whom it speaks for.
    pub is_limited: bool,
}

/// What is known of a subscriber when it comes.
#[derive(Clone, Debug)]
pub struct Newcomer {
    pub id: String,
    pub address: ClientAddress,
    pub user_agent: Option<Vec<u8>>,
    pub events: Vec<&'static str>,
}

#[derive(Debug)]
pub struct Subscribers {
    limits: Limits,
    meter: Arc<Meter>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next_key: u64,
    /// In the order in which they came.
    entries: BTreeMap<u64, Arc<Entry>>,
    per_address: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Entry {
    id: String,
    address: ClientAddress,
    user_agent: String,
    since: UnixMs,
    events: Vec<&'static str>,
    sent: AtomicU64,
    passed: AtomicU64,
}

/// A place in the registry; dropping it gives it back.
#[derive(Debug)]
pub struct Subscription {
    subscribers: Arc<Subscribers>,
    key: u64,
    entry: Arc<Entry>,
}

/// Which limit is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    TooMany { limit: usize },
    TooManyFromAddress { limit: usize },
}

/// The answer to "who is connected".
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriberList {
    /// Of all, also when not all are listed.
    pub count: usize,
    /// The longest connected first, at most 1 000.
    pub subscribers: Vec<Subscriber>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Subscriber {
    /// What the subscriber is called, by itself or by the server.
    pub id: String,
    pub address: String,
    pub user_agent: String,
    /// Milliseconds since the epoch.
    #[schema(value_type = i64)]
    pub since: UnixMs,
    /// The names it asked for.
    pub events: Vec<&'static str>,
    /// How many events it was sent.
    pub sent: u64,
    /// How many events it is behind the newest one.
    pub queued: u64,
}

impl Subscribers {
    pub fn new(limits: Limits, meter: Arc<Meter>) -> Self {
        Self { limits, meter, open: Mutex::default() }
    }

    /// `head` is the hub's, as in [`Subscription::at`].
    pub fn register(self: &Arc<Self>, newcomer: Newcomer, head: u64) -> Result<Subscription, Refused> {
        let Newcomer { id, address, user_agent, events } = newcomer;
        let mut open = self.open();
        if open.entries.len() >= self.limits.max_connections {
            return Err(Refused::TooMany { limit: self.limits.max_connections });
        }
        if address.is_limited {
            let same = open.per_address.get(&address.address).copied().unwrap_or(0);
            if same >= self.limits.max_per_address {
                return Err(Refused::TooManyFromAddress { limit: self.limits.max_per_address });
            }
            open.per_address.insert(address.address, same + 1);
        }
        let entry = Arc::new(Entry {
            id,
            address,
            user_agent: label::text(&user_agent.unwrap_or_default()),
            since: now(),
            events,
            sent: AtomicU64::new(0),
            passed: AtomicU64::new(head),
        });
        let key = open.next_key;
        open.next_key += 1;
        open.entries.insert(key, Arc::clone(&entry));
        self.meter.set_streams(open.entries.len() as u64);
        Ok(Subscription { subscribers: Arc::clone(self), key, entry })
    }

    pub fn count(&self) -> usize {
        self.open().entries.len()
    }

    /// `head` is the number of slots the hub ever filled.
    pub fn list(&self, head: u64) -> SubscriberList {
        let (count, entries) = {
            let open = self.open();
            (open.entries.len(), open.entries.values().take(LISTED).map(Arc::clone).collect::<Vec<_>>())
        };
        SubscriberList { count, subscribers: entries.iter().map(|entry| entry.describe(head)).collect() }
    }

    fn remove(&self, key: u64) {
        let mut open = self.open();
        let Some(entry) = open.entries.remove(&key) else { return };
        self.meter.set_streams(open.entries.len() as u64);
        if entry.address.is_limited
            && let Some(same) = open.per_address.get_mut(&entry.address.address)
        {
            *same -= 1;
            if *same == 0 {
                open.per_address.remove(&entry.address.address);
            }
        }
    }

    /// Nothing under this lock can panic half way.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// What the subscriber is called.
    pub fn id(&self) -> &str {
        &self.entry.id
    }

    pub fn count_sent(&self) {
        self.entry.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// How many of the hub's slots the subscriber has passed.
    pub fn at(&self, passed: u64) {
        self.entry.passed.store(passed, Ordering::Relaxed);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.subscribers.remove(self.key);
    }
}

impl Entry {
    fn describe(&self, head: u64) -> Subscriber {
        Subscriber {
            id: self.id.clone(),
            address: self.address.address.to_string(),
            user_agent: self.user_agent.clone(),
            since: self.since,
            events: self.events.clone(),
            sent: self.sent.load(Ordering::Relaxed),
            queued: head.saturating_sub(self.passed.load(Ordering::Relaxed)),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooMany { limit } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_connections",
                format!("the limit of {limit} open streams in all is reached (max_connections in [stream])"),
            ),
            Refused::TooManyFromAddress { limit } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_connections_from_address",
                format!("the limit of {limit} open streams per address is reached (max_per_address in [stream])"),
            ),
        }
        .retry_after(RETRY_AFTER_S)
    }
}

/// The wall clock.
pub(super) fn now() -> UnixMs {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn newcomer(last: u8, is_limited: bool) -> Newcomer {
        Newcomer {
            id: format!("client-{last}"),
            address: ClientAddress { address: Ipv4Addr::new(192, 0, 2, last).into(), is_limited },
            user_agent: Some(b"curl/8\x1b[31m".to_vec()),
            events: vec!["sample"],
        }
    }

    fn registry() -> (Arc<Meter>, Arc<Subscribers>) {
        let meter = Arc::new(Meter::default());
        let limits = Limits { max_connections: 5, max_per_address: 2 };
        (Arc::clone(&meter), Arc::new(Subscribers::new(limits, meter)))
    }

    #[test]
    fn each_limit_refuses_in_its_own_words() {
        let (meter, subscribers) = registry();
        let mut open = Vec::new();
        for (last, is_limited, expected) in [
            (1, true, None),
            (1, true, None),
            (1, true, Some((429, "too_many_connections_from_address"))),
            (2, true, None),
            (1, false, None),
            (1, false, None),
            (3, true, Some((503, "too_many_connections"))),
        ] {
            let refused = match subscribers.register(newcomer(last, is_limited), 0) {
                Ok(subscription) => {
                    open.push(subscription);
                    None
                }
                Err(refused) => Some(Problem::from(refused)),
            };
            assert_eq!(refused.map(|problem| (problem.status(), problem.code())), expected, "{last}");
        }
        assert_eq!((subscribers.count(), meter.streams()), (5, 5));
        open.clear();
        assert_eq!((subscribers.count(), meter.streams()), (0, 0));
        assert!(subscribers.open().per_address.is_empty(), "nothing is kept of who has left");
        assert!(subscribers.register(newcomer(1, true), 0).is_ok());
    }

    #[test]
    fn the_list_says_how_far_behind_each_is() {
        let (_, subscribers) = registry();
        let subscription = subscribers.register(newcomer(1, true), 4);
        if let Ok(subscription) = &subscription {
            subscription.count_sent();
            subscription.at(7);
        }
        let list = subscribers.list(10);
        let facts: Vec<_> = list
            .subscribers
            .iter()
            .map(|one| (one.id.as_str(), one.address.as_str(), one.user_agent.as_str(), one.sent, one.queued))
            .collect();
        assert_eq!(facts, [("client-1", "192.0.2.1", "curl/8\u{fffd}[31m", 1, 3)]);
    }
}
