//! The overview: the headline tiles and, section by section, the charts.

use super::board::Board;
use super::chart::Chart;
use super::cost::Cost;
use super::devices::Devices;
use super::focus::Focus;
use super::live::parts;
use super::range::{Range, RangeBar};
use super::sections::{Part, Section, sections};
use super::tile::Headlines;
use crate::chart::{Bands, Scene};
use crate::model::{Catalog, DeviceKind, Family, Interval, Unit, label};
use leptos::either::EitherOf3;
use leptos::prelude::*;
use std::sync::Arc;

#[component]
pub fn Overview(
    /// What the headlines show.
    tiles: Arc<Scene>,
    /// What the charts show.
    scene: Arc<Scene>,
    bands: Arc<Bands>,
    focus: Focus,
    range: Range,
    /// The beginning of an address that shows the same: empty, or ends in `&`.
    query: String,
    /// The device that was asked for and is not there.
    missing: Option<String>,
    /// Of which kinds there are more devices than are measured, and how many.
    left_out: Vec<(DeviceKind, u64)>,
    /// Why nothing is stored, if that is so.
    trouble: Option<String>,
    /// Why something else is shown than was asked for, if that is so.
    unread: Option<&'static str>,
    /// The heaviest processes at the crosshair, in words.
    culprits: String,
) -> impl IntoView {
    let is_narrow = focus != Focus::Everything;
    let data = range.data();
    let sections = sections(&scene.catalog, &focus, &left_out);
    let charts = label::digest(shape(&sections), query.as_bytes());
    let drawn = sections
        .into_iter()
        .map(|section| view! { <ChartSection section scene=scene.clone() bands=bands.clone() data=data.clone() is_narrow left_out=left_out.clone() /> })
        .collect_view();
    let waiting = tiles.end.is_none().then(|| {
        view! {
            <p class="waiting" data-part=parts::WAITING>"Just started: the charts fill in from here, second by second."</p>
        }
    });
    let empty = (scene.is_past && scene.catalog.0.is_empty()).then(|| {
        let why = scene.history.gaps().next().map(|gap| format!(": {}", gap.reason.words()));
        let text = format!("Nothing was recorded in this stretch of time{}.", why.unwrap_or_default());
        view! { <p class="notice" role="note">{text}</p> }
    });
    let missing = missing.map(|device| {
        let text = format!("There is no {device} on this machine now. This is what there is.");
        view! { <p class="notice" role="note">{text}</p> }
    });
    view! {
        <Board>
            <RangeBar range charts query />
            {waiting}
            {missing}
            {empty}
            <p class="notice" role="status" data-part=parts::TROUBLE>{trouble}</p>
            <p class="notice" role="status" data-part=parts::UNREAD>{unread}</p>
            <Headlines scene=tiles />
            {drawn}
            <p class="culprits" role="status" data-part=parts::CULPRITS>{Some(culprits).filter(|words| !words.is_empty())}</p>
        </Board>
    }
}

/// Which charts and lists there are, whatever stands in the lists.
fn shape(sections: &[Section]) -> u32 {
    let family = |part: &Part| match part {
        Part::Chart(family) => family.clone(),
        Part::Devices { kind, .. } => Family::new(kind.id(), "", Unit::Count, Interval::SECOND, &[]),
    };
    Catalog(sections.iter().flat_map(|section| &section.parts).map(family).collect()).digest()
}

#[component]
fn ChartSection(
    section: Section,
    scene: Arc<Scene>,
    bands: Arc<Bands>,
    /// The part of an address that asks for the data of what is shown.
    data: String,
    /// Whether there is more to go back to.
    is_narrow: bool,
    left_out: Vec<(DeviceKind, u64)>,
) -> impl IntoView {
    let title = format!("section-{}", section.id);
    let parts = section
        .parts
        .into_iter()
        .map(|part| {
            let scene = scene.clone();
            match part {
                Part::Devices { kind, whole } => {
                    let left_out = left_out.iter().find(|(of, _)| *of == kind).map_or(0, |(_, count)| *count);
                    EitherOf3::A(view! { <Devices kind whole left_out scene /> })
                }
                Part::Chart(family) if family.is_mixed() => EitherOf3::B(view! { <Cost family scene /> }),
                Part::Chart(family) => {
                    EitherOf3::C(view! { <Chart family scene bands=bands.clone() data=data.clone() /> })
                }
            }
        })
        .collect_view();
    let back = is_narrow.then(|| view! { <a class="back" href="./">"Back to everything"</a> });
    view! {
        <section class="charts" data-section=section.id aria-labelledby=title.clone()>
            <h2 id=title.clone()>{section.title}</h2>
            {back}
            <div class="grid">{parts}</div>
        </section>
    }
}
