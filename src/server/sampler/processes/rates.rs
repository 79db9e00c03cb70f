//! What one process has used up, and how fast: the same on every platform.

use crate::model::Process;
use crate::server::sampler::rate::Counter;
use std::time::Duration;

/// What a process has used since it began. What may not be read is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub cpu_us: u64,
    pub read_bytes: Option<u64>,
    pub written_bytes: Option<u64>,
}

/// The counters of one process. Another process with the same number has others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    cpu: Counter,
    read: Counter,
    written: Counter,
}

impl Rates {
    /// Of a process that began after the scan before: then it had used nothing.
    pub fn since(scan_before: Duration) -> Self {
        let mut rates = Self::default();
        for counter in [&mut rates.cpu, &mut rates.read, &mut rates.written] {
            counter.read(0, scan_before);
        }
        rates
    }

    /// Tells the rates since the last reading.
    pub fn tell(&mut self, usage: Usage, at: Duration, process: &mut Process) {
        let whole = |rate: Option<f64>| rate.map(|rate| rate.round() as u64);
        let cpu = self.cpu.per_second(usage.cpu_us, at);
        process.cpu_percent = cpu.map(|us_per_second| (us_per_second / 1_000.0).round() / 10.0);
        process.read_bytes_per_s = whole(self.read.per_second_of(usage.read_bytes, at));
        process.written_bytes_per_s = whole(self.written.per_second_of(usage.written_bytes, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_time_between_two_scans() {
        let usage =
            |cpu_ms: u64, read_bytes, written_bytes| Usage { cpu_us: cpu_ms * 1_000, read_bytes, written_bytes };
        let mut old = Rates::default();
        let mut new = Rates::since(Duration::from_secs(1));
        for (at_ms, usage, expected_of_old, expected_of_new) in [
            (2_000, usage(500, Some(100), None), (None, None, None), (Some(50.0), Some(100), None)),
            (4_000, usage(3_501, Some(301), Some(7)), (Some(150.1), Some(101), None), (Some(150.1), Some(101), None)),
            (5_000, usage(3_501, None, Some(7)), (Some(0.0), None, Some(0)), (Some(0.0), None, Some(0))),
            (6_000, usage(3_400, Some(301), Some(7)), (None, None, Some(0)), (None, None, Some(0))),
        ] {
            for (rates, expected) in [(&mut old, expected_of_old), (&mut new, expected_of_new)] {
                let mut process = Process::default();
                rates.tell(usage, Duration::from_millis(at_ms), &mut process);
                let told = (process.cpu_percent, process.read_bytes_per_s, process.written_bytes_per_s);
                assert_eq!(told, expected, "at {at_ms}");
            }
        }
    }
}
