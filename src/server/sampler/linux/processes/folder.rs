//! The folder of all processes, read with as few system calls as there can be: this is done for each process.

use crate::server::sampler::linux::bytes::number;
use rustix::fs::{AtFlags, Mode, OFlags, RawDir, SeekFrom, open, openat, seek, statat};
use rustix::io::{Errno, read, retry_on_intr};
use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Of a longer file only so much is read.
pub(super) const LONGEST: usize = 4_096;

/// For the names of a few hundred processes at a time.
const ENTRIES_BYTES: usize = 16 * 1024;

pub(super) struct Folder {
    folder: OwnedFd,
    entries: Vec<u8>,
    path: String,
    contents: Vec<u8>,
}

impl Folder {
    pub(super) fn open(path: &Path) -> rustix::io::Result<Self> {
        let folder = open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { folder, entries: Vec::with_capacity(ENTRIES_BYTES), path: String::new(), contents: vec![0; LONGEST] })
    }

    /// At most so many, and how many there are.
    pub(super) fn pids(&mut self, limit: usize) -> rustix::io::Result<(Vec<u32>, usize)> {
        seek(&self.folder, SeekFrom::Start(0))?;
        let (mut pids, mut total) = (Vec::new(), 0);
        let mut entries = RawDir::new(&self.folder, self.entries.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let pid = match entry {
                Ok(entry) => number(entry.file_name().to_bytes()).and_then(|pid| u32::try_from(pid).ok()),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error),
            };
            total += usize::from(pid.is_some());
            pids.extend(pid.filter(|_| total <= limit));
        }
        Ok((pids, total))
    }

    /// `None` for what is gone, or may not be read.
    pub(super) fn read(&mut self, pid: u32, file: &str) -> Option<&[u8]> {
        self.path.clear();
        // Writing to a `String` cannot fail.
        let _ = write!(self.path, "{pid}/{file}");
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = openat(&self.folder, self.path.as_str(), flags, Mode::empty()).ok()?;
        let length = retry_on_intr(|| read(&file, &mut self.contents[..])).ok()?;
        Some(&self.contents[..length])
    }

    /// Who a process belongs to: the owner of its folder, also where its files say otherwise.
    pub(super) fn owner(&mut self, pid: u32) -> Option<u32> {
        self.path.clear();
        let _ = write!(self.path, "{pid}");
        statat(&self.folder, self.path.as_str(), AtFlags::SYMLINK_NOFOLLOW).ok().map(|stat| stat.st_uid)
    }
}
