//! Why nothing is stored, in words.

use super::database::{FILE, OpenError};
use crate::model::UnixMs;
use rusqlite::{ErrorCode, ffi};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// A sample waits longer only where storing neither ends nor fails: a disk in the network may be gone for hours.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// So much is tried to be written where an error says too little: more than a page, less than anybody misses.
const PROBE_BYTES: usize = 65_536;

const FULL: &str = "the disk is full";

/// Why something is not stored now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub since: UnixMs,
    /// In words: `the disk is full`.
    pub words: String,
}

impl Trouble {
    /// What it means that the oldest sample has been waiting for so long.
    pub(super) fn of_wait(wait: Duration, now: UnixMs) -> Option<Self> {
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let since = UnixMs(now.0.saturating_sub(wait_ms));
        (wait > LONGEST_WAIT).then(|| Self { since, words: "the disk takes too long to answer".to_owned() })
    }
}

/// Of a write to a directory's file, or to memory.
pub(super) fn words(directory: Option<&Path>, error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        _ if is_full(directory, error) => FULL,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "its directory can't be written to",
        Some(ErrorCode::SystemIoFailure) => "the disk reports an error",
        Some(ErrorCode::CannotOpen) => "its file can't be opened",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "its file is damaged",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program uses its file",
        _ => "of an unexpected error",
    }
    .to_owned()
}

/// Of a file that was there and can't be opened again.
pub(super) fn words_of_opening(directory: &Path, error: &OpenError) -> String {
    match error {
        OpenError::Database { error, .. } => return words(Some(directory), error),
        OpenError::NoRoom { .. } => FULL,
        OpenError::Directory { error, .. } if is_no_room(error) => FULL,
        OpenError::Newer { .. } => "a newer Telltale's file stands in its place",
        OpenError::Foreign { .. } => "another program's file stands in its place",
        OpenError::Taken { .. } => "another Telltale has taken its place",
        _ if directory.join(FILE).exists() => "its directory can't be written to",
        _ => "its directory is gone",
    }
    .to_owned()
}

/// Whether nothing is wrong with the file, and later it may be written to: there is no room, or a disk in need of help.
pub(super) fn may_pass(error: &rusqlite::Error) -> bool {
    /// What a quota says, and what cannot be enlarged for those who share it.
    const LIMITED: [i32; 4] =
        [ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_TRUNCATE];
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || error.sqlite_extended_error_code().is_some_and(|code| LIMITED.contains(&code))
}

/// Whether a disk has no room, or none for a file more.
pub(super) fn is_full(directory: Option<&Path>, error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => true,
        // There is no room for what readers share.
        _ if error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE) => true,
        Some(ErrorCode::CannotOpen) => directory.is_some_and(has_no_room),
        // A quota is told like a disk that fails.
        _ => may_pass(error) && directory.is_some_and(has_no_room),
    }
}

fn has_no_room(directory: &Path) -> bool {
    let probe = directory.join("telltale.probe");
    let written = File::create(&probe).and_then(|mut file| {
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.sync_all()
    });
    // There need not be any.
    drop(fs::remove_file(&probe));
    written.is_err_and(|error| is_no_room(&error))
}

fn is_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Folder;
    use super::*;

    #[test]
    fn each_is_told_as_what_it_is() -> io::Result<()> {
        let folder = Folder::new()?;
        for (code, expected) in [
            (ffi::SQLITE_FULL, FULL),
            (ffi::SQLITE_IOERR_SHMSIZE, FULL),
            (ffi::SQLITE_IOERR_WRITE, "the disk reports an error"),
            (ffi::SQLITE_IOERR_FSYNC, "the disk reports an error"),
            (ffi::SQLITE_IOERR_READ, "the disk reports an error"),
            (ffi::SQLITE_CANTOPEN, "its file can't be opened"),
            (ffi::SQLITE_READONLY, "its directory can't be written to"),
            (ffi::SQLITE_CORRUPT, "its file is damaged"),
            (ffi::SQLITE_BUSY, "another program uses its file"),
            (ffi::SQLITE_RANGE, "of an unexpected error"),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(words(Some(&folder.path), &error), expected, "{code}");
        }
        assert_eq!(fs::read_dir(&folder.path)?.count(), 0, "nothing is left of what was tried");
        for (kind, expected) in [
            (io::ErrorKind::StorageFull, FULL),
            (io::ErrorKind::QuotaExceeded, FULL),
            (io::ErrorKind::NotADirectory, "its directory is gone"),
        ] {
            let error = OpenError::Directory { directory: folder.path.clone(), error: kind.into() };
            assert_eq!(words_of_opening(&folder.path, &error), expected, "{kind}");
        }
        Ok(())
    }

    #[test]
    fn a_disk_that_does_not_answer_is_trouble_after_a_minute() {
        let since = |wait| Trouble::of_wait(Duration::from_secs(wait), UnixMs(100_000)).map(|trouble| trouble.since);
        assert_eq!([0, 5, 60, 61].map(since), [None, None, None, Some(UnixMs(39_000))]);
    }
}
