//! The pages, rendered with what they show: numbers and charts stand in the first HTML.

mod past;

use self::past::Shown;
use super::api::AppState;
use crate::chart::{Bands, Scene, Window, ticks};
use crate::client::controls::ControlState;
use crate::client::page::{KEYS_COOKIE, PageState, THEME_COOKIE, Theme, WINDOW_COOKIE, ZONE_COOKIE, Zone};
use crate::model::{DeviceKind, Interval, UnixMs, label};
use crate::server::history::{self, Snapshot};
use crate::server::query::{Fields, instant};
use crate::ui::focus::Focus;
use crate::ui::overview::Overview;
use crate::ui::processes::{Processes, Selection};
use crate::ui::range::Range;
pub use crate::ui::shell::{Links, Style};
use crate::ui::shell::{Shell, View};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
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
    let shown = Shown::read(&fields, window(fields.get("window"), request.headers()), now());
    let look = Look::take(&state, shown, &fields).await;
    let catalog = look.drawn.as_ref().map_or(&look.snapshot.catalog, |view| &view.catalog);
    let focus = Focus::parse(fields.get("all"), fields.get("device"), catalog);
    let missing = fields
        .get("device")
        .filter(|id| !id.is_empty() && !catalog.0.is_empty() && !matches!(focus, Focus::Device(_)))
        .map(|id| label::text(id.as_bytes()));
    let left_out: Vec<(DeviceKind, u64)> =
        DeviceKind::ALL.into_iter().map(|kind| (kind, state.meter.left_out(kind))).collect();
    let is_unread = look.is_unread;
    let frame = Frame::new(&settings, look, &request, focus.query());
    let frame = Frame { chosen: chosen(&fields), ..frame };
    let unread = is_unread.then_some("The past can't be read now: this is what was sampled last.");
    let trouble = state.history.trouble().map(|trouble| {
        let since = ticks::clock(trouble.since, frame.page.zone.offset_minutes, true);
        format!("Nothing is stored since {since}: {}. What is sampled meanwhile is kept in memory.", trouble.words)
    });
    let over = frame.page.past.map_or(settings.interval, |past| past.step).as_duration();
    let culprits = match frame.scene.cursor {
        Some(at) => state.history.culprits(at, over).await.ok().flatten().map(|culprits| culprits.told()),
        None => None,
    };
    let culprits = culprits.unwrap_or_default();
    let (tiles, scene, bands, range) = (frame.tiles.clone(), frame.scene.clone(), frame.bands.clone(), frame.range);
    let query = focus.query();
    let content = move || {
        let (tiles, scene, bands) = (tiles.clone(), scene.clone(), bands.clone());
        let (focus, missing, left_out) = (focus.clone(), missing.clone(), left_out.clone());
        let (trouble, query, culprits) = (trouble.clone(), query.clone(), culprits.clone());
        view! { <Overview tiles scene bands focus range query missing left_out trouble unread culprits /> }.into_any()
    };
    frame.render(&state, settings, View::Overview, content, request).await
}

async fn processes(state: AppState, settings: Arc<PageSettings>, fields: Fields, request: Request) -> Response {
    // A machine that does not answer in time is shown as one without processes; the stream brings them later.
    let table = state.processes.look().await.unwrap_or_default();
    let selection = Selection::parse(fields.get("sort"), fields.get("search"), fields.get("limit"));
    let look = Look::take(&state, Shown::Last(Window::default()), &fields).await;
    let frame = Frame::new(&settings, look, &request, selection.query());
    let scene = frame.scene.clone();
    let content = move || {
        let (table, selection, scene) = (table.clone(), selection.clone(), scene.clone());
        view! { <Processes table selection scene /> }.into_any()
    };
    frame.render(&state, settings, View::Processes, content, request).await
}

/// The window that somebody chose just now. A page that renews what it shows chooses nothing.
fn chosen(fields: &Fields) -> Option<Window> {
    fields.get("window").filter(|_| fields.get("again").is_none()).and_then(Window::parse)
}

/// The window asked for in the address, else the one that was chosen last; the default one where it is not one of ours.
fn window(asked: Option<&str>, headers: &HeaderMap) -> Window {
    let asked = asked.map(str::to_owned).or_else(|| cookie(headers, WINDOW_COOKIE));
    asked.and_then(|asked| Window::parse(&asked)).unwrap_or_default()
}

fn now() -> UnixMs {
    UnixMs(Timestamp::now().as_millisecond())
}

/// What there is to be shown: the newest samples, and the stretch that is asked for where that is another one.
struct Look {
    shown: Shown,
    snapshot: Snapshot,
    drawn: Option<past::View>,
    /// Whether another stretch is asked for that can't be read now.
    is_unread: bool,
    at: Option<UnixMs>,
}

impl Look {
    async fn take(state: &AppState, shown: Shown, fields: &Fields) -> Self {
        let live = Some(shown.window()).filter(|window| window.is_live()).unwrap_or_default();
        let past = u32::try_from(live.ms()).ok().and_then(Interval::from_ms).unwrap_or(history::KEPT);
        let snapshot = state.history.snapshot(past);
        // What ends now ends with the newest sample: nothing is to be expected after it.
        let end = snapshot.history.newest_tick().unwrap_or_else(now);
        let drawn = match shown.span(end) {
            // Without an answer there is nothing to draw, and the newest samples are better than that.
            Some(span) => past::View::of(&state.history, span).await.ok(),
            None => None,
        };
        let was_asked = shown.span(end).is_some();
        let shown = if drawn.is_some() || !was_asked { shown } else { Shown::Last(live) };
        let at = fields.get("at").and_then(|text| instant(text, now()));
        Self { shown, snapshot, is_unread: was_asked && drawn.is_none(), drawn, at }
    }
}

/// What every page is rendered from.
struct Frame {
    page: Arc<PageState>,
    keys_wanted: bool,
    /// The window that the address asks for by its name: pages that come next show as much.
    chosen: Option<Window>,
    is_unread: bool,
    /// What the charts show.
    scene: Arc<Scene>,
    bands: Arc<Bands>,
    /// What the headlines show: of now, unless the stretch stays where it is.
    tiles: Arc<Scene>,
    range: Range,
}

impl Frame {
    /// `query` is the beginning of an address that shows the same.
    fn new(settings: &PageSettings, look: Look, request: &Request, query: String) -> Self {
        let cookie = |name| cookie(request.headers(), name);
        let Look { shown, snapshot, drawn, is_unread, at } = look;
        let seen = drawn.as_ref().map_or_else(now, |view| view.past.end);
        let zone = zone(cookie(ZONE_COOKIE).as_deref(), seen);
        let offset_minutes = zone.offset_minutes;
        let window = shown.window();
        let live_window = Some(window).filter(|window| window.is_live()).unwrap_or_default();
        let live = Scene::live(snapshot.catalog, snapshot.history, live_window, offset_minutes);
        let live = Arc::new(Scene { cursor: at.filter(|_| drawn.is_none()), ..live });
        let past = drawn.as_ref().map(|view| view.past);
        let (scene, bands) = match drawn {
            None => (live.clone(), Bands::new()),
            Some(past::View { catalog, history, bands, past }) => {
                let scene = Scene::live(catalog, history, window, offset_minutes);
                let scene = Scene { end: Some(past.end), is_past: past.is_fixed, cursor: at, ..scene };
                (Arc::new(scene), bands)
            }
        };
        let fixed = scene.span().filter(|span| span.is_past);
        let range = Range { fixed, window, now: now(), at, offset_minutes };
        let page = PageState {
            catalog: live.catalog.digest(),
            query: query.into(),
            address: range.address().into(),
            interval: settings.interval,
            window_ms: window.ms(),
            past,
            at,
            zone,
            theme: cookie(THEME_COOKIE).map(|text| Theme::parse(&text)).unwrap_or_default(),
            last: snapshot.newest.as_ref().map(|(id, _)| *id),
            build: settings.build.clone(),
        };
        let keys_wanted = cookie(KEYS_COOKIE).as_deref() != Some("off");
        let tiles = if fixed.is_some() { scene.clone() } else { live };
        Self { page: Arc::new(page), keys_wanted, chosen: None, is_unread, scene, bands: Arc::new(bands), tiles, range }
    }

    async fn render(
        self,
        state: &AppState,
        settings: Arc<PageSettings>,
        view: View,
        content: impl Fn() -> AnyView + Clone + Send + Sync + 'static,
        request: Request,
    ) -> Response {
        let now = now();
        let controls = ArcRwSignal::new(ControlState::new(&self.page, self.scene.end));
        let watch = settings.watch.clone();
        let (chosen, is_unread) = (self.chosen, self.is_unread);
        let context = move || {
            provide_context(controls.clone());
            guard(watch.as_ref());
            chosen.iter().for_each(|window| keep_window(*window));
            if is_unread {
                expect_context::<ResponseOptions>().set_status(StatusCode::SERVICE_UNAVAILABLE);
            }
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

/// Without a path it is for the folder that the page stands in: only the browser knows where a proxy has put it.
fn keep_window(window: Window) {
    /// A year.
    const AGE_S: u32 = 31_536_000;
    let cookie = format!("{WINDOW_COOKIE}={}; Max-Age={AGE_S}; SameSite=Lax", window.id());
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        expect_context::<ResponseOptions>().append_header(SET_COOKIE, cookie);
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

/// The viewer's zone as its cookie names it, else the host's; as its clocks went at an instant.
fn zone(wanted: Option<&str>, at: UnixMs) -> Zone {
    let zone = wanted.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system);
    let offset = zone.to_offset(Timestamp::from_millisecond(at.0).unwrap_or_default());
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
        assert_eq!(window(None, &headers), Window::FIVE);
        headers.append(COOKIE, HeaderValue::from_static("telltale_window=10m"));
        assert_eq!(window(None, &headers), Window::TEN);
        assert_eq!(window(Some("1m"), &headers), Window::ONE);
        assert_eq!(window(Some("3y"), &headers), Window::FIVE, "what is asked for and is none is the default");
    }

    #[test]
    fn a_zone_that_does_not_exist_is_the_hosts() {
        let zone = |name| super::zone(name, UnixMs(0));
        assert_eq!(&*zone(Some("UTC")).name, "UTC");
        assert_eq!(zone(Some("../../etc/passwd")), zone(None));
        assert_eq!(zone(Some("Not/AZone")), zone(None));
    }
}
