//! The last minutes in memory: what pages and answers are rendered from.

use crate::model::{self, Catalog, EventId, Interval, Observation, Sample};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// How far back the memory goes.
pub const KEPT: Interval = Interval::MINUTE.times(10);

/// Written by the sampler, read by everybody else.
#[derive(Debug)]
pub struct History {
    memory: RwLock<Memory>,
}

#[derive(Debug)]
struct Memory {
    catalog: Arc<Catalog>,
    history: model::History,
    newest: Option<(EventId, Arc<Sample>)>,
}

/// Catalog, columns and newest sample of one and the same instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub catalog: Arc<Catalog>,
    pub history: model::History,
    /// A stream that begins after this id continues the snapshot without a hole.
    pub newest: Option<(EventId, Arc<Sample>)>,
}

impl History {
    pub fn new(catalog: Arc<Catalog>) -> Self {
        let mut history = model::History::new(KEPT);
        history.set_catalog(&catalog);
        Self { memory: RwLock::new(Memory { catalog, history, newest: None }) }
    }

    pub fn record(&self, observation: &Observation) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        match observation {
            Observation::Catalog(catalog) => {
                memory.history.set_catalog(catalog);
                memory.catalog = Arc::clone(catalog);
            }
            Observation::Sample { id, sample } => {
                memory.history.push(sample);
                memory.newest = Some((*id, Arc::clone(sample)));
            }
            Observation::Gap(gap) => memory.history.push_gap(*gap),
        }
    }

    /// With what is needed to draw so much of the past.
    pub fn snapshot(&self, past: Interval) -> Snapshot {
        let memory = self.read();
        let from = memory.history.newest_tick().unwrap_or_default() - past;
        Snapshot {
            catalog: Arc::clone(&memory.catalog),
            history: memory.history.since(from),
            newest: memory.newest.clone(),
        }
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.read().catalog)
    }

    pub fn newest(&self) -> Option<(EventId, Arc<Sample>)> {
        self.read().newest.clone()
    }

    /// A writer that panicked left at worst one tick half recorded, which the next one mends.
    fn read(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::FamilyValues;
    use crate::model::{Family, Gap, GapReason, Unit, UnixMs};

    fn catalog(id: &str) -> Arc<Catalog> {
        Arc::new(Catalog(vec![Family::new(id, "Load", Unit::Count, Interval::SECOND, &[("load1", "1 min")])]))
    }

    #[test]
    fn a_snapshot_is_of_one_instant() {
        let history = History::new(catalog("load"));
        assert!(history.snapshot(KEPT).newest.is_none());
        let t = UnixMs(5_000);
        let id = EventId { era: 0, t };
        let families = vec![FamilyValues { family: "load".into(), values: vec![Some(1.5)] }];
        history.record(&Observation::Gap(Gap {
            from: Some(UnixMs(1_000)),
            to: Some(UnixMs(4_000)),
            reason: GapReason::Late,
        }));
        history.record(&Observation::Sample { id, sample: Arc::new(Sample { t, families }) });

        let snapshot = history.snapshot(KEPT);
        let value = snapshot.history.track("load").and_then(|track| track.value(0, 0));
        assert_eq!((value, snapshot.history.gaps().count()), (Some(1.5), 1));
        assert_eq!(snapshot.newest.map(|(id, _)| id), Some(id));

        history.record(&Observation::Catalog(catalog("tasks")));
        let snapshot = history.snapshot(KEPT);
        assert!(snapshot.history.track("load").is_none() && snapshot.history.track("tasks").is_some());
        assert_eq!(history.catalog(), catalog("tasks"));
    }
}
