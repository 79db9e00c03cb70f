//! One instant under all charts: found by pointer, touch or arrow keys.

use super::live::Live;
use crate::chart::{Place, cursor};
use leptos::ev;
use leptos::prelude::*;
use leptos::web_sys::Element;

/// A pointer moved over a plot: the crosshair follows it.
pub fn follow(live: &Live, event: &ev::PointerEvent) {
    let Some(span) = live.span_untracked() else { return };
    let width = event_target::<Element>(event).client_width().max(1);
    let share = f64::from(event.offset_x()) / f64::from(width);
    live.cursor.set(Some(cursor::t_at(span, share, live.interval)));
}

/// A mouse that leaves takes the crosshair along; a finger leaves it where it was.
pub fn leave(live: &Live, event: &ev::PointerEvent) {
    if event.pointer_type() == "mouse" {
        live.cursor.set(None);
    }
}

/// A tap beside the plots lets the crosshair go.
pub fn let_go_outside(live: &Live, event: &ev::PointerEvent) {
    let on_plot = event_target::<Element>(event).closest(".plot").ok().flatten().is_some();
    if !on_plot && live.cursor.get_untracked().is_some() {
        live.cursor.set(None);
    }
}

/// Arrow keys step tick by tick, with Shift by ten; Home and End go to the ends, Escape lets go.
pub fn key(live: &Live, event: &ev::KeyboardEvent) {
    let Some(span) = live.span_untracked() else { return };
    let ticks = if event.shift_key() { 10 } else { 1 };
    let here = live.cursor.get_untracked().unwrap_or(span.end);
    let ticks = match event.key().as_str() {
        "ArrowLeft" => Some(-ticks),
        "ArrowRight" => Some(ticks),
        "Home" => Some(i64::MIN),
        "End" => Some(i64::MAX),
        "Escape" => None,
        _ => return,
    };
    event.prevent_default();
    live.cursor.set(ticks.map(|ticks| cursor::step(span, here, ticks, live.interval)));
}

/// Where the crosshair stands in a plot; `None` when it is not in view.
pub fn place(live: &Live) -> Option<Place> {
    let span = live.span()?;
    live.cursor.get().filter(|&at| span.contains(at)).map(|at| span.place(at))
}
