//! A family whose dimensions count different things, each with its own number and sparkline: what
//! Telltale itself costs.

use super::live::Live;
use super::sparkline::Sparkline;
use crate::chart::{Span, Spark};
use crate::model::series::Series;
use crate::model::units::{self, Shown};
use crate::model::{Dimension, Family, History};
use leptos::prelude::*;

#[component]
pub fn Cost(family: Family, live: Live) -> impl IntoView {
    let title = format!("cost-{}", family.id);
    view! {
        <figure class="cost" data-family=family.id.to_string() aria-labelledby=title.clone()>
            <figcaption>
                <h3 id=title.clone()>{family.title.to_string()}</h3>
            </figcaption>
            <dl>
                {family
                    .dimensions
                    .iter()
                    .map(|dimension| {
                        view! { <CostRow family=family.clone() dimension=dimension.clone() live=live.clone() /> }
                    })
                    .collect_view()}
            </dl>
        </figure>
    }
}

#[component]
fn CostRow(family: Family, dimension: Dimension, live: Live) -> impl IntoView {
    let label = dimension.label.to_string();
    let row = Memo::new(move |_| {
        let span = live.span()?;
        let series = Series::resolve(&format!("{}.{}", family.id, dimension.id), &live.catalog.get())?;
        Some(live.history(|history| Row::read(&series, history, span)))
    });
    let text = move || row.with(|row| row.as_ref().map_or_else(|| "–".to_owned(), |row| row.value.text()));
    let spark = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.spark.clone()).unwrap_or_default()));
    view! {
        <div>
            <dt>{label}</dt>
            <dd>
                <span class="value">{text}</span>
                <Sparkline spark />
            </dd>
        </div>
    }
}

#[derive(Clone, PartialEq)]
struct Row {
    value: Shown,
    spark: Spark,
}

impl Row {
    fn read(series: &Series, history: &History, span: Span) -> Self {
        let points = series.points(history, span.start());
        Self { value: units::show(series.unit, series.newest(history)), spark: Spark::of(&points, span, series.unit, None) }
    }
}
