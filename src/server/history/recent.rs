//! What a start goes on from: the last minutes as they were observed, and where ids go on.

use super::course::{Answer, Body, Course, Detail, Question, Wanted};
use super::damages::Damages;
use super::database::Database;
use super::eras::Eras;
use super::reader::answer;
use super::shapes::told_last;
use crate::model::sample::FamilyValues;
use crate::model::{Catalog, EventId, Family, Gap, Interval, LastSeen, Observation, Sample, UnixMs};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The last minutes as they were observed, and where ids go on.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    pub last: Option<LastSeen>,
    /// In force at the end.
    pub catalog: Option<Arc<Catalog>>,
    pub observations: Vec<Observation>,
}

impl Recent {
    /// The families of then as pages that are live go on with them. What is sampled less often from now on is so in what
    /// was before as well; where it is sampled more often, what was before would be drawn as holes.
    pub(super) fn continued_by(&self, now: &Catalog) -> Option<Catalog> {
        let continued = |then: &Family| {
            let now = now.family(&then.id).filter(|now| now.interval_ms >= then.interval_ms);
            Family { interval_ms: now.map_or(then.interval_ms, |now| now.interval_ms), ..then.clone() }
        };
        self.catalog.as_ref().map(|then| Catalog(then.iter().map(continued).collect()))
    }
}

pub(super) fn recent(database: &mut Database, past: Interval) -> rusqlite::Result<Recent> {
    let Some(last) = last_seen(&database.connection)? else { return Ok(Recent::default()) };
    // Where what is told of the last minutes is damaged, ids go on all the same.
    let told = of_last_minutes(database, last, (last.id.t - past).0 + 1);
    Ok(told.unwrap_or_else(|error| {
        tracing::warn!(%error, "the last minutes of the history can't be read");
        Recent { last: Some(last), ..Recent::default() }
    }))
}

/// Where ids go on. All eras have to be as they were written: else nothing can be told of what counts.
pub(super) fn last_seen(connection: &Connection) -> rusqlite::Result<Option<LastSeen>> {
    Eras::read(connection)?;
    let newest = "SELECT era, last, is_ended FROM era ORDER BY era DESC LIMIT 1";
    let last = connection.query_row(newest, [], |row| {
        let id = EventId { era: row.get(0)?, t: UnixMs(row.get(1)?), n: 0 };
        Ok(LastSeen { id, is_end: row.get(2)? })
    });
    last.optional()
}

/// Of all eras that count: a start soon after another one begins an era, and hides nothing of the one before.
fn of_last_minutes(database: &mut Database, last: LastSeen, from: i64) -> rusqlite::Result<Recent> {
    let told = told_last(&database.connection)?;
    if told.is_empty() {
        return Ok(Recent { last: Some(last), ..Recent::default() });
    }
    let catalog = database.shapes.catalog(told.into_iter());
    let to = last.id.t.0;
    let families: Vec<Arc<str>> = catalog.iter().map(|family| Arc::clone(&family.id)).collect();
    let question =
        Question { families: Wanted::These(families), from: UnixMs(from), to: UnixMs(to), detail: Detail::Ticks };
    let mut damages = Damages::default();
    let Answer { courses, gaps } = answer(database, &mut damages, (&catalog, &[]), &question)?;
    let eras = Eras::read(&database.connection)?;
    let observations = observations(&catalog, courses, gaps, &eras);
    Ok(Recent { last: Some(last), catalog: Some(Arc::new(catalog)), observations })
}

/// Rows of families as samples of ticks, each with the id of its own era, and the gaps between them.
pub(super) fn observations(catalog: &Catalog, courses: Vec<Course>, gaps: Vec<Gap>, eras: &Eras) -> Vec<Observation> {
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
        let Some(era) = eras.of(t).and_then(|era| u32::try_from(era).ok()) else { continue };
        let t = UnixMs(t);
        observations
            .push(Observation::Sample { id: EventId { era, t, n: 0 }, sample: Arc::new(Sample { t, families }) });
    }
    observations
}
