//! Reading: what is stored of a stretch of time, and what waits to be, as one course a family.

mod known;
mod parts;
mod steps;

use super::bytes::{Damaged, INSTANTS};
use super::course::{Answer, Body, Course, Detail, Question, Wanted, union};
use super::damages::Damages;
use super::database::{Database, end_what_broke_off};
use super::derived::Derived;
use super::eras::Eras;
use super::extent::{ColumnShape, Extent};
use super::gaps::seen;
use super::paces::Paces;
use super::rows::{Buckets, Rows};
use super::tier::Tier;
use super::told::{Told, holes, in_order, merged};
use super::writer::gaps;
use crate::model::{Catalog, Gap, GapReason, Observation, UnixMs};
use known::Known;
use parts::Parts;
use rusqlite::Connection;
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
        begin(database, damages, waiting, question)?.answer(question)
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
    look(database, |database| begin(database, damages, nothing, question)?.answer(question))
}

fn begin<'a>(
    database: &'a mut Database,
    damages: &'a mut Damages,
    waiting: (&Catalog, &[Observation]),
    question: &Question,
) -> rusqlite::Result<Reading<'a>> {
    if let Detail::Points(_) = question.detail {
        database.beginnings.renew(&database.connection)?;
    }
    Reading::begin(database, damages, waiting)
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
    database: &'a Database,
    damages: &'a mut Damages,
    known: Known<'a>,
    /// What series are derived from besides their own family.
    available: Catalog,
    /// What waits to be stored: shape, era and rows.
    waiting: Vec<(i64, i64, Rows)>,
    /// What is in no extent yet.
    open: Parts<Rows>,
    /// Ticks of `available`, from one instant to another, once they were needed.
    beside: HashMap<Arc<str>, ((i64, i64), Rows)>,
    eras: Eras,
    /// The newest era of the file, and its last instant.
    stored: Option<(i64, i64)>,
    /// What is missing of all families, with the era that says so.
    gaps: Vec<(i64, Gap)>,
    /// What is missing of single shapes, for it can't be decoded.
    damaged: HashMap<i64, Vec<(i64, Gap)>>,
}

impl<'a> Reading<'a> {
    fn begin(
        database: &'a Database,
        damages: &'a mut Damages,
        (before, waiting): (&Catalog, &[Observation]),
    ) -> rusqlite::Result<Self> {
        let eras = Eras::read_what_is_left(&database.connection)?;
        let mut reading = Self {
            database,
            damages,
            known: Known::new(&database.shapes),
            available: Catalog::default(),
            waiting: Vec::new(),
            open: HashMap::new(),
            beside: HashMap::new(),
            stored: eras.newest(),
            eras,
            gaps: Vec::new(),
            damaged: HashMap::new(),
        };
        reading.take_waiting(before, waiting);
        let available = reading.known.of("memory.available").last().and_then(|id| reading.known.get(*id));
        reading.available = Catalog(available.map(|family| (**family).clone()).into_iter().collect());
        Ok(reading)
    }

    /// What has been stored since it was asked for is not counted twice.
    fn take_waiting(&mut self, before: &Catalog, waiting: &[Observation]) {
        let stored = self.stored;
        self.gaps.extend(gaps(waiting, stored.map_or(0, |(era, _)| era)));
        let mut numbers = self.known.put_in_force(before);
        let mut parts: BTreeMap<(i64, i64), Rows> = BTreeMap::new();
        for observation in waiting {
            match observation {
                Observation::Catalog(next) => numbers = self.known.put_in_force(next),
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

    fn answer(&mut self, question: &Question) -> rusqlite::Result<Answer> {
        // There is nothing else, and steps have room.
        let [from, to] = [question.from.0, question.to.0].map(|t| t.clamp(0, INSTANTS.end));
        let question = &Question { from: UnixMs(from), to: UnixMs(to), ..question.clone() };
        let mut courses = Vec::new();
        for group in self.groups(question) {
            let mut wanted: HashSet<i64> = group.iter().flatten().copied().collect();
            wanted.extend(self.available.iter().flat_map(|family| self.known.of(&family.id)));
            let margin = group.iter().filter_map(|shapes| self.longest_step(question, shapes)).max().unwrap_or(0);
            self.open_blocks(&wanted, from.saturating_sub(margin), to.saturating_add(margin))?;
            for shapes in group {
                let step = self.step(question, self.intervals(&shapes, from, to)?);
                let Some(course) = self.course(&shapes, step, from, to)? else { continue };
                if !course.body.t().is_empty() || matches!(&question.families, Wanted::These(_)) {
                    courses.push((course, shapes));
                }
            }
        }
        let are_gaps_whole = self.read_gaps(from, to)?;
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
                let reason = if are_gaps_whole { GapReason::Late } else { GapReason::Unknown };
                course.late.extend(holes(&rows.t, &course.paces, &known, reason));
            }
        }
        let courses: Vec<Course> = courses.into_iter().map(|(course, _)| course).collect();
        let gaps = if question.detail == Detail::Ticks { gaps } else { gaps_seen(&courses, gaps) };
        Ok(Answer { courses, gaps })
    }

    /// One family, of which there are these shapes.
    fn course(&mut self, shapes: &[i64], step: Option<i64>, from: i64, to: i64) -> rusqlite::Result<Option<Course>> {
        let Some(family) = union(shapes.iter().filter_map(|id| self.known.get(*id))) else { return Ok(None) };
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

    /// The shapes of what is asked for, as much at once as may be in memory of the hour that is not packed yet.
    fn groups(&self, question: &Question) -> Vec<Vec<Vec<i64>>> {
        let (mut groups, mut columns) = (vec![Vec::new()], 0);
        let families = match &question.families {
            Wanted::All => self.known.families(),
            Wanted::These(these) => these.clone(),
        };
        for shapes in families.iter().map(|family| self.known.of(family)).filter(|shapes| !shapes.is_empty()) {
            let dimensions = shapes.iter().filter_map(|id| self.known.get(*id)).map(|shape| shape.dimensions.len());
            let own = dimensions.sum::<usize>();
            if columns + own > MOST_COLUMNS {
                groups.push(Vec::new());
                columns = 0;
            }
            columns += own;
            if let Some(group) = groups.last_mut() {
                group.push(shapes.to_vec());
            }
        }
        groups
    }

    fn ticks(&mut self, told: &Told, shapes: &[i64], from: i64, to: i64) -> rusqlite::Result<Course> {
        let parts = self.read_ticks(shapes, from, to)?;
        let mut joined: Vec<(i64, Rows)> = Vec::new();
        for (id, rows) in self.widened(shapes, parts, told, from, to)? {
            let interval = self.known.get(id).map_or(&told.family, |shape| shape).interval_ms;
            joined.push((interval.ms(), rows));
        }
        let paces = Paces::of(&joined, told.family.interval_ms.ms());
        let rows = in_order(joined.into_iter().map(|(_, rows)| rows).collect(), told.width());
        Ok(told.course(paces, Body::Ticks(rows)))
    }

    fn folded(&mut self, told: &Told, shapes: &[i64], from: i64, to: i64, step: i64) -> rusqlite::Result<Course> {
        let tier = self.tier_for(step, from);
        // Ticks are read of the whole, or of what is not folded yet.
        let parts = if tier == Tier::Ticks { self.read_ticks(shapes, from, to)? } else { self.read_open(shapes) };
        let parts = self.widened(shapes, parts, told, from, to)?;
        let mut joined: Vec<Buckets> = parts.into_iter().map(|(_, rows)| rows.fold(step)).collect();
        for id in shapes.iter().filter(|_| tier != Tier::Ticks) {
            let places = self.known.get(*id).map(|shape| told.places(shape)).unwrap_or_default();
            let (stored, width) = (self.places_of(tier, *id, from, to)?, self.width(*id));
            let extents = self.read_extents(&stored, |eras, _, stored| {
                let extent =
                    Extent::<Buckets>::decode_folded(&stored.body, step, &eras.counting(stored.era, from, to))?;
                let own = extent.shape.iter().filter(|shape| shape.derived.is_none()).count();
                if own == width { Ok(extent) } else { Err(Damaged) }
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
        Ok(told.course(Paces::steady(step), Body::Folded(merged(joined, told.width()))))
    }

    /// What counts of the ticks of some shapes, with what is derived of them, in the columns of the family as it is told.
    fn widened(
        &mut self,
        shapes: &[i64],
        mut parts: Parts<Rows>,
        told: &Told,
        from: i64,
        to: i64,
    ) -> rusqlite::Result<Vec<(i64, Rows)>> {
        let mut counting: Vec<(i64, Rows)> = Vec::new();
        for id in shapes {
            for (era, rows) in parts.remove(id).unwrap_or_default() {
                counting.push((*id, rows.within(&self.eras.counting(era, from, to))));
            }
        }
        counting.retain(|(_, rows)| !rows.is_empty());
        let first = counting.iter().filter_map(|(_, rows)| rows.t.first()).min().copied();
        let last = counting.iter().filter_map(|(_, rows)| rows.t.last()).max().copied();
        let (Some(first), Some(last)) = (first, last) else { return Ok(counting) };
        for (id, rows) in &mut counting {
            let Some(own) = self.known.get(*id).cloned() else { continue };
            let (mut places, mut columns) = (told.places(&own), Vec::new());
            for derived in Derived::of(&own, &self.available) {
                if let Some(other) = derived.also_reads() {
                    self.read_beside(other, first, last)?;
                }
                columns.push(derived.column(rows, |name| self.beside.get(name).map(|(_, rows)| rows)));
                places.push(told.place_of(&derived.shape));
            }
            // Only now: what is derived is not derived from again.
            rows.columns.append(&mut columns);
            *rows = std::mem::take(rows).arranged(&places, told.width());
        }
        Ok(counting)
    }

    /// Another family, whose ticks something is derived from.
    fn read_beside(&mut self, family: &Arc<str>, from: i64, to: i64) -> rusqlite::Result<()> {
        if self.beside.get(family).is_some_and(|((first, last), _)| *first <= from && to <= *last) {
            return Ok(());
        }
        let ids = self.known.of(family).to_vec();
        let mut parts = self.read_ticks(&ids, from, to)?;
        let mut joined = Vec::new();
        for id in ids {
            for (era, rows) in parts.remove(&id).unwrap_or_default() {
                joined.push(rows.within(&self.eras.counting(era, from, to)));
            }
        }
        let columns = joined.first().map_or(1, |rows| rows.columns.len());
        self.beside.insert(Arc::clone(family), ((from, to), in_order(joined, columns)));
        Ok(())
    }
}

/// Beside points, what they can show.
fn gaps_seen(courses: &[Course], gaps: Vec<Gap>) -> Vec<Gap> {
    let step = courses.iter().map(|course| course.step_ms).min().unwrap_or(0);
    let interval = courses.iter().map(|course| course.family.interval_ms.ms()).max().unwrap_or(0);
    seen(gaps, step, interval)
}

fn in_turn(mut gaps: Vec<Gap>) -> Vec<Gap> {
    gaps.sort_by_key(|gap| (gap.from, gap.to));
    gaps.dedup();
    gaps
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
