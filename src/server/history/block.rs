//! A block: some seconds of all families, as the bytes that stand on disk until their hour is over.

use super::bytes::{Damaged, INSTANTS, Reader, put, put_part, put_signed, seal, unseal, unzigzag, zigzag};
use super::column::{power, to_fixed};
use super::place::Place;
use super::rows::Rows;
use super::tier::hour;

const VERSION: u8 = 1;

/// What stands for a value that is none, and for one that follows as it is; whatever is greater is a difference.
const MISSING: u64 = 0;
const FLOATING: u64 = 1;
const DIFFERENCE: u64 = 2;

/// One family's rows in a block.
pub(super) struct Part<'a> {
    /// The number of its shape in the store.
    pub(super) shape: i64,
    /// Decimal places, one a column.
    pub(super) decimals: &'a [u8],
    pub(super) rows: &'a Rows,
}

/// Ticks must be in order and hold those of all parts.
pub(super) fn encode(ticks: &[i64], parts: &[Part<'_>]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    put(&mut bytes, ticks.len() as u64);
    let mut before = 0;
    for t in ticks {
        put_signed(&mut bytes, t - before);
        before = *t;
    }
    put(&mut bytes, parts.len() as u64);
    let mut body = Vec::new();
    for part in parts {
        put(&mut bytes, part.shape as u64);
        body.clear();
        put(&mut body, part.decimals.len() as u64);
        body.extend_from_slice(part.decimals);
        for chunk in ticks.chunks(8) {
            body.push(chunk.iter().rev().fold(0, |bits, t| bits << 1 | u8::from(part.rows.row_of(*t).is_some())));
        }
        for (column, decimals) in part.rows.columns.iter().zip(part.decimals) {
            put_values(&mut body, column, *decimals);
        }
        put_part(&mut bytes, &body);
    }
    seal(&mut bytes);
    bytes
}

/// Reads the block that stands at a place: one that holds anything else is damaged.
pub(super) fn decode_at(
    place: Place,
    bytes: &[u8],
    is_wanted: impl FnMut(i64) -> bool,
    mut take: impl FnMut(i64, Rows),
) -> Result<(), Damaged> {
    let (begin, mut is_elsewhere) = (place.first(), false);
    let take_own = |shape, rows: Rows| match (rows.t.first(), rows.t.last()) {
        (Some(first), Some(last)) if begin > *first || hour(begin) != hour(*last) => is_elsewhere = true,
        _ => take(shape, rows),
    };
    decode(bytes, is_wanted, take_own)?;
    if is_elsewhere { Err(Damaged) } else { Ok(()) }
}

/// Reads a block; `take` is given each family's rows that `is_wanted`, by the number of its shape.
pub(super) fn decode(
    bytes: &[u8],
    mut is_wanted: impl FnMut(i64) -> bool,
    mut take: impl FnMut(i64, Rows),
) -> Result<(), Damaged> {
    let mut reader = Reader(unseal(bytes)?);
    if reader.byte()? != VERSION {
        return Err(Damaged);
    }
    let mut ticks = Vec::new();
    let mut t = 0_i64;
    for _ in 0..reader.count(1)? {
        t = t.wrapping_add(reader.signed()?);
        if !INSTANTS.contains(&t) {
            return Err(Damaged);
        }
        ticks.push(t);
    }
    for _ in 0..reader.count(2)? {
        let shape = i64::try_from(reader.number()?).map_err(|_| Damaged)?;
        let mut body = reader.part()?;
        if is_wanted(shape) {
            take(shape, rows(&mut body, &ticks)?);
        }
    }
    Ok(())
}

fn rows(body: &mut Reader<'_>, ticks: &[i64]) -> Result<Rows, Damaged> {
    let columns = body.count(1)?;
    let decimals = body.bytes(columns)?;
    let mut rows = Rows::new(columns);
    for chunk in ticks.chunks(8) {
        let bits = body.byte()?;
        rows.t.extend(chunk.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, t)| *t));
    }
    for (column, decimals) in rows.columns.iter_mut().zip(decimals) {
        let scale = power((*decimals).min(9));
        let mut before = 0_i64;
        for _ in 0..rows.t.len() {
            column.push(match body.number()? {
                MISSING => f64::NAN,
                FLOATING => f64::from_le_bytes(body.bytes(8)?.try_into().map_err(|_| Damaged)?),
                code => {
                    before = before.wrapping_add(unzigzag(code - DIFFERENCE));
                    before as f64 / scale
                }
            });
        }
    }
    Ok(rows)
}

fn put_values(to: &mut Vec<u8>, values: &[f64], decimals: u8) {
    let scale = power(decimals);
    let mut before = 0_i64;
    for &value in values {
        if value.is_nan() {
            put(to, MISSING);
        } else if let Some(number) = to_fixed(value, scale) {
            put(to, zigzag(number - before) + DIFFERENCE);
            before = number;
        } else {
            put(to, FLOATING);
            to.extend_from_slice(&value.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<(i64, Rows)>, Damaged> {
        let mut read = Vec::new();
        decode(bytes, |shape| shape != 9, |shape, rows| read.push((shape, rows)))?;
        Ok(read)
    }

    #[test]
    fn families_that_were_late_or_not_due_have_fewer_rows() {
        let ticks: Vec<i64> = (0..11).map(|second| 1_795_233_600_000 + second * 1_000).collect();
        let each =
            Rows { t: ticks.clone(), columns: vec![(0..11).map(|n| f64::from(n) / 100.0).collect(), vec![1e300; 11]] };
        let slow = Rows { t: vec![ticks[3], ticks[10]], columns: vec![vec![-5.0, 16_000_000_000.0]] };
        let part = |shape, decimals, rows| Part { shape, decimals, rows };
        let bytes = encode(&ticks, &[part(1, &[2, 0], &each), part(9, &[2, 0], &each), part(7, &[0], &slow)]);
        assert_eq!(read(&bytes), Ok(vec![(1, each), (7, slow)]));
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert_eq!(read(&damaged), Err(Damaged));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            bytes.insert(0, VERSION);
            seal(&mut bytes);
            _ = read(&bytes);
        }
    }
}
