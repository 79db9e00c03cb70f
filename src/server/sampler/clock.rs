//! The clocks, as a parameter, so that a test can turn them.

use super::stop::Stop;
use crate::model::UnixMs;
use std::time::Duration;

/// All three clocks at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock, microseconds since the epoch. It may be set at any time.
    pub wall_us: i64,
    /// Grows evenly and stands still while the host is suspended.
    pub monotonic: Duration,
    /// As `monotonic`, but goes on while the host is suspended.
    pub boottime: Duration,
}

impl Moment {
    pub fn wall(&self) -> UnixMs {
        UnixMs(self.wall_us.div_euclid(1_000))
    }
}

pub trait Clock: Send + Sync {
    fn now(&self) -> Moment;

    fn monotonic(&self) -> Duration {
        self.now().monotonic
    }

    /// Sleeps, unless stopped; whether it was stopped.
    fn wait(&self, stop: &Stop, time: Duration) -> bool {
        stop.wait_timeout(time)
    }
}

/// The machine's own clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[cfg(linux_depth)]
impl Clock for SystemClock {
    fn now(&self) -> Moment {
        use rustix::time::{ClockId, clock_gettime};
        let wall = clock_gettime(ClockId::Realtime);
        Moment {
            // A clock before the epoch has no valid ids; it reads as the epoch until it is set.
            wall_us: (wall.tv_sec.saturating_mul(1_000_000) + wall.tv_nsec / 1_000).max(0),
            monotonic: since_boot(clock_gettime(ClockId::Monotonic)),
            boottime: since_boot(clock_gettime(ClockId::Boottime)),
        }
    }

    fn monotonic(&self) -> Duration {
        since_boot(rustix::time::clock_gettime(rustix::time::ClockId::Monotonic))
    }
}

#[cfg(linux_depth)]
fn since_boot(time: rustix::time::Timespec) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}

/// Elsewhere a suspended host shows as a late sampler.
#[cfg(not(linux_depth))]
impl Clock for SystemClock {
    fn now(&self) -> Moment {
        use std::sync::OnceLock;
        use std::time::{Instant, SystemTime, UNIX_EPOCH};
        static START: OnceLock<Instant> = OnceLock::new();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let monotonic = START.get_or_init(Instant::now).elapsed();
        Moment { wall_us: i64::try_from(wall.as_micros()).unwrap_or(i64::MAX), monotonic, boottime: monotonic }
    }
}

#[cfg(test)]
pub mod fake {
    //! A clock that moves only when it is told to, or when someone sleeps by it.

    use super::*;
    use std::sync::{Mutex, PoisonError};

    pub struct FakeClock(Mutex<Moment>);

    impl FakeClock {
        pub fn at(wall_ms: i64) -> Self {
            let start = Duration::from_secs(1_000);
            Self(Mutex::new(Moment { wall_us: wall_ms * 1_000, monotonic: start, boottime: start }))
        }

        pub fn change(&self, change: impl FnOnce(&mut Moment)) {
            change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        }

        /// Time passes as it should.
        pub fn advance(&self, time: Duration) {
            self.change(|moment| {
                moment.wall_us += time.as_micros() as i64;
                moment.monotonic += time;
                moment.boottime += time;
            });
        }
    }

    impl Clock for FakeClock {
        fn now(&self) -> Moment {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn wait(&self, stop: &Stop, time: Duration) -> bool {
            self.advance(time);
            stop.is_stopped()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clocks_go_forward() {
        let (first, second) = (SystemClock.now(), SystemClock.now());
        assert!(first.wall_us > 0 && second.monotonic >= first.monotonic && second.boottime >= first.boottime);
        assert!(SystemClock.monotonic() >= second.monotonic);
    }
}
