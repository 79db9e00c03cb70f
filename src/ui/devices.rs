//! A list of devices of one kind: each in a row, the busiest first.

use super::live::parts;
use super::sparkline::Sparkline;
use crate::chart::{DeviceText, Scene};
use crate::model::{Device, DeviceKind};
use leptos::prelude::*;
use std::sync::Arc;

/// So many of very many stand on the overview.
const SHOWN: usize = 8;

#[component]
pub fn Devices(
    kind: DeviceKind,
    /// Whether all are shown, however many there are.
    whole: bool,
    /// How many more there are than are measured.
    left_out: u64,
    scene: Arc<Scene>,
) -> impl IntoView {
    let count = Device::all(kind, &scene.catalog).len();
    let shown = if whole { count } else { count.min(SHOWN) };
    let rows = scene.rows(&scene.busiest(kind, shown)).into_iter().map(|text| view! { <Row text /> }).collect_view();
    let heads = kind.columns().iter().map(|column| view! { <th scope="col">{column.title}</th> }).collect_view();
    let title = format!("devices-{}", kind.id());
    let more = (shown < count).then(|| {
        view! { <a class="more" href=format!("?all={}", kind.id())>{format!("All {count} {}", kind.plural())}</a> }
    });
    let notice = (left_out > 0).then(|| {
        let text =
            format!("{left_out} more {} are not measured: the limit is max_devices in [catalog].", kind.plural());
        view! { <p class="notice" role="note">{text}</p> }
    });
    let heading = match (whole, shown < count) {
        (true, _) => format!("All {count} {}, the busiest first", kind.plural()),
        (false, true) => format!("{}: the busiest {shown} of {count}", capitalised(kind.plural())),
        (false, false) => capitalised(kind.plural()),
    };
    view! {
        <figure class="devices" data-devices=kind.id() aria-labelledby=title.clone()>
            <figcaption>
                <h3 id=title.clone()>{heading}</h3>
                {more}
            </figcaption>
            <table aria-labelledby=title.clone()>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        {heads}
                        <th scope="col" class="course" aria-hidden="true"></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {notice}
        </figure>
    }
}

#[component]
fn Row(text: DeviceText) -> impl IntoView {
    let figures =
        text.figures.into_iter().map(|figure| view! { <td data-part=parts::VALUE>{figure}</td> }).collect_view();
    view! {
        <tr data-part=parts::DEVICE>
            <th scope="row"><a data-part=parts::NAME href=text.address>{text.name}</a></th>
            {figures}
            <td class="course" aria-hidden="true"><Sparkline spark=text.spark /></td>
        </tr>
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
