//! Which block devices are shown: whole disks that hold data, each once.

use super::Roots;
use super::file::word;
use std::path::Path;

/// Whether `name` of `/proc/diskstats` is a whole disk of its own; `table` holds all names of that file.
///
/// Partitions are parts of their disk, loop devices show files, RAM disks are memory, and device mapper
/// and RAID devices repeat what the disks below them do.
pub fn is_shown(name: &[u8], table: &[Vec<u8>], roots: &Roots) -> bool {
    let kinds: [&[u8]; 4] = [b"loop", b"ram", b"fd", b"sr"];
    if kinds.iter().any(|kind| name.strip_prefix(*kind).is_some_and(is_digits)) {
        return false;
    }
    let blocks = roots.sys("block");
    if !blocks.is_dir() {
        return !is_partition_by_name(name, table);
    }
    let Some(device) = directory(&blocks, name) else { return false };
    let says = |file: &str, value: &[u8]| word(&device.join(file)).is_some_and(|word| word == value);
    let has_slaves = std::fs::read_dir(device.join("slaves")).is_ok_and(|mut slaves| slaves.next().is_some());
    device.is_dir() && !says("size", b"0") && !says("hidden", b"1") && !has_slaves
}

/// A name of the kernel's as a directory's: slashes in it become exclamation marks there. What could lead
/// out of the directory is no name.
fn directory(parent: &Path, name: &[u8]) -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let name: Vec<u8> = name.iter().map(|&byte| if byte == b'/' { b'!' } else { byte }).collect();
    let is_name = !name.is_empty() && name != b"." && name != b".." && !name.contains(&0);
    is_name.then(|| parent.join(std::ffi::OsStr::from_bytes(&name)))
}

/// Where sysfs is not mounted: `sda1` beside `sda`, `nvme0n1p2` beside `nvme0n1`.
fn is_partition_by_name(name: &[u8], table: &[Vec<u8>]) -> bool {
    table.iter().filter(|disk| !disk.is_empty()).any(|disk| {
        name.strip_prefix(disk.as_slice()).is_some_and(|rest| match rest.strip_prefix(b"p") {
            Some(number) if disk.last().is_some_and(u8::is_ascii_digit) => is_digits(number),
            _ => !disk.last().is_some_and(u8::is_ascii_digit) && is_digits(rest),
        })
    })
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::Fixture;

    #[test]
    fn whole_disks_are_told_from_what_repeats_them() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        for (device, size) in [
            ("sda", "100"),
            ("nvme0n1", "100"),
            ("nvme0c0n1", "100"),
            ("zram0", "0"),
            ("zram1", "8"),
            ("dm-0", "50"),
            ("dm-1", "9"),
            ("loop0", "7"),
            ("nbd0", "0"),
            ("cciss!c0d0", "4"),
        ] {
            fixture.write(&format!("sys/block/{device}/size"), format!("{size}\n").as_bytes())?;
        }
        fixture.write("sys/block/nvme0c0n1/hidden", b"1\n")?;
        fixture.write("sys/block/dm-0/slaves/sda1", b"")?;
        for (name, shown) in [
            ("sda", true),
            ("sda1", false),
            ("nvme0n1", true),
            ("nvme0n1p1", false),
            ("nvme0c0n1", false),
            ("zram0", false),
            ("zram1", true),
            ("dm-0", false),
            ("dm-1", true),
            ("loop0", false),
            ("nbd0", false),
            ("cciss/c0d0", true),
            ("..", false),
            ("", false),
            ("../../etc", false),
        ] {
            assert_eq!(is_shown(name.as_bytes(), &[], &fixture.roots()), shown, "{name}");
        }
        Ok(())
    }

    #[test]
    fn without_sysfs_names_tell() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let names = ["sda", "sda1", "nvme0n1", "nvme0n1p2", "md127", "md12", "loop3", "mmcblk0", "mmcblk0p1", "xvda1"];
        let table: Vec<Vec<u8>> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        let shown: Vec<_> =
            names.into_iter().filter(|name| is_shown(name.as_bytes(), &table, &fixture.roots())).collect();
        assert_eq!(shown, ["sda", "nvme0n1", "md127", "md12", "mmcblk0", "xvda1"]);
        Ok(())
    }
}
