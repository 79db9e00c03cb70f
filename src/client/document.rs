//! The document around the islands: the state inside it, cookies, the address, what is visible.

use super::awake::Page;
use super::json::{self, Json};
use super::page::{
    KEYS_COOKIE, PageState, STATE_ELEMENT, THEME_COOKIE, Theme, WINDOW_COOKIE, ZONE_COOKIE, ZONE_ELEMENT, Zone,
};
use super::{parts, samples};
use crate::chart::Window;
use leptos::prelude::*;
use std::rc::Rc;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// A year, in seconds.
const COOKIE_AGE: u32 = 31_536_000;

pub(super) fn page_state() -> Option<PageState> {
    let text = document().get_element_by_id(STATE_ELEMENT)?.text_content()?;
    json::page_state(&Json::parse(&text)?)
}

pub(super) fn is_visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Now, in milliseconds of the browser's clock.
pub(super) fn now() -> i64 {
    js_sys::Date::now() as i64
}

/// The next HTML is rendered in this zone; this one names it.
pub(super) fn keep_zone(zone: &Zone) {
    set_cookie(ZONE_COOKIE, &zone.name);
    if let Some(element) = document().get_element_by_id(ZONE_ELEMENT) {
        element.set_text_content(Some(&zone.name));
    }
}

/// Calls `act` on every event of this name, for as long as the page lives.
pub(super) fn on_event(target: &web_sys::EventTarget, event: &str, act: impl FnMut(web_sys::Event) + 'static) {
    let act = Closure::<dyn FnMut(web_sys::Event)>::new(act);
    // It fails only for an options object, and there is none.
    _ = target.add_event_listener_with_callback(event, act.as_ref().unchecked_ref());
    act.forget();
}

/// The elements of the document that a selector finds.
pub(super) fn all(selector: &str) -> impl Iterator<Item = web_sys::Element> + use<> {
    listed(document().query_selector_all(selector).ok())
}

/// The same within an element.
pub(super) fn all_within(within: &web_sys::Element, selector: &str) -> impl Iterator<Item = web_sys::Element> + use<> {
    listed(within.query_selector_all(selector).ok())
}

fn listed(nodes: Option<web_sys::NodeList>) -> impl Iterator<Item = web_sys::Element> {
    let count = nodes.as_ref().map_or(0, web_sys::NodeList::length);
    (0..count).filter_map(move |index| nodes.as_ref()?.item(index)?.dyn_into().ok())
}

/// After a change of the catalog: the server's HTML has places for the new families, this document takes
/// them over. A later change has a renewal of its own.
pub(super) async fn renew_board(page: Rc<Page>) {
    let catalog = page.look(|scene| scene.catalog.clone());
    let address = address_with("window", page.look(|scene| scene.window).id()).unwrap_or_default();
    let text = loop {
        match samples::text_of(&address).await {
            _ if page.look(|scene| !Arc::ptr_eq(&scene.catalog, &catalog)) => return,
            Some(text) => break text,
            None => samples::pause(2_000).await,
        }
    };
    let parsed =
        web_sys::DomParser::new().and_then(|parser| parser.parse_from_string(&text, web_sys::SupportedType::TextHtml));
    let fresh = parsed.ok().and_then(|parsed| parsed.get_element_by_id(parts::BOARD));
    if let Some((fresh, board)) = fresh.zip(document().get_element_by_id(parts::BOARD)) {
        board.set_inner_html(&fresh.inner_html());
        page.find_surfaces(false);
    }
}

pub(super) fn keep_keys(wanted: bool) {
    set_cookie(KEYS_COOKIE, if wanted { "on" } else { "off" });
}

pub(super) fn keep_theme(theme: Theme) {
    set_cookie(THEME_COOKIE, theme.id());
    if let Some(root) = document().document_element() {
        // A root that refuses an attribute has no theme to change.
        _ = root.set_attribute("data-theme", theme.id());
    }
}

/// In the address, so that a link or a reload shows the same, and for the pages that come next.
pub(super) fn keep_window(window: Window) {
    keep("window", window.id());
    set_cookie(WINDOW_COOKIE, window.id());
}

/// The address holds what was chosen, so that a link or a reload shows the same.
pub(super) fn keep(name: &str, chosen: &str) {
    if let Some((address, history)) = address_with(name, chosen).zip(window().history().ok()) {
        // An address that can't be written leaves the page as useful as it was.
        _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
}

/// The page's address, with one thing chosen otherwise.
fn address_with(name: &str, chosen: &str) -> Option<String> {
    let url = window().location().href().and_then(|href| web_sys::Url::new(&href)).ok()?;
    url.search_params().set(name, chosen);
    Some(url.href())
}

fn set_cookie(name: &str, value: &str) {
    let cookie = format!("{name}={value}; Path=/; Max-Age={COOKIE_AGE}; SameSite=Lax");
    if let Ok(document) = document().dyn_into::<web_sys::HtmlDocument>() {
        // Without cookies the choice lasts as long as the page.
        _ = document.set_cookie(&cookie);
    }
}
