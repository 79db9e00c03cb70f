//! The five headlines that answer "is this machine well?": one reading each, with its state in a word.

mod course;
mod usual;

pub use usual::Usual;

use super::family::{Catalog, Family, Unit};
use super::series::{Series, sum};
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

/// What a headline is read from, and at which instant; sparklines begin at `from`.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub catalog: &'a Catalog,
    pub history: &'a History,
    pub from: UnixMs,
    pub at: UnixMs,
}

impl Look<'_> {
    fn value(&self, name: &str) -> Option<f64> {
        Series::resolve(name, self.catalog)?.at(self.history, self.at)
    }
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
}

impl Headline {
    /// Whether this machine has anything to say under this headline.
    pub fn exists(self, catalog: &Catalog) -> bool {
        !self.candidates(catalog).is_empty()
    }

    pub fn read(self, look: &Look) -> Reading {
        match self {
            Self::Network => self.network(look),
            _ => self.percent(look),
        }
    }

    /// What its number counts.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Network => Unit::BytesPerSecond,
            _ => Unit::Percent,
        }
    }

    /// From where on a percentage is high, and from where critical.
    const fn limits(self) -> (f64, f64) {
        match self {
            Self::Cpu => (80.0, 95.0),
            Self::Memory => (80.0, 92.0),
            Self::Disk => (80.0, 97.0),
            Self::Pressure => (20.0, 50.0),
            Self::Network => (f64::INFINITY, f64::INFINITY),
        }
    }

    /// What stands behind a percentage; `highest` is the name of the series it is read from.
    fn detail(self, look: &Look, highest: &str) -> String {
        let shown = |unit: Unit, name: &str| look.value(name).map(|value| unit.show(value).text());
        let host = match self {
            Self::Cpu => "cpu.host.busy",
            Self::Memory => "memory.host.used_percent",
            _ => "",
        };
        // The host's own figure is there only where a group's limit leaves less than all of it.
        if Series::resolve(host, look.catalog).is_some() {
            return format!("of the limit · host {}", units::show(Unit::Percent, look.value(host)).text());
        }
        match self {
            Self::Cpu => shown(Unit::Count, "load.load1").map(|load| format!("load {load}")).unwrap_or_default(),
            Self::Memory => shown(Unit::Bytes, "memory.available.available")
                .map(|free| format!("{free} available"))
                .unwrap_or_default(),
            Self::Disk => {
                let device = highest.strip_prefix("disk.").and_then(|rest| rest.strip_suffix(".util.util"));
                let busy = format!("{} busy", device.unwrap_or(highest));
                fullest(look).map(|full| format!("{busy} · {full}")).unwrap_or(busy)
            }
            Self::Pressure => match highest.strip_prefix("pressure.").and_then(|rest| rest.strip_suffix(".some")) {
                Some("io") => "most on input and output".to_owned(),
                Some("cpu") => "most on CPU".to_owned(),
                Some(resource) => format!("most on {resource}"),
                None => String::new(),
            },
            Self::Network => String::new(),
        }
    }

    /// The series that compete for this headline; the highest one is read.
    fn candidates(self, catalog: &Catalog) -> Vec<String> {
        let (existing, (kind, end, dimension)): (&[&str], _) = match self {
            Self::Cpu => (&["cpu.busy"], ("", "", "")),
            Self::Memory => (&["memory.used_percent"], ("", "", "")),
            Self::Pressure => (&["pressure.cpu.some", "pressure.memory.some", "pressure.io.some"], ("", "", "")),
            Self::Disk => (&[], ("disk.", ".util", "util")),
            Self::Network => (&[], ("net.", ".traffic", "received")),
        };
        if end.is_empty() {
            let exists = |name: &&&str| Series::resolve(name, catalog).is_some();
            return existing.iter().filter(exists).map(|name| (*name).to_owned()).collect();
        }
        ending(catalog, kind, end).map(|family| format!("{}.{dimension}", family.id)).collect()
    }

    /// A headline that is the highest of some percentages.
    fn percent(self, look: &Look) -> Reading {
        let (mut value, mut detail) = (None, String::new());
        for name in self.candidates(look.catalog) {
            let now = look.value(&name);
            if now.is_some() && now > value {
                value = now;
                detail = self.detail(look, &name);
            }
        }
        let (busy, critical) = self.limits();
        Reading {
            headline: self,
            value: units::show(Unit::Percent, value),
            detail,
            health: Health::of(value, busy, critical),
        }
    }

    /// All interfaces together. Traffic alone is never unhealthy; errors are.
    fn network(self, look: &Look) -> Reading {
        let total = |end: &str, dimension: &str| {
            let values =
                ending(look.catalog, "net.", end).map(|family| look.value(&format!("{}.{dimension}", family.id)));
            values.fold(None, sum)
        };
        let (received, sent) = (total(".traffic", "received"), total(".traffic", "sent"));
        let errors = sum(total(".errors", "received"), total(".errors", "sent"));
        let value = received.zip(sent).map(|(received, sent)| received + sent);
        let shown = |value| units::show(Unit::BytesPerSecond, value).text();
        let detail = match errors {
            _ if value.is_none() => String::new(),
            Some(errors) if errors >= 0.5 => format!("{} errors", Unit::PerSecond.show(errors).text()),
            _ => format!("↓ {} · ↑ {}", shown(received), shown(sent)),
        };
        Reading {
            headline: self,
            value: units::show(Unit::BytesPerSecond, value),
            detail,
            health: if value.is_none() { Health::Unknown } else { Health::of(errors.or(Some(0.0)), 1.0, 100.0) },
        }
    }
}

/// The families of one kind of device, `net.*.traffic` say.
fn ending<'a>(catalog: &'a Catalog, kind: &'a str, end: &'a str) -> impl Iterator<Item = &'a Family> {
    catalog.iter().filter(move |family| family.id.starts_with(kind) && family.id.ends_with(end))
}

/// The file system that is fullest, in words.
fn fullest(look: &Look) -> Option<String> {
    let mut fullest: Option<(&Family, f64)> = None;
    for family in ending(look.catalog, "fs.", ".space") {
        let Some(used) = look.value(&format!("{}.used_percent", family.id)) else { continue };
        if fullest.is_none_or(|(_, most)| used > most) {
            fullest = Some((family, used));
        }
    }
    fullest.map(|(family, used)| format!("{} {}% full", family.device().unwrap_or_default(), units::fixed(used, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Sample};

    fn read(headline: Headline, sample: &str) -> Result<Reading, serde_json::Error> {
        let second = Interval::SECOND;
        let of = |id: &str, unit, dimensions: &[(&str, &str)]| Family::new(id, id, unit, second, dimensions);
        let catalog = Catalog(vec![
            of("cpu", Unit::Percent, &[("user", ""), ("iowait", "")]),
            of("load", Unit::Count, &[("load1", "")]),
            of("disk.sda.util", Unit::Percent, &[("util", "")]),
            of("disk.sdb.util", Unit::Percent, &[("util", "")]),
            of("fs./.space", Unit::Bytes, &[("used", ""), ("reserved", ""), ("free", "")]),
            of("net.a.traffic", Unit::BytesPerSecond, &[("received", ""), ("sent", "")]),
            of("net.b.traffic", Unit::BytesPerSecond, &[("received", ""), ("sent", "")]),
            of("net.b.errors", Unit::PerSecond, &[("received", ""), ("sent", "")]),
            of("pressure.io", Unit::Percent, &[("some", ""), ("full", "")]),
        ]);
        let mut history = crate::model::History::new(Interval::MINUTE);
        history.set_catalog(&catalog);
        history.push(&serde_json::from_str::<Sample>(sample)?);
        let (from, at) = (UnixMs(0), UnixMs(1_000));
        Ok(headline.read(&Look { catalog: &catalog, history: &history, from, at }))
    }

    #[test]
    fn headlines_tell_number_detail_and_state() -> Result<(), serde_json::Error> {
        for (headline, sample, value, detail, health) in [
            (Headline::Cpu, r#"{"t":1000,"cpu":[50,40],"load":[1.5]}"#, "50.0%", "load 1.50", Health::Good),
            (Headline::Cpu, r#"{"t":1000,"cpu":[85,0]}"#, "85.0%", "", Health::Busy),
            (Headline::Cpu, r#"{"t":1000,"cpu":[null,0]}"#, "–", "", Health::Unknown),
            (
                Headline::Disk,
                r#"{"t":1000,"disk.sda.util":[3],"disk.sdb.util":[99],"fs./.space":[75,5,25]}"#,
                "99.0%",
                "sdb busy · / 75% full",
                Health::Critical,
            ),
            (
                Headline::Network,
                r#"{"t":1000,"net.a.traffic":[1,2],"net.b.traffic":[10,20],"net.b.errors":[0,0]}"#,
                "33 B/s",
                "↓ 11 B/s · ↑ 22 B/s",
                Health::Good,
            ),
            (
                Headline::Network,
                r#"{"t":1000,"net.a.traffic":[1,2],"net.b.errors":[3,1]}"#,
                "3 B/s",
                "4.00 /s errors",
                Health::Busy,
            ),
            (
                Headline::Pressure,
                r#"{"t":1000,"pressure.io":[30,1]}"#,
                "30.0%",
                "most on input and output",
                Health::Busy,
            ),
        ] {
            let reading = read(headline, sample)?;
            assert_eq!((&*reading.value.text(), &*reading.detail, reading.health), (value, detail, health), "{sample}");
        }
        Ok(())
    }

    #[test]
    fn a_limit_has_the_hosts_figure_beside_it() -> Result<(), serde_json::Error> {
        let of =
            |id: &str, dimensions: &[(&str, &str)]| Family::new(id, id, Unit::Percent, Interval::SECOND, dimensions);
        let both = [("used", ""), ("free", "")];
        let catalog = Catalog(vec![
            of("cpu", &[("user", "")]),
            of("cpu.host", &[("user", "")]),
            of("memory", &both),
            of("memory.available", &[("available", "")]),
            of("memory.host", &both),
        ]);
        let mut history = crate::model::History::new(Interval::MINUTE);
        history.set_catalog(&catalog);
        let sample =
            r#"{"t":1000,"cpu":[99],"cpu.host":[34],"memory":[60,40],"memory.available":[40],"memory.host":[null,1]}"#;
        history.push(&serde_json::from_str::<Sample>(sample)?);
        let look = Look { catalog: &catalog, history: &history, from: UnixMs(0), at: UnixMs(1_000) };
        for (headline, value, detail) in [
            (Headline::Cpu, "99.0%", "of the limit · host 34.0%"),
            (Headline::Memory, "60.0%", "of the limit · host –"),
        ] {
            let reading = headline.read(&look);
            assert_eq!((&*reading.value.text(), &*reading.detail), (value, detail));
        }
        Ok(())
    }
}
