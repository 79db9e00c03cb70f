//! Names from the kernel are hostile: what arrives in catalog and sample is harmless, and each device its own.

use super::fixture::{Fixture, GENEROUS};
use super::{battery, disk, net, space, temperature};
use crate::model::{DeviceKind, Interval, UnixMs};
use crate::server::sampler::board::Board;
use crate::server::sampler::collector::Collector;
use crate::server::sampler::crew::Outcome;
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::probe::{Probe, Space};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Names that contain no blank and no line end; those are escaped in mounts and impossible elsewhere.
fn names() -> Vec<Vec<u8>> {
    let long = |last: u8| [vec![b'a'; 4_095], vec![last]].concat();
    vec![
        b"<script>alert(1)</script>".to_vec(),
        b"\"onload=\"x".to_vec(),
        b"a\x1b[31m\x07".to_vec(),
        b"a\r\x00b".to_vec(),
        b"\xff\xfe\x80".to_vec(),
        b"\xff\xfe\x81".to_vec(),
        "\u{202e}gnp.exe".as_bytes().to_vec(),
        "\u{2028}\u{2029}\u{85}".as_bytes().to_vec(),
        "naïve".as_bytes().to_vec(),
        b"..".to_vec(),
        b"a:b.c".to_vec(),
        long(b'x'),
        long(b'y'),
    ]
}

struct Roomy;

impl Probe for Roomy {
    fn space(&self, _: &Path) -> io::Result<Space> {
        Ok(Space { total: 10, free: 5, available: 5, inodes: 10, inodes_free: 5 })
    }

    fn is_directory(&self, _: &Path) -> bool {
        true
    }
}

/// Recorded tables in which every device has one of the names.
fn tables(fixture: &Fixture) -> io::Result<()> {
    let (mut disks, mut interfaces, mut mounts) = (Vec::new(), b"head\nhead\n".to_vec(), Vec::new());
    for (index, name) in names().iter().enumerate() {
        disks.extend([b"8 0 ", name.as_slice(), b" 1 1 1 1 1 1 1 1 1 1 1\n"].concat());
        interfaces.extend([b"  ", name.as_slice(), b": 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"].concat());
        let device = format!("{index} 0 9:{index} / /m/");
        mounts.extend([device.as_bytes(), name.as_slice(), b"\\040\\012 rw - ext4 /dev/x rw\n"].concat());
    }
    fixture.write("proc/diskstats", &disks)?;
    fixture.write("proc/net/dev", &interfaces)?;
    fixture.write("proc/self/mountinfo", &mounts)
}

#[test]
fn hostile_names_arrive_harmless_and_apart() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    tables(&fixture)?;
    let (roots, second, cap) = (fixture.roots(), Interval::SECOND, DeviceCap::roomy);
    let mut spaces = space::Spaces::new(&roots, second, cap(DeviceKind::FileSystem), Roomy, space::PATIENCE);
    let mut outcomes = [
        Outcome::Read(fixture.collect(&mut disk::Disks::new(&roots, second, cap(DeviceKind::Disk)))?),
        Outcome::Read(fixture.collect(&mut net::Interfaces::new(&roots, second, cap(DeviceKind::Interface)))?),
        Outcome::Read(fixture.collect(&mut spaces)?),
    ];
    let mut board = Board::default();
    board.learn(&outcomes);
    let count = names().len();
    // Four families a disk, three an interface, two a mount.
    assert_eq!(board.catalog().iter().count(), count * 9);
    let ids: HashSet<_> = board.catalog().iter().map(|family| &*family.id).collect();
    assert_eq!(ids.len(), count * 9, "no two devices share an id");
    for family in board.catalog().iter() {
        let id = &*family.id;
        assert!(id.len() < 100 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_/:@+.-~".contains(&b)), "{id}");
        let title = &*family.title;
        assert!(title.chars().count() < 200, "{title}");
        let invisible = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}');
        assert!(!title.contains(invisible), "{title:?}");
    }
    let sample = board.sample(UnixMs(1_000), &mut outcomes);
    let json = serde_json::to_string(&sample)?;
    assert!(json.is_ascii() && !json.contains(['<', '\n', '\\']), "{json}");
    Ok(())
}

#[test]
fn hostile_sensors_and_batteries_are_harmless_dimensions() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    let roots = fixture.roots();
    for (index, name) in names().iter().enumerate() {
        let chip = format!("sys/class/hwmon/hwmon{index}");
        fixture.write(&format!("{chip}/name"), name)?;
        fixture.write(&format!("{chip}/temp1_label"), name)?;
        fixture.write(&format!("{chip}/temp1_input"), b"40000\n")?;
        // Names of directories are shorter and are no path.
        if name.len() < 256 && !name.contains(&b'/') && !name.contains(&0) && name != b".." {
            let supply = roots.sys("class/power_supply").join(OsStr::from_bytes(name));
            std::fs::create_dir_all(&supply)?;
            std::fs::write(supply.join("type"), b"Battery\n")?;
            std::fs::write(supply.join("capacity"), b"50\n")?;
        }
    }
    let mut readings = fixture.collect(&mut temperature::Temperatures::new(&roots, Interval::SECOND, GENEROUS))?;
    readings.extend(fixture.collect(&mut battery::Batteries::new(&roots, Interval::SECOND, GENEROUS))?);
    // Only some of the names can be those of a directory.
    assert_eq!(readings.iter().map(|reading| reading.values.len()).collect::<Vec<_>>(), [names().len(), 8]);
    for reading in &readings {
        let ids: HashSet<_> = reading.family.dimensions.iter().map(|dimension| &*dimension.id).collect();
        assert_eq!(ids.len(), reading.values.len(), "no two share an id");
        for dimension in &reading.family.dimensions {
            let (id, label) = (&*dimension.id, &*dimension.label);
            assert!(id.len() < 200 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_/:@+-~".contains(&b)), "{id}");
            let invisible = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}');
            assert!(label.chars().count() < 300 && !label.contains(invisible), "{label:?}");
        }
    }
    Ok(())
}

#[test]
fn no_more_are_measured_than_may_be() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    tables(&fixture)?;
    let (roots, second) = (fixture.roots(), Interval::SECOND);
    for (kind, families) in [(DeviceKind::Disk, 4), (DeviceKind::Interface, 3), (DeviceKind::FileSystem, 2)] {
        let (cap, meter) = DeviceCap::of(kind, 3);
        let mut collector: Box<dyn Collector> = match kind {
            DeviceKind::Disk => Box::new(disk::Disks::new(&roots, second, cap)),
            DeviceKind::Interface => Box::new(net::Interfaces::new(&roots, second, cap)),
            _ => Box::new(space::Spaces::new(&roots, second, cap, Roomy, space::PATIENCE)),
        };
        assert_eq!(fixture.collect(&mut *collector)?.len(), 3 * families, "{kind:?}");
        assert_eq!(meter.left_out(kind), names().len() as u64 - 3, "{kind:?}");
    }
    Ok(())
}
