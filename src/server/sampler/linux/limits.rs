//! What control groups leave of the machine: the tightest limits of Telltale's own group and of those above it.

pub mod cpu;
pub mod groups;
pub mod memory;

use super::Roots;
use crate::model::HostLimits;
use std::path::PathBuf;
use std::time::Duration;

pub use cpu::LimitedCpu;
pub use memory::LimitedMemory;

/// How long a limit may be another before that is noticed: limits of running containers can be changed.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What was found when it was last looked for.
pub struct Watch<T> {
    roots: Roots,
    find: fn(&Roots) -> T,
    found: T,
    looked: Option<Duration>,
}

impl<T: Default + PartialEq> Watch<T> {
    /// Nothing is looked for yet.
    pub fn new(roots: &Roots, find: fn(&Roots) -> T) -> Self {
        Self { roots: roots.clone(), find, found: T::default(), looked: None }
    }

    /// Looks again if it is time to; what there is now, if that is not what there was.
    pub fn look(&mut self, at: Duration) -> Option<&T> {
        if self.looked.is_some_and(|looked| at.saturating_sub(looked) < LOOK_EVERY) {
            return None;
        }
        self.looked = Some(at);
        let found = (self.find)(&self.roots);
        let changed = found != self.found;
        self.found = found;
        changed.then_some(&self.found)
    }
}

/// What is left of the machine; `None` where that is all of it.
pub fn facts(roots: &Roots) -> Option<HostLimits> {
    let cpu_cores = cpu::find(roots).map(|limit| limit.cores);
    let memory_bytes = memory::find(roots).memory.map(|limit| limit.bytes);
    (cpu_cores.is_some() || memory_bytes.is_some()).then_some(HostLimits { cpu_cores, memory_bytes })
}

/// The group of version 2 whose limit counts: it has pressures of its own.
pub fn pressure_group(roots: &Roots) -> Option<PathBuf> {
    let of_cpu = || cpu::find(roots)?.unified_group();
    let of_memory = || memory::find(roots).memory?.unified_group();
    of_cpu().or_else(of_memory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::Fixture;

    /// A machine of four cores, 8 MiB of memory and 4 MiB of swap, and the group Telltale is in.
    pub(super) fn machine(groups: &str) -> std::io::Result<Fixture> {
        let fixture = Fixture::new()?;
        fixture.write("sys/devices/system/cpu/online", b"0-3\n")?;
        fixture
            .write("proc/meminfo", b"MemTotal: 8192 kB\nMemFree: 4096 kB\nSwapTotal: 4096 kB\nSwapFree: 4096 kB\n")?;
        fixture.write("proc/self/cgroup", groups.as_bytes())?;
        Ok(fixture)
    }

    #[test]
    fn facts_are_of_what_is_limited() -> anyhow::Result<()> {
        let fixture = machine("0::/a\n")?;
        assert_eq!(facts(&fixture.roots()), None);
        fixture.write("sys/fs/cgroup/cgroup.controllers", b"cpu memory\n")?;
        fixture.write("sys/fs/cgroup/a/cpu.max", b"max 100000\n")?;
        fixture.write("sys/fs/cgroup/a/memory.max", b"max\n")?;
        assert_eq!((facts(&fixture.roots()), pressure_group(&fixture.roots())), (None, None));
        let group = fixture.roots().sys("fs/cgroup/a");
        fixture.write("sys/fs/cgroup/a/memory.max", b"1048576\n")?;
        let memory = HostLimits { cpu_cores: None, memory_bytes: Some(1_048_576) };
        assert_eq!((facts(&fixture.roots()), pressure_group(&fixture.roots())), (Some(memory), Some(group)));
        fixture.write("sys/fs/cgroup/a/cpu.max", b"150000 100000\n")?;
        assert_eq!(facts(&fixture.roots()), Some(HostLimits { cpu_cores: Some(1.5), ..memory }));
        Ok(())
    }

    #[test]
    fn what_changes_is_noticed_after_a_while() -> anyhow::Result<()> {
        let fixture = machine("0::/\n")?;
        fixture.write("sys/fs/cgroup/cgroup.controllers", b"cpu\n")?;
        let mut watch = Watch::new(&fixture.roots(), |roots| cpu::find(roots).map(|limit| limit.cores));
        let at = Duration::from_secs;
        assert_eq!(watch.look(at(100)), None, "nothing limits");
        fixture.write("sys/fs/cgroup/cpu.max", b"100000 100000\n")?;
        assert_eq!(watch.look(at(104)), None, "not looked for");
        assert_eq!(watch.look(at(105)), Some(&Some(1.0)));
        assert_eq!(watch.look(at(110)), None, "as it was");
        fixture.remove("sys/fs/cgroup/cpu.max")?;
        assert_eq!(watch.look(at(115)), Some(&None));
        Ok(())
    }
}
