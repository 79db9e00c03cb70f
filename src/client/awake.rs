//! How a page comes to life: first the data the server rendered from, then the islands, then the stream.

use super::controls::{ControlState, Wish};
use super::page::{PageState, Zone};
use super::past::{PastScene, past_scene};
use super::surface::Surfaces;
use super::{crosshair, document, keys, parts, samples, search, show, stream};
use crate::chart::{Scene, Window};
use crate::model::link::Watchdog;
use crate::model::{Catalog, History, Interval, Link, ProcessTable, UnixMs};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// What the browser keeps: as much as the widest window shows, and a row before it.
pub(super) const KEEP: Interval = Interval::SECOND.times(620);

/// So long the crosshair stands still before it counts.
const REST_MS: u32 = 200;

thread_local! {
    static PAGE: RefCell<Option<Rc<Page>>> = const { RefCell::new(None) };
}

/// The living page: what is drawn, where, and the state behind the controls.
pub(super) struct Page {
    pub(super) state: PageState,
    pub(super) controls: ArcRwSignal<ControlState>,
    pub(super) watchdog: RefCell<Watchdog>,
    /// Of the newest samples.
    pub(super) scene: RefCell<Scene>,
    /// What the charts show where that is something else.
    pub(super) past: RefCell<Option<PastScene>>,
    surfaces: RefCell<Surfaces>,
    /// That shows the same again.
    pub(super) address: RefCell<String>,
    /// Counts what was asked to be shown.
    pub(super) turn: Cell<u32>,
    /// Whether somebody waits for what they asked to be shown.
    pub(super) is_awaited: Cell<bool>,
    /// Whether what is shown is to be renewed as soon as that can be.
    pub(super) is_owed: Cell<bool>,
    /// Whether the next picture is asked for.
    is_due: Cell<bool>,
}

/// Makes the browser's data equal to what the server rendered. The islands are woken after this, so
/// that their first render changes nothing.
#[wasm_bindgen]
pub async fn boot() -> Result<(), JsValue> {
    // People get no wasm for the words of a panic; whoever works on the page does.
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
    let state = document::page_state().ok_or("the page's state is missing")?;
    // Without an answer the stream brings the catalog, and the board is made anew.
    let catalog = samples::catalog().await.unwrap_or_default();
    let mut history = History::new(KEEP);
    history.set_catalog(&catalog);
    if let Some(last) = state.last {
        samples::fill(&mut history, &catalog, &state, last).await;
    }
    let window = if state.past.is_some() { Window::default() } else { state.window() };
    let live = scene(catalog, history, window, &state);
    let live = Scene { cursor: state.at.filter(|_| state.past.is_none()), ..live };
    let watchdog = Watchdog::new(state.interval, live.history.newest_tick(), document::now());
    let page = Page {
        watchdog: RefCell::new(watchdog),
        controls: ArcRwSignal::new(ControlState::new(&state, state.past.map(|past| past.end).or(live.end))),
        scene: RefCell::new(live),
        past: RefCell::new(past_scene(&state).await),
        surfaces: RefCell::new(Surfaces::default()),
        address: RefCell::new(format!("?{}{}", state.query, state.address)),
        turn: Cell::new(0),
        is_awaited: Cell::new(false),
        is_owed: Cell::new(false),
        is_due: Cell::new(false),
        state,
    };
    PAGE.with(|slot| *slot.borrow_mut() = Some(Rc::new(page)));
    Ok(())
}

pub(super) fn scene(catalog: Catalog, history: History, window: Window, state: &PageState) -> Scene {
    Scene::live(Arc::new(catalog), history, window, state.zone.offset_minutes)
}

/// The islands are awake: from here on the page moves, and tells times in the viewer's zone.
#[wasm_bindgen]
pub fn go_live(zone: &str, offset_minutes: i32, heard: &JsValue) {
    let Some(page) = page() else { return };
    page.take_zone(Zone { name: zone.into(), offset_minutes });
    crosshair::follow(&page);
    keys::follow();
    search::follow(&page);
    show::follow(&page);
    if page.scene.borrow().catalog.digest() != page.state.catalog {
        show::renew(&page);
    }
    stream::start(&page, heard);
}

/// The state behind the controls, once `boot` is through.
pub fn controls() -> Option<ArcRwSignal<ControlState>> {
    page().map(|page| page.controls.clone())
}

/// Does what the viewer asks for, and lets the next HTML know of it.
pub fn grant(wish: Wish) {
    let Some(page) = page() else { return };
    match wish {
        Wish::Theme(theme) => {
            page.controls.update(|controls| controls.theme = theme);
            document::keep_theme(theme);
        }
        Wish::TogglePause => page.toggle_pause(),
    }
}

/// Finds the places to draw into, as the server drew them.
pub fn attach_board() {
    if let Some(page) = page() {
        page.find_surfaces(true);
    }
}

pub(super) fn page() -> Option<Rc<Page>> {
    PAGE.with(|page| page.borrow().clone())
}

impl Page {
    /// Takes over what stands there if that is the scene; else draws all of it.
    pub(super) fn find_surfaces(self: &Rc<Self>, is_drawn: bool) {
        *self.surfaces.borrow_mut() = self.look(|scene| Surfaces::find(scene, is_drawn));
        if !is_drawn {
            self.return_to_newest();
        }
    }

    /// Whether the page lists processes.
    pub(super) fn lists_processes(&self) -> bool {
        self.surfaces.borrow().lists_processes()
    }

    pub(super) fn show_processes(&self, table: ProcessTable) {
        if !self.is_still() {
            self.surfaces.borrow_mut().take_processes(table, &self.scene.borrow());
        }
    }

    pub(super) fn find_processes(&self, search: String) {
        self.surfaces.borrow_mut().find_processes(search, &self.scene.borrow());
    }

    /// At the newest samples.
    pub(super) fn look_at_newest<T>(&self, look: impl FnOnce(&Scene) -> T) -> T {
        look(&self.scene.borrow())
    }

    /// The server has drawn something else: from now on this page is about that.
    pub(super) fn take(self: &Rc<Self>, state: &PageState, past: Option<PastScene>, is_other: bool) {
        let is_past = state.past.is_some_and(|past| past.is_fixed);
        self.controls.update(|controls| {
            controls.is_past = is_past;
            controls.paused &= !is_other;
            controls.shown = state.past.map(|past| past.end);
        });
        // Drawn anew, the same stretch keeps its crosshair.
        let kept = self.look(|scene| scene.cursor).filter(|_| !is_other);
        let is_drawn = past.is_some();
        *self.past.borrow_mut() = past;
        if !is_drawn {
            self.scene.borrow_mut().window = state.window();
        }
        self.shown(|scene| scene.cursor = state.at.or(kept));
        self.find_surfaces(is_drawn);
        self.look(|scene| self.surfaces.borrow_mut().point(scene));
        self.mean_crosshair();
        self.keep_up();
    }

    pub(super) fn change_history(&self, change: impl FnOnce(&mut History)) {
        change(&mut self.scene.borrow_mut().history);
    }

    /// New families have no place in the document yet: the server's next HTML has.
    pub(super) fn set_catalog(&self, catalog: Catalog) -> bool {
        let mut scene = self.scene.borrow_mut();
        if *scene.catalog == catalog {
            return false;
        }
        scene.history.set_catalog(&catalog);
        scene.catalog = Arc::new(catalog);
        self.surfaces.borrow_mut().forget_devices();
        true
    }

    /// Draws with the next picture of the browser: hundreds of missed samples that come at once are drawn once.
    pub(super) fn show_soon(self: &Rc<Self>) {
        if !self.is_due.replace(true) {
            let page = self.clone();
            request_animation_frame(move || {
                page.is_due.set(false);
                page.show_newest();
            });
        }
    }

    /// Draws up to the newest sample; not while the viewer has paused, and not while nobody looks.
    pub(super) fn show_newest(self: &Rc<Self>) {
        self.show_up_to_newest(false);
    }

    fn show_up_to_newest(self: &Rc<Self>, is_whole: bool) {
        if self.is_still() {
            return;
        }
        let end = {
            let mut scene = self.scene.borrow_mut();
            scene.end = scene.history.newest_tick();
            scene.end
        };
        // What the server draws stays as it is until that draws it anew.
        let is_ours = self.past.borrow().is_none();
        self.surfaces.borrow_mut().draw(&self.scene.borrow(), is_whole, is_ours);
        // Only a page that is not live says what instant it shows.
        if self.controls.with_untracked(|state| state.shown.is_none() || state.link != Link::Live) {
            self.controls.update(|state| state.shown = end);
        }
        // Time has carried it out of the window.
        if self.look(|scene| scene.cursor.is_some() && scene.crosshair().is_none()) {
            self.point_at(None);
        }
        let is_troubled = self.surfaces.borrow().is_troubled(&self.scene.borrow(), self.state.interval);
        if is_troubled {
            show::renew_trouble(self);
        }
    }

    /// After a pause, or out of sight: everything is old, words as well.
    pub(super) fn return_to_newest(self: &Rc<Self>) {
        self.show_up_to_newest(true);
    }

    /// While the viewer has paused, or nobody looks, nothing is drawn.
    pub(super) fn is_still(&self) -> bool {
        self.controls.with_untracked(|state| state.paused || state.is_past) || !document::is_visible()
    }

    /// From now on clocks show the viewer's time; a cookie makes the next HTML do so, too.
    fn take_zone(self: &Rc<Self>, zone: Zone) {
        document::keep_zone(&zone);
        if zone.offset_minutes != self.state.zone.offset_minutes {
            self.scene.borrow_mut().offset_minutes = zone.offset_minutes;
            self.controls.update(|state| state.offset_minutes = zone.offset_minutes);
            let is_past = self.past.borrow().is_some();
            if is_past {
                show::renew(self);
            } else {
                self.return_to_newest();
            }
        }
    }

    /// Draws what the viewer has scrolled to.
    pub(super) fn catch_up(&self) {
        if self.past.borrow().is_none() {
            self.surfaces.borrow_mut().catch_up(&self.scene.borrow());
        }
    }

    pub(super) fn point_at(self: &Rc<Self>, cursor: Option<UnixMs>) {
        if self.look(|scene| scene.cursor) == cursor {
            return;
        }
        self.shown(|scene| scene.cursor = cursor);
        self.look(|scene| self.surfaces.borrow_mut().point(scene));
        self.mean_crosshair();
    }

    /// What rests for a moment is meant: the address keeps it, and who was heaviest then is asked for.
    fn mean_crosshair(self: &Rc<Self>) {
        let (page, cursor) = (self.clone(), self.look(|scene| scene.cursor));
        spawn_local(async move {
            samples::pause(REST_MS).await;
            let is_here = || page.look(|scene| scene.cursor) == cursor;
            if is_here() {
                document::keep("at", cursor.map(|at| at.0.to_string()).as_deref());
                let words = match cursor {
                    Some(at) => show::culprits(at, page.step()).await,
                    None => None,
                };
                if is_here() {
                    document::say(parts::CULPRITS, words.as_deref());
                }
            }
        });
    }
}
