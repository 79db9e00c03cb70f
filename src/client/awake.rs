//! How a page comes to life: first the data the server rendered from, then the islands, then the stream.

use super::controls::{ControlState, Wish};
use super::page::{PageState, Zone};
use super::surface::Surfaces;
use super::{crosshair, document, keys, samples, search, stream};
use crate::chart::Scene;
use crate::model::{Catalog, History, Interval, Link, ProcessTable, UnixMs};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// What the browser keeps: as much as the widest window shows, and a row before it.
pub(super) const KEEP: Interval = Interval::SECOND.times(620);

thread_local! {
    static PAGE: RefCell<Option<Rc<Page>>> = const { RefCell::new(None) };
}

/// The living page: what is drawn, where, and the state behind the controls.
pub(super) struct Page {
    pub(super) state: PageState,
    pub(super) controls: ArcRwSignal<ControlState>,
    scene: RefCell<Scene>,
    surfaces: RefCell<Surfaces>,
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
    let end = history.newest_tick();
    let scene = Scene {
        catalog: Arc::new(catalog),
        history,
        end,
        window: state.window,
        offset_minutes: state.zone.offset_minutes,
        cursor: None,
    };
    let page = Page {
        controls: ArcRwSignal::new(ControlState::new(&state, end)),
        scene: RefCell::new(scene),
        surfaces: RefCell::new(Surfaces::default()),
        is_due: Cell::new(false),
        state,
    };
    PAGE.with(|slot| *slot.borrow_mut() = Some(Rc::new(page)));
    Ok(())
}

/// The islands are awake: from here on the page moves, and tells times in the viewer's zone.
#[wasm_bindgen]
pub fn go_live(zone: &str, offset_minutes: i32) {
    let Some(page) = page() else { return };
    page.take_zone(Zone { name: zone.into(), offset_minutes });
    crosshair::follow(&page);
    keys::follow();
    search::follow(&page);
    if page.look(|scene| scene.catalog.digest()) != page.state.catalog {
        spawn_local(document::renew_board(page.clone()));
    }
    stream::start(page);
}

/// The state behind the controls, once `boot` is through.
pub fn controls() -> Option<ArcRwSignal<ControlState>> {
    page().map(|page| page.controls.clone())
}

/// Does what the viewer asks for, and lets the next HTML know of it.
pub fn grant(wish: Wish) {
    let Some(page) = page() else { return };
    page.controls.update(|state| state.grant(wish));
    match wish {
        Wish::Theme(theme) => document::keep_theme(theme),
        Wish::TogglePause => page.return_to_newest(),
        Wish::Window(window) => {
            document::keep_window(window);
            page.scene.borrow_mut().window = window;
            page.redraw();
            spawn_local(samples::fetch_earlier(page));
        }
    }
}

/// Finds the places to draw into, as the server drew them.
pub fn attach_board() {
    if let Some(page) = page() {
        // Somebody may have asked for another window meanwhile.
        page.find_surfaces(page.look(|scene| scene.window == page.state.window));
    }
}

fn page() -> Option<Rc<Page>> {
    PAGE.with(|page| page.borrow().clone())
}

impl Page {
    /// Takes over what stands there if that is the scene; else draws all of it.
    pub(super) fn find_surfaces(&self, is_drawn: bool) {
        *self.surfaces.borrow_mut() = Surfaces::find(&self.scene.borrow(), is_drawn);
        if !is_drawn {
            self.redraw();
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

    pub(super) fn look<T>(&self, look: impl FnOnce(&Scene) -> T) -> T {
        look(&self.scene.borrow())
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
    pub(super) fn show_newest(&self) {
        self.show_up_to_newest(false);
    }

    fn show_up_to_newest(&self, is_whole: bool) {
        if self.is_still() {
            return;
        }
        let end = {
            let mut scene = self.scene.borrow_mut();
            scene.end = scene.history.newest_tick();
            scene.end
        };
        self.surfaces.borrow_mut().draw(&self.scene.borrow(), is_whole);
        // Only a page that is not live says what instant it shows.
        if self.controls.with_untracked(|state| state.shown.is_none() || state.link != Link::Live) {
            self.controls.update(|state| state.shown = end);
        }
    }

    /// After a pause, or out of sight: everything is old, words as well.
    pub(super) fn return_to_newest(&self) {
        self.show_up_to_newest(true);
    }

    /// While the viewer has paused, or nobody looks, nothing is drawn.
    fn is_still(&self) -> bool {
        self.controls.with_untracked(|state| state.paused) || !document::is_visible()
    }

    /// From now on clocks show the viewer's time; a cookie makes the next HTML do so, too.
    fn take_zone(&self, zone: Zone) {
        document::keep_zone(&zone);
        if zone != self.state.zone {
            self.scene.borrow_mut().offset_minutes = zone.offset_minutes;
            self.controls.update(|state| state.offset_minutes = zone.offset_minutes);
            self.redraw();
        }
    }

    /// Draws everything anew.
    pub(super) fn redraw(&self) {
        self.surfaces.borrow_mut().draw(&self.scene.borrow(), true);
    }

    /// Draws what the viewer has scrolled to.
    pub(super) fn catch_up(&self) {
        self.surfaces.borrow_mut().catch_up(&self.scene.borrow());
    }

    pub(super) fn point_at(&self, cursor: Option<UnixMs>) {
        {
            let mut scene = self.scene.borrow_mut();
            if scene.cursor == cursor {
                return;
            }
            scene.cursor = cursor;
        }
        self.surfaces.borrow_mut().point(&self.scene.borrow());
    }
}
