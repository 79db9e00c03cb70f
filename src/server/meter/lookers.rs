//! Who looks at the processes: they are scanned only while somebody does.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

/// How long a request counts as looking: whoever asks every few seconds is not kept waiting each time.
pub const GLANCE: Duration = Duration::from_secs(15);

/// Shared by those who look and the one thread that scans for them.
#[derive(Debug, Default)]
pub struct Lookers {
    eyes: Mutex<Eyes>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Eyes {
    /// How many are looking until they say otherwise.
    looks: usize,
    glanced: Option<Instant>,
}

/// Somebody who looks for as long as this lives.
#[derive(Debug)]
pub struct Look(Arc<Lookers>);

impl Lookers {
    pub fn look(self: &Arc<Self>) -> Look {
        self.eyes().looks += 1;
        self.changed.notify_all();
        Look(Arc::clone(self))
    }

    /// Looks now and for a short time to come.
    pub fn glance(&self) {
        self.eyes().glanced = Some(Instant::now());
        self.changed.notify_all();
    }

    pub fn is_anybody(&self) -> bool {
        self.eyes().are_open(Instant::now())
    }

    /// Sleeps until somebody looks, or until `gives_up` is so; whether somebody looks. Whoever makes `gives_up`
    /// so has to wake the sleeper.
    pub fn wait(&self, gives_up: impl Fn() -> bool) -> bool {
        let is_asleep = |eyes: &mut Eyes| !gives_up() && !eyes.are_open(Instant::now());
        drop(self.changed.wait_while(self.eyes(), is_asleep).unwrap_or_else(PoisonError::into_inner));
        !gives_up()
    }

    /// What wakes the sleeper, so that it asks again whether to give up.
    pub fn waker(self: &Arc<Self>) -> Waker {
        Arc::clone(self).into()
    }

    fn eyes(&self) -> MutexGuard<'_, Eyes> {
        self.eyes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Eyes {
    fn are_open(&self, now: Instant) -> bool {
        self.looks > 0 || self.glanced.is_some_and(|glanced| now.saturating_duration_since(glanced) < GLANCE)
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        self.0.eyes().looks -= 1;
    }
}

impl Wake for Lookers {
    /// Under the lock, so that no sleeper is between its question and its sleep.
    fn wake(self: Arc<Self>) {
        let _eyes = self.eyes();
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn looks_last_and_glances_pass() {
        let lookers = Arc::new(Lookers::default());
        assert!(!lookers.is_anybody());
        let looks = [lookers.look(), lookers.look()];
        for look in looks {
            assert!(lookers.is_anybody());
            drop(look);
        }
        assert!(!lookers.is_anybody());
        lookers.glance();
        assert!(lookers.is_anybody());
        let glanced = lookers.eyes().glanced.unwrap_or_else(Instant::now);
        for (after, expected) in [(Duration::ZERO, true), (GLANCE / 2, true), (GLANCE, false)] {
            assert_eq!(lookers.eyes().are_open(glanced + after), expected, "{after:?}");
        }
    }

    #[test]
    fn sleepers_are_woken_by_a_look_and_by_the_end() {
        let lookers = Arc::new(Lookers::default());
        let is_over = Arc::new(AtomicBool::new(false));
        let sleep = || {
            let (lookers, is_over) = (Arc::clone(&lookers), Arc::clone(&is_over));
            std::thread::spawn(move || lookers.wait(|| is_over.load(Ordering::SeqCst)))
        };
        let sleeper = sleep();
        let look = lookers.look();
        assert_eq!(sleeper.join().ok(), Some(true));
        drop(look);
        let sleeper = sleep();
        is_over.store(true, Ordering::SeqCst);
        lookers.waker().wake();
        assert_eq!(sleeper.join().ok(), Some(false));
    }
}
