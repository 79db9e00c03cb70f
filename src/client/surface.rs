//! Where the browser draws: the places the server filled, found once, written only when what belongs
//! there has changed.

mod chart;
mod lists;
mod slot;

use super::parts;
use crate::chart::Scene;
use crate::model::health::Headline;
use crate::model::{Family, ProcessTable};
use chart::ChartSurface;
use leptos::prelude::{document, window};
use lists::{DeviceSurface, ProcessSurface};
use slot::{Slot, StrokeSurface, Way, all, first, part};
use web_sys::Element;

/// In so many ticks the words of all charts are renewed, some in each; so are the charts that are out of sight.
const ROUND: usize = 10;
/// So near to what is in sight, in pixels, a chart is drawn as if it were.
const MARGIN: f64 = 240.0;

/// All places of a page.
#[derive(Default)]
pub(super) struct Surfaces {
    charts: Vec<ChartSurface>,
    tiles: Vec<TileSurface>,
    summary: Option<Slot>,
    figures: Vec<FigureSurface>,
    devices: Vec<DeviceSurface>,
    processes: Option<ProcessSurface>,
    /// Ticks drawn so far.
    turn: usize,
}

struct TileSurface {
    headline: Headline,
    health: Slot,
    word: Slot,
    spoken: Slot,
    number: Slot,
    unit: Slot,
    detail: Slot,
    spark: StrokeSurface,
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
    /// In a document that shows the scene as it is.
    pub(super) fn find(scene: &Scene) -> Self {
        let mut surfaces = Self::default();
        let (served, time_axis) = (scene.span(), scene.time_axis());
        let Some(board) = document().get_element_by_id(parts::BOARD) else { return surfaces };
        for tile in all(&board, "[data-headline]") {
            let headline = tile.get_attribute("data-headline");
            if let Some(headline) = Headline::ALL.into_iter().find(|known| headline.as_deref() == Some(known.id())) {
                surfaces.tiles.push(TileSurface::find(tile, headline));
            }
        }
        for figure in all(&board, "[data-family]") {
            let name = figure.get_attribute("data-family").unwrap_or_default();
            let Some(family) = scene.catalog.family(&name) else { continue };
            if family.is_mixed() {
                let rows = all(&figure, &part(parts::FIGURE));
                surfaces.figures.extend(rows.enumerate().map(|(dimension, row)| FigureSurface {
                    family: family.clone(),
                    dimension,
                    value: Slot::find(&row, parts::VALUE, Way::Text),
                    spark: StrokeSurface::find(&row),
                }));
            } else {
                surfaces.charts.push(ChartSurface::find(&figure, family, served, &time_axis));
            }
        }
        surfaces.summary = first(&board, &part(parts::SUMMARY)).map(|summary| Slot::new(Some(summary), Way::Text));
        surfaces.devices = all(&board, "[data-devices]").filter_map(|list| DeviceSurface::find(&list)).collect();
        surfaces.processes = ProcessSurface::find(&board);
        surfaces
    }

    /// Draws what is in sight, and a part of everything else; all of it when the picture changed as a whole.
    pub(super) fn draw(&mut self, scene: &Scene, is_whole: bool) {
        // Asked before anything is written, while the browser still knows the answers.
        let sight = Sight::now();
        let near: Vec<bool> = self.charts.iter().map(|chart| sight.is_near(&chart.figure)).collect();
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
        let time_axis = scene.time_axis();
        for (index, (chart, near)) in self.charts.iter_mut().zip(near).enumerate() {
            if near || is_turn(index) {
                chart.draw(scene, &time_axis, is_turn(index));
            }
        }
        for figure in &mut self.figures {
            figure.draw(scene);
        }
        for (index, devices) in self.devices.iter_mut().enumerate() {
            devices.draw(scene, is_turn(index));
        }
    }

    /// After the viewer has scrolled: charts that came into sight since they were drawn.
    pub(super) fn catch_up(&mut self, scene: &Scene) {
        let (sight, time_axis) = (Sight::now(), scene.time_axis());
        for chart in &mut self.charts {
            if chart.drawn != scene.end && sight.is_near(&chart.figure) {
                chart.draw(scene, &time_axis, false);
            }
        }
    }

    /// Only what a moving crosshair changes.
    pub(super) fn point(&mut self, scene: &Scene) {
        for chart in &mut self.charts {
            chart.point(scene);
        }
        for figure in &mut self.figures {
            figure.value.write(scene.figure(&figure.family, figure.dimension).value);
        }
        for devices in &mut self.devices {
            devices.point(scene);
        }
    }

    pub(super) fn forget_devices(&mut self) {
        self.devices.iter_mut().for_each(DeviceSurface::forget);
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

impl TileSurface {
    fn find(tile: Element, headline: Headline) -> Self {
        Self {
            headline,
            word: Slot::find(&tile, parts::HEALTH, Way::Text),
            spoken: Slot::find(&tile, parts::SPOKEN, Way::Attribute("aria-label")),
            number: Slot::find(&tile, parts::NUMBER, Way::Text),
            unit: Slot::find(&tile, parts::UNIT, Way::Text),
            detail: Slot::find(&tile, parts::DETAIL, Way::Text),
            spark: StrokeSurface::find(&tile),
            health: Slot::new(Some(tile), Way::Attribute("data-health")),
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
        self.spark.draw(text.spark);
    }
}

impl FigureSurface {
    fn draw(&mut self, scene: &Scene) {
        let text = scene.figure(&self.family, self.dimension);
        self.value.write(text.value);
        self.spark.draw(text.spark);
    }
}
