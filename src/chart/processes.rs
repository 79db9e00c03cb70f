//! A table of processes, as text.

use super::ticks;
use crate::model::{Process, ProcessOrder, ProcessTable, Unit, UnixMs, units};

/// What stands in the columns after the name; those that can decide the order say which.
pub const COLUMNS: [(&str, Option<ProcessOrder>); 8] = [
    ("PID", None),
    ("User", None),
    ("CPU", Some(ProcessOrder::Cpu)),
    ("Memory", Some(ProcessOrder::Memory)),
    ("Read", Some(ProcessOrder::Io)),
    ("Written", Some(ProcessOrder::Io)),
    ("Threads", None),
    ("Running for", None),
];

/// One row; all of it is empty where there are fewer processes than rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessText {
    pub name: String,
    pub arguments: String,
    pub cells: [String; COLUMNS.len()],
}

impl ProcessText {
    /// Whether there is no process for this row. A process may be nameless, but has a number.
    pub fn is_empty(&self) -> bool {
        self.cells[0].is_empty()
    }
}

/// So many rows, the heaviest first, and a line that says what they are of.
pub fn rows(
    table: &ProcessTable,
    order: ProcessOrder,
    search: &str,
    count: usize,
    offset_minutes: i32,
) -> (Vec<ProcessText>, String) {
    let (processes, found) = table.heaviest(order, search, count);
    let shown = processes.len();
    let mut rows: Vec<ProcessText> = processes.into_iter().map(|process| row(process, table.at)).collect();
    rows.resize(count, ProcessText::default());
    let at = ticks::clock(table.at, offset_minutes, true);
    let total = table.total;
    let summary = if total == 0 {
        "No processes are known here.".to_owned()
    } else if !search.is_empty() && table.processes.len() < total {
        format!("{found} of the heaviest {} processes match, at {at}", table.processes.len())
    } else if !search.is_empty() {
        format!("{found} of {total} processes match, at {at}")
    } else if shown < total {
        format!("The heaviest {shown} of {total} processes, at {at}")
    } else {
        format!("{total} processes, at {at}")
    };
    (rows, summary)
}

fn row(process: &Process, at: UnixMs) -> ProcessText {
    let show = |unit, value: Option<f64>| units::show(unit, value).text();
    let rate = |bytes: Option<u64>| show(Unit::BytesPerSecond, bytes.map(|bytes| bytes as f64));
    let none = || "–".to_owned();
    let running = |started: UnixMs| units::duration(u64::try_from((at.0 - started.0) / 1_000).unwrap_or(0));
    ProcessText {
        name: process.name.to_string(),
        arguments: process.arguments.as_deref().unwrap_or_default().to_owned(),
        cells: [
            process.pid.to_string(),
            process.user.as_deref().map_or_else(none, str::to_owned),
            show(Unit::Percent, process.cpu_percent),
            show(Unit::Bytes, process.memory_bytes.map(|bytes| bytes as f64)),
            rate(process.read_bytes_per_s),
            rate(process.written_bytes_per_s),
            process.threads.map_or_else(none, |threads| threads.to_string()),
            process.started_at.map_or_else(none, running),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_well() {
        let table = ProcessTable {
            at: UnixMs(7_200_000),
            total: 2,
            processes: vec![
                Process { pid: 1, name: "init".into(), ..Process::default() },
                Process {
                    pid: 20,
                    name: "backup".into(),
                    user: Some("root".into()),
                    cpu_percent: Some(150.0),
                    memory_bytes: Some(3 << 20),
                    read_bytes_per_s: Some(0),
                    written_bytes_per_s: Some(2048),
                    threads: Some(4),
                    started_at: Some(UnixMs(3_600_000)),
                    arguments: Some("--all".into()),
                },
            ],
        };
        let lines = |search, count| {
            let (rows, summary) = rows(&table, ProcessOrder::Cpu, search, count, 0);
            let line = |row: &ProcessText| format!("{} {} {}", row.name, row.arguments, row.cells.join(" "));
            (rows.iter().map(line).collect::<Vec<_>>(), summary)
        };
        let (all, summary) = lines("", 3);
        assert_eq!(
            all,
            ["backup --all 20 root 150% 3.00 MiB 0 B/s 2.00 KiB/s 4 1 h 0 min", "init  1 – – – – – – –", "         ",]
        );
        assert_eq!(summary, "2 processes, at 02:00:00");
        assert_eq!(lines("", 1).1, "The heaviest 1 of 2 processes, at 02:00:00");
        assert_eq!(lines("init", 1).1, "1 of 2 processes match, at 02:00:00");
        let (_, nothing) = rows(&ProcessTable::default(), ProcessOrder::Io, "", 1, 0);
        assert_eq!(nothing, "No processes are known here.");
    }
}
