//! Listening, and one task for each connection; all of them end within a moment of the shutdown.

use super::hub::Hub;
use super::shutdown::Shutdown;
use crate::model::event::ByeReason;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// Connections that wait to be accepted: after a restart all clients come back at once.
const BACKLOG: u32 = 4_096;
/// What a request's head may need, and a client's window of one write.
const BUFFER_BYTES: usize = 64 * 1024;
/// A peer that acknowledges nothing for so long is gone.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MS: u32 = 60_000;
/// How long to wait after an accept that failed for a reason of ours, such as no free descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a request may take to arrive that was sent before the shutdown.
const MOMENT: Duration = Duration::from_millis(50);

/// How long clients are waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the head of a request, and for the next request on an open connection.
    pub head: Duration,
    /// For answers under way when the shutdown begins.
    pub stop: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), stop: Duration::from_millis(800) }
    }
}

/// Why there is nothing to listen on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "{0} is in use: stop what listens there, or choose another address with --listen (port 0 picks a free one)"
    )]
    InUse(SocketAddr),
    #[error("listening on {0} is not permitted: choose a port above 1023 with --listen")]
    NotPermitted(SocketAddr),
    #[error("{0} is not an address of this machine: choose one with --listen, such as 127.0.0.1:3000")]
    NotOurs(SocketAddr),
    #[error("listening on {address} failed: {error}")]
    Other { address: SocketAddr, error: io::Error },
}

pub fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address),
        io::ErrorKind::PermissionDenied => ListenError::NotPermitted(address),
        io::ErrorKind::AddrNotAvailable => ListenError::NotOurs(address),
        _ => ListenError::Other { address, error },
    })
}

/// Serves until the shutdown begins, then lets streams say goodbye and answers finish, and drops what
/// has not ended by then.
pub async fn serve(listener: TcpListener, app: Router, hub: Arc<Hub>, shutdown: Shutdown, patience: Patience) {
    let mut connections = JoinSet::new();
    let mut begun = pin!(shutdown.begun());
    loop {
        tokio::select! {
            () = &mut begun => break,
            Some(ended) = connections.join_next() => log_panic(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(attend(stream, peer, app.clone(), shutdown.clone(), patience.head));
                }
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::select! {
                        () = &mut begun => break,
                        () = sleep(ACCEPT_PAUSE) => {}
                    }
                }
            },
        }
    }
    drop(listener);
    hub.close(ByeReason::Shutdown);
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
        }
    };
    if timeout(patience.stop, all_ended).await.is_err() {
        tracing::info!(connections = connections.len(), "connections that did not end are dropped");
        connections.shutdown().await;
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// One connection until it ends, which it does soon after the shutdown begins.
async fn attend(stream: TcpStream, peer: SocketAddr, app: Router, shutdown: Shutdown, head: Duration) {
    prepare(&stream);
    let has_asked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&has_asked);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.begun() => {
            // Browsers open connections ahead of time: only for a moment they may be about a request.
            let is_silent = !has_asked.load(Ordering::Relaxed);
            match timeout(if is_silent { MOMENT } else { Duration::ZERO }, connection.as_mut()).await {
                Ok(ended) => ended,
                Err(_) if !has_asked.load(Ordering::Relaxed) => return,
                Err(_) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

/// What can't be set is done without: the connection works, only slower or longer.
fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, UNACKNOWLEDGED_MS);
}

/// Errors that are about one connection which is gone already.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_says_what_to_do() -> Result<(), ListenError> {
        let first = listen(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = first.local_addr().map_err(|error| ListenError::Other { address: ([0; 4], 0).into(), error })?;
        let second = listen(address);
        assert!(matches!(&second, Err(ListenError::InUse(_))), "{second:?}");
        assert!(second.is_err_and(|error| error.to_string().contains("--listen")));
        Ok(())
    }
}
