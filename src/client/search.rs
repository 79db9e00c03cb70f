//! The field that finds processes: the list follows what is typed, letter by letter, and so do the links beside it.

use super::awake::Page;
use super::{document, parts};
use crate::model::address::with;
use leptos::prelude::document as the_document;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event};

pub(super) fn follow(page: &Rc<Page>) {
    let page = page.clone();
    document::on_event(&the_document(), "input", move |event| find(&page, &event));
}

/// What stands in the field, as far as there is one.
pub(super) fn typed() -> String {
    let field = the_document().get_element_by_id(parts::SEARCH);
    let value = field.and_then(|field| js_sys::Reflect::get(&field, &"value".into()).ok());
    value.and_then(|value| value.as_string()).unwrap_or_default()
}

fn find(page: &Page, event: &Event) {
    let field = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    if field.is_none_or(|field| field.id() != parts::SEARCH) {
        return;
    }
    let typed = typed();
    document::keep(parts::SEARCH, Some(&typed));
    for link in document::all(&format!("[data-part=\"{}\"]", parts::SORT)) {
        let address = with(&link.get_attribute("href").unwrap_or_default(), parts::SEARCH, Some(&typed));
        // An element refuses only names that are no names.
        _ = link.set_attribute("href", &address);
    }
    page.find_processes(typed);
}
