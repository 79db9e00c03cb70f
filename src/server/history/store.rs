//! The store at work: one thread that writes what the inbox holds, one that answers questions.

use super::course::{Answer, Question};
use super::culprits;
use super::database::{Database, FILE, OpenError, Shared};
use super::inbox::{Inbox, Next};
use super::lock::Lock;
use super::reader::{self, Damages, Recent};
use super::tier::Retention;
use super::writer::{self, Progress};
use crate::model::{Catalog, Culprits, Interval, Observation, UnixMs};
use crate::server::meter::Meter;
use rusqlite::ErrorCode;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::oneshot;

/// After a failure it is tried again this often.
const RETRY: Duration = Duration::from_secs(5);

/// In one transaction.
const MOST_AT_ONCE: usize = 1_000;

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
}

/// Why something is not stored now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub since: UnixMs,
    /// In words: `the disk is full`.
    pub words: String,
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

/// What both threads and everybody else share.
#[derive(Debug)]
struct Shop {
    inbox: Inbox,
    trouble: RwLock<Option<Trouble>>,
    /// Grows when the file was opened anew.
    edition: AtomicU64,
    meter: Arc<Meter>,
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
            return Ok(Self { database, directory: None, retention, recent: Recent::default() });
        };
        let lock = Lock::take(path, &settings.owner)?;
        let mut database = Database::open(path)?;
        let recent = reader::recent(&mut database, past).map_err(wrong)?;
        Ok(Self { database, directory: Some((path.clone(), lock)), retention, recent })
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
        let shop = Arc::new(Shop {
            inbox: Inbox::new(Arc::clone(&catalog)),
            trouble: RwLock::new(None),
            edition: AtomicU64::new(0),
            meter,
        });
        let Opened { database, directory, retention, .. } = opened;
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
        let scribe = Scribe {
            file: directory.as_ref().and_then(|(path, _)| identity(path)),
            shop: Arc::clone(&shop),
            database,
            directory,
            retention,
            progress: Progress::new(catalog),
        };
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

    /// Who was heaviest at an instant, as far as that is kept.
    pub(super) async fn culprits(&self, at: UnixMs) -> Result<Option<Culprits>, Unanswered> {
        // Taken before the file is read: what is stored meanwhile is then found twice.
        let waiting = self.shared.inbox.culprits();
        self.ask(move |database, damages, _| culprits::at(&database.connection, damages, &waiting, at)).await
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
        self.shared.trouble.read().unwrap_or_else(PoisonError::into_inner).clone()
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
        let edition = self.shop.edition.load(Ordering::Acquire);
        if let Some(directory) = self.directory.as_ref().filter(|_| self.database.is_none() || self.edition != edition)
        {
            let opened = Database::read(directory).map_err(|error| {
                tracing::warn!(%error, "the history can't be opened for reading");
                Unanswered::Unreadable
            })?;
            (self.database, self.edition) = (Some(Arc::new(Mutex::new(opened))), edition);
            self.damages = Damages::default();
        }
        self.database.clone().ok_or(Unanswered::Unreadable)
    }
}

impl Shop {
    fn set_trouble(&self, words: Option<String>) {
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

/// The one who writes.
struct Scribe {
    shop: Arc<Shop>,
    database: Shared,
    directory: Option<(PathBuf, Lock)>,
    /// Which file was opened: another one may stand in its place later, or none.
    file: Option<(u64, u64)>,
    retention: Retention,
    progress: Progress,
}

impl Scribe {
    fn run(mut self) {
        let mut retry = None;
        loop {
            let next = self.shop.inbox.wait(retry);
            let stored = catch_unwind(AssertUnwindSafe(|| self.store_all())).unwrap_or_else(|_| {
                self.progress.forget_file();
                let database = &mut *locked(&self.database);
                database.shapes = Default::default();
                drop(database.shapes.renew(&database.connection));
                Err("of a mistake in Telltale".to_owned())
            });
            self.count_written();
            retry = stored.is_err().then(|| Instant::now() + RETRY);
            self.shop.set_trouble(stored.err());
            if next == Next::StoreLast {
                let database = locked(&self.database);
                if retry.is_none()
                    && self.directory.is_some()
                    && let Err(error) = writer::end(&database)
                {
                    tracing::warn!(%error, "the end of the history could not be marked");
                }
                return;
            }
        }
    }

    /// Everything that waits, some at a time; why not, in words.
    fn store_all(&mut self) -> Result<(), String> {
        loop {
            let batch = self.shop.inbox.oldest(MOST_AT_ONCE);
            if batch.is_empty() {
                return Ok(());
            }
            self.look_after_file()?;
            self.with_file(|database, progress, _| writer::store(database, progress, &batch))?;
            let tidied = self.with_file(writer::tidy);
            // Whoever waits for the samples to be stored finds the trouble as it is then.
            self.shop.set_trouble(tidied.clone().err());
            // Stored they are, also when an hour can't be packed: they must neither wait nor be stored again.
            self.shop.inbox.stored(&batch, self.progress.newest);
            tidied?;
        }
    }

    /// Writes something; why not, in words.
    fn with_file(
        &mut self,
        write: impl FnOnce(&mut Database, &mut Progress, &Retention) -> rusqlite::Result<()>,
    ) -> Result<(), String> {
        let mut database = locked(&self.database);
        let database = &mut *database;
        write(database, &mut self.progress, &self.retention).map_err(|error| {
            tracing::debug!(%error, "storing failed");
            self.progress.forget_file();
            // Numbers that were given out may not have been stored.
            database.shapes = Default::default();
            drop(database.shapes.renew(&database.connection));
            // It may be opened for writing again once that is allowed.
            if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) {
                self.file = None;
            }
            words(&error)
        })
    }

    /// A directory that was removed or unmounted would take what is written with it, without an error.
    fn look_after_file(&mut self) -> Result<(), String> {
        let Some((path, lock)) = &mut self.directory else { return Ok(()) };
        if identity(path).is_some() && identity(path) == self.file {
            return Ok(());
        }
        tracing::warn!("the history's file is gone; another one is begun");
        let gone = |error: OpenError| {
            tracing::debug!(%error, "the history can't be opened again");
            let is_there = identity(path).is_some();
            if is_there { "its directory can't be written to" } else { "its directory is gone" }.to_owned()
        };
        // Our own lock would keep ourselves out, too.
        if !lock.is_of(path) {
            *lock = Lock::take(path, &format!("process {}", std::process::id())).map_err(gone)?;
        }
        let database = Database::open(path).map_err(gone)?;
        self.file = identity(path);
        *locked(&self.database) = database;
        self.progress.forget_file();
        self.shop.edition.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn count_written(&self) {
        if self.directory.is_none() {
            return;
        }
        if let Some(bytes) = written_by_this_thread() {
            self.shop.meter.set_written_bytes(bytes);
        }
        let used = writer::used_bytes(&locked(&self.database).connection);
        self.shop.meter.set_stored_bytes(used.unwrap_or_default());
    }
}

/// Which file stands there.
fn identity(directory: &Path) -> Option<(u64, u64)> {
    let file = std::fs::metadata(directory.join(FILE)).ok()?;
    Some((file.dev(), file.ino()))
}

/// As the kernel counts what was handed to it.
fn written_by_this_thread() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/io").ok()?;
    text.lines().find_map(|line| line.strip_prefix("wchar: ")?.trim().parse().ok())
}

fn words(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "its directory can't be written to",
        Some(ErrorCode::SystemIoFailure) => "the disk reports an error",
        Some(ErrorCode::CannotOpen) => "its file can't be opened",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "its file is damaged",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program uses its file",
        _ => "of an unexpected error",
    }
    .to_owned()
}

/// Whoever panicked under the lock left a transaction that is rolled back by the next one to begin.
fn locked(database: &Shared) -> MutexGuard<'_, Database> {
    database.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> UnixMs {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

/// The answer to a question.
pub(super) fn answer(
    question: Question,
) -> impl FnOnce(&mut Database, &mut Damages, (&Catalog, &[Observation])) -> rusqlite::Result<Answer> {
    move |database, damages, waiting| reader::answer(database, damages, waiting, &question)
}
