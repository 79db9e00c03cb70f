//! A family's past as it is told: what was asked for, and the answer.

use super::extent::ColumnShape;
use super::rows::{Bucket, Buckets, Rows};
use crate::model::{Dimension, Family, Gap, UnixMs};
use std::sync::Arc;

/// What somebody wants to know of the past. Both ends count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub families: Wanted,
    pub from: UnixMs,
    pub to: UnixMs,
    pub detail: Detail,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Whatever was there in that time.
    All,
    /// By their ids.
    These(Vec<Arc<str>>),
}

/// How finely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// At most so many points: every tick if that many are enough, else buckets.
    Points(usize),
    /// Every tick there is.
    Ticks,
}

#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub courses: Vec<Course>,
    /// Oldest first: what was known to be missing anywhere in that time.
    pub gaps: Vec<Gap>,
}

/// One family in that time.
#[derive(Clone, Debug)]
pub struct Course {
    /// With all dimensions it had.
    pub family: Family,
    /// The length of a bucket, or the family's own interval.
    pub step_ms: i64,
    pub body: Body,
    /// The names of the columns after those of the dimensions.
    pub derived: Vec<ColumnShape>,
    /// Ticks that are missing in this family while others are there.
    pub late: Vec<Gap>,
}

#[derive(Clone, Debug)]
pub enum Body {
    Ticks(Rows),
    Folded(Buckets),
}

impl Body {
    /// When each point is: the sample's own instant, or where its bucket begins.
    pub fn t(&self) -> &[i64] {
        match self {
            Self::Ticks(rows) => &rows.t,
            Self::Folded(buckets) => &buckets.t,
        }
    }

    /// Least, mean and greatest value of a column; `NaN` where there is none.
    pub fn values(&self, column: usize) -> impl Iterator<Item = [f64; 3]> + '_ {
        let (ticks, folded) = match self {
            Self::Ticks(rows) => (rows.columns.get(column), None),
            Self::Folded(buckets) => (None, buckets.columns.get(column)),
        };
        let told = |bucket: &Bucket| {
            let (min, max) = bucket.range();
            [min, bucket.mean(), max]
        };
        let ticks = ticks.into_iter().flatten().map(|value| [*value; 3]);
        ticks.chain(folded.into_iter().flatten().map(told))
    }
}

impl Course {
    pub fn is_folded(&self) -> bool {
        matches!(self.body, Body::Folded(_))
    }

    /// The place of a column, by the name of its dimension or of what is derived.
    pub fn column(&self, name: &str) -> Option<usize> {
        let derived = || self.derived.iter().position(|shape| shape.derived.as_deref() == Some(name));
        self.family.dimension(name).or_else(|| Some(self.family.dimensions.len() + derived()?))
    }

    /// How many decimal places a column's values are told with.
    pub fn decimals(&self, column: usize) -> u8 {
        match column.checked_sub(self.family.dimensions.len()) {
            None => self.family.unit_of(column).decimals(),
            Some(derived) => self.derived.get(derived).map_or(2, |shape| shape.decimals),
        }
    }
}

/// The family as it is now, with the dimensions it used to have behind those of today.
pub(super) fn union<'a>(shapes: impl DoubleEndedIterator<Item = &'a Arc<Family>>) -> Option<Family> {
    let mut newest_first = shapes.rev();
    let mut union = (**newest_first.next()?).clone();
    for older in newest_first {
        let missing = |dimension: &&Dimension| !union.dimensions.iter().any(|known| known.id == dimension.id);
        let missing: Vec<Dimension> = older.dimensions.iter().filter(missing).cloned().collect();
        union.dimensions.extend(missing);
    }
    Some(union)
}
