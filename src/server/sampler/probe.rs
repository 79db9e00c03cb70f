//! Asking a file system how full it is, without ever waiting for one that hangs.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

/// How full a file system is, in bytes and in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    pub total: u64,
    pub free: u64,
    /// What is free to ordinary users.
    pub available: u64,
    pub inodes: u64,
    pub inodes_free: u64,
}

/// Whoever can be asked; a test gives answers of its own.
pub trait Probe: Send + Sync + 'static {
    fn space(&self, point: &Path) -> io::Result<Space>;

    /// Files can be mount points too, in containers; those are no place of their own.
    fn is_directory(&self, point: &Path) -> bool;
}

/// The kernel.
#[derive(Clone, Copy, Debug)]
pub struct Statvfs;

impl Probe for Statvfs {
    fn space(&self, point: &Path) -> io::Result<Space> {
        let answer = rustix::fs::statvfs(point)?;
        let bytes = |blocks: u64| blocks.saturating_mul(answer.f_frsize);
        Ok(Space {
            total: bytes(answer.f_blocks),
            free: bytes(answer.f_bfree),
            available: bytes(answer.f_bavail),
            inodes: answer.f_files,
            inodes_free: answer.f_ffree,
        })
    }

    fn is_directory(&self, point: &Path) -> bool {
        point.is_dir()
    }
}

/// No more threads than this wait for file systems that do not answer.
const MOST_WAITING: usize = 32;
const STACK_BYTES: usize = 64 * 1024;

/// Asks remote file systems, each on a thread of its own that lasts until the answer: a mount whose
/// thread has not come back is not asked again.
pub struct RemoteProbe {
    probe: Arc<dyn Probe>,
    waiting: HashMap<Vec<u8>, u64>,
    answer: Sender<Answer>,
    answers: Receiver<Answer>,
    turn: u64,
}

struct Answer {
    point: Vec<u8>,
    turn: u64,
    space: io::Result<Space>,
}

impl RemoteProbe {
    pub fn new(probe: Arc<dyn Probe>) -> Self {
        let (answer, answers) = mpsc::channel();
        Self { probe, waiting: HashMap::new(), answer, answers, turn: 0 }
    }

    /// The answers that came in time, by mount point.
    pub fn ask<'a>(
        &mut self,
        points: impl Iterator<Item = &'a [u8]>,
        patience: Duration,
    ) -> HashMap<Vec<u8>, io::Result<Space>> {
        let deadline = Instant::now() + patience;
        self.turn += 1;
        while let Ok(late) = self.answers.try_recv() {
            self.waiting.remove(&late.point);
        }
        for point in points {
            if self.waiting.len() < MOST_WAITING && !self.waiting.contains_key(point) && self.send(point).is_ok() {
                self.waiting.insert(point.to_vec(), self.turn);
            }
        }
        let mut spaces = HashMap::new();
        while self.waiting.values().any(|turn| *turn == self.turn) {
            let patience = deadline.saturating_duration_since(Instant::now());
            let Ok(answer) = self.answers.recv_timeout(patience) else { break };
            self.waiting.remove(&answer.point);
            if answer.turn == self.turn {
                spaces.insert(answer.point, answer.space);
            }
        }
        spaces
    }

    fn send(&self, point: &[u8]) -> io::Result<()> {
        let (probe, answer) = (Arc::clone(&self.probe), self.answer.clone());
        let (point, turn) = (point.to_vec(), self.turn);
        let thread = std::thread::Builder::new().name("probe".to_owned()).stack_size(STACK_BYTES);
        thread.spawn(move || {
            let space = probe.space(Path::new(OsStr::from_bytes(&point)));
            // Nobody may be there any more to hear it.
            let _ = answer.send(Answer { point, turn, space });
        })?;
        Ok(())
    }
}
