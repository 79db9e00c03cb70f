//! One instant under all charts, found by pointer, touch or arrow keys; and stretches of time, drawn with the mouse.

use super::awake::Page;
use super::{document, keys, parts, show};
use crate::chart::{Place, cursor};
use crate::model::units::between;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, KeyboardEvent, MouseEvent, PointerEvent};

/// So many pixels a pointer moves at least for its way to be meant as a stretch.
const DRAGGED: f64 = 6.0;
const SVG: &str = "http://www.w3.org/2000/svg";

/// A stretch that is being drawn with the mouse.
struct Drag {
    plot: Element,
    /// What shows it, in the picture of the plot.
    mark: Element,
    begin: f64,
}

/// What pointers do over the plots.
#[derive(Default)]
struct Pointer {
    drag: RefCell<Option<Drag>>,
    /// Whether the crosshair stands where a pointer is.
    is_over: Cell<bool>,
}

/// Follows pointers and keys over any plot, also those that come later, and beside them.
pub(super) fn follow(page: &Rc<Page>) {
    let Some(everything) = leptos::prelude::document().document_element() else { return };
    let pointer = Rc::new(Pointer::default());
    for name in ["pointermove", "pointerdown", "pointerup", "pointercancel", "pointerleave", "dblclick"] {
        let (page, pointer) = (page.clone(), pointer.clone());
        document::on_event(&everything, name, move |event| pointer.take(&page, name, &event));
    }
    for name in ["scroll", "resize"] {
        let page = page.clone();
        document::on_event(&leptos::prelude::window(), name, move |_| page.catch_up());
    }
    let page = page.clone();
    document::on_event(&everything, "keydown", move |event| key(&page, &event));
}

fn plot(event: &Event) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(&format!(".{}", parts::PLOT)).ok().flatten()
}

/// Where in a plot an event is, from the left, as a share of its width.
fn share(plot: &Element, event: &MouseEvent) -> f64 {
    let bounds = plot.get_bounding_client_rect();
    (f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0)
}

impl Pointer {
    fn take(&self, page: &Rc<Page>, name: &str, event: &Event) {
        let Some(event) = event.dyn_ref::<MouseEvent>() else { return };
        let is_mouse = event.dyn_ref::<PointerEvent>().is_none_or(|event| event.pointer_type() == "mouse");
        match name {
            // A mouse that leaves takes the crosshair along; a finger leaves it where it was.
            "pointerleave" if is_mouse => self.point(page, None),
            "pointerleave" => {}
            // As the link does that leads there.
            "dblclick" => {
                if let Some(live) = plot(event).and_then(|_| keys::keyed("v")) {
                    live.click();
                }
            }
            "pointerup" => self.end(page, Some(event)),
            "pointercancel" => self.end(page, None),
            _ => {
                self.point(page, plot(event).map(|plot| (share(&plot, event), plot)));
                if name == "pointerdown" && is_mouse && event.button() == 0 {
                    self.begin(event);
                }
                // Let go where nobody could hear it.
                if event.buttons() == 0 {
                    self.end(page, None);
                }
                self.stretch(event);
            }
        }
    }

    /// The crosshair follows the pointer; beside the plots there is none, unless it was put there otherwise.
    fn point(&self, page: &Rc<Page>, at: Option<(f64, Element)>) {
        if self.is_over.replace(at.is_some()) || at.is_some() {
            let at = at.zip(page.look(|scene| scene.span()));
            page.point_at(at.map(|((share, _), span)| cursor::t_at(span, share, page.step())));
        }
    }

    fn begin(&self, event: &MouseEvent) {
        let Some(plot) = plot(event) else { return };
        let mark = leptos::prelude::document().create_element_ns(Some(SVG), "rect").ok();
        if let Some((mark, picture)) = mark.zip(plot.first_element_child()) {
            // Without its mark the stretch is chosen all the same.
            _ = mark.set_attribute("class", "stretch");
            _ = picture.append_child(&mark);
            *self.drag.borrow_mut() = Some(Drag { begin: share(&plot, event), plot, mark });
        }
    }

    fn stretch(&self, event: &MouseEvent) {
        if let Some(drag) = &*self.drag.borrow() {
            let (from, to) = drag.shares(event);
            _ = drag.mark.set_attribute("x", &Place::of(from).css());
            _ = drag.mark.set_attribute("width", &Place::of(to - from).css());
        }
    }

    /// All charts show what was stretched over; nothing where it was broken off.
    fn end(&self, page: &Rc<Page>, event: Option<&MouseEvent>) {
        let Some(drag) = self.drag.borrow_mut().take() else { return };
        drag.mark.remove();
        let Some((event, span)) = event.zip(page.look(|scene| scene.span())) else { return };
        let (from, to) = drag.shares(event);
        if (to - from) * drag.plot.get_bounding_client_rect().width() < DRAGGED {
            return;
        }
        let at = |share: f64| span.start().0 + (share * span.window.ms() as f64) as i64;
        show::stretch(page, (at(from) + at(to)) / 2, at(to) - at(from));
    }
}

impl Drag {
    /// Its ends, the left one first.
    fn shares(&self, event: &MouseEvent) -> (f64, f64) {
        let end = between(share(&self.plot, event), 0.0, 1.0);
        if end < self.begin { (end, self.begin) } else { (self.begin, end) }
    }
}

/// Arrow keys step tick by tick, with Shift by ten; Home and End go to the ends, Escape lets go.
fn key(page: &Rc<Page>, event: &Event) {
    let Some(event) = event.dyn_ref::<KeyboardEvent>().filter(|event| plot(event).is_some()) else { return };
    if keys::is_browsers(event) {
        return;
    }
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
    page.point_at(ticks.map(|ticks| cursor::step(span, here, ticks, page.step())));
}
