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
    database.connection.execute_batch("BEGIN")?;
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
    database.connection.execute_batch("BEGIN")?;
    let answered =
        Reading::begin(database, damages, &Catalog::default(), &[]).and_then(|mut reading| reading.answer(question));
    // Nothing was changed: it makes no difference how it ends.
    drop(database.connection.execute_batch("COMMIT"));
    answered
}

/// One look at the file: nothing changes in it meanwhile.
struct Reading<'a> {
    database: &'a mut Database,
    damages: &'a mut Damages,
    /// Families that wait and have no number yet are given one below zero, of this look alone.
    shapes: HashMap<i64, Arc<Family>>,
    waiting: Vec<(i64, i64, Rows)>,
    eras: Eras,
    gaps: Vec<Gap>,
    /// Where each tier begins.
    oldest: [OnceCell<Option<i64>>; 3],
}

/// Until when each era's times count: where a later one begins, the clock had been set back.
#[derive(Debug, Default)]
struct Eras(Vec<(i64, i64)>);

impl Eras {
    fn end_of(&self, era: i64) -> i64 {
        self.0.iter().filter(|(later, _)| *later > era).map(|(_, first)| *first).min().unwrap_or(i64::MAX)
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
                eras.0.push((row.get(0)?, row.get(1)?));
                stored = Some((row.get(0)?, row.get(2)?));
            }
        }
        let shapes = database.shapes.iter().map(|(id, family)| (id, Arc::clone(family))).collect();
        let mut reading =
            Self { database, damages, shapes, waiting: Vec::new(), eras, gaps: Vec::new(), oldest: Default::default() };
        reading.take_waiting(before, waiting, stored);
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
                    if self.eras.0.last().is_none_or(|(era, _)| *era < place.0) {
                        self.eras.0.push(place);
                    }
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
            let known = self.shapes.iter().find(|(_, known)| ***known == *family).map(|(id, _)| *id);
            let number = known.unwrap_or_else(|| {
                let number = -1 - self.shapes.len() as i64;
                self.shapes.insert(number, Arc::new(family.clone()));
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
        // What two families share is read once.
        let mut beside: HashMap<Arc<str>, Rows> = HashMap::new();
        for (name, shapes) in families {
            let Some(family) = union(shapes.iter().filter_map(|id| self.shapes.get(id))) else { continue };
            let course = match self.step(question, &shapes) {
                None => self.ticks(&family, &shapes, from, to, &mut beside)?,
                Some(step) => {
                    let (from, to) = (from.div_euclid(step) * step, (to.div_euclid(step) + 1) * step - 1);
                    self.folded(&family, &shapes, from, to, step, &mut beside)?
                }
            };
            if !course.body.t().is_empty() || matches!(&question.families, Wanted::These(_)) {
                debug_assert_eq!(&name, &course.family.id);
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
    fn families(&self, question: &Question) -> BTreeMap<Arc<str>, Vec<i64>> {
        let mut families: BTreeMap<Arc<str>, Vec<i64>> = BTreeMap::new();
        for (id, family) in &self.shapes {
            let is_wanted = match &question.families {
                Wanted::All => true,
                Wanted::These(these) => these.contains(&family.id),
            };
            if is_wanted {
                families.entry(Arc::clone(&family.id)).or_default().push(*id);
            }
        }
        // Those that wait are the newest, and the last that were given a number have the lowest.
        families
            .values_mut()
            .for_each(|ids| ids.sort_unstable_by_key(|id| if *id < 0 { i64::MAX / 2 - *id } else { *id }));
        families
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

    fn ticks(
        &mut self,
        family: &Family,
        shapes: &[i64],
        from: i64,
        to: i64,
        beside: &mut HashMap<Arc<str>, Rows>,
    ) -> rusqlite::Result<Course> {
        let mut parts = self.read_ticks(shapes, from, to)?;
        let mut joined: Vec<Rows> = Vec::new();
        for id in shapes {
            for (era, rows) in parts.remove(id).unwrap_or_default() {
                let rows = until(within(rows, from, to), self.eras.end_of(era));
                joined.push(arranged(rows, &self.places(*id, family), family.dimensions.len()));
            }
        }
        let mut rows = in_order(joined, family.dimensions.len());
        let derived = self.derive(family, &mut rows, beside, from, to)?;
        let step_ms = family.interval_ms.ms();
        Ok(Course { family: family.clone(), step_ms, body: Body::Ticks(rows), derived, late: Vec::new() })
    }

    /// The derived series as columns behind the others.
    fn derive(
        &mut self,
        family: &Family,
        rows: &mut Rows,
        beside: &mut HashMap<Arc<str>, Rows>,
        from: i64,
        to: i64,
    ) -> rusqlite::Result<Vec<ColumnShape>> {
        let all = Catalog(self.shapes.values().map(|family| (**family).clone()).collect());
        let (mut shapes, mut columns) = (Vec::new(), Vec::new());
        for derived in Derived::of(family, &all) {
            if let Some(other) = derived.also_reads()
                && !beside.contains_key(other)
            {
                let ids: Vec<i64> = self.families(&these(other)).into_values().flatten().collect();
                let mut parts = self.read_ticks(&ids, from, to)?;
                let parts = ids.iter().flat_map(|id| parts.remove(id).unwrap_or_default()).map(|(_, rows)| rows);
                let parts: Vec<Rows> = parts.collect();
                let columns = parts.first().map_or(1, |rows| rows.columns.len());
                beside.insert(Arc::clone(other), in_order(parts, columns));
            }
            columns.push(derived.column(rows, |name| beside.get(name)));
            shapes.push(derived.shape);
        }
        // Only now: what is derived is not derived from again.
        rows.columns.append(&mut columns);
        Ok(shapes)
    }

    fn folded(
        &mut self,
        family: &Family,
        shapes: &[i64],
        from: i64,
        to: i64,
        step: i64,
        beside: &mut HashMap<Arc<str>, Rows>,
    ) -> rusqlite::Result<Course> {
        let tier = self.tier_for(step);
        let mut joined: Vec<Buckets> = Vec::new();
        let catalog = Catalog(self.shapes.values().map(|family| (**family).clone()).collect());
        let all: Vec<ColumnShape> = Derived::of(family, &catalog).into_iter().map(|derived| derived.shape).collect();
        let width = family.dimensions.len() + all.len();
        let is_self_contained = Derived::of(family, &catalog).iter().all(|derived| derived.also_reads().is_none());
        // From where on ticks are read: the whole of it, or what is not folded yet.
        let mut parts =
            if tier == Tier::Ticks { self.read_ticks(shapes, from, to)? } else { self.read_open(shapes, from, to)? };
        for id in shapes {
            let places = self.places(*id, family);
            for (era, rows) in parts.remove(id).unwrap_or_default() {
                let rows = until(within(rows, from, to), self.eras.end_of(era));
                let mut rows = arranged(rows, &places, family.dimensions.len());
                let (Some(first), Some(last)) = (rows.t.first().copied(), rows.t.last().copied()) else { continue };
                let (first, last) = if is_self_contained { (first, last) } else { (from, to) };
                self.derive(family, &mut rows, beside, first, last)?;
                joined.push(rows.fold(step));
            }
            if tier == Tier::Ticks {
                continue;
            }
            for (era, extent) in self.read_buckets(tier, *id, from, to)? {
                let end = self.eras.end_of(era);
                let places: Vec<Option<usize>> = extent
                    .shape
                    .iter()
                    .enumerate()
                    .map(|(index, shape)| match &shape.derived {
                        None => places.get(index).copied().flatten(),
                        Some(_) => {
                            let place = all.iter().position(|known| known.derived == shape.derived)?;
                            Some(family.dimensions.len() + place)
                        }
                    })
                    .collect();
                let buckets = clipped(extent.body, from, to.min(end.saturating_sub(1)));
                joined.push(arranged_buckets(buckets, &places, width).fold(step));
            }
        }
        let body = Body::Folded(merged(joined, width));
        Ok(Course { family: family.clone(), step_ms: step, body, derived: all, late: Vec::new() })
    }

    /// The tier that buckets are made of. A coarser one has all of the past that a finer one has.
    fn tier_for(&self, step: i64) -> Tier {
        let tier = Tier::of_step(step);
        // Nothing was folded yet: the ticks are all there is.
        if tier != Tier::Ticks && self.oldest(tier).is_none() { Tier::Ticks } else { tier }
    }

    /// Where the columns of a shape stand in the family as it is told.
    fn places(&self, shape: i64, family: &Family) -> Vec<Option<usize>> {
        let shape = self.shapes.get(&shape);
        shape.into_iter().flat_map(|shape| &shape.dimensions).map(|dimension| family.dimension(&dimension.id)).collect()
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
        for (shape, more) in self.read_open(shapes, from, to)? {
            parts.entry(shape).or_default().extend(more);
        }
        Ok(parts)
    }

    /// What is in no extent yet.
    fn read_open(&mut self, shapes: &[i64], from: i64, to: i64) -> rusqlite::Result<Parts<Rows>> {
        let wanted: HashSet<i64> = shapes.iter().copied().collect();
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
                            before.append(rows)
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
        for (shape, era, rows) in &self.waiting {
            if wanted.contains(shape) {
                parts.entry(*shape).or_default().push((*era, rows.clone()));
            }
        }
        Ok(parts)
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

fn these(family: &Arc<str>) -> Question {
    let families = Wanted::These(vec![Arc::clone(family)]);
    Question { families, from: UnixMs(0), to: UnixMs(0), detail: Detail::Ticks }
}

/// Rows of times that are asked for.
fn within(rows: Rows, from: i64, to: i64) -> Rows {
    let (first, end) = (rows.t.partition_point(|t| *t < from), rows.t.partition_point(|t| *t <= to));
    cut(rows, first, end)
}

fn until(rows: Rows, end: i64) -> Rows {
    let end = rows.t.partition_point(|t| *t < end);
    cut(rows, 0, end)
}

fn cut(mut rows: Rows, first: usize, end: usize) -> Rows {
    if first > 0 || end < rows.t.len() {
        let end = end.max(first);
        rows.t = rows.t[first..end].to_vec();
        rows.columns.iter_mut().for_each(|column| *column = column[first..end].to_vec());
    }
    rows
}

fn clipped(mut buckets: Buckets, from: i64, to: i64) -> Buckets {
    let (first, end) = (buckets.t.partition_point(|t| *t < from), buckets.t.partition_point(|t| *t <= to));
    if first > 0 || end < buckets.t.len() {
        let end = end.max(first);
        buckets.t = buckets.t[first..end].to_vec();
        buckets.columns.iter_mut().for_each(|column| *column = column[first..end].to_vec());
    }
    buckets
}

/// The columns where the family has them; those that a shape did not have are missing values.
fn arranged(rows: Rows, places: &[Option<usize>], width: usize) -> Rows {
    if places.len() == width && places.iter().enumerate().all(|(index, place)| *place == Some(index)) {
        return rows;
    }
    let missing = vec![f64::NAN; rows.t.len()];
    let mut columns = vec![missing; width];
    for (column, place) in rows.columns.into_iter().zip(places) {
        if let Some(slot) = place.and_then(|place| columns.get_mut(place)) {
            *slot = column;
        }
    }
    Rows { t: rows.t, columns }
}

fn arranged_buckets(buckets: Buckets, places: &[Option<usize>], width: usize) -> Buckets {
    if places.len() == width && places.iter().enumerate().all(|(index, place)| *place == Some(index)) {
        return buckets;
    }
    let missing = vec![Bucket::EMPTY; buckets.t.len()];
    let mut columns = vec![missing; width];
    for (column, place) in buckets.columns.into_iter().zip(places) {
        if let Some(slot) = place.and_then(|place| columns.get_mut(place)) {
            *slot = column;
        }
    }
    Buckets { t: buckets.t, columns }
}

/// Parts that follow each other as one. Where two have the same instant, the later part counts.
fn in_order(mut parts: Vec<Rows>, width: usize) -> Rows {
    parts.retain(|part| !part.t.is_empty());
    parts.sort_by_key(|part| part.t[0]);
    let is_ordered = parts.windows(2).all(|pair| pair[0].t.last() < pair[1].t.first());
    let mut rows = Rows::new(width);
    if is_ordered {
        parts.into_iter().for_each(|part| rows.append(part));
        return rows;
    }
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
fn merged(mut parts: Vec<Buckets>, width: usize) -> Buckets {
    parts.retain(|part| !part.is_empty());
    parts.sort_by_key(|part| part.t[0]);
    let is_ordered = parts.windows(2).all(|pair| pair[0].t.last() < pair[1].t.first());
    let mut buckets = Buckets::new(width);
    if is_ordered {
        parts.into_iter().for_each(|part| buckets.append(part));
        return buckets;
    }
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
    let newest = "SELECT era, last, is_ended FROM era ORDER BY era DESC LIMIT 1";
    let last = database.connection.query_row(newest, [], |row| {
        let id = EventId { era: row.get(0)?, t: UnixMs(row.get(1)?) };
        Ok(LastSeen { id, is_end: row.get(2)? })
    });
    let last = match last {
        Ok(last) => last,
        Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(Recent::default()),
        Err(error) => return Err(error),
    };
    let Some(catalog) = newest_catalog(database)? else {
        return Ok(Recent { last: Some(last), ..Recent::default() });
    };
    let (from, to) = ((last.id.t - past).0 + 1, last.id.t.0);
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
