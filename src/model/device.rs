//! Kinds of devices, of which a machine may have very many, and what a list says of each.

use super::family::{Catalog, Family, Unit};
use super::series::{Points, Series, combine, joined};
use super::time::UnixMs;
use super::track::History;
use std::sync::Arc;

/// What a family of a device is about. Its id begins the family's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceKind {
    Disk,
    FileSystem,
    Interface,
    /// A service or a container: a control group.
    Service,
}

impl DeviceKind {
    pub const ALL: [Self; 4] = [Self::Disk, Self::FileSystem, Self::Interface, Self::Service];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::FileSystem => "fs",
            Self::Interface => "net",
            Self::Service => "cgroup",
        }
    }

    pub const fn plural(self) -> &'static str {
        match self {
            Self::Disk => "disks",
            Self::FileSystem => "file systems",
            Self::Interface => "interfaces",
            Self::Service => "services and containers",
        }
    }

    /// Kind and device of a family: `disk.sda.io` is of the disk `sda`. A device's name may hold dots.
    pub fn of(family: &str) -> Option<(Self, &str)> {
        let (kind, rest) = family.split_once('.')?;
        let kind = Self::ALL.into_iter().find(|known| known.id() == kind)?;
        rest.rsplit_once('.').map(|(device, _)| (kind, device))
    }
}

/// One device, and the places of its families in the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub kind: DeviceKind,
    /// The middle part of its families' ids: harmless, and for people as well.
    pub name: Arc<str>,
    families: Vec<usize>,
}

/// What a list says of each device: series that are joined to one figure.
#[derive(Debug)]
pub struct Column {
    pub title: &'static str,
    /// The end of a family's id, and a series of it.
    series: &'static [(&'static str, &'static str)],
    join: fn(f64, f64) -> f64,
}

const fn one(title: &'static str, series: &'static [(&'static str, &'static str)]) -> Column {
    Column { title, series, join: f64::max }
}

fn add(left: f64, right: f64) -> f64 {
    left + right
}

static DISK: [Column; 4] = [
    one("busy", &[("util", "util")]),
    one("read", &[("io", "read")]),
    one("written", &[("io", "written")]),
    one("wait", &[("latency", "read"), ("latency", "write")]),
];
static FILE_SYSTEM: [Column; 4] = [
    one("full", &[("space", "used_percent")]),
    one("used", &[("space", "used")]),
    one("free", &[("space", "free")]),
    one("files", &[("inodes", "used_percent")]),
];
static INTERFACE: [Column; 4] = [
    Column { title: "traffic", series: &[("traffic", "received"), ("traffic", "sent")], join: add },
    one("received", &[("traffic", "received")]),
    one("sent", &[("traffic", "sent")]),
    Column {
        title: "errors, drops",
        series: &[
            ("errors", "received"),
            ("errors", "sent"),
            ("errors", "received_dropped"),
            ("errors", "sent_dropped"),
        ],
        join: add,
    },
];
static SERVICE: [Column; 3] = [
    Column { title: "CPU", series: &[("cpu", "user"), ("cpu", "system")], join: add },
    one("memory", &[("memory", "used")]),
    one("stalled", &[("pressure", "cpu"), ("pressure", "memory"), ("pressure", "io")]),
];

impl DeviceKind {
    /// What is said of each; the first says how busy it is, and is drawn.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Disk => &DISK,
            Self::FileSystem => &FILE_SYSTEM,
            Self::Interface => &INTERFACE,
            Self::Service => &SERVICE,
        }
    }
}

impl Device {
    /// All devices of a kind, in the order of the catalog.
    pub fn all(kind: DeviceKind, catalog: &Catalog) -> Vec<Self> {
        let mut devices: Vec<Self> = Vec::new();
        for (place, family) in catalog.iter().enumerate() {
            let Some((_, name)) = DeviceKind::of(&family.id).filter(|(other, _)| *other == kind) else { continue };
            // The families of a device stand together, so that it is the newest one nearly always.
            match devices.iter_mut().rev().find(|device| &*device.name == name) {
                Some(device) => device.families.push(place),
                None => devices.push(Self { kind, name: name.into(), families: vec![place] }),
            }
        }
        devices
    }

    /// `disk.sda`: what an address names it by.
    pub fn id(&self) -> String {
        format!("{}.{}", self.kind.id(), self.name)
    }

    pub fn families<'a>(&'a self, catalog: &'a Catalog) -> impl Iterator<Item = &'a Family> {
        self.families.iter().filter_map(|&place| catalog.0.get(place))
    }

    fn series(&self, column: &'static Column, catalog: &Catalog) -> impl Iterator<Item = Series> {
        column.series.iter().filter_map(|(end, series)| {
            let family = self.families(catalog).find(|family| family.id.rsplit('.').next() == Some(end))?;
            Series::within(family, series)
        })
    }

    /// The figure of one column at an instant, and what it counts.
    pub fn figure(
        &self,
        column: &'static Column,
        catalog: &Catalog,
        history: &History,
        t: UnixMs,
    ) -> (Unit, Option<f64>) {
        let (mut unit, mut figure) = (Unit::Count, None);
        for series in self.series(column, catalog) {
            unit = series.unit;
            figure = joined(figure, series.at(history, t), column.join);
        }
        (unit, figure)
    }

    /// How busy it was since an instant.
    pub fn course(&self, catalog: &Catalog, history: &History, from: UnixMs) -> Points {
        let mut points = Points::new();
        let Some(column) = self.kind.columns().first() else { return points };
        for series in self.series(column, catalog) {
            combine(&mut points, series.points(history, from), column.join);
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Sample};

    #[test]
    fn families_of_devices_are_told_from_the_others() {
        for (family, expected) in [
            ("disk.sda.io", Some((DeviceKind::Disk, "sda"))),
            ("fs./var/lib.space", Some((DeviceKind::FileSystem, "/var/lib"))),
            ("net.eth0.100.traffic", Some((DeviceKind::Interface, "eth0.100"))),
            ("cgroup.nginx.service.cpu", Some((DeviceKind::Service, "nginx.service"))),
            ("cpu.cores", None),
            ("disk.sda", None),
            ("cpu", None),
        ] {
            assert_eq!(DeviceKind::of(family), expected, "{family}");
        }
    }

    #[test]
    fn a_device_says_how_busy_it_is() -> Result<(), serde_json::Error> {
        let of = |id: &str, unit, dimensions: &[(&str, &str)]| Family::new(id, id, unit, Interval::SECOND, dimensions);
        let both = [("received", "received"), ("sent", "sent")];
        let catalog = Catalog(vec![
            of("net.a.1.traffic", Unit::BytesPerSecond, &both),
            of("net.a.1.errors", Unit::PerSecond, &both),
            of("disk.a.util", Unit::Percent, &[("util", "util")]),
            of("net.b.traffic", Unit::BytesPerSecond, &both),
        ]);
        let mut history = History::new(Interval::MINUTE);
        history.set_catalog(&catalog);
        let sample = r#"{"t":1000,"net.a.1.traffic":[5,7],"net.a.1.errors":[1,null],"net.b.traffic":[null,2]}"#;
        history.push(&serde_json::from_str::<Sample>(sample)?);

        let devices = Device::all(DeviceKind::Interface, &catalog);
        let names: Vec<String> = devices.iter().map(Device::id).collect();
        assert_eq!(names, ["net.a.1", "net.b"]);
        let figures = |device: &Device| -> Vec<Option<f64>> {
            let columns = device.kind.columns().iter();
            columns.map(|column| device.figure(column, &catalog, &history, UnixMs(1_000)).1).collect()
        };
        assert_eq!(figures(&devices[0]), [Some(12.0), Some(5.0), Some(7.0), Some(1.0)]);
        assert_eq!(figures(&devices[1]), [Some(2.0), None, Some(2.0), None]);
        assert_eq!(devices[0].course(&catalog, &history, UnixMs(0)), [(UnixMs(1_000), Some(12.0))]);
        Ok(())
    }
}
