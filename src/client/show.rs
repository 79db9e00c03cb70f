//! Other stretches of time: the server draws them, and this page takes over what it drew.

use super::awake::{Page, past_scene};
use super::document::{self, Fresh};
use super::{parts, samples};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent};

/// After this an answer that did not come is asked for again.
const RETRY_MS: u32 = 2_000;

/// A stretch that ends now is drawn anew no more often than this, and no more seldom.
const REFRESH_MS: std::ops::RangeInclusive<i64> = 5_000..=300_000;

/// Follows the links that lead to other stretches, and the browser's steps back and forward.
pub(super) fn follow(page: &Rc<Page>) {
    let clicked = page.clone();
    document::on_event(&leptos::prelude::document(), "click", move |event| {
        let Some(event) = event.dyn_ref::<MouseEvent>() else { return };
        let is_plain = event.button() == 0 && !(event.ctrl_key() || event.meta_key() || event.shift_key());
        let link = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let link = link.and_then(|target| target.closest("a[data-show]").ok().flatten());
        if let Some(address) = link.filter(|_| is_plain).and_then(|link| link.get_attribute("href")) {
            event.prevent_default();
            go(&clicked, address, true);
        }
    });
    let stepped = page.clone();
    document::on_event(&window(), "popstate", move |_| go(&stepped, document::address(), false));
    page.keep_up();
}

/// Shows what an address asks for. Whoever asks for something else meanwhile is shown that.
pub(super) fn go(page: &Rc<Page>, address: String, is_step: bool) {
    let (page, turn) = (page.clone(), page.next_turn());
    spawn_local(async move {
        let Some(fresh) = samples::text_of(&address).await.and_then(|text| Fresh::read(&text)) else {
            // Everything stays as it is, and the state of the stream says why; what was not asked for is tried again.
            samples::pause(RETRY_MS).await;
            return match page.turn.get() == turn {
                true if is_step => page.keep_up(),
                true => go(&page, address, false),
                false => {}
            };
        };
        let past = past_scene(&fresh.state).await;
        if page.turn.get() != turn {
            return;
        }
        let address = format!("?{}{}", fresh.state.query, fresh.state.address);
        let shown = page.address.replace(address.clone());
        if is_step {
            // An address that says nothing means what was chosen last, which is something else from now on.
            document::set_address(&shown, false);
            document::set_address(&address, true);
        }
        fresh.take_over();
        page.take(&fresh.state, past, shown != address).await;
    });
}

/// As `go`, for what is shown already: after some time, or when there are other families.
pub(super) fn renew(page: &Rc<Page>) {
    go(page, page.address.borrow().clone(), false);
}

impl Page {
    fn next_turn(&self) -> u32 {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        turn
    }

    /// A stretch that ends now is drawn anew when something new would be seen.
    pub(super) fn keep_up(self: &Rc<Self>) {
        let Some(step) = self.moving_step() else { return };
        let (page, turn) = (self.clone(), self.turn.get());
        let pause = (step.ms() / 2).clamp(*REFRESH_MS.start(), *REFRESH_MS.end());
        spawn_local(async move {
            samples::pause(pause as u32).await;
            while page.turn.get() == turn && page.is_still() {
                samples::pause(1_000).await;
            }
            if page.turn.get() == turn {
                renew(&page);
            }
        });
    }
}

/// The heaviest processes at an instant, in words.
pub(super) async fn culprits(at: i64) -> Option<String> {
    let text = samples::text_of(&format!("/api/v1/processes?at={at}")).await?;
    super::json::Json::parse(&text)?.text_at("words")
}

/// Under the crosshair.
pub(super) fn name_culprits(words: Option<String>) {
    if let Some(place) = document::all(&format!("[data-part={}]", parts::CULPRITS)).next() {
        place.set_text_content(words.as_deref());
    }
}
