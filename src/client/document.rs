//! The document around the islands: the state inside it, cookies, the address, what is visible.

use super::json::{self, Json};
use super::page::{KEYS_COOKIE, PageState, STATE_ELEMENT, THEME_COOKIE, Theme, ZONE_COOKIE, ZONE_ELEMENT, Zone};
use super::{keys, parts};
use crate::model::address::with;
use leptos::prelude::*;
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
    (0..count).filter_map(move |index| Some(nodes.as_ref()?.item(index)?.unchecked_into()))
}

/// The server's HTML of an address: the page's state in it, and the board, which is taken over when asked to.
pub(super) struct Fresh {
    pub(super) state: PageState,
    board: web_sys::Element,
}

/// What is exchanged alone where a board has the same charts, which is what the bar of the range says: what surrounds it
/// keeps its place, its focus, and what is open in it.
const EXCHANGED: &str = ".range>*,.headlines,.plot>svg,.legend,[data-part=words],[data-part=rows],.menu,.devices>table,.cost>dl,.notice[role=status]";
/// Why nothing is stored.
const TROUBLE: &str = "[data-part=trouble]";

impl Fresh {
    pub(super) fn read(text: &str) -> Option<Self> {
        let parser = web_sys::DomParser::new().ok()?;
        // Its head is for a document of its own: the browser would refuse the style sheet there, and say so.
        // (The library's own search would be as large as all else here.)
        let begin = text.as_bytes().windows(5).position(|bytes| bytes == b"<body")?;
        let body = text.get(begin..)?;
        let parsed = parser.parse_from_string(body, web_sys::SupportedType::TextHtml).ok()?;
        let state = parsed.get_element_by_id(STATE_ELEMENT)?.text_content()?;
        let state = json::page_state(&Json::parse(&state)?)?;
        Some(Self { state, board: parsed.get_element_by_id(parts::BOARD)? })
    }

    pub(super) fn take_over(&self) {
        let Some(board) = document().get_element_by_id(parts::BOARD) else { return };
        let key = document().active_element().and_then(|active| active.get_attribute("data-key"));
        let charts = |board| all_within(board, ".range").next()?.get_attribute("data-charts");
        if charts(&board) == charts(&self.board) {
            self.exchange(&board, EXCHANGED);
        } else {
            board.set_inner_html(&self.board.inner_html());
        }
        if let Some(link) = key.and_then(|key| keys::keyed(&key)) {
            // An element that can't be focused stays as it is.
            _ = link.focus();
        }
    }

    /// Takes over nothing but why nothing is stored.
    pub(super) fn take_trouble(&self) {
        if let Some(board) = document().get_element_by_id(parts::BOARD) {
            self.exchange(&board, TROUBLE);
        }
    }

    /// What is the same stays: it keeps its focus, and nobody hears it again.
    fn exchange(&self, board: &web_sys::Element, selector: &str) {
        for (old, fresh) in all_within(board, selector).zip(all_within(&self.board, selector)) {
            let fresh = fresh.inner_html();
            if old.inner_html() != fresh {
                old.set_inner_html(&fresh);
            }
        }
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

/// The address of the page, as it is written.
pub(super) fn address() -> String {
    window().location().href().unwrap_or_default()
}

/// Another address for what is shown from now on: as a step that the browser can go back from, or in its place.
pub(super) fn set_address(address: &str, is_step: bool) {
    if let Ok(history) = window().history() {
        let address = Some(address);
        // An address that can't be written leaves the page as useful as it was.
        _ = if is_step {
            history.push_state_with_url(&JsValue::NULL, "", address)
        } else {
            history.replace_state_with_url(&JsValue::NULL, "", address)
        };
    }
}

/// The address holds what was chosen, so that a link or a reload shows the same; without a choice it is left out.
pub(super) fn keep(name: &str, chosen: Option<&str>) {
    set_address(&with(&address(), name, chosen), false);
}

/// Says something in a place of the board that is for it alone; nothing without words.
pub(super) fn say(place: &str, words: Option<&str>) {
    if let Some(place) = all(&format!("[data-part={place}]")).next() {
        place.set_text_content(words);
    }
}

/// Without a path it is for the folder that the pages stand in, and no other Telltale's on the same host.
fn set_cookie(name: &str, value: &str) {
    let cookie = format!("{name}={value}; Max-Age={COOKIE_AGE}; SameSite=Lax");
    // Without cookies the choice lasts as long as the page.
    _ = document().unchecked_into::<web_sys::HtmlDocument>().set_cookie(&cookie);
}
