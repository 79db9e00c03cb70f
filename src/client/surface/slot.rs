//! A place to write into, and what stands there.

pub(super) use super::super::document::all_within as all;
use super::parts;
use crate::chart::Stroke;
use wasm_bindgen::JsCast;
use web_sys::{Element, Node};

/// One place: how it is written, and what stands there as far as we wrote it.
pub(super) struct Slot {
    element: Option<Element>,
    way: Way,
    written: Option<String>,
}

#[derive(Clone, Copy)]
pub(super) enum Way {
    Attribute(&'static str),
    Text,
    Markup,
}

/// The line of a series and the area under it.
pub(super) struct StrokeSurface {
    line: Slot,
    area: Slot,
}

impl Slot {
    pub(super) fn new(element: Option<Element>, way: Way) -> Self {
        Self { element, way, written: None }
    }

    pub(super) fn find(within: &Element, name: &str, way: Way) -> Self {
        Self::new(first(within, &part(name)), way)
    }

    /// A place for more beside it, empty and without a name.
    fn another(&self) -> Self {
        let copy = self.element.as_ref().and_then(|element| {
            let copy: Element = element.clone_node().ok()?.dyn_into().ok()?;
            let Way::Attribute(name) = self.way else { return None };
            for name in ["data-part", "data-index", name] {
                copy.remove_attribute(name).ok()?;
            }
            element.after_with_node_1(&copy).ok()?;
            Some(copy)
        });
        Self { element: copy, way: self.way, written: Some(String::new()) }
    }

    /// Whether this is the text that stands there, whoever wrote it.
    pub(super) fn holds(&self, text: &str) -> bool {
        self.element.as_ref().and_then(|element| element.text_content()).is_some_and(|held| held == text)
    }

    pub(super) fn write(&mut self, text: String) {
        if self.written.as_ref() == Some(&text) {
            return;
        }
        if let Some(element) = &self.element {
            match self.way {
                // An element refuses only names that are no names.
                Way::Attribute(name) => _ = element.set_attribute(name, &text),
                Way::Text => set_text(element, &text),
                Way::Markup => element.set_inner_html(&text),
            }
        }
        self.written = Some(text);
    }
}

impl StrokeSurface {
    /// The only one within an element.
    pub(super) fn find(within: &Element) -> Self {
        Self::matching(within, "")
    }

    /// One of several.
    pub(super) fn find_nth(within: &Element, index: usize) -> Self {
        Self::matching(within, &format!("[data-index=\"{index}\"]"))
    }

    fn matching(within: &Element, selector: &str) -> Self {
        let [line, area] = [parts::LINE, parts::AREA]
            .map(|name| Slot::new(first(within, &(part(name) + selector)), Way::Attribute("d")));
        Self { line, area }
    }

    /// Another one of the same looks, right behind it in the document.
    pub(super) fn another(&self) -> Self {
        Self { line: self.line.another(), area: self.area.another() }
    }

    pub(super) fn draw(&mut self, stroke: Stroke) {
        self.line.write(stroke.line);
        self.area.write(stroke.area);
    }
}

/// Changes the text that is there: to put another in its place costs the browser several times as much.
fn set_text(element: &Element, text: &str) {
    match element.first_child().filter(|child| child.node_type() == Node::TEXT_NODE) {
        Some(child) => child.set_node_value(Some(text)),
        None => element.set_text_content(Some(text)),
    }
}

pub(super) fn write_all(slots: &mut [Slot], texts: Vec<String>) {
    for (slot, text) in slots.iter_mut().zip(texts) {
        slot.write(text);
    }
}

pub(super) fn part(name: &str) -> String {
    format!("[data-part=\"{name}\"]")
}

pub(super) fn first(within: &Element, selector: &str) -> Option<Element> {
    within.query_selector(selector).ok().flatten()
}
