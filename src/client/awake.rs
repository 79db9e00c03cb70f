//! How a page comes to life: first the data the server rendered from, then the islands, then the stream.

use super::live::Live;
use super::{document, samples, stream};
use crate::model::{History, Interval};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

/// What the browser keeps: as much as the widest window shows.
pub(super) const KEEP: Interval = Interval::MINUTE.times(11);

thread_local! {
    static LIVE: RefCell<Option<Live>> = const { RefCell::new(None) };
}

/// The page's one `Live`, once `boot` is through.
pub fn live() -> Option<Live> {
    LIVE.with(|live| live.borrow().clone())
}

/// Makes the browser's data equal to what the server rendered. The islands are woken after this, so
/// that their first render changes nothing.
#[wasm_bindgen]
pub async fn boot() -> Result<(), JsValue> {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
    let page = document::page_state().ok_or("the page's state is missing")?;
    let mut history = History::new(KEEP);
    history.set_catalog(&page.catalog);
    if let Some(last) = page.last {
        samples::fill(&mut history, &page, last).await;
    }
    let live = Live::new(&page, history);
    LIVE.with(|slot| *slot.borrow_mut() = Some(live));
    Ok(())
}

/// The islands are awake: from here on the page moves.
#[wasm_bindgen]
pub fn go_live() {
    let (Some(live), Some(page)) = (live(), document::page_state()) else { return };
    document::remember_choices(&live);
    samples::follow_window(&live);
    stream::start(live, page);
}
