//! What a family did, in columns: as it was sampled, or folded into buckets of time.

/// A family's samples, oldest first. `NaN` is a value that could not be read; a tick that is missing has no row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Milliseconds since the epoch.
    pub t: Vec<i64>,
    /// One a dimension, each as long as `t`.
    pub columns: Vec<Vec<f64>>,
}

/// Buckets of time, oldest first: those without any value have no row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    /// Where each begins: a multiple of the step.
    pub t: Vec<i64>,
    pub columns: Vec<Vec<Bucket>>,
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

impl Rows {
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

    /// Some of the rows.
    pub(super) fn pick(&self, rows: &[usize]) -> Self {
        Self { t: picked(&self.t, rows), columns: self.columns.iter().map(|column| picked(column, rows)).collect() }
    }

    /// Adds rows of later times.
    pub fn append(&mut self, mut later: Self) {
        self.t.append(&mut later.t);
        self.columns.iter_mut().zip(&mut later.columns).for_each(|(column, later)| column.append(later));
    }

    pub fn fold(&self, step: i64) -> Buckets {
        let mut buckets = Buckets { t: Vec::new(), columns: vec![Vec::new(); self.columns.len()] };
        for (first, end) in stretches(&self.t, step) {
            buckets.t.push(self.t[first].div_euclid(step) * step);
            for (buckets, column) in buckets.columns.iter_mut().zip(&self.columns) {
                let mut bucket = Bucket::EMPTY;
                column[first..end].iter().for_each(|value| bucket.add(*value));
                buckets.push(bucket);
            }
        }
        buckets
    }
}

impl Buckets {
    /// Some of the rows.
    pub(super) fn pick(&self, rows: &[usize]) -> Self {
        Self { t: picked(&self.t, rows), columns: self.columns.iter().map(|column| picked(column, rows)).collect() }
    }

    pub fn new(columns: usize) -> Self {
        Self { t: Vec::new(), columns: vec![Vec::new(); columns] }
    }

    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    pub fn append(&mut self, mut later: Self) {
        self.t.append(&mut later.t);
        self.columns.iter_mut().zip(&mut later.columns).for_each(|(column, later)| column.append(later));
    }

    /// Into longer buckets, whose length is a multiple of these'.
    pub fn fold(&self, step: i64) -> Self {
        let mut folded = Self::new(self.columns.len());
        for (first, end) in stretches(&self.t, step) {
            folded.t.push(self.t[first].div_euclid(step) * step);
            for (folded, column) in folded.columns.iter_mut().zip(&self.columns) {
                let mut bucket = Bucket::EMPTY;
                column[first..end].iter().for_each(|more| bucket.merge(more));
                folded.push(bucket);
            }
        }
        folded
    }
}

fn picked<T: Copy>(all: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|row| all[*row]).collect()
}

/// Where each stretch of rows of one bucket begins and ends.
fn stretches(t: &[i64], step: i64) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let bucket = t.get(first)?.div_euclid(step);
        let length = t[first..].iter().take_while(|t| t.div_euclid(step) == bucket).count();
        let stretch = (first, first + length);
        first += length;
        Some(stretch)
    })
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
