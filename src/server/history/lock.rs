//! One Telltale a directory: who has the lock says in it who it is.

use super::database::OpenError;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const FILE: &str = "telltale.lock";

/// Held for as long as this lives; the kernel lets go of it however the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Makes the directory where it is missing. `owner` is how the second one will call us.
    pub(super) fn take(directory: &Path, owner: &str) -> Result<Self, OpenError> {
        let wrong = |error| OpenError::Directory { directory: directory.into(), error };
        fs::create_dir_all(directory).map_err(wrong)?;
        let path = directory.join(FILE);
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut other = String::new();
                let read = file.read_to_string(&mut other);
                let other = read.ok().map(|_| other.trim().to_owned()).filter(|other| !other.is_empty());
                return Err(OpenError::Taken { directory: directory.into(), other });
            }
            Err(TryLockError::Error(error)) => return Err(wrong(error)),
        }
        // A disk that is full keeps nobody from going on: only our name is missing then.
        drop(file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(owner.as_bytes())));
        Ok(Self { file })
    }

    /// Whether its file still stands there: another one would keep nobody out.
    pub(super) fn is_of(&self, directory: &Path) -> bool {
        let there = fs::metadata(directory.join(FILE)).map(|file| (file.dev(), file.ino()));
        let own = self.file.metadata().map(|file| (file.dev(), file.ino()));
        there.is_ok_and(|there| own.is_ok_and(|own| own == there))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() -> Result<(), Box<dyn std::error::Error>> {
        let folder = super::super::fixture::Folder::new()?;
        let first = Lock::take(&folder.path, "process 7 on 127.0.0.1:3000")?;
        let refused = Lock::take(&folder.path, "process 8").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(
            refused.starts_with("another Telltale (process 7 on 127.0.0.1:3000) keeps its history in "),
            "{refused}"
        );
        drop(first);
        Lock::take(&folder.path, "process 8")?;
        Ok(())
    }
}
