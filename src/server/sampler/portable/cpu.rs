//! `cpu`, `cpu.cores` and `load`.

use crate::model::{Dimension, Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, MOST_DIMENSIONS, Reading};
use std::sync::Arc;
use sysinfo::System;

pub struct Cpu {
    system: System,
    interval: Interval,
    /// Usage is measured between two refreshes.
    primed: bool,
    cpu: Arc<Family>,
    cores: Arc<Family>,
    load: Arc<Family>,
}

impl Cpu {
    pub fn new(interval: Interval) -> anyhow::Result<Self> {
        let load = [("load1", "1 min"), ("load5", "5 min"), ("load15", "15 min")];
        Ok(Self {
            system: System::new()?,
            interval,
            primed: false,
            cpu: Arc::new(Family::new("cpu", "CPU", Unit::Percent, interval, &[("user", "busy")]).stacked()),
            cores: Arc::new(Family::new("cpu.cores", "CPU cores", Unit::Percent, interval, &[])),
            load: Arc::new(Family::new("load", "Load average", Unit::Count, interval, &load)),
        })
    }
}

impl Collector for Cpu {
    fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        self.system.refresh_cpu_usage();
        let cpus = &self.system.cpus()[..self.system.cpus().len().min(MOST_DIMENSIONS)];
        if cpus.len() != self.cores.dimensions.len() {
            let dimensions = (0..cpus.len()).map(|core| Dimension {
                id: core.to_string().into(),
                label: format!("core {core}").into(),
                unit: None,
            });
            let family = Family::new("cpu.cores", "CPU cores", Unit::Percent, self.interval, &[]);
            self.cores = Arc::new(Family { dimensions: dimensions.collect(), ..family });
        }
        let primed = std::mem::replace(&mut self.primed, true);
        let percent = |usage: f32| primed.then(|| f64::from(usage).clamp(0.0, 100.0));
        let cores: Vec<_> = cpus.iter().map(|cpu| percent(cpu.usage())).collect();
        let mut readings = vec![Reading::new(&self.cpu, [percent(self.system.global_cpu_usage())])];
        if !cores.is_empty() {
            readings.push(Reading::new(&self.cores, cores));
        }
        // Windows keeps no load average.
        if let Ok(load) = System::load_average() {
            readings.push(Reading::new(&self.load, [Some(load.one), Some(load.five), Some(load.fifteen)]));
        }
        Ok(readings)
    }
}
