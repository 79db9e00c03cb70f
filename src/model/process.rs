//! Who runs on a machine: a table of processes of one instant, and the order in which people look at it.

use super::time::UnixMs;
use super::top::top;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::sync::Arc;

/// One process. What could not be read, because it belongs to somebody else say, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    /// Made harmless by `label::text`, as all texts here.
    pub name: Arc<str>,
    pub user: Option<Arc<str>>,
    /// 100 is one core.
    pub cpu_percent: Option<f64>,
    /// Resident.
    pub memory_bytes: Option<u64>,
    pub read_bytes_per_s: Option<u64>,
    pub written_bytes_per_s: Option<u64>,
    pub threads: Option<u32>,
    pub started_at: Option<UnixMs>,
    /// Only when configured, and then with what looks like a secret blanked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Arc<str>>,
}

/// All processes of an instant, or the heaviest of very many.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessTable {
    pub at: UnixMs,
    /// How many there are, also when not all are in the table.
    pub total: usize,
    pub processes: Vec<Process>,
}

/// By what processes are sorted, the heaviest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProcessOrder {
    #[default]
    Cpu,
    Memory,
    /// What is read and written.
    Io,
}

impl ProcessOrder {
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Memory, Self::Io];

    /// As it stands in an address.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Io => "io",
        }
    }

    /// What decides; `None` is lighter than zero.
    pub fn weight(self, process: &Process) -> Option<f64> {
        match self {
            Self::Cpu => process.cpu_percent,
            Self::Memory => process.memory_bytes.map(|bytes| bytes as f64),
            Self::Io => match (process.read_bytes_per_s, process.written_bytes_per_s) {
                (None, None) => None,
                (read, written) => Some(read.unwrap_or(0) as f64 + written.unwrap_or(0) as f64),
            },
        }
    }

    /// The heavier one first; among equals the one with more memory.
    pub fn is_before(self, left: &Process, right: &Process) -> bool {
        let (heavier, lighter) = (self.weight(left), self.weight(right));
        heavier > lighter || (heavier == lighter && left.memory_bytes > right.memory_bytes)
    }
}

/// The text names no order of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownOrder;

impl FromStr for ProcessOrder {
    type Err = UnknownOrder;

    fn from_str(text: &str) -> Result<Self, UnknownOrder> {
        Self::ALL.into_iter().find(|order| order.id() == text).ok_or(UnknownOrder)
    }
}

impl Process {
    /// Whether a search finds it: in its name, user or arguments without regard to case, or as its whole pid.
    pub fn matches(&self, search: &str) -> bool {
        let search = search.trim();
        let holds = |text: &str| holds(text, search);
        holds(&self.name)
            || self.user.as_deref().is_some_and(holds)
            || self.arguments.as_deref().is_some_and(holds)
            || search.parse() == Ok(self.pid)
    }
}

/// Without regard to the case of Latin letters: the tables of all others are more than a page can carry.
fn holds(text: &str, search: &str) -> bool {
    let (text, search) = (text.as_bytes(), search.as_bytes());
    search.is_empty() || text.windows(search.len()).any(|part| part.eq_ignore_ascii_case(search))
}

impl ProcessTable {
    /// The heaviest of those that a search finds; an empty search finds all. Also how many it finds.
    pub fn heaviest(&self, order: ProcessOrder, search: &str, limit: usize) -> (Vec<&Process>, usize) {
        let found = || self.processes.iter().filter(|process| search.is_empty() || process.matches(search));
        (top(found(), limit, |left, right| order.is_before(left, right)), found().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, name: &str, cpu: Option<f64>, memory: u64, written: Option<u64>) -> Process {
        Process {
            pid,
            name: name.into(),
            user: Some("Ann".into()),
            cpu_percent: cpu,
            memory_bytes: Some(memory),
            written_bytes_per_s: written,
            ..Process::default()
        }
    }

    #[test]
    fn the_heaviest_come_first() {
        let table = ProcessTable {
            at: UnixMs(1_000),
            total: 4,
            processes: vec![
                process(1, "init", Some(0.0), 10, None),
                process(20, "backup", Some(5.0), 20, Some(900)),
                process(3, "Browser", Some(5.0), 90, Some(0)),
                process(4, "stranger", None, 5, None),
            ],
        };
        for (order, search, limit, pids, count) in [
            (ProcessOrder::Cpu, "", 9, &[3, 20, 1, 4][..], 4),
            (ProcessOrder::Memory, "", 2, &[3, 20], 4),
            (ProcessOrder::Io, "", 9, &[20, 3, 1, 4], 4),
            (ProcessOrder::Cpu, " BACK", 9, &[20], 1),
            (ProcessOrder::Cpu, "ann", 1, &[3], 4),
            (ProcessOrder::Cpu, "20", 9, &[20], 1),
            (ProcessOrder::Cpu, "nothing", 9, &[], 0),
        ] {
            let (found, all) = table.heaviest(order, search, limit);
            let seen: Vec<u32> = found.iter().map(|process| process.pid).collect();
            assert_eq!((seen.as_slice(), all), (pids, count), "{order:?} {search:?}");
        }
    }

    #[test]
    fn orders_are_read_as_they_are_written() {
        for order in ProcessOrder::ALL {
            assert_eq!(order.id().parse(), Ok(order));
        }
        assert_eq!("name".parse::<ProcessOrder>(), Err(UnknownOrder));
    }
}
