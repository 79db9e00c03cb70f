//! Series that are not sampled but follow from several that are: as columns beside them.

use super::extent::ColumnShape;
use super::rows::Rows;
use crate::model::series::Series;
use crate::model::{Catalog, Family};
use std::sync::Arc;

/// Of a percentage.
const DECIMALS: u8 = 2;

/// One derived series of a family: what its column looks like, and how it is made.
pub(super) struct Derived {
    pub(super) shape: ColumnShape,
    series: Series,
}

impl Derived {
    /// All that a family has, given the families beside it.
    pub(super) fn of(family: &Family, catalog: &Catalog) -> Vec<Self> {
        let derived = Series::derived_of(family, catalog).into_iter();
        derived
            .map(|(name, series)| Self {
                shape: ColumnShape { decimals: series.unit.decimals().max(DECIMALS), derived: Some(name.to_owned()) },
                series,
            })
            .collect()
    }

    /// The family it reads besides its own.
    pub(super) fn also_reads(&self) -> Option<&Arc<str>> {
        self.series.also_reads()
    }

    /// A value a row. `other` gives the rows of another family.
    pub(super) fn column<'a>(&self, own: &Rows, other: impl Fn(&str) -> Option<&'a Rows>) -> Vec<f64> {
        let beside = self.series.also_reads().map(|family| (family, other(family)));
        let mut values = Vec::with_capacity(own.t.len());
        let round = super::column::rounding(self.shape.decimals);
        for (row, t) in own.t.iter().enumerate() {
            let value = self.series.evaluate(|family, dimension| {
                let (rows, row) = match &beside {
                    Some((name, rows)) if &***name == family => {
                        let rows = (*rows)?;
                        (rows, rows.row_of(*t)?)
                    }
                    _ => (own, row),
                };
                let value = *rows.columns.get(dimension)?.get(row)?;
                Some((rows.columns.len(), Some(value).filter(|value| !value.is_nan())))
            });
            values.push(value.map_or(f64::NAN, &round));
        }
        values
    }
}
