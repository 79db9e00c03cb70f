//! Keys for the whole page: most say in the document, by `data-key`, what they press.

use super::{document, parts};
use leptos::prelude::document as the_document;
use wasm_bindgen::{JsCast, JsValue};
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

/// What is typed into a field is text; with a modifier a key belongs to the browser.
fn press(event: &KeyboardEvent) {
    let in_field = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let in_field =
        in_field.is_some_and(|element| element.matches("input:not([type=checkbox]),select").unwrap_or(false));
    if in_field || !are_wanted() || event.repeat() || event.ctrl_key() || event.meta_key() || event.alt_key() {
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

pub(super) fn keyed(key: &str) -> Option<HtmlElement> {
    the_document().query_selector(&format!("[data-key=\"{key}\"]")).ok()??.dyn_into().ok()
}

/// The chart after the one that has the focus, or before it.
fn neighbour(step: i32) -> Option<HtmlElement> {
    let plots = the_document().query_selector_all(&format!(".{}", parts::PLOT)).ok()?;
    let (count, active) = (plots.length() as i32, the_document().active_element());
    let active = active.map(JsValue::from).unwrap_or(JsValue::NULL);
    let here = (0..count).find(|&index| plots.item(index as u32).is_some_and(|plot| JsValue::from(plot) == active));
    let next = here.map_or(0, |here| here + step);
    plots.item(u32::try_from(next).ok()?)?.dyn_into().ok()
}
