//! A whole server on port 0 whose samples a test makes itself.

use crate::client::{Answer, Incoming, open};
use crate::processes::FakeScan;
use axum::Router;
use axum::routing::get;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use telltale::model::sample::FamilyValues;
use telltale::model::{
    Catalog, EventId, Family, Gap, GapReason, HostFacts, Interval, Observation, ProcessTable, Sample, Unit, UnixMs,
};
use telltale::server::api::AppState;
use telltale::server::auth::Access;
use telltale::server::base_path::BasePath;
use telltale::server::forensics::Forensics;
use telltale::server::history::{History, KEPT, Opened, StoreSettings};
use telltale::server::hub::{HelloFacts, Hub};
use telltale::server::meter::Meter;
use telltale::server::processes::Processes;
use telltale::server::router::router;
use telltale::server::sampler::{self, Stop};
use telltale::server::serve::{Patience, Served, listen, serve};
use telltale::server::shutdown::Shutdown;
use telltale::server::sse::{Reactors, Terms};
use telltale::server::subscribers::{Limits, Room, Subscribers};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub(crate) const PAGE: &str = "<!doctype html><title>a page</title><p>that is long enough to be worth compressing</p>";
/// Nothing here takes so long unless it never comes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) state: AppState,
    pub(crate) shutdown: Shutdown,
    /// Whether streams are sent by threads, not as the bodies of answers.
    pub(crate) has_reactors: bool,
    forensics: Arc<Forensics>,
    task: JoinHandle<()>,
    _scanning: Scanning,
}

/// Ends the thread that scans when the test lets the server go.
struct Scanning(Stop);

pub(crate) struct Options {
    pub(crate) store: StoreSettings,
    pub(crate) limits: Limits,
    pub(crate) access: Access,
    pub(crate) base_path: BasePath,
    pub(crate) patience: Patience,
    pub(crate) terms: Terms,
    pub(crate) reactors: usize,
    pub(crate) room: Room,
    pub(crate) host_name: String,
    /// What is scanned while somebody looks.
    pub(crate) scan: FakeScan,
    pub(crate) catalog: Arc<Catalog>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            store: StoreSettings::in_memory(),
            limits: Limits::default(),
            access: Access::default(),
            base_path: BasePath::default(),
            // On a busy machine what is under way takes longer to end than is waited for by default.
            patience: Patience { stop: DEADLINE, ..Patience::default() },
            terms: Terms::default(),
            reactors: Reactors::usual_number(),
            room: Room { all: usize::MAX, per_address: usize::MAX },
            host_name: String::new(),
            scan: FakeScan::default(),
            catalog: catalog("load", "Load"),
        }
    }
}

impl Server {
    pub(crate) fn start() -> io::Result<Self> {
        Self::start_with(Options::default())
    }

    pub(crate) fn start_with(options: Options) -> io::Result<Self> {
        let host = Arc::new(HostFacts { name: options.host_name, ..HostFacts::default() });
        let facts = HelloFacts {
            server_version: "0.0.0-test".into(),
            page_build: "build".into(),
            host: Arc::clone(&host),
            interval: Interval::SECOND,
        };
        let meter = Arc::new(Meter::default());
        let store = Opened::open(&options.store, KEPT).map_err(io::Error::other)?;
        let catalog = options.catalog;
        let history = Arc::new(History::start(store, Arc::clone(&catalog), Arc::clone(&meter))?);
        let forensics = Arc::new(Forensics::new(Arc::clone(meter.lookers())));
        forensics.learn(&Observation::Catalog(Arc::clone(&catalog)));
        let hub = Arc::new(Hub::new(facts, catalog).reaching_back(Arc::clone(&history)));
        let access = Arc::new(options.access);
        let reactors = Reactors::start(options.reactors, &hub, &meter, options.terms)?;
        let state = AppState {
            host,
            history,
            hub: Arc::clone(&hub),
            processes: Arc::new(Processes::new(Arc::clone(meter.lookers()), Interval::SECOND)),
            subscribers: Arc::new(Subscribers::new(options.limits, Arc::clone(&meter))),
            meter: Arc::clone(&meter),
            access: Arc::clone(&access),
            terms: options.terms,
        };
        let scanning = Scanning::start(options.scan, &state, Arc::clone(&forensics))?;
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).map_err(io::Error::other)?;
        let address = listener.local_addr()?;
        let pages = Router::new().route("/", get(async || axum::response::Html(PAGE)));
        let app = router(state.clone(), pages, &options.base_path);
        let shutdown = Shutdown::new();
        let served = Served { app, hub, reactors, room: options.room, access, meter, patience: options.patience };
        let task = tokio::spawn(serve(listener, served, shutdown.clone()));
        let has_reactors = options.reactors > 0;
        Ok(Self { has_reactors, address, state, shutdown, forensics, task, _scanning: scanning })
    }

    pub(crate) fn observe(&self, observation: &Observation) {
        self.forensics.observe(observation);
        self.state.history.record(observation);
        self.state.hub.publish(observation);
    }

    /// The sample of this second since the epoch.
    pub(crate) fn tick(&self, second: i64) {
        let t = UnixMs(second * 1_000);
        let families = vec![FamilyValues { family: "load".into(), values: vec![Some(second as f64 / 4.0), None] }];
        self.observe(&Observation::Sample {
            id: EventId { era: 0, t, n: 0 },
            sample: Arc::new(Sample { t, families }),
        });
    }

    pub(crate) fn gap(&self, from: i64, to: i64, reason: GapReason) {
        let [from, to] = [from, to].map(|second| Some(UnixMs(second * 1_000)));
        self.observe(&Observation::Gap(Gap { from, to, reason }));
    }

    pub(crate) async fn open(&self, path: &str, headers: &[(&str, &str)]) -> io::Result<Incoming> {
        open(self.address, "GET", path, headers).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        self.open(path, headers).await?.whole().await
    }

    /// Says stop and waits until everything has ended.
    pub(crate) async fn stop(self) -> io::Result<()> {
        self.shutdown.begin();
        timeout(DEADLINE, self.task).await?.map_err(io::Error::other)?;
        // As `serve` does: whoever still holds the history does not keep its directory.
        self.state.history.close();
        Ok(())
    }
}

impl Scanning {
    fn start(scan: FakeScan, state: &AppState, forensics: Arc<Forensics>) -> io::Result<Self> {
        let (stop, lookers) = (Stop::new(), Arc::clone(state.meter.lookers()));
        let state = state.clone();
        let sink = move |table: Option<Arc<ProcessTable>>| {
            let kept = table.as_ref().map(|table| forensics.weigh(table));
            kept.into_iter().flatten().for_each(|culprits| state.history.keep(culprits));
            state.processes.publish(table.clone());
            state.hub.publish_processes(table);
        };
        sampler::processes::spawn(Box::new(scan), Interval::SECOND, lookers, stop.clone(), sink)?;
        Ok(Self(stop))
    }
}

impl Drop for Scanning {
    fn drop(&mut self) {
        self.0.stop();
    }
}

pub(crate) fn catalog(id: &str, title: &str) -> Arc<Catalog> {
    let dimensions = [("load1", title), ("load5", "5 min")];
    Arc::new(Catalog(vec![Family::new(id, title, Unit::Count, Interval::SECOND, &dimensions)]))
}

/// Holds something to the time it was promised to take, best of three: a busy machine takes time for itself.
pub(crate) async fn within(limit: Duration, attempt: impl AsyncFn() -> io::Result<Duration>) -> io::Result<()> {
    let mut attempts = Vec::new();
    while attempts.len() < 3 {
        let taken = attempt().await?;
        if taken < limit {
            return Ok(());
        }
        attempts.push(taken);
    }
    Err(io::Error::other(format!("{limit:?} were promised, it took {attempts:?}")))
}

/// Says that a test was left out, past its own capture of what is printed: that must be seen. A container's root may be
/// refused what it needs as well.
pub(crate) fn skip(reason: impl Display) -> io::Result<()> {
    writeln!(io::stderr(), "skipped: {reason}")
}

/// Waits until something is so, and fails if it never is.
pub(crate) async fn until(is_so: impl Fn() -> bool) -> io::Result<()> {
    let poll = async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    Ok(timeout(DEADLINE, poll).await?)
}
