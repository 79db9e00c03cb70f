//! `cpu.frequency`: how fast the cores run, from `/sys/devices/system/cpu/cpu*/cpufreq`.

use super::Roots;
use super::bytes::number;
use super::cores::cores;
use super::file::word;
use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use std::sync::Arc;

pub struct Frequency {
    roots: Roots,
    family: Arc<Family>,
}

impl Frequency {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let dimensions = [("mean", "mean of the cores"), ("highest", "fastest core")];
        let family = Family::new("cpu.frequency", "CPU frequency", Unit::Hertz, interval, &dimensions);
        Self { roots: roots.clone(), family: Arc::new(family) }
    }
}

impl Collector for Frequency {
    fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let (mut count, mut sum, mut highest) = (0_u32, 0.0, 0.0_f64);
        for (_, directory) in cores(&self.roots) {
            // An offline core has no frequency, and a virtual machine's cores mostly have none either.
            let Some(khz) = word(&directory.join("cpufreq/scaling_cur_freq")).and_then(|word| number(&word)) else {
                continue;
            };
            let hertz = khz as f64 * 1_000.0;
            count += 1;
            sum += hertz;
            highest = highest.max(hertz);
        }
        if count == 0 {
            return Ok(Vec::new());
        }
        Ok(vec![Reading::new(&self.family, [Some(sum / f64::from(count)), Some(highest)])])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, values};

    #[test]
    fn the_cores_that_run_are_counted() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut collector = Frequency::new(&fixture.roots(), Interval::SECOND);
        fixture.write("sys/devices/system/cpu/cpu0/online", b"1\n")?;
        assert_eq!(fixture.collect(&mut collector)?, [], "a virtual machine");
        for (file, khz) in [
            ("cpu0/cpufreq/scaling_cur_freq", "1000000\n"),
            ("cpu1/cpufreq/scaling_cur_freq", "3000000\n"),
            ("cpu2/cpufreq/scaling_cur_freq", "<unknown>\n"),
            ("cpufreq/scaling_cur_freq", "9000000\n"),
            ("cpuidle/cpufreq/scaling_cur_freq", "9000000\n"),
        ] {
            fixture.write(&format!("sys/devices/system/cpu/{file}"), khz.as_bytes())?;
        }
        let readings = fixture.collect(&mut collector)?;
        assert_eq!(values(&readings, "cpu.frequency"), Some(&[Some(2e9), Some(3e9)][..]));
        Ok(())
    }
}
