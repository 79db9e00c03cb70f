//! One column of numbers as bytes: in fixed point, in whichever of a few ways is shortest.

use super::bytes::{Damaged, Reader, put, put_part, put_signed};
use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DecompressorScratch, DeltaSpec, PagingSpec};
use std::cell::RefCell;

/// What takes longer to pack gains nothing on recordings of real machines.
const LEVEL: usize = 8;

/// Up to here every whole `f64` is exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Columns shorter than this are only written as differences: what `pco` says of itself would be longer than they are.
const FEW: usize = 24;

/// So many packed numbers are unpacked at once: as many as `pco` does.
const AT_ONCE: usize = 256;

thread_local! {
    /// What `pco` needs room for while it unpacks.
    static SCRATCH: RefCell<DecompressorScratch> = RefCell::default();
}

/// How the values are written. The number of each stands in files and never changes.
mod way {
    /// There is none.
    pub(super) const NONE: u8 = 0;
    /// All are this one.
    pub(super) const SAME: u8 = 1;
    /// Each less the one before.
    pub(super) const DIFFERENCES: u8 = 2;
    pub(super) const PACKED: u8 = 3;
    /// As they are: too great or too fine for fixed point.
    pub(super) const FLOATING: u8 = 4;
    /// Packed as numbers of half the width.
    pub(super) const PACKED_32: u8 = 5;
    /// Added where some are missing: then runs of those that are there and those that are not stand ahead.
    pub(super) const WITH_HOLES: u8 = 0x40;
}

/// `NaN` is a value that is missing.
pub(super) fn encode(values: &[f64], decimals: u8, to: &mut Vec<u8>) {
    let present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    let mut body = Vec::new();
    let holes = if present.len() == values.len() { 0 } else { way::WITH_HOLES };
    if present.is_empty() {
        to.push(way::NONE);
        return put_part(to, &body);
    }
    if holes != 0 {
        put_runs(&mut body, values.iter().map(|value| !value.is_nan()));
    }
    let way = match fixed(&present, decimals) {
        Some(numbers) => encode_fixed(&numbers, &mut body),
        None => {
            body.extend(present.iter().flat_map(|value| value.to_le_bytes()));
            way::FLOATING
        }
    };
    to.push(way | holes);
    put_part(to, &body);
}

/// Appends `count` values.
pub(super) fn decode(reader: &mut Reader<'_>, count: usize, decimals: u8, to: &mut Vec<f64>) -> Result<(), Damaged> {
    let way = reader.byte()?;
    let mut body = reader.part()?;
    let is_there = if way & way::WITH_HOLES != 0 { Some(runs(&mut body, count)?) } else { None };
    let present = is_there.as_ref().map_or(count, |is_there| is_there.iter().filter(|is| **is).count());
    let scale = power(decimals);
    let before = to.len();
    to.reserve(count);
    match way & !way::WITH_HOLES {
        way::NONE => {
            to.resize(before + count, f64::NAN);
            return Ok(());
        }
        way::SAME => to.resize(before + present, body.signed()? as f64 / scale),
        way::DIFFERENCES => to.extend(differences(&mut body, present)?.into_iter().map(|number| number as f64 / scale)),
        way::PACKED => unpack(body.0, present, |some: &[i64]| to.extend(some.iter().map(|n| *n as f64 / scale)))?,
        way::PACKED_32 => {
            unpack(body.0, present, |some: &[i32]| to.extend(some.iter().map(|n| f64::from(*n) / scale)))?
        }
        way::FLOATING => {
            let (bytes, []) = body.0.as_chunks::<8>() else { return Err(Damaged) };
            to.extend(bytes.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        }
        _ => return Err(Damaged),
    }
    if to.len() != before + present {
        return Err(Damaged);
    }
    if let Some(is_there) = is_there {
        let values = to.split_off(before);
        let mut values = values.into_iter();
        to.extend(is_there.into_iter().map(|is| if is { values.next().unwrap_or(f64::NAN) } else { f64::NAN }));
    }
    Ok(())
}

/// A value in whole steps of its last decimal place; `None` where that would not be the same value.
pub(super) fn to_fixed(value: f64, scale: f64) -> Option<i64> {
    let scaled = (value * scale).round();
    // Adding zero makes the negative zero, which fixed point does not know, equal to the other one.
    (scaled.abs() < EXACT && scaled / scale == value).then_some(scaled as i64)
}

pub(super) fn power(decimals: u8) -> f64 {
    10_f64.powi(i32::from(decimals))
}

/// Sums and differences of decimal fractions are such fractions only once they are rounded.
pub(super) fn rounding(decimals: u8) -> impl Fn(f64) -> f64 {
    let scale = power(decimals);
    move |value| {
        let scaled = value * scale;
        if scaled.is_finite() { scaled.round() / scale } else { value }
    }
}

/// Which way it became.
fn encode_fixed(numbers: &[i64], to: &mut Vec<u8>) -> u8 {
    let first = numbers.first().copied().unwrap_or_default();
    if numbers.iter().all(|number| *number == first) {
        put_signed(to, first);
        return way::SAME;
    }
    let mut differences = Vec::with_capacity(numbers.len() * 2);
    let mut before = 0;
    for &number in numbers {
        put_signed(&mut differences, number.wrapping_sub(before));
        before = number;
    }
    match shortest_packed(numbers).filter(|(_, packed)| packed.len() < differences.len()) {
        Some((way, packed)) => {
            to.extend(packed);
            way
        }
        None => {
            to.extend(differences);
            way::DIFFERENCES
        }
    }
}

fn differences(body: &mut Reader<'_>, count: usize) -> Result<Vec<i64>, Damaged> {
    let mut numbers = Vec::with_capacity(count.min(body.0.len()));
    let mut number = 0_i64;
    for _ in 0..count {
        number = number.wrapping_add(body.signed()?);
        numbers.push(number);
    }
    Ok(numbers)
}

/// What `pco` chooses by itself is not always the shortest.
fn shortest_packed(numbers: &[i64]) -> Option<(u8, Vec<u8>)> {
    if numbers.len() < FEW {
        return None;
    }
    let narrow: Option<Vec<i32>> = numbers.iter().map(|number| i32::try_from(*number).ok()).collect();
    let mut packed = Vec::new();
    for delta in [DeltaSpec::Auto, DeltaSpec::TryConsecutive(1), DeltaSpec::NoOp] {
        packed.push(match &narrow {
            Some(narrow) => (way::PACKED_32, pack(narrow, delta)?),
            None => (way::PACKED, pack(numbers, delta)?),
        });
    }
    packed.into_iter().min_by_key(|(_, packed)| packed.len())
}

/// Without the head of a file of its own, which would be longer than many a column.
fn pack<T: Number>(numbers: &[T], delta: DeltaSpec) -> Option<Vec<u8>> {
    let config = ChunkConfig::default()
        .with_compression_level(LEVEL)
        .with_delta_spec(delta)
        .with_paging_spec(PagingSpec::Exact(vec![numbers.len()]));
    let file = FileCompressor::default();
    let mut chunk = file.chunk_compressor(numbers, &config).ok()?;
    let bytes = file.write_header(Vec::with_capacity(numbers.len())).ok()?;
    let bytes = chunk.write_meta(bytes).ok()?;
    chunk.write_page(0, bytes).ok()
}

/// Gives `count` numbers, some at a time.
fn unpack<T: Number>(bytes: &[u8], count: usize, mut take: impl FnMut(&[T])) -> Result<(), Damaged> {
    let (file, rest) = FileDecompressor::new(bytes).map_err(|_| Damaged)?;
    let (chunk, rest) = file.chunk_decompressor::<T, _>(rest).map_err(|_| Damaged)?;
    SCRATCH.with_borrow_mut(|scratch| {
        let mut page = chunk.page_decompressor_with_scratch(rest, count, scratch).map_err(|_| Damaged)?;
        let (mut some, mut left) = ([T::default(); AT_ONCE], count);
        while left > 0 {
            let read = page.read(&mut some[..left.min(AT_ONCE)]).map_err(|_| Damaged)?.n_processed;
            take(some.get(..read.min(left)).filter(|some| !some.is_empty()).ok_or(Damaged)?);
            left -= read;
        }
        Ok(())
    })
}

/// Whole numbers, none missing.
pub(super) fn encode_numbers(numbers: &[i64], to: &mut Vec<u8>) {
    let mut body = Vec::new();
    let way = encode_fixed(numbers, &mut body);
    to.push(way);
    put_part(to, &body);
}

pub(super) fn decode_numbers(reader: &mut Reader<'_>, count: usize) -> Result<Vec<i64>, Damaged> {
    let way = reader.byte()?;
    let mut body = reader.part()?;
    match way {
        way::SAME => Ok(vec![body.signed()?; count]),
        way::DIFFERENCES => differences(&mut body, count),
        way::PACKED => {
            let mut numbers = Vec::with_capacity(count);
            unpack(body.0, count, |some: &[i64]| numbers.extend(some))?;
            Ok(numbers)
        }
        way::PACKED_32 => {
            let mut numbers = Vec::with_capacity(count);
            unpack(body.0, count, |some: &[i32]| numbers.extend(some.iter().map(|number| i64::from(*number))))?;
            Ok(numbers)
        }
        _ => Err(Damaged),
    }
}

/// A whole column in steps of the last decimal place; `None` where a value is missing or does not fit.
pub(super) fn fixed(values: &[f64], decimals: u8) -> Option<Vec<i64>> {
    let scale = power(decimals);
    values.iter().map(|&value| to_fixed(value, scale)).collect()
}

/// Lengths of runs by turns, first of what is there.
pub(super) fn put_runs(to: &mut Vec<u8>, is_there: impl Iterator<Item = bool>) {
    let (mut now, mut length) = (true, 0_u64);
    for is in is_there {
        if is != now {
            put(to, length);
            (now, length) = (is, 0);
        }
        length += 1;
    }
    put(to, length);
}

pub(super) fn runs(reader: &mut Reader<'_>, count: usize) -> Result<Vec<bool>, Damaged> {
    let (mut is_there, mut now) = (Vec::with_capacity(count), true);
    while is_there.len() < count {
        let length = reader.at_most(count - is_there.len())?;
        // Only the first run may be empty.
        if length == 0 && !is_there.is_empty() {
            return Err(Damaged);
        }
        is_there.resize(is_there.len() + length, now);
        now = !now;
    }
    Ok(is_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(values: &[f64], decimals: u8) -> Vec<u8> {
        let (mut bytes, mut back) = (Vec::new(), Vec::new());
        encode(values, decimals, &mut bytes);
        let mut reader = Reader(&bytes);
        assert_eq!(decode(&mut reader, values.len(), decimals, &mut back), Ok(()));
        assert!(reader.0.is_empty());
        let is_same = |(left, right): (&f64, &f64)| left == right || left.is_nan() && right.is_nan();
        assert!(values.len() == back.len() && values.iter().zip(&back).all(is_same), "{values:?}\n{back:?}");
        bytes
    }

    #[test]
    fn columns_read_back_and_simple_ones_are_short() {
        let nan = f64::NAN;
        for (values, decimals, longest) in [
            (vec![], 2, 2),
            (vec![nan; 3_600], 2, 2),
            (vec![12.34; 3_600], 2, 4),
            ((0..3_600).map(f64::from).collect(), 0, 60),
            ((0..3_600).map(|number| f64::from(number % 2)).collect(), 2, 600),
            (vec![1.0, nan, nan, 2.5, nan], 2, 12),
            (vec![nan, 1.0], 2, 8),
            (vec![1e300, -1e-300, f64::INFINITY], 2, 32),
            (vec![0.125, 0.5], 2, 20),
            (vec![9.2e15, 1.0], 0, 20),
            (vec![16_000_000_000.0, 15_999_995_904.0], 0, 10),
        ] {
            let bytes = check(&values, decimals);
            assert!(bytes.len() <= longest, "{} bytes of {} values", bytes.len(), values.len());
        }
    }

    proptest! {
        #[test]
        fn any_column_reads_back(
            numbers in proptest::collection::vec(proptest::option::weighted(0.9, -1_000_000_i64..1_000_000), 0..300),
            decimals in 0_u8..3,
        ) {
            let value = |number: Option<i64>| number.map_or(f64::NAN, |number| number as f64 / power(decimals));
            check(&numbers.into_iter().map(value).collect::<Vec<_>>(), decimals);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), way in 0_u8..6, count in 0_usize..400) {
            let mut column = vec![way];
            put_part(&mut column, &bytes);
            // Whatever is read of them, nothing panics.
            _ = decode(&mut Reader(&column), count, 2, &mut Vec::new());
            _ = decode(&mut Reader(&bytes), count, 2, &mut Vec::new());
        }

        /// Nothing of what was damaged is left in the room that others are unpacked in.
        #[test]
        fn a_damaged_column_spoils_no_other(place in any::<prop::sample::Index>(), bits in 1_u8.., slope in 0_i32..3) {
            let wave = |n: i32| f64::from((n * n + slope * n) % 1_009);
            let mut damaged = check(&(0..700).map(wave).collect::<Vec<_>>(), 0);
            let place = place.index(damaged.len());
            damaged[place] ^= bits;
            _ = decode(&mut Reader(&damaged), 700, 0, &mut Vec::new());
            check(&(0..300).map(|n| wave(n) + f64::from(n % 2) * 1e9).collect::<Vec<_>>(), 0);
        }
    }
}
