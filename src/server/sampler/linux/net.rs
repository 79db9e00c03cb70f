//! `net.<if>.traffic`, `.packets` and `.errors`, from `/proc/net/dev`.

use super::Roots;
use super::bytes::{fields, lines, numbers};
use super::file::{KernelFile, word};
use crate::model::Interval;
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::interface::{Counts, Interface};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Lines of the table that are looked at, at most.
const MOST_ROWS: usize = 4_096;

pub struct Interfaces {
    file: KernelFile,
    roots: Roots,
    interval: Interval,
    cap: DeviceCap,
    interfaces: HashMap<Vec<u8>, Interface>,
}

/// Received bytes packets errs drop fifo frame compressed multicast, then sent bytes packets errs drop.
type Columns = [u64; 12];

impl Interfaces {
    pub fn new(roots: &Roots, interval: Interval, cap: DeviceCap) -> Self {
        let file = KernelFile::new(roots.proc("net/dev"));
        Self { file, roots: roots.clone(), interval, cap, interfaces: HashMap::new() }
    }
}

impl Collector for Interfaces {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let contents = self.file.read(clock)?;
        let mut before = std::mem::take(&mut self.interfaces);
        let mut readings = Vec::with_capacity(before.len() * 3);
        let rows = lines(contents.bytes).filter_map(row).take(MOST_ROWS);
        let mut shown: Vec<_> = rows.filter(|(name, columns)| is_shown(name, columns, &self.roots)).collect();
        self.cap.apply(&mut shown);
        for (name, columns) in shown {
            let mut interface =
                before.remove(name).unwrap_or_else(|| Interface::new(name, self.interval, &Counts::ErrorsAndDrops));
            let counts = [0, 8, 1, 9, 2, 10, 3, 11].map(|index| columns[index]);
            readings.extend(interface.readings(&counts, contents.at));
            self.interfaces.insert(name.to_vec(), interface);
        }
        Ok(readings)
    }
}

/// The name ends at the last colon: an alias has one of its own.
fn row(line: &[u8]) -> Option<(&[u8], Columns)> {
    let colon = line.iter().rposition(|&byte| byte == b':')?;
    let mut columns = Columns::default();
    let name = line[..colon].trim_ascii_start();
    (numbers(fields(&line[colon + 1..]), &mut columns) == columns.len() && !name.is_empty()).then_some((name, columns))
}

/// The loopback is no network, the ends of containers repeat their bridge, and what is down and never
/// carried anything is a placeholder the kernel made.
fn is_shown(name: &[u8], columns: &Columns, roots: &Roots) -> bool {
    if name == b"lo" || name.starts_with(b"veth") || name.starts_with(b"cali") {
        return false;
    }
    let carried = columns[1] > 0 || columns[9] > 0;
    carried || is_up(name, roots)
}

fn is_up(name: &[u8], roots: &Roots) -> bool {
    let is_name = name != b"." && name != b".." && !name.contains(&b'/') && !name.contains(&0);
    let state = || word(&roots.sys("class/net").join(OsStr::from_bytes(name)).join("operstate"));
    is_name && state().is_some_and(|state| matches!(state.as_slice(), b"up" | b"unknown" | b"dormant" | b"testing"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceKind;
    use crate::server::sampler::linux::fixture::{Fixture, ids, values};

    const HEADER: &str = "Inter-|   Receive                            |  Transmit\n face |bytes packets errs drop\n";

    fn write(fixture: &Fixture, rows: &[&str]) -> std::io::Result<()> {
        fixture.write("proc/net/dev", format!("{HEADER}{}\n", rows.join("\n")).as_bytes())
    }

    fn interfaces(fixture: &Fixture) -> Interfaces {
        Interfaces::new(&fixture.roots(), Interval::SECOND, DeviceCap::roomy(DeviceKind::Interface))
    }

    #[test]
    fn an_interface_is_three_families() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = interfaces(&fixture);
        write(&fixture, &["  eth0: 1000 10 0 0 0 0 0 0 500 5 0 0 0 0 0 0"])?;
        let first = fixture.collect(&mut collector)?;
        assert_eq!(ids(&first), ["net.eth0.traffic", "net.eth0.packets", "net.eth0.errors"]);
        write(&fixture, &["  eth0:3000 14 1 2 0 0 0 0 400 6 3 4 0 0 0 0"])?;
        let second = fixture.collect(&mut collector)?;
        for (family, expected) in [
            ("net.eth0.traffic", &[Some(2000.0), None][..]),
            ("net.eth0.packets", &[Some(4.0), Some(1.0)]),
            ("net.eth0.errors", &[Some(1.0), Some(3.0), Some(2.0), Some(4.0)]),
        ] {
            assert_eq!(values(&second, family), Some(expected), "{family}; a counter that fell is a gap");
        }
        Ok(())
    }

    #[test]
    fn placeholders_are_left_out() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = interfaces(&fixture);
        let (idle, busy) = ("0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0", "9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0");
        let mut rows = Vec::new();
        for (name, counters, state) in [
            ("lo", busy, "unknown"),
            ("ifb0", idle, "down"),
            ("tunl0", busy, "down"),
            ("eth1", idle, "up"),
            ("wg0", idle, "unknown"),
            ("veth12", busy, "up"),
            ("docker0", busy, "up"),
            ("gone", idle, ""),
        ] {
            rows.push(format!("{name}: {counters}"));
            if !state.is_empty() {
                fixture.write(&format!("sys/class/net/{name}/operstate"), format!("{state}\n").as_bytes())?;
            }
        }
        write(&fixture, &rows.iter().map(String::as_str).collect::<Vec<_>>())?;
        let readings = fixture.collect(&mut collector)?;
        let shown: Vec<_> = readings.iter().step_by(3).filter_map(|reading| reading.family.device()).collect();
        assert_eq!(shown, ["tunl0", "eth1", "wg0", "docker0"]);
        Ok(())
    }
}
