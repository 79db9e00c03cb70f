//! The overview: the headline tiles and, section by section, the charts.

use super::board::Board;
use super::chart::Chart;
use super::cost::Cost;
use super::sections::{Section, sections};
use super::tile::Tile;
use crate::chart::Scene;
use crate::model::health::Headline;
use leptos::either::Either;
use leptos::prelude::*;
use std::sync::Arc;

#[component]
pub fn Overview(scene: Arc<Scene>) -> impl IntoView {
    let headlines = Headline::ALL.into_iter().filter(|headline| headline.exists(&scene.catalog));
    let tiles = headlines.map(|headline| view! { <Tile headline scene=scene.clone() /> }).collect_view();
    let charts = sections(&scene.catalog)
        .into_iter()
        .map(|section| view! { <ChartSection section scene=scene.clone() /> })
        .collect_view();
    let waiting = scene.end.is_none().then(|| {
        view! { <p class="waiting">"Waiting for the first sample. The charts fill in from here, second by second."</p> }
    });
    view! {
        <Board>
            {waiting}
            <section class="headlines" aria-labelledby="headlines-title">
                <h2 id="headlines-title" class="visually-hidden">"Headlines"</h2>
                {tiles}
            </section>
            {charts}
        </Board>
    }
}

#[component]
fn ChartSection(section: Section, scene: Arc<Scene>) -> impl IntoView {
    let title = format!("section-{}", section.id);
    let charts = section
        .families
        .into_iter()
        .map(|family| {
            let scene = scene.clone();
            if family.is_mixed() {
                Either::Left(view! { <Cost family scene /> })
            } else {
                Either::Right(view! { <Chart family scene /> })
            }
        })
        .collect_view();
    view! {
        <section class="charts" data-section=section.id aria-labelledby=title.clone()>
            <h2 id=title.clone()>{section.title}</h2>
            <div class="grid">{charts}</div>
        </section>
    }
}
