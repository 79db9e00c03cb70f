//! The stream: a script of its own shares one connection among all pages of the browser (`share.js`); here is what a
//! page makes of what it hears, and when to connect, which the watchdog says.

use super::awake::{self, Page};
use super::json::{self, Json};
use super::{document, show};
use crate::model::event::EventName;
use crate::model::link::Action;
use crate::model::{Catalog, UnixMs, scan};
use leptos::prelude::*;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/client/share.js")]
extern "C" {
    /// Connects after the event with this id, and calls `heard` from then on.
    fn share(heard: &JsValue, last: &str, wants_processes: bool);
}

/// Follows the stream for as long as the page lives.
pub(super) fn start(page: &Rc<Page>, heard: &JsValue) {
    page.watchdog.borrow_mut().opens(document::now());
    say_link(page);
    let last = page.state.last.map(|id| id.to_string()).unwrap_or_default();
    share(heard, &last, page.lists_processes());
}

/// What the script says: an event of the stream, in order and once, or how the connection fares. The answer is the
/// number of an `Action`, or 0.
#[wasm_bindgen]
pub fn heard(name: &str, data: &str, number: f64) -> u8 {
    let Some(page) = awake::page() else { return 0 };
    let action = hear(&page, name, data, number, document::now());
    say_link(&page);
    action.map_or(0, |action| action as u8)
}

fn hear(page: &Rc<Page>, name: &str, data: &str, number: f64, now: i64) -> Option<Action> {
    let mut watchdog = page.watchdog.borrow_mut();
    match name {
        "tick" => return watchdog.poll(now, number),
        "open" => watchdog.opened(now),
        "asking" => watchdog.asking(now),
        "failed" => watchdog.failed(now, number),
        "streamed" => return watchdog.streamed(UnixMs(number as i64), now),
        "answered" => return watchdog.answered(number as u32, now),
        "online" => return watchdog.hurry(now),
        "seen" => {
            drop(watchdog);
            // One redraw catches up with all that came meanwhile.
            page.return_to_newest();
        }
        _ => {
            watchdog.heard(now);
            drop(watchdog);
            // An event that can't be read is a sign of life and nothing more.
            let name = EventName::ALL.into_iter().find(|known| known.as_str() == name)?;
            take(page, name, data, now);
        }
    }
    None
}

fn say_link(page: &Page) {
    let link = page.watchdog.borrow().link(document::now());
    if page.controls.with_untracked(|state| state.link != link) {
        page.controls.update(|state| state.link = link);
    }
}

fn take(page: &Rc<Page>, name: EventName, data: &str, now: i64) -> Option<()> {
    if name == EventName::Sample {
        let sample = page.look_at_newest(|scene| scan::sample(data, &scene.catalog))?;
        page.watchdog.borrow_mut().sampled(sample.t, now);
        page.change_history(|history| history.push(&sample));
        page.show_soon();
        return Some(());
    }
    let data = Json::parse(data)?;
    match name {
        EventName::Hello => greet(page, &data)?,
        EventName::Catalog => change_catalog(page, json::catalog(&data)?),
        EventName::Gap => {
            let gap = json::gap(&data)?;
            page.change_history(|history| history.push_gap(gap));
        }
        EventName::Processes => page.show_processes(json::processes(&data)?),
        // Who is sent away alone comes back as after any lost connection.
        EventName::Bye if data.field("reason")?.text()? == "shutdown" => {
            page.watchdog.borrow_mut().goodbye(data.count_at("retry_ms")?, now);
        }
        _ => {}
    }
    Some(())
}

fn greet(page: &Rc<Page>, hello: &Json) -> Option<()> {
    let outdated = hello.field("page_build")?.text()? != *page.state.build;
    if page.controls.with_untracked(|state| state.outdated != outdated) {
        page.controls.update(|state| state.outdated = outdated);
    }
    change_catalog(page, json::catalog(&hello.field("catalog")?)?);
    Some(())
}

fn change_catalog(page: &Rc<Page>, catalog: Catalog) {
    if page.set_catalog(catalog) {
        show::renew(page);
    }
}
