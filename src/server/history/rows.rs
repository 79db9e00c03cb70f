//! What a family did, in columns: as it was sampled, or folded into buckets of time.

use std::ops::Range;

/// What a family did, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns<T> {
    /// Milliseconds since the epoch: of a sample, or where a bucket begins.
    pub t: Vec<i64>,
    /// Each as long as `t`.
    pub columns: Vec<Vec<T>>,
}

/// Samples. `NaN` is a value that could not be read; a tick that is missing has no row.
pub(super) type Rows = Columns<f64>;

impl Rows {
    /// What was sampled at an instant after all others.
    pub(super) fn push(&mut self, t: i64, values: &[Option<f64>]) {
        self.t.push(t);
        for (index, column) in self.columns.iter_mut().enumerate() {
            column.push(values.get(index).copied().flatten().unwrap_or(f64::NAN));
        }
    }
}

/// Buckets, which begin at multiples of their step: those without any value have no row.
pub(super) type Buckets = Columns<Bucket>;

/// What stands in a column.
pub trait Cell: Copy {
    const MISSING: Self;

    fn add_to(&self, bucket: &mut Bucket);
}

impl Cell for f64 {
    const MISSING: Self = Self::NAN;

    fn add_to(&self, bucket: &mut Bucket) {
        bucket.add(*self);
    }
}

impl Cell for Bucket {
    const MISSING: Self = Self::EMPTY;

    fn add_to(&self, bucket: &mut Bucket) {
        bucket.merge(self);
    }
}

/// What became of the values of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    pub min: f64,
    pub max: f64,
    pub sum: f64,
    pub count: u32,
}

impl Bucket {
    pub const EMPTY: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0, count: 0 };

    pub fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            self.sum += value;
            self.count += 1;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.count += other.count;
    }

    /// `NaN` where there is no value.
    pub fn mean(&self) -> f64 {
        self.sum / f64::from(self.count)
    }

    /// Least and greatest, or twice `NaN`.
    pub fn range(&self) -> (f64, f64) {
        if self.count == 0 { (f64::NAN, f64::NAN) } else { (self.min, self.max) }
    }
}

impl<T> Default for Columns<T> {
    fn default() -> Self {
        Self { t: Vec::new(), columns: Vec::new() }
    }
}

impl<T: Cell> Columns<T> {
    pub fn new(columns: usize) -> Self {
        Self { t: Vec::new(), columns: vec![Vec::new(); columns] }
    }

    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// The row of exactly this instant.
    pub fn row_of(&self, t: i64) -> Option<usize> {
        self.t.binary_search(&t).ok()
    }

    /// What stands in some stretches of time, which are in order and apart from each other.
    pub(super) fn within(self, stretches: &[(i64, i64)]) -> Self {
        let rows = rows_within(&self.t, stretches);
        if rows == std::slice::from_ref(&(0..self.t.len())) {
            return self;
        }
        Self { t: picked(&self.t, &rows), columns: self.columns.iter().map(|column| picked(column, &rows)).collect() }
    }

    /// The columns at their places among so many; at those that are nobody's, values are missing.
    pub(super) fn arranged(self, places: &[Option<usize>], width: usize) -> Self {
        if places.len() == width && places.iter().enumerate().all(|(index, place)| *place == Some(index)) {
            return self;
        }
        let mut columns = vec![vec![T::MISSING; self.t.len()]; width];
        for (column, place) in self.columns.into_iter().zip(places) {
            if let Some(slot) = place.and_then(|place| columns.get_mut(place)) {
                *slot = column;
            }
        }
        Self { t: self.t, columns }
    }

    /// Adds rows of later times.
    pub fn append(&mut self, mut later: Self) {
        self.t.append(&mut later.t);
        self.columns.iter_mut().zip(&mut later.columns).for_each(|(column, later)| column.append(later));
    }

    /// Parts in order of time as one; given back where they reach into each other.
    pub(super) fn end_to_end(mut parts: Vec<Self>, width: usize) -> Result<Self, Vec<Self>> {
        parts.retain(|part| !part.is_empty());
        parts.sort_by_key(|part| part.t[0]);
        if !parts.windows(2).all(|pair| pair[0].t.last() < pair[1].t.first()) {
            return Err(parts);
        }
        let mut joined = Self::new(width);
        parts.into_iter().for_each(|part| joined.append(part));
        Ok(joined)
    }

    /// Into buckets; of buckets into longer ones, whose length is a multiple of these'.
    pub fn fold(&self, step: i64) -> Buckets {
        let folding = Folding::new(&self.t, std::slice::from_ref(&(0..self.t.len())), step);
        let fold = |column: &Vec<T>| {
            folding.fold(|rows| {
                let mut bucket = Bucket::EMPTY;
                column[rows].iter().for_each(|cell| cell.add_to(&mut bucket));
                bucket
            })
        };
        Buckets { columns: self.columns.iter().map(fold).collect(), t: folding.t }
    }
}

fn picked<T: Copy>(all: &[T], rows: &[Range<usize>]) -> Vec<T> {
    rows.iter().flat_map(|rows| &all[rows.clone()]).copied().collect()
}

/// Where the rows of some stretches of time are.
pub(super) fn rows_within(t: &[i64], stretches: &[(i64, i64)]) -> Vec<Range<usize>> {
    let rows = |(first, last): &(i64, i64)| t.partition_point(|t| t < first)..t.partition_point(|t| t <= last);
    stretches.iter().map(rows).filter(|rows| !rows.is_empty()).collect()
}

/// Which rows become which bucket.
pub(super) struct Folding {
    /// Where each bucket begins.
    pub(super) t: Vec<i64>,
    /// Rows that follow each other, and the bucket they are part of.
    pieces: Vec<(usize, Range<usize>)>,
}

impl Folding {
    /// Of some of the rows, in buckets of a length.
    pub(super) fn new(t: &[i64], rows: &[Range<usize>], step: i64) -> Self {
        let mut folding = Self { t: Vec::new(), pieces: Vec::new() };
        for rows in rows {
            let mut first = rows.start;
            while first < rows.end {
                let begin = t[first].div_euclid(step) * step;
                let end = first + t[first..rows.end].partition_point(|t| *t < begin + step);
                if folding.t.last() != Some(&begin) {
                    folding.t.push(begin);
                }
                folding.pieces.push((folding.t.len() - 1, first..end));
                first = end;
            }
        }
        folding
    }

    /// A column's buckets, given what becomes of rows that follow each other.
    pub(super) fn fold(&self, fold: impl Fn(Range<usize>) -> Bucket) -> Vec<Bucket> {
        let mut buckets = vec![Bucket::EMPTY; self.t.len()];
        for (bucket, rows) in &self.pieces {
            buckets[*bucket].merge(&fold(rows.clone()));
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_stand_on_absolute_time_and_keep_extremes() {
        let rows = Rows {
            t: vec![58_000, 59_000, 60_000, 119_000, 300_000],
            columns: vec![vec![1.0, f64::NAN, 5.0, 2.0, f64::NAN]],
        };
        let minutes = rows.fold(60_000);
        assert_eq!(minutes.t, [0, 60_000, 300_000]);
        let told = minutes.columns[0].iter().map(|bucket| (bucket.range(), bucket.mean(), bucket.count));
        assert_eq!(
            format!("{:?}", told.collect::<Vec<_>>()),
            "[((1.0, 1.0), 1.0, 1), ((2.0, 5.0), 3.5, 2), ((NaN, NaN), NaN, 0)]"
        );
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(steps in proptest::collection::vec((1_i64..200, -100_i32..100), 1..300)) {
            let mut rows = Rows::new(1);
            for (distance, value) in steps {
                rows.t.push(rows.t.last().copied().unwrap_or_default() + distance * 1_000);
                rows.columns[0].push(f64::from(value));
            }
            prop_assert_eq!(rows.fold(60_000).fold(3_600_000), rows.fold(3_600_000));
        }
    }
}
