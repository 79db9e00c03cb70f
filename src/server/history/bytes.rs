//! Whole numbers as few bytes, and bytes read without trust in them.

/// What was read is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored bytes are damaged")]
pub(super) struct Damaged;

/// More than any clock says: what is read of another instant is damage, and sums of instants have room.
pub(super) const INSTANTS: std::ops::Range<i64> = -(1 << 50)..1 << 50;

/// Seven bits a byte, the lowest first.
pub(super) fn put(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

pub(super) fn put_signed(to: &mut Vec<u8>, number: i64) {
    put(to, zigzag(number));
}

/// Small numbers of either sign become small numbers.
pub(super) const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

pub(super) const fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Puts a checksum behind everything before it.
pub(super) fn seal(bytes: &mut Vec<u8>) {
    let sum = crc32fast::hash(bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
}

/// What was sealed, if it is whole.
pub(super) fn unseal(bytes: &[u8]) -> Result<&[u8], Damaged> {
    let (inner, sum) = bytes.split_last_chunk::<4>().ok_or(Damaged)?;
    if crc32fast::hash(inner) == u32::from_le_bytes(*sum) { Ok(inner) } else { Err(Damaged) }
}

/// Reads from the front. Nothing it is given makes it panic or reserve more than it was given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Result<u8, Damaged> {
        let (first, rest) = self.0.split_first().ok_or(Damaged)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    /// All that are left.
    pub(super) fn numbers(mut self) -> Vec<i64> {
        std::iter::from_fn(|| self.number().ok()).map(|number| number as i64).collect()
    }

    pub(super) fn signed(&mut self) -> Result<i64, Damaged> {
        self.number().map(unzigzag)
    }

    /// A count of things that are `least_bytes` long at least and follow: more than fit is damage.
    pub(super) fn count(&mut self, least_bytes: usize) -> Result<usize, Damaged> {
        let count = self.at_most(usize::MAX)?;
        if count.checked_mul(least_bytes).is_some_and(|bytes| bytes <= self.0.len()) { Ok(count) } else { Err(Damaged) }
    }

    pub(super) fn at_most(&mut self, most: usize) -> Result<usize, Damaged> {
        self.number()?.try_into().ok().filter(|number| *number <= most).ok_or(Damaged)
    }

    /// A part whose length is said before it.
    pub(super) fn part(&mut self) -> Result<Self, Damaged> {
        let length = self.count(1)?;
        self.bytes(length).map(Self)
    }
}

/// Puts a part with its length before it.
pub(super) fn put_part(to: &mut Vec<u8>, part: &[u8]) {
    put(to, part.len() as u64);
    to.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_read_back(numbers in proptest::collection::vec(any::<i64>(), 0..20)) {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|number| put_signed(&mut bytes, *number));
            let mut reader = Reader(&bytes);
            for number in numbers {
                prop_assert_eq!(reader.signed(), Ok(number));
            }
            prop_assert_eq!(reader.byte(), Err(Damaged));
        }

        #[test]
        fn a_flipped_bit_is_noticed(mut bytes in proptest::collection::vec(any::<u8>(), 1..200), bit in any::<usize>()) {
            seal(&mut bytes);
            prop_assert!(unseal(&bytes).is_ok());
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(unseal(&bytes), Err(Damaged));
        }
    }

    #[test]
    fn what_is_too_long_is_damage() {
        assert_eq!(Reader(&[0xff; 10]).number(), Err(Damaged));
        assert_eq!(Reader(&[5, 1, 2]).count(1), Err(Damaged));
        assert_eq!(Reader(&[0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 2]).count(8), Err(Damaged));
        assert_eq!(Reader(&[2, 1, 2]).part().map(|part| part.0), Ok(&[1, 2][..]));
    }
}
