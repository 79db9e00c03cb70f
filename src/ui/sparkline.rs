//! A line without axes, beside a number.

use crate::chart::Spark;
use crate::chart::spark::{SPARK_HEIGHT, SPARK_WIDTH};
use leptos::prelude::*;

#[component]
pub fn Sparkline(spark: Memo<Spark>) -> impl IntoView {
    view! {
        <svg
            class="spark"
            viewBox=format!("0 0 {SPARK_WIDTH} {SPARK_HEIGHT}")
            preserveAspectRatio="none"
            aria-hidden="true"
        >
            <path class="area" d=move || spark.with(|spark| spark.0.area.clone())></path>
            <path class="line" d=move || spark.with(|spark| spark.0.line.clone())></path>
        </svg>
    }
}
