//! Where the browser draws: the places the server filled, found once, written only when what belongs
//! there has changed.

mod lists;
mod slot;

use super::parts;
use crate::chart::drawing::stroke_count;
use crate::chart::{Scene, Window};
use crate::model::health::Headline;
use crate::model::{Catalog, Family, Interval, ProcessTable, UnixMs};
use leptos::prelude::document;
use lists::{DeviceSurface, ProcessSurface};
use slot::{Slot, SparkSurface, Way, all, first, part, write_all};
use web_sys::Element;

/// A chart's words are renewed this seldom: nobody hears them change.
const RENEW_WORDS: Interval = Interval::SECOND.times(10);

/// All places of a page.
#[derive(Default)]
pub(super) struct Surfaces {
    charts: Vec<ChartSurface>,
    tiles: Vec<TileSurface>,
    summary: Option<Slot>,
    figures: Vec<FigureSurface>,
    devices: Vec<DeviceSurface>,
    processes: Option<ProcessSurface>,
    worded: Option<(UnixMs, Window)>,
}

struct ChartSurface {
    family: Family,
    lines: Vec<Slot>,
    areas: Vec<Slot>,
    values: Vec<Slot>,
    gaps: Slot,
    gap_notes: Slot,
    x_axis: Slot,
    y_axis: Slot,
    words: Slot,
    rows: Slot,
    table: Option<Element>,
    crosshair: [Slot; 3],
    instant: [Slot; 2],
    slider: [Slot; 2],
}

struct TileSurface {
    headline: Headline,
    health: Slot,
    word: Slot,
    spoken: Slot,
    number: Slot,
    unit: Slot,
    detail: Slot,
    spark: SparkSurface,
}

struct FigureSurface {
    family: Family,
    dimension: usize,
    value: Slot,
    spark: SparkSurface,
}

impl Surfaces {
    pub(super) fn find(catalog: &Catalog) -> Self {
        let mut surfaces = Self::default();
        let Some(board) = document().get_element_by_id(parts::BOARD) else { return surfaces };
        for tile in all(&board, "[data-headline]") {
            let headline = tile.get_attribute("data-headline");
            if let Some(headline) = Headline::ALL.into_iter().find(|known| headline.as_deref() == Some(known.id())) {
                surfaces.tiles.push(TileSurface::find(tile, headline));
            }
        }
        for figure in all(&board, "[data-family]") {
            let name = figure.get_attribute("data-family").unwrap_or_default();
            let Some(family) = catalog.family(&name) else { continue };
            if family.is_mixed() {
                let rows = all(&figure, &part(parts::FIGURE));
                surfaces.figures.extend(rows.enumerate().map(|(dimension, row)| FigureSurface {
                    family: family.clone(),
                    dimension,
                    value: Slot::find(&row, parts::VALUE, Way::Text),
                    spark: SparkSurface::find(&row),
                }));
            } else {
                surfaces.charts.push(ChartSurface::find(&figure, family));
            }
        }
        surfaces.summary = first(&board, &part(parts::SUMMARY)).map(|summary| Slot::new(Some(summary), Way::Text));
        surfaces.devices = all(&board, "[data-devices]").filter_map(|list| DeviceSurface::find(&list)).collect();
        surfaces.processes = ProcessSurface::find(&board);
        surfaces
    }

    pub(super) fn draw(&mut self, scene: &Scene) {
        let due = scene.end.map(|end| (end.floor_to(RENEW_WORDS), scene.window));
        let renew_words = due != self.worded;
        self.worded = due;
        for tile in &mut self.tiles {
            tile.draw(scene, renew_words);
        }
        if let Some(summary) = self.summary.as_mut().filter(|_| renew_words) {
            summary.write(scene.summary());
        }
        for chart in &mut self.charts {
            chart.draw(scene, renew_words);
        }
        for figure in &mut self.figures {
            figure.draw(scene);
        }
        for devices in &mut self.devices {
            devices.draw(scene, renew_words);
        }
    }

    /// Only what a moving crosshair changes.
    pub(super) fn point(&mut self, scene: &Scene) {
        for chart in &mut self.charts {
            chart.point(scene);
            write_all(&mut chart.values, scene.values_at_cursor(&chart.family));
        }
        for figure in &mut self.figures {
            figure.value.write(scene.figure(&figure.family, figure.dimension).value);
        }
        for devices in &mut self.devices {
            devices.point(scene);
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

impl ChartSurface {
    fn find(figure: &Element, family: &Family) -> Self {
        let plot = first(figure, &format!(".{}", parts::PLOT));
        let crosshair = first(figure, &part(parts::CROSSHAIR));
        let instant = first(figure, &part(parts::INSTANT));
        let series = |name| {
            (0..stroke_count(family))
                .map(|index| {
                    Slot::new(first(figure, &format!("{}[data-index=\"{index}\"]", part(name))), Way::Attribute("d"))
                })
                .collect()
        };
        Self {
            lines: series(parts::LINE),
            areas: series(parts::AREA),
            values: all(figure, &part(parts::VALUE)).map(|value| Slot::new(Some(value), Way::Text)).collect(),
            gaps: Slot::find(figure, parts::GAPS, Way::Attribute("d")),
            gap_notes: Slot::find(figure, parts::GAP_NOTES, Way::Markup),
            x_axis: Slot::find(figure, parts::X_AXIS, Way::Markup),
            y_axis: Slot::find(figure, parts::Y_AXIS, Way::Markup),
            words: Slot::find(figure, parts::WORDS, Way::Text),
            rows: Slot::find(figure, parts::ROWS, Way::Markup),
            table: first(figure, "details"),
            crosshair: ["x1", "x2", "y2"].map(|name| Slot::new(crosshair.clone(), Way::Attribute(name))),
            instant: [Way::Attribute("x"), Way::Text].map(|way| Slot::new(instant.clone(), way)),
            slider: ["aria-valuenow", "aria-valuetext"].map(|name| Slot::new(plot.clone(), Way::Attribute(name))),
            family: family.clone(),
        }
    }

    fn draw(&mut self, scene: &Scene, renew_words: bool) {
        let text = scene.chart(&self.family);
        for ((line, area), stroke) in self.lines.iter_mut().zip(&mut self.areas).zip(text.strokes) {
            line.write(stroke.line);
            area.write(stroke.area);
        }
        self.gaps.write(text.gaps);
        self.gap_notes.write(text.gap_notes);
        self.x_axis.write(text.x_axis);
        self.y_axis.write(text.y_axis);
        write_all(&mut self.values, text.values);
        self.point(scene);
        if renew_words {
            self.words.write(scene.words(&self.family));
        }
        // A table that nobody has open is not renewed.
        if self.table.as_ref().is_some_and(|table| table.has_attribute("open")) {
            self.rows.write(scene.table(&self.family));
        }
    }

    fn point(&mut self, scene: &Scene) {
        let place = scene.crosshair();
        let [x1, x2, y2] = &mut self.crosshair;
        let [x, time] = &mut self.instant;
        if let Some(place) = place {
            [x1, x2, x].into_iter().for_each(|x| x.write(place.css()));
        }
        time.write(scene.instant());
        // Without length it can't be seen.
        y2.write(if place.is_some() { "100%" } else { "0" }.to_owned());
        let [now, text] = &mut self.slider;
        now.write(place.map_or(10_000, |place| place.permyriad()).to_string());
        text.write(scene.reading(&self.family));
    }
}

impl TileSurface {
    fn find(tile: Element, headline: Headline) -> Self {
        Self {
            headline,
            word: Slot::find(&tile, parts::HEALTH, Way::Text),
            spoken: Slot::find(&tile, parts::SPOKEN, Way::Text),
            number: Slot::find(&tile, parts::NUMBER, Way::Text),
            unit: Slot::find(&tile, parts::UNIT, Way::Text),
            detail: Slot::find(&tile, parts::DETAIL, Way::Text),
            spark: SparkSurface::find(&tile),
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
