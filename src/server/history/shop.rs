//! What the one who stores, the one who answers and everybody else share.

use super::database::{Database, Shared};
use super::inbox::Inbox;
use super::trouble::Trouble;
use crate::model::{Catalog, UnixMs};
use crate::server::meter::Meter;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

/// After a failure it is tried again this often.
pub(super) const RETRY: Duration = Duration::from_secs(5);

/// What both threads and everybody else share.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) inbox: Inbox,
    trouble: RwLock<Option<Trouble>>,
    /// Grows when the file was opened anew.
    edition: AtomicU64,
    pub(super) meter: Arc<Meter>,
}

impl Shop {
    pub(super) fn new(catalog: Arc<Catalog>, meter: Arc<Meter>) -> Self {
        Self { inbox: Inbox::new(catalog), trouble: RwLock::new(None), edition: AtomicU64::new(0), meter }
    }

    /// Grows whenever the file is opened anew.
    pub(super) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    pub(super) fn opened_anew(&self) {
        self.edition.fetch_add(1, Ordering::Release);
    }

    /// Also where storing neither ends nor fails.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let failed = self.trouble.read().unwrap_or_else(PoisonError::into_inner).clone();
        failed.or_else(|| Trouble::of_wait(self.inbox.age(), now()))
    }

    pub(super) fn set_trouble(&self, words: Option<String>) {
        let mut trouble = self.trouble.write().unwrap_or_else(PoisonError::into_inner);
        match (words, trouble.is_some()) {
            (Some(words), false) => {
                tracing::error!("nothing is stored: {words}; it is tried again every {} s", RETRY.as_secs());
                *trouble = Some(Trouble { since: now(), words });
            }
            (Some(words), true) => trouble.iter_mut().for_each(|trouble| trouble.words.clone_from(&words)),
            (None, true) => {
                tracing::info!("the history is stored again");
                *trouble = None;
            }
            (None, false) => {}
        }
    }
}

/// Whoever panicked under the lock left a transaction that is rolled back by the next one to begin.
pub(super) fn locked(database: &Shared) -> MutexGuard<'_, Database> {
    database.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> UnixMs {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}
