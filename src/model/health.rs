//! The five headlines that answer "is this machine well?": one reading each, with its state in a word.

use super::family::{Catalog, Unit};
use super::series::Series;
use super::time::UnixMs;
use super::track::History;
use super::units::{self, Shown};

/// How well something is. Never shown by colour alone: each has a word and a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// Nothing was read yet.
    Unknown,
    Good,
    Busy,
    Critical,
}

impl Health {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "no data yet",
            Self::Good => "fine",
            Self::Busy => "high",
            Self::Critical => "critical",
        }
    }

    /// The class and `data-health` of what shows it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Critical => "critical",
        }
    }

    fn of(value: Option<f64>, busy: f64, critical: f64) -> Self {
        match value {
            None => Self::Unknown,
            Some(value) if value >= critical => Self::Critical,
            Some(value) if value >= busy => Self::Busy,
            Some(_) => Self::Good,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Headline {
    Cpu,
    Memory,
    Disk,
    Network,
    Pressure,
}

impl Headline {
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Memory, Self::Disk, Self::Network, Self::Pressure];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Pressure => "pressure",
        }
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "Memory",
            Self::Disk => "Disk",
            Self::Network => "Network",
            Self::Pressure => "Pressure",
        }
    }
}

/// What a headline tile shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub headline: Headline,
    pub value: Shown,
    /// The second line: what stands behind the number.
    pub detail: String,
    pub health: Health,
    /// What the sparkline draws, and the value at its top.
    pub spark: Vec<(UnixMs, Option<f64>)>,
    pub spark_unit: Unit,
}

impl Headline {
    /// Whether this machine has anything to say under this headline.
    pub fn exists(self, catalog: &Catalog) -> bool {
        !self.candidates(catalog).is_empty()
    }

    /// The reading at the history's newest tick; the sparkline begins at `from`.
    pub fn read(self, catalog: &Catalog, history: &History, from: UnixMs) -> Reading {
        match self {
            Self::Cpu => self.percent(catalog, history, from, (80.0, 95.0), |_, history| {
                let load = newest(catalog, history, "load.load1");
                load.map_or_else(String::new, |load| format!("load {}", Unit::Count.show(load).text()))
            }),
            Self::Memory => self.percent(catalog, history, from, (80.0, 92.0), |_, history| {
                newest(catalog, history, "memory.available.available")
                    .map_or_else(String::new, |free| format!("{} available", Unit::Bytes.show(free).text()))
            }),
            Self::Disk => self.percent(catalog, history, from, (80.0, 97.0), |name, history| {
                let device =
                    name.strip_prefix("disk.").and_then(|rest| rest.strip_suffix(".util.util")).unwrap_or(name);
                let fullest = catalog
                    .iter()
                    .filter(|family| family.id.starts_with("fs.") && family.id.ends_with(".space"))
                    .filter_map(|family| {
                        newest(catalog, history, &format!("{}.used_percent", family.id)).map(|used| (family, used))
                    })
                    .max_by(|left, right| left.1.total_cmp(&right.1));
                match fullest {
                    Some((family, used)) => {
                        format!("{device} busy · {} {used:.0}% full", family.device().unwrap_or_default())
                    }
                    None => format!("{device} busy"),
                }
            }),
            Self::Pressure => self.percent(catalog, history, from, (20.0, 50.0), |name, _| {
                match name.strip_prefix("pressure.").and_then(|rest| rest.strip_suffix(".some")) {
                    Some("io") => "most on input and output".to_owned(),
                    Some(resource) => format!("most on {}", if resource == "cpu" { "CPU" } else { resource }),
                    None => String::new(),
                }
            }),
            Self::Network => self.network(catalog, history, from),
        }
    }

    /// The series that compete for this headline; the highest one is read.
    fn candidates(self, catalog: &Catalog) -> Vec<String> {
        let existing = |names: &[&str]| {
            names
                .iter()
                .filter(|name| Series::resolve(name, catalog).is_some())
                .map(|name| (*name).to_owned())
                .collect()
        };
        let ending = |kind: &str, end: &str, dimension: &str| {
            catalog
                .iter()
                .filter(|family| family.id.starts_with(kind) && family.id.ends_with(end))
                .map(|family| format!("{}.{dimension}", family.id))
                .collect::<Vec<_>>()
        };
        match self {
            Self::Cpu => existing(&["cpu.busy"]),
            Self::Memory => existing(&["memory.used_percent"]),
            Self::Disk => ending("disk.", ".util", "util"),
            Self::Network => ending("net.", ".traffic", "received"),
            Self::Pressure => existing(&["pressure.cpu.some", "pressure.memory.some", "pressure.io.some"]),
        }
    }

    /// A headline that is the highest of some percentages; `detail` is given the name of that series.
    fn percent(
        self,
        catalog: &Catalog,
        history: &History,
        from: UnixMs,
        (busy, critical): (f64, f64),
        detail: impl Fn(&str, &History) -> String,
    ) -> Reading {
        let candidates: Vec<(String, Series)> = self
            .candidates(catalog)
            .into_iter()
            .filter_map(|name| Series::resolve(&name, catalog).map(|series| (name, series)))
            .collect();
        let highest = candidates
            .iter()
            .filter_map(|(name, series)| series.newest(history).map(|value| (name, value)))
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        let value = highest.map(|(_, value)| value);
        Reading {
            headline: self,
            value: units::show(Unit::Percent, value),
            detail: highest.map_or_else(String::new, |(name, _)| detail(name, history)),
            health: Health::of(value, busy, critical),
            spark: combine(candidates.iter().map(|(_, series)| series.points(history, from)), f64::max),
            spark_unit: Unit::Percent,
        }
    }

    /// All interfaces together. Traffic alone is never unhealthy; errors and drops are.
    fn network(self, catalog: &Catalog, history: &History, from: UnixMs) -> Reading {
        let series = |end: &str, dimensions: &[&str]| -> Vec<Series> {
            catalog
                .iter()
                .filter(|family| family.id.starts_with("net.") && family.id.ends_with(end))
                .flat_map(|family| dimensions.iter().map(move |dimension| format!("{}.{dimension}", family.id)))
                .filter_map(|name| Series::resolve(&name, catalog))
                .collect()
        };
        let total = |series: &[Series]| {
            series.iter().filter_map(|series| series.newest(history)).reduce(|sum, value| sum + value)
        };
        let (received, sent) = (series(".traffic", &["received"]), series(".traffic", &["sent"]));
        let errors = total(&series(".errors", &["received", "sent"]));
        let value = total(&received).zip(total(&sent)).map(|(received, sent)| received + sent);
        let shown = |value: Option<f64>| units::show(Unit::BytesPerSecond, value).text();
        Reading {
            headline: self,
            value: units::show(Unit::BytesPerSecond, value),
            detail: value.map_or_else(String::new, |_| match errors {
                Some(errors) if errors >= 0.5 => format!("{} errors", Unit::PerSecond.show(errors).text()),
                _ => format!("↓ {} · ↑ {}", shown(total(&received)), shown(total(&sent))),
            }),
            health: if value.is_none() { Health::Unknown } else { Health::of(errors.or(Some(0.0)), 1.0, 100.0) },
            spark: combine(received.iter().chain(&sent).map(|series| series.points(history, from)), |sum, value| {
                sum + value
            }),
            spark_unit: Unit::BytesPerSecond,
        }
    }
}

fn newest(catalog: &Catalog, history: &History, name: &str) -> Option<f64> {
    Series::resolve(name, catalog)?.newest(history)
}

/// Several series of the same ticks as one; an instant at which none has a value has none.
fn combine(
    series: impl Iterator<Item = Vec<(UnixMs, Option<f64>)>>,
    join: impl Fn(f64, f64) -> f64,
) -> Vec<(UnixMs, Option<f64>)> {
    let mut all = std::collections::BTreeMap::new();
    for (t, value) in series.flatten() {
        let slot: &mut Option<f64> = all.entry(t).or_default();
        *slot = match (*slot, value) {
            (Some(left), Some(right)) => Some(join(left, right)),
            (left, right) => left.or(right),
        };
    }
    all.into_iter().collect()
}
