//! Whether what is streamed comes through in time, or something on the way gathers it: decided from when samples were
//! taken and when they came, and so pure.

use super::time::{Interval, UnixMs};

/// What comes no later after another is told together with it.
const TOGETHER_MS: i64 = 300;
/// Fewer samples at once prove nothing.
const MANY: u32 = 3;
/// So often they must have been held back, without coming in time between, until it is believed.
const STRIKES: u32 = 2;
/// So often in a row what comes must be in time, until that is believed.
const CALM: u32 = 2;

/// What the way of the stream was found to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    HeldBack,
    InTime,
}

/// Watches one connection. Times are the browser's own, in milliseconds.
#[derive(Clone, Debug)]
pub struct Passage {
    interval: Interval,
    /// The least time from the instant of a sample to its coming: by how much the clocks differ, and the way itself.
    least_age: Option<i64>,
    came_at: i64,
    /// How many came together last.
    together: u32,
    /// How often some came together. The first ones were missed before the connection was there, and say nothing.
    bursts: u32,
    /// Whether the first of those that came together last was late.
    is_late: bool,
    calm: u32,
    strikes: u32,
}

impl Passage {
    pub fn new(interval: Interval) -> Self {
        Self { interval, least_age: None, came_at: 0, together: 0, bursts: 0, is_late: false, calm: 0, strikes: 0 }
    }

    /// What comes next was waiting for a connection, or for a page that was held up itself.
    pub fn begin(&mut self) {
        self.bursts = 0;
        self.calm = 0;
    }

    /// Clocks may have been set since the connection before.
    pub fn forget_clocks(&mut self) {
        self.least_age = None;
    }

    /// A sample that was taken at `t` came over the stream.
    pub fn came(&mut self, t: UnixMs, now: i64) -> Option<Finding> {
        let age = now - t.0;
        let least = self.least_age.map_or(age, |least| least.min(age));
        self.least_age = Some(least);
        if now - self.came_at > TOGETHER_MS {
            self.bursts = self.bursts.saturating_add(1);
            self.together = 0;
            self.is_late = age > least + 2 * self.interval.ms() + 1_000;
            if self.is_late {
                self.calm = 0;
            } else if self.bursts > 1 {
                self.calm += 1;
            }
        }
        self.came_at = now;
        self.together += 1;
        if self.calm >= CALM {
            self.strikes = 0;
            return Some(Finding::InTime);
        }
        (self.is_late && self.bursts > 1 && self.together == MANY).then(|| self.strike()).flatten()
    }

    /// So many samples that the stream should have told came at once by another way.
    pub fn overtaken(&mut self, samples: u32) -> Option<Finding> {
        (samples >= MANY).then(|| self.strike()).flatten()
    }

    fn strike(&mut self) -> Option<Finding> {
        self.strikes += 1;
        (self.strikes >= STRIKES).then_some(Finding::HeldBack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells when samples come, as `(taken, came)` in seconds, and after which of them what is found.
    fn check(what: &str, skew: i64, times: &[(f64, f64)], expected: Option<(usize, Finding)>) {
        let mut passage = Passage::new(Interval::SECOND);
        passage.begin();
        let ms = |seconds: f64| (seconds * 1_000.0) as i64 + 1_000_000;
        let found = times.iter().enumerate().find_map(|(index, (taken, came))| {
            passage.came(UnixMs(ms(*taken) + skew), ms(*came)).map(|finding| (index, finding))
        });
        assert_eq!(found, expected, "{what}, clocks {skew} ms apart");
    }

    /// Samples of these seconds, a millisecond apart, all told at one instant.
    fn batch(seconds: std::ops::RangeInclusive<u32>, at: f64) -> Vec<(f64, f64)> {
        seconds.enumerate().map(|(index, second)| (f64::from(second), at + index as f64 / 1_000.0)).collect()
    }

    #[test]
    fn what_is_gathered_on_the_way_is_told_from_what_was_missed() {
        let batches = |ends: &[(u32, u32)]| -> Vec<_> {
            ends.iter().flat_map(|(from, to)| batch(*from..=*to, f64::from(*to) + 0.1)).collect()
        };
        let stalled_once = [batch(1..=1, 1.1), batch(2..=8, 8.1), batch(9..=9, 9.1), batch(10..=10, 10.1)].concat();
        for skew in [0, 3_600_000, -3_600_000] {
            check("in time", skew, &batches(&[(1, 1), (2, 2), (3, 3)]), Some((2, Finding::InTime)));
            check(
                "a catch-up, then in time",
                skew,
                &batches(&[(1, 60), (61, 61), (62, 62)]),
                Some((61, Finding::InTime)),
            );
            check("five at a time", skew, &batches(&[(1, 5), (6, 10), (11, 15)]), Some((12, Finding::HeldBack)));
            check("a long batch", skew, &batches(&[(1, 40), (41, 80), (81, 120)]), Some((82, Finding::HeldBack)));
            check("two at a time are bearable", skew, &batches(&[(1, 2), (3, 4), (5, 6)]), Some((4, Finding::InTime)));
            check("a hiccup", skew, &stalled_once, Some((9, Finding::InTime)));
            check("two batches say nothing yet", skew, &batches(&[(1, 5), (6, 10)]), None);
        }
    }

    #[test]
    fn a_page_that_was_held_up_itself_blames_nobody() {
        let mut passage = Passage::new(Interval::SECOND);
        for round in 0..10 {
            passage.begin();
            for (taken, came) in batch(round * 10 + 1..=round * 10 + 10, f64::from(round * 10) + 10.1) {
                assert_eq!(passage.came(UnixMs((taken * 1e3) as i64), (came * 1e3) as i64), None);
            }
        }
    }

    #[test]
    fn what_overtakes_the_stream_twice_is_believed() {
        for (answers, expected) in [
            (&[2, 2, 2][..], vec![None, None, None]),
            (&[3, 3], vec![None, Some(Finding::HeldBack)]),
            (&[9, 0, 9], vec![None, None, Some(Finding::HeldBack)]),
        ] {
            let mut passage = Passage::new(Interval::SECOND);
            assert_eq!(answers.iter().map(|count| passage.overtaken(*count)).collect::<Vec<_>>(), expected);
        }
    }
}
