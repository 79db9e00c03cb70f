//! The newest table of processes, for everybody who asks. Nothing older is kept.

use super::meter::Lookers;
use crate::model::{Interval, Process, ProcessOrder, ProcessTable};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a request waits for the first table after a pause.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most processes that an event tells of.
pub const MOST_TOLD: usize = 1_000;

/// Written by whoever scans, read by requests; each of them is a look that makes the scans go on for a while.
#[derive(Debug)]
pub struct Processes {
    lookers: Arc<Lookers>,
    newest: watch::Sender<Option<Newest>>,
    /// A table older than this is waited out.
    fresh: Duration,
    patience: Duration,
}

#[derive(Clone, Debug)]
struct Newest {
    table: Arc<ProcessTable>,
    since: Instant,
}

impl Processes {
    /// `period` is how often there is a table while somebody looks.
    pub fn new(lookers: Arc<Lookers>, period: Interval) -> Self {
        Self { lookers, newest: watch::Sender::new(None), fresh: period.as_duration() * 2, patience: PATIENCE }
    }

    /// `None` when nobody looks any more.
    pub fn publish(&self, table: Option<Arc<ProcessTable>>) {
        self.newest.send_replace(table.map(|table| Newest { table, since: Instant::now() }));
    }

    /// The newest table: at once if it is fresh, else as soon as there is another. `None` when there is none in
    /// time.
    pub async fn look(&self) -> Option<Arc<ProcessTable>> {
        self.lookers.glance();
        let mut newest = self.newest.subscribe();
        let is_fresh = |newest: &Option<Newest>| newest.as_ref().is_some_and(|one| one.since.elapsed() < self.fresh);
        // On a machine with very many processes the next table may come later: an old one is better than none.
        let _ = timeout(self.patience, newest.wait_for(is_fresh)).await;
        newest.borrow().as_ref().map(|newest| Arc::clone(&newest.table))
    }
}

/// The table without those that are neither among the heaviest by CPU nor by memory nor by what they read and
/// write.
pub fn heaviest(table: &Arc<ProcessTable>, limit: usize) -> Arc<ProcessTable> {
    if table.processes.len() <= limit {
        return Arc::clone(table);
    }
    let orders = ProcessOrder::ALL.map(|order| table.heaviest(order, "", limit).0);
    let mut chosen = HashSet::with_capacity(limit);
    for process in (0..limit).flat_map(|rank| orders.iter().filter_map(move |order| order.get(rank))) {
        if chosen.len() == limit {
            break;
        }
        chosen.insert(process.pid);
    }
    let processes: Vec<Process> =
        table.processes.iter().filter(|process| chosen.contains(&process.pid)).cloned().collect();
    Arc::new(ProcessTable { processes, ..**table })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnixMs;

    const MINUTE: Interval = Interval::MINUTE;

    fn table(second: i64) -> Option<Arc<ProcessTable>> {
        Some(Arc::new(ProcessTable { at: UnixMs(second * 1_000), ..ProcessTable::default() }))
    }

    #[tokio::test]
    async fn a_look_is_answered_with_the_newest_table() {
        let lookers = Arc::new(Lookers::default());
        let hasty = Processes { patience: Duration::from_millis(1), ..Processes::new(Arc::clone(&lookers), MINUTE) };
        assert_eq!(hasty.look().await, None, "nobody scans");
        assert!(lookers.is_anybody());
        let processes = Processes::new(lookers, MINUTE);
        let (seen, ()) = tokio::join!(processes.look(), async { processes.publish(table(1)) });
        assert_eq!(seen, table(1));
        processes.publish(table(2));
        assert_eq!(processes.look().await, table(2));
        let old = Processes { fresh: Duration::ZERO, patience: hasty.patience, ..processes };
        assert_eq!(old.look().await, table(2), "an old one is better than none");
        old.publish(None);
        assert_eq!(old.look().await, None);
    }

    #[test]
    fn of_very_many_the_heaviest_of_each_kind_are_told() {
        let process = |pid: u32| Process {
            pid,
            cpu_percent: Some(f64::from(pid % 10)),
            memory_bytes: Some(u64::from(pid)),
            written_bytes_per_s: (pid < 3).then_some(5),
            ..Process::default()
        };
        let table = Arc::new(ProcessTable { total: 100, processes: (0..100).map(process).collect(), at: UnixMs(1) });
        assert!(Arc::ptr_eq(&heaviest(&table, 100), &table));
        let told = heaviest(&table, 6);
        let pids: Vec<u32> = told.processes.iter().map(|process| process.pid).collect();
        assert_eq!((pids.as_slice(), told.total, told.at), (&[1, 2, 79, 89, 98, 99][..], 100, UnixMs(1)));
    }
}
