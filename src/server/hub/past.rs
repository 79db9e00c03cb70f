//! What memory no longer holds, from the store: a page at a time, each made once for all who ask for it soon.

use super::HelloFacts;
use super::edition::Edition;
use super::frame::Frame;
use super::holes::told;
use super::ring::Slot;
use crate::model::{Catalog, EventId, EventName, Gap, GapReason, Interval, Sample, UnixMs};
use crate::server::history::{History, Unanswered};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

/// How much text a page holds, more or less.
const PAGE_BYTES: usize = 128 * 1024;
const MOST_TICKS: i64 = 120;
/// A thousand clients that were thrown out together come back to the same pages.
const KEPT_PAGES: usize = 48;
/// And when nobody has come for so long, to none.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// The store has other questions to answer as well.
const PAUSE: Duration = Duration::from_millis(20);
/// It may be opened anew meanwhile. When it could not be read for so long, those who return are better served with what
/// comes next.
const PATIENCE: Duration = Duration::from_secs(20);
/// Parts of that patience, after each of which it is tried again.
const TRIES: u32 = 20;

pub(super) struct Past {
    history: Arc<History>,
    facts: HelloFacts,
    kept: Mutex<Kept>,
    /// One question at a time, so that those who return do not keep everybody else from the store.
    turn: Semaphore,
    trouble: Trouble,
}

/// That the store can't be read, whoever asks.
struct Trouble {
    patience: Duration,
    /// The first failure and the last one, with no answer between.
    failed: Mutex<Option<(Instant, Instant)>>,
}

struct Kept {
    /// What was asked for last stands first.
    pages: VecDeque<Arc<Page>>,
    asked: Instant,
    /// What was told last of a catalog that is not the one of now.
    edition: Option<Arc<Edition>>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Beginning {
    /// What comes after an event, which may be of another clock.
    After(EventId),
    /// The page that an instant is on.
    At(UnixMs),
}

/// What was observed in one stretch of time.
pub(super) struct Page {
    pub(super) from: UnixMs,
    pub(super) to: UnixMs,
    /// The catalog in whose order it is told, and that catalog with what is gone since.
    asked: Arc<Edition>,
    pub(super) edition: Arc<Edition>,
    /// The era in which it was told: one that begins later may have more for the same instants.
    era: u32,
    pub(super) samples: Vec<(EventId, Arc<Frame>)>,
    gaps: Vec<Gap>,
    begins: UnixMs,
    pub(super) next: UnixMs,
}

impl Past {
    pub(super) fn new(history: Arc<History>, facts: HelloFacts) -> Self {
        Self {
            history,
            facts,
            kept: Mutex::new(Kept { pages: VecDeque::new(), asked: Instant::now(), edition: None }),
            turn: Semaphore::new(1),
            trouble: Trouble::bearable_for(PATIENCE),
        }
    }

    /// Where the past begins that was asked for, with all of its stretch; `None` where the store can't be read. What
    /// follows after the past is from `oldest` to `newest`.
    pub(super) async fn page(&self, beginning: Beginning, oldest: &Slot, newest: EventId) -> Option<Arc<Page>> {
        let _turn = self.turn.acquire().await.ok()?;
        let at = match beginning {
            Beginning::At(at) => at,
            Beginning::After(id) if id.era == oldest.id.era => UnixMs(id.t.0 + 1),
            Beginning::After(id) => self.trouble.patiently(|| self.history.beginning(id)).await?,
        };
        let now = &oldest.edition;
        if let Some(page) = self.kept().page(at, now, newest.era) {
            return Some(page);
        }
        let interval = self.facts.interval;
        let sample = now.frame().size().max(64) / 4;
        let ticks = i64::try_from(PAGE_BYTES / sample).unwrap_or(1).clamp(1, MOST_TICKS);
        let step = ticks * interval.ms();
        let from = UnixMs(at.0.div_euclid(step) * step);
        let to = UnixMs(from.0 + step - 1);
        let ask = || self.history.replay((from, to), Arc::clone(now.catalog()));
        let replay = self.trouble.patiently(ask).await?;
        let edition = replay.catalog.map_or_else(|| Arc::clone(now), |catalog| self.edition(catalog));
        let frame = |(id, sample): &(EventId, Arc<Sample>)| {
            (*id, Arc::new(Frame::new(EventName::Sample, Some(*id), &**sample)))
        };
        let page = Arc::new(Page {
            from,
            to,
            asked: Arc::clone(now),
            edition,
            era: newest.era,
            samples: replay.samples.iter().map(frame).collect(),
            gaps: replay.gaps,
            begins: replay.begins,
            next: replay.next.max(UnixMs(to.0 + 1)),
        });
        if to < newest.t {
            self.kept().keep(&page);
        }
        Some(page)
    }

    /// To be called now and then: nothing is kept for those who do not come any more.
    pub(super) fn forget(&self) {
        let mut kept = self.kept();
        if !kept.pages.is_empty() && kept.asked.elapsed() > KEPT_FOR {
            (kept.pages, kept.edition) = (VecDeque::new(), None);
        }
    }

    fn edition(&self, catalog: Catalog) -> Arc<Edition> {
        let mut kept = self.kept();
        let known = kept.edition.take().filter(|edition| **edition.catalog() == catalog);
        let edition = known.unwrap_or_else(|| Arc::new(Edition::new(Arc::new(catalog), self.facts.clone())));
        kept.edition = Some(Arc::clone(&edition));
        edition
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn page(&mut self, at: UnixMs, now: &Arc<Edition>, era: u32) -> Option<Arc<Page>> {
        self.asked = Instant::now();
        let index = self.pages.iter().position(|page| page.is_of(at, now, era))?;
        let page = self.pages.remove(index)?;
        self.pages.push_front(Arc::clone(&page));
        Some(page)
    }

    fn keep(&mut self, page: &Arc<Page>) {
        self.pages.truncate(KEPT_PAGES - 1);
        self.pages.push_front(Arc::clone(page));
    }
}

impl Page {
    fn is_of(&self, at: UnixMs, now: &Arc<Edition>, era: u32) -> bool {
        (self.from..=self.to).contains(&at) && Arc::ptr_eq(&self.asked, now) && self.era == era
    }

    /// What is missing between two instants that are told one after the other.
    pub(super) fn holes(&self, carried: &[Gap], interval: Interval, after: UnixMs, before: UnixMs) -> Vec<Gap> {
        let known = carried.iter().chain(&self.gaps);
        let otherwise = |at: UnixMs| if at < self.begins { GapReason::Expired } else { GapReason::Unknown };
        told(interval, (after, before), known, otherwise, self.begins)
    }

    pub(super) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }
}

impl Trouble {
    fn bearable_for(patience: Duration) -> Self {
        Self { patience, failed: Mutex::default() }
    }

    /// Whoever is told to come later does so; who is told that there is nothing to read, or is told nothing at all, tries
    /// again for a while.
    async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, Unanswered>>,
    {
        let began = Instant::now();
        loop {
            // Who knows that it hangs does not wait for it as long again.
            let longest = if self.lasts_too_long() { self.patience / TRIES } else { self.patience };
            let asked = Instant::now();
            match timeout(longest, ask()).await {
                Ok(Ok(answer)) => {
                    *self.failed() = None;
                    return Some(answer);
                }
                Ok(Err(Unanswered::Busy)) if began.elapsed() < 3 * self.patience => sleep(PAUSE).await,
                _ => {
                    self.fail(asked);
                    if self.lasts_too_long() {
                        return None;
                    }
                    sleep(self.patience / TRIES).await;
                }
            }
        }
    }

    fn fail(&self, asked: Instant) {
        let mut failed = self.failed();
        // What was long ago is another trouble.
        let first =
            failed.filter(|(_, last)| asked.duration_since(*last) < self.patience).map_or(asked, |(first, _)| first);
        *failed = Some((first, Instant::now()));
    }

    fn lasts_too_long(&self) -> bool {
        let is_long = |(first, last): &(Instant, Instant)| *last - *first >= self.patience;
        self.failed().as_ref().is_some_and(is_long)
    }

    fn failed(&self) -> MutexGuard<'_, Option<(Instant, Instant)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const TROUBLE: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn who_is_told_to_wait_waits() {
        for (refusal, times, expected) in [
            (Unanswered::Busy, 0, Some(())),
            (Unanswered::Busy, 20, Some(())),
            (Unanswered::Busy, usize::MAX, None),
            (Unanswered::Unreadable, 2, Some(())),
            (Unanswered::Unreadable, usize::MAX, None),
        ] {
            let trouble = Trouble::bearable_for(TROUBLE);
            let asked = Cell::new(0);
            let ask = || async {
                asked.set(asked.get() + 1);
                if asked.get() > times { Ok(()) } else { Err(refusal) }
            };
            assert_eq!(trouble.patiently(ask).await, expected, "{refusal:?} {times} times");
        }
    }

    #[tokio::test]
    async fn nobody_waits_again_for_what_is_known_to_be_broken() {
        let trouble = Trouble::bearable_for(TROUBLE);
        let hang = || std::future::pending::<Result<(), Unanswered>>();
        let refuse = async || Err::<(), _>(Unanswered::Unreadable);
        assert_eq!(trouble.patiently(hang).await, None);
        let began = Instant::now();
        assert_eq!((trouble.patiently(hang).await, trouble.patiently(refuse).await), (None, None));
        assert!(began.elapsed() < TROUBLE, "{:?}", began.elapsed());
        // Another trouble, much later, is waited for again.
        sleep(2 * TROUBLE).await;
        let began = Instant::now();
        assert_eq!(trouble.patiently(refuse).await, None);
        assert!(began.elapsed() >= TROUBLE);
        let answer = trouble.patiently(async || Ok(7)).await;
        assert_eq!((answer, trouble.lasts_too_long()), (Some(7), false));
    }
}
