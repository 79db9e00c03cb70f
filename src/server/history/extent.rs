//! An extent: one family's stretch of time in one tier, as the bytes that stay on disk.
//!
//! It says its version, its step, which of its ticks exist, and then each column. A checksum stands at the end: a byte
//! that is torn or flipped costs this extent and no other.

mod kinship;

use super::bytes::{Damaged, INSTANTS, Reader, put, put_part, put_signed, seal, unseal};
use super::column;
use super::rows::{Bucket, Buckets, Folding, Rows, rows_within};
use kinship::{Kinship, Term};
use std::ops::Range;

/// Stands in the first byte. Whoever changes the format writes the next one and goes on reading this.
const VERSION: u8 = 1;

/// More than any extent holds: an hour of this machine has at most 14 400 ticks, one of a quick replay more.
const MOST_SLOTS: usize = 400_000;

/// How the values of a column are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnShape {
    pub decimals: u8,
    /// For a series that is not sampled but derived from several: told by its name, not by its place.
    pub derived: Option<String>,
}

/// What it holds, with the derived series behind the dimensions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Extent<T> {
    pub step: i64,
    pub shape: Vec<ColumnShape>,
    pub body: T,
}

impl Extent<Rows> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = head(0, self.step, &self.body.t, &self.shape);
        let fixed = |(values, shape): (&Vec<f64>, &ColumnShape)| column::fixed(values, shape.decimals);
        let fixed: Vec<Option<Vec<i64>>> = self.body.columns.iter().zip(&self.shape).map(fixed).collect();
        for (index, shape) in self.shape.iter().enumerate() {
            let related = |other: &usize| self.shape[*other].decimals == shape.decimals;
            let earlier = (0..index).filter(related).filter_map(|other| Some((other, fixed[other].as_ref()?)));
            let near = earlier.skip(index.saturating_sub(Kinship::REACH));
            let kinship = fixed[index].as_ref().map(|own| Kinship::find(own, &near.collect::<Vec<_>>()));
            match kinship {
                Some(kinship) if !kinship.terms.is_empty() => {
                    put(&mut bytes, kinship.terms.len() as u64);
                    bytes.extend(kinship.terms.iter().map(Term::byte));
                    column::encode_numbers(&kinship.rest, &mut bytes);
                }
                _ => {
                    bytes.push(0);
                    column::encode(&self.body.columns[index], shape.decimals, &mut bytes);
                }
            }
        }
        seal(&mut bytes);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let (mut reader, head) = Head::read(bytes, 0)?;
        let mut columns: Vec<Vec<f64>> = Vec::with_capacity(head.shape.len());
        for (index, ColumnShape { decimals, .. }) in head.shape.iter().enumerate() {
            let count = reader.count(1)?;
            let terms = reader.bytes(count)?;
            let (length, mut values) = (head.t.len(), Vec::new());
            if terms.is_empty() {
                column::decode(&mut reader, length, *decimals, &mut values)?;
            } else {
                let mut numbers = column::decode_numbers(&mut reader, length)?;
                for term in terms {
                    let Term { column, is_less } = Term::read(*term, index)?;
                    let other = column::fixed(&columns[column], *decimals).ok_or(Damaged)?;
                    for (number, other) in numbers.iter_mut().zip(other) {
                        *number = if is_less { number.wrapping_sub(other) } else { number.wrapping_add(other) };
                    }
                }
                let scale = column::power(*decimals);
                values.extend(numbers.into_iter().map(|number| number as f64 / scale));
            }
            columns.push(values);
        }
        Ok(Self { step: head.step, shape: head.shape, body: Rows { t: head.t, columns } })
    }
}

/// So many steps the way from a bucket's least value to its greatest one has, for its mean to stand on: finer than
/// anybody sees, and where the values themselves are coarser, exact.
const MEAN_STEPS: f64 = 1_023.0;

impl Extent<Buckets> {
    /// The least value, how far the greatest is from it, and where between them the mean is: of what does not change,
    /// all but the first are the same. How many values there are is mostly the same for all columns, and told once.
    pub(super) fn encode(&self) -> Vec<u8> {
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
            let round = rounding(shape.decimals);
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

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        Self::read(bytes, |t| {
            let rows = t.len();
            (t, move |parts: &Parts| (0..rows).map(|row| parts.bucket(row)).collect())
        })
    }

    /// What stands in some stretches, folded into buckets of a multiple of their length: of a month, the single ones are
    /// never written down.
    pub(super) fn decode_folded(bytes: &[u8], step: i64, stretches: &[(i64, i64)]) -> Result<Self, Damaged> {
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

/// As `rounding`, but for ties: many times as fast, which counts where a month is read.
fn nearest(value: f64, scale: f64) -> f64 {
    /// Added to a number, it leaves no room for a fraction.
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    let scaled = value * scale;
    if scaled.abs() < WHOLE / 4.0 { ((scaled + WHOLE) - WHOLE) / scale } else { value }
}

/// Sums and differences of decimal fractions are such fractions only once they are rounded.
pub(super) fn rounding(decimals: u8) -> impl Fn(f64) -> f64 {
    let scale = column::power(decimals);
    move |value| {
        let scaled = value * scale;
        if scaled.is_finite() { scaled.round() / scale } else { value }
    }
}

struct Head {
    step: i64,
    t: Vec<i64>,
    shape: Vec<ColumnShape>,
}

fn head(kind: u8, step: i64, t: &[i64], shape: &[ColumnShape]) -> Vec<u8> {
    let mut bytes = vec![VERSION, kind];
    let (first, last) = (t.first().copied().unwrap_or_default(), t.last().copied().unwrap_or_default());
    let slots = if t.is_empty() { 0 } else { (last - first) / step + 1 };
    put(&mut bytes, step as u64);
    put_signed(&mut bytes, first);
    put(&mut bytes, slots as u64);
    let mut ticks = t.iter().peekable();
    column::put_runs(&mut bytes, (0..slots).map(|slot| ticks.next_if(|t| **t == first + slot * step).is_some()));
    put(&mut bytes, shape.len() as u64);
    for shape in shape {
        bytes.push(shape.decimals);
        put_part(&mut bytes, shape.derived.as_deref().unwrap_or_default().as_bytes());
    }
    bytes
}

impl Head {
    fn read(bytes: &[u8], kind: u8) -> Result<(Reader<'_>, Self), Damaged> {
        let mut reader = Reader(unseal(bytes)?);
        if (reader.byte()?, reader.byte()?) != (VERSION, kind) {
            return Err(Damaged);
        }
        let step = i64::try_from(reader.number()?).ok().filter(|step| (1..=1 << 40).contains(step)).ok_or(Damaged)?;
        let first = Some(reader.signed()?).filter(|first| INSTANTS.contains(first)).ok_or(Damaged)?;
        let slots = reader.at_most(MOST_SLOTS)?;
        let last = step.checked_mul(slots as i64).and_then(|length| first.checked_add(length));
        last.ok_or(Damaged)?;
        let is_there =
            if slots == 0 { reader.number().map(|_| Vec::new())? } else { column::runs(&mut reader, slots)? };
        let ticks = is_there.into_iter().enumerate().filter(|(_, is)| *is);
        let t = ticks.map(|(slot, _)| first + slot as i64 * step).collect();
        let mut shape = Vec::new();
        for _ in 0..reader.count(2)? {
            let decimals = reader.byte()?.min(9);
            let name = std::str::from_utf8(reader.part()?.0).map_err(|_| Damaged)?;
            shape.push(ColumnShape { decimals, derived: (!name.is_empty()).then(|| name.to_owned()) });
        }
        Ok((reader, Self { step, t, shape }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(decimals: u8) -> ColumnShape {
        ColumnShape { decimals, derived: None }
    }

    fn extent() -> Extent<Rows> {
        let t: Vec<i64> = (0..3_600)
            .filter(|second| !(100..130).contains(second))
            .map(|second| 1_795_233_600_000 + second * 1_000)
            .collect();
        let busy = t.iter().map(|t| ((t / 1_000) % 97) as f64 / 4.0).collect();
        let bytes = t.iter().map(|t| if t % 7_000 == 0 { f64::NAN } else { (t % 1_000_000) as f64 }).collect();
        Extent { step: 1_000, shape: vec![shape(2), shape(0)], body: Rows { t, columns: vec![busy, bytes] } }
    }

    fn equal(left: &[f64], right: &[f64]) -> bool {
        left.len() == right.len() && left.iter().zip(right).all(|(l, r)| l == r || l.is_nan() && r.is_nan())
    }

    #[test]
    fn an_hour_reads_back_with_its_holes() -> Result<(), Damaged> {
        let extent = extent();
        let back = Extent::<Rows>::decode(&extent.encode())?;
        assert_eq!((back.step, &back.body.t, &back.shape), (1_000, &extent.body.t, &extent.shape));
        assert!(back.body.columns.iter().zip(&extent.body.columns).all(|(back, column)| equal(back, column)));
        Ok(())
    }

    #[test]
    fn buckets_read_back() -> Result<(), Damaged> {
        let minutes = Extent {
            step: 60_000,
            shape: vec![shape(2), ColumnShape { decimals: 2, derived: Some("busy".to_owned()) }],
            body: extent().body.fold(60_000),
        };
        let back = Extent::<Buckets>::decode(&minutes.encode())?;
        assert_eq!((&back.body.t, &back.shape), (&minutes.body.t, &minutes.shape));
        for (back, bucket) in back.body.columns.iter().flatten().zip(minutes.body.columns.iter().flatten()) {
            assert_eq!((back.range(), back.count), (bucket.range(), bucket.count));
            let width = bucket.max - bucket.min;
            assert!(
                (back.mean() - bucket.mean()).abs() <= (width / MEAN_STEPS).max(0.01) / 2.0 + 0.005,
                "{back:?} {bucket:?}"
            );
        }
        let empty = Extent { step: 60_000, shape: Vec::new(), body: Buckets::default() };
        assert_eq!(Extent::<Buckets>::decode(&empty.encode())?, empty);
        Ok(())
    }

    #[test]
    fn each_flipped_byte_is_noticed() {
        let bytes = extent().encode();
        for place in (0..bytes.len()).step_by(1 + bytes.len() / 500) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            assert_eq!(Extent::<Rows>::decode(&damaged), Err(Damaged), "byte {place}");
        }
        assert_eq!(Extent::<Rows>::decode(&bytes[..bytes.len() / 2]), Err(Damaged), "torn");
    }

    proptest! {
        /// Also bytes whose checksum is right are not trusted: somebody may have written them so.
        #[test]
        fn no_bytes_make_it_panic(place in any::<prop::sample::Index>(), value in any::<u8>(), more in proptest::collection::vec(any::<u8>(), 0..64)) {
            for kind in [0, 1] {
                let mut bytes = if kind == 0 {
                    extent().encode()
                } else {
                    Extent { step: 60_000, shape: vec![shape(2), shape(0)], body: extent().body.fold(60_000) }.encode()
                };
                bytes.truncate(bytes.len() - 4);
                let place = place.index(bytes.len());
                bytes[place] = value;
                seal(&mut bytes);
                _ = Extent::<Rows>::decode(&bytes);
                _ = Extent::<Buckets>::decode(&bytes);
                _ = Extent::<Buckets>::decode_folded(&bytes, 3_600_000, &[(i64::MIN, i64::MAX)]);
                let mut random = vec![VERSION, kind];
                random.extend(&more);
                seal(&mut random);
                _ = Extent::<Rows>::decode(&random);
                _ = Extent::<Buckets>::decode(&random);
            }
        }
    }
}
