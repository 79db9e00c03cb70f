//! The past as it was observed, a stretch at a time: for those who were away longer than memory reaches.

use super::course::{Answer, Body, Detail, Question, Wanted};
use super::damages::Damages;
use super::database::Database;
use super::eras::Eras;
use super::reader::answer;
use super::recent::observations;
use super::tier::Tier;
use crate::model::{Catalog, Dimension, EventId, Gap, Interval, Observation, Sample, UnixMs};
use std::sync::Arc;

/// How often the next sample is looked for more closely.
const LOOKS: usize = 40;

/// Into how many buckets what is searched is parted.
const PARTS: usize = 100;

/// What was observed from one instant to another.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What the samples are of, where that is not the catalog that was asked for.
    pub catalog: Option<Catalog>,
    pub samples: Vec<(EventId, Arc<Sample>)>,
    /// What is known to be missing until `next`.
    pub gaps: Vec<Gap>,
    /// Of what was before nothing is kept.
    pub begins: UnixMs,
    /// Where it goes on: there is nothing between.
    pub next: UnixMs,
}

/// The instant from which all that comes after an event has to be told.
pub(super) fn beginning(
    database: &mut Database,
    waiting: (&Catalog, &[Observation]),
    after: EventId,
) -> rusqlite::Result<UnixMs> {
    let mut eras = Eras::read_what_is_left(&database.connection)?;
    take_waiting(&mut eras, waiting.1);
    Ok(UnixMs(eras.behind(i64::from(after.era), after.t.0)))
}

/// From one instant to another, in the order of `catalog`; both ends count.
pub(super) fn replay(
    database: &mut Database,
    damages: &mut Damages,
    waiting: (&Catalog, &[Observation]),
    (from, to): (UnixMs, UnixMs),
    catalog: &Catalog,
) -> rusqlite::Result<Replay> {
    database.beginnings.renew(&database.connection)?;
    let first_waiting = waiting.1.iter().find_map(|observation| match observation {
        Observation::Sample { id, .. } => Some(id.t.0),
        _ => None,
    });
    let begins = database.beginnings.of(Tier::Ticks).into_iter().chain(first_waiting).min();
    let begins = UnixMs(begins.unwrap_or(i64::MAX));
    let from = from.max(begins);
    if from > to {
        return Ok(Replay { catalog: None, samples: Vec::new(), gaps: Vec::new(), begins, next: from });
    }
    let question = Question { families: Wanted::All, from, to, detail: Detail::Ticks };
    let Answer { courses, .. } = answer(database, damages, waiting, &question)?;
    let mut eras = Eras::read_what_is_left(&database.connection)?;
    take_waiting(&mut eras, waiting.1);
    let told =
        with_what_is_gone(catalog, courses.iter().filter(|course| !course.body.t().is_empty()).map(|c| &c.family));
    let observed = observations(told.as_ref().unwrap_or(catalog), courses, Vec::new(), &eras);
    let samples: Vec<_> = observed
        .into_iter()
        .filter_map(|observation| match observation {
            Observation::Sample { id, sample } => Some((id, sample)),
            _ => None,
        })
        .collect();
    let beyond = UnixMs(to.0.saturating_add(1));
    let next = if samples.is_empty() { next_tick(database, damages, waiting, beyond, &eras)? } else { beyond };
    let nothing = Question { families: Wanted::These(Vec::new()), from, to: next, detail: Detail::Ticks };
    let Answer { gaps, .. } = answer(database, damages, waiting, &nothing)?;
    Ok(Replay { catalog: told, samples, gaps, begins, next })
}

fn take_waiting(eras: &mut Eras, waiting: &[Observation]) {
    for observation in waiting {
        if let Observation::Sample { id, .. } = observation {
            eras.take(i64::from(id.era), id.t.0);
        }
    }
}

/// Families and dimensions that are gone stand behind those of now. `None` where none is.
fn with_what_is_gone<'a>(now: &Catalog, then: impl Iterator<Item = &'a crate::model::Family>) -> Option<Catalog> {
    let mut all = now.clone();
    for family in then {
        match all.0.iter_mut().find(|known| known.id == family.id) {
            Some(known) => {
                let is_gone = |dimension: &&Dimension| known.dimension(&dimension.id).is_none();
                let gone: Vec<Dimension> = family.dimensions.iter().filter(is_gone).cloned().collect();
                known.dimensions.extend(gone);
            }
            None => all.0.push(family.clone()),
        }
    }
    (all != *now).then_some(all)
}

/// Not later than the first tick from an instant on; the newest instant of all where there is none.
fn next_tick(
    database: &mut Database,
    damages: &mut Damages,
    waiting: (&Catalog, &[Observation]),
    from: UnixMs,
    eras: &Eras,
) -> rusqlite::Result<UnixMs> {
    let end = eras.newest().map_or(from, |(_, last)| UnixMs(last)).max(from);
    let (mut low, mut high) = (from, end);
    for _ in 0..LOOKS {
        let question = Question { families: Wanted::All, from: low, to: high, detail: Detail::Points(PARTS) };
        let courses = answer(database, damages, waiting, &question)?.courses;
        let first =
            courses.iter().filter_map(|course| Some((*course.body.t().first()?, course))).min_by_key(|(t, _)| *t);
        match first {
            None if high == end => return Ok(end),
            None => (low, high) = (UnixMs(high.0 + 1), end),
            Some((first, course)) => {
                let first = UnixMs(first).max(low);
                if matches!(course.body, Body::Ticks(_)) || course.step_ms <= Interval::MINUTE.ms() {
                    return Ok(first);
                }
                (low, high) = (first, UnixMs(first.0 + course.step_ms).min(end));
            }
        }
    }
    Ok(low)
}
