//! The answers for programs, and the document that describes them.

use crate::client::open;
use crate::fixture::{PAGE, Server, catalog, until};
use crate::processes::open_with_table;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;
use telltale::model::GapReason;
use telltale::server::api;

/// How a connection looks whose server went before it answered.
const BROKEN: [io::ErrorKind; 3] =
    [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];

/// What else than the bare path is asked: `?at=` answers with another shape.
fn queries(path: &str) -> &'static [&'static str] {
    match path {
        "/api/v1/history" => &["?family=load"],
        "/api/v1/processes" => &["", "?at=1000"],
        _ => &[""],
    }
}

#[tokio::test]
async fn everything_described_answers_as_described() -> io::Result<()> {
    let server = Server::start()?;
    server.tick(1);
    let document = server.get("/api/v1/openapi.json", &[]).await?.json();
    let paths = document["paths"].as_object().cloned().unwrap_or_default();
    for path in [
        "/api/v1/stream",
        "/api/v1/samples",
        "/api/v1/subscribers",
        "/api/v1/host",
        "/api/v1/catalog",
        "/api/v1/sample",
        "/api/v1/history",
        "/api/v1/processes",
        "/api/v1/openapi.json",
        "/healthz",
        "/readyz",
    ] {
        assert!(paths.contains_key(path), "{path} is described");
    }
    for (second, (path, methods)) in (2..).zip(&paths) {
        // Whoever had to wait for the one before finds a fresh sample all the same.
        server.tick(second);
        let asked = |query| methods.as_object().into_iter().flatten().map(move |method| (query, method));
        for (query, (method, description)) in queries(path).iter().flat_map(asked) {
            let path = &format!("{path}{query}");
            let method = method.to_ascii_uppercase();
            let incoming = match path.as_str() {
                "/api/v1/processes" => open_with_table(server.address, &method, path).await?,
                _ => open(server.address, &method, path, &[]).await?,
            };
            let described = &description["responses"][incoming.status.to_string()];
            assert!(incoming.status < 400 && described.is_object(), "{method} {path}: {}", incoming.status);
            let content = described["content"].as_object().and_then(|content| content.iter().next());
            let Some((content_type, media)) = content else { continue };
            assert!(incoming.header("content-type").starts_with(content_type), "{path}");
            if content_type == "application/json" {
                compare(&document, path, &media["schema"], &incoming.whole().await?.json());
            }
        }
    }
    assert_eq!(serde_json::to_value(api::document())?, document);
    server.stop().await
}

/// The keys of an answer are those of its schema, down to where the schema ends.
fn compare(document: &Value, at: &str, schema: &Value, answer: &Value) {
    let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components/schemas/"));
    let schema = reference.map_or(schema, |name| &document["components"]["schemas"][name]);
    if let Some(variants) = schema["oneOf"].as_array() {
        // Which one it is shows in the answer: the first that has all of its keys.
        let keys = |schema: &Value| {
            let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default();
            document["components"]["schemas"][name]["properties"].as_object().cloned().unwrap_or_default()
        };
        let fits =
            |schema: &&Value| answer.as_object().into_iter().flatten().all(|(key, _)| keys(schema).contains_key(key));
        let variant = variants.iter().find(fits);
        assert!(variant.is_some() || answer.is_null(), "{at}: {answer} is none of its variants");
        return variant.into_iter().for_each(|variant| compare(document, at, variant, answer));
    }
    if let Some(items) = answer.as_array() {
        for item in items {
            compare(document, at, &schema["items"], item);
        }
    }
    // A flattened map adds families to the fields that are always there.
    let parts: Vec<&Value> = schema["allOf"].as_array().map_or_else(|| vec![schema], |parts| parts.iter().collect());
    let is_open = schema.get("additionalProperties").is_some();
    let properties: Vec<_> = parts.iter().flat_map(|part| part["properties"].as_object()).flatten().collect();
    if is_open || properties.is_empty() {
        return;
    }
    let described: BTreeSet<_> = properties.iter().map(|(name, _)| name.as_str()).collect();
    let required: BTreeSet<_> =
        parts.iter().flat_map(|part| part["required"].as_array()).flatten().filter_map(Value::as_str).collect();
    let answered: BTreeSet<_> = answer.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    assert!(answered.is_subset(&described) && required.is_subset(&answered), "{at}: {answered:?} for {described:?}");
    for (name, property) in properties {
        compare(document, &format!("{at} {name}"), property, &answer[name]);
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() -> io::Result<()> {
    let server = Server::start()?;
    for (method, path, status, code) in [
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/", 404, "not_found"),
        ("POST", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/host/more", 404, "not_found"),
        ("GET", "/api/v1/%2e%2e/etc/passwd", 404, "not_found"),
        ("POST", "/api/v1/host", 405, "method_not_allowed"),
        ("PUT", "/api/v1/stream", 405, "method_not_allowed"),
        ("GET", "/api/v1/sample", 503, "no_sample_yet"),
        ("GET", "/readyz", 503, "no_sample_yet"),
        ("GET", "/api/v1/samples?wait=20", 400, "invalid_parameter"),
    ] {
        let incoming = open(server.address, method, path, &[]).await?;
        assert_eq!((incoming.status, incoming.header("content-type")), (status, "application/problem+json"), "{path}");
        if status == 405 {
            assert_eq!(incoming.header("allow"), "GET,HEAD", "{path}");
        }
        let problem = incoming.whole().await?.json();
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{problem}");
        for key in ["type", "title", "detail"] {
            assert!(problem[key].is_string(), "{key} of {problem}");
        }
    }
    let long = open(server.address, "POST", "/api/v1/host", &[("Content-Length", "65537")]).await?;
    assert_eq!(long.status, 413);
    server.stop().await
}

#[tokio::test]
async fn the_newest_sample_says_where_the_stream_goes_on() -> io::Result<()> {
    let server = Server::start()?;
    server.tick(1);
    server.tick(2);
    let sample = server.get("/api/v1/sample", &[]).await?.json();
    assert_eq!(sample, serde_json::json!({"id": "0-2000", "data": {"t": 2000, "load": [0.5, null]}}));
    let described = server.get("/api/v1/catalog", &[]).await?.json();
    assert_eq!(described, serde_json::to_value(&*catalog("load", "Load"))?);
    for path in ["/healthz", "/readyz"] {
        let answer = server.get(path, &[]).await?;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{path}");
    }
    server.tick(3);
    let mut events = server.open("/api/v1/stream?last_event_id=0-2000", &[]).await?.events();
    events.expect("hello").await?;
    assert_eq!(events.expect("sample").await?.id, "0-3000");
    server.stop().await
}

#[tokio::test]
async fn events_can_be_asked_for_piece_by_piece() -> io::Result<()> {
    let server = Server::start()?;
    let empty = server.get("/api/v1/samples", &[]).await?.json();
    assert_eq!(empty, serde_json::json!({"events": [], "next": null}));
    server.tick(1);
    server.gap(2, 3, GapReason::Suspended);
    server.tick(4);
    let some = server.get("/api/v1/samples?after=0-1000", &[]).await?.json();
    let expected = serde_json::json!({
        "events": [
            {"event": "gap", "data": {"from": 2000, "to": 3000, "reason": "suspended"}},
            {"event": "sample", "id": "0-4000", "data": {"t": 4000, "load": [1, null]}},
        ],
        "next": "0-4000",
    });
    assert_eq!(some, expected);
    let none = server.get("/api/v1/samples?after=0-4000", &[]).await?.json();
    assert_eq!(none, serde_json::json!({"events": [], "next": "0-4000"}));

    // Who waits is answered by the next tick, and the shutdown is not waited for.
    let (waiting, ()) = tokio::join!(server.get("/api/v1/samples?after=0-4000&wait=1m", &[]), async {
        server.tick(5);
    });
    assert_eq!(waiting?.json()["next"], "0-5000");
    let (waiting, ()) = tokio::join!(server.get("/api/v1/samples?after=0-5000&wait=1m", &[]), async {
        server.shutdown.begin();
    });
    match waiting {
        Ok(answer) => assert_eq!(answer.json()["next"], "0-5000"),
        // It may end before it has read who waits.
        Err(error) => assert!(BROKEN.contains(&error.kind()), "{error:?}"),
    }
    server.stop().await
}

#[tokio::test]
async fn heads_and_encodings() -> io::Result<()> {
    let server = Server::start()?;
    server.tick(1);
    for path in ["/", "/api/v1/host", "/api/v1/catalog", "/api/v1/stream", "/healthz"] {
        let head = open(server.address, "HEAD", path, &[]).await?;
        assert_eq!(head.status, 200, "{path}");
        assert!(head.whole().await?.body.is_empty());
    }
    until(|| server.state.subscribers.count() == 0).await?;
    for (accept, expected) in [("br, gzip", "br"), ("gzip", "gzip"), ("", "")] {
        for path in ["/", "/api/v1/catalog"] {
            let answer = server.get(path, &[("Accept-Encoding", accept)]).await?;
            assert_eq!(answer.header("content-encoding"), expected, "{path}");
            assert_eq!(answer.header("vary"), "accept-encoding", "{path}");
        }
    }
    assert_eq!(server.get("/", &[]).await?.text(), PAGE);
    server.stop().await
}
