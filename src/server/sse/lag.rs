//! How far a subscriber is behind, and whether that is too far.

use super::Terms;
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(super) struct Lag {
    /// Whether it has ever been up to date.
    has_caught_up: bool,
    /// Since when it is not.
    behind_since: Option<Instant>,
}

impl Lag {
    /// There is nothing it has not been sent.
    pub(super) fn caught_up(&mut self) {
        *self = Self { has_caught_up: true, behind_since: None };
    }

    /// There is something that it does not take.
    pub(super) fn fell_behind(&mut self, now: Instant) {
        self.behind_since.get_or_insert(now);
    }

    /// Whether somebody is better sent away, to come back and go on where it was. `stuck` is how long it has taken
    /// nothing: whoever returns from far away may be behind for as long as it takes something.
    pub(super) fn is_too_far(
        &self,
        terms: &Terms,
        now: Instant,
        stuck: Duration,
        bytes_behind: impl FnOnce() -> u64,
    ) -> bool {
        match self.behind_since {
            Some(since) if self.has_caught_up => {
                now.duration_since(since) > terms.lag || bytes_behind() > terms.lag_bytes
            }
            Some(_) => stuck > terms.lag,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_up_to_date_has_a_measure_and_who_returns_has_time() {
        let terms = Terms { lag: Duration::from_secs(10), lag_bytes: 1_000, ..Terms::default() };
        let began = Instant::now();
        for (has_caught_up, behind, stuck, bytes, expected) in [
            (true, None, 0, 0, false),
            (true, None, 0, 9_000, false),
            (true, Some(9), 9, 1_000, false),
            (true, Some(1), 0, 1_001, true),
            (true, Some(11), 0, 0, true),
            (false, Some(11), 3, 9_000, false),
            (false, Some(11), 11, 0, true),
        ] {
            let mut lag = Lag { has_caught_up, behind_since: None };
            if behind.is_some() {
                lag.fell_behind(began);
                lag.fell_behind(began + Duration::from_secs(1));
            }
            let seconds = Duration::from_secs;
            let now = began + seconds(behind.unwrap_or_default());
            let is_too_far = lag.is_too_far(&terms, now, seconds(stuck), || bytes);
            assert_eq!(is_too_far, expected, "{has_caught_up} {behind:?} {stuck} {bytes}");
            lag.caught_up();
            assert!(!lag.is_too_far(&terms, began + seconds(99), Duration::ZERO, || 9_000));
        }
    }
}
