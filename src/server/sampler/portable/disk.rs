//! `disk.<dev>.io`.

use crate::model::{Family, Interval, Unit, label};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::rate::Counter;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use sysinfo::{DiskRefreshKind, Disks};

pub struct Throughput {
    disks: Disks,
    interval: Interval,
    cap: DeviceCap,
    /// By the name of the device, as `sysinfo` has it.
    devices: HashMap<Vec<u8>, Device>,
}

struct Device {
    io: Arc<Family>,
    read: Counter,
    written: Counter,
}

impl Throughput {
    pub fn new(interval: Interval, cap: DeviceCap) -> anyhow::Result<Self> {
        Ok(Self { disks: Disks::new()?, interval, cap, devices: HashMap::new() })
    }
}

impl Collector for Throughput {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        self.disks.refresh_specifics(true, DiskRefreshKind::nothing().with_io_usage());
        let at = clock.monotonic();
        // A device is listed once a mount. One that has never counted anything is not counted by this platform.
        let counts: BTreeMap<&[u8], (u64, u64)> = self
            .disks
            .iter()
            .map(|disk| (disk.name().as_encoded_bytes(), disk.usage()))
            .map(|(name, usage)| (name, (usage.total_read_bytes, usage.total_written_bytes)))
            .filter(|(name, counts)| !name.is_empty() && *counts != (0, 0))
            .collect();
        let mut counts: Vec<_> = counts.into_iter().collect();
        self.cap.apply(&mut counts);
        let mut before = std::mem::take(&mut self.devices);
        let mut readings = Vec::with_capacity(counts.len());
        for (name, (read, written)) in counts {
            let mut device = before.remove(name).unwrap_or_else(|| Device::new(name, self.interval));
            let values = [device.read.per_second(read, at), device.written.per_second(written, at)];
            readings.push(Reading::new(&device.io, values));
            self.devices.insert(name.to_vec(), device);
        }
        Ok(readings)
    }
}

impl Device {
    fn new(name: &[u8], interval: Interval) -> Self {
        let name = name.strip_prefix(b"/dev/").unwrap_or(name);
        let (id, title) = (label::id_part(name), format!("Disk {}: throughput", label::text(name)));
        let dimensions = [("read", "read"), ("written", "written")];
        let family = Family::new(&format!("disk.{id}.io"), &title, Unit::BytesPerSecond, interval, &dimensions);
        Self { io: Arc::new(family), read: Counter::default(), written: Counter::default() }
    }
}
