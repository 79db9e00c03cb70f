//! One control group: what it uses and waits for, as three families at most.

use super::directory::Directory;
use super::names::Name;
use super::stall::Stalls;
use super::tree;
use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::Reading;
use crate::server::sampler::linux::bytes::{entries, number};
use crate::server::sampler::rate::Counter;
use rustix::io::Errno;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub struct Group {
    /// Below the root of the tree.
    pub path: Vec<u8>,
    pub name: Name,
    /// The middle of the ids of its families: the name's, or one like it where that was taken.
    pub id: String,
    directory: PathBuf,
    interval: Interval,
    /// What was there for less than two turns is not worth a change of the catalog.
    is_shown: bool,
    cpu: Cpu,
    memory: Memory,
    stalls: Stalls,
    /// What was read last.
    families: Vec<Arc<Family>>,
}

struct Cpu {
    family: Arc<Family>,
    user: Counter,
    system: Counter,
}

struct Memory {
    family: Arc<Family>,
    /// All of it, and of that the cache, when they were last read.
    last: Option<(u64, u64)>,
}

impl Group {
    pub fn new(root: &Path, path: Vec<u8>, name: Name, id: String, interval: Interval, is_shown: bool) -> Self {
        let directory = tree::at(root, &path);
        let (cpu, memory) = (Cpu::new(&id, &name, interval), Memory::new(&id, &name, interval));
        let (stalls, families) = (Stalls::default(), Vec::new());
        Self { path, name, id, directory, interval, is_shown, cpu, memory, stalls, families }
    }

    /// `None` when the group is gone. `buffer` has room for any of its files; `quiet` tells the resources that
    /// nothing on this machine waited for.
    pub fn read(&mut self, buffer: &mut [u8], quiet: [bool; 3], clock: &dyn Clock) -> Option<Vec<Reading>> {
        let mut directory = match Directory::open(&self.directory, buffer) {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return None,
            // There may be no descriptor left, say.
            Err(_) => return Some(self.families.iter().map(unknown).collect()),
        };
        let at = clock.monotonic();
        let mut readings = Vec::with_capacity(3);
        readings.extend(self.cpu.read(&mut directory, at));
        readings.extend(self.memory.read(&mut directory));
        let family = |dimensions: &[(&str, &str)]| {
            Arc::new(family(&self.id, &self.name, "pressure", Unit::Percent, self.interval, dimensions))
        };
        readings.extend(self.stalls.read(&mut directory, quiet, at, family));
        if !std::mem::replace(&mut self.is_shown, true) {
            readings.clear();
        }
        self.families.clear();
        self.families.extend(readings.iter().map(|reading| Arc::clone(&reading.family)));
        Some(readings)
    }
}

fn unknown(family: &Arc<Family>) -> Reading {
    Reading::new(family, vec![None; family.dimensions.len()])
}

fn family(id: &str, name: &Name, end: &str, unit: Unit, interval: Interval, dimensions: &[(&str, &str)]) -> Family {
    let what = if end == "cpu" { "CPU" } else { end };
    Family::new(&format!("cgroup.{id}.{end}"), &format!("{}: {what}", name.title), unit, interval, dimensions)
}

impl Cpu {
    fn new(id: &str, name: &Name, interval: Interval) -> Self {
        let dimensions = [("user", "user"), ("system", "system")];
        let family = family(id, name, "cpu", Unit::Percent, interval, &dimensions).stacked();
        Self { family: Arc::new(family), user: Counter::default(), system: Counter::default() }
    }

    /// 100 is one core.
    fn read(&mut self, directory: &mut Directory<'_>, at: Duration) -> Option<Reading> {
        let text =
            directory.read(c"cpu.stat").map(|text| text.map(|text| entries(text, [b"user_usec", b"system_usec"])));
        let [user, system] = match text {
            Ok(served) => served?,
            Err(_) => [None; 2],
        };
        let percent = |microseconds_per_second: f64| microseconds_per_second / 10_000.0;
        let values = [self.user.per_second_of(user, at), self.system.per_second_of(system, at)];
        Some(Reading::new(&self.family, values.map(|value| value.map(percent))))
    }
}

impl Memory {
    fn new(id: &str, name: &Name, interval: Interval) -> Self {
        let dimensions = [("used", "used"), ("cache", "cache of files")];
        let family = family(id, name, "memory", Unit::Bytes, interval, &dimensions).stacked();
        Self { family: Arc::new(family), last: None }
    }

    /// `None` where another hierarchy has the controller of memory.
    fn read(&mut self, directory: &mut Directory<'_>) -> Option<Reading> {
        let all = match directory.read(c"memory.current") {
            Ok(served) => number(served?.trim_ascii_end()),
            Err(_) => None,
        };
        self.last = match (all, self.last) {
            // The table is the dearest of all files; while the sum stays the same, so do its parts.
            (Some(all), Some((last, cache))) if all == last => Some((all, cache)),
            (Some(all), _) => cache(directory).map(|cache| (all, cache)),
            (None, _) => None,
        };
        let bytes = |bytes: u64| Some(bytes as f64);
        let values = match self.last {
            Some((all, cache)) => [bytes(all.saturating_sub(cache)), bytes(cache.min(all))],
            None => [None; 2],
        };
        Some(Reading::new(&self.family, values))
    }
}

/// Bytes of files, which can be dropped; shared memory is no file.
fn cache(directory: &mut Directory<'_>) -> Option<u64> {
    let text = directory.read(c"memory.stat").ok()??;
    let [inactive, active] = entries(text, [b"inactive_file", b"active_file"]);
    inactive?.checked_add(active?)
}
