//! Other stretches of time: the server draws them, and this page takes over what it drew.

use super::awake::Page;
use super::document::{self, Fresh};
use super::past::past_scene;
use super::{parts, samples};
use crate::chart::Window;
use crate::model::address::with;
use crate::model::{Interval, UnixMs};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent};

/// After this an answer that did not come is asked for again.
const RETRY_MS: u32 = 3_000;
const UNANSWERED: &str = "The server has no answer to that now: this is as it was.";

/// A stretch that ends now is drawn anew no more often than this, and no more seldom.
const REFRESH_MS: std::ops::RangeInclusive<i64> = 5_000..=300_000;

/// Who wants to see what an address leads to.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Why {
    /// Somebody, as a step that the browser can go back from.
    Step,
    /// Somebody who went back or forward.
    Return,
    /// Nobody: it is there already, and grows old.
    Renewal,
}

/// Follows the links that lead to other stretches, and the browser's steps back and forward.
pub(super) fn follow(page: &Rc<Page>) {
    let clicked = page.clone();
    document::on_event(&leptos::prelude::document(), "click", move |event| {
        let Some(event) = event.dyn_ref::<MouseEvent>() else { return };
        let is_plain = event.button() == 0 && !(event.ctrl_key() || event.meta_key() || event.shift_key());
        let link = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let link = link.and_then(|target| target.closest("a[data-show]").ok().flatten()).filter(|_| is_plain);
        let Some((link, address)) = link.and_then(|link| Some((link.clone(), link.get_attribute("href")?))) else {
            return;
        };
        event.prevent_default();
        // The crosshair may be somewhere else by now than where the server knows it.
        let at = clicked.look(|scene| scene.cursor.zip(scene.span()).filter(|_| scene.crosshair().is_some()));
        match at.filter(|_| link.get_attribute("data-key").as_deref() == Some(NEARER)) {
            Some((at, span)) => stretch(&clicked, at.0, span.window.ms() / 2),
            None => go(&clicked, address, Why::Step),
        }
    });
    let stepped = page.clone();
    document::on_event(&window(), "popstate", move |_| {
        let address = document::address();
        // A step within the page shows nothing else.
        if !address.contains('#') {
            go(&stepped, address, Why::Return);
        }
    });
    page.keep_up();
}

/// The key of the link that shows half as much.
const NEARER: &str = "i";

/// Shows so much around an instant; never less than the shortest window.
pub(super) fn stretch(page: &Rc<Page>, middle: i64, length: i64) {
    let half = length.max(Window::SHORTEST.ms()) / 2;
    go(page, format!("?{}from={}&to={}", page.state.query, middle - half, middle + half), Why::Step);
}

/// Shows what an address asks for. Whoever asks for something else meanwhile is shown that.
pub(super) fn go(page: &Rc<Page>, address: String, why: Why) {
    let is_renewal = why == Why::Renewal;
    if is_renewal && page.is_in_use() {
        return page.is_owed.set(true);
    }
    page.is_awaited.set(!is_renewal);
    let (page, turn) = (page.clone(), page.next_turn());
    spawn_local(async move {
        let asked = if is_renewal { again(&address) } else { address.clone() };
        // Somebody is shown what the server says instead, but what is there already is better than that.
        let answer = samples::text_of(&asked, !is_renewal).await;
        let is_ours = || page.turn.get() == turn;
        let Some(fresh) = answer.and_then(|text| Fresh::read(&text)) else {
            if is_ours() {
                document::say(parts::UNREAD, Some(UNANSWERED));
                if why == Why::Step {
                    // What was asked for with a click is asked for with another one.
                    page.settle();
                    page.keep_up();
                }
                samples::pause(RETRY_MS).await;
            }
            return match is_ours() {
                true if why == Why::Step => document::say(parts::UNREAD, None),
                true => go(&page, address, why),
                false => {}
            };
        };
        let past = past_scene(&fresh.state).await;
        if past.is_none() {
            samples::fetch_earlier(&page, fresh.state.window()).await;
        }
        if !is_ours() {
            return;
        }
        if is_renewal && page.is_in_use() {
            return page.is_owed.set(true);
        }
        let address = format!("?{}{}", fresh.state.query, fresh.state.address);
        let shown = page.address.replace(address.clone());
        if why == Why::Step {
            // An address that says nothing means what was chosen last, which is something else from now on.
            let at = page.look(|scene| scene.cursor.filter(|_| scene.is_past));
            document::set_address(&with(&shown, "at", at.map(|at| at.0.to_string()).as_deref()), false);
            document::set_address(&address, true);
        }
        fresh.take_over();
        page.take(&fresh.state, past, !is_renewal || shown != address);
        page.settle();
    });
}

/// As `go`, for what is shown already: after some time, or when there are other families.
pub(super) fn renew(page: &Rc<Page>) {
    go(page, page.address.borrow().clone(), Why::Renewal);
}

/// What could not be renewed, since somebody waited for something else or had paused, is renewed now.
pub(super) fn renew_if_owed(page: &Rc<Page>) {
    if page.is_owed.take() {
        renew(page);
    }
}

/// Asks the server why nothing is stored.
pub(super) fn renew_trouble(page: &Rc<Page>) {
    let address = again(&page.address.borrow());
    spawn_local(async move {
        if let Some(fresh) = samples::text_of(&address, false).await.and_then(|text| Fresh::read(&text)) {
            fresh.take_trouble();
        }
    });
}

/// The same address, for a page that does not choose what it shows.
fn again(address: &str) -> String {
    format!("{address}&again")
}

impl Page {
    fn next_turn(&self) -> u32 {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        turn
    }

    /// Whether somebody waits for something else, or wants all to stay as it is.
    fn is_in_use(&self) -> bool {
        self.is_awaited.get() || self.controls.with_untracked(|controls| controls.paused)
    }

    /// Nobody waits any more.
    fn settle(self: &Rc<Self>) {
        self.is_awaited.set(false);
        renew_if_owed(self);
    }

    /// A stretch that ends now is drawn anew when something new would be seen; not under somebody's hand.
    pub(super) fn keep_up(self: &Rc<Self>) {
        let Some(step) = self.moving_step() else { return };
        let (page, turn) = (self.clone(), self.turn.get());
        let pause = (step.ms() / 2).clamp(*REFRESH_MS.start(), *REFRESH_MS.end());
        spawn_local(async move {
            samples::pause(pause as u32).await;
            while page.turn.get() == turn && (page.is_still() || document::all(".stretch").next().is_some()) {
                samples::pause(1_000).await;
            }
            if page.turn.get() == turn {
                renew(&page);
            }
        });
    }
}

/// The heaviest processes at an instant that stands for so much time before it, in words.
pub(super) async fn culprits(at: UnixMs, over: Interval) -> Option<String> {
    let address = format!("api/v1/processes?at={}&over={}ms", at.0, over.ms());
    super::json::Json::parse(&samples::text_of(&address, false).await?)?.text_at("words")
}
