//! The wish to stop, shared by whoever asks for it and whoever sleeps.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// Cheap to clone; all clones are the same wish. It is never taken back.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stopped: Mutex<bool>,
    changed: Condvar,
    /// Of those who sleep elsewhere.
    wakers: Mutex<Vec<Waker>>,
}

impl Stop {
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes all who wait, at once.
    pub fn stop(&self) {
        *self.0.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
        let wakers = std::mem::take(&mut *self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner));
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Also wakes somebody who sleeps by something else, and who asks before each sleep whether it is stopped.
    pub fn also_wakes(&self, waker: Waker) {
        self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner).push(waker);
    }

    pub fn is_stopped(&self) -> bool {
        *self.0.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until stopped, but no longer than `time`; whether it was stopped.
    pub fn wait_timeout(&self, time: Duration) -> bool {
        let stopped = self.0.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let (stopped, _) = self
            .0
            .changed
            .wait_timeout_while(stopped, time, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
        *stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stopping_wakes_who_sleeps() {
        let stop = Stop::new();
        assert!(!stop.is_stopped());
        assert!(!stop.wait_timeout(Duration::ZERO));
        let sleeper = std::thread::spawn({
            let stop = stop.clone();
            move || stop.wait_timeout(Duration::from_secs(3_600))
        });
        stop.stop();
        assert_eq!(sleeper.join().ok(), Some(true));
        assert!(stop.is_stopped() && stop.wait_timeout(Duration::from_secs(3_600)));
    }
}
