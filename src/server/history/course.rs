//! A family's past as it is told: what was asked for, and the answer.

use super::column::rounding;
use super::extent::ColumnShape;
use super::paces::Paces;
use super::rows::{Bucket, Buckets, Rows};
use crate::model::sample::FamilyValues;
use crate::model::{Catalog, Dimension, Family, Gap, Interval, Sample, UnixMs};
use std::collections::BTreeMap;
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

impl Answer {
    /// The families there is something of, as they are drawn: a point stands for one interval. Those of now come first,
    /// in their order.
    pub fn catalog(&self, now: &Catalog) -> Catalog {
        let place =
            |course: &&Course| now.iter().position(|family| family.id == course.family.id).unwrap_or(usize::MAX);
        let mut courses: Vec<&Course> = self.courses.iter().filter(|course| !course.body.t().is_empty()).collect();
        courses.sort_by_key(place);
        let drawn = |course: &Course| {
            // What was sampled less often is not drawn as holes.
            let step = u32::try_from(course.paces.longest()).ok().and_then(Interval::from_ms);
            Family { interval_ms: step.unwrap_or(Interval::MINUTE), ..course.family.clone() }
        };
        Catalog(courses.into_iter().map(drawn).collect())
    }

    /// The points as samples, oldest first: the mean of a bucket stands at its end, or at the end of all.
    pub fn samples(&self, end: UnixMs) -> Vec<Sample> {
        let mut ticks: BTreeMap<i64, Vec<FamilyValues>> = BTreeMap::new();
        for course in &self.courses {
            let columns = 0..course.family.dimensions.len();
            let mut columns: Vec<_> =
                columns.map(|column| (course.body.values(column), rounding(course.decimals(column)))).collect();
            for point in course.points(end) {
                let mut values = Vec::with_capacity(columns.len());
                for (column, round) in &mut columns {
                    values.push(column.next().map(|[_, mean, _]| round(mean)).filter(|mean| !mean.is_nan()));
                }
                if let Some(t) = point {
                    ticks.entry(t.0).or_default().push(FamilyValues { family: Arc::clone(&course.family.id), values });
                }
            }
        }
        ticks.into_iter().map(|(t, families)| Sample { t: UnixMs(t), families }).collect()
    }
}

/// One family in that time.
#[derive(Clone, Debug)]
pub struct Course {
    /// With all dimensions it had.
    pub family: Family,
    /// The length of a bucket, or the family's own interval at the end.
    pub step_ms: i64,
    pub(super) paces: Paces,
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

    /// How far apart ticks are at an instant, or how long buckets are.
    pub fn interval_at(&self, t: i64) -> i64 {
        self.paces.at(t)
    }

    /// Where each point stands: a bucket at its end, or where all ends; one that begins only there has no place.
    pub fn points(&self, end: UnixMs) -> impl Iterator<Item = Option<UnixMs>> + '_ {
        let step = if self.is_folded() { self.step_ms } else { 0 };
        self.body.t().iter().map(move |t| (step == 0 || *t < end.0).then_some(UnixMs((t + step).min(end.0.max(*t)))))
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

/// The family as it is now, by the last of its shapes, with the dimensions it used to have behind those of today.
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
