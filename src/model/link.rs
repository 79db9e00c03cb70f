//! How a page hangs on its server, decided from what was heard and when: pure, so that every way a
//! connection can die is a test.

use super::passage::{Finding, Passage};
use super::time::{Interval, UnixMs};
use super::units::between;

/// What a page says of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// As the server rendered it: nothing moves yet, or never will without JavaScript.
    Snapshot,
    Connecting,
    Live,
    /// Something on the way gathers what is streamed: samples are asked for, and are as new as if it were live.
    Polling,
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
            Self::Polling => "polling",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Stale { .. } => "stale",
            Self::Stopping { .. } => "stopping",
        }
    }
}

/// What the page must do now. The script that shares the connection knows them by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a connection, dropping any there is.
    Connect = 1,
    /// Drop the connection; a `Connect` follows when it is time.
    Disconnect = 2,
    /// Ask beside the stream for what it should have told, and say how many samples that were.
    Ask = 3,
    /// Drop the stream, and ask for samples instead.
    Poll = 4,
    /// The stream that is being tried works: take it, and ask no longer.
    Stream = 5,
    /// Open a stream beside the asking, to see how it comes through.
    Try = 6,
}

/// A connection that is slower than this to open is given up.
const OPENING_MS: i64 = 10_000;
/// The server speaks at least every 10 s; past this silence the connection is dead without saying so.
const SILENCE_MS: i64 = 15_000;
const FIRST_RETRY_MS: i64 = 1_000;
const LONGEST_RETRY_MS: i64 = 15_000;
/// A page whose timer is so late was held up itself.
const HELD_UP_MS: i64 = 1_500;
/// An answer that took longer may have been held up like the stream.
const QUICK_MS: i64 = 1_000;
/// Nor when samples are asked for: an answer waits for one so long, and is on its way then.
const WAIT_MS: i64 = 20_000 + 5_000;
/// While samples are asked for, the stream is tried: soon, for it may have been a connection that died in silence, and
/// then ever more seldom.
const FIRST_TRY_MS: i64 = 4_000;
const LONGEST_TRY_MS: i64 = 60_000;
const TRY_FOR_MS: i64 = 7_000;

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
    passage: Passage,
    /// When it was last asked what is due.
    polled_at: i64,
    /// When something last came over the stream, or it was opened.
    streamed_at: i64,
    asked_at: i64,
    way: Way,
    /// How often the stream was tried since samples are asked for.
    tries: u32,
}

/// How samples come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Streamed,
    /// Asked for; since when the stream has not been tried.
    Asked {
        since: i64,
    },
    /// Asked for, while a stream is tried.
    Tried {
        since: i64,
    },
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
        Self {
            interval,
            phase: Phase::Opening { since: now },
            attempt: 0,
            heard_at: now,
            sample_at: now,
            sample_t,
            passage: Passage::new(interval),
            polled_at: now,
            streamed_at: now,
            asked_at: now,
            way: Way::Streamed,
            tries: 0,
        }
    }

    /// The first connection is about to be opened.
    pub fn opens(&mut self, now: i64) {
        (self.heard_at, self.sample_at, self.polled_at) = (now, now, now);
        self.connect(now);
    }

    /// The stream is open, of this page or of the one that shares its own.
    pub fn opened(&mut self, now: i64) {
        self.phase = Phase::Open;
        self.way = Way::Streamed;
        self.tries = 0;
        self.heard_at = now;
        self.sample_at = now;
        self.streamed_at = now;
        self.passage.begin();
        self.passage.forget_clocks();
    }

    /// The page that shares its connection asks for samples.
    pub fn asking(&mut self, now: i64) {
        self.opened(now);
        self.way = Way::Asked { since: now };
    }

    /// Any event came.
    pub fn heard(&mut self, now: i64) {
        self.phase = Phase::Open;
        self.attempt = 0;
        self.heard_at = now;
    }

    /// A sample came over this page's own stream, also over one that is only tried.
    pub fn streamed(&mut self, t: UnixMs, now: i64) -> Option<Action> {
        if now - self.polled_at > HELD_UP_MS {
            self.passage.begin();
        }
        self.streamed_at = now;
        match (self.passage.came(t, now)?, self.way) {
            (Finding::InTime, Way::Tried { .. }) => {
                self.way = Way::Streamed;
                self.tries = 0;
                Some(Action::Stream)
            }
            (Finding::HeldBack, Way::Streamed | Way::Tried { .. }) => Some(self.ask_from(now)),
            _ => None,
        }
    }

    /// The answer to `Ask` came, with so many samples.
    pub fn answered(&mut self, samples: u32, now: i64) -> Option<Action> {
        let is_telling =
            self.way == Way::Streamed && self.streamed_at < self.asked_at && now - self.asked_at < QUICK_MS;
        if !is_telling || matches!(self.phase, Phase::Waiting { .. }) {
            return None;
        }
        match self.passage.overtaken(samples) {
            Some(Finding::HeldBack) => Some(self.ask_from(now)),
            // It may also have died without saying so.
            _ if samples > 0 => Some(Action::Connect),
            _ => None,
        }
    }

    fn ask_from(&mut self, now: i64) -> Action {
        self.way = Way::Asked { since: now };
        Action::Poll
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
        self.way = Way::Streamed;
        self.attempt = self.attempt.saturating_add(1);
        let backoff = (FIRST_RETRY_MS << (self.attempt - 1).min(8)).min(LONGEST_RETRY_MS);
        let spread = (backoff as f64 * (0.5 + between(jitter, 0.0, 1.0))) as i64;
        self.phase = Phase::Waiting { until: now + spread, stopping: false };
    }

    /// The server is going and said when to come back.
    pub fn goodbye(&mut self, retry_ms: u32, now: i64) {
        self.phase = Phase::Waiting { until: now + i64::from(retry_ms), stopping: true };
    }

    /// To be asked several times a second: what is due.
    pub fn poll(&mut self, now: i64, jitter: f64) -> Option<Action> {
        if now - self.polled_at > HELD_UP_MS {
            self.passage.begin();
        }
        self.polled_at = now;
        let silence = if self.way == Way::Streamed { SILENCE_MS } else { WAIT_MS };
        match self.phase {
            Phase::Opening { since } if now - since >= OPENING_MS => {
                self.failed(now, jitter);
                Some(Action::Disconnect)
            }
            Phase::Open if now - self.heard_at >= silence.max(3 * self.interval.ms()) => {
                self.failed(now, jitter);
                Some(Action::Disconnect)
            }
            Phase::Waiting { until, .. } if now >= until => Some(self.connect(now)),
            Phase::Waiting { .. } => None,
            _ => self.look_at_way(now),
        }
    }

    fn connect(&mut self, now: i64) -> Action {
        self.phase = Phase::Opening { since: now };
        self.streamed_at = now;
        Action::Connect
    }

    fn look_at_way(&mut self, now: i64) -> Option<Action> {
        let patience = 2 * self.interval.ms() + 1_500;
        match self.way {
            Way::Streamed if now - self.sample_at.max(self.streamed_at).max(self.asked_at) >= patience => {
                self.asked_at = now;
                Some(Action::Ask)
            }
            Way::Asked { since } if now - since >= self.next_try() => Some(self.try_stream(now)),
            Way::Tried { since } if now - since >= TRY_FOR_MS + 3 * self.interval.ms() => Some(self.ask_from(now)),
            _ => None,
        }
    }

    fn next_try(&self) -> i64 {
        (FIRST_TRY_MS << self.tries.min(8)).min(LONGEST_TRY_MS)
    }

    fn try_stream(&mut self, now: i64) -> Action {
        self.tries = self.tries.saturating_add(1);
        self.way = Way::Tried { since: now };
        self.passage.begin();
        Action::Try
    }

    /// Do not wait any longer: the network came back, or the viewer asked.
    pub fn hurry(&mut self, now: i64) -> Option<Action> {
        match self.phase {
            Phase::Waiting { .. } => Some(self.connect(now)),
            _ if matches!(self.way, Way::Asked { .. }) => Some(self.try_stream(now)),
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
                _ if self.way != Way::Streamed => Link::Polling,
                _ => Link::Live,
            },
        }
    }
}

#[cfg(test)]
mod tests;
