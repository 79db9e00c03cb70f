//! Which temperatures the machine can measure: those of hwmon, or where there are none the thermal zones.

use super::Roots;
use super::file::{names, word};
use super::sensor_label::label;
use crate::model::label::id_part;
use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub const MOST_SENSORS: usize = 64;

/// Chips, and files of one chip, that are looked at, at most.
const MOST_CHIPS: usize = 256;
const MOST_FILES: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// Stable, whatever numbers the kernel gave out this time, and without a dot: that is what tells a
    /// dimension from its family.
    pub id: String,
    pub label: String,
    /// Holds thousandths of a degree.
    pub input: PathBuf,
    /// The counters of the disk that would have to be asked. One that sleeps would wake up for it.
    pub disk: Option<PathBuf>,
}

/// What a sensor belongs to.
pub struct Chip {
    pub name: Vec<u8>,
    /// The device it sits on, as the kernel names it: `coretemp.0`, `0000:00:18.3`.
    pub device: Vec<u8>,
    /// `nvme0`, `sda`.
    pub drive: Option<Vec<u8>>,
    /// Whether there are others of the same name.
    pub is_one_of_several: bool,
    directory: PathBuf,
    disk: Option<PathBuf>,
}

/// In an order that stays the same.
pub fn find(roots: &Roots) -> Vec<Sensor> {
    let sensors = chips(roots).iter().flat_map(Chip::sensors).collect();
    let sensors = shortlist(sensors);
    if sensors.is_empty() { shortlist(zones(roots)) } else { sensors }
}

/// A sensor and its number on its chip.
type Numbered = (u32, Sensor);

/// The first sensors of all chips come before the second ones: a CPU of a hundred cores leaves room for the disks.
fn shortlist(mut sensors: Vec<Numbered>) -> Vec<Sensor> {
    sensors.sort_by(|left, right| (left.0, &left.1.id).cmp(&(right.0, &right.1.id)));
    let mut seen = HashSet::new();
    sensors.retain(|(_, sensor)| seen.insert(sensor.id.clone()));
    sensors.truncate(MOST_SENSORS);
    let chip = |sensor: &Sensor| sensor.id.split('/').next().unwrap_or_default().to_owned();
    sensors.sort_by_cached_key(|(number, sensor)| (chip(sensor), *number));
    sensors.into_iter().map(|(_, sensor)| sensor).collect()
}

fn chips(roots: &Roots) -> Vec<Chip> {
    let parent = roots.sys("class/hwmon");
    let directories = names(&parent, MOST_CHIPS).into_iter().map(|name| parent.join(name));
    let chips: Vec<Chip> = directories.filter_map(|directory| Chip::read(directory, "name", roots)).collect();
    told_apart(chips)
}

fn told_apart(mut chips: Vec<Chip>) -> Vec<Chip> {
    let (mut once, mut twice) = (HashSet::new(), HashSet::new());
    for chip in &chips {
        if !once.insert(chip.name.clone()) {
            twice.insert(chip.name.clone());
        }
    }
    for chip in &mut chips {
        chip.is_one_of_several = twice.contains(&chip.name);
    }
    chips
}

impl Chip {
    fn read(directory: PathBuf, name: &str, roots: &Roots) -> Option<Self> {
        let name = word(&directory.join(name)).filter(|name| !name.is_empty())?;
        let link = directory.join("device");
        let device = std::fs::read_link(&link).ok().and_then(|target| file_name(&target)).unwrap_or_default();
        let below = |folder: &str| names(&link.join(folder), 1).first().map(|name| name.as_bytes().to_vec());
        let drive = match name.as_slice() {
            b"nvme" if device.starts_with(b"nvme") => Some(device.clone()),
            b"nvme" => below("nvme"),
            b"drivetemp" => below("block"),
            _ => None,
        };
        let disk = drive.as_deref().filter(|_| name == b"drivetemp").map(|drive| {
            let path = Path::new(std::ffi::OsStr::from_bytes(drive));
            roots.sys("block").join(path).join("stat")
        });
        Some(Self { name, device, drive, is_one_of_several: false, directory, disk })
    }

    fn sensors(&self) -> Vec<Numbered> {
        let files = names(&self.directory, MOST_FILES);
        files.iter().filter_map(|file| channel(file.as_bytes())).map(|number| (number, self.sensor(number))).collect()
    }

    fn sensor(&self, number: u32) -> Sensor {
        let said = word(&self.directory.join(format!("temp{number}_label"))).unwrap_or_default();
        let id = match (&self.drive, number) {
            (Some(_), 1) => self.id(),
            _ => format!("{}/temp{number}", self.id()),
        };
        let input = self.directory.join(format!("temp{number}_input"));
        Sensor { id, label: label(self, number, &said), input, disk: self.disk.clone() }
    }

    fn id(&self) -> String {
        let id = match (&self.drive, self.is_one_of_several) {
            (Some(drive), _) => id_part(drive),
            (None, true) => format!("{}@{}", id_part(&self.name), id_part(&self.device)),
            (None, false) => id_part(&self.name),
        };
        id.replace(['.', '/'], "_")
    }
}

#[cfg(test)]
impl Chip {
    pub fn named(name: &str, device: &str, drive: Option<&str>, is_one_of_several: bool) -> Self {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let (directory, disk) = (PathBuf::new(), None);
        Self { name: bytes(name), device: bytes(device), drive: drive.map(bytes), is_one_of_several, directory, disk }
    }
}

fn file_name(path: &Path) -> Option<Vec<u8>> {
    path.file_name().map(|name| name.as_bytes().to_vec())
}

/// The number of a file `temp12_input`.
fn channel(file: &[u8]) -> Option<u32> {
    let number = file.strip_prefix(b"temp")?.strip_suffix(b"_input")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// A zone is a chip with one sensor.
fn zones(roots: &Roots) -> Vec<Numbered> {
    let parent = roots.sys("class/thermal");
    let zones = names(&parent, MOST_FILES).into_iter().filter(|name| name.as_bytes().starts_with(b"thermal_zone"));
    let chips = zones.filter_map(|name| {
        let device = name.as_bytes().to_vec();
        Some(Chip { device, ..Chip::read(parent.join(name), "type", roots)? })
    });
    let sensor = |chip: &Chip| Sensor {
        id: chip.id(),
        label: label(chip, 1, b""),
        input: chip.directory.join("temp"),
        disk: None,
    };
    told_apart(chips.take(MOST_CHIPS).collect()).iter().map(|chip| (1, sensor(chip))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::Fixture;

    fn found(fixture: &Fixture) -> Vec<(String, String)> {
        find(&fixture.roots()).into_iter().map(|sensor| (sensor.id, sensor.label)).collect()
    }

    fn check(fixture: &Fixture, expected: &[(&str, &str)]) {
        let found = found(fixture);
        let found: Vec<_> = found.iter().map(|(id, label)| (id.as_str(), label.as_str())).collect();
        assert_eq!(found, expected);
    }

    /// `sensors` are number and label of each.
    fn chip(fixture: &Fixture, number: u32, name: &str, device: &str, sensors: &[(u32, &str)]) -> std::io::Result<()> {
        let directory = format!("sys/class/hwmon/hwmon{number}");
        fixture.write(&format!("{directory}/name"), format!("{name}\n").as_bytes())?;
        fixture.link(&format!("{directory}/device"), &format!("../../../devices/{device}"))?;
        for (number, label) in sensors {
            fixture.write(&format!("{directory}/temp{number}_input"), b"40000\n")?;
            if !label.is_empty() {
                fixture.write(&format!("{directory}/temp{number}_label"), format!("{label}\n").as_bytes())?;
            }
        }
        Ok(())
    }

    #[test]
    fn sensors_have_names_that_last() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        check(&fixture, &[]);
        fixture.write("sys/class/thermal/thermal_zone0/type", b"acpitz\n")?;
        fixture.write("sys/class/thermal/thermal_zone0/temp", b"40000\n")?;
        check(&fixture, &[("acpitz", "acpitz")]);
        chip(&fixture, 7, "coretemp", "coretemp.0", &[(1, "Package id 0"), (10, "Core 8"), (2, "Core 0")])?;
        chip(&fixture, 2, "nvme", "nvme0", &[(1, "Composite"), (2, "Sensor 1")])?;
        chip(&fixture, 3, "spd5118", "0-0050", &[(1, "")])?;
        chip(&fixture, 4, "spd5118", "0-0051", &[(1, "")])?;
        chip(&fixture, 1, "drivetemp", "2:0:0:0", &[(1, "")])?;
        fixture.write("sys/devices/2:0:0:0/block/sdb/size", b"1\n")?;
        chip(&fixture, 5, "fan", "fan.1", &[])?;
        check(
            &fixture,
            &[
                ("coretemp/temp1", "CPU package"),
                ("coretemp/temp2", "CPU core 0"),
                ("coretemp/temp10", "CPU core 8"),
                ("nvme0", "nvme0"),
                ("nvme0/temp2", "nvme0 Sensor 1"),
                ("sdb", "sdb"),
                ("spd5118@0-0050/temp1", "spd5118 0-0050"),
                ("spd5118@0-0051/temp1", "spd5118 0-0051"),
            ],
        );
        let disks: Vec<_> = find(&fixture.roots()).into_iter().filter_map(|sensor| sensor.disk).collect();
        assert_eq!(disks, [fixture.roots().sys("block/sdb/stat")], "only disks that sleep");
        Ok(())
    }

    #[test]
    fn a_hundred_cores_leave_room_for_the_others() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let cores: Vec<_> = (1..=130).map(|number| (number, "")).collect();
        chip(&fixture, 0, "coretemp", "coretemp.0", &cores)?;
        chip(&fixture, 1, "nvme", "nvme0", &[(1, "Composite")])?;
        let found = found(&fixture);
        assert_eq!(found.len(), MOST_SENSORS);
        assert_eq!(found[62].0, "coretemp/temp63");
        assert_eq!(found[63].0, "nvme0");
        Ok(())
    }

    #[test]
    fn zones_of_one_kind_are_told_apart() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        for (zone, kind) in [("thermal_zone0", "cpu-thermal"), ("thermal_zone1", "gpu.x"), ("thermal_zone2", "gpu.x")] {
            fixture.write(&format!("sys/class/thermal/{zone}/type"), kind.as_bytes())?;
        }
        fixture.write("sys/class/thermal/cooling_device0/type", b"fan\n")?;
        check(
            &fixture,
            &[
                ("cpu-thermal", "CPU"),
                ("gpu_x@thermal_zone1", "gpu.x thermal_zone1"),
                ("gpu_x@thermal_zone2", "gpu.x thermal_zone2"),
            ],
        );
        Ok(())
    }
}
