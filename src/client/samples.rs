//! Samples of the past, asked for instead of streamed: the same events, as JSON.

use super::document;
use crate::chart::Span;
use crate::model::event::{Gap, GapReason};
use crate::model::{EventId, History, Interval, Sample, UnixMs};
use crate::client::live::Live;
use crate::client::page::PageState;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;
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
pub(crate) async fn fill(history: &mut History, page: &PageState, last: EventId) {
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
pub(crate) fn follow_window(live: &Live) {
    let (chosen, live) = (live.window.clone(), live.clone());
    document::watch(
        move || chosen.get(),
        move |window| {
            let Some(start) = live.shown.get_untracked().map(|shown| Span::ending(shown, *window).start()) else { return };
            let oldest = live.history(History::oldest_tick);
            if oldest.is_some_and(|oldest| oldest > start) {
                spawn_local(fetch_earlier(live.clone(), start - LEAD));
            }
        },
    );
}

async fn fetch_earlier(live: Live, start: UnixMs) {
    let Some(oldest) = live.history(History::oldest_tick) else { return };
    let Some(events) = fetch(EventId { era: 0, t: start }).await else { return };
    let mut earlier = History::new(super::awake::KEEP);
    earlier.set_catalog(&live.catalog.get_untracked());
    take(&mut earlier, events, oldest - Interval::from_ms(1).unwrap_or(Interval::SECOND));
    live.update_history(|history| history.prepend(earlier));
    live.shown.notify();
}

async fn fetch(after: EventId) -> Option<Vec<Event>> {
    let url = format!("/api/v1/samples?after={after}");
    let response: web_sys::Response = JsFuture::from(window().fetch_with_str(&url)).await.ok()?.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    serde_json::from_str::<Answer>(&text).ok().map(|answer| answer.events)
}

async fn pause(ms: u32) {
    let wait = js_sys::Promise::new(&mut |resolve, _| {
        // A browser without timers would not have got this far.
        _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms as i32);
    });
    _ = JsFuture::from(wait).await;
}
