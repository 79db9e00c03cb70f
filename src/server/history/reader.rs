//! Reading: what is stored of a stretch of time, and what waits to be, as one course a family.

use super::block;
use super::bytes::{Damaged, Reader};
use super::course::{Answer, Body, Course, Detail, Question, Wanted, union};
use super::database::{Database, Place, Stored, extent};
use super::derived::Derived;
use super::extent::{ColumnShape, Extent};
use super::rows::{Bucket, Buckets, Rows};
use super::tier::{Tier, step_for};
use crate::model::sample::FamilyValues;
use crate::model::{Catalog, EventId, Family, Gap, GapReason, Interval, LastSeen, Observation, Sample, UnixMs};
use rusqlite::Connection;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// More holes of a single family are not told: whoever wants them asks for less time.
const MOST_HOLES: usize = 1_000;

/// What reads the file. `damaged` remembers what was found so, to tell it once.
#[derive(Debug, Default)]
pub(super) struct Damages {
    known: HashSet<Place>,
    hot: HashSet<Place>,
    culprits: HashSet<Place>,
}

impl Damages {
    /// Who was heaviest is not known where these stand.
    pub(super) fn tell_culprits(&mut self, damaged: &[Place]) {
        for place in damaged {
            if self.culprits.insert(*place) {
                tracing::warn!(first = place.first(), "some of the heaviest processes in the history are damaged");
            }
        }
    }
}

/// What was read of a shape, in parts of some length, each with its era.
type Parts<T> = HashMap<i64, Vec<(i64, T)>>;

/// Answers from the file and from what waits to be stored.
pub(super) fn answer(
    database: &mut Database,
    damages: &mut Damages,
    (before, waiting): (&Catalog, &[Observation]),
    question: &Question,
) -> rusqlite::Result<Answer> {
    begin(database)?;
    let learned = database.shapes.renew(&database.connection);
    let answered = learned
        .and_then(|()| Reading::begin(database, damages, before, waiting))
        .and_then(|mut reading| reading.answer(question));
    // Nothing was changed: it makes no difference how it ends.
    drop(database.connection.execute_batch("COMMIT"));
    answered
}

/// From the file alone, and of those families only that are known already: who asks for one stretch after the other
/// is told of the same columns each time.
pub(super) fn answer_of_known(
    database: &mut Database,
    damages: &mut Damages,
    question: &Question,
) -> rusqlite::Result<Answer> {
    begin(database)?;
    let answered =
        Reading::begin(database, damages, &Catalog::default(), &[]).and_then(|mut reading| reading.answer(question));
    // Nothing was changed: it makes no difference how it ends.
    drop(database.connection.execute_batch("COMMIT"));
    answered
}

fn begin(database: &Database) -> rusqlite::Result<()> {
    // A look that was broken off by a mistake of ours has not ended yet.
    if !database.connection.is_autocommit() {
        database.connection.execute_batch("ROLLBACK")?;
    }
    database.connection.execute_batch("BEGIN")
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
    gaps: Vec<Gap>,
    /// Where each tier begins.
    oldest: [OnceCell<Option<i64>>; 3],
}

/// The eras, in order: number, first and last instant. Where two know of the same time, the clock had been set back, and
/// what the later one says counts; so does that nothing is to come yet.
#[derive(Debug, Default)]
struct Eras(Vec<(i64, i64, i64)>);

impl Eras {
    /// The stretches of an era that later ones have taken over.
    fn taken_over(&self, era: i64) -> Vec<(i64, i64)> {
        let mut taken: Vec<_> =
            self.0.iter().filter(|(later, ..)| *later > era).map(|(_, first, last)| (*first, *last)).collect();
        if let Some((_, last)) = taken.last() {
            taken.push((*last, i64::MAX));
        }
        taken
    }

    fn take(&mut self, era: i64, t: i64) {
        match self.0.iter_mut().find(|(known, ..)| *known == era) {
            Some((.., last)) => *last = t,
            None => self.0.push((era, t, t)),
        }
    }
}

impl<'a> Reading<'a> {
    fn begin(
        database: &'a mut Database,
        damages: &'a mut Damages,
        before: &Catalog,
        waiting: &[Observation],
    ) -> rusqlite::Result<Self> {
        let (mut eras, mut stored) = (Eras::default(), None);
        {
            let mut query = database.connection.prepare_cached("SELECT era, first, last FROM era ORDER BY era")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                eras.0.push((row.get(0)?, row.get(1)?, row.get(2)?));
                stored = Some((row.get(0)?, row.get(2)?));
            }
        }
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
            oldest: Default::default(),
        };
        reading.take_waiting(before, waiting, stored);
        let available = reading.shapes.values().find(|family| &*family.id == "memory.available");
        reading.available = Catalog(available.map(|family| (**family).clone()).into_iter().collect());
        Ok(reading)
    }

    /// What has been stored since it was asked for is not counted twice.
    fn take_waiting(&mut self, before: &Catalog, waiting: &[Observation], stored: Option<(i64, i64)>) {
        let mut catalog = before.clone();
        let mut numbers = self.numbers(&catalog);
        let mut parts: BTreeMap<(i64, i64), Rows> = BTreeMap::new();
        for observation in waiting {
            match observation {
                Observation::Catalog(next) => {
                    catalog = (**next).clone();
                    numbers = self.numbers(&catalog);
                }
                Observation::Gap(gap) => self.gaps.push(*gap),
                Observation::Sample { id, sample } => {
                    let place = (i64::from(id.era), id.t.0);
                    if stored.is_some_and(|stored| place <= stored) {
                        continue;
                    }
                    self.eras.take(place.0, place.1);
                    for entry in &sample.families {
                        let Some(&(shape, count)) = numbers.get(&entry.family) else { continue };
                        let rows = parts.entry((place.0, shape)).or_insert_with(|| Rows::new(count));
                        rows.t.push(place.1);
                        for (index, column) in rows.columns.iter_mut().enumerate() {
                            column.push(entry.values.get(index).copied().flatten().unwrap_or(f64::NAN));
                        }
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
        let families = self.families(question);
        let steps: Vec<Option<i64>> = families.iter().map(|(_, shapes)| self.step(question, shapes)).collect();
        let mut wanted: HashSet<i64> = families.iter().flat_map(|(_, shapes)| shapes.iter().copied()).collect();
        wanted.extend(self.available.iter().filter_map(|family| self.by_family.get(&family.id)).flatten());
        let margin = steps.iter().flatten().copied().max().unwrap_or(0);
        self.open_blocks(&wanted, from.saturating_sub(margin), to.saturating_add(margin))?;
        for ((_, shapes), step) in families.into_iter().zip(steps) {
            let Some(family) = union(shapes.iter().filter_map(|id| self.shapes.get(id))) else { continue };
            let derived = Derived::of(&family, &self.available).into_iter().map(|derived| derived.shape).collect();
            let told = Told { family, derived };
            let course = match step {
                None => self.ticks(&told, &shapes, from, to)?,
                Some(step) => {
                    let (from, to) = (from.div_euclid(step) * step, (to.div_euclid(step) + 1) * step - 1);
                    self.folded(&told, &shapes, from, to, step)?
                }
            };
            if !course.body.t().is_empty() || matches!(&question.families, Wanted::These(_)) {
                courses.push(course);
            }
        }
        self.read_gaps(from, to)?;
        let inside =
            |gap: &Gap| gap.from.is_some_and(|first| first.0 <= to) && gap.to.is_some_and(|last| last.0 >= from);
        let mut gaps: Vec<Gap> = self.gaps.drain(..).filter(inside).collect();
        gaps.sort_by_key(|gap| (gap.from, gap.to));
        gaps.dedup();
        for course in &mut courses {
            if let Body::Ticks(rows) = &course.body {
                course.late = holes(&rows.t, course.step_ms, &gaps);
            }
        }
        Ok(Answer { courses, gaps })
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
                let rows = self.counting(rows, era, from, to);
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
                let rows = self.counting(rows, era, from, to);
                joined.push(self.widened(*id, rows, told, from, to)?.fold(step));
            }
            if tier == Tier::Ticks {
                continue;
            }
            let places = self.shapes.get(id).map(|shape| told.places(shape)).unwrap_or_default();
            for (era, extent) in self.read_buckets(tier, *id, from, to)? {
                let place = |(index, shape): (usize, &ColumnShape)| match &shape.derived {
                    None => places.get(index).copied().flatten(),
                    Some(_) => told.place_of(shape),
                };
                let places: Vec<Option<usize>> = extent.shape.iter().enumerate().map(place).collect();
                let taken = self.eras.taken_over(era);
                let buckets = match kept(&extent.body.t, from, to, &taken) {
                    Some(kept) => extent.body.pick(&kept),
                    None => extent.body,
                };
                joined.push(buckets.arranged(&places, told.width()).fold(step));
            }
        }
        Ok(told.course(step, Body::Folded(merged(joined, told.width()))))
    }

    /// Of an era's rows those that are asked for and that no later era has taken over.
    fn counting(&self, rows: Rows, era: i64, from: i64, to: i64) -> Rows {
        match kept(&rows.t, from, to, &self.eras.taken_over(era)) {
            Some(kept) => rows.pick(&kept),
            None => rows,
        }
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
                joined.push(self.counting(rows, era, from, to));
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

    /// From extents, from blocks, and from what waits.
    fn read_ticks(&mut self, shapes: &[i64], from: i64, to: i64) -> rusqlite::Result<Parts<Rows>> {
        let mut parts: Parts<Rows> = HashMap::new();
        for shape in shapes {
            for place in self.places_of(Tier::Ticks, *shape, from, to)? {
                if let Some((era, extent)) = self.read_extent(place, |body| Extent::<Rows>::decode(body, |_| true))? {
                    parts.entry(*shape).or_default().push((era, extent.body));
                }
            }
        }
        for (shape, more) in self.read_open(shapes) {
            parts.entry(shape).or_default().extend(more);
        }
        Ok(parts)
    }

    /// What is in no extent yet.
    fn read_open(&self, shapes: &[i64]) -> Parts<Rows> {
        shapes.iter().filter_map(|shape| Some((*shape, self.open.get(shape)?.clone()))).collect()
    }

    /// Reads the blocks once for all families that are asked for, and what waits.
    fn open_blocks(&mut self, wanted: &HashSet<i64>, from: i64, to: i64) -> rusqlite::Result<()> {
        let mut parts: Parts<Rows> = HashMap::new();
        let mut damaged = Vec::new();
        {
            let query = "SELECT place, last, block FROM hot WHERE last >= ?1 ORDER BY place";
            let mut query = self.database.connection.prepare_cached(query)?;
            let mut blocks = query.query([from])?;
            while let Some(row) = blocks.next()? {
                let place = Place(row.get(0)?);
                if place.first() > to {
                    continue;
                }
                let era = place.era();
                let bytes = row.get_ref(2)?.as_bytes().unwrap_or_default();
                let take = |shape, rows: Rows| {
                    let known = parts.entry(shape).or_default();
                    match known.last_mut() {
                        Some((same, before)) if *same == era && before.columns.len() == rows.columns.len() => {
                            before.append(rows);
                        }
                        _ => known.push((era, rows)),
                    }
                };
                if block::decode(bytes, |shape| wanted.contains(&shape), take).is_err() {
                    damaged.push((place, row.get(1)?));
                }
            }
        }
        for (place, last) in damaged {
            let is_news = self.damages.hot.insert(place);
            self.tell_damage(is_news, "all families", place.first(), last);
        }
        for (shape, era, rows) in self.waiting.drain(..) {
            if wanted.contains(&shape) {
                parts.entry(shape).or_default().push((era, rows));
            }
        }
        self.open = parts;
        Ok(())
    }

    fn read_buckets(
        &mut self,
        tier: Tier,
        shape: i64,
        from: i64,
        to: i64,
    ) -> rusqlite::Result<Vec<(i64, Extent<Buckets>)>> {
        let mut read = Vec::new();
        for place in self.places_of(tier, shape, from, to)? {
            read.extend(self.read_extent(place, |body| Extent::<Buckets>::decode(body, |_| true))?);
        }
        Ok(read)
    }

    /// The extents that may reach into a stretch.
    fn places_of(&self, tier: Tier, shape: i64, from: i64, to: i64) -> rusqlite::Result<Vec<Place>> {
        if shape < 0 {
            return Ok(Vec::new());
        }
        let begin = Place::of_extent(tier, shape, from.saturating_sub(tier.extent_ms()));
        let end = Place::of_extent(tier, shape, to);
        let query = "SELECT place FROM extent WHERE place >= ?1 AND place <= ?2";
        let mut query = self.database.connection.prepare_cached(query)?;
        query.query_map([begin.0, end.0], |row| row.get(0).map(Place))?.collect()
    }

    /// `None` for one that is damaged: it is told once, and a gap from then on.
    fn read_extent<T>(
        &mut self,
        place: Place,
        decode: impl Fn(&[u8]) -> Result<T, Damaged>,
    ) -> rusqlite::Result<Option<(i64, T)>> {
        let Stored { era, last, body } = match extent(&self.database.connection, place) {
            Ok(Some(stored)) => stored,
            Ok(None) => return Ok(None),
            // A page that is damaged costs what stands on it.
            Err(error) if super::database::is_broken(&error) => {
                Stored { era: 0, last: place.first(), body: Vec::new() }
            }
            Err(error) => return Err(error),
        };
        if let Ok(extent) = decode(&body) {
            return Ok(Some((era, extent)));
        }
        let is_news = self.damages.known.insert(place);
        let family = self.shapes.get(&place.shape()).map(|family| Arc::clone(&family.id)).unwrap_or_default();
        self.tell_damage(is_news, &family, place.first(), last);
        Ok(None)
    }

    fn tell_damage(&mut self, is_news: bool, family: &str, first: i64, last: i64) {
        if is_news {
            tracing::warn!(first, last, family, "a part of the history is damaged; it is shown as a gap");
        }
        let [from, to] = [first, last].map(|t| Some(UnixMs(t)));
        self.gaps.push(Gap { from, to, reason: GapReason::Unknown });
    }

    fn read_gaps(&mut self, from: i64, to: i64) -> rusqlite::Result<()> {
        let mut query = self
            .database
            .connection
            .prepare_cached("SELECT first, last, reason FROM gap WHERE last >= ?1 AND first <= ?2")?;
        let mut rows = query.query([from, to])?;
        while let Some(row) = rows.next()? {
            let reason = row.get_ref(2)?.as_str().unwrap_or_default();
            let reason = GapReason::ALL.into_iter().find(|known| known.id() == reason).unwrap_or(GapReason::Unknown);
            self.gaps.push(Gap { from: Some(UnixMs(row.get(0)?)), to: Some(UnixMs(row.get(1)?)), reason });
        }
        Ok(())
    }
}

/// Where a tier begins.
pub(super) fn oldest(connection: &Connection, tier: Tier) -> Option<i64> {
    let stored = super::writer::oldest(connection, tier).ok().flatten();
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

/// Which rows are asked for and in none of some stretches; `None` for all of them.
fn kept(t: &[i64], from: i64, to: i64, stretches: &[(i64, i64)]) -> Option<Vec<usize>> {
    let is_in = |t: i64| from <= t && t <= to && !stretches.iter().any(|(first, last)| *first <= t && t <= *last);
    let kept: Vec<usize> = (0..t.len()).filter(|row| is_in(t[*row])).collect();
    (kept.len() < t.len()).then_some(kept)
}

/// A family as it is told: with all dimensions it had, and what is derived of it.
struct Told {
    family: Family,
    derived: Vec<ColumnShape>,
}

impl Told {
    fn width(&self) -> usize {
        self.family.dimensions.len() + self.derived.len()
    }

    /// Where the dimensions of a shape stand.
    fn places(&self, shape: &Family) -> Vec<Option<usize>> {
        shape.dimensions.iter().map(|dimension| self.family.dimension(&dimension.id)).collect()
    }

    fn place_of(&self, derived: &ColumnShape) -> Option<usize> {
        let place = self.derived.iter().position(|known| known.derived == derived.derived)?;
        Some(self.family.dimensions.len() + place)
    }

    fn course(&self, step_ms: i64, body: Body) -> Course {
        Course { family: self.family.clone(), step_ms, body, derived: self.derived.clone(), late: Vec::new() }
    }
}

/// Parts that follow each other as one. Where two have the same instant, the later part counts.
fn in_order(parts: Vec<Rows>, width: usize) -> Rows {
    let parts = match Rows::end_to_end(parts, width) {
        Ok(rows) => return rows,
        Err(parts) => parts,
    };
    let mut rows = Rows::new(width);
    let mut places: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    for (index, part) in parts.iter().enumerate() {
        places.extend(part.t.iter().enumerate().map(|(row, t)| (*t, (index, row))));
    }
    for (t, (part, row)) in places {
        rows.t.push(t);
        for (index, column) in rows.columns.iter_mut().enumerate() {
            column.push(parts[part].columns.get(index).map_or(f64::NAN, |column| column[row]));
        }
    }
    rows
}

/// Buckets that begin at the same instant become one.
fn merged(parts: Vec<Buckets>, width: usize) -> Buckets {
    let parts = match Buckets::end_to_end(parts, width) {
        Ok(buckets) => return buckets,
        Err(parts) => parts,
    };
    let mut buckets = Buckets::new(width);
    let instants: BTreeSet<i64> = parts.iter().flat_map(|part| part.t.iter().copied()).collect();
    buckets.t = instants.into_iter().collect();
    buckets.columns = vec![vec![Bucket::EMPTY; buckets.t.len()]; width];
    for part in parts {
        let mut place = 0;
        for (row, t) in part.t.iter().enumerate() {
            while buckets.t[place] < *t {
                place += 1;
            }
            for (column, more) in buckets.columns.iter_mut().zip(&part.columns) {
                column[place].merge(&more[row]);
            }
        }
    }
    buckets
}

/// The ticks that are missing between a family's own, but for those that are missing for all.
pub(super) fn holes(t: &[i64], interval: i64, known: &[Gap]) -> Vec<Gap> {
    let mut holes = Vec::new();
    for pair in t.windows(2) {
        let (mut from, to) = (pair[0] + interval, pair[1] - interval);
        for gap in known {
            let (Some(first), Some(last)) = (gap.from, gap.to) else { continue };
            if from > to {
                break;
            }
            if last.0 < from || first.0 > to {
                continue;
            }
            let before = first.0 - 1;
            if from <= before {
                push_hole(&mut holes, from, before - before.rem_euclid(interval));
            }
            from = (last.0 + interval).div_euclid(interval) * interval;
        }
        push_hole(&mut holes, from, to);
        if holes.len() >= MOST_HOLES {
            break;
        }
    }
    holes
}

fn push_hole(holes: &mut Vec<Gap>, from: i64, to: i64) {
    if from <= to {
        holes.push(Gap { from: Some(UnixMs(from)), to: Some(UnixMs(to)), reason: GapReason::Late });
    }
}

/// The last minutes as they were observed, and where ids go on.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    pub last: Option<LastSeen>,
    /// In force at the end.
    pub catalog: Option<Arc<Catalog>>,
    pub observations: Vec<Observation>,
}

pub(super) fn recent(database: &mut Database, past: Interval) -> rusqlite::Result<Recent> {
    let newest = "SELECT era, last, is_ended, first FROM era ORDER BY era DESC LIMIT 1";
    let last = database.connection.query_row(newest, [], |row| {
        let id = EventId { era: row.get(0)?, t: UnixMs(row.get(1)?) };
        Ok((LastSeen { id, is_end: row.get(2)? }, row.get::<_, i64>(3)?))
    });
    let (last, first) = match last {
        Ok(last) => last,
        Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(Recent::default()),
        Err(error) => return Err(error),
    };
    // Where what is told of the last minutes is damaged, ids go on all the same.
    let told = of_last_minutes(database, last, first.max((last.id.t - past).0 + 1));
    Ok(told.unwrap_or_else(|error| {
        tracing::warn!(%error, "the last minutes of the history can't be read");
        Recent { last: Some(last), ..Recent::default() }
    }))
}

/// Of the newest era only: ids of another one are not its.
fn of_last_minutes(database: &mut Database, last: LastSeen, from: i64) -> rusqlite::Result<Recent> {
    let Some(catalog) = newest_catalog(database)? else {
        return Ok(Recent { last: Some(last), ..Recent::default() });
    };
    let to = last.id.t.0;
    let families: Vec<Arc<str>> = catalog.iter().map(|family| Arc::clone(&family.id)).collect();
    let question =
        Question { families: Wanted::These(families), from: UnixMs(from), to: UnixMs(to), detail: Detail::Ticks };
    let mut damages = Damages::default();
    let Answer { courses, gaps } = answer(database, &mut damages, (&catalog, &[]), &question)?;
    let observations = observations(&catalog, courses, gaps, last.id.era);
    Ok(Recent { last: Some(last), catalog: Some(Arc::new(catalog)), observations })
}

/// Rows of families as samples of ticks, with the gaps between them.
fn observations(catalog: &Catalog, courses: Vec<Course>, gaps: Vec<Gap>, era: u32) -> Vec<Observation> {
    let mut ticks: BTreeMap<i64, Vec<FamilyValues>> = BTreeMap::new();
    let by_name: HashMap<Arc<str>, &Course> =
        courses.iter().map(|course| (Arc::clone(&course.family.id), course)).collect();
    for family in catalog.iter() {
        let Some(course) = by_name.get(&family.id) else { continue };
        let Body::Ticks(rows) = &course.body else { continue };
        let places: Vec<Option<usize>> =
            family.dimensions.iter().map(|dimension| course.family.dimension(&dimension.id)).collect();
        for (row, t) in rows.t.iter().enumerate().filter(|(_, t)| family.is_due(UnixMs(**t))) {
            let value =
                |place: &Option<usize>| Some(*rows.columns.get((*place)?)?.get(row)?).filter(|value| !value.is_nan());
            let values = places.iter().map(value).collect();
            ticks.entry(*t).or_default().push(FamilyValues { family: Arc::clone(&family.id), values });
        }
    }
    let mut gaps = gaps.into_iter().peekable();
    let mut observations = Vec::with_capacity(ticks.len());
    for (t, families) in ticks {
        while let Some(gap) = gaps.next_if(|gap| gap.from.is_some_and(|from| from.0 < t)) {
            observations.push(Observation::Gap(gap));
        }
        let t = UnixMs(t);
        observations.push(Observation::Sample { id: EventId { era, t }, sample: Arc::new(Sample { t, families }) });
    }
    observations
}

/// The families in force at the end.
pub(super) fn newest_catalog(database: &Database) -> rusqlite::Result<Option<Catalog>> {
    let query = "SELECT shapes FROM catalog ORDER BY era DESC, first DESC LIMIT 1";
    let bytes: Vec<u8> = match database.connection.query_row(query, [], |row| row.get(0)) {
        Ok(bytes) => bytes,
        Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(None),
        Err(error) => return Err(error),
    };
    let (mut reader, mut ids) = (Reader(&bytes), Vec::new());
    while let Ok(id) = reader.number() {
        ids.push(id as i64);
    }
    Ok(Some(database.shapes.catalog(ids.into_iter())))
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
