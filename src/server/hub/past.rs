//! What memory no longer holds, from the store: a page at a time, each made once for all who ask for it soon.

use super::HelloFacts;
use super::edition::Edition;
use super::frame::Frame;
use super::holes::told;
use crate::model::{Catalog, EventId, EventName, Gap, GapReason, Interval, Sample, UnixMs};
use crate::server::history::{History, Unanswered};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// How much text a page holds, more or less.
const PAGE_BYTES: usize = 128 * 1024;
const MOST_TICKS: i64 = 120;
/// A thousand clients that were thrown out together come back to the same pages.
const KEPT_PAGES: usize = 24;
/// The store has other questions to answer as well.
const PAUSE: Duration = Duration::from_millis(20);
const TRIES: usize = 50;

pub(super) struct Past {
    history: Arc<History>,
    facts: HelloFacts,
    kept: Mutex<Kept>,
    /// One page at a time, so that those who return do not keep everybody else from the store.
    turn: Semaphore,
}

#[derive(Default)]
struct Kept {
    pages: VecDeque<Arc<Page>>,
    /// What was told last of a catalog that is not the one of now.
    edition: Option<Arc<Edition>>,
}

/// What was observed in one stretch of time.
pub(super) struct Page {
    pub(super) from: UnixMs,
    pub(super) to: UnixMs,
    /// The catalog in whose order it is told, and that catalog with what is gone since.
    asked: Arc<Edition>,
    pub(super) edition: Arc<Edition>,
    pub(super) samples: Vec<(EventId, Arc<Frame>)>,
    gaps: Vec<Gap>,
    begins: UnixMs,
    pub(super) next: UnixMs,
}

impl Past {
    pub(super) fn new(history: Arc<History>, facts: HelloFacts) -> Self {
        Self { history, facts, kept: Mutex::default(), turn: Semaphore::new(1) }
    }

    /// From which instant on pages hold what came after an event.
    pub(super) async fn beginning(&self, after: EventId) -> Option<UnixMs> {
        patiently(|| self.history.beginning(after)).await
    }

    /// The page that an instant is on; `None` where the store can't be read. `now` is what comes after the past: its
    /// edition, and its newest event.
    pub(super) async fn page(&self, at: UnixMs, now: &Arc<Edition>, newest: EventId) -> Option<Arc<Page>> {
        let _turn = self.turn.acquire().await.ok()?;
        if let Some(page) = self.kept().pages.iter().find(|page| page.is_of(at, now)) {
            return Some(Arc::clone(page));
        }
        let interval = self.facts.interval;
        let sample = now.frame().size().max(64) / 4;
        let ticks = i64::try_from(PAGE_BYTES / sample).unwrap_or(1).clamp(1, MOST_TICKS);
        let step = ticks * interval.ms();
        let from = UnixMs(at.0.div_euclid(step) * step);
        let to = UnixMs(from.0 + step - 1);
        let replay = patiently(|| self.history.replay((from, to), Arc::clone(now.catalog()))).await?;
        let edition = replay.catalog.map_or_else(|| Arc::clone(now), |catalog| self.edition(catalog));
        let frame = |(id, sample): &(EventId, Arc<Sample>)| {
            (*id, Arc::new(Frame::new(EventName::Sample, Some(*id), &**sample)))
        };
        let page = Arc::new(Page {
            from,
            to,
            asked: Arc::clone(now),
            edition,
            samples: replay.samples.iter().map(frame).collect(),
            gaps: replay.gaps,
            begins: replay.begins,
            next: replay.next.max(UnixMs(to.0 + 1)),
        });
        if to < newest.t {
            let mut kept = self.kept();
            kept.pages.truncate(KEPT_PAGES - 1);
            kept.pages.push_front(Arc::clone(&page));
        }
        Some(page)
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

impl Page {
    fn is_of(&self, at: UnixMs, now: &Arc<Edition>) -> bool {
        (self.from..=self.to).contains(&at) && Arc::ptr_eq(&self.asked, now)
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

/// Whoever is told to come later does so; who is told that there is nothing to read, does not.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<T, Unanswered>>,
{
    for _ in 0..TRIES {
        match ask().await {
            Ok(answer) => return Some(answer),
            Err(Unanswered::Busy) => sleep(PAUSE).await,
            Err(Unanswered::Unreadable) => return None,
        }
    }
    None
}
