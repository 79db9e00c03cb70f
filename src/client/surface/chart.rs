//! The places of one chart. Between two drawings of all of it, it grows.

use super::parts;
use super::slot::{Slot, StrokeSurface, Way, all, first, part, write_all};
use crate::chart::drawing::stroke_count;
use crate::chart::growth::{Growth, Settled};
use crate::chart::ticks::moved;
use crate::chart::{Scene, Span, Stroke, XTick, markup};
use crate::model::Family;
use web_sys::Element;

pub(super) struct ChartSurface {
    family: Family,
    strokes: Strokes,
    time_axis: TimeAxis,
    y_axis: Slot,
    gaps: Slot,
    gap_notes: Slot,
    values: Vec<Slot>,
    words: Slot,
    rows: Slot,
    table: Option<Element>,
    crosshair: [Slot; 3],
    instant: [Slot; 2],
    slider: [Slot; 2],
}

/// What was drawn as a whole, and beside it what has come since.
struct Strokes {
    whole: Vec<StrokeSurface>,
    /// Empty until something has come.
    since: Vec<StrokeSurface>,
    shift: Slot,
    /// What the server drew, until we have.
    served: Option<Span>,
    settled: Option<Settled>,
}

struct TimeAxis {
    labels: Slot,
    x: Slot,
    drawn: Vec<XTick>,
}

impl ChartSurface {
    /// With what the server drew of a span, and its time axis; without them all of it is drawn anew.
    pub(super) fn find(figure: &Element, family: &Family, served: Option<Span>, time_axis: &[XTick]) -> Self {
        let plot = first(figure, &format!(".{}", parts::PLOT));
        let crosshair = first(figure, &part(parts::CROSSHAIR));
        let instant = first(figure, &part(parts::INSTANT));
        Self {
            strokes: Strokes::find(figure, family, served),
            time_axis: TimeAxis::find(figure, time_axis),
            y_axis: Slot::find(figure, parts::Y_AXIS, Way::Markup),
            gaps: Slot::find(figure, parts::GAPS, Way::Attribute("d")),
            gap_notes: Slot::find(figure, parts::GAP_NOTES, Way::Markup),
            values: all(figure, &part(parts::VALUE)).map(|value| Slot::new(Some(value), Way::Text)).collect(),
            words: Slot::find(figure, parts::WORDS, Way::Text),
            rows: Slot::find(figure, parts::ROWS, Way::Markup),
            table: first(figure, "details"),
            crosshair: ["x1", "x2", "y2"].map(|name| Slot::new(crosshair.clone(), Way::Attribute(name))),
            instant: [Way::Attribute("x"), Way::Text].map(|way| Slot::new(instant.clone(), way)),
            slider: ["aria-valuenow", "aria-valuetext"].map(|name| Slot::new(plot.clone(), Way::Attribute(name))),
            family: family.clone(),
        }
    }

    /// Draws up to the scene's end; all of it and its words anew if asked to, and as a whole with its table.
    pub(super) fn draw(&mut self, scene: &Scene, time_axis: &[XTick], renew: bool, is_whole: bool) {
        let growth = if renew { None } else { self.strokes.growth(scene, &self.family, &self.y_axis) };
        match growth {
            Some(growth) => self.strokes.grow(growth),
            None => {
                let text = scene.chart(&self.family, &[]);
                self.strokes.draw(text.strokes, text.settled);
                self.gaps.write(text.gaps);
                self.gap_notes.write(text.gap_notes);
                self.y_axis.write(text.y_axis);
            }
        }
        self.time_axis.draw(time_axis);
        self.point(scene);
        if renew {
            self.words.write(scene.words(&self.family, &[]));
        }
        // A table that nobody has open is not renewed with every tick.
        if is_whole || self.table.as_ref().is_some_and(|table| table.has_attribute("open")) {
            self.rows.write(scene.table(&self.family));
        }
    }

    /// Only what a moving crosshair changes.
    pub(super) fn point(&mut self, scene: &Scene) {
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
        write_all(&mut self.values, scene.values(&self.family));
    }
}

impl Strokes {
    fn find(figure: &Element, family: &Family, served: Option<Span>) -> Self {
        Self {
            whole: (0..stroke_count(family)).map(|index| StrokeSurface::find_nth(figure, index)).collect(),
            since: Vec::new(),
            shift: Slot::find(figure, parts::MOVING, Way::Attribute("transform")),
            served,
            settled: None,
        }
    }

    /// What has come since all of it was drawn; `None` when it is to be drawn anew.
    fn growth(&mut self, scene: &Scene, family: &Family, y_axis: &Slot) -> Option<Growth> {
        if let Some(span) = self.served.take() {
            // The server may have drawn from samples that it had forgotten when it was asked for them.
            let is_same = |settled: &Settled| y_axis.holds(&settled.labels());
            self.settled = Settled::of(family, &scene.history, span).filter(is_same);
        }
        scene.growth(family, self.settled.as_ref()?)
    }

    fn grow(&mut self, growth: Growth) {
        if self.since.is_empty() {
            self.since = self.whole.iter().map(StrokeSurface::another).collect();
        }
        self.since.iter_mut().zip(growth.strokes).for_each(|(surface, stroke)| surface.draw(stroke));
        self.shift.write(format!("translate(-{})", growth.shift));
    }

    fn draw(&mut self, strokes: Vec<Stroke>, settled: Option<Settled>) {
        self.whole.iter_mut().zip(strokes).for_each(|(surface, stroke)| surface.draw(stroke));
        self.since.iter_mut().for_each(|surface| surface.draw(Stroke::default()));
        self.shift.write(String::new());
        self.served = None;
        self.settled = settled;
    }
}

impl TimeAxis {
    fn find(figure: &Element, drawn: &[XTick]) -> Self {
        Self {
            labels: Slot::find(figure, parts::X_AXIS, Way::Markup),
            x: Slot::find(figure, parts::X_AXIS, Way::Attribute("x")),
            drawn: drawn.to_vec(),
        }
    }

    /// The same labels only move.
    fn draw(&mut self, ticks: &[XTick]) {
        let x = moved(&self.drawn, ticks).unwrap_or_else(|| {
            self.labels.write(markup::x_axis(ticks));
            self.drawn = ticks.to_vec();
            "0".to_owned()
        });
        self.x.write(x);
    }
}
