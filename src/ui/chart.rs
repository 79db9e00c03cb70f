//! A chart: a figure with a title, a plot, a legend with values, a description in words and a table twin.

use super::live::parts;
use crate::chart::drawing::fills;
use crate::chart::scene::{ChartText, legend_label};
use crate::chart::{Bands, HEIGHT, Place, Scene, Stroke, WIDTH, heat, markup};
use crate::model::{Family, Unit, address};
use leptos::prelude::*;
use std::sync::Arc;

/// How many colours there are for series.
const COLOURS: usize = 8;

#[component]
pub fn Chart(
    family: Family,
    scene: Arc<Scene>,
    bands: Arc<Bands>,
    /// The part of an address that asks for the data of what is shown.
    data: String,
) -> impl IntoView {
    let bands = bands.get(&family.id).map_or(&[][..], Vec::as_slice);
    let text = scene.chart(&family, bands);
    let areas = scene.bands(&family, &text, bands);
    let id = format!("chart-{}", family.id);
    let (name, title, words) = (family.id.to_string(), format!("{id}-title"), format!("{id}-words"));
    view! {
        <figure class="chart" data-family=name aria-labelledby=title.clone()>
            <figcaption>
                <h3 id=title.clone()>{family.title.to_string()}</h3>
            </figcaption>
            <Plot family=family.clone() text bands=areas scene=scene.clone() described_by=words.clone() />
            <Legend family=family.clone() values=scene.values(&family) />
            <p class="visually-hidden" id=words.clone() data-part=parts::WORDS>{scene.words(&family, bands)}</p>
            <TableTwin rows=scene.table(&family) family=family.clone() />
            <Menu family data />
        </figure>
    }
}

/// The axes are drawn at the plot's own size; the series in a fixed box that is stretched over it, with a brim above and
/// below, for what moves is clipped and a line along the edge is not to be.
#[component]
fn Plot(
    family: Family,
    text: ChartText,
    /// Each with the dimension it is of.
    bands: Vec<(Option<usize>, String)>,
    scene: Arc<Scene>,
    described_by: String,
) -> impl IntoView {
    let label = format!("{}: instant", family.title);
    let heat = family.is_heat().then(|| view! { <Heat rows=heat::row_count(&family) strokes=text.strokes.clone() /> });
    let bands = bands
        .into_iter()
        .map(|(dimension, path)| {
            let class =
                dimension.map_or_else(|| "band".to_owned(), |dimension| format!("band {}", colour(&family, dimension)));
            view! { <path class=class d=path></path> }
        })
        .collect_view();
    let areas = in_order(&family)
        .filter(|&index| fills(&family, index))
        .map(|index| {
            let path = text.strokes.get(index).map(|stroke| stroke.area.clone());
            view! { <path class=format!("area {}", colour(&family, index)) data-part=parts::AREA data-index=index d=path></path> }
        })
        .collect_view();
    let lines = in_order(&family)
        .map(|index| {
            let path = text.strokes.get(index).map(|stroke| stroke.line.clone());
            view! { <path class=format!("line {}", colour(&family, index)) data-part=parts::LINE data-index=index d=path></path> }
        })
        .collect_view();
    let crosshair = scene.crosshair();
    let (x, now) = (crosshair.map(Place::css), crosshair.map_or(10_000, Place::permyriad));
    let (height, instant) = (if crosshair.is_some() { "100%" } else { "0" }, crosshair.map(|_| scene.instant()));
    view! {
        <div
            class=parts::PLOT
            role="slider"
            tabindex="0"
            aria-label=label
            aria-describedby=described_by
            aria-valuemin="0"
            aria-valuemax="10000"
            aria-valuenow=now
            aria-valuetext=scene.reading(&family)
        >
            <svg aria-hidden="true">
                <svg class="x" data-part=parts::X_AXIS inner_html=markup::x_axis(&scene.time_axis())></svg>
                <svg class="series" y="-2.5%" height="105%" viewBox=format!("0 -6 {WIDTH} {}", HEIGHT + 12) preserveAspectRatio="none">
                    <g data-part=parts::MOVING>
                        <path class="gaps" data-part=parts::GAPS d=text.gaps></path>
                        {areas}
                        {bands}
                        {lines}
                        <g class="notes" data-part=parts::GAP_NOTES inner_html=text.gap_notes></g>
                    </g>
                </svg>
                {heat}
                <g class="y" data-part=parts::Y_AXIS inner_html=text.y_axis></g>
                <line class="crosshair" data-part=parts::CROSSHAIR x1=x.clone() x2=x.clone() y2=height></line>
                <text class="instant" data-part=parts::INSTANT x=x y="-4">{instant}</text>
            </svg>
        </div>
    }
}

/// One path a level of heat, in a box whose unit is a row.
#[component]
fn Heat(rows: usize, strokes: Vec<Stroke>) -> impl IntoView {
    let levels = strokes
        .into_iter()
        .enumerate()
        .map(|(level, stroke)| {
            view! { <path class=format!("h{level}") data-part=parts::LINE data-index=level d=stroke.line></path> }
        })
        .collect_view();
    view! {
        <svg class="heat" viewBox=format!("0 -0.5 {WIDTH} {rows}") preserveAspectRatio="none">
            {levels}
        </svg>
    }
}

/// In a stack the lower line is drawn last: it wins where a dimension adds nothing.
fn in_order(family: &Family) -> impl Iterator<Item = usize> {
    // A map of heat has neither lines nor areas.
    let count = if family.is_heat() { 0 } else { family.dimensions.len() };
    let stacked = family.stacked;
    (0..count).map(move |index| if stacked { count - 1 - index } else { index })
}

/// The class of a series' colour; what is free in a stack stands back.
fn colour(family: &Family, index: usize) -> String {
    let free = family.stacked && family.dimensions.get(index).is_some_and(|dimension| &*dimension.id == "free");
    format!("s{}{}", index % COLOURS, if free { " free" } else { "" })
}

/// Each series with its colour, its name and its value.
#[component]
fn Legend(family: Family, values: Vec<String>) -> impl IntoView {
    let entries = values
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            view! {
                <li class=colour(&family, index)>
                    <span class="name">{legend_label(&family, index).to_owned()}</span>
                    <span class="value" data-part=parts::VALUE>{value}</span>
                </li>
            }
        })
        .collect_view();
    let class = match family.unit {
        _ if family.is_heat() => "legend of-heat",
        Unit::Percent => "legend percent",
        _ => "legend",
    };
    let shades = family.is_heat().then(|| view! { <Shades /> });
    view! { <ul class=class>{entries}{shades}</ul> }
}

/// What the shades of a map of heat mean.
#[component]
fn Shades() -> impl IntoView {
    let levels = (0..heat::LEVELS).map(|level| view! { <i class=format!("h{level}")></i> }).collect_view();
    view! { <li class="shades" aria-hidden="true">"low "{levels}" high"</li> }
}

/// What else can be had of a chart.
#[component]
fn Menu(family: Family, data: String) -> impl IntoView {
    let address = format!("api/v1/history?format=csv&points=10000&{data}&family={}", address::encoded(&family.id));
    view! {
        <details class="menu">
            <summary aria-label="Menu">"⋯"</summary>
            <a href=address download="">"Data as CSV"</a>
        </details>
    }
}

/// The chart's numbers as a table, for whoever reads rather than looks.
#[component]
fn TableTwin(family: Family, rows: String) -> impl IntoView {
    let count = if family.is_heat() { heat::SUMMARY.len() } else { family.dimensions.len() };
    let heads =
        (0..count).map(|index| view! { <th scope="col">{legend_label(&family, index).to_owned()}</th> }).collect_view();
    view! {
        <details class="twin">
            <summary>"Table"</summary>
            <div class="scroll" tabindex="0" role="group" aria-label="Table">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Time"</th>
                            {heads}
                            <th scope="col">"Note"</th>
                        </tr>
                    </thead>
                    <tbody data-part=parts::ROWS inner_html=rows></tbody>
                </table>
            </div>
        </details>
    }
}
