//! Recorded files of the kernel in a directory of the test's own, removed when it ends.

use super::Roots;
use super::patient::Patience;
use crate::server::sampler::clock::fake::FakeClock;
use crate::server::sampler::collector::{Collector, Reading};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Whoever answers at all answers sooner, however busy the machine is.
pub const GENEROUS: Patience = Patience { each: Duration::from_secs(20), all: Duration::from_secs(60) };

pub struct Fixture {
    root: PathBuf,
    pub clock: FakeClock,
}

impl Fixture {
    pub fn new() -> std::io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("telltale-sampler-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&root)?;
        Ok(Self { root, clock: FakeClock::at(1_000_000) })
    }

    pub fn roots(&self) -> Roots {
        Roots::below(&self.root)
    }

    /// `path` begins with `proc/` or `sys/`.
    pub fn write(&self, path: &str, contents: &[u8]) -> std::io::Result<()> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, contents)
    }

    /// A link at `path` to `target`, which is a path from where the link is.
    pub fn link(&self, path: &str, target: &str) -> std::io::Result<()> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::os::unix::fs::symlink(target, path)
    }

    pub fn remove(&self, path: &str) -> std::io::Result<()> {
        let path = self.root.join(path);
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
    }

    /// A second later.
    pub fn collect(&self, collector: &mut dyn Collector) -> anyhow::Result<Vec<Reading>> {
        self.clock.advance(Duration::from_secs(1));
        collector.collect(&self.clock)
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // What is left in the temporary directory harms nobody.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// The values of one family, if it is there.
pub fn values<'a>(readings: &'a [Reading], family: &str) -> Option<&'a [Option<f64>]> {
    readings.iter().find(|reading| &*reading.family.id == family).map(|reading| reading.values.as_slice())
}

pub fn ids(readings: &[Reading]) -> Vec<&str> {
    readings.iter().map(|reading| &*reading.family.id).collect()
}
