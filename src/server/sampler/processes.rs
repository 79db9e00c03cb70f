//! Scanning the processes, on a thread of its own that sleeps while nobody looks.

pub mod rates;
pub mod secrets;
pub mod users;

use super::Stop;
use super::clock::{Clock, Moment, SystemClock};
use crate::model::{Interval, ProcessTable, UnixMs};
use crate::server::meter::Lookers;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// The most processes of one scan: a fork bomb costs no more than this.
pub const MOST_PROCESSES: usize = 32_768;

/// What is read goes to the heap; no 2 MB are needed.
const STACK_BYTES: usize = 256 * 1024;

/// The file of users.
pub const USERS: &str = "/etc/passwd";

/// Whoever comes after a pause waits this long for the first rates. Shorter, and the kernel's steps of 10 ms
/// would show.
const FIRST_REST: Duration = Duration::from_millis(250);

/// After each scan the thread rests so many times as long as the scan took: on a machine with very many
/// processes they are scanned less often.
const REST_SHARE: u32 = 9;

/// Reads all processes at a time. It may fail or panic without harm to anybody else.
pub trait Scan: Send {
    /// Rates are since the scan before, and absent in the first one.
    fn scan(&mut self, clock: &dyn Clock) -> anyhow::Result<ProcessTable>;

    /// Nobody looks any more: nothing is kept, and the next scan is a first one.
    fn forget(&mut self);
}

/// Scans on the ticks of `period` while somebody looks, until stopped. `sink` is given each table, and `None`
/// when the newest one is out of date because nobody looks any more.
pub fn spawn(
    mut scan: Box<dyn Scan>,
    period: Interval,
    lookers: Arc<Lookers>,
    stop: Stop,
    mut sink: impl FnMut(Option<Arc<ProcessTable>>) + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("processes".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        stop.also_wakes(lookers.waker());
        let mut watch = Watch { scan: &mut *scan, period, clock: &SystemClock, stop: &stop, in_trouble: false };
        while lookers.wait(|| stop.is_stopped()) {
            watch.run(&lookers, &mut sink);
            watch.scan.forget();
            sink(None);
        }
    })
}

struct Watch<'a> {
    scan: &'a mut dyn Scan,
    period: Interval,
    clock: &'a dyn Clock,
    stop: &'a Stop,
    /// Told once, until it recovers.
    in_trouble: bool,
}

impl Watch<'_> {
    /// As long as somebody looks.
    fn run(&mut self, lookers: &Lookers, sink: &mut dyn FnMut(Option<Arc<ProcessTable>>)) {
        // Only what the rates of the next one are measured from.
        self.scan();
        let mut rest = FIRST_REST;
        while !self.clock.wait(self.stop, rest) && lookers.is_anybody() {
            let began = self.clock.monotonic();
            // A scan that fails leaves nothing: an old table would pass for a new one.
            sink(self.scan().map(Arc::new));
            let now = self.clock.now();
            rest = rest_until_tick(self.period, now, now.monotonic.saturating_sub(began));
        }
    }

    fn scan(&mut self) -> Option<ProcessTable> {
        let error = match catch_unwind(AssertUnwindSafe(|| self.scan.scan(self.clock))) {
            Ok(Ok(table)) => {
                if std::mem::take(&mut self.in_trouble) {
                    tracing::info!("the processes are scanned again");
                }
                return Some(table);
            }
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => {
                // What the panic left behind is not trusted.
                self.scan.forget();
                "the scan panicked".to_owned()
            }
        };
        if !std::mem::replace(&mut self.in_trouble, true) {
            tracing::warn!(error, "the processes can't be scanned; it is tried again");
        }
        None
    }
}

/// The time until the next tick that is not too near: half a period, or so many times what the scan took.
fn rest_until_tick(period: Interval, now: Moment, scan_took: Duration) -> Duration {
    let least = (period.as_duration() / 2).max(scan_took * REST_SHARE);
    let earliest_us = now.wall_us.saturating_add(i64::try_from(least.as_micros()).unwrap_or(i64::MAX));
    let earliest = UnixMs(earliest_us.saturating_add(999).div_euclid(1_000));
    let until_us = earliest.ceil_to(period).0.saturating_mul(1_000).saturating_sub(now.wall_us);
    Duration::from_micros(u64::try_from(until_us).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::clock::fake::FakeClock;

    /// Notes when it was asked; the second scan of all panics.
    #[derive(Default)]
    struct Fake {
        at: Vec<i64>,
        forgotten: usize,
    }

    impl Scan for Fake {
        fn scan(&mut self, clock: &dyn Clock) -> anyhow::Result<ProcessTable> {
            let at = clock.now().wall();
            self.at.push(at.0);
            assert!(self.at.len() != 2, "broken");
            Ok(ProcessTable { at, ..ProcessTable::default() })
        }

        fn forget(&mut self) {
            self.forgotten += 1;
        }
    }

    #[test]
    fn the_first_two_scans_are_near_and_the_others_on_the_ticks() {
        let (clock, lookers, stop) = (FakeClock::at(10_800), Arc::new(Lookers::default()), Stop::new());
        let (mut scan, mut look, mut seen) = (Fake::default(), Some(lookers.look()), Vec::new());
        let mut watch =
            Watch { scan: &mut scan, period: Interval::SECOND, clock: &clock, stop: &stop, in_trouble: false };
        watch.run(&lookers, &mut |table| {
            seen.extend(table.map(|table| table.at));
            if seen.len() == 3 {
                look.take();
            }
        });
        assert_eq!(scan.at, [10_800, 11_050, 12_000, 13_000, 14_000]);
        assert_eq!(seen, [UnixMs(12_000), UnixMs(13_000), UnixMs(14_000)]);
        assert_eq!(scan.forgotten, 1, "after the panic");
    }

    #[test]
    fn a_scan_is_never_too_soon_after_another() {
        let period = Interval::SECOND;
        for (wall_ms, took_ms, expected_ms) in
            [(10_003, 3, 997), (10_499, 0, 501), (10_501, 0, 1_499), (10_950, 0, 1_050), (10_300, 300, 2_700)]
        {
            let now = FakeClock::at(wall_ms).now();
            let rest = rest_until_tick(period, now, Duration::from_millis(took_ms));
            assert_eq!(rest, Duration::from_millis(expected_ms), "{wall_ms}");
        }
    }
}
