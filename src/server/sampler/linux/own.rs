//! What Linux knows of this process, for `self`.

use super::Roots;
use super::bytes::{fields, number};
use super::file::KernelFile;
use crate::server::sampler::clock::Clock;
use crate::server::sampler::own::{OwnProcess, Spent};
use rustix::time::{ClockId, clock_gettime};

pub struct Process {
    statm: KernelFile,
    page_bytes: u64,
}

impl Process {
    pub fn new(roots: &Roots) -> Self {
        Self { statm: KernelFile::new(roots.proc("self/statm")), page_bytes: rustix::param::page_size() as u64 }
    }
}

impl OwnProcess for Process {
    fn read(&mut self, clock: &dyn Clock) -> Spent {
        // Finer than the clock ticks of `/proc/self/stat`.
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let resident = self.statm.read(clock).ok().and_then(|contents| fields(contents.bytes).nth(1).and_then(number));
        Spent {
            cpu_us: u64::try_from(cpu.tv_sec * 1_000_000 + cpu.tv_nsec / 1_000).ok(),
            memory_bytes: resident.map(|pages| pages * self.page_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::Fixture;

    #[test]
    fn resident_pages_are_bytes() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut process = Process::new(&fixture.roots());
        assert_eq!(process.read(&fixture.clock).memory_bytes, None);
        fixture.write("proc/self/statm", b"5000 1200 800 100 0 600 0\n")?;
        let spent = process.read(&fixture.clock);
        assert_eq!(spent.memory_bytes, Some(1_200 * rustix::param::page_size() as u64));
        assert!(spent.cpu_us.is_some());
        Ok(())
    }
}
