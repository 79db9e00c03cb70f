//! Reading small files behind which hardware stands that may answer late or never, without waiting for it.

use super::file::page;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

/// No more threads than this are left with files that do not answer.
const MOST_HANGING: usize = 8;
const STACK_BYTES: usize = 64 * 1024;

/// How long one file may take, and all of a turn.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub each: Duration,
    pub all: Duration,
}

/// Reads one file after the other on a thread that lasts for a turn. The file that does not answer in time
/// is left to its thread, and another goes on with the rest; until that thread is back the file is not read again.
pub struct PatientReader {
    answer: Sender<Answer>,
    answers: Receiver<Answer>,
    hanging: HashSet<PathBuf>,
    /// The number of the newest thread.
    thread: u64,
    /// Where the last turn ended early, the next one begins: slow files do not starve those behind them.
    first: usize,
}

struct Answer {
    thread: u64,
    path: PathBuf,
    contents: io::Result<Vec<u8>>,
}

impl Default for PatientReader {
    fn default() -> Self {
        let (answer, answers) = mpsc::channel();
        Self { answer, answers, hanging: HashSet::new(), thread: 0, first: 0 }
    }
}

impl PatientReader {
    /// What the files held that answered in time.
    pub fn read(&mut self, paths: &[PathBuf], patience: Patience) -> HashMap<PathBuf, io::Result<Vec<u8>>> {
        let deadline = Instant::now() + patience.all;
        while let Ok(late) = self.answers.try_recv() {
            self.hanging.remove(&late.path);
        }
        let mut contents = HashMap::with_capacity(paths.len());
        let mut ask = None;
        let first = std::mem::take(&mut self.first).min(paths.len());
        let (earlier, later) = paths.split_at(first);
        for (index, path) in later.iter().chain(earlier).enumerate() {
            if self.hanging.contains(path) {
                continue;
            }
            if self.hanging.len() >= MOST_HANGING || Instant::now() >= deadline {
                self.first = (first + index) % paths.len();
                break;
            }
            if ask.is_none() {
                ask = self.start().ok();
            }
            if ask.as_ref().is_none_or(|ask: &Sender<PathBuf>| ask.send(path.clone()).is_err()) {
                break;
            }
            match self.wait(deadline.min(Instant::now() + patience.each)) {
                Some(answer) => drop(contents.insert(answer.path, answer.contents)),
                None => {
                    self.hanging.insert(path.clone());
                    // Nobody asks that thread for more: it ends when its file lets it.
                    ask = None;
                }
            }
        }
        contents
    }

    fn start(&mut self) -> io::Result<Sender<PathBuf>> {
        self.thread += 1;
        let (thread, answer) = (self.thread, self.answer.clone());
        let (ask, asked) = mpsc::channel::<PathBuf>();
        let builder = std::thread::Builder::new().name("sensors".to_owned()).stack_size(STACK_BYTES);
        builder.spawn(move || {
            while let Ok(path) = asked.recv() {
                let contents = page(&path);
                if answer.send(Answer { thread, path, contents }).is_err() {
                    break;
                }
            }
        })?;
        Ok(ask)
    }

    /// The newest thread's answer. Older ones only tell that they are back.
    fn wait(&mut self, until: Instant) -> Option<Answer> {
        loop {
            let answer = self.answers.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
            if answer.thread == self.thread {
                return Some(answer);
            }
            self.hanging.remove(&answer.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::Fixture;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    /// The one that hangs costs it once; on a busy machine the others must not be missed.
    const PATIENCE: Patience = Patience { each: Duration::from_secs(5), all: Duration::from_secs(60) };

    #[test]
    fn a_file_that_hangs_costs_only_itself() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        fixture.write("sys/first", b"1\n")?;
        fixture.write("sys/last", b"3\n")?;
        let paths = ["first", "hangs", "missing", "last"].map(|name| fixture.roots().sys(name));
        // A pipe that nobody writes to is not even opened.
        mknodat(CWD, &paths[1], FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let mut reader = PatientReader::default();
        for turn in 0..3 {
            let contents = reader.read(&paths, PATIENCE);
            let held = |path| contents.get(path).and_then(|contents| contents.as_ref().ok()).map(Vec::as_slice);
            assert_eq!(paths.each_ref().map(held), [Some(&b"1\n"[..]), None, None, Some(b"3\n")], "turn {turn}");
            assert!(contents.contains_key(&paths[2]), "a missing file is an answer");
            assert_eq!(reader.thread, 2 + turn, "the one that hangs is not asked again");
        }
        // Opened for writing and closed again: the reader finds its end.
        drop(std::fs::File::options().write(true).open(&paths[1])?);
        let late = reader.answers.recv_timeout(Duration::from_secs(10))?;
        assert_eq!((late.thread, &late.path), (1, &paths[1]));
        reader.answer.send(late)?;
        reader.read(&[], PATIENCE);
        assert!(reader.hanging.is_empty(), "it may be read again");
        Ok(())
    }
}
