//! Who is connected: every stream is registered while it lasts, within limits, and gone the moment it ends.

mod descriptors;
mod list;
mod refusals;

pub use list::{SinceStart, Subscriber, SubscriberList};

use super::hub::Wants;
use super::meter::Meter;
use super::problem::Problem;
use crate::model::{UnixMs, label};
use axum::http::{HeaderMap, StatusCode, header};
use refusals::Refusals;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// So many connections more than streams may come from one address: pages, scrapers, what a browser opens ahead of time.
const OTHERS_OF_AN_ADDRESS: usize = 256;

/// Descriptors left for everything that is not a stream: one half for pages and scrapers, one for files.
const OTHER_DESCRIPTORS: usize = 128;

/// How many streams may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_connections: usize,
    pub max_per_address: usize,
}

/// For how many connections there is room, streams or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Others wait to be accepted.
    pub all: usize,
    /// From one address; others are closed at once. Streams that are sent by a thread for all do not count.
    pub per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_connections: 20_000, max_per_address: 256 }
    }
}

impl Limits {
    /// The same within what the process may open, after asking for as many descriptors as it may have; and for how many
    /// connections of any kind there is room.
    #[must_use]
    pub fn within_descriptors(self) -> (Self, Room) {
        let per_address = self.max_per_address.saturating_add(OTHERS_OF_AN_ADDRESS);
        let Some(limit) = descriptors::raise_limit() else { return (self, Room { all: usize::MAX, per_address }) };
        let spare = OTHER_DESCRIPTORS.min(limit / 2);
        let streams = limit - spare;
        let room = Room { all: streams + spare / 2, per_address };
        (Self { max_connections: self.max_connections.min(streams), ..self }, room)
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
    pub id: Arc<str>,
    pub address: ClientAddress,
    pub user_agent: Option<Vec<u8>>,
    pub wants: Wants,
}

impl Newcomer {
    pub fn new(id: Arc<str>, address: ClientAddress, headers: &HeaderMap, wants: Wants) -> Self {
        let user_agent = headers.get(header::USER_AGENT).map(|value| value.as_bytes().to_vec());
        Self { id, address, user_agent, wants }
    }
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
    per_address: HashMap<IpAddr, Same>,
    refused: Refusals,
}

/// Those of one address.
#[derive(Debug, Default)]
struct Same {
    open: usize,
    refused: Refusals,
}

#[derive(Debug)]
struct Entry {
    id: Arc<str>,
    address: ClientAddress,
    user_agent: Box<str>,
    since: UnixMs,
    wants: Wants,
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    gaps: AtomicU32,
    passed: AtomicU64,
}

/// A place in the registry; dropping it gives it back.
#[derive(Debug)]
pub struct Subscription {
    subscribers: Arc<Subscribers>,
    key: u64,
    entry: Arc<Entry>,
}

/// Which limit is in the way, and when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub full: Full,
    pub retry_after_s: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    All { limit: usize },
    Address { limit: usize },
}

impl Subscribers {
    pub fn new(limits: Limits, meter: Arc<Meter>) -> Self {
        Self { limits, meter, open: Mutex::default() }
    }

    /// `head` is the hub's, as in [`Subscription::at`].
    pub fn register(self: &Arc<Self>, newcomer: Newcomer, head: u64) -> Result<Subscription, Refused> {
        let Newcomer { id, address, user_agent, wants } = newcomer;
        let mut open = self.open();
        if let Some(full) = open.full(address, &self.limits) {
            match full {
                Full::All { .. } => self.meter.count_refused_all(),
                Full::Address { .. } => self.meter.count_refused_address(),
            }
            // One address that comes too often is no reason for others to stay away longer.
            let Open { per_address, refused, .. } = &mut *open;
            let refused = match per_address.get_mut(&address.address) {
                Some(same) if matches!(full, Full::Address { .. }) => &mut same.refused,
                _ => refused,
            };
            return Err(Refused { full, retry_after_s: refused.one_more(Instant::now()) });
        }
        if address.is_limited {
            open.per_address.entry(address.address).or_default().open += 1;
        }
        let entry = Arc::new(Entry {
            id,
            address,
            user_agent: label::text(&user_agent.unwrap_or_default()).into(),
            since: now(),
            wants,
            sent: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            gaps: AtomicU32::new(0),
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

    fn remove(&self, key: u64) {
        let mut open = self.open();
        let Some(entry) = open.entries.remove(&key) else { return };
        self.meter.set_streams(open.entries.len() as u64);
        if entry.address.is_limited
            && let Some(same) = open.per_address.get_mut(&entry.address.address)
        {
            same.open -= 1;
            if same.open == 0 {
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

    /// How many streams there are, with this one.
    pub fn count_all(&self) -> usize {
        self.subscribers.count()
    }

    pub fn count_sent(&self) {
        self.entry.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count_sent_bytes(&self, bytes: u64) {
        self.entry.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.subscribers.meter.add_sent_bytes(bytes);
    }

    pub fn count_gap(&self) {
        self.entry.gaps.fetch_add(1, Ordering::Relaxed);
        self.subscribers.meter.count_gap();
    }

    pub fn count_slow(&self) {
        self.subscribers.meter.count_slow();
    }

    /// How many of the hub's slots the subscriber has passed.
    pub fn at(&self, passed: u64) {
        self.entry.passed.store(passed, Ordering::Relaxed);
    }
}

impl Open {
    fn full(&self, address: ClientAddress, limits: &Limits) -> Option<Full> {
        let same = || self.per_address.get(&address.address).map_or(0, |same| same.open);
        if self.entries.len() >= limits.max_connections {
            Some(Full::All { limit: limits.max_connections })
        } else if address.is_limited && same() >= limits.max_per_address {
            Some(Full::Address { limit: limits.max_per_address })
        } else {
            None
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.subscribers.remove(self.key);
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused.full {
            Full::All { limit } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_connections",
                format!("the limit of {limit} open streams in all is reached (max_connections in [stream])"),
            ),
            Full::Address { limit } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_connections_from_address",
                format!("the limit of {limit} open streams per address is reached (max_per_address in [stream])"),
            ),
        }
        .retry_after(refused.retry_after_s)
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
            id: format!("client-{last}").into(),
            address: ClientAddress { address: Ipv4Addr::new(192, 0, 2, last).into(), is_limited },
            user_agent: Some(b"curl/8\x1b[31m".to_vec()),
            wants: Wants { samples: true, ..Wants::NOTHING },
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
            subscription.count_sent_bytes(90);
            subscription.at(7);
        }
        let list = subscribers.list(10);
        let facts: Vec<_> = list
            .subscribers
            .iter()
            .map(|one| (&*one.id, one.address.as_str(), one.user_agent.as_str(), one.sent, one.queued))
            .collect();
        assert_eq!(facts, [("client-1", "192.0.2.1", "curl/8\u{fffd}[31m", 1, 3)]);
    }
}
