//! The document around the islands: the state inside it, cookies, the address, what is visible.

use crate::chart::Window;
use crate::client::live::Live;
use crate::client::page::{PageState, STATE_ELEMENT, THEME_COOKIE, Theme, ZONE_COOKIE, Zone};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

/// A year, in seconds.
const COOKIE_AGE: u32 = 31_536_000;

pub(crate) fn page_state() -> Option<PageState> {
    let text = document().get_element_by_id(STATE_ELEMENT)?.text_content()?;
    serde_json::from_str(&text).ok()
}

pub(crate) fn is_visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Now, in milliseconds of the browser's clock.
pub(crate) fn now() -> i64 {
    js_sys::Date::now() as i64
}

/// Loads the page anew, but not again and again.
pub(crate) fn reload_once() -> bool {
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
pub(crate) fn remember_choices(live: &Live) {
    let zone = viewer_zone();
    set_cookie(ZONE_COOKIE, &zone.name);
    if live.zone.with_untracked(|shown| *shown != zone) {
        if let Some(element) = document().get_element_by_id("zone") {
            element.set_text_content(Some(&zone.name));
        }
        live.zone.set(zone);
    }
    let theme = live.theme.clone();
    let mut chosen = theme.get_untracked();
    watch(move || theme.get(), move |theme: &Theme| {
        if *theme == chosen {
            return;
        }
        chosen = *theme;
        set_cookie(THEME_COOKIE, theme.id());
        if let Some(root) = document().document_element() {
            // A root that refuses an attribute has no theme to change.
            _ = root.set_attribute("data-theme", theme.id());
        }
    });
    let shown = live.window.clone();
    let mut current = shown.get_untracked();
    watch(move || shown.get(), move |window: &Window| {
        if *window != current {
            current = *window;
            show_in_address(*window);
        }
    });
}

/// Runs `act` with each value of `of`, for as long as the page lives.
pub(crate) fn watch<T: 'static>(of: impl Fn() -> T + 'static, mut act: impl FnMut(&T) + 'static) {
    Effect::new(move |_| act(&of()));
}

/// Calls `act` on every event of this name, for as long as the page lives.
pub(crate) fn on(target: &web_sys::EventTarget, event: &str, act: impl FnMut() + 'static) {
    let act = Closure::<dyn FnMut()>::new(act);
    // It fails only for an options object, and there is none.
    _ = target.add_event_listener_with_callback(event, act.as_ref().unchecked_ref());
    act.forget();
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
pub(crate) fn viewer_zone() -> Zone {
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
