//! The document around the islands: the state inside it, cookies, the address, what is visible.

use super::awake::Page;
use super::controls::ControlState;
use super::page::{PageState, STATE_ELEMENT, THEME_COOKIE, Theme, ZONE_COOKIE, ZONE_ELEMENT, Zone};
use super::{parts, samples};
use crate::chart::Window;
use leptos::prelude::*;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// A year, in seconds.
const COOKIE_AGE: u32 = 31_536_000;

pub(super) fn page_state() -> Option<PageState> {
    let text = document().get_element_by_id(STATE_ELEMENT)?.text_content()?;
    serde_json::from_str(&text).ok()
}

pub(super) fn is_visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Now, in milliseconds of the browser's clock.
pub(super) fn now() -> i64 {
    js_sys::Date::now() as i64
}

/// Loads the page anew, but not again and again.
pub(super) fn reload_once() -> bool {
    const KEY: &str = "telltale_reloaded";
    let Ok(Some(storage)) = window().session_storage() else { return false };
    let recently = storage
        .get_item(KEY)
        .ok()
        .flatten()
        .and_then(|at| at.parse::<i64>().ok())
        .is_some_and(|at| (now() - at).abs() < 30_000);
    if recently || storage.set_item(KEY, &now().to_string()).is_err() {
        return false;
    }
    window().location().reload().is_ok()
}

/// Turns what the viewer chooses into what the next HTML needs to know: window in the address, theme
/// and time zone in cookies.
pub(super) fn remember_choices(page: &Rc<Page>) {
    let zone = viewer_zone();
    set_cookie(ZONE_COOKIE, &zone.name);
    if page.state.zone != zone
        && let Some(element) = document().get_element_by_id(ZONE_ELEMENT)
    {
        element.set_text_content(Some(&zone.name));
    }
    page.controls.update(|state| state.offset_minutes = zone.offset_minutes);
    let (state, page) = (page.controls.clone(), page.clone());
    let mut known = page.controls.get_untracked();
    known.offset_minutes = page.state.zone.offset_minutes;
    Effect::new(move |_| {
        let state = state.get();
        if state.theme != known.theme {
            set_cookie(THEME_COOKIE, state.theme.id());
            show_theme(state.theme);
        }
        if state.window != known.window {
            show_in_address(state.window);
        }
        let seen = |state: &ControlState| (state.window, state.paused, state.offset_minutes);
        if seen(&state) != seen(&known) {
            page.obey(&state);
        }
        known = state;
    });
}

/// Calls `act` on every event of this name, for as long as the page lives.
pub(super) fn on_event(target: &web_sys::EventTarget, event: &str, act: impl FnMut(web_sys::Event) + 'static) {
    let act = Closure::<dyn FnMut(web_sys::Event)>::new(act);
    // It fails only for an options object, and there is none.
    _ = target.add_event_listener_with_callback(event, act.as_ref().unchecked_ref());
    act.forget();
}

/// After a change of the catalog: the server's HTML has places for the new families, this document takes
/// them over.
pub(super) async fn renew_board(page: Rc<Page>) {
    let Some(text) = samples::text_of(&window().location().href().unwrap_or_default()).await else { return };
    let parsed =
        web_sys::DomParser::new().and_then(|parser| parser.parse_from_string(&text, web_sys::SupportedType::TextHtml));
    let fresh = parsed.ok().and_then(|parsed| parsed.get_element_by_id(parts::BOARD));
    if let Some((fresh, board)) = fresh.zip(document().get_element_by_id(parts::BOARD)) {
        board.set_inner_html(&fresh.inner_html());
        page.find_surfaces();
        page.redraw();
    }
}

fn show_theme(theme: Theme) {
    if let Some(root) = document().document_element() {
        // A root that refuses an attribute has no theme to change.
        _ = root.set_attribute("data-theme", theme.id());
    }
}

fn show_in_address(chosen: Window) {
    let Ok(url) = window().location().href().and_then(|href| web_sys::Url::new(&href)) else { return };
    url.search_params().set("window", chosen.id());
    if let Ok(history) = window().history() {
        // An address that can't be written leaves the page as useful as it was.
        _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&url.href()));
    }
}

/// The browser's zone; where it does not tell a name, its distance from UTC is one.
fn viewer_zone() -> Zone {
    let offset_minutes = -(js_sys::Date::new_0().get_timezone_offset() as i32);
    let options = js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new()).resolved_options();
    let name = js_sys::Reflect::get(&options, &"timeZone".into()).ok().and_then(|name| name.as_string());
    Zone { name: name.unwrap_or_else(|| "local time".to_owned()).into(), offset_minutes }
}

fn set_cookie(name: &str, value: &str) {
    let cookie = format!("{name}={value}; Path=/; Max-Age={COOKIE_AGE}; SameSite=Lax");
    if let Ok(document) = document().dyn_into::<web_sys::HtmlDocument>() {
        // Without cookies the choice lasts as long as the page.
        _ = document.set_cookie(&cookie);
    }
}
