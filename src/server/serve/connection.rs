//! One connection: until it ends, which it does soon after the shutdown begins, or until a reactor takes it.

use super::Patience;
use super::guests::Guest;
use super::socket::Socket;
use crate::server::shutdown::Shutdown;
use crate::server::sse::{Handover, Line, Reactors, Seat};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1::{self, Connection};
use hyper::service::{HttpService, service_fn};
use hyper::{Method, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::ServiceExt;

/// What a request's head may need, and a client's window of one write.
const BUFFER_BYTES: usize = 64 * 1024;

/// How long a request may take to arrive that was sent before the shutdown.
const MOMENT: Duration = Duration::from_millis(50);

/// What every connection needs.
#[derive(Clone)]
pub(super) struct Attendant {
    pub(super) app: Router,
    pub(super) reactors: Arc<Reactors>,
    pub(super) shutdown: Shutdown,
    pub(super) patience: Patience,
}

impl Attendant {
    pub(super) async fn attend(self, stream: TcpStream, peer: SocketAddr, guest: Option<Guest>) {
        let Self { app, reactors, shutdown, patience } = self;
        let handover = Arc::new(Handover::default());
        let line = Arc::new(Line::default());
        let socket = Socket::new(stream, Arc::clone(&handover), Arc::clone(&line), patience.write);
        let has_asked = Arc::new(AtomicBool::new(false));
        let service = {
            let (has_asked, handover) = (Arc::clone(&has_asked), Arc::clone(&handover));
            let reactors = Arc::clone(&reactors);
            service_fn(move |request: hyper::Request<Incoming>| {
                has_asked.store(true, Ordering::Relaxed);
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                request.extensions_mut().insert(Arc::clone(&line));
                // Reactors speak in chunks.
                if reactors.are_there() && request.method() == Method::GET && request.version() == Version::HTTP_11 {
                    request.extensions_mut().insert(Arc::clone(&handover));
                }
                Box::pin(app.clone().oneshot(request))
            })
        };
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience.head)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(socket), service);
        let ended = tokio::select! {
            ended = follow(&mut connection, &handover) => ended,
            () = shutdown.begun() => {
                // Browsers open connections ahead of time: only for a moment they may be about a request.
                let is_silent = !has_asked.load(Ordering::Relaxed);
                let moment = if is_silent { MOMENT } else { Duration::ZERO };
                match timeout(moment, follow(&mut connection, &handover)).await {
                    Ok(ended) => ended,
                    Err(_) if !has_asked.load(Ordering::Relaxed) => return,
                    Err(_) => {
                        Pin::new(&mut connection).graceful_shutdown();
                        follow(&mut connection, &handover).await
                    }
                }
            }
        };
        let stream = connection.into_parts().io.into_inner().into_inner();
        let parted = match ended {
            Ok(None) => part(stream).await,
            Ok(Some(seat)) => match stream.into_std() {
                Ok(socket) => {
                    drop(guest);
                    reactors.adopt(socket, seat).await;
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(io::Error::other(error)),
        };
        if let Err(error) = parted {
            tracing::debug!(%peer, %error, "a connection broke");
        }
    }
}

/// Until the connection is over, or somebody is to go on with it.
async fn follow<I, S>(connection: &mut Connection<I, S>, handover: &Handover) -> hyper::Result<Option<Seat>>
where
    I: Read + Write + Unpin,
    S: HttpService<Incoming, ResBody = Body> + Unpin,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    S::Future: Unpin,
{
    poll_fn(|context| match connection.poll_without_shutdown(context) {
        Poll::Ready(ended) => Poll::Ready(ended.map(|()| None)),
        Poll::Pending => handover.take().map_or(Poll::Pending, |seat| Poll::Ready(Ok(Some(seat)))),
    })
    .await
}

async fn part(mut stream: TcpStream) -> io::Result<()> {
    poll_fn(|context| Pin::new(&mut stream).poll_shutdown(context)).await
}
