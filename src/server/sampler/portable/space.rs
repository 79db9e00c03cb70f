//! `fs.<mount>.space` and `.inodes`.

use crate::model::Interval;
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::filling::Filling;
use crate::server::sampler::probe::{Probe, Space, Statvfs};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use sysinfo::{DiskRefreshKind, Disks};

pub struct Spaces {
    disks: Disks,
    interval: Interval,
    cap: DeviceCap,
    mounts: HashMap<PathBuf, Filling>,
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
            let mut mount = before
                .remove(point)
                .unwrap_or_else(|| Filling::new(point.as_os_str().as_encoded_bytes(), self.interval));
            readings.extend(mount.readings(Some(&space)));
            self.mounts.insert(point.to_owned(), mount);
        }
        Ok(readings)
    }
}
