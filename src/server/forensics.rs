//! Spike forensics: who was heaviest is kept for every minute, and for every second while something is abnormal.
//!
//! It is given every observation and every table of processes. It looks at the processes itself, so that they are
//! scanned, only when it needs a table: around the end of a minute, and while something is above the usual.

use super::meter::{Look, Lookers};
use crate::model::{Culprits, Interval, Observation, ProcessTable, UnixMs, Usual};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So long before the end of a minute it begins to look: the first table after a pause speaks of a quarter of a second
/// only.
const LEAD_MS: i64 = 2_000;

/// A table that comes later after the end of a minute is not of that minute any more.
const PATIENCE_MS: i64 = 10_000;

/// What comes so soon after an abnormal sample is still of interest; nor is the scan to stop at every breath.
const AFTERMATH_MS: i64 = 5_000;

/// Written by the sampler's thread and by the one that scans; neither holds the other up.
#[derive(Debug)]
pub struct Forensics {
    lookers: Arc<Lookers>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    usual: Usual,
    /// When the newest abnormal sample was taken.
    abnormal: Option<UnixMs>,
    /// The newest table, if it was not kept: what comes to be abnormal may be in it already.
    before: Option<Culprits>,
    /// What was seen of the minute that ends at `end`.
    seen: Vec<Culprits>,
    end: UnixMs,
    /// The end of the newest minute that needs no table any more.
    done: Option<UnixMs>,
    look: Option<Look>,
}

/// What one more table leaves to be kept.
struct Kept {
    seconds: Vec<Culprits>,
    minutes: Vec<Minute>,
}

/// A minute that is over.
struct Minute {
    begin: UnixMs,
    seen: Vec<Culprits>,
}

impl Forensics {
    pub fn new(lookers: Arc<Lookers>) -> Self {
        Self { lookers, state: Mutex::default() }
    }

    /// Learns what is usual, from what an earlier run told say, and does nothing about it.
    pub fn learn(&self, observation: &Observation) {
        self.state().learn(observation);
    }

    /// What is observed now: it decides whether somebody has to look at the processes.
    pub fn observe(&self, observation: &Observation) {
        let mut state = self.state();
        let is_abnormal = state.learn(observation);
        if let Observation::Sample { sample, .. } = observation {
            // The minute that was over before the first sample is not looked for.
            state.done.get_or_insert(sample.t.floor_to(Interval::MINUTE));
            state.abnormal = if is_abnormal { Some(sample.t) } else { state.abnormal };
            if !state.needs_table(sample.t) {
                state.look = None;
            } else if state.look.is_none() {
                state.look = Some(self.lookers.look());
            }
        }
    }

    /// What is to be kept, now that there is another table.
    pub fn weigh(&self, table: &ProcessTable) -> Vec<Culprits> {
        let culprits = Culprits::of(table);
        let mut state = self.state();
        let Kept { seconds: mut kept, minutes } = state.add(culprits);
        // Only samples make it look: others may have asked for this table.
        if !state.needs_table(table.at) {
            state.look = None;
        }
        drop(state);
        // Not under the lock: the sampler may wait for it.
        kept.extend(minutes.into_iter().map(|minute| Culprits::over(minute.begin, Interval::MINUTE, &minute.seen)));
        // A recording without processes has nobody to tell of.
        kept.retain(|culprits| !culprits.processes.is_empty());
        kept
    }

    /// Whoever panicked left at worst a minute without its table.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether it is abnormal.
    fn learn(&mut self, observation: &Observation) -> bool {
        match observation {
            Observation::Catalog(catalog) => {
                self.usual.set_catalog(catalog);
                false
            }
            Observation::Sample { sample, .. } => self.usual.is_abnormal(sample),
            Observation::Gap(_) => false,
        }
    }

    fn is_abnormal_at(&self, at: UnixMs) -> bool {
        self.abnormal.is_some_and(|since| (0..=AFTERMATH_MS).contains(&at.0.saturating_sub(since.0)))
    }

    /// The end of the minute that needs a table now; none before the first sample.
    fn awaited(&self, at: UnixMs) -> Option<UnixMs> {
        let end = UnixMs(at.0.saturating_add(LEAD_MS)).floor_to(Interval::MINUTE);
        Some(end).filter(|end| self.done.is_some_and(|done| done != *end) && at.0 - end.0 < PATIENCE_MS)
    }

    fn needs_table(&self, at: UnixMs) -> bool {
        self.is_abnormal_at(at) || self.awaited(at).is_some()
    }

    fn add(&mut self, culprits: Culprits) -> Kept {
        let mut kept = Kept { seconds: self.seconds(&culprits), minutes: Vec::new() };
        let at = culprits.at;
        // A table on the full minute speaks of the time before it.
        let end = match self.awaited(at).filter(|end| *end <= at) {
            Some(end) => end,
            None => at.floor_to(Interval::MINUTE) + Interval::MINUTE,
        };
        if self.end != end {
            kept.minutes.extend(self.end_minute());
            self.end = end;
        }
        self.seen.push(culprits);
        if at >= end {
            kept.minutes.extend(self.end_minute());
        }
        kept
    }

    /// What is kept of single seconds.
    fn seconds(&mut self, culprits: &Culprits) -> Vec<Culprits> {
        let before = self.before.take();
        if !self.is_abnormal_at(culprits.at) {
            self.before = Some(culprits.clone());
            return Vec::new();
        }
        before.filter(|before| self.is_abnormal_at(before.at)).into_iter().chain([culprits.clone()]).collect()
    }

    fn end_minute(&mut self) -> Option<Minute> {
        let seen = std::mem::take(&mut self.seen);
        if seen.is_empty() {
            return None;
        }
        self.done = Some(self.end);
        Some(Minute { begin: self.end - Interval::MINUTE, seen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::FamilyValues;
    use crate::model::{Catalog, EventId, Family, Process, Sample, Unit};

    /// A full minute.
    const BEGIN: i64 = 1_795_235_640_000;

    fn forensics() -> Forensics {
        let forensics = Forensics::new(Arc::default());
        let cpu = Family::new("cpu", "CPU", Unit::Percent, Interval::SECOND, &[("user", "user")]);
        forensics.learn(&Observation::Catalog(Arc::new(Catalog(vec![cpu]))));
        // Enough to know what is usual.
        (-120..-60).for_each(|second| forensics.learn(&sample(second, 5.0)));
        forensics
    }

    fn sample(second: i64, busy: f64) -> Observation {
        let t = UnixMs(BEGIN + second * 1_000);
        let families = vec![FamilyValues { family: "cpu".into(), values: vec![Some(busy)] }];
        Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample: Arc::new(Sample { t, families }) }
    }

    /// One process, whose CPU time is how many milliseconds of its minute have passed.
    fn table(ms: i64) -> ProcessTable {
        let cpu_percent = Some((ms.rem_euclid(60_000) + 1) as f64);
        let processes = vec![Process { pid: 1, name: "one".into(), cpu_percent, ..Process::default() }];
        ProcessTable { at: UnixMs(BEGIN + ms), total: 1, processes }
    }

    /// What is kept of a table: when it begins, of how many seconds it is, and the figure of its process.
    fn weigh(forensics: &Forensics, ms: i64) -> Vec<(i64, i64, f64)> {
        let kept = forensics.weigh(&table(ms)).into_iter();
        kept.map(|one| (one.at.0 - BEGIN, one.span_ms.ms() / 1_000, one.processes[0].cpu_percent.unwrap_or(0.0)))
            .collect()
    }

    /// The seconds after whose sample somebody looks, where the scan takes its tables as the thread does.
    fn run(
        forensics: &Forensics,
        seconds: std::ops::Range<i64>,
        busy: impl Fn(i64) -> f64,
    ) -> (Vec<i64>, Vec<(i64, i64, f64)>) {
        let (mut looks, mut kept) = (Vec::new(), Vec::new());
        for second in seconds {
            if forensics.lookers.is_anybody() {
                kept.extend(weigh(forensics, second * 1_000 + 3));
            }
            let was_looking = forensics.lookers.is_anybody();
            forensics.observe(&sample(second, busy(second)));
            if forensics.lookers.is_anybody() {
                looks.push(second);
                if !was_looking {
                    kept.extend(weigh(forensics, second * 1_000 + 300));
                }
            }
        }
        (looks, kept)
    }

    #[test]
    fn a_quiet_minute_is_looked_at_around_its_end() {
        let (looks, kept) = run(&forensics(), 1..150, |_| 5.0);
        assert_eq!(looks, [58, 59, 118, 119]);
        assert_eq!(kept, [(0, 60, 59_004.0), (60_000, 60, 59_004.0)], "the highest figure that was seen");
    }

    #[test]
    fn seconds_are_kept_while_something_is_abnormal_and_a_little_longer() {
        let (looks, kept) = run(&forensics(), 1..70, |second| if (20..23).contains(&second) { 60.0 } else { 5.0 });
        assert_eq!(looks, [(20..=27).collect(), vec![58, 59]].concat());
        let seconds = kept.iter().filter(|(_, span, _)| *span == 1).map(|(at, ..)| *at);
        let expected = std::iter::once(20_300).chain((21..27).map(|second| second * 1_000 + 3));
        assert!(seconds.eq(expected), "{kept:?}");
        assert_eq!(kept.last(), Some(&(0, 60, 59_004.0)));
    }

    #[test]
    fn what_others_look_at_is_used() {
        let forensics = forensics();
        forensics.observe(&sample(1, 5.0));
        let kept: Vec<_> = (2..=61).flat_map(|second| weigh(&forensics, second * 1_000 + 3)).collect();
        assert_eq!(kept, [(0, 60, 59_004.0)]);
        assert!(!forensics.lookers.is_anybody());
        // The table of the second in which it began came before the sample.
        assert_eq!(weigh(&forensics, 70_003), []);
        forensics.observe(&sample(70, 99.0));
        assert_eq!(weigh(&forensics, 71_003), [(70_003, 1, 10_004.0), (71_003, 1, 11_004.0)]);
    }

    #[test]
    fn a_scan_that_fails_is_not_waited_for_for_ever() {
        let forensics = forensics();
        let looks = (1..140).filter(|second| {
            forensics.observe(&sample(*second, 5.0));
            forensics.lookers.is_anybody()
        });
        assert_eq!(looks.collect::<Vec<_>>(), [(58..70).collect::<Vec<_>>(), (118..130).collect()].concat());
        // What was seen of a minute is told with the next table at the latest.
        forensics.weigh(&table(130_000));
        assert_eq!(weigh(&forensics, 200_000), [(120_000, 60, 10_001.0)]);
    }

    #[test]
    fn samples_that_are_seldom_and_clocks_that_are_set_back() {
        for (interval, looks) in [(7, &[61_i64, 124, 180][..]), (10, &[60, 120, 180]), (60, &[60, 120, 180])] {
            let forensics = forensics();
            let mut seen = Vec::new();
            for second in (0..200).filter(|second| (BEGIN / 1_000 + second) % interval == 0) {
                forensics.observe(&sample(second, 5.0));
                if forensics.lookers.is_anybody() {
                    seen.push(second);
                    assert_eq!(weigh(&forensics, second * 1_000 + 300).len(), 1, "{second}");
                }
            }
            assert_eq!(seen, looks, "every {interval} s");
        }
        let forensics = forensics();
        forensics.observe(&sample(100_000, 99.0));
        assert!(forensics.lookers.is_anybody());
        forensics.observe(&sample(10, 5.0));
        assert!(!forensics.lookers.is_anybody());
    }

    #[test]
    fn tables_alone_make_nobody_look() {
        let forensics = forensics();
        for ms in [58_003, 59_003, 60_003] {
            weigh(&forensics, ms);
            assert!(!forensics.lookers.is_anybody(), "{ms}");
        }
    }

    #[test]
    fn nobody_is_nothing_to_keep() {
        let forensics = forensics();
        forensics.observe(&sample(50, 99.0));
        assert!(forensics.weigh(&ProcessTable { at: UnixMs(BEGIN + 50_300), ..ProcessTable::default() }).is_empty());
        assert!(forensics.weigh(&ProcessTable { at: UnixMs(BEGIN + 60_003), ..ProcessTable::default() }).is_empty());
    }
}
