//! How a page hangs on its server, decided from what was heard and when: pure, so that every way a
//! connection can die is a test.

use super::time::{Interval, UnixMs};
use super::units::between;

/// What a page says of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// As the server rendered it: nothing moves yet, or never will without JavaScript.
    Snapshot,
    Connecting,
    Live,
    /// The connection is lost: which try comes next, and in how many seconds.
    Reconnecting {
        attempt: u32,
        seconds: u32,
    },
    /// The connection is open but no sample has come since.
    Stale {
        since: UnixMs,
    },
    /// The server said goodbye and named a time to come back.
    Stopping {
        seconds: u32,
    },
}

impl Link {
    /// The value of `data-stream` on the page.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Stale { .. } => "stale",
            Self::Stopping { .. } => "stopping",
        }
    }
}

/// What the page must do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a connection, dropping any there is.
    Connect,
    /// Drop the connection; a `Connect` follows when it is time.
    Disconnect,
}

/// A connection that is slower than this to open is given up.
const OPENING_MS: i64 = 10_000;
/// The server speaks at least every 10 s; past this silence the connection is dead without saying so.
const SILENCE_MS: i64 = 15_000;
const FIRST_RETRY_MS: i64 = 1_000;
const LONGEST_RETRY_MS: i64 = 15_000;

/// Times are the browser's own, in milliseconds; `jitter` is a random number from 0 to 1.
#[derive(Clone, Debug)]
pub struct Watchdog {
    interval: Interval,
    phase: Phase,
    /// Tries since the last event.
    attempt: u32,
    heard_at: i64,
    sample_at: i64,
    sample_t: Option<UnixMs>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening { since: i64 },
    Open,
    Waiting { until: i64, stopping: bool },
}

impl Watchdog {
    /// A page that is about to open its first connection; `sample_t` is the newest sample it holds.
    pub fn new(interval: Interval, sample_t: Option<UnixMs>, now: i64) -> Self {
        Self { interval, phase: Phase::Opening { since: now }, attempt: 0, heard_at: now, sample_at: now, sample_t }
    }

    pub fn opened(&mut self, now: i64) {
        self.phase = Phase::Open;
        self.heard_at = now;
        self.sample_at = now;
    }

    /// Any event came.
    pub fn heard(&mut self, now: i64) {
        self.phase = Phase::Open;
        self.attempt = 0;
        self.heard_at = now;
    }

    pub fn sampled(&mut self, t: UnixMs, now: i64) {
        self.heard(now);
        self.sample_at = now;
        self.sample_t = Some(t);
    }

    /// The connection broke, or was refused.
    pub fn failed(&mut self, now: i64, jitter: f64) {
        let stopping = matches!(self.phase, Phase::Waiting { stopping: true, .. });
        if stopping {
            // The server named a time to come back; that its connection ends is no news.
            return;
        }
        self.attempt = self.attempt.saturating_add(1);
        let backoff = (FIRST_RETRY_MS << (self.attempt - 1).min(8)).min(LONGEST_RETRY_MS);
        let spread = (backoff as f64 * (0.5 + between(jitter, 0.0, 1.0))) as i64;
        self.phase = Phase::Waiting { until: now + spread, stopping: false };
    }

    /// The server is going and said when to come back.
    pub fn goodbye(&mut self, retry_ms: u32, now: i64) {
        self.phase = Phase::Waiting { until: now + i64::from(retry_ms), stopping: true };
    }

    /// To be asked every second: what is due.
    pub fn poll(&mut self, now: i64, jitter: f64) -> Option<Action> {
        match self.phase {
            Phase::Opening { since } if now - since >= OPENING_MS => {
                self.failed(now, jitter);
                Some(Action::Disconnect)
            }
            Phase::Open if now - self.heard_at >= SILENCE_MS.max(3 * self.interval.ms()) => {
                self.failed(now, jitter);
                Some(Action::Disconnect)
            }
            Phase::Waiting { until, .. } if now >= until => {
                self.phase = Phase::Opening { since: now };
                Some(Action::Connect)
            }
            _ => None,
        }
    }

    /// Do not wait any longer: the network came back, or the viewer asked.
    pub fn hurry(&mut self, now: i64) -> Option<Action> {
        match self.phase {
            Phase::Waiting { .. } => {
                self.phase = Phase::Opening { since: now };
                Some(Action::Connect)
            }
            _ => None,
        }
    }

    pub fn link(&self, now: i64) -> Link {
        let seconds = |until: i64| u32::try_from((until - now + 999) / 1_000).unwrap_or(0);
        match self.phase {
            Phase::Opening { .. } if self.attempt > 0 => Link::Reconnecting { attempt: self.attempt, seconds: 0 },
            Phase::Opening { .. } => Link::Connecting,
            Phase::Waiting { until, stopping: true } => Link::Stopping { seconds: seconds(until) },
            Phase::Waiting { until, stopping: false } => {
                Link::Reconnecting { attempt: self.attempt, seconds: seconds(until) }
            }
            Phase::Open => match self.sample_t {
                Some(since) if now - self.sample_at > 3 * self.interval.ms() + 1_500 => Link::Stale { since },
                _ => Link::Live,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: UnixMs = UnixMs(1_000_000);

    fn live_at(now: i64) -> Watchdog {
        let mut watchdog = Watchdog::new(Interval::SECOND, Some(T), now);
        watchdog.opened(now);
        watchdog.sampled(T, now);
        watchdog
    }

    #[test]
    fn a_connection_that_opens_and_speaks_is_live() {
        let mut watchdog = Watchdog::new(Interval::SECOND, None, 0);
        assert_eq!(watchdog.link(0), Link::Connecting);
        watchdog.opened(100);
        assert_eq!(watchdog.link(100), Link::Live);
        assert_eq!(watchdog.poll(1_000, 0.5), None);
    }

    #[test]
    fn silence_is_stale_first_and_then_a_lost_connection() {
        let mut watchdog = live_at(0);
        assert_eq!(watchdog.link(4_000), Link::Live);
        assert_eq!(watchdog.link(5_000), Link::Stale { since: T });
        assert_eq!(watchdog.poll(14_999, 0.5), None);
        assert_eq!(watchdog.poll(15_000, 0.5), Some(Action::Disconnect));
        assert_eq!(watchdog.link(15_000), Link::Reconnecting { attempt: 1, seconds: 1 });
        assert_eq!(watchdog.poll(16_000, 0.5), Some(Action::Connect));
    }

    #[test]
    fn pings_keep_a_connection_but_not_the_samples_fresh() {
        let mut watchdog = live_at(0);
        watchdog.heard(10_000);
        assert_eq!(watchdog.poll(20_000, 0.5), None);
        assert_eq!(watchdog.link(20_000), Link::Stale { since: T });
    }

    #[test]
    fn tries_come_further_apart_but_never_end() {
        let mut watchdog = live_at(0);
        let (mut now, mut longest) = (0, 0);
        for attempt in 1..=60 {
            watchdog.failed(now, 1.0);
            assert!(matches!(watchdog.link(now), Link::Reconnecting { attempt: shown, .. } if shown == attempt));
            let began = now;
            while watchdog.poll(now, 1.0) != Some(Action::Connect) {
                now += 250;
                assert!(now - began < 60_000, "try {attempt} never came");
            }
            longest = longest.max(now - began);
        }
        assert!(longest <= LONGEST_RETRY_MS * 3 / 2);
        watchdog.heard(now);
        watchdog.failed(now, 0.5);
        assert_eq!(watchdog.link(now), Link::Reconnecting { attempt: 1, seconds: 1 });
    }

    #[test]
    fn a_goodbye_names_the_time_to_come_back() {
        let mut watchdog = live_at(0);
        watchdog.goodbye(3_000, 0);
        watchdog.failed(10, 0.5);
        assert_eq!(watchdog.link(500), Link::Stopping { seconds: 3 });
        assert_eq!(watchdog.poll(2_000, 0.5), None);
        assert_eq!(watchdog.poll(3_000, 0.5), Some(Action::Connect));
        watchdog.failed(3_100, 0.5);
        assert!(matches!(watchdog.link(3_100), Link::Reconnecting { attempt: 1, .. }));
    }

    #[test]
    fn an_opening_that_hangs_is_given_up_and_a_network_that_returns_is_used_at_once() {
        let mut watchdog = Watchdog::new(Interval::SECOND, None, 0);
        assert_eq!(watchdog.poll(9_999, 0.5), None);
        assert_eq!(watchdog.poll(10_000, 0.5), Some(Action::Disconnect));
        assert_eq!(watchdog.hurry(10_001), Some(Action::Connect));
        assert_eq!(watchdog.hurry(10_002), None);
    }
}
