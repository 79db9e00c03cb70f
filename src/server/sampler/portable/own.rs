//! What `sysinfo` knows of this process, for `self`.

use crate::server::sampler::clock::Clock;
use crate::server::sampler::own::{OwnProcess, Spent};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

pub struct Process {
    system: System,
    /// Absent where the platform has no processes.
    pid: Option<Pid>,
}

impl Process {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { system: System::new()?, pid: sysinfo::get_current_pid().ok() })
    }
}

impl OwnProcess for Process {
    fn read(&mut self, _: &dyn Clock) -> Spent {
        let Some(pid) = self.pid else { return Spent::default() };
        let kinds = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kinds);
        let process = self.system.process(pid);
        Spent {
            cpu_us: process.map(|process| process.accumulated_cpu_time().saturating_mul(1_000)),
            memory_bytes: process.map(sysinfo::Process::memory),
        }
    }
}
