//! A headline tile: number, unit, state in a word, and a sparkline.

use super::live::Live;
use super::sparkline::Sparkline;
use crate::chart::{Span, Spark};
use crate::model::health::{Headline, Reading};
use crate::model::{Health, Unit};
use leptos::prelude::*;

#[component]
pub fn Tile(headline: Headline, live: Live) -> impl IntoView {
    let reading = {
        let live = live.clone();
        Memo::new(move |_| read(headline, &live))
    };
    let spark =
        Memo::new(move |_| live.span().map(|span| reading.with(|reading| draw(reading, span))).unwrap_or_default());
    let title = format!("headline-{}", headline.id());
    view! {
        <article
            class="tile"
            data-headline=headline.id()
            data-health=move || reading.with(|reading| reading.health.id())
            aria-labelledby=title.clone()
        >
            <header>
                <h3 id=title.clone()>{headline.title()}</h3>
                <p class="health">{move || reading.with(|reading| reading.health.word())}</p>
            </header>
            <p class="figure">
                <b>{move || reading.with(|reading| reading.value.number.clone())}</b>
                <span class="unit">{move || reading.with(|reading| reading.value.unit)}</span>
            </p>
            <p class="detail">{move || reading.with(|reading| reading.detail.clone())}</p>
            <Sparkline spark />
        </article>
    }
}

fn read(headline: Headline, live: &Live) -> Reading {
    let catalog = live.catalog.get();
    let from = live.span().map(|span| span.start()).unwrap_or_default();
    live.history(|history| headline.read(&catalog, history, from))
}

fn draw(reading: &Reading, span: Span) -> Spark {
    // A percentage is drawn against the whole, so that an idle machine looks idle.
    let top = (reading.spark_unit == Unit::Percent && reading.health != Health::Unknown).then_some(100.0);
    Spark::of(&reading.spark, span, reading.spark_unit, top)
}
