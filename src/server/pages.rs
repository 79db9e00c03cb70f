//! The pages, rendered with what they show: numbers and charts stand in the first HTML.

use super::api::AppState;
use crate::chart::{Scene, Window};
use crate::client::controls::ControlState;
use crate::client::page::{KEYS_COOKIE, PageState, THEME_COOKIE, Theme, WINDOW_COOKIE, ZONE_COOKIE, Zone};
use crate::model::{DeviceKind, Interval, UnixMs, label};
use crate::server::history::Snapshot;
use crate::server::query::Fields;
use crate::ui::focus::Focus;
use crate::ui::overview::Overview;
use crate::ui::processes::{Processes, Selection};
pub use crate::ui::shell::{Links, Style};
use crate::ui::shell::{Shell, View};
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
    let of_overview = settings.clone();
    Router::new()
        .route(
            "/",
            get(async move |State(state): State<AppState>, fields: Fields, request: Request| {
                overview(state, of_overview.clone(), fields, request).await
            }),
        )
        .route(
            "/processes",
            get(async move |State(state): State<AppState>, fields: Fields, request: Request| {
                processes(state, settings.clone(), fields, request).await
            }),
        )
}

async fn overview(state: AppState, settings: Arc<PageSettings>, fields: Fields, request: Request) -> Response {
    let window = window(fields.get("window"), request.headers());
    let snapshot = state.history.snapshot(window.length());
    let focus = Focus::parse(fields.get("all"), fields.get("device"), &snapshot.catalog);
    let missing = fields
        .get("device")
        .filter(|id| !id.is_empty() && !snapshot.catalog.0.is_empty() && !matches!(focus, Focus::Device(_)))
        .map(|id| label::text(id.as_bytes()));
    let frame = Frame::new(&settings, snapshot, window, &request, focus.query());
    let left_out: Vec<(DeviceKind, u64)> =
        DeviceKind::ALL.into_iter().map(|kind| (kind, state.meter.left_out(kind))).collect();
    let scene = frame.scene.clone();
    let content = move || {
        let (scene, focus, missing, left_out) = (scene.clone(), focus.clone(), missing.clone(), left_out.clone());
        view! { <Overview scene focus missing left_out /> }.into_any()
    };
    frame.render(&state, settings, View::Overview, content, request).await
}

async fn processes(state: AppState, settings: Arc<PageSettings>, fields: Fields, request: Request) -> Response {
    // A machine that does not answer in time is shown as one without processes; the stream brings them later.
    let table = state.processes.look().await.unwrap_or_default();
    let selection = Selection::parse(fields.get("sort"), fields.get("search"), fields.get("limit"));
    let window = window(fields.get("window"), request.headers());
    let snapshot = state.history.snapshot(window.length());
    let frame = Frame::new(&settings, snapshot, window, &request, selection.query());
    let scene = frame.scene.clone();
    let content = move || {
        let (table, selection, scene) = (table.clone(), selection.clone(), scene.clone());
        view! { <Processes table selection scene /> }.into_any()
    };
    frame.render(&state, settings, View::Processes, content, request).await
}

/// The window asked for in the address, else the one that was chosen last; the default one where it is not one of ours.
fn window(asked: Option<&str>, headers: &HeaderMap) -> Window {
    let asked = asked.map(str::to_owned).or_else(|| cookie(headers, WINDOW_COOKIE));
    asked.and_then(|asked| Window::parse(&asked)).unwrap_or_default()
}

/// What every page is rendered from.
struct Frame {
    page: Arc<PageState>,
    keys_wanted: bool,
    scene: Arc<Scene>,
}

impl Frame {
    /// `query` is the beginning of an address that shows the same.
    fn new(settings: &PageSettings, snapshot: Snapshot, window: Window, request: &Request, query: String) -> Self {
        let cookie = |name| cookie(request.headers(), name);
        let page = PageState {
            catalog: snapshot.catalog.digest(),
            query: query.into(),
            interval: settings.interval,
            window,
            zone: zone(cookie(ZONE_COOKIE).as_deref()),
            theme: cookie(THEME_COOKIE).map(|text| Theme::parse(&text)).unwrap_or_default(),
            last: snapshot.newest.as_ref().map(|(id, _)| *id),
            build: settings.build.clone(),
        };
        let scene = Scene {
            catalog: snapshot.catalog,
            end: snapshot.history.newest_tick(),
            history: snapshot.history,
            window,
            offset_minutes: page.zone.offset_minutes,
            cursor: None,
        };
        let keys_wanted = cookie(KEYS_COOKIE).as_deref() != Some("off");
        Self { page: Arc::new(page), keys_wanted, scene: Arc::new(scene) }
    }

    async fn render(
        self,
        state: &AppState,
        settings: Arc<PageSettings>,
        view: View,
        content: impl Fn() -> AnyView + Clone + Send + Sync + 'static,
        request: Request,
    ) -> Response {
        let now = UnixMs(Timestamp::now().as_millisecond());
        let controls = ArcRwSignal::new(ControlState::new(&self.page, self.scene.end));
        let watch = settings.watch.clone();
        let context = move || {
            provide_context(controls.clone());
            guard(watch.as_ref());
        };
        let (page, keys_wanted, host) = (self.page, self.keys_wanted, state.host.clone());
        let shell = move || {
            let (page, host, links, watch) =
                (page.clone(), host.clone(), settings.links.clone(), settings.watch.clone());
            let content = content.clone();
            let open_to_all = settings.open_to_all;
            view! { <Shell page host open_to_all view keys_wanted links now watch>{content()}</Shell> }
        };
        leptos_axum::render_app_async_with_context(context, shell)(request).await
    }
}

/// No script but ours, marked with this answer's nonce; the page talks to nobody but this server.
fn guard(watch: Option<&LeptosOptions>) {
    let options = expect_context::<ResponseOptions>();
    let nonce = leptos::nonce::use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default();
    let reload = watch.map(|options| format!(" ws://*:{}", options.reload_port)).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; \
         connect-src 'self'{reload}; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        options.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
    options.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"));
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
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; telltale_theme=dark; telltale_themes=x"));
        assert_eq!(cookie(&headers, THEME_COOKIE).as_deref(), Some("dark"));
        assert_eq!(cookie(&headers, ZONE_COOKIE), None);
    }

    #[test]
    fn a_window_is_asked_for_or_kept() {
        let mut headers = HeaderMap::new();
        assert_eq!(window(None, &headers), Window::Five);
        headers.append(COOKIE, HeaderValue::from_static("telltale_window=10m"));
        assert_eq!(window(None, &headers), Window::Ten);
        assert_eq!(window(Some("1m"), &headers), Window::One);
        assert_eq!(window(Some("2y"), &headers), Window::Five, "what is asked for and is none is the default");
    }

    #[test]
    fn a_zone_that_does_not_exist_is_the_hosts() {
        assert_eq!(&*zone(Some("UTC")).name, "UTC");
        assert_eq!(zone(Some("../../etc/passwd")), zone(None));
        assert_eq!(zone(Some("Not/AZone")), zone(None));
    }
}
