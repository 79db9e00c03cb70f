//! Where the browser draws: the places the server filled, found once, written only when what belongs
//! there has changed.

mod chart;
mod lists;
mod slot;

use super::parts;
use crate::chart::{Scene, XTick};
use crate::model::health::Headline;
use crate::model::{Family, Interval, ProcessTable, UnixMs};
use chart::ChartSurface;
use leptos::prelude::{document, window};
use lists::{DeviceSurface, ProcessSurface};
use slot::{Slot, StrokeSurface, Way, all, first, part};
use web_sys::Element;

/// In so many ticks the words of all charts are renewed, some in each; so are the charts that are out of sight.
const ROUND: usize = 10;
/// Every so often the server is asked about a trouble there is.
const TROUBLE_ROUND: Interval = Interval::SECOND.times(15);
/// So near to what is in sight, in pixels, a chart is drawn as if it were.
const MARGIN: f64 = 240.0;

/// All places of a page.
#[derive(Default)]
pub(super) struct Surfaces {
    tiles: Vec<TileSurface>,
    summary: Option<Slot>,
    views: Vec<View>,
    processes: Option<ProcessSurface>,
    waiting: Option<Element>,
    trouble: Option<Element>,
    /// Ticks drawn so far.
    turn: usize,
}

/// What is drawn only while it is in sight, or when its turn comes.
struct View {
    element: Element,
    /// The newest instant in what stands there.
    drawn: Option<UnixMs>,
    surface: Surface,
}

enum Surface {
    Spark(Headline, StrokeSurface),
    Chart(Box<ChartSurface>),
    Figure(FigureSurface),
    Devices(DeviceSurface),
}

struct TileSurface {
    headline: Headline,
    health: Slot,
    word: Slot,
    spoken: Slot,
    number: Slot,
    unit: Slot,
    detail: Slot,
}

struct FigureSurface {
    family: Family,
    dimension: usize,
    value: Slot,
    spark: StrokeSurface,
}

/// What of the page is in sight.
struct Sight {
    height: f64,
}

impl Sight {
    fn now() -> Self {
        Self { height: window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(f64::INFINITY) }
    }

    fn is_near(&self, element: &Element) -> bool {
        let bounds = element.get_bounding_client_rect();
        bounds.bottom() > -MARGIN && bounds.top() < self.height + MARGIN
    }
}

impl Surfaces {
    /// In a document that shows the scene as it is, or something else.
    pub(super) fn find(scene: &Scene, is_drawn: bool) -> Self {
        let mut surfaces = Self::default();
        let served = scene.span().filter(|_| is_drawn);
        let time_axis = if is_drawn { scene.time_axis() } else { Vec::new() };
        let drawn = scene.end.filter(|_| is_drawn);
        let Some(board) = document().get_element_by_id(parts::BOARD) else { return surfaces };
        for tile in all(&board, "[data-headline]") {
            let headline = tile.get_attribute("data-headline");
            if let Some(headline) = Headline::ALL.into_iter().find(|known| headline.as_deref() == Some(known.id())) {
                surfaces.tiles.push(TileSurface::find(&tile, headline));
                let surface = Surface::Spark(headline, StrokeSurface::find(&tile));
                surfaces.views.push(View { element: tile, drawn, surface });
            }
        }
        for figure in all(&board, "[data-family],[data-devices]") {
            let name = figure.get_attribute("data-family").unwrap_or_default();
            match scene.catalog.family(&name) {
                Some(family) if family.is_mixed() => {
                    for (dimension, row) in all(&figure, &part(parts::FIGURE)).enumerate() {
                        let surface = Surface::Figure(FigureSurface::find(&row, family, dimension));
                        surfaces.views.push(View { element: row, drawn, surface });
                    }
                }
                Some(family) => {
                    let chart = Box::new(ChartSurface::find(&figure, family, served, &time_axis));
                    surfaces.views.push(View { element: figure, drawn, surface: Surface::Chart(chart) });
                }
                None => {
                    if let Some(list) = DeviceSurface::find(&figure) {
                        surfaces.views.push(View { element: figure, drawn, surface: Surface::Devices(list) });
                    }
                }
            }
        }
        surfaces.summary = first(&board, &part(parts::SUMMARY)).map(|summary| Slot::new(Some(summary), Way::Text));
        surfaces.processes = ProcessSurface::find(&board);
        surfaces.trouble = first(&board, &part(parts::TROUBLE));
        surfaces.waiting = first(&board, &part(parts::WAITING));
        surfaces
    }

    /// Draws what is in sight, and a part of everything else; all of it when the picture changed as a whole.
    pub(super) fn draw(&mut self, scene: &Scene, is_whole: bool, with_charts: bool) {
        // Asked before anything is written, while the browser still knows the answers.
        let sight = Sight::now();
        let near: Vec<bool> = self.views.iter().map(|view| sight.is_near(&view.element)).collect();
        let turn = self.turn;
        self.turn += 1;
        let is_turn = |index: usize| is_whole || (turn + index).is_multiple_of(ROUND);
        // The headings tell of one and the same instant.
        for tile in &mut self.tiles {
            tile.draw(scene, is_turn(0));
        }
        if let Some(summary) = self.summary.as_mut().filter(|_| is_turn(0)) {
            summary.write(scene.summary());
        }
        // It goes when the picture changes anyway, so that nothing jumps for it.
        if let Some(waiting) = self.waiting.take_if(|_| is_whole && scene.end.is_some()) {
            waiting.remove();
        }
        let time_axis = scene.time_axis();
        for (index, (view, near)) in self.views.iter_mut().zip(near).enumerate() {
            let is_ours = with_charts || matches!(view.surface, Surface::Spark(..));
            if is_ours && (near || is_turn(index)) {
                view.draw(scene, &time_axis, is_turn(index), is_whole);
            }
        }
    }

    /// Whether it is time to ask the server why nothing is stored, or whether that is over.
    pub(super) fn is_troubled(&self, scene: &Scene, interval: Interval) -> bool {
        let is_said = |place: &Element| place.has_child_nodes() || scene.is_unsaved();
        let ticks = (TROUBLE_ROUND.ms() / interval.ms()).max(1);
        self.turn.is_multiple_of(ticks as usize) && self.trouble.as_ref().is_some_and(is_said)
    }

    /// After the viewer has scrolled: what came into sight since it was drawn.
    pub(super) fn catch_up(&mut self, scene: &Scene) {
        let (sight, time_axis) = (Sight::now(), scene.time_axis());
        for view in &mut self.views {
            if view.drawn != scene.end && sight.is_near(&view.element) {
                view.draw(scene, &time_axis, false, false);
            }
        }
    }

    /// Only what a moving crosshair changes.
    pub(super) fn point(&mut self, scene: &Scene) {
        for view in &mut self.views {
            match &mut view.surface {
                Surface::Spark(..) => {}
                Surface::Chart(chart) => chart.point(scene),
                Surface::Figure(figure) => figure.point(scene),
                Surface::Devices(devices) => devices.point(scene),
            }
        }
    }

    /// Forgets which devices stand in the lists.
    pub(super) fn forget_devices(&mut self) {
        for view in &mut self.views {
            if let Surface::Devices(devices) = &mut view.surface {
                devices.forget();
            }
        }
    }

    pub(super) fn lists_processes(&self) -> bool {
        self.processes.is_some()
    }

    pub(super) fn take_processes(&mut self, table: ProcessTable, scene: &Scene) {
        if let Some(processes) = &mut self.processes {
            processes.take(table, scene);
        }
    }

    pub(super) fn find_processes(&mut self, search: String, scene: &Scene) {
        if let Some(processes) = &mut self.processes {
            processes.find_by(search, scene);
        }
    }
}

impl View {
    fn draw(&mut self, scene: &Scene, time_axis: &[XTick], renew: bool, is_whole: bool) {
        self.drawn = scene.end;
        match &mut self.surface {
            Surface::Spark(headline, spark) => spark.draw(scene.tile_spark(*headline)),
            Surface::Chart(chart) => chart.draw(scene, time_axis, renew, is_whole),
            Surface::Figure(figure) => figure.draw(scene),
            Surface::Devices(devices) => devices.draw(scene, renew),
        }
    }
}

impl TileSurface {
    fn find(tile: &Element, headline: Headline) -> Self {
        Self {
            headline,
            word: Slot::find(tile, parts::HEALTH, Way::Text),
            spoken: Slot::find(tile, parts::SPOKEN, Way::Attribute("aria-label")),
            number: Slot::find(tile, parts::NUMBER, Way::Text),
            unit: Slot::find(tile, parts::UNIT, Way::Text),
            detail: Slot::find(tile, parts::DETAIL, Way::Text),
            health: Slot::new(Some(tile.clone()), Way::Attribute("data-health")),
        }
    }

    fn draw(&mut self, scene: &Scene, renew_words: bool) {
        let text = scene.tile(self.headline);
        if renew_words {
            self.spoken.write(scene.spoken(self.headline));
        }
        self.health.write(text.health.id().to_owned());
        self.word.write(text.health.word().to_owned());
        self.number.write(text.number);
        self.unit.write(text.unit.to_owned());
        self.detail.write(text.detail);
    }
}

impl FigureSurface {
    fn find(row: &Element, family: &Family, dimension: usize) -> Self {
        Self {
            value: Slot::find(row, parts::VALUE, Way::Text),
            spark: StrokeSurface::find(row),
            family: family.clone(),
            dimension,
        }
    }

    fn point(&mut self, scene: &Scene) {
        self.value.write(scene.figure_value(&self.family, self.dimension));
    }

    fn draw(&mut self, scene: &Scene) {
        self.point(scene);
        self.spark.draw(scene.figure_spark(&self.family, self.dimension));
    }
}
