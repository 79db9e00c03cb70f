//! The authorization layer in front of everything.

use crate::client::open;
use crate::fixture::{Options, Server};
use std::io;
use telltale::server::auth::Access;

#[tokio::test]
async fn pages_answers_and_streams_stand_behind_one_layer() -> io::Result<()> {
    let access =
        Access { allowed_hosts: vec!["dash.example.com".into()], own_name: "tower".into(), ..Access::default() };
    let server = Server::start_with(Options { access, ..Options::default() })?;
    for path in ["/", "/api/v1/host", "/api/v1/stream", "/healthz", "/nothing", "/api/nothing"] {
        let foreign_host = server.open(path, &[("Host", "evil.example")]).await?.whole().await?;
        assert_eq!((foreign_host.status, &foreign_host.json()["code"]), (421, &"unknown_host".into()), "{path}");
        assert!(foreign_host.text().contains("--allow-host"));
        let cross_site = server.get(path, &[("Sec-Fetch-Site", "cross-site")]).await?;
        assert_eq!((cross_site.status, &cross_site.json()["code"]), (403, &"foreign_origin".into()), "{path}");
        let foreign_origin = server.get(path, &[("Origin", "https://evil.example")]).await?;
        assert_eq!(foreign_origin.status, 403, "{path}");
    }
    let link = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];
    for (path, status) in [("/", 200), ("/api/v1/host", 403), ("/api/v1/stream", 403)] {
        assert_eq!(server.get(path, &link).await?.status, status, "{path}");
    }
    for host in ["dash.example.com", "tower:3000", "localhost", "127.0.0.1:1", "[::1]"] {
        assert_eq!(server.get("/", &[("Host", host)]).await?.status, 200, "{host}");
    }
    server.stop().await
}

#[tokio::test]
async fn every_answer_is_hardened() -> io::Result<()> {
    let server = Server::start()?;
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/api/v1/host", 200),
        ("GET", "/api/v1/stream", 200),
        ("GET", "/nothing", 404),
        ("GET", "/api/nothing", 404),
        ("DELETE", "/api/v1/host", 405),
    ] {
        let answer = open(server.address, method, path, &[]).await?;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.header(name), value, "{name} of {path}");
        }
        assert!(!answer.header("permissions-policy").is_empty());
    }
    server.stop().await
}
