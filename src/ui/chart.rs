//! A chart: a figure with a title, a plot, a legend with values, a description in words and a table twin.

use super::crosshair;
use super::live::{Live, Zone};
use crate::chart::{Drawing, GapNote, HEIGHT, Place, Stroke, Table, WIDTH, Window, XTick, YTick, cursor, words};
use crate::model::{Family, Interval, UnixMs, units};
use leptos::prelude::*;

/// How many colours there are for series.
const COLOURS: usize = 8;

#[component]
pub fn Chart(family: Family, live: Live) -> impl IntoView {
    let drawing = {
        let (family, live) = (family.clone(), live.clone());
        Memo::new(move |_| live.drawing(&family))
    };
    let id = format!("chart-{}", family.id);
    let (name, title_id) = (family.id.to_string(), format!("{id}-title"));
    let unit = family.unit.prefix(0.0).unit;
    view! {
        <figure class="chart" data-family=name aria-labelledby=title_id.clone()>
            <figcaption>
                <h3 id=title_id.clone()>{family.title.to_string()}</h3>
                <span class="unit" hidden=unit.is_empty()>{unit}</span>
            </figcaption>
            <Plot family=family.clone() live=live.clone() drawing id=id.clone() />
            <Legend family=family.clone() live=live.clone() drawing />
            <Words family=family.clone() live=live.clone() id />
            <TableTwin family live />
        </figure>
    }
}

#[component]
fn Plot(family: Family, live: Live, drawing: Memo<Option<Drawing>>, id: String) -> impl IntoView {
    let reading = at_cursor(&family, &live);
    let follow = {
        let live = live.clone();
        move |event: leptos::ev::PointerEvent| crosshair::follow(&live, &event)
    };
    let gaps = move || drawing.with(|drawing| drawing.as_ref().map(|drawing| drawing.gaps.clone()).unwrap_or_default());
    // In a stack the lower line wins where a dimension adds nothing.
    let order: Vec<usize> = match family.stacked {
        true => (0..family.dimensions.len()).rev().collect(),
        false => (0..family.dimensions.len()).collect(),
    };
    let (touch, leave, key) = (follow.clone(), live.clone(), live.clone());
    let at = {
        let live = live.clone();
        Memo::new(move |_| crosshair::place(&live))
    };
    view! {
        <div
            class="plot"
            role="slider"
            tabindex="0"
            aria-label=format!("{}: instant", family.title)
            aria-describedby=format!("{id}-words")
            aria-valuemin="0"
            aria-valuemax="10000"
            aria-valuenow=move || at.get().map_or(10_000, Place::permyriad)
            aria-valuetext=reading
            on:pointermove=follow
            on:pointerdown=touch
            on:pointerleave=move |event| crosshair::leave(&leave, &event)
            on:keydown=move |event| crosshair::key(&key, &event)
        >
            <svg class="labels" aria-hidden="true">
                <Axes drawing />
                <Gaps drawing />
                <svg class="series" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none">
                    <path class="gaps" d=gaps fill="url(#hatch)"></path>
                    {order.iter().map(|&index| view! { <Area class=class(&family, index) index drawing /> }).collect_view()}
                    {order.iter().map(|&index| view! { <Line class=class(&family, index) index drawing /> }).collect_view()}
                </svg>
                <line class="crosshair" x1=move || x(at.get()) x2=move || x(at.get()) y1="0" y2="100%"></line>
            </svg>
        </div>
    }
}

#[component]
fn Area(class: String, index: usize, drawing: Memo<Option<Drawing>>) -> impl IntoView {
    let path = move || path(drawing, |stroke| &stroke.area, index);
    view! { <path class=format!("area {class}") d=path></path> }
}

#[component]
fn Line(class: String, index: usize, drawing: Memo<Option<Drawing>>) -> impl IntoView {
    let path = move || path(drawing, |stroke| &stroke.line, index);
    view! { <path class=format!("line {class}") d=path></path> }
}

fn path(drawing: Memo<Option<Drawing>>, pick: fn(&Stroke) -> &String, index: usize) -> String {
    drawing.with(|drawing| {
        drawing.as_ref().and_then(|drawing| drawing.strokes.get(index)).map(|stroke| pick(stroke).clone()).unwrap_or_default()
    })
}

/// Its colour; what is free in a stack stands back.
fn class(family: &Family, index: usize) -> String {
    let free = family.stacked && family.dimensions.get(index).is_some_and(|dimension| &*dimension.id == "free");
    format!("s{}{}", index % COLOURS, if free { " free" } else { "" })
}

/// The ruled lines with their labels: values on the left, times below.
#[component]
fn Axes(drawing: Memo<Option<Drawing>>) -> impl IntoView {
    let values = move || drawing.with(|drawing| drawing.as_ref().map(|drawing| drawing.y_ticks.clone()).unwrap_or_default());
    let times = move || drawing.with(|drawing| drawing.as_ref().map(|drawing| drawing.x_ticks.clone()).unwrap_or_default());
    view! {
        <g class="y">{move || values().into_iter().map(|tick| view! { <YLabel tick /> }).collect_view()}</g>
        <g class="x">{move || times().into_iter().map(|tick| view! { <XLabel tick /> }).collect_view()}</g>
    }
}

#[component]
fn YLabel(tick: YTick) -> impl IntoView {
    let y = tick.place.css();
    view! {
        <line x1="0" x2="100%" y1=y.clone() y2=y.clone()></line>
        <text x="0" y=y dy="-4">{tick.label}</text>
    }
}

#[component]
fn XLabel(tick: XTick) -> impl IntoView {
    let x = tick.place.css();
    view! {
        <line x1=x.clone() x2=x.clone() y1="0" y2="100%"></line>
        <text x=x y="100%" dy="15" text-anchor="middle">{tick.label}</text>
    }
}

/// Stretches without data, hatched; the reason shows on hover and stands in the description.
#[component]
fn Gaps(drawing: Memo<Option<Drawing>>) -> impl IntoView {
    let notes =
        move || drawing.with(|drawing| drawing.as_ref().map(|drawing| drawing.gap_notes.clone()).unwrap_or_default());
    view! { <g class="gaps">{move || notes().into_iter().map(|note| view! { <Gap note /> }).collect_view()}</g> }
}

#[component]
fn Gap(note: GapNote) -> impl IntoView {
    let width = Place::of(f64::from(note.end.permyriad().saturating_sub(note.start.permyriad())) / 10_000.0);
    view! {
        <rect x=note.start.css() width=width.css() y="0" height="100%">
            <title>{note.title}</title>
        </rect>
    }
}

/// Each series with its colour, its name and its value: the newest, or the one under the crosshair.
#[component]
fn Legend(family: Family, live: Live, drawing: Memo<Option<Drawing>>) -> impl IntoView {
    let values = {
        let family = family.clone();
        Memo::new(move |_| match live.cursor.get() {
            Some(t) => live.history(|history| cursor::values_at(&family, history, t)),
            None => drawing.with(|drawing| drawing.as_ref().map(|drawing| drawing.newest.clone()).unwrap_or_default()),
        })
    };
    view! {
        <ul class="legend">
            {family
                .dimensions
                .iter()
                .enumerate()
                .map(|(index, dimension)| {
                    let unit = family.unit;
                    let value = move || {
                        values.with(|values| units::show(unit, values.get(index).copied().flatten()).text())
                    };
                    view! {
                        <li class=class(&family, index)>
                            <span class="name">{dimension.label.to_string()}</span>
                            <span class="value">{value}</span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
}

/// The sentence a screen reader hears about the chart. Renewed less often than the chart, because nobody
/// hears it change.
#[component]
fn Words(family: Family, live: Live, id: String) -> impl IntoView {
    let words = Memo::new(move |told: Option<&Told>| {
        let span = live.span();
        let about = (span.map(|span| (span.end.floor_to(RENEW_WORDS), span.window)), live.zone.get());
        if let Some(told) = told.filter(|told| told.about == about) {
            return told.clone();
        }
        let words = span.map_or_else(
            || "No sample yet.".to_owned(),
            |span| live.history(|history| words::describe(&family, history, span, about.1.offset_minutes)),
        );
        Told { about, words }
    });
    view! { <p class="visually-hidden" id=format!("{id}-words")>{move || words.with(|told| told.words.clone())}</p> }
}

const RENEW_WORDS: Interval = Interval::SECOND.times(10);

/// What was said, and of which stretch of time.
#[derive(Clone, PartialEq)]
struct Told {
    about: (Option<(UnixMs, Window)>, Zone),
    words: String,
}

/// The chart's numbers as a table, for whoever reads rather than looks.
#[component]
fn TableTwin(family: Family, live: Live) -> impl IntoView {
    let heads: Vec<String> = family.dimensions.iter().map(|dimension| dimension.label.to_string()).collect();
    let caption = family.title.to_string();
    let label = format!("{caption}: table");
    let open = RwSignal::new(false);
    let table = Memo::new(move |shown: Option<&Table>| {
        // A table that nobody has open is not renewed.
        if let Some(shown) = shown.filter(|_| !open.get()) {
            return shown.clone();
        }
        let Some(span) = live.span() else { return Table::default() };
        let offset = live.zone.with(|zone| zone.offset_minutes);
        live.history(|history| Table::of(&family, history, span, offset))
    });
    let rows = move || table.with(|table| table.rows.clone());
    view! {
        <details
            class="twin"
            on:toggle=move |event| open.set(event_target::<leptos::web_sys::Element>(&event).has_attribute("open"))
        >
            <summary>"Table"</summary>
            <div class="scroll" tabindex="0" role="region" aria-label=label>
                <table>
                    <caption class="visually-hidden">{caption}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Time"</th>
                            {heads.into_iter().map(|head| view! { <th scope="col">{head}</th> }).collect_view()}
                            <th scope="col">"Note"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {move || {
                            rows()
                                .into_iter()
                                .map(|row| {
                                    view! {
                                        <tr>
                                            <th scope="row">{row.time}</th>
                                            {row.cells.into_iter().map(|cell| view! { <td>{cell}</td> }).collect_view()}
                                            <td>{row.note}</td>
                                        </tr>
                                    }
                                })
                                .collect_view()
                        }}
                    </tbody>
                </table>
            </div>
        </details>
    }
}

/// The values under the crosshair in words; silent while there is none, because ticks are never announced.
fn at_cursor(family: &Family, live: &Live) -> impl Fn() -> String + Clone + Send + Sync + use<> {
    let (family, live) = (family.clone(), live.clone());
    move || match live.cursor.get() {
        Some(t) => {
            let values = live.history(|history| cursor::values_at(&family, history, t));
            let values = family.dimensions.iter().zip(values).map(|(dimension, value)| {
                format!(", {} {}", dimension.label, units::show(family.unit, value).text())
            });
            format!("{}{}", live.clock(t), values.collect::<String>())
        }
        None => "newest; arrow keys choose an earlier instant".to_owned(),
    }
}

/// A place as an attribute; out of sight where there is nothing to show.
fn x(place: Option<Place>) -> String {
    place.map_or_else(|| "-10%".to_owned(), Place::css)
}
