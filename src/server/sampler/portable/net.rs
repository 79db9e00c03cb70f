//! `net.<if>.traffic`, `.packets` and `.errors`.

use crate::model::{Family, Interval, Unit, label};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::rate::Counter;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use sysinfo::{NetworkData, Networks};

pub struct Interfaces {
    networks: Networks,
    interval: Interval,
    cap: DeviceCap,
    interfaces: HashMap<OsString, Interface>,
}

struct Interface {
    traffic: Arc<Family>,
    packets: Arc<Family>,
    errors: Arc<Family>,
    counters: [Counter; 6],
}

impl Interfaces {
    pub fn new(interval: Interval, cap: DeviceCap) -> anyhow::Result<Self> {
        Ok(Self { networks: Networks::new()?, interval, cap, interfaces: HashMap::new() })
    }
}

impl Interface {
    fn new(name: &[u8], interval: Interval) -> Self {
        let (id, title) = (label::id_part(name), label::text(name));
        let family = |end: &str, what: &str, unit| {
            let title = format!("Network {title}: {what}");
            let dimensions = [("received", "received"), ("sent", "sent")];
            Arc::new(Family::new(&format!("net.{id}.{end}"), &title, unit, interval, &dimensions))
        };
        Self {
            traffic: family("traffic", "traffic", Unit::BytesPerSecond),
            packets: family("packets", "packets", Unit::PerSecond),
            errors: family("errors", "errors", Unit::PerSecond),
            counters: Default::default(),
        }
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
            let mut interface =
                before.remove(name).unwrap_or_else(|| Interface::new(name.as_encoded_bytes(), self.interval));
            let mut rates = [None; 6];
            for ((rate, counter), count) in rates.iter_mut().zip(&mut interface.counters).zip(counts) {
                *rate = counter.per_second(count, at);
            }
            readings.push(Reading::new(&interface.traffic, &rates[..2]));
            readings.push(Reading::new(&interface.packets, &rates[2..4]));
            readings.push(Reading::new(&interface.errors, &rates[4..]));
            self.interfaces.insert(name.clone(), interface);
        }
        Ok(readings)
    }
}

fn is_loopback(name: &OsStr) -> bool {
    name == "lo" || name == "lo0"
}
