//! What columns of a family have in common.

use super::super::bytes::Damaged;

/// Another column, to be added or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) column: usize,
    pub(super) is_less: bool,
}

impl Term {
    /// Columns further on have no room in it.
    const MOST_COLUMNS: usize = 128;

    pub(super) fn byte(&self) -> u8 {
        (self.column << 1) as u8 | u8::from(self.is_less)
    }

    /// Only of a column that stands before.
    pub(super) fn read(byte: u8, before: usize) -> Result<Self, Damaged> {
        let term = Self { column: usize::from(byte >> 1), is_less: byte & 1 == 1 };
        if term.column < before { Ok(term) } else { Err(Damaged) }
    }
}

/// What a column has in common with those before it: memory that is used is not free, what is sent to oneself is
/// received. The rest of it is shorter.
pub(super) struct Kinship {
    pub(super) terms: Vec<Term>,
    pub(super) rest: Vec<i64>,
}

impl Kinship {
    const MOST_TERMS: usize = 7;
    /// Of very many columns only so many before one are looked at.
    pub(super) const REACH: usize = 24;

    /// Takes one column after the other into account, as long as that makes the rest clearly shorter.
    pub(super) fn find(own: &[i64], earlier: &[(usize, &Vec<i64>)]) -> Self {
        let mut found = Self { terms: Vec::new(), rest: own.to_vec() };
        let mut length = bits(own.iter().copied());
        while found.terms.len() < Self::MOST_TERMS && length > own.len() as u64 {
            let mut best = None;
            for (column, other) in earlier.iter().filter(|(column, _)| *column < Term::MOST_COLUMNS) {
                for is_less in [false, true] {
                    let joined = bits(joined(&found.rest, other, !is_less));
                    if best.is_none_or(|(_, least)| joined < least) {
                        best = Some((Term { column: *column, is_less }, joined));
                    }
                }
            }
            let Some((term, least)) = best.filter(|(_, least)| *least < length - length / 16) else { break };
            let Some((_, other)) = earlier.iter().find(|(column, _)| *column == term.column) else { break };
            found.rest = joined(&found.rest, other, !term.is_less).collect();
            found.terms.push(term);
            length = least;
        }
        found
    }
}

fn joined<'a>(own: &'a [i64], other: &'a [i64], is_less: bool) -> impl Iterator<Item = i64> + Clone + 'a {
    own.iter().zip(other).map(move |(own, other)| if is_less { own - other } else { own + other })
}

/// Roughly how many bits the differences from one number to the next take.
fn bits(numbers: impl Iterator<Item = i64> + Clone) -> u64 {
    let differences = numbers.clone().zip(numbers.skip(1)).map(|(before, number)| number.wrapping_sub(before));
    differences.map(|difference| 2 * u64::from(64 - difference.unsigned_abs().leading_zeros())).sum()
}
