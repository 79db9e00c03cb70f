//! The stream: how it opens, what it holds, and that nothing is lost or repeated over disconnects.

use crate::client::Events;
use crate::fixture::{Options, Server, catalog, until};
use eventsource_stream::Event;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::io;
use telltale::model::{Catalog, GapReason, Hello, Observation};

fn json(event: &Event) -> serde_json::Value {
    serde_json::from_str(&event.data).unwrap_or_default()
}

/// An event in short: `5` for a sample of that second, `gap 1-4 late`, otherwise its name.
fn brief(name: &str, id: Option<&str>, data: &serde_json::Value) -> String {
    let second = |value: &serde_json::Value| value.as_i64().map_or("?".to_owned(), |ms| (ms / 1_000).to_string());
    match (name, id) {
        ("sample", Some(id)) if id == format!("0-{}", data["t"]) => second(&data["t"]),
        ("gap", None) => {
            let reason = data["reason"].as_str().unwrap_or_default();
            format!("gap {}-{} {reason}", second(&data["from"]), second(&data["to"]))
        }
        (_, None) => name.to_owned(),
        (_, Some(id)) => format!("{name} with id {id}"),
    }
}

/// Events up to and with the sample of second `last`.
async fn read_to(events: &mut Events, last: i64) -> io::Result<Vec<String>> {
    let mut read = Vec::new();
    let mut seen_id = String::new();
    while read.last() != Some(&last.to_string()) {
        let Some(event) = events.next().await? else { return Ok(read) };
        // The parser repeats the last id, as the standard wants; only a new one was sent with this event.
        let id = Some(event.id.as_str()).filter(|id| *id != seen_id);
        read.push(brief(&event.event, id, &json(&event)));
        seen_id.clone_from(&event.id);
    }
    Ok(read)
}

#[tokio::test]
async fn it_opens_with_a_greeting_and_the_newest_sample() -> io::Result<()> {
    let server = Server::start_with(Options { host_name: "tower".into(), ..Options::default() })?;
    server.tick(1);
    server.tick(2);
    let incoming = server.open("/api/v1/stream?client=me", &[]).await?;
    assert_eq!(incoming.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache, no-transform"),
        ("x-accel-buffering", "no"),
        ("content-encoding", ""),
    ] {
        assert_eq!(incoming.header(name), value, "{name}");
    }
    let mut events = incoming.events();
    let hello = events.expect("hello").await?;
    assert!(hello.retry.is_some_and(|retry| (1_000..=3_000).contains(&retry.as_millis())), "{:?}", hello.retry);
    let hello: Hello = serde_json::from_str(&hello.data)?;
    assert_eq!((&*hello.client, &*hello.host.name, hello.interval_ms.ms()), ("me", "tower", 1_000));
    assert_eq!(hello.catalog, catalog("load", "Load"));
    let sample = events.expect("sample").await?;
    assert_eq!((sample.id.as_str(), sample.data.as_str()), ("0-2000", r#"{"t":2000,"load":[0.5,null]}"#));
    server.observe(&Observation::Catalog(catalog("tasks", "Tasks")));
    server.tick(3);
    let changed: Catalog = serde_json::from_str(&events.expect("catalog").await?.data)?;
    assert_eq!(changed, *catalog("tasks", "Tasks"));
    events.expect("sample").await?;
    server.stop().await
}

#[tokio::test]
async fn a_client_with_only_onmessage_gets_the_same() -> io::Result<()> {
    let server = Server::start()?;
    server.tick(1);
    let mut events = server.open("/api/v1/stream?as=message&last_event_id=nonsense", &[]).await?.events();
    for (kind, id) in [("hello", ""), ("gap", ""), ("sample", "0-1000")] {
        let event = events.expect("message").await?;
        assert_eq!((json(&event)["type"].as_str(), event.id.as_str()), (Some(kind), id));
        assert!(json(&event)["data"].is_object(), "{}", event.data);
    }
    server.shutdown.begin();
    let bye = events.expect("message").await?;
    assert_eq!((json(&bye)["type"].as_str(), bye.retry.is_some()), (Some("bye"), true));
    assert!(events.next().await?.is_none());
    server.stop().await
}

#[tokio::test]
async fn who_wants_no_samples_gets_none() -> io::Result<()> {
    let server = Server::start()?;
    server.tick(1);
    let mut events = server.open("/api/v1/stream?events=notification,processes&last_event_id=x", &[]).await?.events();
    events.expect("hello").await?;
    server.observe(&Observation::Catalog(catalog("tasks", "Tasks")));
    server.gap(2, 4, GapReason::Late);
    server.tick(5);
    server.shutdown.begin();
    // A table of processes may come before.
    loop {
        let event = events.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if event.event == "bye" {
            break;
        }
        assert!(!["catalog", "gap", "sample"].contains(&&*event.event), "{event:?}");
    }
    assert!(events.next().await?.is_none());
    server.stop().await
}

#[tokio::test]
async fn ids_that_are_not_ours_are_no_error() -> io::Result<()> {
    let server = Server::start()?;
    for second in 1..=3 {
        server.tick(second);
    }
    for (query, header, expected) in [
        ("", "", &["hello", "3"][..]),
        ("last_event_id=0-1000", "", &["hello", "2", "3"]),
        ("last_event_id=0-1000", "0-2000", &["hello", "3"]),
        ("last_event_id=", "", &["hello", "3"]),
        ("", "0-0", &["hello", "1", "2", "3"]),
        ("", "0--5", &["hello", "gap ?-? unknown", "3"]),
        ("", "42", &["hello", "gap ?-? unknown", "3"]),
        ("last_event_id=%00%ff%0a", "", &["hello", "gap ?-? unknown", "3"]),
        ("", "99-1000", &["hello", "gap ?-? unknown", "3"]),
        ("", "\u{e9}", &["hello", "gap ?-? unknown", "3"]),
    ] {
        let headers: &[_] = if header.is_empty() { &[] } else { &[("Last-Event-ID", header)] };
        let mut events = server.open(&format!("/api/v1/stream?{query}"), headers).await?.events();
        assert_eq!(read_to(&mut events, 3).await?, expected, "{query} {header}");
    }
    server.stop().await
}

#[tokio::test]
async fn a_restart_is_told_as_a_gap() -> io::Result<()> {
    let before = Server::start()?;
    before.tick(100);
    before.stop().await?;
    let server = Server::start()?;
    let header = [("Last-Event-ID", "0-100000")];
    let mut early = server.open("/api/v1/stream", &header).await?.events();
    early.expect("hello").await?;
    server.tick(107);
    server.tick(108);
    assert_eq!(read_to(&mut early, 108).await?, ["gap 101-106 not_running", "107", "108"]);
    let mut late = server.open("/api/v1/stream", &header).await?.events();
    assert_eq!(read_to(&mut late, 108).await?, ["hello", "gap 101-106 not_running", "107", "108"]);
    for second in 109..=800 {
        server.tick(second);
    }
    let mut later = server.open("/api/v1/stream", &header).await?.events();
    // No longer in the ring, which holds ten minutes.
    let all = (107..=800).map(|second| second.to_string());
    let told: Vec<_> = ["hello", "gap 101-106 expired"].map(String::from).into_iter().chain(all).collect();
    assert_eq!(read_to(&mut later, 800).await?, told);
    server.stop().await
}

/// One client comes and goes, by every way there is, while ticks and gaps are published; what it was sent
/// in all must be everything, once, in order.
#[tokio::test]
async fn disconnects_lose_and_repeat_nothing() -> io::Result<()> {
    const LAST: i64 = 400;
    let mut random = 0x9e37_79b9_u32;
    let mut below = move |limit: u32| {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random % limit
    };
    let server = Server::start()?;
    let (mut second, mut expected, mut read, mut last_id) = (0, Vec::new(), Vec::<String>::new(), String::new());
    while read.last() != Some(&LAST.to_string()) {
        for _ in 0..below(4) {
            if second < LAST {
                let missing = if below(8) == 0 { i64::from(below(3)) + 1 } else { 0 };
                if missing > 0 && second > 0 && second + missing < LAST {
                    server.gap(second + 1, second + missing, GapReason::Late);
                    expected.push(format!("gap {}-{} late", second + 1, second + missing));
                    second += missing;
                }
                second += 1;
                server.tick(second);
                expected.push(second.to_string());
            }
        }
        if second == 0 {
            continue;
        }
        let after = if last_id.is_empty() { "0-0" } else { &last_id };
        let newest = second.to_string();
        let wanted = below(4) as usize;
        if below(4) == 0 {
            let answer = server.get(&format!("/api/v1/samples?after={after}"), &[]).await?.json();
            for event in answer["events"].as_array().into_iter().flatten() {
                let name = event["event"].as_str().unwrap_or_default();
                if name != "catalog" {
                    read.push(brief(name, event["id"].as_str(), &event["data"]));
                }
            }
            last_id = answer["next"].as_str().unwrap_or_default().to_owned();
            continue;
        }
        let query = format!("/api/v1/stream?last_event_id={after}");
        let accept = ("Accept-Encoding", "gzip");
        let mut events = match below(3) {
            0 => server.open(&query, &[]).await?.events(),
            1 => server.open(&query, &[accept]).await?.events(),
            _ => server.open("/api/v1/stream", &[accept, ("Last-Event-ID", after)]).await?.events(),
        };
        events.expect("hello").await?;
        // Each try reads a few events and then hangs up in the middle of whatever is under way. A gap
        // has no id of its own: who hangs up right after one is told of it again.
        let mut samples = 0;
        let mut told = Vec::new();
        while samples < wanted && read.last() != Some(&newest) {
            let Some(event) = events.next().await? else { break };
            told.push(brief(&event.event, Some(event.id.as_str()).filter(|_| event.event == "sample"), &json(&event)));
            if event.event == "sample" {
                last_id.clone_from(&event.id);
                read.append(&mut told);
                samples += 1;
            }
        }
    }
    assert_eq!(read, expected);
    until(|| server.state.subscribers.count() == 0).await?;
    server.stop().await
}

/// What a parser that is not ours reads is what was said, however hostile the names.
#[test]
fn hostile_text_arrives_as_it_was() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let hostile = proptest::collection::vec(
        prop_oneof![
            any::<char>().prop_map(String::from),
            proptest::sample::select(vec![
                "\n",
                "\r",
                "\r\n",
                "\n\n",
                "\0",
                "\u{85}",
                "\u{2028}",
                "\u{2029}",
                "\u{feff}",
                ":",
                "data: ",
                "event: x",
                "id: 9",
                "retry: 1",
                "\"",
                "\\",
                "</script>",
                "{",
                "}",
            ])
            .prop_map(String::from),
        ],
        0..40,
    )
    .prop_map(|parts| parts.concat());
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    runner
        .run(&(hostile, any::<bool>()), |(text, is_message)| {
            let outcome = runtime.block_on(async {
                let server = Server::start_with(Options { host_name: text.clone(), ..Options::default() })?;
                let naming = if is_message { "?as=message" } else { "" };
                let mut events = server.open(&format!("/api/v1/stream{naming}"), &[]).await?.events();
                let hello = events.next().await?;
                server.observe(&Observation::Catalog(catalog("load", &text)));
                server.tick(7);
                let (catalog, sample) = (events.next().await?, events.next().await?);
                let data = [hello, catalog, sample].map(|event| {
                    let event = event.unwrap_or_default();
                    let whole = json(&event);
                    let data = if is_message { whole["data"].clone() } else { whole };
                    (event.event, event.id, data)
                });
                server.stop().await?;
                Ok::<_, io::Error>(data)
            });
            let [hello, catalog, sample] = outcome.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let name = |name: &'static str| if is_message { "message" } else { name };
            prop_assert_eq!((&*hello.0, hello.2["host"]["name"].as_str()), (name("hello"), Some(&*text)));
            prop_assert_eq!((&*catalog.0, catalog.2[0]["title"].as_str()), (name("catalog"), Some(&*text)));
            prop_assert_eq!(
                (&*sample.0, sample.1, sample.2["t"].as_i64()),
                (name("sample"), "0-7000".to_owned(), Some(7_000))
            );
            Ok(())
        })
        .map_err(|error| io::Error::other(error.to_string()))
}

#[tokio::test]
async fn gzip_is_sent_when_it_is_wanted() -> io::Result<()> {
    let server = Server::start()?;
    for second in 1..=50 {
        server.tick(second);
    }
    for (query, accept, is_gzip) in [
        ("", "gzip, deflate, br", true),
        ("", "", false),
        ("", "br", false),
        ("", "gzip;q=0", false),
        ("&z=0", "gzip", false),
        ("&z=1", "gzip", true),
    ] {
        let path = format!("/api/v1/stream?last_event_id=0-1000{query}");
        let incoming = server.open(&path, &[("Accept-Encoding", accept)]).await?;
        assert_eq!(incoming.header("content-encoding") == "gzip", is_gzip, "{query} {accept}");
        assert_eq!(incoming.header("vary").to_ascii_lowercase(), "accept-encoding");
        let read = read_to(&mut incoming.events(), 50).await?;
        assert_eq!(read.len(), 50, "{query} {accept}");
    }
    server.stop().await
}

#[tokio::test]
async fn a_gzip_stream_that_ended_is_a_whole_file() -> io::Result<()> {
    use std::io::Read;
    let server = Server::start()?;
    for second in 1..=50 {
        server.tick(second);
    }
    let mut plain = server.open("/api/v1/stream?last_event_id=0-1000&client=me", &[]).await?;
    let mut packed =
        server.open("/api/v1/stream?last_event_id=0-1000&client=me", &[("Accept-Encoding", "gzip")]).await?;
    // Wait for the first bytes of each: a stream that was never begun is told goodbye only.
    let mut bytes = [Vec::new(), Vec::new()];
    for (incoming, bytes) in [&mut plain, &mut packed].into_iter().zip(&mut bytes) {
        bytes.extend(incoming.chunk().await?.into_iter().flatten());
    }
    server.shutdown.begin();
    for (incoming, bytes) in [&mut plain, &mut packed].into_iter().zip(&mut bytes) {
        while let Some(chunk) = incoming.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
    }
    let [plain, packed] = bytes;
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text)?;
    // Jitter aside, both say the same.
    let steady = |text: &str| text.lines().filter(|line| !line.contains("retry")).collect::<Vec<_>>().join("\n");
    assert_eq!(steady(&text), steady(&String::from_utf8_lossy(&plain)));
    assert_eq!(text.matches("\nevent: sample\n").count(), 49);
    server.stop().await
}

#[tokio::test]
async fn a_message_reaches_all_or_whom_it_is_for_also_later() -> io::Result<()> {
    let server = Server::start()?;
    let hub = &server.state.hub;
    let say = |to: Option<&str>, text: &'static str| {
        hub.notify(to.map(Into::into), serde_json::json!({ "title": text })).map(|id| id.to_string())
    };
    assert_eq!(say(None, "before all"), None, "there is nothing yet that it could stand behind");
    server.tick(1);
    let mut wall = server.open("/api/v1/stream?client=wall", &[]).await?.events();
    let mut desk =
        server.open("/api/v1/stream?client=desk&events=notification", &[("Accept-Encoding", "gzip")]).await?.events();
    wall.expect("hello").await?;
    assert_eq!(read_to(&mut wall, 1).await?, ["1"]);
    desk.expect("hello").await?;
    assert_eq!(say(Some("wall"), "for the wall").as_deref(), Some("0-1000.2"));
    assert_eq!(say(None, "for all").as_deref(), Some("0-1000.3"));
    server.tick(2);
    let titles = async |events: &mut Events, count: usize| -> io::Result<Vec<(String, String)>> {
        let mut titles = Vec::new();
        while titles.len() < count {
            let event = events.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if event.event == "notification" {
                titles.push((event.id.clone(), json(&event)["title"].as_str().unwrap_or_default().to_owned()));
            }
        }
        Ok(titles)
    };
    let at = |n: u32, title: &str| (format!("0-1000.{n}"), title.to_owned());
    let [first, own, all] = [at(1, "before all"), at(2, "for the wall"), at(3, "for all")];
    assert_eq!(titles(&mut wall, 3).await?, [first.clone(), own.clone(), all.clone()]);
    assert_eq!(titles(&mut desk, 2).await?, [first, all.clone()]);
    // It waits for who is away, as long as the place they come back to can be reached.
    let later = "/api/v1/stream?last_event_id=0-1000.1&client=";
    let mut wall = server.open(&format!("{later}wall"), &[]).await?.events();
    assert_eq!(titles(&mut wall, 2).await?, [own.clone(), all.clone()]);
    let mut desk = server.open(&format!("{later}desk"), &[]).await?.events();
    assert_eq!(titles(&mut desk, 1).await?, std::slice::from_ref(&all));
    let answer = server.get("/api/v1/samples?after=0-1000.1&client=wall", &[]).await?.json();
    let ids: Vec<_> = answer["events"].as_array().into_iter().flatten().map(|event| event["id"].clone()).collect();
    assert_eq!(ids, ["0-1000.2", "0-1000.3", "0-2000"]);
    assert_eq!(answer["next"], "0-2000");
    server.stop().await
}
