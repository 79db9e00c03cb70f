//! `fs.<mount>.space` and `.inodes`.

use crate::model::{Family, Interval, Unit, label};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::probe::{Probe, Space, Statvfs};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sysinfo::{DiskRefreshKind, Disks};

pub struct Spaces {
    disks: Disks,
    interval: Interval,
    cap: DeviceCap,
    mounts: HashMap<PathBuf, Mount>,
}

struct Mount {
    space: Arc<Family>,
    inodes: Arc<Family>,
}

impl Spaces {
    pub fn new(interval: Interval, cap: DeviceCap) -> anyhow::Result<Self> {
        Ok(Self { disks: Disks::new()?, interval, cap, mounts: HashMap::new() })
    }
}

impl Collector for Spaces {
    fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        // Only where things are mounted: of how full they are, `sysinfo` gives inodes for bytes on FreeBSD, and
        // nowhere what is reserved.
        self.disks.refresh_specifics(true, DiskRefreshKind::nothing());
        let mut points: Vec<&Path> = self.disks.iter().map(sysinfo::Disk::mount_point).collect();
        points.sort_unstable();
        points.dedup();
        let space = |point| Some((point, Statvfs.space(point).ok().filter(|space| space.total > 0)?));
        let mut points: Vec<(&Path, Space)> = points.into_iter().filter_map(space).collect();
        self.cap.apply(&mut points);
        let mut before = std::mem::take(&mut self.mounts);
        let mut readings = Vec::with_capacity(points.len() * 2);
        for (point, space) in points {
            let mount = before.remove(point).unwrap_or_else(|| Mount::new(point, self.interval));
            readings.extend(mount.readings(&space));
            self.mounts.insert(point.to_owned(), mount);
        }
        Ok(readings)
    }
}

impl Mount {
    fn new(point: &Path, interval: Interval) -> Self {
        let point = point.as_os_str().as_encoded_bytes();
        let (id, title) = (label::id_part(point), label::text(point));
        let family = |end: &str, what: &str, unit, dimensions: &[_]| {
            let title = format!("File system {title}: {what}");
            Arc::new(Family::new(&format!("fs.{id}.{end}"), &title, unit, interval, dimensions).stacked())
        };
        let space = [("used", "used"), ("reserved", "reserved for root"), ("free", "free")];
        Self {
            space: family("space", "space", Unit::Bytes, &space),
            inodes: family("inodes", "inodes", Unit::Count, &[("used", "used"), ("free", "free")]),
        }
    }

    fn readings(&self, space: &Space) -> Vec<Reading> {
        let count = |count: u64| Some(count as f64);
        let values = [
            count(space.total.saturating_sub(space.free)),
            count(space.free.saturating_sub(space.available)),
            count(space.available),
        ];
        let mut readings = vec![Reading::new(&self.space, values)];
        if space.inodes > 0 {
            let values = [count(space.inodes.saturating_sub(space.inodes_free)), count(space.inodes_free)];
            readings.push(Reading::new(&self.inodes, values));
        }
        readings
    }
}
