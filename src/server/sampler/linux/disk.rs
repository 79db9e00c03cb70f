//! `disk.<dev>.io`, `.ops`, `.latency` and `.util`, from `/proc/diskstats`.

use super::bytes::{fields, lines, numbers};
use super::file::KernelFile;
use super::{Roots, disk_kind};
use crate::model::{Family, Interval, Unit, label};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::rate::{Counter, Growth};
use std::sync::Arc;
use std::time::Duration;

/// A sector of this file, whatever the disk's own are.
const SECTOR_BYTES: f64 = 512.0;

/// How long a decision about a device holds while the table's names stay the same: a compressed RAM disk
/// may be given its size later.
const DECISION_HOLDS: Duration = Duration::from_secs(10);

/// Devices and their partitions that are looked at, at most.
const MOST_ROWS: usize = 4_096;

pub struct Disks {
    file: KernelFile,
    roots: Roots,
    interval: Interval,
    cap: DeviceCap,
    /// The names of the table when it was last decided which are shown.
    table: Vec<Vec<u8>>,
    decided_at: Option<Duration>,
    disks: Vec<Disk>,
}

struct Disk {
    name: Vec<u8>,
    /// The row of the table.
    row: usize,
    io: Arc<Family>,
    ops: Arc<Family>,
    latency: Arc<Family>,
    util: Arc<Family>,
    read: Counters,
    write: Counters,
    /// Microseconds in which at least one request was under way.
    busy: Counter,
}

/// The counters of one direction.
#[derive(Default)]
struct Counters {
    operations: Counter,
    sectors: Counter,
    /// Milliseconds requests took, added up.
    spent: Counter,
}

/// The first ten columns after the name.
type Columns = [u64; 10];

impl Disks {
    pub fn new(roots: &Roots, interval: Interval, cap: DeviceCap) -> Self {
        Self {
            file: KernelFile::new(roots.proc("diskstats")),
            roots: roots.clone(),
            interval,
            cap,
            table: Vec::new(),
            decided_at: None,
            disks: Vec::new(),
        }
    }

    /// Decides anew which devices are shown; those that stay keep their counters.
    fn decide(&mut self, table: Vec<Vec<u8>>, at: Duration) {
        let rows = table.iter().enumerate();
        let mut shown: Vec<_> = rows.filter(|(_, name)| disk_kind::is_shown(name, &table, &self.roots)).collect();
        self.cap.apply(&mut shown);
        let mut before = std::mem::take(&mut self.disks);
        self.disks = shown
            .into_iter()
            .map(|(row, name)| match before.iter().position(|disk| disk.name == *name) {
                Some(index) => Disk { row, ..before.swap_remove(index) },
                None => Disk::new(name, row, self.interval),
            })
            .collect();
        self.table = table;
        self.decided_at = Some(at);
    }
}

impl Collector for Disks {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let Some(contents) = self.file.read_if_served(clock)? else { return Ok(Vec::new()) };
        let at = contents.at;
        let rows: Vec<(&[u8], Columns)> = lines(contents.bytes).filter_map(row).take(MOST_ROWS).collect();
        let same = rows.iter().map(|(name, _)| *name).eq(self.table.iter().map(Vec::as_slice));
        let fresh = self.decided_at.is_some_and(|decided| at.saturating_sub(decided) < DECISION_HOLDS);
        let columns: Vec<Columns> = rows.iter().map(|(_, columns)| *columns).collect();
        if !same || !fresh {
            let table = rows.iter().map(|(name, _)| name.to_vec()).collect();
            self.decide(table, at);
        }
        let mut readings = Vec::with_capacity(self.disks.len() * 4);
        for disk in &mut self.disks {
            readings.extend(columns.get(disk.row).into_iter().flat_map(|columns| disk.read(columns, at)));
        }
        Ok(readings)
    }
}

impl Disk {
    fn new(name: &[u8], row: usize, interval: Interval) -> Self {
        let (id, title) = (label::id_part(name), label::text(name));
        let family = |end: &str, what: &str, unit, dimensions: &[_]| {
            Arc::new(Family::new(
                &format!("disk.{id}.{end}"),
                &format!("Disk {title}: {what}"),
                unit,
                interval,
                dimensions,
            ))
        };
        Self {
            io: family("io", "throughput", Unit::BytesPerSecond, &[("read", "read"), ("written", "written")]),
            ops: family("ops", "operations", Unit::PerSecond, &[("reads", "reads"), ("writes", "writes")]),
            latency: family("latency", "latency", Unit::Milliseconds, &[("read", "a read"), ("write", "a write")]),
            util: family("util", "utilisation", Unit::Percent, &[("util", "busy")]),
            name: name.to_vec(),
            row,
            read: Counters::default(),
            write: Counters::default(),
            busy: Counter::default(),
        }
    }

    fn read(&mut self, columns: &Columns, at: Duration) -> [Reading; 4] {
        let [reads, _, sectors_read, read_ms, writes, _, sectors_written, write_ms, _, busy_ms] = *columns;
        let read = self.read.read(reads, sectors_read, read_ms, at);
        let write = self.write.read(writes, sectors_written, write_ms, at);
        let busy = self.busy.percent_of_time(busy_ms.saturating_mul(1_000), at);
        [
            Reading::new(&self.io, [read.bytes, write.bytes]),
            Reading::new(&self.ops, [read.operations, write.operations]),
            Reading::new(&self.latency, [read.latency_ms, write.latency_ms]),
            Reading::new(&self.util, [busy]),
        ]
    }
}

/// What one direction did: bytes and operations a second, milliseconds an operation.
struct Flow {
    bytes: Option<f64>,
    operations: Option<f64>,
    latency_ms: Option<f64>,
}

impl Counters {
    fn read(&mut self, operations: u64, sectors: u64, spent_ms: u64, at: Duration) -> Flow {
        let operations = self.operations.read(operations, at);
        let spent = self.spent.read(spent_ms, at);
        Flow {
            bytes: self.sectors.per_second(sectors, at).map(|sectors| sectors * SECTOR_BYTES),
            operations: operations.map(Growth::per_second),
            latency_ms: operations.zip(spent).map(|(operations, spent)| match operations.by {
                0 => 0.0,
                count => spent.by as f64 / count as f64,
            }),
        }
    }
}

/// Name and columns; two numbers of the device stand before them.
fn row(line: &[u8]) -> Option<(&[u8], Columns)> {
    let mut fields = fields(line).skip(2);
    let name = fields.next()?;
    let mut columns = Columns::default();
    (numbers(fields, &mut columns) == columns.len()).then_some((name, columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeviceKind;
    use crate::server::sampler::linux::fixture::{Fixture, ids, values};

    fn write(fixture: &Fixture, rows: &[(&str, &str)]) -> anyhow::Result<()> {
        let mut table = String::from("   7 0 loop0 9 9 9 9 9 9 9 9 9 9 9 9\n");
        for (name, columns) in rows {
            table.push_str(&format!("   8 0 {name} {columns} 0 0 0 0 0 0 0\n"));
            fixture.write(&format!("sys/block/{name}/size"), b"1000\n")?;
        }
        fixture.write("proc/diskstats", table.as_bytes())?;
        Ok(())
    }

    fn disks(fixture: &Fixture) -> Disks {
        Disks::new(&fixture.roots(), Interval::SECOND, DeviceCap::roomy(DeviceKind::Disk))
    }

    #[test]
    fn a_disk_is_four_families() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = disks(&fixture);
        assert_eq!(fixture.collect(&mut collector)?, [], "a container may have no such file");
        write(&fixture, &[("vda", "100 0 2000 500 10 0 80 40 0 300")])?;
        let first = fixture.collect(&mut collector)?;
        assert_eq!(ids(&first), ["disk.vda.io", "disk.vda.ops", "disk.vda.latency", "disk.vda.util"]);
        assert_eq!(values(&first, "disk.vda.io"), Some(&[None, None][..]));
        write(&fixture, &[("vda", "110 0 2016 525 10 0 80 40 3 800")])?;
        let second = fixture.collect(&mut collector)?;
        for (family, expected) in [
            ("disk.vda.io", &[Some(8192.0), Some(0.0)][..]),
            ("disk.vda.ops", &[Some(10.0), Some(0.0)]),
            ("disk.vda.latency", &[Some(2.5), Some(0.0)]),
            ("disk.vda.util", &[Some(50.0)]),
        ] {
            assert_eq!(values(&second, family), Some(expected), "{family}");
        }
        Ok(())
    }

    #[test]
    fn disks_come_and_go() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = disks(&fixture);
        let columns = "1 1 1 1 1 1 1 1 1 1";
        for (disks, expected) in
            [(&["sda"][..], &[None][..]), (&["sdb", "sda"], &[None, Some(0.0)]), (&["sda"], &[Some(0.0)]), (&[], &[])]
        {
            write(&fixture, &disks.iter().map(|disk| (*disk, columns)).collect::<Vec<_>>())?;
            let readings = fixture.collect(&mut collector)?;
            let util: Vec<_> =
                disks.iter().map(|disk| values(&readings, &format!("disk.{disk}.util")).and_then(|v| v[0])).collect();
            assert_eq!(util, expected, "{disks:?}: who stays keeps its counters");
            assert_eq!(readings.len(), disks.len() * 4);
        }
        Ok(())
    }
}
