//! The stream as a client library reads it that people use: the same events, whatever was asked for.

use crate::fixture::{DEADLINE, Server};
use eventsource_client::{Client, ClientBuilder, ReconnectOptions, SSE};
use futures_util::StreamExt;
use launchdarkly_sdk_transport::HyperTransport;
use std::io;
use telltale::model::GapReason;
use tokio::time::timeout;

/// Name, id and data of an event. An event without an id repeats the last one, as the standard has it.
type Told = (String, String, String);

/// What the library tells up to and with the sample of an id.
async fn by_library(server: &Server, query: &str, last: &str) -> io::Result<Vec<Told>> {
    let url = format!("http://{}/api/v1/stream?client=same&{query}", server.address);
    let transport = HyperTransport::builder().disable_proxy().build_http()?;
    let client = ClientBuilder::for_url(&url).map_err(io::Error::other)?;
    let once = ReconnectOptions::reconnect(false).build();
    let mut stream = client.reconnect(once).build_with_transport(transport).stream();
    let mut told = Vec::<Told>::new();
    while told.last().is_none_or(|(_, id, _)| id != last) {
        match timeout(DEADLINE, stream.next()).await? {
            Some(Ok(SSE::Connected(_))) => {}
            Some(Ok(SSE::Event(event))) => {
                // It is told when to come back, and that is within what is promised.
                let is_told = event.retry.is_some_and(|retry| (1_000..=3_000).contains(&retry));
                assert_eq!(is_told, told.is_empty(), "{event:?}");
                told.push((event.event_type, event.id.unwrap_or_default(), event.data));
            }
            other => return Err(io::Error::other(format!("{other:?} after {told:?}"))),
        }
    }
    Ok(told)
}

/// The same as the parser of the other tests reads it.
async fn by_parser(server: &Server, query: &str, last: &str, headers: &[(&str, &str)]) -> io::Result<Vec<Told>> {
    let mut events = server.open(&format!("/api/v1/stream?client=same&{query}"), headers).await?.events();
    let mut told = Vec::<Told>::new();
    while told.last().is_none_or(|(_, id, _)| id != last) {
        let event = events.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        told.push((event.event, event.id, event.data));
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
