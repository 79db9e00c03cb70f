//! A family whose dimensions count different things, each with its own number and sparkline: what
//! Telltale itself costs.

use super::live::parts;
use super::sparkline::Sparkline;
use crate::chart::Scene;
use crate::model::Family;
use leptos::prelude::*;
use std::sync::Arc;

#[component]
pub fn Cost(family: Family, scene: Arc<Scene>) -> impl IntoView {
    let (name, title) = (family.id.to_string(), format!("cost-{}", family.id));
    let rows = (0..family.dimensions.len())
        .map(|index| {
            view! {
                <div data-part=parts::FIGURE>
                    <dt>{family.dimensions[index].label.to_string()}</dt>
                    <dd>
                        <span class="value" data-part=parts::VALUE>{scene.figure_value(&family, index)}</span>
                        <Sparkline spark=scene.figure_spark(&family, index) />
                    </dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <figure class="cost" data-family=name aria-labelledby=title.clone()>
            <figcaption>
                <h3 id=title.clone()>{family.title.to_string()}</h3>
            </figcaption>
            <dl>{rows}</dl>
        </figure>
    }
}
