//! Whether the clock can be believed: one that is wrong would have everything forgotten at once.

use super::super::tier::HOUR_MS;
use crate::model::EventId;
use std::time::{Duration, Instant};

/// How far it may be ahead of what has passed since.
const MOST_AHEAD_MS: i64 = HOUR_MS;

/// What the samples' clock told, beside a clock that nobody sets.
#[derive(Default)]
pub(super) struct Clock {
    anchor: Option<Anchor>,
}

/// An instant by both clocks.
#[derive(Clone, Copy)]
struct Anchor {
    id: EventId,
    at: Instant,
}

impl Clock {
    /// `newest` was sampled just before `at`. It is watched anew where it has gone ahead: it may be wrong now, or the host
    /// has slept, which the other clock does not count.
    pub(super) fn look(&mut self, newest: EventId, at: Instant) {
        if !self.anchor.is_some_and(|anchor| anchor.leads_to(newest, at)) {
            self.anchor = Some(Anchor { id: newest, at });
        }
    }

    /// Whether it has gone for so long as it should.
    pub(super) fn is_settled(&self, at: Instant, after: Duration) -> bool {
        self.anchor.is_some_and(|anchor| at.saturating_duration_since(anchor.at) >= after)
    }
}

impl Anchor {
    fn leads_to(self, id: EventId, at: Instant) -> bool {
        let passed = i64::try_from(at.saturating_duration_since(self.at).as_millis()).unwrap_or(i64::MAX);
        let latest = self.id.t.0.saturating_add(passed).saturating_add(MOST_AHEAD_MS);
        self.id.era == id.era && id.t.0 <= latest
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tier::{DAY_MS, MINUTE_MS};
    use super::*;
    use crate::model::UnixMs;

    #[test]
    fn it_settles_and_after_a_jump_or_a_sleep_it_settles_again() {
        let began = Instant::now();
        let mut clock = Clock::default();
        // Minutes since the start, era, what the samples' clock tells, whether it is believed.
        for (minute, era, t, is_settled) in [
            (0, 0, 0, false),
            (9, 0, 9 * MINUTE_MS, false),
            (10, 0, 10 * MINUTE_MS, true),
            (20, 0, 60 * MINUTE_MS, true),
            // A night's sleep.
            (21, 0, DAY_MS, false),
            (30, 0, DAY_MS + 9 * MINUTE_MS, false),
            (31, 0, DAY_MS + 10 * MINUTE_MS, true),
            (500, 0, DAY_MS + 479 * MINUTE_MS, true),
            // It was set.
            (501, 1, 0, false),
            (511, 1, 10 * MINUTE_MS, true),
        ] {
            let at = began + Duration::from_mins(minute);
            clock.look(EventId { era, t: UnixMs(t), n: 0 }, at);
            assert_eq!(clock.is_settled(at, Duration::from_mins(10)), is_settled, "minute {minute}");
        }
        assert!(clock.is_settled(began, Duration::ZERO), "some believe it at once");
    }
}
