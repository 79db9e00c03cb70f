//! What waits, in its order: each has a number, so that what is stored is told from what came, or had to make room,
//! while it was being stored.

use crate::model::{Catalog, EventId, Gap, GapReason, Observation, UnixMs};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// How many values may wait; the oldest samples make room for newer ones.
pub(super) const MOST_VALUES: usize = 4_000_000;

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// In force before the first of them.
    catalog: Arc<Catalog>,
    entries: VecDeque<Entry>,
    /// The number of the one to come.
    next: u64,
    values: usize,
    samples: usize,
    /// What was taken to be stored has numbers below this one.
    taken: u64,
    /// What had to make room, as far as it is not part of `entries`.
    lost: Option<Gap>,
    /// The same without what was taken: it is lost even if that is stored.
    lost_since: Option<Gap>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    since: Instant,
    observation: Observation,
}

impl Queue {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, ..Self::default() }
    }

    /// The families in force before the first.
    pub(super) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// Since when the oldest has been waiting.
    pub(super) fn since(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.since)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = EventId> {
        self.entries.iter().filter_map(|entry| id(&entry.observation))
    }

    pub(super) fn push(&mut self, observation: Observation) {
        self.values += values(&observation);
        self.samples += usize::from(id(&observation).is_some());
        self.entries.push_back(Entry { number: self.next, since: Instant::now(), observation });
        self.next += 1;
        while self.values > MOST_VALUES && self.samples > 1 {
            self.lose_oldest();
        }
    }

    /// All of it, beginning with what had to make room.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = Observation> + '_ {
        let lost = self.lost.map(Observation::Gap);
        lost.into_iter().chain(self.entries.iter().map(|entry| entry.observation.clone()))
    }

    /// The first of that, at most so many, to be stored now.
    pub(super) fn take(&mut self, most: usize) -> Vec<Observation> {
        let taken: Vec<Observation> = self.in_turn().take(most).collect();
        let entries = taken.len().saturating_sub(usize::from(self.lost.is_some()));
        let last = entries.checked_sub(1).and_then(|last| self.entries.get(last));
        self.taken = last.map_or(0, |last| last.number + 1);
        self.lost_since = None;
        taken
    }

    /// What was taken last is stored.
    pub(super) fn stored(&mut self) {
        self.lost = self.lost_since.take();
        while self.entries.front().is_some_and(|front| front.number < self.taken) {
            self.pop();
        }
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.values -= values(&entry.observation);
        self.samples -= usize::from(id(&entry.observation).is_some());
        if let Observation::Catalog(catalog) = &entry.observation {
            self.catalog = Arc::clone(catalog);
        }
        Some(entry)
    }

    /// Gaps join the one that grows here; the last catalog stays, for the samples after it.
    fn lose_oldest(&mut self) {
        let mut kept = None;
        while let Some(entry) = self.pop() {
            let (from, to) = match &entry.observation {
                Observation::Sample { id, .. } => (Some(id.t), Some(id.t)),
                Observation::Gap(gap) => (gap.from, gap.to),
                Observation::Catalog(_) => {
                    kept = Some(entry);
                    continue;
                }
            };
            join(&mut self.lost, from, to);
            if entry.number >= self.taken {
                join(&mut self.lost_since, from, to);
            }
            if id(&entry.observation).is_some() {
                break;
            }
        }
        kept.into_iter().for_each(|catalog| self.entries.push_front(catalog));
    }
}

fn join(lost: &mut Option<Gap>, from: Option<UnixMs>, to: Option<UnixMs>) {
    let known = lost.unwrap_or(Gap { from: None, to: None, reason: GapReason::Expired });
    *lost = Some(Gap { from: known.from.or(from), to: to.or(known.to), ..known });
}

pub(super) fn id(observation: &Observation) -> Option<EventId> {
    match observation {
        Observation::Sample { id, .. } => Some(*id),
        _ => None,
    }
}

fn values(observation: &Observation) -> usize {
    match observation {
        Observation::Sample { sample, .. } => sample.families.iter().map(|entry| entry.values.len()).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{sample, seconds_of};
    use super::*;

    /// Three of them are as many as may wait.
    fn large(second: i64) -> Observation {
        sample(0, second, MOST_VALUES / 3)
    }

    fn gap(from: i64, to: i64, reason: GapReason) -> Observation {
        Observation::Gap(Gap { from: Some(UnixMs(from * 1_000)), to: Some(UnixMs(to * 1_000)), reason })
    }

    /// The gaps and seconds that wait, the gaps by their ends.
    fn told(queue: &Queue) -> (Vec<(i64, i64)>, Vec<i64>) {
        let all: Vec<Observation> = queue.in_turn().collect();
        let second = |t: Option<UnixMs>| t.map_or(-1, |t| t.0 / 1_000);
        let gaps = all.iter().filter_map(|observation| match observation {
            Observation::Gap(gap) => Some((second(gap.from), second(gap.to))),
            _ => None,
        });
        (gaps.collect(), seconds_of(&all))
    }

    #[test]
    fn what_makes_room_while_it_is_being_stored_is_lost_only_if_that_fails() {
        for (is_stored, gaps) in [(true, vec![(3, 3)]), (false, vec![(1, 3)])] {
            let mut queue = Queue::default();
            (1..=3).for_each(|second| queue.push(large(second)));
            assert_eq!(seconds_of(&queue.take(2)), [1, 2]);
            (4..=6).for_each(|second| queue.push(large(second)));
            if is_stored {
                queue.stored();
            }
            assert_eq!(told(&queue), (gaps, vec![4, 5, 6]), "stored: {is_stored}");
        }
        let mut queue = Queue::default();
        (1..=3).for_each(|second| queue.push(large(second)));
        queue.take(9);
        (4..=5).for_each(|second| queue.push(large(second)));
        queue.stored();
        assert_eq!(told(&queue), (vec![], vec![4, 5]), "nothing is lost where all that made room is stored");
    }

    #[test]
    fn what_comes_behind_what_is_being_stored_waits_on() {
        let mut queue = Queue::default();
        let catalog = Arc::new(Catalog::default());
        (1..=2).for_each(|second| queue.push(large(second)));
        queue.take(2);
        queue.push(gap(3, 9, GapReason::Suspended));
        queue.push(Observation::Catalog(Arc::clone(&catalog)));
        (10..=11).for_each(|second| queue.push(large(second)));
        queue.stored();
        assert_eq!(told(&queue), (vec![(3, 9)], vec![10, 11]));
        assert!(queue.in_turn().any(|one| matches!(one, Observation::Catalog(other) if Arc::ptr_eq(&other, &catalog))));
    }

    #[test]
    fn a_catalog_that_stays_has_waited_as_long_as_it_has() {
        let mut queue = Queue::default();
        queue.push(Observation::Catalog(Arc::default()));
        let since = queue.since();
        (1..=5).for_each(|second| queue.push(large(second)));
        assert_eq!((told(&queue), queue.since()), ((vec![(1, 2)], vec![3, 4, 5]), since));
    }
}
