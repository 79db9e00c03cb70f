//! Keys for the whole page: most say in the document, by `data-key`, what they press.

use super::{document, parts};
use leptos::prelude::document as the_document;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

pub(super) fn follow() {
    document::on_event(&the_document(), "keydown", |event| {
        if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
            press(event);
        }
    });
    if let Some(switch) = switch() {
        document::on_event(&switch, "change", |_| document::keep_keys(are_wanted()));
    }
}

/// The box that says whether keys of one letter are wanted.
fn switch() -> Option<Element> {
    the_document().get_element_by_id(parts::KEYS_WANTED)
}

fn are_wanted() -> bool {
    switch().is_none_or(|switch| switch.matches(":checked").unwrap_or(true))
}

/// What is typed into a field is text.
fn press(event: &KeyboardEvent) {
    let in_field = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let in_field =
        in_field.is_some_and(|element| element.matches("input:not([type=checkbox]),select").unwrap_or(false));
    if in_field || !are_wanted() || event.repeat() || is_browsers(event) {
        return;
    }
    let key = event.key();
    let element = match key.as_str() {
        "j" => neighbour(1),
        "k" => neighbour(-1),
        "?" | "/" => keyed(&key),
        _ if key.len() == 1 && key.as_bytes()[0].is_ascii_alphanumeric() => keyed(&key),
        _ => None,
    };
    let Some(element) = element else { return };
    event.prevent_default();
    if element.matches("input,.plot").unwrap_or(false) {
        // An element that can't be focused stays as it is.
        _ = element.focus();
    } else {
        element.click();
    }
}

/// With a modifier a key belongs to the browser: Alt and an arrow go back in it.
pub(super) fn is_browsers(event: &KeyboardEvent) -> bool {
    event.ctrl_key() || event.meta_key() || event.alt_key()
}

pub(super) fn keyed(key: &str) -> Option<HtmlElement> {
    the_document().query_selector(&format!("[data-key=\"{key}\"]")).ok()??.dyn_into().ok()
}

/// The chart after the one that has the focus, or before it.
fn neighbour(step: isize) -> Option<HtmlElement> {
    let active = the_document().active_element();
    let mut plots: Vec<Element> = document::all(&format!(".{}", parts::PLOT)).collect();
    let here = plots.iter().position(|plot| Some(plot) == active.as_ref());
    let next = here.map_or(Some(0), |here| here.checked_add_signed(step))?;
    (next < plots.len()).then(|| plots.swap_remove(next).unchecked_into())
}
