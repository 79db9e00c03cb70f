//! The directory of a control group while its files are read: each is opened for a moment, because hundreds of
//! groups kept open would be thousands of descriptors.

use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::path::Path;

pub struct Directory<'a> {
    descriptor: OwnedFd,
    buffer: &'a mut [u8],
}

impl<'a> Directory<'a> {
    pub fn open(path: &Path, buffer: &'a mut [u8]) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self { descriptor: open(path, flags, Mode::empty())?, buffer })
    }

    /// `None` for a file that does not exist or that the kernel does not serve.
    pub fn read(&mut self, name: &CStr) -> Result<Option<&[u8]>, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(&self.descriptor, name, flags, Mode::empty());
        // The kernel makes such a file at once: a read with room for all of it returns all of it.
        match opened.and_then(|file| rustix::io::read(&file, &mut *self.buffer)) {
            Ok(length) => Ok(Some(&self.buffer[..length])),
            Err(Errno::NOENT | Errno::NODEV | Errno::OPNOTSUPP) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
