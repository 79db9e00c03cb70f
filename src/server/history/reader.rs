//! Reading: what is stored of a stretch of time, and what waits to be, as one course a family.

mod parts;

use super::course::{Answer, Body, Course, Detail, Question, Wanted, union};
use super::damages::Damages;
use super::database::{Database, end_what_broke_off};
use super::derived::Derived;
use super::eras::Eras;
use super::extent::{ColumnShape, Extent};
use super::forget;
use super::place::Place;
use super::rows::{Buckets, Rows};
use super::tier::{Tier, step_for};
use super::told::{Told, holes, in_order, merged};
use super::writer::gaps;
use crate::model::{Catalog, Family, Gap, Observation};
use parts::Parts;
use rusqlite::Connection;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Of more columns the hour that is not packed yet is not in memory at once.
const MOST_COLUMNS: usize = 1_024;

/// Answers from the file and from what waits to be stored.
pub(super) fn answer(
    database: &mut Database,
    damages: &mut Damages,
    waiting: (&Catalog, &[Observation]),
    question: &Question,
) -> rusqlite::Result<Answer> {
    look(database, |database| {
        database.shapes.renew(&database.connection)?;
        Reading::begin(database, damages, waiting)?.answer(question)
    })
}

/// From the file alone, and of those families only that are known already: who asks for one stretch after the other
/// is told of the same columns each time.
pub(super) fn answer_of_known(
    database: &mut Database,
    damages: &mut Damages,
    question: &Question,
) -> rusqlite::Result<Answer> {
    let nothing = (&Catalog::default(), &[][..]);
    look(database, |database| Reading::begin(database, damages, nothing)?.answer(question))
}

/// Nothing changes in the file meanwhile.
fn look<T>(database: &mut Database, read: impl FnOnce(&mut Database) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    end_what_broke_off(&database.connection)?;
    database.connection.execute_batch("BEGIN")?;
    let seen = read(database);
    // Nothing was changed: it makes no difference how it ends.
    drop(database.connection.execute_batch("COMMIT"));
    seen
}

/// One look at the file: nothing changes in it meanwhile.
struct Reading<'a> {
    database: &'a mut Database,
    damages: &'a mut Damages,
    /// Families that wait and have no number yet are given one below zero, of this look alone.
    shapes: HashMap<i64, Arc<Family>>,
    /// The numbers of each family's shapes, the oldest first.
    by_family: HashMap<Arc<str>, Vec<i64>>,
    /// What series are derived from besides their own family.
    available: Catalog,
    /// What waits to be stored: shape, era and rows.
    waiting: Vec<(i64, i64, Rows)>,
    /// What is in no extent yet.
    open: Parts<Rows>,
    /// Ticks of `available`, once they were needed.
    beside: HashMap<Arc<str>, Rows>,
    eras: Eras,
    /// What is missing of all families, with the era that says so.
    gaps: Vec<(i64, Gap)>,
    /// What is missing of single shapes, for it can't be decoded.
    damaged: HashMap<i64, Vec<(i64, Gap)>>,
    /// Where each tier begins.
    oldest: [OnceCell<Option<i64>>; 3],
}

impl<'a> Reading<'a> {
    fn begin(
        database: &'a mut Database,
        damages: &'a mut Damages,
        (before, waiting): (&Catalog, &[Observation]),
    ) -> rusqlite::Result<Self> {
        let eras = Eras::read(&database.connection)?;
        let shapes = database.shapes.iter().map(|(id, family)| (id, Arc::clone(family))).collect();
        let mut by_family: HashMap<Arc<str>, Vec<i64>> = HashMap::new();
        for (id, family) in database.shapes.iter() {
            by_family.entry(Arc::clone(&family.id)).or_default().push(id);
        }
        by_family.values_mut().for_each(|ids| ids.sort_unstable());
        let mut reading = Self {
            database,
            damages,
            shapes,
            by_family,
            available: Catalog::default(),
            waiting: Vec::new(),
            open: HashMap::new(),
            beside: HashMap::new(),
            eras,
            gaps: Vec::new(),
            damaged: HashMap::new(),
            oldest: Default::default(),
        };
        reading.take_waiting(before, waiting);
        let available = reading.shapes.values().find(|family| &*family.id == "memory.available");
        reading.available = Catalog(available.map(|family| (**family).clone()).into_iter().collect());
        Ok(reading)
    }

    /// What has been stored since it was asked for is not counted twice.
    fn take_waiting(&mut self, before: &Catalog, waiting: &[Observation]) {
        let stored = self.eras.newest();
        self.gaps.extend(gaps(waiting, stored.map_or(0, |(era, _)| era)));
        let mut catalog = before.clone();
        let mut numbers = self.numbers(&catalog);
        let mut parts: BTreeMap<(i64, i64), Rows> = BTreeMap::new();
        for observation in waiting {
            match observation {
                Observation::Catalog(next) => {
                    catalog = (**next).clone();
                    numbers = self.numbers(&catalog);
                }
                Observation::Gap(_) => {}
                Observation::Sample { id, sample } => {
                    let place = (i64::from(id.era), id.t.0);
                    if stored.is_some_and(|stored| place <= stored) {
                        continue;
                    }
                    self.eras.take(place.0, place.1);
                    for entry in &sample.families {
                        let Some(&(shape, count)) = numbers.get(&entry.family) else { continue };
                        let rows = parts.entry((place.0, shape)).or_insert_with(|| Rows::new(count));
                        rows.push(place.1, &entry.values);
                    }
                }
            }
        }
        self.waiting = parts.into_iter().map(|((era, shape), rows)| (shape, era, rows)).collect();
    }

    fn numbers(&mut self, catalog: &Catalog) -> HashMap<Arc<str>, (i64, usize)> {
        let mut numbers = HashMap::new();
        for family in catalog.iter() {
            let ids = self.by_family.entry(Arc::clone(&family.id)).or_default();
            let known = ids.iter().rev().find(|id| self.shapes.get(id).is_some_and(|known| **known == *family));
            let number = known.copied().unwrap_or_else(|| {
                // Below zero, and the newest of its family all the same.
                let number = -1 - self.shapes.len() as i64;
                self.shapes.insert(number, Arc::new(family.clone()));
                ids.push(number);
                number
            });
            numbers.insert(Arc::clone(&family.id), (number, family.dimensions.len()));
        }
        numbers
    }

    fn answer(&mut self, question: &Question) -> rusqlite::Result<Answer> {
        let (from, to) = (question.from.0, question.to.0);
        let mut courses = Vec::new();
        for group in self.groups(question) {
            let steps: Vec<Option<i64>> = group.iter().map(|(_, shapes)| self.step(question, shapes)).collect();
            let mut wanted: HashSet<i64> = group.iter().flat_map(|(_, shapes)| shapes.iter().copied()).collect();
            wanted.extend(self.available.iter().filter_map(|family| self.by_family.get(&family.id)).flatten());
            let margin = steps.iter().flatten().copied().max().unwrap_or(0);
            self.open_blocks(&wanted, from.saturating_sub(margin), to.saturating_add(margin))?;
            for ((_, shapes), step) in group.into_iter().zip(steps) {
                let Some(course) = self.course(&shapes, step, from, to)? else { continue };
                if !course.body.t().is_empty() || matches!(&question.families, Wanted::These(_)) {
                    courses.push((course, shapes));
                }
            }
        }
        self.read_gaps(from, to)?;
        let inside =
            |gap: &Gap| gap.from.is_some_and(|first| first.0 <= to) && gap.to.is_some_and(|last| last.0 >= from);
        let told = std::mem::take(&mut self.gaps).into_iter().flat_map(|(era, gap)| self.eras.clip(era, gap));
        let gaps = in_turn(told.filter(inside).collect());
        for (course, shapes) in &mut courses {
            let damaged = shapes.iter().filter_map(|shape| self.damaged.get(shape)).flatten();
            let damaged = damaged.flat_map(|(era, gap)| self.eras.clip(*era, *gap));
            course.late = in_turn(damaged.filter(inside).collect());
            if let Body::Ticks(rows) = &course.body {
                let known = in_turn(gaps.iter().chain(&course.late).copied().collect());
                course.late.extend(holes(&rows.t, course.step_ms, &known));
            }
        }
        let courses = courses.into_iter().map(|(course, _)| course).collect();
        Ok(Answer { courses, gaps })
    }

    /// One family, of which there are these shapes.
    fn course(&mut self, shapes: &[i64], step: Option<i64>, from: i64, to: i64) -> rusqlite::Result<Option<Course>> {
        let Some(family) = union(shapes.iter().filter_map(|id| self.shapes.get(id))) else { return Ok(None) };
        let derived = Derived::of(&family, &self.available).into_iter().map(|derived| derived.shape).collect();
        let told = Told { family, derived };
        let course = match step {
            None => self.ticks(&told, shapes, from, to)?,
            Some(step) => {
                let (from, to) = (from.div_euclid(step) * step, (to.div_euclid(step) + 1) * step - 1);
                self.folded(&told, shapes, from, to, step)?
            }
        };
        Ok(Some(course))
    }

    /// What is asked for, as much at once as may be in memory of the hour that is not packed yet.
    fn groups(&self, question: &Question) -> Vec<Vec<(Arc<str>, Vec<i64>)>> {
        let (mut groups, mut columns) = (vec![Vec::new()], 0);
        for family in self.families(question) {
            let shapes = family.1.iter().filter_map(|id| self.shapes.get(id));
            let own = shapes.map(|shape| shape.dimensions.len()).sum::<usize>();
            if columns + own > MOST_COLUMNS {
                groups.push(Vec::new());
                columns = 0;
            }
            columns += own;
            if let Some(group) = groups.last_mut() {
                group.push(family);
            }
        }
        groups
    }

    /// The families that are asked for, with the numbers of their shapes, the oldest first.
    fn families(&self, question: &Question) -> Vec<(Arc<str>, Vec<i64>)> {
        let named = |name: &Arc<str>| Some((Arc::clone(name), self.by_family.get(name)?.clone()));
        match &question.families {
            Wanted::All => {
                let mut all: Vec<_> =
                    self.by_family.iter().map(|(name, ids)| (Arc::clone(name), ids.clone())).collect();
                all.sort_unstable();
                all
            }
            Wanted::These(these) => these.iter().filter_map(named).collect(),
        }
    }

    /// The length of buckets; `None` where every tick is told.
    fn step(&self, question: &Question, shapes: &[i64]) -> Option<i64> {
        let Detail::Points(points) = question.detail else { return None };
        let intervals = shapes.iter().filter_map(|id| self.shapes.get(id)).map(|family| family.interval_ms.ms());
        let (shortest, newest) = (intervals.clone().min().unwrap_or(1_000), intervals.last().unwrap_or(1_000));
        let length = (question.to.0 - question.from.0).max(0);
        let ticks = length / shortest + 1;
        let is_kept = self.keeps_ticks_since(question.from.0);
        if ticks <= i64::try_from(points).unwrap_or(i64::MAX) && is_kept {
            return None;
        }
        // Finer than what is kept of that time would be nothing at all.
        let least = if is_kept { newest } else { self.coarser_than_ticks(question.from.0) };
        Some(step_for(length, points, least))
    }

    /// Whether the ticks of that time are there, as far as anything is.
    fn keeps_ticks_since(&self, from: i64) -> bool {
        let oldest = |tier| self.oldest(tier).unwrap_or(i64::MAX);
        let ticks = oldest(Tier::Ticks);
        ticks <= from
            || Tier::FOLDED.into_iter().all(|tier| oldest(tier).saturating_add(tier.step_ms().unwrap_or(0)) >= ticks)
    }

    fn coarser_than_ticks(&self, from: i64) -> i64 {
        let oldest = |tier| self.oldest(tier).unwrap_or(i64::MAX);
        let (minutes, hours) = (oldest(Tier::Minutes), oldest(Tier::Hours));
        let tier = if minutes <= from || hours.saturating_add(super::tier::HOUR_MS) >= minutes {
            Tier::Minutes
        } else {
            Tier::Hours
        };
        tier.step_ms().unwrap_or(super::tier::MINUTE_MS)
    }

    fn oldest(&self, tier: Tier) -> Option<i64> {
        *self.oldest[tier as usize].get_or_init(|| oldest(&self.database.connection, tier))
    }

    fn ticks(&mut self, told: &Told, shapes: &[i64], from: i64, to: i64) -> rusqlite::Result<Course> {
        let mut parts = self.read_ticks(shapes, from, to)?;
        let mut joined: Vec<Rows> = Vec::new();
        for id in shapes {
            for (era, rows) in parts.remove(id).unwrap_or_default() {
                let rows = rows.within(&self.eras.counting(era, from, to));
                joined.push(self.widened(*id, rows, told, from, to)?);
            }
        }
        let rows = in_order(joined, told.width());
        Ok(told.course(told.family.interval_ms.ms(), Body::Ticks(rows)))
    }

    fn folded(&mut self, told: &Told, shapes: &[i64], from: i64, to: i64, step: i64) -> rusqlite::Result<Course> {
        let tier = self.tier_for(step, from);
        let mut joined: Vec<Buckets> = Vec::new();
        // Ticks are read of the whole, or of what is not folded yet.
        let mut parts = if tier == Tier::Ticks { self.read_ticks(shapes, from, to)? } else { self.read_open(shapes) };
        for id in shapes {
            for (era, rows) in parts.remove(id).unwrap_or_default() {
                let rows = rows.within(&self.eras.counting(era, from, to));
                joined.push(self.widened(*id, rows, told, from, to)?.fold(step));
            }
            if tier == Tier::Ticks {
                continue;
            }
            let places = self.shapes.get(id).map(|shape| told.places(shape)).unwrap_or_default();
            let extents = self.read_extents(&self.places_of(tier, *id, from, to)?, |eras, era, body| {
                Extent::<Buckets>::decode_folded(body, step, &eras.counting(era, from, to))
            })?;
            for (_, extent) in extents {
                let place = |(index, shape): (usize, &ColumnShape)| match &shape.derived {
                    None => places.get(index).copied().flatten(),
                    Some(_) => told.place_of(shape),
                };
                let places: Vec<Option<usize>> = extent.shape.iter().enumerate().map(place).collect();
                joined.push(extent.body.arranged(&places, told.width()));
            }
        }
        Ok(told.course(step, Body::Folded(merged(joined, told.width()))))
    }

    /// A shape's rows with what is derived of them, in the columns of the family as it is told.
    fn widened(&mut self, shape: i64, mut rows: Rows, told: &Told, from: i64, to: i64) -> rusqlite::Result<Rows> {
        let Some(own) = self.shapes.get(&shape).cloned() else { return Ok(Rows::new(told.width())) };
        let (mut places, mut columns) = (told.places(&own), Vec::new());
        for derived in Derived::of(&own, &self.available) {
            if let Some(other) = derived.also_reads()
                && !self.beside.contains_key(other)
            {
                let read = self.read_beside(other, from, to)?;
                self.beside.insert(Arc::clone(other), read);
            }
            columns.push(derived.column(&rows, |name| self.beside.get(name)));
            places.push(told.place_of(&derived.shape));
        }
        // Only now: what is derived is not derived from again.
        rows.columns.append(&mut columns);
        Ok(rows.arranged(&places, told.width()))
    }

    /// Another family, whose ticks something is derived from.
    fn read_beside(&mut self, family: &Arc<str>, from: i64, to: i64) -> rusqlite::Result<Rows> {
        let ids = self.by_family.get(family).cloned().unwrap_or_default();
        let mut parts = self.read_ticks(&ids, from, to)?;
        let mut joined = Vec::new();
        for id in ids {
            for (era, rows) in parts.remove(&id).unwrap_or_default() {
                joined.push(rows.within(&self.eras.counting(era, from, to)));
            }
        }
        let columns = joined.first().map_or(1, |rows| rows.columns.len());
        Ok(in_order(joined, columns))
    }

    /// The tier that buckets are made of: the coarsest that serves, unless a finer one has more of the past.
    fn tier_for(&self, step: i64, from: i64) -> Tier {
        let mut tier = Tier::of_step(step);
        while let Some(finer) = tier.finer() {
            let (own, other) = (self.oldest(tier), self.oldest(finer));
            let is_short = own.is_none_or(|own| own > from && other.is_some_and(|other| other < own));
            if !is_short {
                break;
            }
            tier = finer;
        }
        tier
    }
}

fn in_turn(mut gaps: Vec<Gap>) -> Vec<Gap> {
    gaps.sort_by_key(|gap| (gap.from, gap.to));
    gaps.dedup();
    gaps
}

/// Where a tier begins.
pub(super) fn oldest(connection: &Connection, tier: Tier) -> Option<i64> {
    let stored = forget::oldest(connection, tier).ok().flatten();
    let hot = || {
        let mut places = connection.prepare_cached("SELECT place FROM hot").ok()?;
        let places = places.query_map([], |row| row.get(0).map(Place)).ok()?;
        places.flatten().map(Place::first).min()
    };
    if tier == Tier::Ticks { stored.into_iter().chain(hot()).min() } else { stored }
}

/// Where all of it ends, whatever the clock did.
pub(super) fn newest(connection: &Connection) -> Option<i64> {
    connection.query_row("SELECT max(last) FROM era", [], |row| row.get(0)).ok().flatten()
}

/// Whether there ever was such a family, stored or waiting to be.
pub(super) fn knows(
    database: &mut Database,
    (before, waiting): (&Catalog, &[Observation]),
    family: &str,
) -> rusqlite::Result<bool> {
    database.shapes.renew(&database.connection)?;
    let waits = waiting.iter().any(|observation| match observation {
        Observation::Catalog(catalog) => catalog.family(family).is_some(),
        _ => false,
    });
    Ok(waits || before.family(family).is_some() || database.shapes.is_known(family))
}
