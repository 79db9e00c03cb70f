//! What the stream carries: event names, ids, and the data of each event that is not a sample.

use super::family::Catalog;
use super::host::HostFacts;
use super::sample::Sample;
use super::time::{Interval, UnixMs};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventName {
    Hello,
    Catalog,
    Sample,
    Notification,
    Processes,
    Gap,
    Ping,
    Bye,
}

impl EventName {
    pub const ALL: [Self; 8] = [
        Self::Hello,
        Self::Catalog,
        Self::Sample,
        Self::Notification,
        Self::Processes,
        Self::Gap,
        Self::Ping,
        Self::Bye,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Catalog => "catalog",
            Self::Sample => "sample",
            Self::Notification => "notification",
            Self::Processes => "processes",
            Self::Gap => "gap",
            Self::Ping => "ping",
            Self::Bye => "bye",
        }
    }
}

/// The place of a sample or a notification in the stream: `era-t` of a sample, `era-t.n` of the `n`th notification
/// after it.
///
/// Within an era `t` only grows; a wall clock that is set back begins the next era, so that ids stay
/// in order although times do not, and so does a run after one that was cut off, so that none is given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    pub era: u32,
    pub t: UnixMs,
    /// Zero of a sample.
    pub n: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.era, self.t.0)?;
        if self.n == 0 { Ok(()) } else { write!(formatter, ".{}", self.n) }
    }
}

/// Where an earlier run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSeen {
    pub id: EventId,
    /// Whether it ended as it should: else samples may have been told that nobody remembers.
    pub is_end: bool,
}

/// The text is not an id of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignId;

impl FromStr for EventId {
    type Err = ForeignId;

    fn from_str(text: &str) -> Result<Self, ForeignId> {
        let (era, rest) = text.split_once('-').ok_or(ForeignId)?;
        let (t, n) = rest.split_once('.').unwrap_or((rest, "0"));
        let number = |text: &str| text.parse().map_err(|_| ForeignId);
        let id = Self { era: number(era)?, t: UnixMs(t.parse().map_err(|_| ForeignId)?), n: number(n)? };
        // Only the one spelling we write ourselves: no signs, no leading zeros.
        if id.t.0 >= 0 && id.to_string() == text { Ok(id) } else { Err(ForeignId) }
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|ForeignId| serde::de::Error::custom("not an event id"))
    }
}

/// Why ticks are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// Telltale was not running.
    NotRunning,
    /// The host was suspended.
    Suspended,
    /// The wall clock was set.
    Clock,
    /// The sampler came too late.
    Late,
    /// The samples existed but are no longer held.
    Expired,
    Unknown,
}

impl GapReason {
    pub const ALL: [Self; 6] =
        [Self::NotRunning, Self::Suspended, Self::Clock, Self::Late, Self::Expired, Self::Unknown];

    /// As it stands in a gap.
    pub const fn id(self) -> &'static str {
        match self {
            Self::NotRunning => "not_running",
            Self::Suspended => "suspended",
            Self::Clock => "clock",
            Self::Late => "late",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }

    /// In words, to stand on a chart.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotRunning => "Telltale was not running",
            Self::Suspended => "the host was suspended",
            Self::Clock => "the clock was set",
            Self::Late => "the host was too busy to sample",
            Self::Expired => "no longer held in memory",
            Self::Unknown => "no data, reason unknown",
        }
    }
}

/// Ticks that do not exist: the first and the last missing one. Both are absent where the stream
/// cannot know what the client has, after an id that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub from: Option<UnixMs>,
    pub to: Option<UnixMs>,
    pub reason: GapReason,
}

/// What the sampler says, in order; it walks through history and rules to the hub.
#[derive(Clone, Debug)]
pub enum Observation {
    /// The families changed. Comes before the first sample that holds them.
    Catalog(Arc<Catalog>),
    /// One tick. Ids only grow.
    Sample { id: EventId, sample: Arc<Sample> },
    /// Ticks that do not exist. Comes before the sample after them.
    Gap(Gap),
}

/// The first event of every stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    pub server_version: Arc<str>,
    /// Changes with every build of the page; a page of another build offers to reload.
    pub page_build: Arc<str>,
    pub host: Arc<HostFacts>,
    pub interval_ms: Interval,
    /// What this subscriber is called, for notices addressed to it.
    pub client: Arc<str>,
    pub catalog: Arc<Catalog>,
}

/// The last event before the server goes: when to come back is up to `retry_ms`, spread over the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    pub reason: ByeReason,
    pub retry_ms: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByeReason {
    /// The server goes.
    Shutdown,
    /// The reader fell too far behind; it misses nothing when it comes back.
    Slow,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_spelled_alike_everywhere() -> Result<(), serde_json::Error> {
        for reason in GapReason::ALL {
            assert_eq!(serde_json::to_value(reason)?, reason.id());
        }
        Ok(())
    }

    #[test]
    fn only_ids_of_ours_are_read() {
        for (text, expected) in [
            ("0-1795235686000", Some(EventId { era: 0, t: UnixMs(1_795_235_686_000), n: 0 })),
            ("3-0", Some(EventId { era: 3, t: UnixMs(0), n: 0 })),
            ("", None),
            ("17", None),
            ("0-", None),
            ("0--1", None),
            ("+0-1", None),
            ("00-1", None),
            ("0-1\n", None),
            ("0-5.2", Some(EventId { era: 0, t: UnixMs(5), n: 2 })),
            ("0-5.0", None),
            ("0-5.", None),
            ("0-5.02", None),
            ("0-5.2.1", None),
            ("0-99999999999999999999", None),
        ] {
            assert_eq!(text.parse::<EventId>().ok(), expected, "{text:?}");
        }
    }
}
