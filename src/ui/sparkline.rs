//! A line without axes, beside a number.

use super::live::parts;
use crate::chart::Stroke;
use crate::chart::spark::{SPARK_HEIGHT, SPARK_WIDTH};
use leptos::prelude::*;

#[component]
pub fn Sparkline(spark: Stroke) -> impl IntoView {
    view! {
        <svg class="spark" viewBox=format!("0 0 {SPARK_WIDTH} {SPARK_HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
            <path class="area" data-part=parts::AREA d=spark.area></path>
            <path class="line" data-part=parts::LINE d=spark.line></path>
        </svg>
    }
}
