//! The stream: one EventSource that is watched, dropped when it dies without saying so, and opened
//! again from the newest sample the page holds.

use super::awake::Page;
use super::json::{self, Json};
use super::{document, show};
use crate::model::event::EventName;
use crate::model::link::{Action, Watchdog};
use crate::model::scan;
use crate::model::{Catalog, EventId, Link};
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{EventSource, MessageEvent};

const POLL: std::time::Duration = std::time::Duration::from_millis(500);

struct Stream {
    page: Rc<Page>,
    watchdog: RefCell<Watchdog>,
    /// The newest sample received, or the one the HTML ended with.
    last: Cell<Option<EventId>>,
    connection: RefCell<Option<Connection>>,
}

/// An open EventSource with the closures it calls; dropped, it closes and calls nobody.
struct Connection {
    source: EventSource,
    _on_open: Closure<dyn FnMut()>,
    _on_error: Closure<dyn FnMut()>,
    _listeners: Vec<Closure<dyn FnMut(MessageEvent)>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.source.set_onopen(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}

/// Follows the stream for as long as the page lives.
pub(super) fn start(page: Rc<Page>) {
    let newest = page.look_at_newest(|scene| scene.history.newest_tick());
    let stream = Rc::new(Stream {
        watchdog: RefCell::new(Watchdog::new(page.state.interval, newest, document::now())),
        last: Cell::new(page.state.last),
        connection: RefCell::new(None),
        page,
    });
    stream.act(Some(Action::Connect));
    let polled = stream.clone();
    let poll = Closure::<dyn FnMut()>::new(move || polled.poll());
    // Without a timer the page would only miss the watch over its stream.
    _ = window()
        .set_interval_with_callback_and_timeout_and_arguments_0(poll.as_ref().unchecked_ref(), POLL.as_millis() as i32);
    poll.forget();
    let woken = stream.clone();
    document::on_event(&leptos::prelude::document(), "visibilitychange", move |_| woken.caught_sight());
    document::on_event(&window(), "online", move |_| {
        let action = stream.watchdog.borrow_mut().hurry(document::now());
        stream.act(action);
    });
}

impl Stream {
    fn poll(self: &Rc<Self>) {
        let action = self.watchdog.borrow_mut().poll(document::now(), js_sys::Math::random());
        self.act(action);
    }

    fn act(self: &Rc<Self>, action: Option<Action>) {
        match action {
            Some(Action::Connect) => self.connect(),
            Some(Action::Disconnect) => self.disconnect(),
            None => {}
        }
        self.say_link();
    }

    fn say_link(&self) {
        let link = self.watchdog.borrow().link(document::now());
        if self.page.controls.with_untracked(|state| state.link != link) {
            self.page.controls.update(|state| state.link = link);
        }
    }

    fn disconnect(&self) {
        self.connection.borrow_mut().take();
    }

    fn connect(self: &Rc<Self>) {
        let mut url = "/api/v1/stream?events=sample".to_owned();
        if self.page.lists_processes() {
            url.push_str(",processes");
        }
        if let Some(last) = self.last.get() {
            url = format!("{url}&last_event_id={last}");
        }
        let Ok(source) = EventSource::new(&url) else { return self.fail() };
        let listeners = EventName::ALL.map(|name| self.listen(&source, name)).into();
        let (opened, failed) = (self.clone(), self.clone());
        let on_open = Closure::<dyn FnMut()>::new(move || {
            opened.watchdog.borrow_mut().opened(document::now());
            opened.say_link();
        });
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        let on_error = Closure::<dyn FnMut()>::new(move || failed.fail());
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let connection = Connection { source, _on_open: on_open, _on_error: on_error, _listeners: listeners };
        *self.connection.borrow_mut() = Some(connection);
    }

    /// An EventSource tries again by itself only sometimes, and never says when: this page decides.
    fn fail(self: &Rc<Self>) {
        self.watchdog.borrow_mut().failed(document::now(), js_sys::Math::random());
        self.say_link();
        // Dropped from a timer, because the closure that reports the failure belongs to the connection.
        let stream = self.clone();
        set_timeout(move || stream.disconnect_if_waiting(), std::time::Duration::ZERO);
    }

    fn disconnect_if_waiting(&self) {
        if self.watchdog.borrow().link(document::now()) != Link::Live {
            self.disconnect();
        }
    }

    fn listen(self: &Rc<Self>, source: &EventSource, name: EventName) -> Closure<dyn FnMut(MessageEvent)> {
        let stream = self.clone();
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| stream.heard(name, &event));
        // It fails only for an options object, and there is none.
        _ = source.add_event_listener_with_callback(name.as_str(), listener.as_ref().unchecked_ref());
        listener
    }

    fn heard(&self, name: EventName, event: &MessageEvent) {
        let now = document::now();
        self.watchdog.borrow_mut().heard(now);
        // An event that can't be read is a sign of life and nothing more.
        _ = event.data().as_string().and_then(|data| match name {
            EventName::Sample => self.take_sample(&data, event, now),
            _ => self.take(name, &Json::parse(&data)?, now),
        });
        self.say_link();
    }

    fn take_sample(&self, data: &str, event: &MessageEvent, now: i64) -> Option<()> {
        let sample = self.page.look_at_newest(|scene| scan::sample(data, &scene.catalog))?;
        self.watchdog.borrow_mut().sampled(sample.t, now);
        self.last.set(event.last_event_id().parse().ok().or(self.last.get()));
        self.page.change_history(|history| history.push(&sample));
        self.page.show_soon();
        Some(())
    }

    fn take(&self, name: EventName, data: &Json, now: i64) -> Option<()> {
        match name {
            EventName::Hello => self.greet(data)?,
            EventName::Catalog => self.change_catalog(json::catalog(data)?),
            EventName::Gap => {
                let gap = json::gap(data)?;
                self.page.change_history(|history| history.push_gap(gap));
            }
            EventName::Processes => self.page.show_processes(json::processes(data)?),
            EventName::Bye => self.watchdog.borrow_mut().goodbye(data.count_at("retry_ms")?, now),
            EventName::Ping | EventName::Sample => {}
        }
        Some(())
    }

    fn greet(&self, hello: &Json) -> Option<()> {
        let outdated = hello.field("page_build")?.text()? != *self.page.state.build;
        if self.page.controls.with_untracked(|state| state.outdated != outdated) {
            self.page.controls.update(|state| state.outdated = outdated);
        }
        self.change_catalog(json::catalog(&hello.field("catalog")?)?);
        Some(())
    }

    fn change_catalog(&self, catalog: Catalog) {
        if self.page.set_catalog(catalog) {
            show::renew(&self.page);
        }
    }

    /// Seen again: one redraw catches up with all that came meanwhile.
    fn caught_sight(self: &Rc<Self>) {
        self.page.return_to_newest();
        self.poll();
    }
}
