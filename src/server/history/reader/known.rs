//! The shapes as one look sees them: those of the file, and those of families that wait to be stored.

use super::super::shapes::Shapes;
use crate::model::{Catalog, Family};
use std::collections::HashMap;
use std::sync::Arc;

pub(super) struct Known<'a> {
    stored: &'a Shapes,
    /// Families that wait and have no number yet are given one below zero, of this look alone.
    waiting: HashMap<i64, Arc<Family>>,
    /// Of families whose shape in force is another one than in the file.
    by_family: HashMap<Arc<str>, Vec<i64>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(stored: &'a Shapes) -> Self {
        Self { stored, waiting: HashMap::new(), by_family: HashMap::new() }
    }

    pub(super) fn get(&self, id: i64) -> Option<&Arc<Family>> {
        self.waiting.get(&id).or_else(|| self.stored.get(id))
    }

    /// The numbers of a family's shapes, the oldest first, the one in force last.
    pub(super) fn of(&self, family: &str) -> &[i64] {
        self.by_family.get(family).map_or_else(|| self.stored.of(family), Vec::as_slice)
    }

    /// The names of all families, in order.
    pub(super) fn families(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.stored.families().chain(self.by_family.keys()).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// From here on these families are in force; which numbers they have, and how many dimensions.
    pub(super) fn put_in_force(&mut self, catalog: &Catalog) -> HashMap<Arc<str>, (i64, usize)> {
        let mut numbers = HashMap::new();
        for family in catalog.iter() {
            let number = self.number(family);
            if self.of(&family.id).last() != Some(&number) {
                let others = self.of(&family.id).iter().copied().filter(|other| *other != number);
                let in_order = others.chain([number]).collect();
                self.by_family.insert(Arc::clone(&family.id), in_order);
            }
            numbers.insert(Arc::clone(&family.id), (number, family.dimensions.len()));
        }
        numbers
    }

    fn number(&mut self, family: &Family) -> i64 {
        let is_it = |id: &&i64| self.get(**id).is_some_and(|known| **known == *family);
        if let Some(known) = self.of(&family.id).iter().rev().find(is_it) {
            return *known;
        }
        let number = -1 - self.waiting.len() as i64;
        self.waiting.insert(number, Arc::new(family.clone()));
        number
    }
}
