//! The thread that stores what the inbox holds, and puts it in order.

use super::database::{Database, FILE, OpenError, Shared, is_broken, used_bytes};
use super::inbox::Next;
use super::lock::Lock;
use super::salvage::set_aside;
use super::shapes::Shapes;
use super::shop::{RETRY, Shop, locked};
use super::tidy::Tidier;
use super::tier::Retention;
use super::trouble::{words, words_of_opening};
use super::writer::{self, Progress};
use crate::model::Catalog;
use rusqlite::ErrorCode;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Opened anew and mended, the file is damaged still.
const BROKEN_FOR_GOOD: u32 = 2;

/// In one transaction.
const MOST_AT_ONCE: usize = 1_000;

pub(super) struct Scribe {
    shop: Arc<Shop>,
    database: Shared,
    directory: Option<(PathBuf, Lock)>,
    /// Which file was opened: another one may stand in its place later, or none. `None` before one could be.
    file: Option<(u64, u64)>,
    retention: Retention,
    progress: Progress,
    /// Whether what is stored goes as far as anything was told before this run.
    is_after_end: bool,
    tidier: Tidier,
    /// How often in a row nothing could be stored because the file is damaged.
    broken: u32,
}

impl Scribe {
    /// `is_open` says whether the directory's file is what the database is of, `is_after_end` whether what that holds goes
    /// as far as anything was told.
    pub(super) fn new(
        shop: Arc<Shop>,
        database: Shared,
        directory: Option<(PathBuf, Lock)>,
        is_open: bool,
        is_after_end: bool,
        retention: Retention,
        catalog: Arc<Catalog>,
    ) -> Self {
        Self {
            file: directory.as_ref().filter(|_| is_open).and_then(|(path, _)| identity(path)),
            directory,
            shop,
            database,
            retention,
            progress: Progress::new(catalog),
            is_after_end,
            tidier: Tidier::default(),
            broken: 0,
        }
    }

    pub(super) fn run(mut self) {
        let mut retry = None;
        loop {
            let next = self.shop.inbox.wait(retry);
            let work = || if next == Next::Tidy { self.tidy() } else { self.store_all() };
            let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                self.learn_anew();
                Err("of a mistake in Telltale".to_owned())
            });
            self.count_written();
            if next == Next::Tidy {
                // All of it is stored: that is no trouble yet.
                if let Err(why) = done {
                    tracing::error!("what is stored can't be packed or forgotten now: {why}; it is tried again later");
                }
                if !self.tidier.is_at_work() {
                    self.shop.inbox.tidied();
                }
            } else {
                retry = done.is_err().then(|| Instant::now() + RETRY);
                self.shop.set_trouble(done.err());
            }
            if next == Next::StoreLast {
                let database = locked(&self.database);
                // One that was told nothing ends where the one before did, if that is known.
                let is_end = self.is_after_end || self.progress.newest.is_some();
                if retry.is_none()
                    && is_end
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
            let before = self.broken;
            let stored = self.with_file(|scribe, database| writer::store(database, &mut scribe.progress, &batch));
            if self.broken > before && self.broken <= BROKEN_FOR_GOOD {
                continue;
            }
            stored?;
            self.broken = 0;
            // Before anybody hears that it is stored.
            self.shop.set_trouble(None);
            self.tidier.look(self.progress.newest);
            self.shop.inbox.stored(&batch, self.tidier.is_at_work());
        }
    }

    /// Puts some of what is stored in order. What is gone can't be: that begins anew with the next store.
    fn tidy(&mut self) -> Result<(), String> {
        self.look_after_file().inspect_err(|_| self.tidier.begin_anew())?;
        self.with_file(|scribe, database| scribe.tidier.go_on(database, &scribe.retention))
    }

    /// Writes something; why not, in words.
    fn with_file(
        &mut self,
        write: impl FnOnce(&mut Self, &mut Database) -> rusqlite::Result<()>,
    ) -> Result<(), String> {
        let database = Arc::clone(&self.database);
        let written = write(self, &mut locked(&database));
        written.map_err(|error| {
            tracing::debug!(%error, "storing failed");
            self.learn_anew();
            let words = words(self.directory.as_ref().map(|(path, _)| path.as_path()), &error);
            // It may be opened for writing again once that is allowed.
            if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) {
                self.file = None;
            }
            // What is damaged is mended when it is opened, as far as that can be.
            if is_broken(&error) && self.directory.is_some() {
                self.file = None;
                self.broken += 1;
            }
            words
        })
    }

    /// What was learned of the file may not be so: numbers that were given out may not have been stored.
    fn learn_anew(&mut self) {
        self.progress.forget_file();
        let mut database = locked(&self.database);
        match Shapes::read(&database.connection) {
            Ok(shapes) => database.shapes = shapes,
            // They are read when the file is opened anew.
            Err(_) => self.file = None,
        }
    }

    /// A directory that was removed or unmounted would take what is written with it, without an error.
    fn look_after_file(&mut self) -> Result<(), String> {
        let Some((path, lock)) = &mut self.directory else { return Ok(()) };
        if identity(path).is_some() && identity(path) == self.file {
            return Ok(());
        }
        if self.file.take().is_some() {
            tracing::warn!("the history's file is gone; another one is begun");
        }
        let gone = |error: OpenError| {
            tracing::debug!(%error, "the history can't be opened again");
            words_of_opening(path, &error)
        };
        // Our own lock would keep ourselves out, too.
        if !lock.is_of(path) {
            *lock = Lock::take(path, &format!("process {}", std::process::id())).map_err(gone)?;
        }
        if self.broken == BROKEN_FOR_GOOD && identity(path).is_some() {
            set_aside(path).map_err(gone)?;
            // Once: if that was no help, there is something else.
            self.broken += 1;
        }
        let database = Database::open(path).map_err(gone)?;
        self.file = identity(path);
        *locked(&self.database) = database;
        self.progress.forget_file();
        self.tidier.begin_anew();
        self.shop.opened_anew();
        Ok(())
    }

    fn count_written(&self) {
        if self.file.is_none() {
            return;
        }
        if let Some(bytes) = written_by_this_thread() {
            self.shop.meter.set_written_bytes(bytes);
        }
        let used = used_bytes(&locked(&self.database).connection);
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

#[cfg(test)]
mod tests {
    use super::super::fixture::Folder;
    use super::*;
    use crate::model::{EventId, UnixMs};
    use std::sync::Mutex;

    #[test]
    fn nothing_is_put_in_order_where_the_directory_is_gone() -> Result<(), Box<dyn std::error::Error>> {
        let folder = Folder::new()?;
        let path = folder.path.join("below");
        let lock = Lock::take(&path, "a test")?;
        let database = Arc::new(Mutex::new(Database::open(&path)?));
        let shop = Arc::new(Shop::new(Arc::default(), Arc::default()));
        let directory = Some((path.clone(), lock));
        let mut scribe = Scribe::new(shop, database, directory, true, true, Retention::default(), Arc::default());
        scribe.tidier.look(Some(EventId { era: 0, t: UnixMs(0), n: 0 }));
        std::fs::remove_dir_all(&path)?;
        std::fs::write(&path, "in the way")?;
        assert_eq!(scribe.tidy(), Err("its directory is gone".to_owned()));
        assert!(!scribe.tidier.is_at_work(), "it would be tried again at once, for ever");
        Ok(())
    }
}
