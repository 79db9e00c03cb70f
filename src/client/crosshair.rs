//! One instant under all charts: found by pointer, touch or arrow keys.

use super::awake::Page;
use super::{document, parts};
use crate::chart::cursor;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, KeyboardEvent, PointerEvent};

/// Follows pointers and keys over any plot, also those that come later, and beside them.
pub(super) fn follow(page: &Rc<Page>) {
    let Some(everything) = leptos::prelude::document().document_element() else { return };
    for name in ["pointermove", "pointerdown"] {
        let page = page.clone();
        document::on_event(&everything, name, move |event| point(&page, &event));
    }
    for name in ["scroll", "resize"] {
        let page = page.clone();
        document::on_event(&leptos::prelude::window(), name, move |_| page.catch_up());
    }
    let left = page.clone();
    document::on_event(&everything, "pointerleave", move |event| leave(&left, &event));
    let page = page.clone();
    document::on_event(&everything, "keydown", move |event| key(&page, &event));
}

fn plot(event: &Event) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(&format!(".{}", parts::PLOT)).ok().flatten()
}

/// The crosshair follows the pointer; beside the plots there is none.
fn point(page: &Page, event: &Event) {
    let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
    let at = plot(event).zip(page.look(|scene| scene.span())).map(|(plot, span)| {
        let bounds = plot.get_bounding_client_rect();
        let share = (f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0);
        cursor::t_at(span, share, page.state.interval)
    });
    page.point_at(at);
}

/// A mouse that leaves takes the crosshair along; a finger leaves it where it was.
fn leave(page: &Page, event: &Event) {
    if event.dyn_ref::<PointerEvent>().is_some_and(|event| event.pointer_type() == "mouse") {
        page.point_at(None);
    }
}

/// Arrow keys step tick by tick, with Shift by ten; Home and End go to the ends, Escape lets go.
fn key(page: &Page, event: &Event) {
    let Some(event) = event.dyn_ref::<KeyboardEvent>().filter(|event| plot(event).is_some()) else { return };
    let Some(span) = page.look(|scene| scene.span()) else { return };
    let stride = if event.shift_key() { 10 } else { 1 };
    let ticks = match event.key().as_str() {
        "ArrowLeft" => Some(-stride),
        "ArrowRight" => Some(stride),
        "Home" => Some(i64::MIN),
        "End" => Some(i64::MAX),
        // Without an instant to let go of, the key is somebody else's: an open sheet's.
        "Escape" if page.look(|scene| scene.cursor.is_none()) => return,
        "Escape" => None,
        _ => return,
    };
    event.prevent_default();
    let here = page.look(|scene| scene.cursor).unwrap_or(span.end);
    page.point_at(ticks.map(|ticks| cursor::step(span, here, ticks, page.state.interval)));
}
