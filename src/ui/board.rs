//! What moves: the headline tiles and, section by section, the charts.

use super::chart::Chart;
use super::cost::Cost;
use super::crosshair;
use super::live::{self, Live};
use super::sections::{Section, sections};
use super::tile::Tile;
use crate::model::Family;
use crate::model::health::Headline;
use leptos::either::Either;
use leptos::prelude::*;

#[island]
pub fn Board() -> impl IntoView {
    live::current().map(|live| view! { <Everything live /> })
}

#[component]
fn Everything(live: Live) -> impl IntoView {
    let headlines = {
        let live = live.clone();
        move || Headline::ALL.into_iter().filter(|headline| headline.exists(&live.catalog.get())).collect::<Vec<_>>()
    };
    let shown_sections = {
        let live = live.clone();
        Memo::new(move |_| sections(&live.catalog.get()))
    };
    let for_tiles = live.clone();
    let let_go = {
        let live = live.clone();
        move |event: leptos::ev::PointerEvent| crosshair::let_go_outside(&live, &event)
    };
    let waiting = {
        let live = live.clone();
        move || live.shown.get().is_none()
    };
    view! {
        <div class="board" on:pointerdown=let_go>
            <p class="waiting" hidden=move || !waiting()>
                "Waiting for the first sample. Charts fill in from here, second by second."
            </p>
            <section class="headlines" aria-labelledby="headlines-title">
                <h2 id="headlines-title" class="visually-hidden">"Headlines"</h2>
                <For each=headlines key=|headline| headline.id() let:headline>
                    <Tile headline live=for_tiles.clone() />
                </For>
            </section>
            <For each=move || shown_sections.get() key=section_key let:section>
                <ChartSection section live=live.clone() />
            </For>
        </div>
    }
}

/// A section is drawn anew when its families change: devices come and go rarely.
fn section_key(section: &Section) -> (&'static str, Vec<(std::sync::Arc<str>, usize)>) {
    let shape = |family: &Family| (family.id.clone(), family.dimensions.len());
    (section.id, section.families.iter().map(shape).collect())
}

#[component]
fn ChartSection(section: Section, live: Live) -> impl IntoView {
    let title = format!("section-{}", section.id);
    view! {
        <section class="charts" data-section=section.id aria-labelledby=title.clone()>
            <h2 id=title.clone()>{section.title}</h2>
            <div class="grid">
                {section
                    .families
                    .into_iter()
                    .map(|family| {
                        let live = live.clone();
                        if family.is_mixed() {
                            Either::Left(view! { <Cost family live /> })
                        } else {
                            Either::Right(view! { <Chart family live /> })
                        }
                    })
                    .collect_view()}
            </div>
        </section>
    }
}
