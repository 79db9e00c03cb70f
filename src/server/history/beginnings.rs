//! Where each tier begins, remembered from one question to the next: to find that takes a look at every shape there is.

use super::database::is_broken;
use super::forget::first_of;
use super::place::{Place, is_there};
use super::tier::Tier;
use rusqlite::Connection;

#[derive(Debug, Default)]
pub(super) struct Beginnings {
    /// The first block of each era that has any.
    blocks: Vec<Place>,
    /// The first extent of each tier.
    extents: [Option<Place>; 3],
}

impl Beginnings {
    pub(super) fn find(connection: &Connection) -> rusqlite::Result<Self> {
        let mut found = Self::default();
        found.renew(connection)?;
        Ok(found)
    }

    /// A tier begins elsewhere only when what was its first is forgotten, or when an hour was packed, which takes the
    /// first of its blocks away.
    pub(super) fn renew(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let blocks = match first_blocks(connection) {
            // Those that were known are as good as any.
            Err(error) if is_broken(&error) => self.blocks.clone(),
            blocks => blocks?,
        };
        let is_packed = self.blocks != blocks;
        for tier in Tier::ALL {
            let known = self.extents[tier as usize];
            if is_packed || !known.is_some_and(|place| is_there(connection, place)) {
                self.extents[tier as usize] = first_of(connection, tier)?;
            }
        }
        self.blocks = blocks;
        Ok(())
    }

    /// `None` where it is empty. What is in no extent yet are ticks.
    pub(super) fn of(&self, tier: Tier) -> Option<i64> {
        let blocks = self.blocks.iter().filter(|_| tier == Tier::Ticks);
        self.extents[tier as usize].iter().chain(blocks).map(|place| place.first()).min()
    }
}

fn first_blocks(connection: &Connection) -> rusqlite::Result<Vec<Place>> {
    let mut query = connection.prepare_cached("SELECT min(place) FROM hot WHERE place >= ?1")?;
    let (mut next, mut firsts) = (Place::of_block(0, 0), Vec::new());
    while let Some(first) = query.query_row([next.0], |row| row.get::<_, Option<i64>>(0))?.map(Place) {
        firsts.push(first);
        next = Place::of_block(first.era().saturating_add(1), 0);
    }
    Ok(firsts)
}
