//! A headline tile: number, unit, state in a word, and a sparkline.

use super::live::parts;
use super::sparkline::Sparkline;
use crate::chart::Scene;
use crate::model::health::Headline;
use leptos::prelude::*;
use std::sync::Arc;

/// The tiles of this machine, under a heading that says how it is.
#[component]
pub fn Headlines(
    scene: Arc<Scene>,
    /// Whether there is more below than a phone has room for.
    #[prop(optional)]
    is_brief: bool,
) -> impl IntoView {
    let shown: Vec<Headline> = Headline::ALL.into_iter().filter(|headline| headline.exists(&scene.catalog)).collect();
    // Said ahead of the tiles: while the HTML comes in, none makes room for those after it.
    let class = format!("headlines of-{}{}", shown.len(), if is_brief { " brief" } else { "" });
    let tiles = shown.into_iter().map(|headline| view! { <Tile headline scene=scene.clone() /> }).collect_view();
    view! {
        <section id="headlines" class=class aria-labelledby="headlines-title">
            <h2 id="headlines-title" class="visually-hidden" data-part=parts::SUMMARY>{scene.summary()}</h2>
            {tiles}
        </section>
    }
}

#[component]
pub fn Tile(headline: Headline, scene: Arc<Scene>) -> impl IntoView {
    let tile = scene.tile(headline);
    let title = format!("headline-{}", headline.id());
    view! {
        <article class="tile" data-headline=headline.id() data-health=tile.health.id() aria-labelledby=title.clone()>
            <header>
                <h3 id=title.clone() data-part=parts::SPOKEN aria-label=scene.spoken(headline)>{headline.title()}</h3>
                <p class="health" data-part=parts::HEALTH>{tile.health.word()}</p>
            </header>
            <p class="figure">
                <b data-part=parts::NUMBER>{tile.number}</b>
                <span class="unit" data-part=parts::UNIT>{tile.unit}</span>
            </p>
            <p class="detail" data-part=parts::DETAIL>{tile.detail}</p>
            <Sparkline spark=scene.tile_spark(headline) />
        </article>
    }
}
