//! A file of the kernel that is read again and again: kept open, read from its beginning.

use crate::server::sampler::clock::Clock;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// No table the kernel makes for us is longer; what follows is left unread.
const LONGEST: usize = 4 * 1024 * 1024;
const CHUNK: usize = 8 * 1024;
/// What a file of sysfs can hold.
const PAGE: u64 = 4 * 1024;

pub struct KernelFile {
    path: PathBuf,
    file: Option<File>,
    buffer: Vec<u8>,
}

/// What a file held, and when: the middle of the time it took to read.
pub struct Contents<'a> {
    pub bytes: &'a [u8],
    pub at: Duration,
}

impl KernelFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, buffer: Vec::new() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn read(&mut self, clock: &dyn Clock) -> io::Result<Contents<'_>> {
        let was_open = self.file.is_some();
        let before = clock.monotonic();
        let length = match self.fill() {
            // The file it was may be gone: the one that has its name now is tried before that is an error.
            Err(_) if was_open => self.fill()?,
            result => result?,
        };
        let at = before + clock.monotonic().saturating_sub(before) / 2;
        Ok(Contents { bytes: &self.buffer[..length], at })
    }

    /// As `read`, with `None` for a file that does not exist or that the kernel does not serve.
    pub fn read_if_served(&mut self, clock: &dyn Clock) -> io::Result<Option<Contents<'_>>> {
        match self.read(clock) {
            Ok(contents) => Ok(Some(contents)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::Unsupported) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = Some(File::open(&self.path)?);
        }
        let Some(file) = &self.file else { return Ok(0) };
        let mut length = 0;
        loop {
            if self.buffer.len() - length < CHUNK / 2 {
                self.buffer.resize(self.buffer.len() + CHUNK, 0);
            }
            match file.read_at(&mut self.buffer[length..], length as u64) {
                Ok(0) => return Ok(length),
                Ok(count) => length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.file = None;
                    return Err(error);
                }
            }
            if length >= LONGEST {
                return Ok(length);
            }
        }
    }
}

/// A small file of sysfs, as far as such a file can reach.
pub fn page(path: &Path) -> io::Result<Vec<u8>> {
    let mut page = Vec::with_capacity(64);
    File::open(path)?.take(PAGE).read_to_end(&mut page)?;
    Ok(page)
}

/// A small file of sysfs: one word, without its line end.
pub fn word(path: &Path) -> Option<Vec<u8>> {
    let mut word = page(path).ok()?;
    word.truncate(word.trim_ascii_end().len());
    Some(word)
}

/// What a directory holds, in an order of its own choosing: so many names at most, none where there is no directory.
pub fn names(directory: &Path, most: usize) -> Vec<OsString> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.take(most).map(|entry| entry.file_name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::clock::SystemClock;
    use crate::server::sampler::linux::fixture::Fixture;

    #[test]
    fn a_file_is_read_whole_and_anew() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let long = "x".repeat(100_000);
        fixture.write("proc/stat", long.as_bytes())?;
        let mut file = KernelFile::new(fixture.roots().proc("stat"));
        assert_eq!(file.read(&SystemClock)?.bytes, long.as_bytes());
        fixture.write("proc/stat", b"short\n")?;
        assert_eq!(file.read(&SystemClock)?.bytes, b"short\n");
        Ok(())
    }

    #[test]
    fn a_missing_file_is_told_from_a_broken_one() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        fixture.write("proc/dir/file", b"")?;
        assert!(KernelFile::new(fixture.roots().proc("none")).read_if_served(&SystemClock)?.is_none());
        assert!(KernelFile::new(fixture.roots().proc("dir")).read_if_served(&SystemClock).is_err());
        Ok(())
    }
}
