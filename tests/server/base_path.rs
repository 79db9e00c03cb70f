//! Below another path than the root: what is found there, what is not, and where one is led.

use crate::fixture::{Options, PAGE, Server};
use std::io;
use telltale::server::auth::Access;

fn below(base: &str) -> io::Result<Options> {
    Ok(Options { base_path: base.parse().map_err(io::Error::other)?, ..Options::default() })
}

#[tokio::test]
async fn everything_is_below_it_and_nothing_beside_it() -> io::Result<()> {
    let server = Server::start_with(below("/tools/telltale")?)?;
    server.tick(1);
    for (path, status) in [
        ("/tools/telltale/", 200),
        ("/tools/telltale/?window=1h", 200),
        ("/tools/telltale/api/v1/sample", 200),
        ("/tools/telltale/healthz", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/", 404),
        ("/tools", 404),
        ("/tools/", 404),
        ("/tools/telltales/", 404),
        ("/tools/telltale/nothing", 404),
        ("/tools/telltale/tools/telltale/", 404),
        ("/api/v1/sample", 404),
        ("/api/v1/stream", 404),
    ] {
        let answer = server.get(path, &[]).await?;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    assert_eq!(server.get("/tools/telltale/", &[]).await?.text(), PAGE);
    for path in ["/", "/tools", "/api/v1/sample"] {
        let lost = server.get(path, &[]).await?;
        assert_eq!(lost.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(lost.json()["code"], "not_found", "{path}");
        assert!(lost.text().contains("/tools/telltale/"), "it says where everything is: {}", lost.text());
    }
    let mut events = server.open("/tools/telltale/api/v1/stream", &[]).await?.events();
    events.expect("hello").await?;
    assert_eq!(events.expect("sample").await?.id, "0-1000");
    server.stop().await
}

#[tokio::test]
async fn who_forgets_the_slash_is_led_in() -> io::Result<()> {
    let server = Server::start_with(below("/tools/telltale")?)?;
    // Relative: a proxy may have put another path before it.
    for (path, location) in [("/tools/telltale", "telltale/"), ("/tools/telltale?at=5&x", "telltale/?at=5&x")] {
        let answer = server.get(path, &[]).await?;
        assert_eq!((answer.status, answer.header("location")), (308, location), "{path}");
    }
    server.stop().await
}

#[tokio::test]
async fn the_same_is_let_in_as_at_the_root() -> io::Result<()> {
    let access = Access { own_name: "tower".into(), ..Access::default() };
    let server = Server::start_with(Options { access, ..below("/telltale")? })?;
    for path in ["/telltale", "/telltale/", "/telltale/api/v1/stream", "/", "/healthz"] {
        let foreign_host = server.get(path, &[("Host", "evil.example")]).await?;
        assert_eq!(foreign_host.status, 421, "{path}");
        let cross_site = server.get(path, &[("Sec-Fetch-Site", "cross-site")]).await?;
        assert_eq!(cross_site.status, 403, "{path}");
    }
    let link = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];
    for (path, status) in [("/telltale/", 200), ("/telltale", 308), ("/telltale/api/v1/host", 403)] {
        assert_eq!(server.get(path, &link).await?.status, status, "{path}");
    }
    server.stop().await
}
