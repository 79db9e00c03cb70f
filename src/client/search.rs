//! The field that finds processes: the list follows what is typed, letter by letter, and so do the links beside it.

use super::awake::Page;
use super::{document, parts};
use leptos::prelude::document as the_document;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, Url};

pub(super) fn follow(page: &Rc<Page>) {
    let page = page.clone();
    document::on_event(&the_document(), "input", move |event| find(&page, &event));
}

fn find(page: &Page, event: &Event) {
    let Some(field) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    if field.id() != parts::SEARCH {
        return;
    }
    let typed = js_sys::Reflect::get(&field, &"value".into()).ok().and_then(|value| value.as_string());
    let typed = typed.unwrap_or_default();
    document::keep(parts::SEARCH, Some(&typed));
    for link in document::all(&format!("[data-part=\"{}\"]", parts::SORT)) {
        // The address of a link is whole when it is asked for as a property.
        let address = js_sys::Reflect::get(&link, &"href".into()).ok().and_then(|address| address.as_string());
        let Some(url) = address.and_then(|address| Url::new(&address).ok()) else { continue };
        url.search_params().set(parts::SEARCH, &typed);
        // An element refuses only names that are no names.
        _ = link.set_attribute("href", &url.href());
    }
    page.find_processes(typed);
}
