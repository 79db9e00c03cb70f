//! The store at work: one thread that writes what the inbox holds, one that answers questions.

use super::course::{Answer, Question};
use super::culprits;
use super::damages::Damages;
use super::database::{Database, FILE, OpenError, Shared};
use super::lock::Lock;
use super::reader;
use super::recent::{self, Recent};
use super::scribe::Scribe;
use super::shop::{Shop, locked};
use super::tier::Retention;
use super::trouble::{Trouble, is_full, may_pass, words};
use super::writer;
use crate::model::{Catalog, Culprits, Interval, Observation, UnixMs};
use crate::server::meter::Meter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// So many questions wait for their answers; whoever comes then is told to come later.
const MOST_QUESTIONS: usize = 64;

/// Where and how much is kept.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// `None` keeps an hour in memory and writes nothing.
    pub directory: Option<PathBuf>,
    pub retention: Retention,
    /// How a second Telltale on the same directory will call this one.
    pub owner: String,
}

impl StoreSettings {
    /// For who may write nothing.
    pub fn in_memory() -> Self {
        Self { directory: None, retention: Retention::memory_only(), owner: String::new() }
    }
}

/// Opened, and not at work yet.
#[derive(Debug)]
pub struct Opened {
    database: Database,
    directory: Option<(PathBuf, Lock)>,
    retention: Retention,
    pub recent: Recent,
    /// Why the file could not be opened yet, if that is so.
    trouble: Option<String>,
}

/// There is no answer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// Too many wait already.
    Busy,
    /// The file can't be read, or the server is stopping.
    Unreadable,
}

#[derive(Debug)]
pub(super) struct Store {
    shared: Arc<Shop>,
    questions: Mutex<Option<mpsc::SyncSender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    #[cfg(test)]
    database: Shared,
}

type Job = Box<dyn FnOnce(&mut Desk) + Send>;

/// Where questions are answered.
struct Desk {
    shop: Arc<Shop>,
    database: Option<Shared>,
    directory: Option<PathBuf>,
    edition: u64,
    damages: Damages,
}

impl Opened {
    /// `past` is how much of what was last observed is wanted back.
    pub fn open(settings: &StoreSettings, past: Interval) -> Result<Self, OpenError> {
        let retention = settings.retention.clone();
        let wrong = |error| OpenError::Database { file: settings.directory.clone().unwrap_or_default(), error };
        let Some(path) = &settings.directory else {
            let database = Database::in_memory().map_err(wrong)?;
            return Ok(Self { database, directory: None, retention, recent: Recent::default(), trouble: None });
        };
        let lock = Lock::take(path, &settings.owner)?;
        let (database, recent, trouble) = match Database::open(path) {
            Ok(mut database) => {
                let recent = recent::recent(&mut database, past).map_err(wrong)?;
                // Where that can't be stored nothing can, and every start goes on after the same end until it can.
                if let Err(error) = writer::begin(&database) {
                    tracing::debug!(%error, "the end of the history before is marked still");
                }
                (database, recent, None)
            }
            // A full disk keeps nobody from looking at their machine: it is as if it had become full only now. Ids must go
            // on all the same, so somebody who can't read where is refused.
            Err(OpenError::Database { error, .. }) if may_pass(&error) || is_full(Some(path), &error) => {
                let recent = if path.join(FILE).exists() {
                    recent::recent(&mut Database::read(path)?, past).map_err(wrong)?
                } else {
                    Recent::default()
                };
                (Database::in_memory().map_err(wrong)?, recent, Some(words(Some(path), &error)))
            }
            Err(error) => return Err(error),
        };
        Ok(Self { database, directory: Some((path.clone(), lock)), retention, recent, trouble })
    }

    /// As a full disk would.
    #[cfg(test)]
    pub(super) fn limit_pages(&mut self, pages: i64) -> rusqlite::Result<()> {
        self.database.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
    }

    /// Whether anything outlives the process.
    pub fn is_on_disk(&self) -> bool {
        self.directory.is_some()
    }
}

impl Store {
    pub(super) fn start(opened: Opened, catalog: Arc<Catalog>, meter: Arc<Meter>) -> std::io::Result<Self> {
        let shop = Arc::new(Shop::new(Arc::clone(&catalog), meter));
        let Opened { database, directory, retention, trouble, recent } = opened;
        let is_open = trouble.is_none();
        let is_after_end = recent.last.is_none_or(|last| last.is_end);
        shop.set_trouble(trouble);
        let database = Arc::new(Mutex::new(database));
        let path = directory.as_ref().map(|(path, _)| path.clone());
        let desk = Desk {
            shop: Arc::clone(&shop),
            // Memory has one connection for both.
            database: path.is_none().then(|| Arc::clone(&database)),
            directory: path,
            edition: 0,
            damages: Damages::default(),
        };
        let (sender, jobs) = mpsc::sync_channel(MOST_QUESTIONS);
        #[cfg(test)]
        let writes_to = Arc::clone(&database);
        let scribe = Scribe::new(Arc::clone(&shop), database, directory, is_open, is_after_end, retention, catalog);
        let writing = std::thread::Builder::new().name("history".to_owned()).spawn(move || scribe.run())?;
        let reading = std::thread::Builder::new().name("answers".to_owned()).spawn(move || desk.run(&jobs))?;
        let threads = Mutex::new(vec![writing, reading]);
        Ok(Self {
            shared: shop,
            questions: Mutex::new(Some(sender)),
            threads,
            #[cfg(test)]
            database: writes_to,
        })
    }

    pub(super) fn put(&self, observation: &Observation) {
        self.shared.inbox.put(observation.clone());
        let age = u64::try_from(self.shared.inbox.age().as_millis()).unwrap_or(u64::MAX);
        self.shared.meter.set_unsaved_ms(age);
    }

    pub(super) fn put_culprits(&self, culprits: Culprits) {
        self.shared.inbox.put_culprits(culprits);
    }

    /// Who was heaviest at an instant and so long before it, as far as that is kept.
    pub(super) async fn culprits(&self, at: UnixMs, over: Duration) -> Result<Option<Culprits>, Unanswered> {
        // Taken before the file is read: what is stored meanwhile is then found twice.
        let waiting = self.shared.inbox.culprits();
        self.ask(move |database, damages, _| culprits::at(&database.connection, damages, &waiting, (at, over))).await
    }

    /// Asked on a thread of its own, so that nobody else waits for the disk.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Database, &mut Damages, (&Catalog, &[Observation])) -> rusqlite::Result<T>
        + Send
        + 'static,
    ) -> Result<T, Unanswered> {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |desk| {
            // Whoever asked may have left meanwhile.
            if !sender.is_closed() {
                drop(sender.send(desk.answer(question)));
            }
        });
        let questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match questions.ok_or(Unanswered::Unreadable)?.try_send(job) {
            Ok(()) => answer.await.unwrap_or(Err(Unanswered::Unreadable)),
            Err(mpsc::TrySendError::Full(_)) => Err(Unanswered::Busy),
            Err(mpsc::TrySendError::Disconnected(_)) => Err(Unanswered::Unreadable),
        }
    }

    #[cfg(test)]
    pub(super) fn database(&self) -> &Shared {
        &self.database
    }

    pub(super) fn flush(&self, patience: Duration) -> bool {
        self.shared.inbox.flush(patience)
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.shared.trouble()
    }

    /// Stores what waits and ends both threads.
    pub(super) fn close(&self) {
        self.shared.inbox.close();
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).take();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // One that panicked has said so itself.
            drop(thread.join());
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

impl Desk {
    fn run(mut self, jobs: &mpsc::Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            if catch_unwind(AssertUnwindSafe(|| job(&mut self))).is_err() {
                // What was left half done goes with its connection.
                self.database.take_if(|_| self.directory.is_some());
                tracing::error!("a question about the past could not be answered");
            }
        }
    }

    fn answer<T>(
        &mut self,
        question: impl FnOnce(&mut Database, &mut Damages, (&Catalog, &[Observation])) -> rusqlite::Result<T>,
    ) -> Result<T, Unanswered> {
        // What waits is taken first: what is stored meanwhile is then found twice, and told once.
        let (before, waiting) = self.shop.inbox.all();
        let database = self.database()?;
        let mut database = locked(&database);
        question(&mut database, &mut self.damages, (&before, &waiting)).map_err(|error| {
            tracing::warn!(%error, "the history can't be read");
            Unanswered::Unreadable
        })
    }

    /// The file as it is now: it may have been opened anew.
    fn database(&mut self) -> Result<Shared, Unanswered> {
        let edition = self.shop.edition();
        let Some(directory) = self.directory.as_ref().filter(|_| self.database.is_none() || self.edition != edition)
        else {
            return self.database.clone().ok_or(Unanswered::Unreadable);
        };
        let opened = match Database::read(directory) {
            Ok(opened) => opened,
            // Its directory is gone: what waits is there all the same.
            Err(_) if !directory.join(FILE).exists() && self.shop.trouble().is_some() => {
                Database::in_memory().map_err(|_| Unanswered::Unreadable)?
            }
            Err(error) => {
                tracing::warn!(%error, "the history can't be opened for reading");
                return Err(Unanswered::Unreadable);
            }
        };
        let is_shared = opened.is_shared;
        let opened = Arc::new(Mutex::new(opened));
        // Any other is for this one look: nobody else could write meanwhile.
        if is_shared {
            (self.database, self.edition) = (Some(Arc::clone(&opened)), edition);
            self.damages = Damages::default();
        }
        Ok(opened)
    }
}

/// The answer to a question.
pub(super) fn answer(
    question: Question,
) -> impl FnOnce(&mut Database, &mut Damages, (&Catalog, &[Observation])) -> rusqlite::Result<Answer> {
    move |database, damages, waiting| reader::answer(database, damages, waiting, &question)
}
