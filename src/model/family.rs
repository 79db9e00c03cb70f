//! A family is what one chart shows; the catalog is the array of a host's families.

use super::device::DeviceKind;
use super::label;
use super::time::{Interval, UnixMs};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most series that are drawn as lines.
const MOST_LINES: usize = 10;

/// One chart's worth of series that share a unit and a tick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Stable and harmless: see `label::id_part`. For example `disk.sda.io`.
    pub id: Arc<str>,
    /// Text for people; may hold any printable character, so it is escaped wherever it is shown.
    pub title: Arc<str>,
    pub unit: Unit,
    /// Whether the dimensions add up to something and are drawn on top of each other.
    pub stacked: bool,
    pub interval_ms: Interval,
    pub dimensions: Vec<Dimension>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimension {
    pub id: Arc<str>,
    pub label: Arc<str>,
    /// Where a dimension counts something else than its family does: in `self` and `tcp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// What a value counts, as it is written in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unit {
    #[serde(rename = "%")]
    Percent,
    #[serde(rename = "bytes")]
    Bytes,
    #[serde(rename = "bytes/s")]
    BytesPerSecond,
    #[serde(rename = "/s")]
    PerSecond,
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "°C")]
    Celsius,
    #[serde(rename = "Hz")]
    Hertz,
    /// A plain number: load, tasks, streams.
    #[serde(rename = "")]
    Count,
}

impl Unit {
    pub const ALL: [Self; 8] = [
        Self::Percent,
        Self::Bytes,
        Self::BytesPerSecond,
        Self::PerSecond,
        Self::Milliseconds,
        Self::Celsius,
        Self::Hertz,
        Self::Count,
    ];

    /// As it stands in the catalog.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes/s",
            Self::PerSecond => "/s",
            Self::Milliseconds => "ms",
            Self::Celsius => "°C",
            Self::Hertz => "Hz",
            Self::Count => "",
        }
    }

    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.id() == id)
    }

    /// Decimal places of a value of this unit on the wire: what is meaningful, no more.
    pub const fn decimals(self) -> u8 {
        match self {
            Self::Bytes | Self::BytesPerSecond | Self::Hertz => 0,
            Self::Percent | Self::PerSecond | Self::Milliseconds | Self::Celsius | Self::Count => 2,
        }
    }
}

impl Family {
    /// `dimensions` are pairs of id and label.
    pub fn new(id: &str, title: &str, unit: Unit, interval: Interval, dimensions: &[(&str, &str)]) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            unit,
            stacked: false,
            interval_ms: interval,
            dimensions: dimensions
                .iter()
                .map(|(id, label)| Dimension { id: (*id).into(), label: (*label).into(), unit: None })
                .collect(),
        }
    }

    #[must_use]
    pub fn stacked(self) -> Self {
        Self { stacked: true, ..self }
    }

    /// Whether the family has a value in the sample of tick `t`.
    pub fn is_due(&self, t: UnixMs) -> bool {
        t.is_tick_of(self.interval_ms)
    }

    /// The unit of one dimension's values.
    pub fn unit_of(&self, dimension: usize) -> Unit {
        self.dimensions.get(dimension).and_then(|dimension| dimension.unit).unwrap_or(self.unit)
    }

    /// Whether its dimensions count different things, so that one axis cannot serve them.
    pub fn is_mixed(&self) -> bool {
        self.dimensions.iter().any(|dimension| dimension.unit.is_some())
    }

    /// Whether it has more series than can be told apart as lines: they are drawn as a map of heat.
    pub fn is_heat(&self) -> bool {
        !self.stacked && !self.is_mixed() && self.dimensions.len() > MOST_LINES
    }

    pub fn dimension(&self, id: &str) -> Option<usize> {
        self.dimensions.iter().position(|dimension| &*dimension.id == id)
    }

    /// The device, mount, interface or service of a family that has one: the middle of its id.
    pub fn device(&self) -> Option<&str> {
        DeviceKind::of(&self.id).map(|(_, device)| device)
    }
}

/// A host's families, in the order they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Catalog(pub Vec<Family>);

impl Catalog {
    pub fn family(&self, id: &str) -> Option<&Family> {
        self.0.iter().find(|family| &*family.id == id)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Family> {
        self.0.iter()
    }

    /// Differs between catalogs that are drawn differently: as good as never the same by chance.
    pub fn digest(&self) -> u32 {
        let texts = self.iter().flat_map(|family| {
            let dimensions = family.dimensions.iter().flat_map(|dimension| [&*dimension.id, &*dimension.label]);
            [&*family.id, &*family.title, family.unit.id()].into_iter().chain(dimensions)
        });
        texts
            .fold(label::DIGEST_OF_NOTHING, |digest, text| label::digest(label::digest(digest, text.as_bytes()), b"\0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_spelled_alike_everywhere() -> Result<(), serde_json::Error> {
        for unit in Unit::ALL {
            assert_eq!(serde_json::to_value(unit)?, unit.id());
            assert_eq!(Unit::parse(unit.id()), Some(unit));
        }
        assert_eq!(Unit::parse("furlong"), None);
        Ok(())
    }

    #[test]
    fn catalogs_that_differ_have_other_digests() {
        let family = |id, title, dimensions: &[_]| Family::new(id, title, Unit::Count, Interval::SECOND, dimensions);
        let digest = |families: &[&Family]| Catalog(families.iter().map(|family| (*family).clone()).collect()).digest();
        let (load, tasks) = (family("load", "Load", &[("a", "b")]), family("tasks", "Tasks", &[]));
        let digests = [
            digest(&[]),
            digest(&[&load]),
            digest(&[&load, &tasks]),
            digest(&[&tasks, &load]),
            digest(&[&family("load", "Load", &[("ab", "")])]),
            digest(&[&family("load", "Loads", &[("a", "b")])]),
        ];
        assert_eq!(digests.iter().collect::<std::collections::BTreeSet<_>>().len(), digests.len());
        assert_eq!(digest(&[&load]), digests[1]);
    }
}
