//! What the charts show where that is not what came last: a stretch that the server drew, or what a pause holds.

use super::awake::{Page, scene};
use super::page::{PageState, Past};
use super::{samples, show};
use crate::chart::Scene;
use crate::model::{Catalog, History, Interval};
use leptos::prelude::*;
use std::rc::Rc;

pub(super) struct PastScene {
    pub(super) scene: Scene,
    pub(super) past: Past,
    /// Whether it is what a pause holds.
    is_held: bool,
}

/// What the charts of a page show that the server draws.
pub(super) async fn past_scene(state: &PageState) -> Option<PastScene> {
    let past = state.past?;
    let (catalog, history) = samples::past(state, past).await.unwrap_or((Catalog::default(), History::whole()));
    let scene = scene(catalog, history, state.window(), state);
    let scene = Scene { end: Some(past.end), is_past: past.is_fixed, cursor: state.at, ..scene };
    Some(PastScene { scene, past, is_held: false })
}

impl Page {
    /// At what the charts show.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Scene) -> T) -> T {
        match &*self.past.borrow() {
            Some(past) => look(&past.scene),
            None => look(&self.scene.borrow()),
        }
    }

    /// What the charts show, to be changed.
    pub(super) fn shown(&self, change: impl FnOnce(&mut Scene)) {
        let (mut past, mut live) = (self.past.borrow_mut(), self.scene.borrow_mut());
        change(past.as_mut().map_or(&mut *live, |past| &mut past.scene));
    }

    /// From one instant to the next that the crosshair stops at.
    pub(super) fn step(&self) -> Interval {
        self.past.borrow().as_ref().map_or(self.state.interval, |past| past.past.step)
    }

    /// The same, for a stretch that the server draws and that ends now.
    pub(super) fn moving_step(&self) -> Option<Interval> {
        self.past.borrow().as_ref().filter(|past| !past.past.is_fixed).map(|past| past.past.step)
    }

    /// What is shown stays, with words and tables of just that instant, however long the pause is and whatever comes
    /// meanwhile; after it the page goes on with that.
    pub(super) fn toggle_pause(self: &Rc<Self>) {
        let is_paused = self.controls.with_untracked(|controls| controls.paused);
        if !is_paused {
            self.hold();
        }
        self.controls.update(|controls| controls.paused = !is_paused);
        if is_paused {
            self.let_go();
        }
    }

    fn hold(self: &Rc<Self>) {
        self.return_to_newest();
        if self.past.borrow().is_none() {
            let scene = self.scene.borrow().clone();
            self.controls.update(|controls| controls.shown = scene.end);
            let past = Past { end: scene.end.unwrap_or_default(), step: self.state.interval, is_fixed: true };
            *self.past.borrow_mut() = Some(PastScene { scene, past, is_held: true });
        }
    }

    fn let_go(self: &Rc<Self>) {
        self.past.borrow_mut().take_if(|past| past.is_held);
        self.return_to_newest();
        show::renew_if_owed(self);
    }
}
