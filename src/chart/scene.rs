//! All that a page draws, as text ready to be put into it: the server writes it into the HTML, the browser
//! into the same places of the document.

use super::drawing::stroke_count;
use super::growth::{Growth, Settled};
use super::spark::spark;
use super::ticks::{stamp, time_ticks};
use super::{Band, Drawing, Place, Scale, Span, Stroke, Table, Window, XTick, band, cursor, heat, markup, words};
use crate::model::health::{Headline, Health, Look};
use crate::model::series::Series;
use crate::model::{Catalog, Family, History, Unit, UnixMs, units};
use std::sync::Arc;

/// What there is to draw, and how much of it is looked at.
#[derive(Clone, Debug)]
pub struct Scene {
    pub catalog: Arc<Catalog>,
    pub history: History,
    /// The newest instant shown; `None` before the first sample.
    pub end: Option<UnixMs>,
    pub window: Window,
    /// Whether it is a stretch of the past that stays where it is.
    pub is_past: bool,
    /// How far the viewer's clock is ahead of UTC.
    pub offset_minutes: i32,
    /// The instant under the crosshair.
    pub cursor: Option<UnixMs>,
}

/// A chart but for its time axis and its values, which are renewed more often, and its words and its table, which are less.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartText {
    /// One a dimension, or one a level of heat.
    pub strokes: Vec<Stroke>,
    /// The path of what is hatched.
    pub gaps: String,
    pub gap_notes: String,
    pub y_axis: String,
    pub scale: Option<Scale>,
    /// What the strokes show, so that what comes next may be drawn beside them.
    pub settled: Option<Settled>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TileText {
    pub number: String,
    pub unit: &'static str,
    pub detail: String,
    pub health: Health,
}

impl Scene {
    /// Of the newest samples, without a crosshair.
    pub fn live(catalog: Arc<Catalog>, history: History, window: Window, offset_minutes: i32) -> Self {
        let end = history.newest_tick();
        Self { catalog, history, end, window, is_past: false, offset_minutes, cursor: None }
    }

    pub fn span(&self) -> Option<Span> {
        self.end.map(|end| Span { end, window: self.window, is_past: self.is_past })
    }

    /// Where points stand for more than one sample, `bands` say how far those went.
    pub fn chart(&self, family: &Family, bands: &[Band]) -> ChartText {
        let Some(span) = self.span() else {
            return ChartText { strokes: vec![Stroke::default(); stroke_count(family)], ..ChartText::default() };
        };
        let drawing = Drawing::of(family, &self.history, span, self.offset_minutes, band::top(bands));
        ChartText {
            gap_notes: markup::gap_notes(&drawing.gap_notes),
            y_axis: markup::y_axis(&drawing.y_ticks),
            gaps: drawing.gaps,
            strokes: drawing.strokes,
            scale: Some(drawing.scale),
            settled: drawing.settled,
        }
    }

    /// The areas behind a chart's lines, each with the dimension it is of.
    pub fn bands(&self, family: &Family, text: &ChartText, bands: &[Band]) -> Vec<(Option<usize>, String)> {
        let Some((span, scale)) = self.span().zip(text.scale) else { return Vec::new() };
        bands.iter().map(|band| (band.dimension, band.path(span, &scale, family.interval_ms))).collect()
    }

    /// The labels of the time axis, which all charts share.
    pub fn time_axis(&self) -> Vec<XTick> {
        self.span().map(|span| time_ticks(span, self.offset_minutes)).unwrap_or_default()
    }

    /// What has come since a chart was drawn; `None` when it is to be drawn anew.
    pub fn growth(&self, family: &Family, settled: &Settled) -> Option<Growth> {
        settled.grow(family, &self.history, self.span()?)
    }

    /// As the legend has them: the newest, or those under the crosshair.
    pub fn values(&self, family: &Family) -> Vec<String> {
        let values = self.instant_shown().map(|at| cursor::values_at(family, &self.history, at));
        legend(family, &values.unwrap_or_default())
    }

    /// The chart in words, for whoever hears it.
    pub fn words(&self, family: &Family, bands: &[Band]) -> String {
        match self.span() {
            Some(span) => words::describe(family, &self.history, bands, span, self.offset_minutes),
            None => "No sample yet.".to_owned(),
        }
    }

    /// The rows of the chart's table.
    pub fn table(&self, family: &Family) -> String {
        self.span()
            .map(|span| markup::table_rows(&Table::of(family, &self.history, span, self.offset_minutes)))
            .unwrap_or_default()
    }

    pub fn tile(&self, headline: Headline) -> TileText {
        let reading = headline.read(&self.look());
        TileText {
            number: reading.value.number,
            unit: reading.value.unit,
            detail: reading.detail,
            health: reading.health,
        }
    }

    pub fn tile_spark(&self, headline: Headline) -> Stroke {
        let Some(span) = self.span() else { return Stroke::default() };
        let unit = headline.unit();
        // A percentage is drawn against the whole, so that an idle machine looks idle.
        let top = (unit == Unit::Percent).then_some(100.0);
        spark(&headline.course(&self.look()), span, unit, top)
    }

    fn look(&self) -> Look<'_> {
        let (from, at) = self.span().map(|span| (span.start(), span.end)).unwrap_or_default();
        Look { catalog: &self.catalog, history: &self.history, from, at }
    }

    /// What a headline's heading says to whoever goes through the headings.
    pub fn spoken(&self, headline: Headline) -> String {
        let reading = headline.read(&self.look());
        match reading.health {
            Health::Unknown => format!("{}: {}", headline.title(), reading.health.word()),
            health => format!("{}: {}, {}", headline.title(), reading.value.text(), health.word()),
        }
    }

    /// How the machine is, in a sentence.
    pub fn summary(&self) -> String {
        let mut troubles = String::new();
        for headline in Headline::ALL.into_iter().filter(|headline| headline.exists(&self.catalog)) {
            let health = headline.read(&self.look()).health;
            if health != Health::Good {
                let between = if troubles.is_empty() { "" } else { ", " };
                troubles = format!("{troubles}{between}{} {}", headline.title(), health.word());
            }
        }
        match self.end {
            None => "State of the machine: no data yet".to_owned(),
            Some(_) if troubles.is_empty() => "State of the machine: all is well".to_owned(),
            Some(_) => format!("State of the machine: {troubles}"),
        }
    }

    /// Whether nothing has been stored for a while.
    pub fn is_unsaved(&self) -> bool {
        /// Samples wait for some seconds anyway.
        const USUAL_MS: f64 = 15_000.0;
        let unsaved =
            Series::resolve("self.history.unsaved", &self.catalog).and_then(|series| series.newest(&self.history));
        unsaved > Some(USUAL_MS)
    }

    /// One dimension of a family whose dimensions count different things.
    pub fn figure_value(&self, family: &Family, dimension: usize) -> String {
        let value =
            Series::nth(family, dimension).zip(self.instant_shown()).map(|(series, at)| series.at(&self.history, at));
        units::show(family.unit_of(dimension), value.flatten()).text()
    }

    /// The course of it.
    pub fn figure_spark(&self, family: &Family, dimension: usize) -> Stroke {
        let Some((series, span)) = Series::nth(family, dimension).zip(self.span()) else { return Stroke::default() };
        spark(&series.points(&self.history, span.start()), span, series.unit, None)
    }

    /// Where the crosshair stands; `None` when it is not in view.
    pub fn crosshair(&self) -> Option<Place> {
        self.span().zip(self.cursor_in_view()).map(|(span, cursor)| span.place(cursor))
    }

    /// The time at the crosshair; empty when it is not in view.
    pub fn instant(&self) -> String {
        self.span()
            .zip(self.cursor_in_view())
            .map(|(span, at)| stamp(at, span, self.offset_minutes))
            .unwrap_or_default()
    }

    /// The instant that figures are read at: the crosshair's, or the newest.
    pub(super) fn instant_shown(&self) -> Option<UnixMs> {
        self.cursor_in_view().or(self.end)
    }

    /// A crosshair that time has carried out of the span reads nothing any more.
    fn cursor_in_view(&self) -> Option<UnixMs> {
        let span = self.span()?;
        self.cursor.filter(|&cursor| span.contains(cursor))
    }

    /// What the crosshair reads in a chart, in words. Silent while there is none: ticks are never announced.
    pub fn reading(&self, family: &Family) -> String {
        if self.cursor_in_view().is_none() {
            return "at the end; arrow keys choose an earlier instant".to_owned();
        }
        let mut reading = self.instant();
        for (index, value) in self.values(family).into_iter().enumerate() {
            reading.push_str(", ");
            reading.push_str(legend_label(family, index));
            reading.push(' ');
            reading.push_str(&value);
        }
        reading
    }
}

/// The values as the legend shows them: one a dimension, or those of a map of heat.
pub(super) fn legend(family: &Family, values: &[Option<f64>]) -> Vec<String> {
    if family.is_heat() {
        return heat::summary(family, values);
    }
    (0..family.dimensions.len())
        .map(|index| units::show(family.unit, values.get(index).copied().flatten()).text())
        .collect()
}

/// What stands beside a value in the legend.
pub fn legend_label(family: &Family, index: usize) -> &str {
    if family.is_heat() {
        heat::SUMMARY.get(index).copied().unwrap_or_default()
    } else {
        family.dimensions.get(index).map(|dimension| &*dimension.label).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::fixture;
    use crate::model::{Interval, Sample};

    fn scene() -> Result<Scene, serde_json::Error> {
        let family =
            Family::new("load", "Load", Unit::Count, Interval::SECOND, &[("load1", "1 min"), ("load5", "5 min")]);
        let catalog = Arc::new(Catalog(vec![family]));
        let mut history = History::new(Interval::MINUTE);
        history.set_catalog(&catalog);
        for second in 1..=30 {
            let sample: Sample = serde_json::from_str(&format!(r#"{{"t":{second}000,"load":[{second},null]}}"#))?;
            history.push(&sample);
        }
        Ok(fixture::scene(catalog, history))
    }

    #[test]
    fn a_legend_shows_the_newest_value_or_the_one_under_the_crosshair() -> Result<(), serde_json::Error> {
        let mut scene = scene()?;
        let family = scene.catalog.0[0].clone();
        assert_eq!(scene.values(&family), ["30.0", "–"]);
        scene.cursor = Some(UnixMs(7_000));
        assert_eq!(scene.values(&family), ["7.00", "–"]);
        assert_eq!(scene.reading(&family), "00:00:07, 1 min 7.00, 5 min –");
        assert!(scene.crosshair().is_some());
        assert_eq!(scene.instant(), "00:00:07");
        scene.cursor = Some(UnixMs(500_000));
        assert_eq!((scene.crosshair(), &*scene.instant()), (None, ""));
        assert_eq!(scene.values(&family), ["30.0", "–"], "a crosshair out of view reads nothing");
        Ok(())
    }

    #[test]
    fn a_tile_shows_the_instant_that_is_drawn() -> Result<(), serde_json::Error> {
        let mut scene = scene()?;
        let family = Family::new("cpu", "CPU", Unit::Percent, Interval::SECOND, &[("user", "user")]);
        scene.catalog = Arc::new(Catalog(vec![family]));
        scene.history.set_catalog(&scene.catalog);
        for second in 31..=40 {
            let sample: Sample = serde_json::from_str(&format!(r#"{{"t":{second}000,"cpu":[{second}]}}"#))?;
            scene.history.push(&sample);
        }
        scene.end = Some(UnixMs(35_000));
        assert_eq!(scene.tile(Headline::Cpu).number, "35.0");
        Ok(())
    }

    #[test]
    fn before_the_first_sample_there_is_a_place_for_everything() -> Result<(), serde_json::Error> {
        let scene = Scene { end: None, ..scene()? };
        let family = &scene.catalog.0[0];
        assert_eq!(
            (scene.chart(family, &[]).strokes.len(), scene.values(family)),
            (2, vec!["–".to_owned(), "–".to_owned()])
        );
        assert_eq!(scene.words(&scene.catalog.0[0], &[]), "No sample yet.");
        Ok(())
    }
}
