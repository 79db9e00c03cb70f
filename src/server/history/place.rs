//! What stands in the rows of the tables of blocks and extents, and under which number.

use super::scan::instant;
use super::tier::Tier;
use rusqlite::{Connection, OptionalExtension};

/// Where a block or an extent stands in its table: the number of its row says what it is of and when it begins, in the
/// order in which they are read. An index beside the table would be a tenth of what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place(pub(super) i64);

impl Place {
    /// Enough for milliseconds until the year 2109.
    const T_BITS: u32 = 42;
    /// Of a shape's number.
    const SHAPE_BITS: u32 = 19;
    pub(super) const LAST_SHAPE: i64 = (1 << Self::SHAPE_BITS) - 1;
    /// Of a block's place there is room for no greater number.
    pub(super) const LAST_ERA: i64 = (1 << (63 - Self::T_BITS)) - 1;

    pub(super) fn of_extent(tier: Tier, shape: i64, first: i64) -> Self {
        let shape = shape.clamp(0, Self::LAST_SHAPE);
        Self((tier as i64) << (Self::SHAPE_BITS + Self::T_BITS) | shape << Self::T_BITS | Self::t(first))
    }

    /// Beyond all that a tier holds.
    pub(super) const fn end_of_tier(tier: Tier) -> Self {
        Self((tier as i64 + 1) << (Self::SHAPE_BITS + Self::T_BITS))
    }

    /// Where the extents of the shape after its own begin.
    pub(super) const fn next_shape(self) -> Self {
        Self(((self.0 >> Self::T_BITS) + 1) << Self::T_BITS)
    }

    pub(super) fn of_block(era: i64, first: i64) -> Self {
        Self(era << Self::T_BITS | Self::t(first))
    }

    pub(super) fn of_culprits(kind: i64, first: i64) -> Self {
        Self(kind << Self::T_BITS | Self::t(first))
    }

    pub(super) const fn first(self) -> i64 {
        self.0 & ((1 << Self::T_BITS) - 1)
    }

    pub(super) const fn shape(self) -> i64 {
        self.0 >> Self::T_BITS & Self::LAST_SHAPE
    }

    /// Whether an extent that stands here may begin at an instant.
    pub(super) fn holds(self, tier: Tier, first: i64) -> bool {
        let begin = self.first();
        begin.div_euclid(tier.extent_ms()) == first.div_euclid(tier.extent_ms()) && Self::t(first) <= begin
    }

    pub(super) const fn era(self) -> i64 {
        self.0 >> Self::T_BITS
    }

    fn t(first: i64) -> i64 {
        first.clamp(0, (1 << Self::T_BITS) - 1)
    }
}

/// An extent as it stands in its table.
pub(super) struct Stored {
    pub(super) era: i64,
    pub(super) last: i64,
    pub(super) body: Vec<u8>,
}

pub(super) fn is_there(connection: &Connection, place: Place) -> bool {
    let query = connection.prepare_cached("SELECT 1 FROM extent WHERE place = ?1");
    query.and_then(|mut query| query.exists([place.0])).unwrap_or(false)
}

pub(super) fn extent(connection: &Connection, place: Place) -> rusqlite::Result<Option<Stored>> {
    connection
        .prepare_cached("SELECT era, last, body FROM extent WHERE place = ?1")?
        .query_row([place.0], |row| {
            // Something else than bytes in its place is damage, and found to be so; so is what has no era.
            let body = row.get_ref(2)?.as_bytes().unwrap_or_default();
            let era = row.get::<_, i64>(0).ok().filter(|era| (0..=i64::from(u32::MAX)).contains(era));
            let body = if era.is_some() { body.to_vec() } else { Vec::new() };
            let last = instant(row, 1).unwrap_or(place.first());
            Ok(Stored { era: era.unwrap_or(i64::MAX), last, body })
        })
        .optional()
}
