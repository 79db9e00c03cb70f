//! What was observed and is not stored yet: it waits here for the one who writes, also while nothing can be written.

mod queue;

use crate::model::{Catalog, Culprits, EventId, Observation};
use queue::{Queue, id};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So long a sample waits for others to be stored with it: what a crash may cost.
pub(super) const PATIENCE: Duration = Duration::from_millis(4_500);

/// So many are stored at once, also before their time.
const MANY: usize = 600;

/// How many entries of who was heaviest may wait; the oldest make room, as samples do.
const MOST_CULPRITS: usize = 5_000;

#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    queue: Queue,
    /// The newest that was ever here.
    newest: Option<EventId>,
    culprits: VecDeque<Arc<Culprits>>,
    /// Whether somebody wants it stored now.
    is_urgent: bool,
    /// Whether what is stored is to be put in order.
    is_untidy: bool,
    is_closed: bool,
}

/// What is stored at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Those that wait, after a gap for what had to make room before them.
    pub(super) observations: Vec<Observation>,
    pub(super) culprits: Vec<Arc<Culprits>>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.observations.is_empty() && self.culprits.is_empty()
    }
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Store,
    /// The same, and nothing will come after it.
    StoreLast,
    /// What is stored is put in order.
    Tidy,
}

impl Inbox {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self {
            waiting: Mutex::new(Waiting { queue: Queue::new(catalog), ..Waiting::default() }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn put(&self, observation: Observation) {
        let mut waiting = self.lock();
        let id = id(&observation);
        let is_new_era = waiting.newest.zip(id).is_some_and(|(before, id)| before.era != id.era);
        waiting.newest = id.or(waiting.newest);
        waiting.queue.push(observation);
        // Ids of an era that nobody remembers could be given twice.
        waiting.is_urgent |= is_new_era || waiting.queue.samples() >= MANY;
        drop(waiting);
        self.changed.notify_all();
    }

    /// They are stored with the samples that wait, or with the next ones.
    pub(super) fn put_culprits(&self, culprits: Culprits) {
        let mut waiting = self.lock();
        waiting.culprits.push_back(Arc::new(culprits));
        if waiting.culprits.len() > MOST_CULPRITS {
            waiting.culprits.pop_front();
        }
    }

    /// Sleeps until there is something to store, which is not before `until`; not at all while there is something to put
    /// in order: what is forgotten may be the room that storing waits for.
    pub(super) fn wait(&self, until: Option<Instant>) -> Next {
        let mut waiting = self.lock();
        loop {
            if waiting.is_closed {
                return Next::StoreLast;
            }
            let now = Instant::now();
            let is_held = until.is_some_and(|until| now < until);
            let due = waiting.queue.since().map(|since| since + PATIENCE);
            if !is_held && (waiting.is_urgent && !waiting.is_empty() || due.is_some_and(|due| due <= now)) {
                return Next::Store;
            }
            if waiting.is_untidy {
                return Next::Tidy;
            }
            let wake = if is_held { until } else { due };
            waiting = match wake.map(|wake| wake.saturating_duration_since(now)) {
                Some(time) => self.changed.wait_timeout(waiting, time).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// The oldest, at most so many, and what was lost before them.
    pub(super) fn oldest(&self, most: usize) -> Batch {
        let mut waiting = self.lock();
        Batch {
            observations: waiting.queue.take(most),
            culprits: waiting.culprits.iter().take(most).cloned().collect(),
        }
    }

    /// Who was heaviest, as far as it waits.
    pub(super) fn culprits(&self) -> Vec<Arc<Culprits>> {
        self.lock().culprits.iter().cloned().collect()
    }

    /// Everything that waits, and the families in force before it.
    pub(super) fn all(&self) -> (Arc<Catalog>, Vec<Observation>) {
        let waiting = self.lock();
        (Arc::clone(waiting.queue.catalog()), waiting.queue.in_turn().collect())
    }

    /// What `oldest` gave last is stored; whether it is to be put in order now.
    pub(super) fn stored(&self, batch: &Batch, is_untidy: bool) {
        let mut waiting = self.lock();
        waiting.is_untidy = is_untidy;
        waiting.queue.stored();
        for stored in &batch.culprits {
            waiting.culprits.pop_front_if(|front| Arc::ptr_eq(front, stored));
        }
        waiting.is_urgent = waiting.queue.samples() >= MANY;
        drop(waiting);
        self.changed.notify_all();
    }

    /// Everything is in order, or can't be put in order now.
    pub(super) fn tidied(&self) {
        self.lock().is_untidy = false;
        self.changed.notify_all();
    }

    /// Has everything stored and put in order that is here now, and waits for it; whether it was.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let mut waiting = self.lock();
        let (newest, newest_culprits) = (waiting.newest, waiting.culprits.back().cloned());
        waiting.is_urgent = true;
        self.changed.notify_all();
        let is_there = |waiting: &mut Waiting| {
            let is_newest =
                |one: &Arc<Culprits>| newest_culprits.as_ref().is_some_and(|newest| Arc::ptr_eq(one, newest));
            waiting.is_untidy
                || waiting.queue.ids().any(|id| Some(id) <= newest)
                || waiting.culprits.iter().any(is_newest)
        };
        let waited = self.changed.wait_timeout_while(waiting, patience, is_there);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !is_there(&mut waiting)
    }

    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// How long the oldest has been waiting.
    pub(super) fn age(&self) -> Duration {
        self.lock().queue.since().map(|since| since.elapsed()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.culprits.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::queue::MOST_VALUES;
    use super::*;
    use crate::model::sample::FamilyValues;
    use crate::model::{GapReason, Interval, Sample, UnixMs};

    pub(super) fn sample(era: u32, second: i64, values: usize) -> Observation {
        let t = UnixMs(second * 1_000);
        let families = vec![FamilyValues { family: "load".into(), values: vec![Some(1.0); values] }];
        Observation::Sample { id: EventId { era, t, n: 0 }, sample: Arc::new(Sample { t, families }) }
    }

    pub(super) fn seconds_of(observations: &[Observation]) -> Vec<i64> {
        observations.iter().filter_map(id).map(|id| id.t.0 / 1_000).collect()
    }

    fn seconds(inbox: &Inbox) -> Vec<i64> {
        seconds_of(&inbox.all().1)
    }

    #[test]
    fn samples_wait_for_company_but_not_for_long() {
        let inbox = Inbox::default();
        let began = Instant::now();
        inbox.put(sample(0, 1, 1));
        assert_eq!(inbox.wait(None), Next::Store);
        assert!(began.elapsed() >= PATIENCE - Duration::from_millis(100));
        inbox.put(sample(1, 1, 1));
        assert_eq!(inbox.wait(None), Next::Store, "a new era at once");
        inbox.stored(&inbox.oldest(9), true);
        assert_eq!(inbox.wait(None), Next::Tidy);
        inbox.put(sample(2, 1, 1));
        assert_eq!(inbox.wait(None), Next::Store, "samples come before order");
        let retry = Instant::now() + Duration::from_hours(1);
        assert_eq!(inbox.wait(Some(retry)), Next::Tidy, "which may make the room they wait for");
        inbox.tidied();
        inbox.stored(&inbox.oldest(9), false);
        assert!(inbox.all().1.is_empty());
        inbox.close();
        assert_eq!(inbox.wait(None), Next::StoreLast);
    }

    #[test]
    fn the_oldest_make_room_and_leave_a_gap() {
        let inbox = Inbox::default();
        inbox.put(Observation::Catalog(Arc::new(Catalog::default())));
        for second in 1..=5 {
            inbox.put(sample(0, second, MOST_VALUES / 3));
        }
        assert_eq!(seconds(&inbox), [3, 4, 5]);
        let batch = inbox.oldest(9);
        let [Observation::Gap(lost), Observation::Catalog(_), ..] = batch.observations[..] else {
            panic!("what was lost, and what the others need: {:?}", batch.observations.first());
        };
        let expected = (Some(UnixMs(1_000)), Some(UnixMs(2_000)), GapReason::Expired);
        assert_eq!((lost.from, lost.to, lost.reason), expected);
        assert_eq!(inbox.all().1.len(), batch.observations.len(), "answers know of it, too");
        inbox.put(sample(0, 6, MOST_VALUES / 3));
        inbox.stored(&batch, false);
        assert_eq!(seconds(&inbox), [6]);
    }

    #[test]
    fn who_was_heaviest_waits_with_the_samples_and_makes_room_like_them() {
        let inbox = Inbox::default();
        let put = |second: usize| {
            let at = UnixMs(second as i64 * 1_000);
            inbox.put_culprits(Culprits { at, span_ms: Interval::SECOND, processes: Vec::new() });
        };
        (0..MOST_CULPRITS).for_each(put);
        let batch = inbox.oldest(3);
        (MOST_CULPRITS..MOST_CULPRITS + 2).for_each(put);
        assert_eq!(inbox.culprits().len(), MOST_CULPRITS, "the first two made room");
        inbox.stored(&batch, false);
        let left = inbox.culprits();
        assert_eq!((left.len(), left[0].at), (MOST_CULPRITS - 1, UnixMs(3_000)));
    }
}
