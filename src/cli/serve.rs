//! `telltale serve`: the dashboard, from the configuration to the last goodbye.

use super::{Failure, load, log, say};
use crate::model::{Interval, Observation, ProcessTable};
use crate::server::api::AppState;
use crate::server::assets::Assets;
use crate::server::config::{Config, Flags};
use crate::server::forensics::Forensics;
use crate::server::history::{self, History, KEPT};
use crate::server::hub::{HelloFacts, Hub};
use crate::server::meter::Meter;
use crate::server::pages::{self, Links, PageSettings, Style};
use crate::server::processes::Processes;
use crate::server::router::router;
use crate::server::sampler::{self, Opened, Stop};
use crate::server::serve::{self, Patience, Served};
use crate::server::shutdown::{self, Shutdown};
use crate::server::sse::{Reactors, Terms};
use crate::server::subscribers::Subscribers;
use anyhow::Context;
use leptos::config::LeptosOptions;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

pub(super) const EXAMPLE: &str = "Examples:
  telltale serve --listen 127.0.0.1:8080 --interval 2s
  telltale serve --source 'replay:day.jsonl?speed=20'
  TELLTALE_STREAM_MAX_PER_ADDRESS=8 telltale serve";

/// How long threads that still block may hold up the end.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How long the last samples may take to be stored.
const LAST_WRITES: Duration = Duration::from_millis(700);

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    log::start()?;
    let config = load(flags)?;
    // Refused before anything is opened or made; the machine's name is known only later.
    config.access(String::new())?;

    let runtime = serve::runtime().context("the runtime cannot be started")?;
    // What accepts connections is one of the tasks, so that it needs to wake nobody for them.
    let ended = runtime.block_on(runtime.spawn(serve(config))).context("the server failed")?;
    runtime.shutdown_timeout(LAST_WORDS);
    ended
}

async fn serve(config: Config) -> Result<(), Failure> {
    let signals = shutdown::signals().context("signals cannot be caught")?;
    let listener = serve::listen(config.listen).map_err(|error| Failure::Refused(error.to_string()))?;
    let address = listener.local_addr().context("the listener has no address")?;

    let meter = Arc::new(Meter::default());
    let owner = format!("process {} on http://{address}", std::process::id());
    let store = history::Opened::open(&config.store(owner)?, KEPT).map_err(|error| super::no_store(&error))?;
    meter.set_storing(store.is_on_disk());
    let Opened { host, catalog, interval, mut source, processes: scan } =
        sampler::open(&config.sampling(), Arc::clone(&meter)).map_err(super::no_source)?;
    let recent = store.recent.clone();
    if let Some(last) = recent.last {
        source.resume(last);
    }
    let assets = open_assets();

    let host = Arc::new(host);
    let history =
        History::start(store, Arc::clone(&catalog), Arc::clone(&meter)).context("the history cannot be kept")?;
    let history = Arc::new(history);
    let facts = HelloFacts {
        server_version: env!("CARGO_PKG_VERSION").into(),
        page_build: assets.build().into(),
        host: Arc::clone(&host),
        interval,
    };
    let forensics = Arc::new(Forensics::new(Arc::clone(meter.lookers())));
    // What was usual a moment ago is so still.
    recent.catalog.iter().for_each(|then| forensics.learn(&Observation::Catalog(Arc::clone(then))));
    recent.observations.iter().for_each(|observation| forensics.learn(observation));
    forensics.learn(&Observation::Catalog(Arc::clone(&catalog)));
    let hub = Arc::new(Hub::new(facts, catalog).reaching_back(Arc::clone(&history)));
    hub.recall(recent.catalog, &recent.observations);

    let stop = Stop::new();
    let (alive, sampler_ended) = oneshot::channel::<()>();
    let sink = {
        let (forensics, history, hub) = (Arc::clone(&forensics), Arc::clone(&history), Arc::clone(&hub));
        // Dropped with the sampler's thread, however that ends.
        let alive = alive;
        move |observation| {
            let _alive = &alive;
            forensics.observe(&observation);
            history.record(&observation);
            hub.publish(&observation);
        }
    };
    let sampling = sampler::spawn(source, stop.clone(), sink).context("the sampler cannot be started")?;
    let lookers = Arc::clone(meter.lookers());
    // However seldom samples are taken: who looks at processes wants to see them move.
    let period = Interval::SECOND;
    let processes = Arc::new(Processes::new(Arc::clone(&lookers), period));
    let sink = {
        let (processes, history, hub) = (Arc::clone(&processes), Arc::clone(&history), Arc::clone(&hub));
        move |table: Option<Arc<ProcessTable>>| {
            let kept = table.as_ref().map(|table| forensics.weigh(table));
            kept.into_iter().flatten().for_each(|culprits| history.keep(culprits));
            processes.publish(table.clone());
            hub.publish_processes(table);
        }
    };
    let scanning = sampler::processes::spawn(scan, period, lookers, stop.clone(), sink)
        .context("the processes cannot be scanned")?;

    let access = Arc::new(config.access(own_name())?);
    let (limits, room) = config.stream.limits.within_descriptors();
    let subscribers = Arc::new(Subscribers::new(limits, Arc::clone(&meter)));
    let terms = Terms::default();
    let reactors = Reactors::start(config.stream.reactors, &hub, &meter, terms)
        .context("the streams' threads cannot be started")?;
    let state = AppState {
        host,
        history: Arc::clone(&history),
        hub: Arc::clone(&hub),
        processes,
        subscribers,
        meter: Arc::clone(&meter),
        access: Arc::clone(&access),
        terms,
    };
    let pages = pages::routes(PageSettings {
        links: links(&assets),
        build: assets.build().into(),
        interval,
        open_to_all: config.no_auth,
        watch: watched(),
    });
    let app = router(state, pages.merge(assets.routes()), &config.base_path);

    say(&format!("listening on http://{address}"));
    if !config.base_path.is_root() {
        say(&format!("the page is at http://{address}{}", config.base_path));
    }
    let shutdown = Shutdown::new();
    let served = Served { app, hub, reactors, room, access, meter, patience: Patience::default() };
    let serving = serve::serve(listener, served, shutdown.clone());
    let stopping = async {
        let is_asked = tokio::select! {
            () = signals => true,
            _ = sampler_ended => false,
        };
        tracing::info!("stopping");
        stop.stop();
        shutdown.begin();
        is_asked
    };
    let ((), is_asked) = tokio::join!(serving, stopping);
    let joined = tokio::time::timeout(LAST_WORDS, tokio::task::spawn_blocking(|| join(sampling, scanning))).await;
    let written = tokio::time::timeout(LAST_WRITES, tokio::task::spawn_blocking(move || history.close())).await;
    if written.is_err() {
        tracing::warn!("the disk is too slow: the last samples may not be stored");
    }
    match joined {
        Ok(Ok(Ok(()))) if is_asked => Ok(()),
        // What hangs in the kernel may hold its thread; the process ends all the same.
        Err(_) if is_asked => Ok(()),
        _ => Err(Failure::Broken(anyhow::anyhow!("the sampler ended before its time"))),
    }
}

/// Both threads at their end.
fn join(sampling: JoinHandle<()>, scanning: JoinHandle<()>) -> std::thread::Result<()> {
    sampling.join().and(scanning.join())
}

fn open_assets() -> Assets {
    let assets = Assets::open(|name| std::env::var_os(name));
    if assets.links().is_none() {
        tracing::warn!("built without the page's script: pages do not move; `./dev build` makes a whole binary");
    }
    assets
}

fn links(assets: &Assets) -> Links {
    let own = assets.links();
    Links {
        css: match assets.style() {
            Some(text) => Some(Style::inside(text)),
            None => own.as_ref().map(|links| Style::Beside(links.css.clone())),
        },
        js: own.as_ref().map(|links| links.js.clone()),
        wasm: own.map(|links| links.wasm),
    }
}

/// What `cargo leptos watch` says of itself, for pages to reload when the code changes.
fn watched() -> Option<LeptosOptions> {
    std::env::var_os("LEPTOS_WATCH")?;
    leptos::config::get_configuration(None).ok().map(|configuration| configuration.leptos_options)
}

/// The machine's name as others would ask for it.
fn own_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
