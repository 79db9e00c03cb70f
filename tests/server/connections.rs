//! Connections of streams that do not behave, whoever sends to them: a thread for all, or each its own answer.

use crate::client::{Events, open, receive, send};
use crate::fixture::{DEADLINE, Options, Server, until};
use bytes::BytesMut;
use futures_util::future::try_join_all;
use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant};
use telltale::server::serve::Patience;
use telltale::server::sse::Terms;
use telltale::server::subscribers::{Limits, Room};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{interval, sleep, timeout};

const STREAM: &[u8] = b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Each way of sending, and the server with it.
fn both_ways(options: impl Fn() -> Options) -> impl Iterator<Item = io::Result<Server>> {
    [1, 0].into_iter().map(move |reactors| Server::start_with(Options { reactors, ..options() }))
}

/// A client whose kernel takes as little as it can.
async fn connect_narrowly(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4_096)?;
    socket.connect(address).await
}

async fn read_all(socket: &TcpStream) -> io::Result<String> {
    let mut bytes = BytesMut::new();
    while timeout(DEADLINE, receive(socket, &mut bytes)).await?? > 0 {}
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Asks for the stream and is up to date once: who is told of the second tick had nothing more to be told before it.
async fn be_up_to_date(server: &Server, socket: &TcpStream) -> io::Result<()> {
    send(socket, STREAM).await?;
    let mut told = BytesMut::new();
    for second in 1..=2 {
        server.tick(second);
        while !String::from_utf8_lossy(&told).contains(&format!("id: 0-{second}000")) {
            assert!(timeout(DEADLINE, receive(socket, &mut told)).await?? > 0, "{told:?}");
        }
    }
    Ok(())
}

/// Reads samples until the one of a second; which seconds those were.
async fn read_to(events: &mut Events, last: i64) -> io::Result<Vec<i64>> {
    let mut seconds = Vec::new();
    while seconds.last().is_none_or(|second| *second < last) {
        let event = events.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if event.event == "sample" {
            let t = serde_json::from_str::<serde_json::Value>(&event.data)?["t"].as_i64();
            seconds.extend(t.map(|t| t / 1_000));
        }
    }
    Ok(seconds)
}

#[tokio::test]
async fn streams_are_sent_by_threads_where_that_can_be() -> io::Result<()> {
    for server in both_ways(Options::default) {
        let server = server?;
        server.tick(1);
        let incoming = server.open("/api/v1/stream", &[]).await?;
        assert_eq!(incoming.header("connection"), "close");
        let mut events = incoming.events();
        events.expect("hello").await?;
        events.expect("sample").await?;
        server.tick(2);
        events.expect("sample").await?;
        if server.has_reactors {
            until(|| server.state.meter.take_fan_out_us() > 0).await?;
        }
        assert_eq!(server.state.meter.is_fanned_out(), server.has_reactors);
        assert_eq!(server.state.meter.take_fan_out_us(), 0);
        server.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_is_too_slow_is_sent_away_with_a_reason_and_misses_nothing() -> io::Result<()> {
    /// More than a megabyte beyond what two kernels hold.
    const MESSAGES: u32 = 200;
    for server in both_ways(Options::default) {
        let server = server?;
        let slow = TcpStream::connect(server.address).await?;
        be_up_to_date(&server, &slow).await?;
        let text = "x".repeat(20 * 1_024);
        (0..MESSAGES).for_each(|_| _ = server.state.hub.notify(None, text.clone()));
        // A body hears of it only when it is asked for more.
        if server.has_reactors {
            until(|| server.state.meter.slow() == 1).await?;
        }
        let told = read_all(&slow).await?;
        assert!(told.contains(r#""reason":"slow""#), "{}", &told[told.len().saturating_sub(400)..]);
        assert_eq!(server.state.meter.slow(), 1);
        let ids: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
        let seen = ids.len() as u32;
        assert!(seen < MESSAGES, "{seen} were seen");
        // It comes back with the last id, and goes on where it was.
        let last = ids.last().copied().unwrap_or_default();
        let mut events = server.open(&format!("/api/v1/stream?last_event_id={last}"), &[]).await?.events();
        events.expect("hello").await?;
        for n in seen + 1..=MESSAGES {
            assert_eq!(events.expect("notification").await?.id, format!("0-2000.{n}"));
        }
        server.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_takes_nothing_at_all_is_let_go() -> io::Result<()> {
    let moment = Duration::from_millis(100);
    let terms = Terms { lag: moment, ..Terms::default() };
    let patience = Patience { write: moment, ..Options::default().patience };
    for server in both_ways(|| Options { terms, patience, ..Options::default() }) {
        let server = server?;
        let silent = connect_narrowly(server.address).await?;
        send(&silent, STREAM).await?;
        until(|| server.state.subscribers.count() == 1).await?;
        let (mut second, began) = (0, Instant::now());
        while server.state.subscribers.count() == 1 {
            assert!(began.elapsed() < DEADLINE);
            (0..500).for_each(|_| {
                second += 1;
                server.tick(second);
            });
            tokio::task::yield_now().await;
        }
        server.stop().await?;
    }
    Ok(())
}

/// It takes something each time, and never all there is.
#[tokio::test]
async fn who_takes_too_little_is_let_go() -> io::Result<()> {
    let moment = Duration::from_millis(300);
    let terms = Terms { lag: moment, ..Terms::default() };
    // A kernel with little room asks for more only now and then.
    let patience = Patience { write: 30 * moment, ..Options::default().patience };
    for server in both_ways(|| Options { terms, patience, ..Options::default() }) {
        let server = server?;
        let slow = connect_narrowly(server.address).await?;
        be_up_to_date(&server, &slow).await?;
        let publishing = async {
            let mut second = 2;
            while server.state.subscribers.count() == 1 {
                (0..50).for_each(|_| {
                    second += 1;
                    server.tick(second);
                });
                sleep(Duration::from_millis(20)).await;
            }
        };
        let sipping = async {
            let mut few = [0; 4_000];
            loop {
                slow.readable().await?;
                let taken = match slow.try_read(&mut few) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    taken => taken,
                };
                if !matches!(taken, Ok(1..)) {
                    return std::future::pending::<io::Result<()>>().await;
                }
                sleep(moment / 10).await;
            }
        };
        tokio::select! {
            ended = timeout(DEADLINE, publishing) => ended?,
            failed = sipping => failed?,
        }
        assert_eq!(server.state.meter.slow(), 1);
        server.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_waits_for_the_first_sample_is_told_that_there_is_none() -> io::Result<()> {
    let server = Server::start()?;
    let answer = server.get("/api/v1/samples?after=0-1000&wait=100ms", &[]).await?;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"events":[],"next":"0-1000"}"#));
    server.stop().await
}

#[tokio::test]
async fn who_waits_for_samples_is_a_guest_like_any_other() -> io::Result<()> {
    let limits = Limits { max_per_address: 1, ..Limits::default() };
    let server = Server::start_with(Options { limits, ..Options::default() })?;
    server.tick(1);
    let waiting = server.get("/api/v1/samples?after=0-1000&wait=60s&client=poll", &[]);
    let second = async {
        until(|| server.state.subscribers.count() == 1).await?;
        let refused = server.get("/api/v1/samples?after=0-1000&wait=60s", &[]).await?;
        assert_eq!(refused.status, 429);
        // Who has not to wait is answered.
        let answer = server.get("/api/v1/samples", &[]).await?;
        assert_eq!(answer.status, 200);
        server.tick(2);
        Ok(())
    };
    let (answer, ()) = tokio::try_join!(waiting, second)?;
    assert!(answer.status == 200 && answer.text().contains("0-2000"), "{}", answer.text());
    until(|| server.state.subscribers.count() == 0).await?;
    server.stop().await
}

/// Connections that are no streams leave room for those of others, and streams leave room for them.
#[tokio::test]
async fn no_address_takes_all_the_room() -> io::Result<()> {
    let room = Room { all: usize::MAX, per_address: 2 };
    for server in both_ways(|| Options { room, ..Options::default() }) {
        let server = server?;
        server.tick(1);
        let mut stream = server.open("/api/v1/stream", &[]).await?.events();
        stream.expect("hello").await?;
        stream.expect("sample").await?;
        let room = if server.has_reactors { 2 } else { 1 };
        let mut silent = Vec::new();
        for _ in 0..room {
            silent.push(TcpStream::connect(server.address).await?);
        }
        let surplus = TcpStream::connect(server.address).await?;
        // Closed, or reset.
        let mut byte = [0];
        let read = async {
            surplus.readable().await?;
            surplus.try_read(&mut byte)
        };
        assert!(!matches!(timeout(DEADLINE, read).await?, Ok(1..)));
        drop(silent.pop());
        let answered = async {
            while !server.get("/healthz", &[]).await.is_ok_and(|answer| answer.status == 200) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(DEADLINE, answered).await?;
        drop(stream);
        server.stop().await?;
    }
    Ok(())
}

/// It can't be told from one that is gone; it comes back if it is not.
#[tokio::test]
async fn half_closed_is_gone() -> io::Result<()> {
    for server in both_ways(Options::default) {
        let server = server?;
        server.tick(1);
        let mut socket = std::net::TcpStream::connect(server.address)?;
        io::Write::write_all(&mut socket, STREAM)?;
        until(|| server.state.subscribers.count() == 1).await?;
        socket.shutdown(std::net::Shutdown::Write)?;
        until(|| server.state.subscribers.count() == 0).await?;
        server.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn bodies_and_further_requests_do_not_disturb_a_stream() -> io::Result<()> {
    for server in both_ways(Options::default) {
        let server = server?;
        server.tick(1);
        for rest in [
            &b"Content-Length: 5\r\n\r\nhello"[..],
            b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\r\n\0\xff\r\n\r\n",
        ] {
            let socket = TcpStream::connect(server.address).await?;
            send(&socket, &[&STREAM[..STREAM.len() - 2], rest].concat()).await?;
            let mut bytes = BytesMut::new();
            let has = |bytes: &BytesMut, text: &str| String::from_utf8_lossy(bytes).contains(text);
            while !has(&bytes, "event: sample") {
                assert!(timeout(DEADLINE, receive(&socket, &mut bytes)).await?? > 0, "{bytes:?}");
            }
            send(&socket, b"and more").await?;
            let newest = server.state.hub.head() as i64 + 1;
            server.tick(newest);
            while !has(&bytes, &format!("id: 0-{newest}000")) {
                assert!(timeout(DEADLINE, receive(&socket, &mut bytes)).await?? > 0, "{bytes:?}");
            }
            assert!(!has(&bytes, "\r\n\r\nok"), "the second request is not answered within the stream");
        }
        server.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_talks_without_end_is_cut_off() -> io::Result<()> {
    let server = Server::start_with(Options { reactors: 1, ..Options::default() })?;
    server.tick(1);
    let socket = TcpStream::connect(server.address).await?;
    send(&socket, STREAM).await?;
    until(|| server.state.subscribers.count() == 1).await?;
    let talk = async { while send(&socket, &[b'x'; 8_192]).await.is_ok() {} };
    timeout(DEADLINE, talk).await?;
    until(|| server.state.subscribers.count() == 0).await?;
    server.stop().await
}

/// Heads that come byte by byte are held to the same time as those that do not come at all, and keep nobody else out.
#[tokio::test]
async fn slow_heads_are_cut_off() -> io::Result<()> {
    let patience = Patience { head: Duration::from_millis(200), ..Options::default().patience };
    let server = Server::start_with(Options { patience, ..Options::default() })?;
    server.tick(1);
    let dribbles = (0..100).map(|_| async {
        let socket = TcpStream::connect(server.address).await?;
        let mut pace = interval(Duration::from_millis(10));
        let head = b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nX-Long: ".iter().chain(std::iter::repeat(&b'x'));
        for byte in head {
            pace.tick().await;
            if send(&socket, &[*byte]).await.is_err() {
                break;
            }
        }
        Ok::<_, io::Error>(())
    });
    let served = async {
        let mut events = server.open("/api/v1/stream", &[]).await?.events();
        events.expect("hello").await?;
        events.expect("sample").await?;
        Ok(events)
    };
    let (_, _served) = tokio::try_join!(async { timeout(DEADLINE, try_join_all(dribbles)).await? }, served)?;
    assert_eq!(server.state.subscribers.count(), 1);
    server.stop().await
}

#[tokio::test]
async fn beyond_the_most_connections_one_waits_to_be_accepted() -> io::Result<()> {
    let room = Room { all: 2, per_address: usize::MAX };
    for server in both_ways(|| Options { room, ..Options::default() }) {
        let server = server?;
        server.tick(1);
        let mut stream = server.open("/api/v1/stream", &[]).await?.events();
        stream.expect("hello").await?;
        let silent = TcpStream::connect(server.address).await?;
        // Accepted behind the silent one, if at all.
        let waiting = TcpStream::connect(server.address).await?;
        send(&waiting, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut bytes = BytesMut::new();
        let early = timeout(Duration::from_millis(300), receive(&waiting, &mut bytes)).await;
        assert!(early.is_err(), "it was answered: {bytes:?}");
        drop(silent);
        assert!(read_all(&waiting).await?.ends_with("ok"));
        drop(stream);
        server.stop().await?;
    }
    Ok(())
}

/// All come back to the samples that memory no longer has, some of them packed, while others are served live.
#[tokio::test]
async fn many_return_from_far_away_at_once() -> io::Result<()> {
    const LAST: i64 = 2_000;
    for server in both_ways(Options::default) {
        let server = server?;
        (1..=LAST).for_each(|second| server.tick(second));
        let mut live = server.open("/api/v1/stream", &[]).await?.events();
        assert_eq!(read_to(&mut live, LAST).await?, [LAST]);
        let address = server.address;
        let returning = (0..60).map(|index| async move {
            let accept = ("Accept-Encoding", if index % 2 == 0 { "gzip" } else { "identity" });
            let path = format!("/api/v1/stream?last_event_id=0-{}", (index + 1) * 1_000);
            let mut events = open(address, "GET", &path, &[accept]).await?.events();
            let read = read_to(&mut events, LAST + 1).await?;
            assert_eq!(read, (index + 2..).take(read.len()).collect::<Vec<_>>(), "{index}");
            Ok::<_, io::Error>(())
        });
        let mut returning = pin!(try_join_all(returning));
        // What memory had when they came leaves it while they are told.
        for second in LAST + 1.. {
            tokio::select! {
                returned = &mut returning => {
                    returned?;
                    break;
                }
                () = sleep(Duration::from_millis(1)) => {}
            }
            server.tick(second);
            assert_eq!(read_to(&mut live, second).await?, [second]);
        }
        let meter = &server.state.meter;
        assert_eq!((meter.resumed(), meter.gaps(), meter.slow()), (60, 0, 0));
        drop(live);
        server.stop().await?;
    }
    Ok(())
}

/// Wherever it has come from: the store, the end of memory, or well inside.
#[tokio::test]
async fn who_has_caught_up_is_told_what_comes_next() -> io::Result<()> {
    const LAST: i64 = 700;
    for server in both_ways(Options::default) {
        let server = server?;
        (1..=LAST).for_each(|second| server.tick(second));
        for from in [50, 100, 150, 650] {
            let path = format!("/api/v1/stream?client=from-{from}&last_event_id=0-{from}000");
            let mut events = server.open(&path, &[]).await?.events();
            assert_eq!(read_to(&mut events, LAST).await?, (from + 1..=LAST).collect::<Vec<_>>());
            server.state.hub.notify(Some(format!("from-{from}").into()), from);
            assert_eq!(events.expect("notification").await?.data, from.to_string());
        }
        server.stop().await?;
    }
    Ok(())
}

/// There may be nothing to say when somebody else goes on.
#[tokio::test]
async fn who_is_handed_over_in_silence_stays() -> io::Result<()> {
    for server in both_ways(Options::default) {
        let server = server?;
        // Before the first sample, nobody can say where it goes on.
        let mut events = server.open("/api/v1/stream?events=notification&last_event_id=0-1000", &[]).await?.events();
        events.expect("hello").await?;
        server.tick(2);
        // Time for somebody else to go on.
        assert_eq!(server.get("/healthz", &[]).await?.status, 200);
        server.state.hub.notify(None, 7);
        assert_eq!(events.expect("notification").await?.data, "7");
        server.stop().await?;
    }
    Ok(())
}

/// A restart: everybody is told when to come back, each at another time, and goes on without a hole.
#[tokio::test]
async fn a_crowd_is_sent_away_and_comes_back() -> io::Result<()> {
    const CROWD: usize = 300;
    let limits = Limits { max_per_address: CROWD, ..Limits::default() };
    for (before, after) in both_ways(|| Options { limits, ..Options::default() })
        .zip(both_ways(|| Options { limits, ..Options::default() }))
    {
        let server = before?;
        server.tick(1);
        let address = server.address;
        let mut crowd = try_join_all((0..CROWD).map(|_| async move {
            let mut events = open(address, "GET", "/api/v1/stream", &[]).await?.events();
            events.expect("hello").await?;
            events.expect("sample").await?;
            Ok::<_, io::Error>(events)
        }))
        .await?;
        server.tick(2);
        server.stop().await?;
        let mut times = HashSet::new();
        for events in &mut crowd {
            events.expect("sample").await?;
            let bye = events.expect("bye").await?;
            times.insert(bye.retry);
            assert!(events.next().await?.is_none());
        }
        assert!(times.len() > CROWD / 2, "they come back at {} times", times.len());
        let server = after?;
        server.tick(3);
        let address = server.address;
        try_join_all((0..CROWD).map(|_| async move {
            let mut events = open(address, "GET", "/api/v1/stream?last_event_id=0-2000", &[]).await?.events();
            assert_eq!(read_to(&mut events, 3).await?, [3]);
            Ok::<_, io::Error>(())
        }))
        .await?;
        server.stop().await?;
    }
    Ok(())
}
