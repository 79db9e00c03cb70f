//! `battery`: the charge of the machine's batteries and UPSs, from `/sys/class/power_supply`.

use super::Roots;
use super::bytes::number;
use super::file::{names, word};
use super::patient::{Patience, PatientReader};
use crate::model::{Dimension, Family, Interval, Unit, label};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::MOST_DEVICES;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Firmware that is asked for the charge may take its time.
pub const PATIENCE: Patience = Patience { each: Duration::from_millis(80), all: Duration::from_millis(80) };

pub struct Batteries {
    supplies: PathBuf,
    reader: PatientReader,
    patience: Patience,
    family: Arc<Family>,
}

impl Batteries {
    pub fn new(roots: &Roots, interval: Interval, patience: Patience) -> Self {
        Self {
            supplies: roots.sys("class/power_supply"),
            reader: PatientReader::default(),
            patience,
            family: Arc::new(Family::new("battery", "Battery charge", Unit::Percent, interval, &[])),
        }
    }
}

impl Collector for Batteries {
    fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let mut names = names(&self.supplies, MOST_DEVICES);
        names.retain(|name| is_shown(&self.supplies.join(name)));
        if names.is_empty() {
            return Ok(Vec::new());
        }
        names.sort_unstable();
        let dimensions: Vec<Dimension> = names
            .iter()
            .map(|name| Dimension {
                // A series is told from its family by the last dot.
                id: label::id_part(name.as_bytes()).replace('.', "_").into(),
                label: label::text(name.as_bytes()).into(),
                unit: None,
            })
            .collect();
        if dimensions != self.family.dimensions {
            self.family = Arc::new(Family { dimensions, ..(*self.family).clone() });
        }
        let files: Vec<PathBuf> = names.iter().map(|name| self.supplies.join(name).join("capacity")).collect();
        let answers = self.reader.read(&files, self.patience);
        let charge = |file| number(answers.get(file)?.as_ref().ok()?.trim_ascii_end());
        // A battery that was calibrated when it was new may claim a little more than all.
        let values: Vec<_> = files.iter().map(|file| charge(file).map(|percent| percent.min(100) as f64)).collect();
        Ok(vec![Reading::new(&self.family, values)])
    }
}

/// A mouse or a headset (`scope` Device) has a battery too, but the machine does not live by it.
fn is_shown(supply: &Path) -> bool {
    let says = |file: &str, values: &[&[u8]]| word(&supply.join(file)).is_some_and(|word| values.contains(&&*word));
    says("type", &[b"Battery", b"UPS"]) && !says("scope", &[b"Device"]) && supply.join("capacity").exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, GENEROUS, values};

    #[test]
    fn what_the_machine_lives_by_is_shown() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Batteries::new(&fixture.roots(), Interval::SECOND, GENEROUS);
        assert_eq!(fixture.collect(&mut collector)?, [], "a server");
        for (file, text) in [
            ("AC/type", "Mains\n"),
            ("BAT1/type", "Battery\n"),
            ("BAT1/capacity", "104\n"),
            ("BAT0/type", "Battery\n"),
            ("BAT0/capacity", "57\n"),
            ("hidpp_battery_0/type", "Battery\n"),
            ("hidpp_battery_0/scope", "Device\n"),
            ("hidpp_battery_0/capacity", "20\n"),
            ("rack.1/type", "UPS\n"),
            ("rack.1/capacity", "what\n"),
            ("old/type", "Battery\n"),
        ] {
            fixture.write(&format!("sys/class/power_supply/{file}"), text.as_bytes())?;
        }
        let readings = fixture.collect(&mut collector)?;
        assert_eq!(values(&readings, "battery"), Some(&[Some(57.0), Some(100.0), None][..]));
        let shown: Vec<_> = readings[0].family.dimensions.iter().map(|d| (&*d.id, &*d.label)).collect();
        assert_eq!(shown, [("BAT0", "BAT0"), ("BAT1", "BAT1"), ("rack_1", "rack.1")]);
        assert!(Arc::ptr_eq(&readings[0].family, &fixture.collect(&mut collector)?[0].family));
        fixture.remove("sys/class/power_supply/BAT0")?;
        assert_eq!(values(&fixture.collect(&mut collector)?, "battery"), Some(&[Some(100.0), None][..]));
        Ok(())
    }
}
