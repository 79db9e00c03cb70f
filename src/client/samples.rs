//! Samples of the past, asked for instead of streamed: the same events, as JSON.

use super::awake::Page;
use super::json::{self, Json};
use super::page::{PageState, Past};
use crate::chart::{Span, Window};
use crate::model::event::{Gap, GapReason};
use crate::model::scan;
use crate::model::{Catalog, EventId, EventName, History, Interval, UnixMs};
use leptos::prelude::*;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

/// A window begins with a row of its slowest family, taken a little before it.
const LEAD: Interval = Interval::SECOND.times(15);
const TRIES: u32 = 3;
/// So many events are read without a pause.
const AT_ONCE: usize = 64;

/// Fills a fresh history with what the server drew, up to and with the sample the HTML ends in. A server
/// that does not answer for some seconds is left to the stream, which says so and finds it again.
pub(super) async fn fill(history: &mut History, catalog: &Catalog, page: &PageState, last: EventId) {
    let window = if page.past.is_some() { Window::default() } else { page.window() };
    let start = EventId { t: lead_in(Span::ending(last.t, window), page.interval), n: 0, ..last };
    if let Some(answer) = patient_text_of(&after(start)).await {
        take(history, &answer, catalog, last.t).await;
    }
}

/// A tick a little before a span.
fn lead_in(span: Span, interval: Interval) -> UnixMs {
    (span.start() - LEAD).floor_to(interval)
}

/// Takes events up to `last`, some at a time: between them the browser answers to whoever uses the page.
async fn take(history: &mut History, answer: &str, catalog: &Catalog, last: UnixMs) {
    for (index, (name, data)) in scan::events(answer).into_iter().enumerate() {
        if index % AT_ONCE == AT_ONCE - 1 {
            pause(0).await;
        }
        match name {
            EventName::Sample => {
                if let Some(sample) = scan::sample(data, catalog).filter(|sample| sample.t <= last) {
                    history.push(&sample);
                }
            }
            EventName::Gap => {
                // What is older than the server's memory is not drawn as a gap: it was never asked for.
                let inside = |gap: &Gap| gap.to.is_some_and(|to| to < last) && gap.reason != GapReason::Expired;
                if let Some(gap) = Json::parse(data).as_ref().and_then(json::gap).filter(inside) {
                    history.push_gap(gap);
                }
            }
            _ => {}
        }
    }
}

/// A wider window needs samples from before the page was opened.
pub(super) async fn fetch_earlier(page: &Rc<Page>, window: Window) {
    let (oldest, newest) = page.look_at_newest(|scene| (scene.history.oldest_tick(), scene.history.newest_tick()));
    let (Some(oldest), Some(newest), Some(last)) = (oldest, newest, page.state.last) else { return };
    let start = lead_in(Span::ending(newest, window), page.state.interval);
    if oldest <= start {
        return;
    }
    let Some(answer) = text_of(&after(EventId { t: start, n: 0, ..last }), false).await else { return };
    let mut earlier = History::new(super::awake::KEEP);
    let catalog = page.look_at_newest(|scene| scene.catalog.clone());
    earlier.set_catalog(&catalog);
    take(&mut earlier, &answer, &catalog, oldest - Interval::from_ms(1).unwrap_or(Interval::SECOND)).await;
    page.change_history(|history| history.prepend(earlier));
}

/// A stretch of the past, with the families that it is of: what the crosshair reads where the server draws.
pub(super) async fn past(state: &PageState, past: Past) -> Option<(Catalog, History)> {
    let span = Span { end: past.end, window: state.window(), is_past: past.is_fixed };
    let (from, to, points) = (span.start().0, past.end.0, span.window.points());
    let address = format!("api/v1/samples?from={from}&to={to}&points={points}");
    let answer = text_of(&address, false).await?;
    let first = scan::events(&answer).into_iter().next()?;
    let catalog = json::catalog(&Json::parse(first.1)?)?;
    let mut history = History::whole();
    history.set_catalog(&catalog);
    take(&mut history, &answer, &catalog, past.end).await;
    Some((catalog, history))
}

/// What is measured. The page asks for it ahead of its script.
pub(super) async fn catalog() -> Option<Catalog> {
    json::catalog(&Json::parse(&patient_text_of("api/v1/catalog").await?)?)
}

/// Where the samples after one stand.
fn after(id: EventId) -> String {
    format!("api/v1/samples?after={id}")
}

/// What a server that may just have been started answers.
async fn patient_text_of(url: &str) -> Option<String> {
    for attempt in 0..TRIES {
        let text = text_of(url, false).await;
        if text.is_some() {
            return text;
        }
        pause(1_000 << attempt).await;
    }
    None
}

/// What the server answers at an address; `None` when it does not, or refuses to and that is of no use.
pub(super) async fn text_of(url: &str, with_refusals: bool) -> Option<String> {
    let response = JsFuture::from(window().fetch_with_str(url)).await.ok()?;
    let response: web_sys::Response = response.unchecked_into();
    if !(with_refusals || response.ok()) {
        return None;
    }
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}

pub(super) async fn pause(ms: u32) {
    let wait = js_sys::Promise::new(&mut |resolve, _| {
        // A browser without timers would not have got this far.
        _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms as i32);
    });
    _ = JsFuture::from(wait).await;
}
