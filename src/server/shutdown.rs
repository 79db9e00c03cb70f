//! One word that everything which runs listens for: stop.

use std::future::Future;
use std::io;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// A cheap handle; all clones hear what one of them says.
#[derive(Clone, Debug)]
pub struct Shutdown {
    begun: Arc<watch::Sender<bool>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { begun: Arc::new(watch::Sender::new(false)) }
    }
}

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// Said once; saying it again changes nothing.
    pub fn begin(&self) {
        self.begun.send_replace(true);
    }

    /// Ends when the shutdown begins, at once when it has begun before.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut listener = self.begun.subscribe();
        let sender = Arc::clone(&self.begun);
        async move {
            // The sender is held by this very future, so the wait can only end by the word itself.
            let _ = listener.wait_for(|begun| *begun).await;
            drop(sender);
        }
    }
}

/// Ends with the first SIGINT or SIGTERM. The signals are caught from the call on, not only once the
/// future is awaited, so that one that comes during the start is not lost.
pub fn signals() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn every_clone_hears_it_before_and_after() {
        let shutdown = Shutdown::new();
        let early = shutdown.clone().begun();
        assert!(shutdown.begun().now_or_never().is_none());
        shutdown.begin();
        early.await;
        shutdown.begun().await;
    }
}
