//! An extent: one family's stretch of time in one tier, as the bytes that stay on disk.
//!
//! It says its version, its step, which of its ticks exist, and then each column. A checksum stands at the end: a byte
//! that is torn or flipped costs this extent and no other.

mod buckets;
mod kinship;

use super::bytes::{Damaged, INSTANTS, Reader, put, put_part, put_signed, seal, unseal};
use super::column;
use super::rows::Rows;
use kinship::{Kinship, Term};

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
    use super::super::rows::Buckets;
    use super::buckets::MEAN_STEPS;
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
