//! What lives on a page, as signals: made by the server for one rendering, kept by the browser for good.

use super::page::{PageState, Theme, Zone};
use crate::chart::{Drawing, Span, Window};
use crate::model::{Catalog, Family, History, HostFacts, Interval, Link, UnixMs};
use leptos::prelude::*;
use std::sync::{Arc, PoisonError, RwLock};

/// A handle, cheap to clone; all islands of a page share one.
#[derive(Clone)]
pub struct Live {
    pub host: Arc<HostFacts>,
    pub interval: Interval,
    pub catalog: ArcRwSignal<Arc<Catalog>>,
    pub window: ArcRwSignal<Window>,
    pub zone: ArcRwSignal<Zone>,
    pub theme: ArcRwSignal<Theme>,
    pub link: ArcRwSignal<Link>,
    /// The newest tick that is drawn. Setting it is what redraws a page.
    pub shown: ArcRwSignal<Option<UnixMs>>,
    pub paused: ArcRwSignal<bool>,
    /// Whether the server has a newer page than this one.
    pub outdated: ArcRwSignal<bool>,
    /// The instant under the crosshair, common to all charts.
    pub cursor: ArcRwSignal<Option<UnixMs>>,
    history: Arc<RwLock<History>>,
}

impl Live {
    pub fn new(page: &PageState, history: History) -> Self {
        let shown = history.newest_tick();
        Self {
            host: page.host.clone(),
            interval: page.interval,
            catalog: ArcRwSignal::new(page.catalog.clone()),
            window: ArcRwSignal::new(page.window),
            zone: ArcRwSignal::new(page.zone.clone()),
            theme: ArcRwSignal::new(page.theme),
            link: ArcRwSignal::new(Link::Snapshot),
            shown: ArcRwSignal::new(shown),
            paused: ArcRwSignal::new(false),
            outdated: ArcRwSignal::new(false),
            cursor: ArcRwSignal::new(None),
            history: Arc::new(RwLock::new(history)),
        }
    }

    /// Looks at the history without waiting for it to change.
    pub fn history<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&self.history.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn update_history(&self, update: impl FnOnce(&mut History)) {
        update(&mut self.history.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The stretch of time all charts show; `None` before the first sample.
    pub fn span(&self) -> Option<Span> {
        let window = self.window.get();
        self.shown.get().map(|shown| Span::ending(shown, window))
    }

    pub fn span_untracked(&self) -> Option<Span> {
        self.shown.get_untracked().map(|shown| Span::ending(shown, self.window.get_untracked()))
    }

    /// A family drawn for the current span. Follows tick, window and zone.
    pub fn drawing(&self, family: &Family) -> Option<Drawing> {
        let span = self.span()?;
        let offset = self.zone.with(|zone| zone.offset_minutes);
        Some(self.history(|history| Drawing::of(family, history, span, offset)))
    }

    /// Draws up to the newest sample, unless the viewer has paused.
    pub fn show_newest(&self) {
        if !self.paused.get_untracked() {
            self.shown.set(self.history(History::newest_tick));
        }
    }

    pub fn toggle_pause(&self) {
        self.paused.update(|paused| *paused = !*paused);
        self.show_newest();
    }

    /// An instant as a clock shows it in the viewer's zone.
    pub fn clock(&self, t: UnixMs) -> String {
        self.zone.with(|zone| zone.clock(t))
    }
}
