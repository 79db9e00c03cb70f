//! Telltale as the server under load: put together from the library, as `telltale serve` does it, with a source of ours.

use crate::Result;
use crate::feed::{Pace, Source};
use axum::Router;
use std::io::BufRead;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use telltale::model::{EventId, HostFacts, Interval, Observation, UnixMs};
use telltale::server::api::AppState;
use telltale::server::auth::Access;
use telltale::server::base_path::BasePath;
use telltale::server::history::{History, KEPT, Opened, StoreSettings};
use telltale::server::hub::{HelloFacts, Hub};
use telltale::server::meter::Meter;
use telltale::server::processes::Processes;
use telltale::server::router::router;
use telltale::server::serve::{Patience, Served, listen, runtime, serve};
use telltale::server::shutdown::{Shutdown, signals};
use telltale::server::sse::{Reactors, Terms};
use telltale::server::subscribers::{Limits, Subscribers};

const LIMITS: Limits = Limits { max_connections: 20_000, max_per_address: 20_000 };

/// Serves until SIGTERM, and publishes as each line of the standard input says.
pub(crate) fn run(source: Source) -> Result {
    let runtime = runtime()?;
    runtime.block_on(runtime.spawn(async { run_there(source).await.map_err(|error| error.to_string()) }))??;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the first line says where it listens")]
async fn run_there(source: Source) -> Result {
    let signals = signals()?;
    let host = Arc::new(HostFacts::default());
    let facts = HelloFacts {
        server_version: env!("CARGO_PKG_VERSION").into(),
        page_build: "bench".into(),
        host: Arc::clone(&host),
        interval: Interval::SECOND,
    };
    let meter = Arc::new(Meter::default());
    let store = Opened::open(&StoreSettings::in_memory(), KEPT)?;
    let history = Arc::new(History::start(store, Arc::clone(&source.catalog), Arc::clone(&meter))?);
    let hub = Arc::new(Hub::new(facts, Arc::clone(&source.catalog)).reaching_back(Arc::clone(&history)));
    let (limits, room) = LIMITS.within_descriptors();
    let (access, terms) = (Arc::new(Access::default()), Terms::default());
    let reactors = Reactors::start(Reactors::usual_number(), &hub, &meter, terms)?;
    let state = AppState {
        host,
        history,
        hub: Arc::clone(&hub),
        processes: Arc::new(Processes::new(Arc::clone(meter.lookers()), Interval::SECOND)),
        subscribers: Arc::new(Subscribers::new(limits, Arc::clone(&meter))),
        meter: Arc::clone(&meter),
        access: Arc::clone(&access),
        terms,
    };
    let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let port = listener.local_addr()?.port();
    let app = router(state.clone(), Router::new(), &BasePath::default());
    let shutdown = Shutdown::new();
    let served = Served { app, hub: Arc::clone(&hub), reactors, room, access, meter, patience: Patience::default() };
    let serving = serve(listener, served, shutdown.clone());
    thread::spawn(move || publish(&source, &hub));
    println!("listening {port}");
    tokio::join!(serving, async {
        signals.await;
        shutdown.begin();
    });
    state.history.close();
    Ok(())
}

/// As the sampler does, from a thread of its own; it goes with the process.
fn publish(source: &Source, hub: &Hub) {
    let mut t = UnixMs(1_795_233_600_000);
    for line in std::io::stdin().lock().lines().map_while(std::io::Result::ok) {
        let Some(pace) = Pace::read(&line) else { continue };
        let kept = pace.keep(|number| {
            t = t + Interval::SECOND;
            let sample = Arc::new(source.sample(number, t));
            hub.publish(&Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample });
            Ok(())
        });
        if let Err(error) = kept {
            eprintln!("publishing ended: {error}");
        }
    }
}
