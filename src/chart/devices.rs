//! A list of devices: those that are busiest, each in a row with its figures and the course of its load.

use super::path::Stroke;
use super::spark::spark;
use super::{Scene, Span};
use crate::model::series::Points;
use crate::model::{Device, DeviceKind, Unit, address, top, units};

/// What stands in one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceText {
    pub name: String,
    /// Where its own charts are.
    pub address: String,
    /// One a column.
    pub figures: Vec<String>,
    pub spark: Stroke,
}

/// Below this an idle device's load would look like much.
const LEAST_TOP: f64 = 10.0;

impl Scene {
    /// The devices that were busiest at any instant shown, the busiest first.
    pub fn busiest(&self, kind: DeviceKind, count: usize) -> Vec<Device> {
        let mut devices = Device::all(kind, &self.catalog);
        let Some(span) = self.span() else {
            devices.truncate(count);
            return devices;
        };
        let ranked = devices.into_iter().map(|device| (greatest(&self.course(&device, span), span), device));
        top(ranked, count, |left, right| left.0 > right.0).into_iter().map(|(_, device)| device).collect()
    }

    /// A row for each of the devices. All courses have one scale, so that they can be compared.
    pub fn rows(&self, devices: &[Device]) -> Vec<DeviceText> {
        let courses: Vec<Points> = match self.span() {
            Some(span) => devices.iter().map(|device| self.course(device, span)).collect(),
            None => vec![Points::new(); devices.len()],
        };
        devices
            .iter()
            .zip(&courses)
            .map(|(device, course)| DeviceText {
                name: device.name.to_string(),
                address: format!("?device={}", address::encoded(&device.id())),
                figures: self.figures(device),
                spark: self.span().map(|span| self.spark(device.kind, course, &courses, span)).unwrap_or_default(),
            })
            .collect()
    }

    /// The figures of a device at the instant that is looked at.
    pub fn figures(&self, device: &Device) -> Vec<String> {
        let at = self.instant_shown();
        let columns = device.kind.columns().iter();
        columns
            .map(|column| {
                let (unit, value) = match at {
                    Some(at) => device.figure(column, &self.catalog, &self.history, at),
                    None => (Unit::Count, None),
                };
                units::show(unit, value).text()
            })
            .collect()
    }

    fn course(&self, device: &Device, span: Span) -> Points {
        device.course(&self.catalog, &self.history, span.start())
    }

    fn spark(&self, kind: DeviceKind, course: &Points, all: &[Points], span: Span) -> Stroke {
        let (unit, top) = match kind {
            DeviceKind::Disk | DeviceKind::FileSystem => (Unit::Percent, 100.0),
            DeviceKind::Service => (Unit::Percent, highest(all, span).max(LEAST_TOP)),
            DeviceKind::Interface => (Unit::BytesPerSecond, highest(all, span)),
        };
        spark(course, span, unit, Some(top))
    }
}

fn highest(courses: &[Points], span: Span) -> f64 {
    courses.iter().map(|course| greatest(course, span)).fold(0.0, f64::max)
}

fn greatest(course: &Points, span: Span) -> f64 {
    course.iter().filter(|(t, _)| *t <= span.end).filter_map(|(_, value)| *value).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::fixture;
    use crate::model::{Catalog, Family, History, Interval, Sample, UnixMs};
    use std::sync::Arc;

    fn scene() -> Result<Scene, serde_json::Error> {
        let of =
            |id: &str, unit, dimension: &str| Family::new(id, id, unit, Interval::SECOND, &[(dimension, dimension)]);
        let catalog = Arc::new(Catalog(vec![
            of("disk.a.util", Unit::Percent, "util"),
            of("disk.b+c.util", Unit::Percent, "util"),
            of("disk.b+c.io", Unit::BytesPerSecond, "read"),
            of("disk.d.util", Unit::Percent, "util"),
        ]));
        let mut history = History::new(Interval::MINUTE);
        history.set_catalog(&catalog);
        for second in 1..=30 {
            let spike = if second == 9 { 90 } else { 1 };
            let sample: Sample = serde_json::from_str(&format!(
                r#"{{"t":{second}000,"disk.a.util":[2],"disk.b+c.util":[{spike}],"disk.b+c.io":[4096],"disk.d.util":[null]}}"#
            ))?;
            history.push(&sample);
        }
        Ok(fixture::scene(catalog, history))
    }

    #[test]
    fn whoever_was_busy_in_what_is_shown_comes_first() -> Result<(), serde_json::Error> {
        let mut scene = scene()?;
        let names = |scene: &Scene, count| -> Vec<String> {
            scene.busiest(DeviceKind::Disk, count).iter().map(|device| device.name.to_string()).collect()
        };
        assert_eq!(names(&scene, 9), ["b+c", "a", "d"]);
        assert_eq!(names(&scene, 1), ["b+c"]);
        scene.end = Some(UnixMs(8_000));
        assert_eq!(names(&scene, 2), ["a", "b+c"], "the spike is not in sight");
        scene.end = None;
        assert_eq!(names(&scene, 2), ["a", "b+c"], "before the first sample");
        Ok(())
    }

    #[test]
    fn a_row_says_what_there_is() -> Result<(), serde_json::Error> {
        let mut scene = scene()?;
        let devices = scene.busiest(DeviceKind::Disk, 9);
        let rows = scene.rows(&devices);
        assert_eq!(rows[0].figures, ["1.0%", "4.00 KiB/s", "–", "–"]);
        assert_eq!((&*rows[0].name, &*rows[0].address), ("b+c", "?device=disk.b%2Bc"));
        assert!(!rows[1].spark.line.is_empty() && rows[2].spark.line.is_empty());
        scene.cursor = Some(UnixMs(9_000));
        assert_eq!(scene.rows(&devices)[0].figures[0], "90.0%", "the crosshair reads rows, too");
        scene.end = None;
        assert_eq!(scene.rows(&devices)[0].figures, ["–"; 4]);
        Ok(())
    }
}
