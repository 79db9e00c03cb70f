//! The lines of a recording that describe: host and catalog, and what they mean for the samples after them.

use super::harmless;
use super::tape::Entry;
use crate::model::sample::FamilyValues;
use crate::model::{Catalog, HostFacts, Interval, ProcessTable, Sample, UnixMs, label};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) host: HostFacts,
    pub(super) catalog: Catalog,
}

/// The processes as of the sample before.
#[derive(Deserialize)]
pub(super) struct Table {
    pub(super) processes: ProcessTable,
}

/// The catalog that holds for the lines to come, and the recorded names of its families.
pub(super) struct Current {
    pub(super) catalog: Arc<Catalog>,
    positions: HashMap<Arc<str>, usize>,
}

/// The interval as it was recorded and as it is replayed.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    pub(super) recorded: Interval,
    pub(super) interval: Interval,
}

pub(super) enum PaceError {
    NoFamilies,
    TooFast(i64),
}

impl Pace {
    /// The shortest interval of a family is that of the ticks.
    pub(super) fn of(catalog: &Catalog, speed: f64) -> Result<Self, PaceError> {
        let recorded = catalog.iter().map(|family| family.interval_ms).min().ok_or(PaceError::NoFamilies)?;
        let scaled = (recorded.ms() as f64 / speed).round();
        let interval = if scaled < 1.0 { None } else { Interval::from_ms(scaled as u32) };
        Ok(Self { recorded, interval: interval.ok_or(PaceError::TooFast(recorded.ms()))? })
    }

    pub(super) fn scale(self, interval: Interval) -> Interval {
        let ticks = (interval.ms() + self.recorded.ms() / 2) / self.recorded.ms();
        self.interval.times(u32::try_from(ticks).unwrap_or(u32::MAX))
    }
}

impl Current {
    pub(super) fn new(recorded: Catalog, pace: Pace) -> Result<Self, String> {
        let (mut positions, mut ids, mut families) = (HashMap::new(), HashSet::new(), Vec::new());
        for family in recorded.0 {
            let name = Arc::clone(&family.id);
            let family = harmless::family(family, pace);
            if !ids.insert(Arc::clone(&family.id)) || positions.insert(name, families.len()).is_some() {
                return Err(format!("the family {} is twice in the catalog", family.id));
            }
            families.push(family);
        }
        Ok(Self { catalog: Arc::new(Catalog(families)), positions })
    }

    pub(super) fn entry(
        &self,
        mut sample: Sample,
        before: Option<UnixMs>,
        recorded: Interval,
    ) -> Result<Entry, String> {
        if !sample.t.is_tick_of(recorded) {
            return Err(format!("t {} is not a multiple of the interval of {} ms", sample.t.0, recorded.ms()));
        }
        for FamilyValues { family: name, values } in &mut sample.families {
            let position = self
                .positions
                .get(name)
                .ok_or_else(|| format!("the family {} is not in the catalog", label::text(name.as_bytes())))?;
            let family = &self.catalog.0[*position];
            if values.len() != family.dimensions.len() {
                let (have, want) = (values.len(), family.dimensions.len());
                return Err(format!("the family {} has {have} values for {want} dimensions", family.id));
            }
            *name = Arc::clone(&family.id);
        }
        sample.round(&self.catalog);
        // A clock that was set back while recording is no hole; the next sample simply follows.
        let distance = before.map_or(1, |before| (sample.t.0.saturating_sub(before.0) / recorded.ms()).max(1));
        Ok(Entry { catalog: Arc::clone(&self.catalog), distance, sample: Arc::new(sample), processes: None })
    }
}

/// A line that describes instead of measuring. No family is called `catalog` and holds objects.
pub(super) fn is_header(line: &str) -> bool {
    line.trim_start().trim_start_matches('{').trim_start().starts_with("\"host\"") || line.contains("\"catalog\":[{")
}

/// A line that holds a table of processes; the family of this name holds an array.
pub(super) fn is_table(line: &str) -> bool {
    let parts = ["{", "\"processes\"", ":", "{"];
    parts.into_iter().try_fold(line, |rest, part| rest.trim_start().strip_prefix(part)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        for (line, header, table) in [
            (r#"{"host":{},"catalog":[]}"#, true, false),
            (r#"{ "catalog":[{"id":"a"}]}"#, true, false),
            (r#"{"processes":{"at":1}}"#, false, true),
            (r#" { "processes" : {"#, false, true),
            (r#"{"processes":[1],"t":1000}"#, false, false),
            (r#"{"t":1000,"processes":[1]}"#, false, false),
            ("", false, false),
        ] {
            assert_eq!((is_header(line), is_table(line)), (header, table), "{line}");
        }
    }
}
