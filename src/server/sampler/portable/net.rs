//! `net.<if>.traffic`, `.packets` and `.errors`.

use crate::model::Interval;
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::interface::{Counts, Interface};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use sysinfo::{NetworkData, Networks};

pub struct Interfaces {
    networks: Networks,
    interval: Interval,
    cap: DeviceCap,
    interfaces: HashMap<OsString, Interface>,
}

impl Interfaces {
    pub fn new(interval: Interval, cap: DeviceCap) -> anyhow::Result<Self> {
        Ok(Self { networks: Networks::new()?, interval, cap, interfaces: HashMap::new() })
    }
}

impl Collector for Interfaces {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        self.networks.refresh(true);
        let at = clock.monotonic();
        let carried = |data: &NetworkData| data.total_packets_received() > 0 || data.total_packets_transmitted() > 0;
        let all = self.networks.iter();
        let mut networks: Vec<_> = all.filter(|(name, data)| !is_loopback(name) && carried(data)).collect();
        networks.sort_by(|left, right| left.0.cmp(right.0));
        self.cap.apply(&mut networks);
        let mut before = std::mem::take(&mut self.interfaces);
        let mut readings = Vec::with_capacity(networks.len() * 3);
        for (name, data) in networks {
            let counts = [
                data.total_received(),
                data.total_transmitted(),
                data.total_packets_received(),
                data.total_packets_transmitted(),
                data.total_errors_on_received(),
                data.total_errors_on_transmitted(),
            ];
            let mut interface = before
                .remove(name)
                .unwrap_or_else(|| Interface::new(name.as_encoded_bytes(), self.interval, &Counts::Errors));
            readings.extend(interface.readings(&counts, at));
            self.interfaces.insert(name.clone(), interface);
        }
        Ok(readings)
    }
}

fn is_loopback(name: &OsStr) -> bool {
    name == "lo" || name == "lo0"
}
