//! The processes of this machine, from `/proc/<pid>/stat`, `io` and `cmdline`.

mod cmdline;
mod folder;
mod stat;

use super::Roots;
use super::bytes::entries;
use crate::model::{Process, ProcessTable, UnixMs, label};
use crate::server::sampler::clock::{Clock, Moment};
use crate::server::sampler::processes::rates::{Rates, Usage};
use crate::server::sampler::processes::users::Users;
use crate::server::sampler::processes::{MOST_PROCESSES, Scan};
use anyhow::Context;
use folder::Folder;
use stat::Stat;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// So far the wall clock may wander before the instant of the boot is taken anew.
const BOOT_SLACK_MS: u64 = 1_000;

pub struct Processes {
    roots: Roots,
    with_arguments: bool,
    /// Open while somebody looks.
    folder: Option<Folder>,
    known: HashMap<u32, Known>,
    users: Users,
    /// By the wall clock. It is kept, so that a process does not seem to begin at another time in each scan.
    booted_ms: i64,
    /// When the scan before was made, if there was one.
    before: Option<Moment>,
    ticks_per_s: u64,
    page_bytes: u64,
}

/// What is kept of a process from scan to scan.
#[derive(Default)]
struct Known {
    /// Another process with the same number began at another time.
    started: Option<Duration>,
    /// As the kernel has it; it may change.
    comm: Vec<u8>,
    name: Arc<str>,
    arguments: Arguments,
    rates: Rates,
    is_alive: bool,
}

/// As they are shown, which costs more to find out than to see that they are the same as before.
#[derive(Default)]
struct Arguments {
    /// Of what the kernel says.
    digest: u64,
    shown: Option<Arc<str>>,
}

impl Processes {
    /// `users` is the file of users.
    pub fn new(roots: &Roots, users: PathBuf, with_arguments: bool) -> Self {
        Self {
            roots: roots.clone(),
            with_arguments,
            folder: None,
            known: HashMap::new(),
            users: Users::new(users),
            booted_ms: i64::MIN,
            before: None,
            ticks_per_s: rustix::param::clock_ticks_per_second().max(1),
            page_bytes: rustix::param::page_size() as u64,
        }
    }

    /// `None` for a process that ended meanwhile.
    fn process(&mut self, folder: &mut Folder, pid: u32, clock: &dyn Clock) -> Option<Process> {
        let stat = Stat::parse(folder.read(pid, "stat")?)?;
        let at = clock.monotonic();
        let (read_bytes, written_bytes) = folder.read(pid, "io").map_or((None, None), io_bytes);
        let usage = Usage { cpu_us: self.micros(stat.cpu_ticks), read_bytes, written_bytes };
        let started = Duration::from_micros(self.micros(stat.started_ticks));

        let known = self.known.entry(pid).or_default();
        known.is_alive = true;
        if known.started != Some(started) {
            let rates = match self.before {
                Some(before) if started >= before.boottime => Rates::since(before.monotonic),
                _ => Rates::default(),
            };
            *known = Known { started: Some(started), rates, is_alive: true, ..Known::default() };
        }
        if known.comm != stat.comm {
            let cmdline = stat.is_cut().then(|| folder.read(pid, "cmdline")).flatten();
            let name = cmdline.and_then(|cmdline| cmdline::full_name(cmdline, &stat.comm));
            known.name = label::text(name.unwrap_or(&stat.comm)).into();
            known.comm = stat.comm;
        }
        let mut process = Process {
            pid,
            name: Arc::clone(&known.name),
            user: folder.owner(pid).map(|owner| self.users.name(owner)),
            memory_bytes: stat.resident_pages.map(|pages| pages.saturating_mul(self.page_bytes)),
            threads: stat.threads,
            started_at: Some(second_of(self.booted_ms, started)),
            ..Process::default()
        };
        known.rates.tell(usage, at, &mut process);
        if self.with_arguments {
            process.arguments = known.arguments.shown(folder.read(pid, "cmdline").unwrap_or_default());
        }
        Some(process)
    }

    fn micros(&self, ticks: u64) -> u64 {
        ticks.saturating_mul(1_000_000) / self.ticks_per_s
    }

    fn note_boot(&mut self, now: Moment) {
        let booted_ms = now.wall().0.saturating_sub(i64::try_from(now.boottime.as_millis()).unwrap_or(i64::MAX));
        if self.booted_ms.abs_diff(booted_ms) > BOOT_SLACK_MS {
            self.booted_ms = booted_ms;
        }
    }
}

impl Arguments {
    fn shown(&mut self, cmdline: &[u8]) -> Option<Arc<str>> {
        let mut hasher = DefaultHasher::new();
        hasher.write(cmdline);
        let digest = hasher.finish();
        if digest != self.digest {
            *self = Self { digest, shown: cmdline::shown(cmdline).map(Arc::from) };
        }
        self.shown.clone()
    }
}

impl Scan for Processes {
    fn scan(&mut self, clock: &dyn Clock) -> anyhow::Result<ProcessTable> {
        let now = clock.now();
        self.note_boot(now);
        self.users.refresh();
        let mut folder = match self.folder.take() {
            Some(folder) => folder,
            None => Folder::open(&self.roots.proc("")).context("the processes cannot be listed")?,
        };
        let (pids, total) = folder.pids(MOST_PROCESSES).context("the processes cannot be listed")?;
        let mut processes = Vec::with_capacity(pids.len());
        processes.extend(pids.iter().filter_map(|&pid| self.process(&mut folder, pid, clock)));
        self.known.retain(|_, known| std::mem::take(&mut known.is_alive));
        (self.folder, self.before) = (Some(folder), Some(now));
        Ok(ProcessTable { at: now.wall(), total, processes })
    }

    fn forget(&mut self) {
        (self.folder, self.before, self.known) = (None, None, HashMap::new());
        self.users.forget();
    }
}

/// The instant so long after the boot, in whole seconds: nobody looks closer.
fn second_of(booted_ms: i64, started: Duration) -> UnixMs {
    let at = booted_ms.saturating_add(i64::try_from(started.as_millis()).unwrap_or(i64::MAX));
    UnixMs(at).floor_to(crate::model::Interval::SECOND)
}

/// What was read from and written to disks.
fn io_bytes(io: &[u8]) -> (Option<u64>, Option<u64>) {
    let [read, written] = entries(io, [b"read_bytes:", b"write_bytes:"]);
    (read, written)
}

#[cfg(test)]
mod tests;
