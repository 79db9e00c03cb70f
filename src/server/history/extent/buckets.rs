//! An extent of buckets: of each the least value, how far the greatest is from it, and where between them the mean is.

use super::super::bytes::{Damaged, Reader, seal};
use super::super::column;
use super::super::rows::{Bucket, Buckets, Folding, rows_within};
use super::{ColumnShape, Extent, Head, head};
use std::ops::Range;

/// So many steps the way from a bucket's least value to its greatest one has, for its mean to stand on: finer than
/// anybody sees, and where the values themselves are coarser, exact.
pub(super) const MEAN_STEPS: f64 = 1_023.0;

impl Extent<Buckets> {
    /// Of what does not change, all but the least values are the same. How many values there are is mostly the same for all columns, and told once.
    pub(in super::super) fn encode(&self) -> Vec<u8> {
        let mut bytes = head(1, self.step, &self.body.t, &self.shape);
        let counts = |buckets: &Vec<Bucket>| buckets.iter().map(|bucket| f64::from(bucket.count)).collect::<Vec<_>>();
        let shared = self.body.columns.first().map(counts).unwrap_or_default();
        column::encode(&shared, 0, &mut bytes);
        for (buckets, shape) in self.body.columns.iter().zip(&self.shape) {
            let own = counts(buckets);
            bytes.push(u8::from(own != shared));
            if own != shared {
                column::encode(&own, 0, &mut bytes);
            }
            let values = |of: &dyn Fn(&Bucket) -> f64| -> Vec<f64> {
                buckets.iter().map(|bucket| if bucket.count == 0 { f64::NAN } else { of(bucket) }).collect()
            };
            let round = column::rounding(shape.decimals);
            column::encode(&values(&|bucket| bucket.min), shape.decimals, &mut bytes);
            column::encode(&values(&|bucket| round(bucket.max - bucket.min)), shape.decimals, &mut bytes);
            let is_coarse = buckets.iter().all(|bucket| is_coded_well(bucket, shape.decimals));
            bytes.push(u8::from(is_coarse));
            if is_coarse {
                column::encode(&values(&|bucket| mean_code(bucket, shape.decimals)), 0, &mut bytes);
            } else {
                column::encode(&values(&|bucket| round(bucket.mean() - bucket.min)), shape.decimals, &mut bytes);
            }
        }
        seal(&mut bytes);
        bytes
    }

    pub(in super::super) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        Self::read(bytes, |t| {
            let rows = t.len();
            (t, move |parts: &Parts| (0..rows).map(|row| parts.bucket(row)).collect())
        })
    }

    /// What stands in some stretches, folded into buckets of a multiple of their length: of a month, the single ones are
    /// never written down.
    pub(in super::super) fn decode_folded(bytes: &[u8], step: i64, stretches: &[(i64, i64)]) -> Result<Self, Damaged> {
        let mut folded = Self::read(bytes, |t| {
            let folding = Folding::new(&t, &rows_within(&t, stretches), step);
            (folding.t.clone(), move |parts: &Parts| folding.fold(|rows| parts.fold(rows)))
        })?;
        folded.step = step;
        Ok(folded)
    }

    /// `plan` is given where the stored buckets begin; it says where those begin that are wanted, and makes them.
    fn read<M: Fn(&Parts) -> Vec<Bucket>>(
        bytes: &[u8],
        plan: impl FnOnce(Vec<i64>) -> (Vec<i64>, M),
    ) -> Result<Self, Damaged> {
        let (mut reader, Head { step, t, shape }) = Head::read(bytes, 1)?;
        let (length, mut parts) = (t.len(), Parts::default());
        column::decode(&mut reader, length, 0, &mut parts.shared)?;
        let (t, make) = plan(t);
        let mut columns = Vec::with_capacity(shape.len());
        for ColumnShape { decimals, .. } in &shape {
            parts.read(&mut reader, length, *decimals)?;
            columns.push(make(&parts));
        }
        Ok(Self { step, shape, body: Buckets { t, columns } })
    }
}

/// What is stored of a column of buckets.
#[derive(Default)]
struct Parts {
    /// How many values there are in each bucket of most columns.
    shared: Vec<f64>,
    /// And of this one, where that differs.
    own: Option<Vec<f64>>,
    least: Vec<f64>,
    width: Vec<f64>,
    means: Vec<f64>,
    /// Whether means are codes.
    is_coarse: bool,
    scale: f64,
}

impl Parts {
    fn read(&mut self, reader: &mut Reader<'_>, length: usize, decimals: u8) -> Result<(), Damaged> {
        self.own = (reader.byte()? != 0).then(Vec::new);
        if let Some(own) = &mut self.own {
            column::decode(reader, length, 0, own)?;
        }
        for part in [&mut self.least, &mut self.width, &mut self.means] {
            part.clear();
        }
        column::decode(reader, length, decimals, &mut self.least)?;
        column::decode(reader, length, decimals, &mut self.width)?;
        self.is_coarse = reader.byte()? != 0;
        column::decode(reader, length, if self.is_coarse { 0 } else { decimals }, &mut self.means)?;
        self.scale = column::power(decimals);
        Ok(())
    }

    fn counts(&self) -> &[f64] {
        self.own.as_ref().unwrap_or(&self.shared)
    }

    fn bucket(&self, row: usize) -> Bucket {
        self.fold(row..row + 1)
    }

    /// Rows that follow each other as one bucket. All of a month come through here.
    fn fold(&self, rows: Range<usize>) -> Bucket {
        let (mut min, mut max, mut sum, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.0);
        let least = &self.least[rows.clone()];
        let others = self.width[rows.clone()].iter().zip(&self.means[rows.clone()]).zip(&self.counts()[rows]);
        for (low, ((width, code), own)) in least.iter().zip(others) {
            if *own > 0.0 {
                min = f64::min(min, *low);
                max = f64::max(max, low + width);
                let above = if self.is_coarse { above(*width, *code, self.scale) } else { *code };
                sum += (low + above) * own;
                count += own;
            }
        }
        if count > 0.0 {
            Bucket { min, max: nearest(max, self.scale), sum, count: count as u32 }
        } else {
            Bucket::EMPTY
        }
    }
}

/// Where the mean stands between least and greatest value: in steps of the last decimal place, or in so many steps as
/// there are at most.
fn mean_code(bucket: &Bucket, decimals: u8) -> f64 {
    let (above, width, scale) = (bucket.mean() - bucket.min, bucket.max - bucket.min, column::power(decimals));
    let code = if width * scale < MEAN_STEPS + 0.5 { above * scale } else { above / width * MEAN_STEPS };
    code.round().clamp(0.0, MEAN_STEPS)
}

/// Whether the mean told so is the mean, but for a hundredth of it or the last decimal place: next to a single great
/// value it may be much less than a step.
fn is_coded_well(bucket: &Bucket, decimals: u8) -> bool {
    if bucket.count == 0 {
        return true;
    }
    let (mean, width) = (bucket.mean(), bucket.max - bucket.min);
    let told = bucket.min + above(width, mean_code(bucket, decimals), column::power(decimals));
    (told - mean).abs() <= mean.abs() / 100.0 + 1.0 / column::power(decimals)
}

/// How far the mean is above the least value.
fn above(width: f64, code: f64, scale: f64) -> f64 {
    if width * scale < MEAN_STEPS + 0.5 { code / scale } else { code / MEAN_STEPS * width }
}

/// As `column::rounding`, but for ties: many times as fast, which counts where a month is read.
fn nearest(value: f64, scale: f64) -> f64 {
    /// Added to a number, it leaves no room for a fraction.
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    let scaled = value * scale;
    if scaled.abs() < WHOLE / 4.0 { ((scaled + WHOLE) - WHOLE) / scale } else { value }
}
