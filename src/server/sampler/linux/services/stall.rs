//! The pressure in a control group, and when there is no need to ask for it.

use super::directory::Directory;
use crate::model::Family;
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::Reading;
use crate::server::sampler::linux::Roots;
use crate::server::sampler::linux::file::KernelFile;
use crate::server::sampler::linux::pressure::total;
use crate::server::sampler::rate::Counter;
use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

const RESOURCES: [(&str, &str, &CStr); 3] = [
    ("cpu", "some tasks waiting for the CPU", c"cpu.pressure"),
    ("memory", "some tasks waiting for memory", c"memory.pressure"),
    ("io", "some tasks waiting for disks", c"io.pressure"),
];

/// For each resource, whether nothing waited for it anywhere: then nothing did in any group, and hundreds of
/// files need not be opened.
pub struct Quiet([(KernelFile, Total); 3]);

#[derive(Default)]
struct Total {
    last: Option<u64>,
    turns_unchanged: u32,
}

impl Quiet {
    pub fn new(roots: &Roots) -> Self {
        let file = |name| KernelFile::new(roots.proc("pressure").join(name));
        Self(RESOURCES.map(|(name, ..)| (file(name), Total::default())))
    }

    pub fn read(&mut self, clock: &dyn Clock) -> [bool; 3] {
        self.0.each_mut().map(|(file, known)| {
            let now = file.read(clock).ok().and_then(|contents| total(contents.bytes, b"some"));
            let unchanged = now.is_some() && now == known.last;
            known.last = now;
            known.turns_unchanged = if unchanged { known.turns_unchanged.saturating_add(1) } else { 0 };
            // The kernel adds up every two seconds, for each group at a time of its own: a turn later all have.
            known.turns_unchanged > 1
        })
    }
}

/// The stalls of one group.
#[derive(Default)]
pub struct Stalls {
    stalls: [Stall; 3],
    family: Option<Arc<Family>>,
}

#[derive(Default)]
struct Stall {
    /// Whether the kernel served the file when it was last asked.
    is_served: bool,
    total: Option<u64>,
    counter: Counter,
}

impl Stalls {
    /// `None` where the kernel was built or started without it.
    pub fn read(
        &mut self,
        directory: &mut Directory<'_>,
        quiet: [bool; 3],
        at: Duration,
        family: impl FnOnce(&[(&str, &str)]) -> Arc<Family>,
    ) -> Option<Reading> {
        let served_before = self.served();
        let mut values = Vec::with_capacity(RESOURCES.len());
        for ((stall, (_, _, file)), quiet) in self.stalls.iter_mut().zip(RESOURCES).zip(quiet) {
            if !(quiet && stall.total.is_some()) {
                let contents = directory.read(file);
                stall.is_served = !matches!(contents, Ok(None));
                stall.total = contents.ok().flatten().and_then(|contents| total(contents, b"some"));
            }
            if stall.is_served {
                values.push(stall.percent(at));
            }
        }
        if self.served() != served_before || self.family.is_none() {
            let served = RESOURCES.iter().zip(self.served()).filter(|(_, is_served)| *is_served);
            self.family = Some(family(&served.map(|((id, label, _), _)| (*id, *label)).collect::<Vec<_>>()));
        }
        self.family.as_ref().filter(|_| !values.is_empty()).map(|family| Reading::new(family, values))
    }

    fn served(&self) -> [bool; 3] {
        self.stalls.each_ref().map(|stall| stall.is_served)
    }
}

impl Stall {
    fn percent(&mut self, at: Duration) -> Option<f64> {
        match self.total {
            Some(total) => self.counter.percent_of_time(total, at),
            None => {
                self.counter.forget();
                None
            }
        }
    }
}
