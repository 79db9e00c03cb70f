//! The shutdown: every stream is told, and nobody can hold it up.

use crate::client::{open, receive, send};
use crate::fixture::{DEADLINE, Options, Server, until, within};
use bytes::BytesMut;
use std::io;
use std::time::{Duration, Instant};
use telltale::server::serve::Patience;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// In how much time it must have ended.
const END: Duration = Duration::from_secs(2);

#[tokio::test]
async fn twenty_streams_are_told_goodbye_and_gone() -> io::Result<()> {
    within(END, tell_twenty_streams_goodbye).await
}

async fn tell_twenty_streams_goodbye() -> io::Result<Duration> {
    let server = Server::start()?;
    server.tick(1);
    let mut streams = Vec::new();
    for index in 0..20 {
        let headers: &[_] = if index % 2 == 0 { &[] } else { &[("Accept-Encoding", "gzip")] };
        let mut events = server.open("/api/v1/stream", headers).await?.events();
        events.expect("hello").await?;
        streams.push(events);
    }
    let address = server.address;
    let began = Instant::now();
    server.stop().await?;
    for mut events in streams {
        events.expect("sample").await?;
        let bye = events.expect("bye").await?;
        let data: serde_json::Value = serde_json::from_str(&bye.data)?;
        assert_eq!(data["reason"], "shutdown");
        assert_eq!(bye.retry.map(|retry| retry.as_millis() as u64), data["retry_ms"].as_u64());
        assert!(data["retry_ms"].as_u64().is_some_and(|retry| (1_000..=5_000).contains(&retry)), "{data}");
        assert!(events.next().await?.is_none(), "the body ends as it should");
    }
    // Another test's server may be given the same port.
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, refused).await?;
    Ok(began.elapsed())
}

#[tokio::test]
async fn clients_that_misbehave_hold_nothing_up() -> io::Result<()> {
    within(END, stop_with_clients_that_misbehave).await
}

async fn stop_with_clients_that_misbehave() -> io::Result<Duration> {
    // Less than it has by default, so that a busy machine has more.
    let patience = Patience { stop: Duration::from_millis(200), ..Patience::default() };
    let server = Server::start_with(Options { patience, ..Options::default() })?;
    let mut held = Vec::new();
    for bytes in [
        &b""[..],
        b"GET /api/v1/stream HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xff\xff",
        b"\0\0\0\0\r\n\r\n",
        // An endless reader that never reads.
        b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let socket = TcpStream::connect(server.address).await?;
        send(&socket, bytes).await?;
        held.push(socket);
    }
    until(|| server.state.subscribers.count() == 1).await?;
    // Others are served meanwhile, and a reader that takes nothing costs a place in the ring, no queue.
    for second in 1..=3_000 {
        server.tick(second);
    }
    assert_eq!(server.get("/healthz", &[]).await?.text(), "ok");
    let mut events = open(server.address, "GET", "/api/v1/stream", &[]).await?.events();
    events.expect("hello").await?;
    events.expect("sample").await?;
    let began = Instant::now();
    server.stop().await?;
    Ok(began.elapsed())
}

/// Browsers open connections ahead of time, and keep those they have used.
#[tokio::test]
async fn connections_without_a_request_are_not_waited_for() -> io::Result<()> {
    within(END, stop_with_connections_without_a_request).await
}

async fn stop_with_connections_without_a_request() -> io::Result<Duration> {
    let server = Server::start()?;
    let mut held = Vec::new();
    for bytes in [&b""[..], b"GET / HTTP/1.1\r\nHost: local"] {
        let socket = TcpStream::connect(server.address).await?;
        send(&socket, bytes).await?;
        held.push(socket);
    }
    let used = TcpStream::connect(server.address).await?;
    send(&used, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
    let mut buffer = BytesMut::new();
    while !buffer.ends_with(b"ok") {
        receive(&used, &mut buffer).await?;
    }
    let began = Instant::now();
    server.stop().await?;
    Ok(began.elapsed())
}

#[tokio::test]
async fn a_request_that_has_arrived_is_answered() -> io::Result<()> {
    for _ in 0..20 {
        let server = Server::start()?;
        // Once somebody else was answered, this one has been accepted.
        let socket = TcpStream::connect(server.address).await?;
        server.get("/healthz", &[]).await?;
        send(&socket, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
        server.stop().await?;
        let mut buffer = BytesMut::new();
        while receive(&socket, &mut buffer).await? > 0 {}
        assert!(buffer.ends_with(b"ok"), "{buffer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn half_a_head_is_not_waited_for() -> io::Result<()> {
    let patience = Patience { head: Duration::from_millis(50), ..Patience::default() };
    let server = Server::start_with(Options { patience, ..Options::default() })?;
    let socket = TcpStream::connect(server.address).await?;
    send(&socket, b"GET / HTTP/1.1\r\nHost: local").await?;
    let mut buffer = BytesMut::new();
    while timeout(DEADLINE, receive(&socket, &mut buffer)).await?? > 0 {}
    // A stream, on the other hand, may be silent for as long as it likes.
    server.stop().await
}
