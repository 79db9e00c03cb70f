//! The processes of every platform without its own depth, through `sysinfo`.

use crate::model::{Process, ProcessTable, UnixMs, label};
use crate::server::sampler::clock::{Clock, Moment};
use crate::server::sampler::processes::rates::{Rates, Usage};
use crate::server::sampler::processes::secrets::command_line;
use crate::server::sampler::processes::users::Users;
use crate::server::sampler::processes::{MOST_PROCESSES, Scan};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

pub(super) struct Processes {
    with_arguments: bool,
    users: Users,
    /// While somebody looks.
    system: Option<System>,
    known: HashMap<u32, Known>,
    /// When the scan before was made, if there was one.
    before: Option<Moment>,
}

/// What is kept of a process from scan to scan.
struct Known {
    /// In seconds. Another process with the same number began at another time.
    started_s: u64,
    name: Arc<str>,
    rates: Rates,
    is_alive: bool,
}

impl Processes {
    /// `users` is the file of users.
    pub(super) fn new(users: PathBuf, with_arguments: bool) -> Self {
        Self { with_arguments, users: Users::new(users), system: None, known: HashMap::new(), before: None }
    }

    fn process(&mut self, pid: u32, process: &sysinfo::Process, now: Moment) -> Option<Process> {
        let started_s = process.start_time();
        let started_at = UnixMs(i64::try_from(started_s).unwrap_or(0).saturating_mul(1_000));
        if self.known.get(&pid).is_none_or(|known| known.started_s != started_s) {
            let rates = match self.before {
                Some(before) if started_at > before.wall() => Rates::since(before.monotonic),
                _ => Rates::default(),
            };
            let name = label::text(process.name().as_encoded_bytes()).into();
            self.known.insert(pid, Known { started_s, name, rates, is_alive: true });
        }
        let known = self.known.get_mut(&pid)?;
        known.is_alive = true;
        let disk = process.disk_usage();
        let has_counted = (disk.total_read_bytes, disk.total_written_bytes) != (0, 0);
        let usage = Usage {
            cpu_us: process.accumulated_cpu_time().saturating_mul(1_000),
            // Where it may not be read, nothing was ever counted.
            read_bytes: has_counted.then_some(disk.total_read_bytes),
            written_bytes: has_counted.then_some(disk.total_written_bytes),
        };
        let mut told = Process {
            pid,
            name: Arc::clone(&known.name),
            user: process.user_id().and_then(|user| user.to_string().parse().ok()).map(|user| self.users.name(user)),
            memory_bytes: Some(process.memory()),
            started_at: (started_s > 0).then_some(started_at),
            ..Process::default()
        };
        known.rates.tell(usage, now.monotonic, &mut told);
        if self.with_arguments && !process.cmd().is_empty() {
            let arguments = process.cmd().iter().map(|argument| argument.as_encoded_bytes());
            told.arguments = Some(command_line(arguments).into());
        }
        Some(told)
    }
}

impl Scan for Processes {
    fn scan(&mut self, clock: &dyn Clock) -> anyhow::Result<ProcessTable> {
        self.users.refresh();
        let mut system = match self.system.take() {
            Some(system) => system,
            None => System::new()?,
        };
        let kinds = ProcessRefreshKind::nothing()
            .with_cpu()
            .with_memory()
            .with_disk_usage()
            .with_user(UpdateKind::Always)
            .with_cmd(if self.with_arguments { UpdateKind::Always } else { UpdateKind::Never })
            .without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, kinds);
        let now = clock.now();
        let mut found: Vec<_> = system.processes().iter().map(|(pid, process)| (pid.as_u32(), process)).collect();
        found.sort_unstable_by_key(|(pid, _)| *pid);
        let total = found.len();
        found.truncate(MOST_PROCESSES);
        let processes = found.into_iter().filter_map(|(pid, process)| self.process(pid, process, now)).collect();
        self.known.retain(|_, known| std::mem::take(&mut known.is_alive));
        (self.system, self.before) = (Some(system), Some(now));
        Ok(ProcessTable { at: now.wall(), total, processes })
    }

    fn forget(&mut self) {
        (self.system, self.before, self.known) = (None, None, HashMap::new());
        self.users.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::clock::SystemClock;

    #[test]
    fn this_process_is_found_with_its_arguments() -> anyhow::Result<()> {
        let mut processes = Processes::new("/etc/passwd".into(), true);
        for scan in 0..2 {
            let table = processes.scan(&SystemClock)?;
            let own = table.processes.iter().find(|process| process.pid == std::process::id());
            let own = own.unwrap_or_else(|| panic!("not among {} processes", table.total));
            assert!(own.memory_bytes > Some(0) && own.arguments.is_some(), "{own:?}");
            assert_eq!(own.cpu_percent.is_some(), scan > 0, "rates begin with the second scan");
            assert!(table.processes.is_sorted_by_key(|process| process.pid));
        }
        processes.forget();
        assert!(processes.system.is_none() && processes.known.is_empty());
        Ok(())
    }
}
