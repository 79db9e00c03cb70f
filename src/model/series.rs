//! Series by name: `family.dimension`, and those derived from several dimensions, usable in the same places.

use super::family::{Catalog, Family, Unit};
use super::sample::Sample;
use super::time::UnixMs;
use super::track::{History, Track};
use std::sync::Arc;

/// One value an instant, in order of time; `None` is an instant whose value could not be read.
pub type Points = Vec<(UnixMs, Option<f64>)>;

/// The name of how high a stack is, but for what is free: no dimension is called so.
pub const HEIGHT: &str = "+";

/// A series resolved against a catalog: which values it needs and what it makes of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub unit: Unit,
    family: Arc<str>,
    formula: Formula,
}

#[derive(Clone, Debug, PartialEq)]
enum Formula {
    Dimension(usize),
    /// The sum of all dimensions but this one, where it exists: `cpu.busy` is all but `iowait`.
    SumBut(Option<usize>),
    /// The first dimension as a percentage of itself and another: `used` of `used` and `free`.
    PercentOf(usize),
    /// The first dimension as a percentage of all: `used` of `memory.host`.
    FirstOfAll,
    /// What is not available, of all there is: `memory.used_percent`.
    NotAvailable {
        available: Arc<str>,
    },
}

impl Series {
    pub fn resolve(name: &str, catalog: &Catalog) -> Option<Self> {
        let (family_id, dimension) = name.rsplit_once('.')?;
        let family = catalog.family(family_id)?;
        Self::within(family, dimension).or_else(|| Self::beside(family, dimension, catalog))
    }

    /// A series that takes another family besides.
    fn beside(family: &Family, dimension: &str, catalog: &Catalog) -> Option<Self> {
        if (&*family.id, dimension) != ("memory", "used_percent") {
            return None;
        }
        let available = catalog.family("memory.available")?.id.clone();
        Some(Self::of(family, Unit::Percent, Formula::NotAvailable { available }))
    }

    /// A series that one family is enough for.
    pub fn within(family: &Family, dimension: &str) -> Option<Self> {
        if let Some(index) = family.dimension(dimension) {
            return Self::nth(family, index);
        }
        let formula = match (&*family.id, dimension) {
            ("cpu" | "cpu.host", "busy") => Formula::SumBut(family.dimension("iowait")),
            ("memory.host", "used_percent") => Formula::FirstOfAll,
            (_, "used_percent") if is_filling(family) => Formula::PercentOf(family.dimension("free")?),
            _ => return None,
        };
        Some(Self::of(family, Unit::Percent, formula))
    }

    /// What can be said of a family besides its dimensions, by name. The catalog is asked for what else that takes.
    pub fn derived_of(family: &Family, catalog: &Catalog) -> Vec<(&'static str, Self)> {
        let series = |name| Self::within(family, name).or_else(|| Self::beside(family, name, catalog));
        let names = ["busy", "used_percent"].into_iter().filter(|name| family.dimension(name).is_none());
        let mut derived: Vec<_> = names.filter_map(|name| Some((name, series(name)?))).collect();
        if family.stacked && family.dimensions.len() > 1 {
            derived.push((HEIGHT, Self::of(family, family.unit, Formula::SumBut(family.dimension("free")))));
        }
        derived
    }

    /// The family it reads besides its own.
    pub fn also_reads(&self) -> Option<&Arc<str>> {
        match &self.formula {
            Formula::NotAvailable { available } => Some(available),
            _ => None,
        }
    }

    /// Its value, from what `read` says of a family and the place of a dimension: how many there are, and the value.
    pub fn evaluate(&self, read: impl Fn(&str, usize) -> Option<(usize, Option<f64>)>) -> Option<f64> {
        self.formula.apply(&self.family, read)
    }

    /// One dimension as it is.
    pub fn nth(family: &Family, dimension: usize) -> Option<Self> {
        let unit = family.dimensions.get(dimension).map(|_| family.unit_of(dimension))?;
        Some(Self::of(family, unit, Formula::Dimension(dimension)))
    }

    fn of(family: &Family, unit: Unit, formula: Formula) -> Self {
        Self { unit, family: family.id.clone(), formula }
    }

    pub fn value(&self, sample: &Sample) -> Option<f64> {
        self.evaluate(|family, index| {
            let values = sample.values(family)?;
            values.get(index).map(|value| (values.len(), *value))
        })
    }

    /// The newest value within the history, unless it is older than its own interval.
    pub fn newest(&self, history: &History) -> Option<f64> {
        self.at(history, history.newest_tick()?)
    }

    /// One value a tick of the family since `from`; `None` is a tick whose value could not be read.
    pub fn points(&self, history: &History, from: UnixMs) -> Points {
        let Some(track) = history.track(&self.family) else { return Vec::new() };
        let rows = (track.first_at_or_after(from)..track.len()).filter_map(|row| Some((row, track.t(row)?)));
        rows.map(|(row, t)| (t, self.read(track, row, history, t))).collect()
    }

    /// The value that stands for an instant.
    pub fn at(&self, history: &History, t: UnixMs) -> Option<f64> {
        let track = history.track(&self.family)?;
        self.read(track, track.row_at(t)?, history, t)
    }

    /// The value in a row of its own family; another family is looked up only where the formula needs it.
    fn read(&self, own: &Track, row: usize, history: &History, t: UnixMs) -> Option<f64> {
        self.formula.apply(&self.family, |family, index| {
            let (track, row) = if std::ptr::eq(family, &*self.family) {
                (own, row)
            } else {
                let other = history.track(family)?;
                (other, other.row_at(t)?)
            };
            (index < track.dimensions()).then(|| (track.dimensions(), track.value(row, index)))
        })
    }
}

/// The sum of what there is; `None` when there is nothing.
pub fn sum(left: Option<f64>, right: Option<f64>) -> Option<f64> {
    joined(left, right, |left, right| left + right)
}

/// Both values in one, or the one there is.
pub fn joined(left: Option<f64>, right: Option<f64>, join: fn(f64, f64) -> f64) -> Option<f64> {
    left.zip(right).map(|(left, right)| join(left, right)).or(left).or(right)
}

/// Joins one more series into those before it, both in order of time; an instant at which none has a
/// value has none.
pub fn combine(all: &mut Points, more: Points, join: fn(f64, f64) -> f64) {
    if all.is_empty() {
        *all = more;
        return;
    }
    let mut at = 0;
    for (t, value) in more {
        while all.get(at).is_some_and(|(earlier, _)| *earlier < t) {
            at += 1;
        }
        match all.get_mut(at) {
            Some((same, slot)) if *same == t => *slot = joined(*slot, value, join),
            _ => all.insert(at, (t, value)),
        }
    }
}

/// `swap`, `conntrack`, `fs.*.space` and `fs.*.inodes`: families of what is used and what is free.
fn is_filling(family: &Family) -> bool {
    (matches!(&*family.id, "swap" | "conntrack") || family.id.starts_with("fs.")) && family.dimension("used") == Some(0)
}

impl Formula {
    /// `read` gives how many dimensions a family has, and the value of one.
    fn apply(&self, family: &str, read: impl Fn(&str, usize) -> Option<(usize, Option<f64>)>) -> Option<f64> {
        let value = |family: &str, index: usize| read(family, index).and_then(|(_, value)| value);
        let sum_but = |family: &str, but: Option<usize>| {
            let (count, _) = read(family, 0)?;
            (0..count).filter(|&index| Some(index) != but).try_fold(0.0, |sum, index| Some(sum + value(family, index)?))
        };
        let result = match self {
            Self::Dimension(index) => value(family, *index)?,
            Self::SumBut(but) => sum_but(family, *but)?,
            Self::PercentOf(free) => {
                let (used, free) = (value(family, 0)?, value(family, *free)?);
                if used + free > 0.0 { used / (used + free) * 100.0 } else { 0.0 }
            }
            Self::FirstOfAll => {
                let total = sum_but(family, None).filter(|total| *total > 0.0)?;
                value(family, 0)? / total * 100.0
            }
            Self::NotAvailable { available } => {
                let total = sum_but(family, None).filter(|total| *total > 0.0)?;
                (total - value(available, 0)?) / total * 100.0
            }
        };
        Some(result).filter(|result| result.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Interval;

    #[test]
    fn plain_and_derived_series_are_read_alike() -> Result<(), serde_json::Error> {
        let second = Interval::SECOND;
        let catalog = Catalog(vec![
            Family::new(
                "cpu",
                "CPU",
                Unit::Percent,
                second,
                &[("user", "user"), ("system", "system"), ("iowait", "iowait")],
            ),
            Family::new("memory", "Memory", Unit::Bytes, second, &[("used", "used"), ("free", "free")]),
            Family::new("memory.available", "Available", Unit::Bytes, second, &[("available", "available")]),
            Family::new(
                "cpu.host",
                "CPU of the host",
                Unit::Percent,
                second,
                &[("user", "user"), ("iowait", "iowait")],
            ),
            Family::new("memory.host", "Of the host", Unit::Bytes, second, &[("used", "used"), ("free", "free")]),
            Family::new("swap", "Swap", Unit::Bytes, second, &[("used", "used"), ("free", "free")]),
            Family::new("conntrack", "Connections", Unit::Count, second, &[("used", "used"), ("free", "free")]),
            Family::new("fs./.space", "Space", Unit::Bytes, second, &[("used", "u"), ("reserved", "r"), ("free", "f")]),
            Family::new("net.eth0.100.traffic", "Traffic", Unit::BytesPerSecond, second, &[("received", "r")]),
        ]);
        let sample: Sample = serde_json::from_str(
            r#"{"t":1000,"cpu":[10,5,20],"memory":[60,40],"memory.available":[50],"swap":[0,0],"conntrack":[64,192],
                "cpu.host":[3,9],"memory.host":[30,90],
                "fs./.space":[30,5,90],"net.eth0.100.traffic":[7]}"#,
        )?;
        let mut history = History::new(Interval::MINUTE);
        history.set_catalog(&catalog);
        history.push(&sample);
        for (name, expected) in [
            ("cpu.system", Some(5.0)),
            ("cpu.busy", Some(15.0)),
            ("memory.used_percent", Some(50.0)),
            ("cpu.host.busy", Some(3.0)),
            ("memory.host.used_percent", Some(25.0)),
            ("swap.used_percent", Some(0.0)),
            ("conntrack.used_percent", Some(25.0)),
            ("fs./.space.used_percent", Some(25.0)),
            ("net.eth0.100.traffic.received", Some(7.0)),
            ("cpu.nothing", None),
            ("nothing.user", None),
            ("cpu", None),
            ("", None),
        ] {
            let series = Series::resolve(name, &catalog);
            assert_eq!(series.as_ref().and_then(|series| series.value(&sample)), expected, "{name} of a sample");
            assert_eq!(series.as_ref().and_then(|series| series.newest(&history)), expected, "{name} of the history");
        }
        Ok(())
    }

    #[test]
    fn series_are_joined_instant_by_instant() {
        let at = |points: &[(i64, Option<f64>)]| points.iter().map(|(t, v)| (UnixMs(*t), *v)).collect::<Points>();
        let mut all = Points::new();
        combine(&mut all, at(&[(2, Some(1.0)), (3, None)]), f64::max);
        combine(&mut all, at(&[(1, Some(5.0)), (2, Some(4.0)), (3, Some(2.0)), (4, None)]), f64::max);
        assert_eq!(all, at(&[(1, Some(5.0)), (2, Some(4.0)), (3, Some(2.0)), (4, None)]));
    }
}
