//! How many were refused lately, and so, when those who are refused now should come back.

use std::time::{Duration, Instant};

/// What a client that was refused should wait at least, and at most, in seconds.
const RETRY_AFTER_S: (u32, u32) = (5, 300);
/// Between the two, as if so many of those who were refused lately could come back in a second.
const RETURNS_PER_S: u32 = 20;
/// Lately: half of them are forgotten in this time.
const FORGOTTEN_IN: Duration = Duration::from_secs(30);

/// How many were refused lately.
#[derive(Debug)]
pub(super) struct Refusals {
    count: f64,
    at: Instant,
}

impl Refusals {
    /// In how many seconds whoever is refused now should come back.
    pub(super) fn one_more(&mut self, now: Instant) -> u32 {
        let halves = now.duration_since(self.at).as_secs_f64() / FORGOTTEN_IN.as_secs_f64();
        *self = Self { count: self.count * 0.5_f64.powf(halves) + 1.0, at: now };
        let (shortest, longest) = RETRY_AFTER_S;
        (shortest + (self.count as u32) / RETURNS_PER_S).min(longest)
    }
}

impl Default for Refusals {
    fn default() -> Self {
        Self { count: 0.0, at: Instant::now() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_are_refused_the_later_they_are_asked_back() {
        let mut refusals = Refusals::default();
        let now = refusals.at;
        let waits: Vec<u32> = (0..4_000).map(|_| refusals.one_more(now)).collect();
        assert_eq!((waits[0], waits[999], waits[3_999]), (5, 55, 205));
        assert_eq!((0..4_000).map(|_| refusals.one_more(now)).max(), Some(300));
        assert_eq!(refusals.one_more(now + 20 * FORGOTTEN_IN), 5);
    }
}
