//! The registry of subscribers and its limits.

use crate::fixture::{Options, Server, until};
use std::io;
use telltale::server::auth::Access;
use telltale::server::subscribers::Limits;

#[tokio::test]
async fn a_subscriber_is_listed_while_it_is_connected_and_no_longer() -> io::Result<()> {
    let server = Server::start()?;
    server.tick(1);
    let agent = ("User-Agent", "\u{202e}evil<b>");
    let mut stream = server.open("/api/v1/stream?client=wall&events=sample", &[agent]).await?.events();
    stream.expect("hello").await?;
    stream.expect("sample").await?;
    let list = server.get("/api/v1/subscribers", &[]).await?.json();
    assert_eq!(list["count"], 1);
    let one = &list["subscribers"][0];
    assert_eq!(
        (&one["id"], &one["address"], &one["events"]),
        (&"wall".into(), &"127.0.0.1".into(), &["sample"][..].into())
    );
    assert_eq!((&one["sent"], &one["queued"]), (&2.into(), &0.into()));
    assert_eq!(one["user_agent"], "\u{fffd}evil<b>");
    assert!(one["since"].is_i64(), "{one}");
    assert_eq!(server.state.meter.streams(), 1);
    assert!(server.state.meter.sent_bytes() > 100);
    // Nothing is published and nothing is sent: the hanging up alone is noticed.
    drop(stream);
    until(|| server.state.subscribers.count() == 0).await?;
    assert_eq!(server.state.meter.streams(), 0);
    assert_eq!(server.get("/api/v1/subscribers", &[]).await?.json()["count"], 0);
    server.stop().await
}

#[tokio::test]
async fn each_limit_says_which_it_is() -> io::Result<()> {
    let options = Options {
        limits: Limits { max_connections: 4, max_per_address: 2 },
        access: Access { trusted_proxies: "127.0.0.1".parse().into_iter().collect(), ..Access::default() },
        ..Options::default()
    };
    let server = Server::start_with(options)?;
    let mut open = Vec::new();
    for (client, status, code) in [
        ("203.0.113.1", 200, ""),
        ("203.0.113.1", 200, ""),
        ("::ffff:203.0.113.1", 429, "too_many_connections_from_address"),
        ("203.0.113.2", 200, ""),
        ("", 200, ""),
        ("", 503, "too_many_connections"),
    ] {
        let headers: &[_] = if client.is_empty() { &[] } else { &[("X-Forwarded-For", client)] };
        let incoming = server.open("/api/v1/stream", headers).await?;
        assert_eq!(incoming.status, status, "{client}");
        if status == 200 {
            open.push(incoming);
        } else {
            assert_eq!(incoming.header("content-type"), "application/problem+json");
            assert!(incoming.header("retry-after").parse::<u32>().is_ok());
            let problem = incoming.whole().await?.json();
            assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{problem}");
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("max_")), "{problem}");
        }
    }
    // Who was refused left nothing behind, and who leaves makes room.
    assert_eq!(server.state.subscribers.count(), 4);
    open.clear();
    until(|| server.state.subscribers.count() == 0).await?;
    assert_eq!(server.open("/api/v1/stream", &[("X-Forwarded-For", "203.0.113.1")]).await?.status, 200);
    server.stop().await
}

#[tokio::test]
async fn a_mistake_names_its_field_and_costs_no_place() -> io::Result<()> {
    let server = Server::start()?;
    for (query, field) in [("events=foo", "events"), ("client=a%20b", "client"), ("as=xml", "as")] {
        let answer = server.get(&format!("/api/v1/stream?{query}"), &[]).await?;
        assert_eq!((answer.status, answer.json()["field"].as_str()), (400, Some(field)));
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(server.state.subscribers.count(), 0);
    server.stop().await
}
