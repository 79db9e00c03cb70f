//! `memory`, `memory.available` and `swap`.

use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use std::sync::Arc;
use sysinfo::System;

pub struct Memory {
    system: System,
    memory: Arc<Family>,
    available: Arc<Family>,
    swap: Arc<Family>,
}

impl Memory {
    pub fn new(interval: Interval) -> anyhow::Result<Self> {
        let both = [("used", "used"), ("free", "free")];
        let family = |id, title, dimensions: &[_]| Family::new(id, title, Unit::Bytes, interval, dimensions);
        Ok(Self {
            system: System::new()?,
            memory: Arc::new(family("memory", "Memory", &both).stacked()),
            available: Arc::new(family("memory.available", "Memory: available", &[("available", "available")])),
            swap: Arc::new(family("swap", "Swap", &both).stacked()),
        })
    }
}

impl Collector for Memory {
    fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        self.system.refresh_memory();
        let (total, used) = (self.system.total_memory(), self.system.used_memory());
        anyhow::ensure!(total > 0, "the system names no memory");
        let bytes = |bytes: u64| Some(bytes as f64);
        let mut readings = vec![
            Reading::new(&self.memory, [bytes(used), bytes(total.saturating_sub(used))]),
            Reading::new(&self.available, [bytes(self.system.available_memory())]),
        ];
        if self.system.total_swap() > 0 {
            let (total, used) = (self.system.total_swap(), self.system.used_swap());
            readings.push(Reading::new(&self.swap, [bytes(used), bytes(total.saturating_sub(used))]));
        }
        Ok(readings)
    }
}
