//! `load`, from `/proc/loadavg`.

use super::Roots;
use super::bytes::{decimal, fields};
use super::file::KernelFile;
use crate::model::{Family, Interval, Unit};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use std::sync::Arc;

pub struct Load {
    file: KernelFile,
    family: Arc<Family>,
}

impl Load {
    pub fn new(roots: &Roots, interval: Interval) -> Self {
        let dimensions = [("load1", "1 min"), ("load5", "5 min"), ("load15", "15 min")];
        let family = Arc::new(Family::new("load", "Load average", Unit::Count, interval, &dimensions));
        Self { file: KernelFile::new(roots.proc("loadavg")), family }
    }
}

impl Collector for Load {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let contents = self.file.read(clock)?;
        let mut values = contents.bytes.split(|&byte| byte == b'\n').next().into_iter().flat_map(fields).map(decimal);
        let mut next = || values.next().flatten();
        Ok(vec![Reading::new(&self.family, [next(), next(), next()])])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::{Fixture, values};

    #[test]
    fn three_averages() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let mut load = Load::new(&fixture.roots(), Interval::SECOND);
        assert!(fixture.collect(&mut load).is_err(), "there is no file yet");
        for (text, expected) in [
            ("0.52 1.25 10.00 3/456 789\n", [Some(0.52), Some(1.25), Some(10.0)]),
            ("0.52 x\n", [Some(0.52), None, None]),
            ("", [None, None, None]),
        ] {
            fixture.write("proc/loadavg", text.as_bytes())?;
            assert_eq!(values(&fixture.collect(&mut load)?, "load"), Some(&expected[..]), "{text:?}");
        }
        Ok(())
    }
}
