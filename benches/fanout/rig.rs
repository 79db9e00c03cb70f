//! Processes that the comparison starts: each on its core, with lines in and out, and gone with their owner.

use crate::Result;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long what was asked to end may take before it is killed.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone, Copy)]
pub(crate) enum Core {
    Server,
    Clients,
}

pub(crate) struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(core: Core, command: &Command) -> Result<Self> {
        let core = match core {
            Core::Server => "0",
            Core::Clients => "1",
        };
        // It becomes the command, so its number is the command's.
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", core]).arg(command.get_program()).args(command.get_args());
        let child = pinned.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("taskset (of util-linux) cannot be started: {error}"))?;
        let lines = child.stdout.take().ok_or("the process has an output")?;
        Ok(Self { child, lines: BufReader::new(lines) })
    }

    /// This program as another of its processes.
    pub(crate) fn own(core: Core, arguments: &[&str]) -> Result<Self> {
        Self::start(core, Command::new(std::env::current_exe()?).args(arguments))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn say(&mut self, line: &str) -> Result {
        let input = self.child.stdin.as_mut().ok_or("the process has an input")?;
        Ok(writeln!(input, "{line}")?)
    }

    /// What follows this word on the next line it prints.
    pub(crate) fn hear(&mut self, word: &str) -> Result<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        let rest = line.trim_end().strip_prefix(word);
        Ok(rest.ok_or_else(|| format!("{word} was expected, not {line:?}"))?.trim().to_owned())
    }

    /// Asks it to end; how it ended and after how long, or nothing if it did not.
    pub(crate) fn stop(&mut self, patience: Duration) -> Result<Option<(ExitStatus, Duration)>> {
        let began = Instant::now();
        let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("the process has a number")?;
        kill_process(process, Signal::TERM)?;
        while began.elapsed() < patience {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some((status, began.elapsed())));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(None)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nginx lets its workers go only when it is asked to.
        if !matches!(self.child.try_wait(), Ok(Some(_))) && !matches!(self.stop(PATIENCE), Ok(Some(_))) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Goes with its owner.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("target/tmp/bench-fanout-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is cargo's to sweep.
        drop(fs::remove_dir_all(&self.0));
    }
}
