//! The file: how it is opened, what its tables are, and how older ones become like it.

use super::beginnings::Beginnings;
use super::recent::last_seen;
use super::salvage::{check_tables, mend, set_aside};
use super::shapes::Shapes;
use super::trouble::{is_full, may_pass};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) const FILE: &str = "history.db";

/// `Tell`, in the head of the file: it is ours.
const APPLICATION: i32 = 0x5465_6c6c;

/// Extents are some hundred bytes to some kilobytes long: larger pages would stay half empty, and each commit writes
/// whole ones.
const PAGE_BYTES: u32 = 1_024;

/// What a connection may keep of the file in memory.
const CACHE_KIB: i32 = 1_024;

/// How long a connection waits for another one: longer than any transaction takes.
const BUSY: Duration = Duration::from_secs(5);

/// Each makes the tables of its version from those of the one before. A file says how many were done to it.
const STEPS: [&str; 3] = [
    "CREATE TABLE shape (id INTEGER PRIMARY KEY, family BLOB NOT NULL);
     CREATE TABLE era (era INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, is_ended INTEGER NOT NULL);
     CREATE TABLE hot (place INTEGER PRIMARY KEY, last INTEGER NOT NULL, block BLOB NOT NULL);
     CREATE TABLE extent (place INTEGER PRIMARY KEY, era INTEGER NOT NULL, last INTEGER NOT NULL, body BLOB NOT NULL);
     CREATE TABLE gap (first INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL);
     CREATE TABLE catalog (era INTEGER, first INTEGER, shapes BLOB NOT NULL, PRIMARY KEY (era, first)) WITHOUT ROWID;",
    "CREATE TABLE culprit (place INTEGER PRIMARY KEY, last INTEGER NOT NULL, tables BLOB NOT NULL);",
    // WITH_ERAS_OF_GAPS
    "ALTER TABLE gap ADD COLUMN era INTEGER NOT NULL DEFAULT 0;
     UPDATE gap SET era = coalesce((SELECT max(era) FROM era), 0);",
];

/// Besides a copy there has to be room for the step itself.
const ROOM_BESIDE: u64 = 4 << 20;

/// The version since which gaps say which era tells of them.
const WITH_ERAS_OF_GAPS: usize = 3;

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{} was written by a newer Telltale (format {found}, this one knows {}): install that one, or name another directory with --data-dir", .file.display(), STEPS.len())]
    Newer { file: PathBuf, found: usize },
    #[error("{} is another program's database: name another directory with --data-dir", .file.display())]
    Foreign { file: PathBuf },
    #[error("cannot write to {}: {}; name a directory this user may write to with --data-dir, or say --memory-only", .directory.display(), plain(error))]
    Directory { directory: PathBuf, error: io::Error },
    #[error("another Telltale{} keeps its history in {}: stop it, or name another directory with --data-dir", .other.as_ref().map(|other| format!(" ({other})")).unwrap_or_default(), .directory.display())]
    Taken { directory: PathBuf, other: Option<String> },
    #[error("{} was written by an older Telltale, and there is no room beside it for a copy as it is: make room for one, or name another directory with --data-dir", .file.display())]
    NoRoom { file: PathBuf },
    #[error("there is no history in {}; name the directory that a server keeps it in with --data-dir", .directory.display())]
    Missing { directory: PathBuf },
    #[error("{} cannot be read: {reason}; let this user read it, or name another directory with --data-dir", .file.display())]
    Unreadable { file: PathBuf, reason: String },
    #[error("{} cannot be opened: {error}; name another directory with --data-dir, or say --memory-only", .file.display())]
    Database { file: PathBuf, error: rusqlite::Error },
}

/// Without the number of the error.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// One connection to the file, and the families whose columns stand in it.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) shapes: Shapes,
    pub(super) beginnings: Beginnings,
    /// Whether gaps know their era: in a file that is only read and was written by an older Telltale they do not.
    pub(super) has_eras_of_gaps: bool,
    /// Whether others may write while it is open.
    pub(super) is_shared: bool,
}

/// Cheap to clone.
pub(super) type Shared = Arc<Mutex<Database>>;

impl Database {
    /// Nothing of it is ever written.
    pub(super) fn in_memory() -> rusqlite::Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        set_up(&connection)?;
        step(&mut connection, 0)?;
        let shapes = Shapes::read(&connection)?;
        Ok(Self::of(connection, shapes, STEPS.len(), false))
    }

    /// For the one who writes. An older file is brought up to date, and kept beside it as it was.
    pub(super) fn open(directory: &Path) -> Result<Self, OpenError> {
        let file = directory.join(FILE);
        match Self::open_file(&file) {
            // What can't be read at all is set aside, not thrown away: history begins anew.
            Err(OpenError::Database { error, .. }) if is_broken(&error) => {
                tracing::error!(%error, "the history can't be read");
                set_aside(directory)?;
                Self::open_file(&file)
            }
            opened => opened,
        }
    }

    /// For those who only read.
    pub(super) fn read(directory: &Path) -> Result<Self, OpenError> {
        let file = directory.join(FILE);
        let (connection, head, is_shared) =
            connect_anywhere(&file).map_err(|error| OpenError::Database { file: file.clone(), error })?;
        head.check(&file)?;
        // A file in which nothing was ever written is a history of nothing.
        let read = if head.is_empty {
            Self::in_memory()
        } else {
            Shapes::read_what_is_left(&connection).map(|shapes| Self::of(connection, shapes, head.version, is_shared))
        };
        read.map_err(|error| OpenError::Database { file, error })
    }

    fn of(connection: Connection, shapes: Shapes, version: usize, is_shared: bool) -> Self {
        let (beginnings, has_eras_of_gaps) = (Beginnings::default(), version >= WITH_ERAS_OF_GAPS);
        Self { connection, shapes, beginnings, has_eras_of_gaps, is_shared }
    }

    /// Whether it stands for a file in which nothing was ever written.
    pub(super) fn is_of_nothing(&self) -> bool {
        self.connection.path().is_none_or(str::is_empty)
    }

    fn open_file(file: &Path) -> Result<Self, OpenError> {
        let wrong = |error| OpenError::Database { file: file.into(), error };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(file, flags).map_err(wrong)?;
        // What may not be written is opened all the same, and would fail only later.
        if connection.is_readonly("main").map_err(wrong)? {
            let error = io::ErrorKind::PermissionDenied.into();
            return Err(OpenError::Directory { directory: file.into(), error });
        }
        let head = Head::read(&connection).map_err(wrong)?;
        head.check(file)?;
        let version = head.version;
        set_up(&connection).map_err(wrong)?;
        let is_older = version > 0 && version < STEPS.len();
        let backup = if is_older { Some(back_up(&connection, file, version)?) } else { None };
        if let Err(error) = step(&mut connection, version) {
            backup.iter().for_each(|backup| drop(fs::remove_file(backup)));
            return Err(wrong(error));
        }
        check_tables(&connection).and_then(|()| mend(&mut connection)).map_err(wrong)?;
        last_seen(&connection).map_err(wrong)?;
        if let Some(backup) = backup {
            tracing::info!(backup = %backup.display(), "the history is brought up to date; as it was it is kept");
        }
        let shapes = Shapes::read(&connection).map_err(wrong)?;
        Ok(Self::of(connection, shapes, STEPS.len(), true))
    }
}

const TO_READ: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

fn connect_to_read(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(file, TO_READ)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
}

/// A connection to read, what the file says of itself, and whether others may write meanwhile. Where nothing can be
/// written, not even what readers share, it is read as a file that nobody changes; or where some of it stands in its log,
/// by one who is alone with it.
fn connect_anywhere(file: &Path) -> rusqlite::Result<(Connection, Head, bool)> {
    let with_head = |connection: Connection| Head::read(&connection).map(|head| (connection, head));
    let error = match connect_to_read(file).and_then(with_head) {
        Ok((connection, head)) => return Ok((connection, head, true)),
        Err(error) => error,
    };
    if error.sqlite_error_code() != Some(ErrorCode::CannotOpen) && !may_pass(&error) {
        return Err(error);
    }
    let connected = if has_log(file) {
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|connection| {
            connection.busy_timeout(BUSY)?;
            connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
            Ok(connection)
        })
    } else {
        let flags = TO_READ.union(OpenFlags::SQLITE_OPEN_URI);
        Connection::open_with_flags(format!("file:{}?immutable=1", escaped(file)), flags)
    };
    connected.and_then(with_head).map(|(connection, head)| (connection, head, false)).map_err(|_| error)
}

/// Whether some of what was stored stands in the log beside the file.
fn has_log(file: &Path) -> bool {
    fs::metadata(format!("{}-wal", file.display())).is_ok_and(|log| log.len() > 0)
}

/// A path as it stands in a URI.
fn escaped(file: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte);
    let bytes = file.as_os_str().as_encoded_bytes().iter();
    bytes.map(|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What the file says of itself.
struct Head {
    application: i32,
    /// How many steps were done to it.
    version: usize,
    is_empty: bool,
}

impl Head {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let version = usize::try_from(pragma("user_version")?).unwrap_or(usize::MAX);
        Ok(Self { application: pragma("application_id")?, version, is_empty: tables == 0 })
    }

    /// Whether it is a history, and one that this Telltale understands.
    fn check(&self, file: &Path) -> Result<(), OpenError> {
        if !self.is_empty && self.application != APPLICATION {
            return Err(OpenError::Foreign { file: file.into() });
        }
        if self.version > STEPS.len() {
            return Err(OpenError::Newer { file: file.into(), found: self.version });
        }
        Ok(())
    }
}

/// Pages' size and the vacuum can be chosen only before the first table; later they are as they were.
fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // Each commit is on the disk when it is said to be: a power cut costs what came since, not what was said.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "journal_size_limit", 4 << 20, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}

/// All of it or nothing: whatever happens, the file is of one version.
fn step(connection: &mut Connection, version: usize) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for step in STEPS.iter().skip(version) {
        transaction.execute_batch(step)?;
    }
    if version < STEPS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", i32::try_from(STEPS.len()).unwrap_or(i32::MAX))?;
    }
    transaction.commit()
}

/// A copy of an older file beside it. Where there is no room nothing is begun: every other program would feel it.
fn back_up(connection: &Connection, file: &Path, version: usize) -> Result<PathBuf, OpenError> {
    let wrong = |error| OpenError::Database { file: file.into(), error };
    let backup = file.with_extension(format!("v{version}.db"));
    // Made before by somebody who was interrupted.
    drop(fs::remove_file(&backup));
    let needed = used_bytes(connection).map_err(wrong)?;
    let free = file.parent().and_then(|directory| rustix::fs::statvfs(directory).ok());
    if free.is_some_and(|free| free.f_bavail.saturating_mul(free.f_frsize) < needed + ROOM_BESIDE) {
        return Err(OpenError::NoRoom { file: file.into() });
    }
    connection.execute("VACUUM INTO ?1", [backup.to_string_lossy()]).map_err(|error| {
        // Looked for before what was copied gives its room back.
        let is_full = is_full(file.parent(), &error);
        drop(fs::remove_file(&backup));
        if is_full { OpenError::NoRoom { file: file.into() } } else { wrong(error) }
    })?;
    Ok(backup)
}

/// What the file needs, but for pages that are free.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pages = number(connection, "page_count")? - number(connection, "freelist_count")?;
    Ok(u64::try_from(pages * number(connection, "page_size")?).unwrap_or_default())
}

pub(super) fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// Ends what was broken off by a mistake of ours.
pub(super) fn end_what_broke_off(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_autocommit() { Ok(()) } else { connection.execute_batch("ROLLBACK") }
}

/// A transaction that writes.
pub(super) fn transaction(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    end_what_broke_off(connection)?;
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Whether the file itself is at fault, and no wait would help: also where something else stands in a column than was
/// ever written there.
pub(super) fn is_broken(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
        || matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..))
}

/// Damage costs what is damaged, and nothing else waits for it.
pub(super) fn unless_broken(done: rusqlite::Result<()>) -> rusqlite::Result<()> {
    match done {
        Err(error) if is_broken(&error) => {
            tracing::debug!(%error, "damage is in the way");
            Ok(())
        }
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_escaped_for_a_uri() {
        assert_eq!(escaped(Path::new("/a b/100%?#ä.db")), "/a%20b/100%25%3F%23%C3%A4.db");
    }

    #[test]
    fn newer_foreign_and_broken_files() -> Result<(), Box<dyn std::error::Error>> {
        let folder = super::super::fixture::Folder::new()?;
        let file = folder.path.join(FILE);
        drop(Database::open(&folder.path)?);
        let connection = Connection::open(&file)?;
        connection.pragma_update(None, "user_version", 99)?;
        drop(connection);
        let refused = Database::open(&folder.path).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("newer Telltale (format 99"), "{refused}");
        let connection = Connection::open(&file)?;
        connection.pragma_update(None, "application_id", 1)?;
        drop(connection);
        assert!(matches!(Database::open(&folder.path), Err(OpenError::Foreign { .. })));
        fs::write(&file, [7; 5_000])?;
        assert!(Database::open(&folder.path).is_ok(), "begins anew");
        let names = fs::read_dir(&folder.path)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        assert!(names.into_iter().any(|name| name.starts_with("history.damaged-")));
        Ok(())
    }

    #[test]
    fn an_older_file_is_brought_up_to_date_and_kept() -> Result<(), Box<dyn std::error::Error>> {
        let folder = super::super::fixture::Folder::new()?;
        let file = folder.path.join(FILE);
        let connection = Connection::open(&file)?;
        set_up(&connection)?;
        connection.execute_batch(STEPS[0])?;
        connection.execute_batch("INSERT INTO gap VALUES (1, 2, 'late')")?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection.pragma_update(None, "user_version", 1)?;
        drop(connection);
        let database = Database::open(&folder.path)?;
        let count = |connection: &Connection, query: &str| connection.query_row(query, [], |row| row.get::<_, i64>(0));
        assert_eq!(count(&database.connection, "SELECT count(*) FROM gap")?, 1);
        assert_eq!(count(&database.connection, "SELECT count(*) FROM culprit")?, 0);
        let backup = Connection::open(folder.path.join("history.v1.db"))?;
        assert_eq!(count(&backup, "SELECT count(*) FROM gap")?, 1);
        assert_eq!(count(&backup, "PRAGMA user_version")?, 1);
        Ok(())
    }
}
