//! The processes of a recording: the table that belongs to the sample just played, shifted to its time.

use crate::model::{ProcessTable, UnixMs};
use crate::server::sampler::Scan;
use crate::server::sampler::clock::Clock;
use std::sync::{Arc, Mutex, PoisonError};

/// What is being played: written by the source, read by whoever looks at the processes.
#[derive(Clone, Debug, Default)]
pub(super) struct Playing(Arc<Mutex<Option<Played>>>);

#[derive(Clone, Debug)]
struct Played {
    table: Arc<ProcessTable>,
    recorded: UnixMs,
    at: UnixMs,
}

/// Scans what is played. Of a recording without processes the table is empty.
pub struct ReplayedProcesses {
    playing: Playing,
    with_arguments: bool,
}

impl Playing {
    /// The table of the sample that was `recorded` then and is played `at` this time.
    pub(super) fn set(&self, table: Option<&Arc<ProcessTable>>, recorded: UnixMs, at: UnixMs) {
        let played = table.map(|table| Played { table: Arc::clone(table), recorded, at });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = played;
    }

    pub(super) fn scan(&self, with_arguments: bool) -> ReplayedProcesses {
        ReplayedProcesses { playing: self.clone(), with_arguments }
    }
}

impl Scan for ReplayedProcesses {
    fn scan(&mut self, clock: &dyn Clock) -> anyhow::Result<ProcessTable> {
        let played = self.playing.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(Played { table, recorded, at }) = played else {
            return Ok(ProcessTable { at: clock.now().wall(), ..ProcessTable::default() });
        };
        let shift = at.0.saturating_sub(recorded.0);
        let mut processes = table.processes.clone();
        for process in &mut processes {
            process.started_at = process.started_at.map(|started| UnixMs(started.0.saturating_add(shift)));
            process.arguments = process.arguments.take().filter(|_| self.with_arguments);
        }
        Ok(ProcessTable { at, total: table.total, processes })
    }

    fn forget(&mut self) {}
}
