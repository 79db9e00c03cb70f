//! Other stretches of time: the server draws them, and this page takes over what it drew.

use super::awake::Page;
use super::document::{self, Fresh};
use super::{parts, samples};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent};

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
        let fresh = samples::text_of(&address).await.and_then(|text| Fresh::read(&text));
        if page.turn.get() != turn {
            return;
        }
        // Without an answer everything stays as it is; the state of the stream says why.
        let Some(fresh) = fresh else { return };
        let address = format!("?{}{}", fresh.state.query, fresh.state.address);
        let shown = page.address.replace(address.clone());
        if is_step {
            // An address that says nothing means what was chosen last, which is something else from now on.
            if !document::address().contains('?') {
                document::set_address(&shown, false);
            }
            document::set_address(&address, true);
        }
        fresh.take_over();
        page.take(fresh.state, turn).await;
    });
}

/// As `go`, for what is shown already: after some time, or when there are other families.
pub(super) fn renew(page: &Rc<Page>) {
    go(page, document::address(), false);
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
            // Not while somebody looks at an instant of it.
            while page.turn.get() == turn && (!document::is_visible() || page.has_cursor()) {
                samples::pause(1_000).await;
            }
            if page.turn.get() == turn {
                renew(&page);
            }
        });
    }
}

/// The heaviest processes at an instant, under the crosshair.
pub(super) async fn name_culprits(at: Option<i64>) {
    let words = match at {
        Some(at) => samples::text_of(&format!("/api/v1/processes?at={at}")).await,
        None => None,
    };
    let words = words.and_then(|text| super::json::Json::parse(&text)?.text_at("words")).unwrap_or_default();
    if let Some(place) = document::all(&format!("[data-part={}]", parts::CULPRITS)).next() {
        place.set_text_content(Some(&words));
    }
}
