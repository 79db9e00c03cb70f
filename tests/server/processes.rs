//! The processes: scanned once for all who look, and only while somebody does.

use crate::client::{Events, Incoming, open};
use crate::fixture::{DEADLINE, Options, Server, until, within};
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use telltale::model::{Process, ProcessTable, UnixMs};
use telltale::server::sampler::Scan;
use telltale::server::sampler::clock::Clock;

/// In how much time there is a table after a pause.
const FIRST_TABLE: Duration = Duration::from_secs(2);

/// Processes that are made up, and how often they were scanned.
#[derive(Clone, Default)]
pub(crate) struct FakeScan {
    /// All there are, or else a few that are named.
    count: u32,
    /// When it is, if not now.
    at: Option<Arc<AtomicI64>>,
    is_broken: bool,
    scans: Arc<AtomicUsize>,
    forgotten: Arc<AtomicUsize>,
}

impl Scan for FakeScan {
    fn scan(&mut self, clock: &dyn Clock) -> anyhow::Result<ProcessTable> {
        self.scans.fetch_add(1, Ordering::SeqCst);
        anyhow::ensure!(!self.is_broken, "nothing can be read");
        let named =
            [("init", Some(0.5), 10, None), ("Browser", Some(90.0), 400, Some(2)), ("backup", None, 20, Some(9))];
        let named = named.into_iter().enumerate().map(|(index, (name, cpu_percent, memory, written))| Process {
            pid: index as u32 + 1,
            name: name.into(),
            user: Some("ann".into()),
            cpu_percent,
            memory_bytes: Some(memory),
            written_bytes_per_s: written,
            arguments: self.at.is_some().then(|| "--secret".into()),
            threads: Some(1),
            started_at: Some(UnixMs(1_000)),
            ..Process::default()
        });
        let many = (4..=self.count).map(|pid| Process { pid, name: "one of many".into(), ..Process::default() });
        let processes: Vec<_> = named.chain(many).collect();
        let at = self.at.as_ref().map_or_else(|| clock.now().wall(), |at| UnixMs(at.load(Ordering::SeqCst)));
        Ok(ProcessTable { at, total: processes.len(), processes })
    }

    fn forget(&mut self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
    }
}

impl FakeScan {
    /// With arguments, and at times of the test's.
    pub(crate) fn at(at: Arc<AtomicI64>) -> Self {
        Self { at: Some(at), ..Self::default() }
    }

    fn server(&self) -> io::Result<Server> {
        Server::start_with(Options { scan: self.clone(), ..Options::default() })
    }
}

/// The table that a stream without any sample begins with.
async fn first_table(events: &mut Events) -> io::Result<Value> {
    events.expect("hello").await?;
    Ok(serde_json::from_str(&events.expect("processes").await?.data)?)
}

/// Asks again while there is no table: on a busy machine the first one takes longer than a request waits for it.
pub(crate) async fn open_with_table(address: SocketAddr, method: &str, path: &str) -> io::Result<Incoming> {
    let began = Instant::now();
    loop {
        let incoming = open(address, method, path, &[]).await?;
        if incoming.status != 503 || began.elapsed() > DEADLINE {
            return Ok(incoming);
        }
    }
}

#[tokio::test]
async fn a_stream_that_asks_is_told_soon_and_again() -> io::Result<()> {
    within(FIRST_TABLE, ask_for_tables).await
}

/// How long the first one takes.
async fn ask_for_tables() -> io::Result<Duration> {
    let server = FakeScan::default().server()?;
    let began = Instant::now();
    let mut events = server.open("/api/v1/stream?events=processes", &[]).await?.events();
    events.expect("hello").await?;
    let event = events.expect("processes").await?;
    let taken = began.elapsed();
    assert_eq!(event.id, "", "no id, so that nothing is resumed from it");
    let table: Value = serde_json::from_str(&event.data)?;
    let browser = json!({
        "pid": 2, "name": "Browser", "user": "ann", "cpu_percent": 90.0, "memory_bytes": 400,
        "read_bytes_per_s": null, "written_bytes_per_s": 2, "threads": 1, "started_at": 1000,
    });
    assert_eq!((&table["total"], &table["processes"][1]), (&json!(3), &browser));
    // Samples are not wanted, and come between the tables all the same.
    server.tick(1);
    let second: Value = serde_json::from_str(&events.expect("processes").await?.data)?;
    assert!(second["at"].as_i64() > table["at"].as_i64());
    server.stop().await?;
    Ok(taken)
}

#[tokio::test]
async fn samples_keep_their_order_and_who_does_not_ask_gets_none() -> io::Result<()> {
    let scan = FakeScan::default();
    let server = scan.server()?;
    server.tick(1);
    let mut plain = server.open("/api/v1/stream", &[]).await?.events();
    let mut both = server.open("/api/v1/stream?events=sample,processes&as=message", &[]).await?.events();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let event = both.expect("message").await?;
        let whole: Value = serde_json::from_str(&event.data)?;
        seen.push(whole["type"].as_str().unwrap_or_default().to_owned());
        assert!(whole["data"].is_object(), "{whole}");
    }
    assert_eq!(seen, ["hello", "sample", "processes"]);
    server.tick(2);
    for name in ["hello", "sample", "sample"] {
        plain.expect(name).await?;
    }
    let polled = server.get("/api/v1/samples?after=0-1000", &[]).await?.json();
    assert_eq!(polled["events"].as_array().map(Vec::len), Some(1), "{polled}");
    server.stop().await
}

#[tokio::test]
async fn one_scan_serves_all_and_none_is_made_for_nobody() -> io::Result<()> {
    let scan = FakeScan::default();
    let server = scan.server()?;
    let mut quiet = server.open("/api/v1/stream", &[]).await?.events();
    quiet.expect("hello").await?;
    assert_eq!(scan.scans.load(Ordering::SeqCst), 0, "nobody looks");

    let began = Instant::now();
    let mut all = Vec::new();
    for accept in ["", "gzip", "gzip", "", "gzip"] {
        let path = "/api/v1/stream?events=sample,processes";
        all.push(server.open(path, &[("Accept-Encoding", accept)]).await?.events());
    }
    let mut instants = Vec::new();
    for events in &mut all {
        instants.push(first_table(events).await?["at"].clone());
    }
    instants.dedup();
    // One a second, at both ends of the time that passed, and the one that rates are measured from.
    let (scans, most) = (scan.scans.load(Ordering::SeqCst), began.elapsed().as_secs() as usize + 2);
    assert!(instants.len() <= most && scans <= most + 1, "{scans} scans, of {most} tables at most: {instants:?}");

    drop(all);
    until(|| scan.forgotten.load(Ordering::SeqCst) == 1).await?;
    let scans = scan.scans.load(Ordering::SeqCst);
    server.tick(1);
    quiet.expect("sample").await?;
    assert_eq!(scan.scans.load(Ordering::SeqCst), scans, "the last one has left");
    server.stop().await
}

#[tokio::test]
async fn very_many_processes_are_counted_but_not_all_sent() -> io::Result<()> {
    let server = FakeScan { count: 2_500, ..FakeScan::default() }.server()?;
    let mut events = server.open("/api/v1/stream?events=processes", &[("Accept-Encoding", "gzip")]).await?.events();
    let table = first_table(&mut events).await?;
    assert_eq!((&table["total"], table["processes"].as_array().map(Vec::len)), (&json!(2_500), Some(1_000)));
    let names: Vec<_> = table["processes"].as_array().into_iter().flatten().map(|one| &one["name"]).take(3).collect();
    assert_eq!(names, ["init", "Browser", "backup"], "the heaviest are among them");
    let answer = server.get("/api/v1/processes?limit=1000&search=2500", &[]).await?.json();
    assert_eq!((&answer["found"], &answer["total"]), (&json!(1), &json!(2_500)), "all are searched");
    server.stop().await
}

#[tokio::test]
async fn who_asks_once_is_answered() -> io::Result<()> {
    within(FIRST_TABLE, ask_once).await
}

async fn ask_once() -> io::Result<Duration> {
    let server = FakeScan::default().server()?;
    let began = Instant::now();
    let answer = server.get("/api/v1/processes", &[]).await?;
    let taken = if answer.status == 200 { began.elapsed() } else { FIRST_TABLE };
    server.stop().await?;
    Ok(taken)
}

#[tokio::test]
async fn the_answer_is_sorted_searched_and_limited() -> io::Result<()> {
    let server = FakeScan::default().server()?;
    for (query, pids, found) in [
        ("", &[2, 1, 3][..], 3),
        ("?sort=cpu", &[2, 1, 3], 3),
        ("?sort=memory", &[2, 3, 1], 3),
        ("?sort=io&limit=1", &[3], 3),
        ("?search=B&limit=1", &[2], 2),
        ("?search=%20BACK%20", &[3], 1),
        ("?search=ann&sort=memory&limit=2", &[2, 3], 3),
        ("?search=nobody", &[], 0),
        ("?search=%3Cscript%3E", &[], 0),
        ("?search=1&unknown=2", &[1], 1),
    ] {
        let path = format!("/api/v1/processes{query}");
        let answer = open_with_table(server.address, "GET", &path).await?.whole().await?.json();
        let listed: Vec<_> =
            answer["processes"].as_array().into_iter().flatten().map(|one| one["pid"].clone()).collect();
        assert_eq!(
            (listed.as_slice(), &answer["found"]),
            (pids.iter().map(|pid| json!(pid)).collect::<Vec<_>>().as_slice(), &json!(found)),
            "{query}"
        );
        assert!(answer["at"].is_i64() && answer["total"] == 3, "{answer}");
    }
    server.stop().await
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_name() -> io::Result<()> {
    let scan = FakeScan { is_broken: true, ..FakeScan::default() };
    let server = scan.server()?;
    for (query, field) in [
        ("sort=name", "sort"),
        ("sort=", "sort"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=%2B5", "limit"),
        ("limit=", "limit"),
        ("limit=ten", "limit"),
    ] {
        let answer = server.get(&format!("/api/v1/processes?{query}"), &[]).await?;
        let problem = answer.json();
        assert_eq!((answer.status, &problem["field"]), (400, &json!(field)), "{query}");
    }
    assert_eq!(scan.scans.load(Ordering::SeqCst), 0, "nothing is scanned for what is refused");
    let answer = server.get("/api/v1/processes", &[]).await?;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.json()["code"], "no_processes_yet");
    server.stop().await
}
