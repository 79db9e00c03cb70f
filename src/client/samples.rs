//! Samples of the past, asked for instead of streamed: the same events, as JSON.

use super::awake::Page;
use super::document;
use super::page::PageState;
use crate::chart::{Span, Window};
use crate::model::event::{Gap, GapReason};
use crate::model::{EventId, History, Interval, Sample, UnixMs};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

/// A window begins with a row of its slowest family, taken a little before it.
const LEAD: Interval = Interval::SECOND.times(15);

#[derive(Deserialize)]
struct Answer {
    events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
enum Event {
    Sample(Sample),
    Gap(Gap),
    Catalog(serde::de::IgnoredAny),
    Notification(serde::de::IgnoredAny),
}

/// Fills a fresh history with what the server drew, up to and with the sample the HTML ends in. Keeps
/// trying; a server that no longer has these samples has a newer page, which is loaded.
pub(super) async fn fill(history: &mut History, page: &PageState, last: EventId) {
    let start = EventId { t: Span::ending(last.t, page.window).start() - LEAD, ..last };
    for attempt in 0_u32.. {
        if let Some(events) = fetch(start).await {
            if !take(history, events, last.t) {
                document::reload_once();
            }
            return;
        }
        pause(1_000 << attempt.min(4)).await;
    }
}

/// Takes events up to `last`, and says whether that one was among them.
fn take(history: &mut History, events: Vec<Event>, last: UnixMs) -> bool {
    let mut found = false;
    for event in events {
        match event {
            Event::Sample(sample) if sample.t <= last => {
                found |= sample.t == last;
                history.push(&sample);
            }
            // What is older than the server's memory is not drawn as a gap: it was never asked for.
            Event::Gap(gap) if gap.to.is_some_and(|to| to < last) && gap.reason != GapReason::Expired => {
                history.push_gap(gap);
            }
            _ => {}
        }
    }
    found
}

/// A wider window needs samples from before the page was opened.
pub(super) fn follow_window(page: &Rc<Page>) {
    let (state, page) = (page.controls.clone(), page.clone());
    let mut known = page.state.window;
    Effect::new(move |_| {
        let window = state.with(|state| state.window);
        if window != known {
            known = window;
            spawn_local(fetch_earlier(page.clone(), window));
        }
    });
}

async fn fetch_earlier(page: Rc<Page>, window: Window) {
    let (oldest, end) = page.look(|scene| (scene.history.oldest_tick(), scene.end));
    let (Some(oldest), Some(end), Some(last)) = (oldest, end, page.state.last) else { return };
    let start = Span::ending(end, window).start() - LEAD;
    if oldest <= start {
        return;
    }
    let Some(events) = fetch(EventId { t: start, ..last }).await else { return };
    let mut earlier = History::new(super::awake::KEEP);
    earlier.set_catalog(&page.look(|scene| scene.catalog.clone()));
    take(&mut earlier, events, oldest - Interval::from_ms(1).unwrap_or(Interval::SECOND));
    page.change_history(|history| history.prepend(earlier));
    page.redraw();
}

async fn fetch(after: EventId) -> Option<Vec<Event>> {
    let text = text_of(&format!("/api/v1/samples?after={after}")).await?;
    serde_json::from_str::<Answer>(&text).ok().map(|answer| answer.events)
}

/// What the server answers at an address; `None` when it does not, or says that it can't.
pub(super) async fn text_of(url: &str) -> Option<String> {
    let response: web_sys::Response = JsFuture::from(window().fetch_with_str(url)).await.ok()?.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}

async fn pause(ms: u32) {
    let wait = js_sys::Promise::new(&mut |resolve, _| {
        // A browser without timers would not have got this far.
        _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms as i32);
    });
    _ = JsFuture::from(wait).await;
}
