//! The stream as a client library reads it that people use: the same events, whatever was asked for.

use crate::fixture::{DEADLINE, Server};
use eventsource_client::{Client, ClientBuilder, Error, ReconnectOptions, SSE};
use futures_util::StreamExt;
use launchdarkly_sdk_transport::HyperTransport;
use std::io;
use std::time::Duration;
use telltale::model::GapReason;
use tokio::time::timeout;

/// Name, own id and data of an event.
type Told = (String, String, String);

/// What the library tells up to and with the sample of a second, over as many connections as that takes.
async fn by_library(server: &Server, query: &str, last: &str) -> io::Result<Vec<Told>> {
    let url = format!("http://{}/api/v1/stream?client=same&{query}", server.address);
    let transport = HyperTransport::builder().disable_proxy().build_http()?;
    // What the server says of when to come back counts, and not this.
    let reconnecting = ReconnectOptions::reconnect(true).delay(Duration::from_secs(3_600)).build();
    let client = ClientBuilder::for_url(&url).map_err(io::Error::other)?;
    let mut stream = client.reconnect(reconnecting).build_with_transport(transport).stream();
    let mut told = Vec::new();
    while told.last().is_none_or(|(_, id, _)| id != last) {
        match timeout(DEADLINE, stream.next()).await? {
            Some(Ok(SSE::Event(event))) => told.push((event.event_type, event.id.unwrap_or_default(), event.data)),
            // It says so when a connection ends, and opens the next one.
            Some(Ok(_) | Err(Error::Eof | Error::UnexpectedEof)) => {}
            other => return Err(io::Error::other(format!("{other:?} after {told:?}"))),
        }
    }
    Ok(told)
}

/// The same as the parser of the other tests reads it, which repeats ids as the standard has it.
async fn by_parser(server: &Server, query: &str, last: &str, headers: &[(&str, &str)]) -> io::Result<Vec<Told>> {
    let mut events = server.open(&format!("/api/v1/stream?client=same&{query}"), headers).await?.events();
    let (mut told, mut seen) = (Vec::<Told>::new(), String::new());
    while told.last().is_none_or(|(_, id, _)| id != last) {
        let event = events.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let id = if event.id == seen { String::new() } else { event.id.clone() };
        seen.clone_from(&event.id);
        told.push((event.event, id, event.data));
    }
    Ok(told)
}

#[tokio::test]
async fn a_library_in_rust_tells_the_same_events() -> io::Result<()> {
    let server = Server::start()?;
    (1..=20).for_each(|second| server.tick(second));
    server.gap(21, 30, GapReason::Suspended);
    (31..=40).for_each(|second| server.tick(second));
    for query in ["", "last_event_id=0-5000", "last_event_id=0-5000&as=message", "last_event_id=nonsense&as=message"] {
        let expected = by_parser(&server, query, "0-40000", &[]).await?;
        assert_eq!(by_library(&server, query, "0-40000").await?, expected, "{query:?}");
        let compressed = by_parser(&server, query, "0-40000", &[("Accept-Encoding", "gzip")]).await?;
        assert_eq!(compressed, expected, "{query:?} compressed");
    }
    server.stop().await
}
