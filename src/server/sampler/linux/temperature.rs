//! `temperature`: a dimension a sensor.

use super::Roots;
use super::file::page;
use super::patient::{Patience, PatientReader};
use super::sensors::{self, Sensor};
use crate::model::{Dimension, Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A chip on a slow bus needs milliseconds, a disk finishes what it was doing first.
pub const PATIENCE: Patience = Patience { each: Duration::from_millis(80), all: Duration::from_millis(120) };

/// Sensors are looked for again after so many turns, and when one of them is gone.
const SEARCH_HOLDS: u32 = 6;

pub struct Temperatures {
    roots: Roots,
    reader: PatientReader,
    patience: Patience,
    known: Vec<Known>,
    family: Arc<Family>,
    /// Turns until the next search.
    search_in: u32,
}

struct Known {
    sensor: Sensor,
    /// Drivers offer inputs that nothing is connected to: shown is what has once made sense.
    shown: bool,
    /// The counters of its disk in the last turn.
    disk: Option<Vec<u8>>,
}

impl Temperatures {
    pub fn new(roots: &Roots, interval: Interval, patience: Patience) -> Self {
        Self {
            roots: roots.clone(),
            reader: PatientReader::default(),
            patience,
            known: Vec::new(),
            family: Arc::new(Family::new("temperature", "Temperature", Unit::Celsius, interval, &[])),
            search_in: 0,
        }
    }

    /// What is known of a sensor stays with its id.
    fn search(&mut self) {
        let mut before = std::mem::take(&mut self.known);
        let known = |sensor: Sensor| match before.iter().position(|known| known.sensor.id == sensor.id) {
            Some(index) => Known { sensor, ..before.swap_remove(index) },
            None => Known { sensor, shown: false, disk: None },
        };
        self.known = sensors::find(&self.roots).into_iter().map(known).collect();
        self.search_in = SEARCH_HOLDS;
    }
}

impl Collector for Temperatures {
    fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        if self.search_in == 0 {
            self.search();
        }
        self.search_in -= 1;
        let awake = self.known.iter_mut().filter_map(Known::file_if_awake);
        let mut answers = self.reader.read(&awake.collect::<Vec<_>>(), self.patience);
        let mut values = Vec::with_capacity(self.known.len());
        for known in &mut self.known {
            let answer = answers.remove(&known.sensor.input);
            if matches!(&answer, Some(Err(error)) if error.kind() == io::ErrorKind::NotFound) {
                self.search_in = 0;
            }
            let value = answer.and_then(Result::ok).and_then(|text| celsius(&text));
            known.shown |= value.is_some();
            if known.shown {
                values.push(value);
            }
        }
        let shown = || self.known.iter().filter(|known| known.shown).map(|known| &known.sensor);
        let is_same = |(dimension, sensor): (&Dimension, &Sensor)| {
            *dimension.id == *sensor.id && *dimension.label == *sensor.label
        };
        if values.len() != self.family.dimensions.len() || !self.family.dimensions.iter().zip(shown()).all(is_same) {
            let dimension =
                |sensor: &Sensor| Dimension { id: (*sensor.id).into(), label: (*sensor.label).into(), unit: None };
            self.family = Arc::new(Family { dimensions: shown().map(dimension).collect(), ..(*self.family).clone() });
        }
        Ok(if values.is_empty() { Vec::new() } else { vec![Reading::new(&self.family, values)] })
    }
}

impl Known {
    /// A disk is asked only when it has worked since the last turn: to be asked would keep it from falling asleep.
    fn file_if_awake(&mut self) -> Option<PathBuf> {
        if let Some(disk) = &self.sensor.disk {
            let now = page(disk).ok();
            let has_worked = self.disk.is_some() && now.is_some() && now != self.disk;
            self.disk = now;
            if !has_worked {
                return None;
            }
        }
        Some(self.sensor.input.clone())
    }
}

/// Degrees of thousandths; what no machine survives or a sensor without a cable says is no temperature.
fn celsius(text: &[u8]) -> Option<f64> {
    let thousandths: i64 = std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()?;
    Some(thousandths as f64 / 1_000.0).filter(|celsius| (-60.0..=250.0).contains(celsius))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, GENEROUS, values};

    fn labels(readings: &[Reading]) -> Vec<&str> {
        readings.iter().flat_map(|reading| &reading.family.dimensions).map(|dimension| &*dimension.label).collect()
    }

    #[test]
    fn only_what_makes_sense_is_a_temperature() {
        for (text, expected) in [
            ("45500\n", Some(45.5)),
            ("-5000\n", Some(-5.0)),
            ("-60001", None),
            ("250001", None),
            ("", None),
            ("warm", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(celsius(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_sensor_is_shown_from_its_first_value_on() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Temperatures::new(&fixture.roots(), Interval::SECOND, GENEROUS);
        assert_eq!(fixture.collect(&mut collector)?, [], "a virtual machine");
        let input = |number: u32, text: &str| {
            fixture.write(&format!("sys/class/hwmon/hwmon0/temp{number}_input"), text.as_bytes())
        };
        fixture.write("sys/class/hwmon/hwmon0/name", b"nct6798\n")?;
        input(1, "31000\n")?;
        input(2, "-128000\n")?;
        for _ in 1..SEARCH_HOLDS {
            assert_eq!(fixture.collect(&mut collector)?, [], "not looked for yet");
        }
        let readings = fixture.collect(&mut collector)?;
        assert_eq!((labels(&readings), values(&readings, "temperature")), (vec!["nct6798"], Some(&[Some(31.0)][..])));
        input(1, "255000\n")?;
        input(2, "20000\n")?;
        let readings = fixture.collect(&mut collector)?;
        assert_eq!(values(&readings, "temperature"), Some(&[None, Some(20.0)][..]));
        let again = fixture.collect(&mut collector)?;
        assert!(Arc::ptr_eq(&readings[0].family, &again[0].family));
        fixture.remove("sys/class/hwmon/hwmon0/temp1_input")?;
        assert_eq!(values(&fixture.collect(&mut collector)?, "temperature"), Some(&[None, Some(20.0)][..]));
        let readings = fixture.collect(&mut collector)?;
        assert_eq!((labels(&readings), values(&readings, "temperature")), (vec!["nct6798 2"], Some(&[Some(20.0)][..])));
        Ok(())
    }

    #[test]
    fn a_sleeping_disk_is_left_asleep() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Temperatures::new(&fixture.roots(), Interval::SECOND, GENEROUS);
        fixture.write("sys/class/hwmon/hwmon0/name", b"drivetemp\n")?;
        fixture.write("sys/class/hwmon/hwmon0/temp1_input", b"35000\n")?;
        fixture.write("sys/class/hwmon/hwmon0/device/block/sda/size", b"1\n")?;
        for (stat, expected) in [
            // Nobody knows yet whether it sleeps; a sensor is shown from its first value on.
            ("  5 0 40 2  0 0 0 0  0 2 2\n", None),
            ("  5 0 40 2  0 0 0 0  0 2 2\n", None),
            ("  6 0 48 3  0 0 0 0  0 3 3\n", Some(Some(35.0))),
            ("  6 0 48 3  0 0 0 0  0 3 3\n", Some(None)),
            ("  7 0 56 4  0 0 0 0  0 4 4\n", Some(Some(35.0))),
        ] {
            fixture.write("sys/block/sda/stat", stat.as_bytes())?;
            let readings = fixture.collect(&mut collector)?;
            let shown = values(&readings, "temperature").and_then(|values| values.first().copied());
            assert_eq!(shown, expected, "{stat}");
        }
        fixture.remove("sys/block/sda/stat")?;
        assert_eq!(values(&fixture.collect(&mut collector)?, "temperature"), Some(&[None][..]), "nobody knows");
        Ok(())
    }
}
