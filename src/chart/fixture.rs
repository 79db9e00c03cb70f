//! Small histories to draw in tests. Instants are in seconds.

use super::{Scene, Window};
use crate::model::sample::FamilyValues;
use crate::model::{Catalog, Family, Gap, GapReason, History, Interval, Sample, Unit, UnixMs};
use proptest::prelude::*;
use std::sync::Arc;

pub(crate) fn at(second: i64) -> UnixMs {
    UnixMs(second * 1_000)
}

pub(crate) fn family(unit: Unit, interval_s: u32, dimensions: &[&str]) -> Family {
    let dimensions: Vec<_> = dimensions.iter().map(|id| (*id, *id)).collect();
    Family::new("test", "Test", unit, Interval::SECOND.times(interval_s), &dimensions)
}

/// The last minute of it, live.
pub(crate) fn scene(catalog: Arc<Catalog>, history: History) -> Scene {
    Scene::live(catalog, history, Window::ONE, 0)
}

pub(crate) fn gap(from: i64, to: i64, reason: GapReason) -> Gap {
    Gap { from: Some(at(from)), to: Some(at(to)), reason }
}

pub(crate) fn history(family: &Family, rows: &[(i64, Vec<Option<f64>>)], gaps: &[Gap]) -> History {
    let mut history = History::new(Interval::MINUTE.times(12));
    history.set_catalog(&Catalog(vec![family.clone()]));
    gaps.iter().for_each(|gap| history.push_gap(*gap));
    for (second, values) in rows {
        let families = vec![FamilyValues { family: family.id.clone(), values: values.clone() }];
        history.push(&Sample { t: at(*second), families });
    }
    history
}

/// A row a second with one value, as long as `value` says there is a row.
pub(crate) fn seconds(
    range: std::ops::RangeInclusive<i64>,
    value: impl Fn(i64) -> Option<Option<f64>>,
) -> Vec<(i64, Vec<Option<f64>>)> {
    range.filter_map(|second| Some((second, vec![value(second)?]))).collect()
}

/// Any two-dimensional rows a machine could come up with, and worse ones.
pub(crate) fn any_rows() -> impl Strategy<Value = Vec<(i64, Vec<Option<f64>>)>> {
    let value = || {
        prop_oneof![
            6 => (0.0_f64..100.0).prop_map(Some),
            1 => Just(Some(0.0)),
            1 => Just(None),
            1 => any::<f64>().prop_map(Some),
        ]
    };
    let step = prop_oneof![8 => Just(1_i64), 1 => 2_i64..20];
    prop::collection::vec((step, value(), value()), 0..300).prop_map(|rows| {
        let mut second = 0;
        rows.into_iter()
            .map(|(step, first, other)| {
                second += step;
                (second, vec![first, other])
            })
            .collect()
    })
}
