//! The pages, rendered with what they show: numbers and charts stand in the first HTML.

use super::api::AppState;
use crate::chart::{Scene, Window};
use crate::client::controls::ControlState;
use crate::client::page::{PageState, THEME_COOKIE, Theme, ZONE_COOKIE, Zone};
use crate::model::{Interval, UnixMs};
use crate::server::history::Snapshot;
pub use crate::ui::shell::Links;
use crate::ui::shell::Shell;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use leptos::config::LeptosOptions;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use std::sync::Arc;

/// What all pages are rendered with.
#[derive(Clone, Debug)]
pub struct PageSettings {
    pub links: Links,
    /// The build of the page that the links lead to.
    pub build: Arc<str>,
    pub interval: Interval,
    /// Whether anybody who reaches the port may look.
    pub open_to_all: bool,
    /// Present under `cargo leptos watch`: pages reload themselves when the code changes.
    pub watch: Option<LeptosOptions>,
}

/// The routes of the pages.
pub fn routes(settings: PageSettings) -> Router<AppState> {
    // Fails only where it was done before.
    _ = any_spawner::Executor::init_tokio();
    let settings = Arc::new(settings);
    Router::new().route(
        "/",
        get(async move |State(state): State<AppState>, request: Request| {
            overview(state, settings.clone(), request).await
        }),
    )
}

async fn overview(state: AppState, settings: Arc<PageSettings>, request: Request) -> Response {
    let now = UnixMs(Timestamp::now().as_millisecond());
    let snapshot = state.history.snapshot();
    let page = Arc::new(page_state(&settings, &snapshot, &request));
    let end = snapshot.history.newest_tick();
    let scene = Arc::new(Scene {
        catalog: snapshot.catalog,
        history: snapshot.history,
        end,
        window: page.window,
        offset_minutes: page.zone.offset_minutes,
        cursor: None,
    });
    let controls = ArcRwSignal::new(ControlState::new(&page, end));
    let watch = settings.watch.clone();
    let context = move || {
        provide_context(controls.clone());
        guard(watch.as_ref());
    };
    let shell = move || {
        let (page, scene) = (page.clone(), scene.clone());
        let (host, links, watch) = (state.host.clone(), settings.links.clone(), settings.watch.clone());
        view! { <Shell page host open_to_all=settings.open_to_all scene links now watch /> }
    };
    leptos_axum::render_app_async_with_context(context, shell)(request).await
}

fn page_state(settings: &PageSettings, snapshot: &Snapshot, request: &Request) -> PageState {
    let cookie = |name| cookie(request.headers(), name);
    PageState {
        catalog: snapshot.catalog.clone(),
        interval: settings.interval,
        window: window_of(request.uri().query().unwrap_or_default()),
        zone: zone(cookie(ZONE_COOKIE).as_deref()),
        theme: cookie(THEME_COOKIE).map(|text| Theme::parse(&text)).unwrap_or_default(),
        last: snapshot.newest.as_ref().map(|(id, _)| *id),
        build: settings.build.clone(),
    }
}

/// No script but ours, marked with this answer's nonce; the page talks to nobody but this server.
fn guard(watch: Option<&LeptosOptions>) {
    let options = expect_context::<ResponseOptions>();
    let nonce = leptos::nonce::use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default();
    let reload = watch.map(|options| format!(" ws://*:{}", options.reload_port)).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
         connect-src 'self'{reload}; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        options.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
    options.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// The window asked for in the address; the default one where it is not one of ours.
fn window_of(query: &str) -> Window {
    query.split('&').find_map(|pair| pair.strip_prefix("window=")).and_then(Window::parse).unwrap_or_default()
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

/// The viewer's zone as its cookie names it, else the host's.
fn zone(wanted: Option<&str>) -> Zone {
    let zone = wanted.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system);
    let offset = zone.to_offset(Timestamp::now());
    let name = zone.iana_name().map_or_else(|| format!("UTC{offset}"), str::to_owned);
    Zone { name: name.into(), offset_minutes: offset.seconds() / 60 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_chooses_the_window() {
        for (query, window) in [("window=1m", "1m"), ("a=b&window=10m", "10m"), ("window=<script>", "5m"), ("", "5m")] {
            assert_eq!(window_of(query).id(), window, "{query}");
        }
    }

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; telltale_theme=dark; telltale_themes=x"));
        assert_eq!(cookie(&headers, THEME_COOKIE).as_deref(), Some("dark"));
        assert_eq!(cookie(&headers, ZONE_COOKIE), None);
    }

    #[test]
    fn a_zone_that_does_not_exist_is_the_hosts() {
        assert_eq!(&*zone(Some("UTC")).name, "UTC");
        assert_eq!(zone(Some("../../etc/passwd")), zone(None));
        assert_eq!(zone(Some("Not/AZone")), zone(None));
    }
}
