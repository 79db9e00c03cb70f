//! Listening, and one task for each connection until it is a stream's; all of them end within a moment of the shutdown.

mod connection;
mod guests;
mod socket;

use super::auth::Access;
use super::hub::Hub;
use super::meter::Meter;
use super::shutdown::Shutdown;
use super::sse::Reactors;
use super::subscribers::Room;
use crate::model::event::ByeReason;
use axum::Router;
use connection::Attendant;
use futures_util::FutureExt;
use guests::Guests;
use std::io;
use std::iter;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections that wait to be accepted: after a restart all clients come back at once.
const BACKLOG: u32 = 4_096;
/// So many are accepted before others have their turn.
const TOGETHER: usize = 64;
/// How long to wait where no more can be accepted, such as for a free descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A peer that acknowledges nothing of what it is sent for so long is gone.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// One that is sent nothing is asked after this time whether it is there, so often, and so many times.
#[cfg(target_os = "linux")]
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(15), Duration::from_secs(5), 3);

/// How long clients are waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the head of a request, and for the next request on an open connection.
    pub head: Duration,
    /// For a client to take anything at all of its answer.
    pub write: Duration,
    /// For answers under way when the shutdown begins.
    pub stop: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), write: Duration::from_secs(10), stop: Duration::from_millis(800) }
    }
}

/// What is served.
pub struct Served {
    pub app: Router,
    pub hub: Arc<Hub>,
    /// Who sends the streams.
    pub reactors: Reactors,
    pub room: Room,
    /// Knows who speaks for others.
    pub access: Arc<Access>,
    pub meter: Arc<Meter>,
    pub patience: Patience,
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

/// What answers requests. It has not much to do: streams are sent by threads of their own.
pub fn runtime() -> io::Result<Runtime> {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2));
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
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
pub async fn serve(listener: TcpListener, served: Served, shutdown: Shutdown) {
    let Served { app, hub, reactors, room, access, meter, patience } = served;
    let reactors = Arc::new(reactors);
    let attendant = Attendant { app, reactors: Arc::clone(&reactors), shutdown: shutdown.clone(), patience };
    let guests = Guests::new(room.per_address);
    let mut connections = JoinSet::new();
    let mut begun = pin!(shutdown.begun());
    let mut is_paused = false;
    loop {
        let room = room.all.saturating_sub(connections.len() + reactors.count());
        tokio::select! {
            () = &mut begun => break,
            Some(ended) = connections.join_next() => {
                log_panic(ended);
                while let Some(ended) = connections.try_join_next() {
                    log_panic(ended);
                }
            }
            () = sleep(ACCEPT_PAUSE), if room == 0 || is_paused => is_paused = false,
            accepted = listener.accept(), if room > 0 && !is_paused => {
                let more = || listener.accept().now_or_never();
                for accepted in iter::once(accepted).chain(iter::from_fn(more)).take(room.min(TOGETHER)) {
                    match accepted {
                        Ok((stream, peer)) => {
                            let guest = guests.enter(peer.ip());
                            if guest.is_some() || access.trusts(peer.ip()) {
                                connections.spawn(attendant.clone().attend(stream, peer, guest));
                            } else {
                                meter.count_refused_address();
                                tracing::debug!(%peer, "too many connections from one address");
                            }
                        }
                        Err(error) if is_of_the_peer(&error) => {}
                        Err(error) => {
                            tracing::warn!(%error, "a connection could not be accepted");
                            is_paused = true;
                            break;
                        }
                    }
                }
            }
        }
    }
    drop(listener);
    hub.close(ByeReason::Shutdown);
    let streams = Arc::clone(&reactors);
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
        }
        // Nobody joins them any more.
        if let Err(error) = tokio::task::spawn_blocking(move || streams.drain()).await {
            tracing::error!(%error, "the streams were not waited for");
        }
    };
    if timeout(patience.stop, all_ended).await.is_err() {
        let open = connections.len() + reactors.count();
        tracing::info!(connections = open, "connections that did not end are dropped");
        connections.shutdown().await;
        reactors.end();
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    prepare(&socket);
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What is set here holds for all that are accepted. What can't be set is done without: connections work, only slower or
/// longer.
fn prepare(socket: &TcpSocket) {
    let _ = socket.set_nodelay(true);
    #[cfg(target_os = "linux")]
    {
        use rustix::net::sockopt;
        let (idle, interval, count) = KEEPALIVE;
        let _ = sockopt::set_tcp_user_timeout(socket, u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX));
        let _ = sockopt::set_tcp_keepidle(socket, idle);
        let _ = sockopt::set_tcp_keepintvl(socket, interval);
        let _ = sockopt::set_tcp_keepcnt(socket, count);
        let _ = sockopt::set_socket_keepalive(socket, true);
    }
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

    /// No test can wait until a peer is gone for good; the kernel does, if it was asked to.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_is_asked_to_give_up_peers_that_vanished() -> io::Result<()> {
        use rustix::net::sockopt;
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let _client = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
        let (stream, _) = listener.accept().await?;
        assert_eq!(sockopt::tcp_user_timeout(&stream)?, 30_000);
        assert!(sockopt::socket_keepalive(&stream)? && stream.nodelay()?);
        let times = [sockopt::tcp_keepidle(&stream)?, sockopt::tcp_keepintvl(&stream)?];
        assert_eq!((times.map(|time| time.as_secs()), sockopt::tcp_keepcnt(&stream)?), ([15, 5], 3));
        Ok(())
    }
}
