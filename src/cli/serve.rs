//! `telltale serve`: the dashboard, from the configuration to the last goodbye.

use super::{Failure, load, log, say};
use crate::server::api::AppState;
use crate::server::assets::Assets;
use crate::server::config::{Config, Flags};
use crate::server::history::History;
use crate::server::hub::{HelloFacts, Hub};
use crate::server::meter::Meter;
use crate::server::pages::{self, Links, PageSettings};
use crate::server::router::router;
use crate::server::sampler::{self, Opened, Stop};
use crate::server::serve::{self, Patience};
use crate::server::shutdown::{self, Shutdown};
use crate::server::subscribers::Subscribers;
use anyhow::Context;
use leptos::config::LeptosOptions;
use std::sync::Arc;
use std::time::Duration;

pub(super) const EXAMPLE: &str = "Examples:
  telltale serve --listen 127.0.0.1:8080 --interval 2s
  telltale serve --source 'replay:day.jsonl?speed=20'
  TELLTALE_STREAM_MAX_PER_ADDRESS=8 telltale serve";

/// How long threads that still block may hold up the end.
const LAST_WORDS: Duration = Duration::from_millis(200);

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    log::start()?;
    let config = load(flags)?;
    // Refused before anything is opened or made; the machine's name is known only later.
    config.access(String::new())?;
    config.prepare_data_dir()?;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let ended = runtime.block_on(serve(config));
    runtime.shutdown_timeout(LAST_WORDS);
    ended
}

async fn serve(config: Config) -> Result<(), Failure> {
    let signals = shutdown::signals().context("signals cannot be caught")?;
    let listener = serve::listen(config.listen).map_err(|error| Failure::Refused(error.to_string()))?;
    let address = listener.local_addr().context("the listener has no address")?;
    let assets = open_assets();

    let meter = Arc::new(Meter::default());
    let Opened { host, catalog, interval, source } = sampler::open(&config.source, config.interval, Arc::clone(&meter))
        .map_err(|error| Failure::Refused(format!("source: {error:#}; choose another with --source")))?;

    let host = Arc::new(host);
    let history = Arc::new(History::new(Arc::clone(&catalog)));
    let facts = HelloFacts {
        server_version: env!("CARGO_PKG_VERSION").into(),
        page_build: assets.build().into(),
        host: Arc::clone(&host),
        interval,
    };
    let hub = Arc::new(Hub::new(facts, catalog));

    let stop = Stop::new();
    let sink = {
        let (history, hub) = (Arc::clone(&history), Arc::clone(&hub));
        move |observation| {
            history.record(&observation);
            hub.publish(&observation);
        }
    };
    sampler::spawn(source, stop.clone(), sink).context("the sampler cannot be started")?;

    let access = Arc::new(config.access(own_name())?);
    let subscribers = Arc::new(Subscribers::new(config.stream.limits.within_descriptors(), Arc::clone(&meter)));
    let state = AppState { host, history, hub: Arc::clone(&hub), subscribers, meter, access };
    let pages = pages::routes(PageSettings {
        links: links(&assets),
        build: assets.build().into(),
        interval,
        open_to_all: config.no_auth,
        watch: watched(),
    });
    let app = router(state, pages.merge(assets.routes()));

    say(&format!("listening on http://{address}"));
    let shutdown = Shutdown::new();
    let serving = serve::serve(listener, app, hub, shutdown.clone(), Patience::default());
    let stopping = async {
        signals.await;
        tracing::info!("stopping");
        stop.stop();
        shutdown.begin();
    };
    tokio::join!(serving, stopping);
    Ok(())
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
        css: own.as_ref().map(|links| links.css.clone()),
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
