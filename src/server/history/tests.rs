//! The store as a whole: what is recorded is what is answered, whatever happens in between.

mod cost;
mod culprits;
mod damage;
mod restart;
mod retention;
mod trouble;

use super::database::{Database, FILE};
use super::fixture::Folder;
use super::tier::{DAY_MS, HOUR_MS, MINUTE_MS};
use super::*;
use crate::model::sample::FamilyValues;
use crate::model::{Dimension, Family, Gap, GapReason, Unit, UnixMs};
use culprits::{check_heaviest, heaviest};
use std::path::Path;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const PATIENCE: Duration = Duration::from_secs(60);
/// A full hour.
const BEGIN: i64 = 1_795_233_600_000;

fn family(id: &str, interval_ms: u32, dimensions: &[&str]) -> Family {
    let interval = Interval::from_ms(interval_ms).unwrap_or(Interval::SECOND);
    let dimensions: Vec<(&str, &str)> = dimensions.iter().map(|id| (*id, *id)).collect();
    Family::new(id, id, Unit::Percent, interval, &dimensions)
}

fn catalog() -> Arc<Catalog> {
    let cpu = family("cpu", 1_000, &["user", "system", "iowait"]).stacked();
    Arc::new(Catalog(vec![cpu, family("slow", 10_000, &["a"])]))
}

fn open(directory: Option<&Path>, retention: Retention) -> Result<Opened> {
    let settings = StoreSettings { directory: directory.map(Path::to_owned), retention, owner: "a test".to_owned() };
    Ok(Opened::open(&settings, KEPT)?)
}

fn start(directory: Option<&Path>) -> Result<History> {
    start_with(directory, catalog(), Retention::default())
}

fn start_with(directory: Option<&Path>, catalog: Arc<Catalog>, retention: Retention) -> Result<History> {
    Ok(History::start(open(directory, retention)?, catalog, Arc::default())?)
}

/// What is sampled at an instant: the same each time it is asked.
fn value(t: i64, dimension: usize) -> f64 {
    let second = t / 1_000 + dimension as i64 * 37;
    ((second * second) % 997) as f64 / 25.0
}

fn observation(era: u32, t: i64) -> Observation {
    let values = |count: usize| (0..count).map(|dimension| Some(value(t, dimension))).collect();
    let mut families = vec![FamilyValues { family: "cpu".into(), values: values(3) }];
    if t % 10_000 == 0 {
        families.push(FamilyValues { family: "slow".into(), values: values(1) });
    }
    let t = UnixMs(t);
    Observation::Sample { id: EventId { era, t, n: 0 }, sample: Arc::new(Sample { t, families }) }
}

/// One a second, from the first up to but without the end.
fn record(history: &History, seconds: std::ops::Range<i64>) {
    seconds.for_each(|second| history.record(&observation(0, BEGIN + second * 1_000)));
}

fn ask(history: &History, id: &str, from: i64, to: i64, detail: Detail) -> Result<(Course, Vec<Gap>)> {
    let question = Question { families: Wanted::These(vec![id.into()]), from: UnixMs(from), to: UnixMs(to), detail };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut answer = runtime.block_on(history.ask(question)).map_err(|why| format!("{why:?}"))?;
    let mut gaps = answer.gaps;
    let course = answer.courses.pop().ok_or("no course")?;
    gaps.extend(&course.late);
    Ok((course, gaps))
}

fn ticks(history: &History, id: &str, from: i64, to: i64) -> Result<Vec<i64>> {
    Ok(ask(history, id, from, to, Detail::Ticks)?.0.body.t().to_vec())
}

/// Every value of `cpu` in that time is the one that was recorded.
fn check_values(history: &History, from: i64, to: i64) -> Result {
    let (course, _) = ask(history, "cpu", from, to, Detail::Ticks)?;
    for dimension in 0..3 {
        let told = course.body.values(dimension).map(|[_, mean, _]| mean);
        let expected = course.body.t().iter().map(|t| value(*t, dimension));
        assert!(told.eq(expected), "dimension {dimension}");
    }
    Ok(())
}

fn seconds(range: std::ops::Range<i64>) -> Vec<i64> {
    range.map(|second| BEGIN + second * 1_000).collect()
}

/// Does to the file what nobody should.
fn spoil(directory: &Path, query: &str) -> Result {
    let connection = rusqlite::Connection::open(directory.join(FILE))?;
    connection.execute_batch(query)?;
    Ok(())
}

#[test]
fn what_waits_what_is_stored_and_what_is_packed_is_one_course() -> Result {
    let folder = Folder::new()?;
    for directory in [None, Some(folder.path.as_path())] {
        let history = start(directory)?;
        record(&history, 0..4_000);
        assert!(history.flush(PATIENCE));
        record(&history, 4_000..4_100);
        assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + HOUR_MS * 2)?, seconds(0..4_100));
        check_values(&history, 0, i64::MAX / 2)?;
        let (slow, gaps) = ask(&history, "slow", BEGIN + 5_000, BEGIN + 40_000, Detail::Ticks)?;
        assert_eq!(slow.body.t(), [10, 20, 30, 40].map(|second| BEGIN + second * 1_000));
        assert_eq!((slow.step_ms, gaps), (10_000, vec![]));
    }
    Ok(())
}

#[test]
fn buckets_of_every_length_hold_what_was_sampled() -> Result {
    let history = start(None)?;
    record(&history, 0..9_000);
    history.record(&Observation::Gap(Gap {
        from: Some(UnixMs(BEGIN + 9_000_000)),
        to: Some(UnixMs(BEGIN + 9_999_000)),
        reason: GapReason::Suspended,
    }));
    record(&history, 10_000..12_000);
    assert!(history.flush(PATIENCE));
    let exists =
        |t: &i64| (0..9_000).contains(&((t - BEGIN) / 1_000)) || (10_000..12_000).contains(&((t - BEGIN) / 1_000));
    for (points, step) in [(2_000, 10_000), (210, 60_000), (100, 180_000), (10, 1_800_000), (6, 3_600_000)] {
        let (course, gaps) = ask(&history, "cpu", BEGIN + 1, BEGIN + 12_000_000, Detail::Points(points))?;
        assert_eq!(course.step_ms, step, "{points}");
        assert_eq!(gaps.len(), usize::from(step <= 1_000_000), "what is shorter than a bucket can't be seen");
        // Within a minute and beyond, means are kept to a last place or a thousandth of their bucket's range.
        let tolerance = if step < 60_000 { 1e-6 } else { 0.05 };
        let busy = course.column("busy").ok_or("cpu.busy is derived")?;
        let height = course.column("+").ok_or("a stack has a height")?;
        for (place, &t) in course.body.t().iter().enumerate() {
            assert_eq!(t % step, 0);
            let instants =
                || (t..t + step).step_by(1_000).filter(|t| *t >= BEGIN && *t < BEGIN + 12_000_000).filter(exists);
            for (column, value) in [
                (1, &(|t| value(t, 1)) as &dyn Fn(i64) -> f64),
                (busy, &|t| ((value(t, 0) + value(t, 1)) * 100.0).round() / 100.0),
                (height, &|t| ((value(t, 0) + value(t, 1) + value(t, 2)) * 100.0).round() / 100.0),
            ] {
                let all: Vec<f64> = instants().map(value).collect();
                let told = course.body.values(column).nth(place).ok_or("a value a bucket")?;
                let expected = [
                    all.iter().copied().fold(f64::INFINITY, f64::min),
                    all.iter().sum::<f64>() / all.len() as f64,
                    all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                ];
                assert!(
                    told.iter().zip(expected).all(|(told, expected)| (told - expected).abs() < tolerance),
                    "{told:?} {expected:?}"
                );
            }
        }
        let within_the_gap = |t: &&i64| **t >= BEGIN + 9_000_000 && **t + step <= BEGIN + 10_000_000;
        assert_eq!(course.body.t().iter().find(within_the_gap), None, "nothing is filled in");
    }
    Ok(())
}

#[test]
fn a_spike_of_one_second_is_seen_in_a_month() -> Result {
    let history = start(None)?;
    let spike = BEGIN + 5_000_000;
    for second in 0..8_000 {
        let t = UnixMs(BEGIN + second * 1_000);
        let busy = if t.0 == spike { 99.5 } else { 1.25 };
        let families = vec![FamilyValues { family: "cpu".into(), values: vec![Some(busy), Some(0.0), Some(0.0)] }];
        let id = EventId { era: 0, t, n: 0 };
        history.record(&Observation::Sample { id, sample: Arc::new(Sample { t, families }) });
    }
    let (month, _) = ask(&history, "cpu", BEGIN - 29 * DAY_MS, BEGIN + DAY_MS, Detail::Points(300))?;
    let greatest = month.body.values(0).map(|[_, _, max]| max).fold(0.0, f64::max);
    assert_eq!((month.step_ms, greatest), (3 * HOUR_MS, 99.5));
    Ok(())
}

#[test]
fn another_start_goes_on_and_remembers_the_last_minutes() -> Result {
    let folder = Folder::new()?;
    let history = start(Some(&folder.path))?;
    record(&history, 0..700);
    history.close();
    drop(history);
    let opened = open(Some(&folder.path), Retention::default())?;
    let last = opened.recent.last.ok_or("there is a last sample")?;
    assert_eq!((last.id, last.is_end), (EventId { era: 0, t: UnixMs(BEGIN + 699_000), n: 0 }, true));
    assert_eq!(opened.recent.catalog.as_deref(), Some(&*catalog()));
    assert_eq!(opened.recent.observations.len(), 600);
    let Some(Observation::Sample { sample, .. }) = opened.recent.observations.first() else {
        return Err("samples are remembered".into());
    };
    let Observation::Sample { sample: expected, .. } = observation(0, BEGIN + 100_000) else { unreachable!() };
    assert_eq!(*sample, expected);
    let history = History::start(opened, catalog(), Arc::default())?;
    assert_eq!(history.newest().map(|(id, _)| id), Some(last.id));
    assert_eq!(history.snapshot(KEPT).history.track("cpu").map(model::Track::len), Some(600));
    let down =
        Gap { from: Some(UnixMs(BEGIN + 700_000)), to: Some(UnixMs(BEGIN + 709_000)), reason: GapReason::NotRunning };
    history.record(&Observation::Gap(down));
    record(&history, 710..720);
    let (course, gaps) = ask(&history, "cpu", BEGIN, BEGIN + HOUR_MS, Detail::Ticks)?;
    assert_eq!((course.body.t().len(), gaps), (710, vec![down]));
    Ok(())
}

#[test]
fn families_that_come_and_go_keep_their_past() -> Result {
    let folder = Folder::new()?;
    let sample = |second: i64, families: &[(&str, &[f64])]| {
        let t = UnixMs(BEGIN + second * 1_000);
        let values = |values: &[f64]| values.iter().map(|value| Some(*value)).collect();
        let families =
            families.iter().map(|(id, of)| FamilyValues { family: (*id).into(), values: values(of) }).collect();
        Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample: Arc::new(Sample { t, families }) }
    };
    let one = Arc::new(Catalog(vec![family("cores", 1_000, &["0"]), family("disk.a.util", 1_000, &["util"])]));
    let two = Arc::new(Catalog(vec![family("cores", 1_000, &["1", "0"])]));
    let history = start_with(Some(&folder.path), one, Retention::default())?;
    history.record(&sample(3_599, &[("cores", &[1.0]), ("disk.a.util", &[5.0])]));
    history.record(&Observation::Catalog(two));
    history.record(&sample(3_600, &[("cores", &[2.0, 3.0])]));
    for is_packed in [false, true] {
        if is_packed {
            history.record(&sample(7_200, &[("cores", &[2.0, 3.0])]));
            assert!(history.flush(PATIENCE));
        }
        let (cores, _) = ask(&history, "cores", BEGIN, BEGIN + HOUR_MS, Detail::Ticks)?;
        let names: Vec<&str> = cores.family.dimensions.iter().map(|Dimension { id, .. }| &**id).collect();
        let told = |column| cores.body.values(column).map(|[_, mean, _]| mean).collect::<Vec<_>>();
        assert_eq!(names, ["1", "0"]);
        assert!(told(0)[0].is_nan(), "it was not there");
        assert_eq!((told(0)[1], told(1)), (2.0, vec![1.0, 3.0]));
        assert_eq!(ticks(&history, "disk.a.util", BEGIN, BEGIN + HOUR_MS)?, [BEGIN + 3_599_000]);
        let (hours, _) = ask(&history, "cores", BEGIN - DAY_MS, BEGIN + DAY_MS, Detail::Points(60))?;
        assert_eq!(hours.body.values(1).map(|[_, _, max]| max).take(2).collect::<Vec<_>>(), [1.0, 3.0]);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let knows = |id: &str| runtime.block_on(history.knows(id.into()));
    assert_eq!((knows("disk.a.util"), knows("disk.b.util")), (Ok(true), Ok(false)));
    Ok(())
}

#[test]
fn a_clock_set_back_overwrites_nothing_and_doubles_nothing() -> Result {
    let folder = Folder::new()?;
    let history = start(Some(&folder.path))?;
    record(&history, 0..7_300);
    (3_000..3_700).for_each(|second| history.record(&observation(1, BEGIN + second * 1_000)));
    for _ in 0..2 {
        assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + 3 * HOUR_MS)?, seconds(0..3_700));
        check_values(&history, 0, i64::MAX / 2)?;
        assert!(history.flush(PATIENCE));
    }
    history.close();
    let connection = Database::read(&folder.path)?.connection;
    let eras: String =
        connection.query_row("SELECT group_concat(era || ':' || last, ' ') FROM era", [], |row| row.get(0))?;
    assert_eq!(eras, format!("0:{} 1:{}", BEGIN + 7_299_000, BEGIN + 3_699_000), "both are still there");
    Ok(())
}

#[test]
fn a_boot_with_a_wrong_clock_hides_nothing() -> Result {
    let history = start(None)?;
    record(&history, 0..100);
    // 1970, until the right time was known.
    (5..9).for_each(|second| history.record(&observation(1, second * 1_000)));
    (200..300).for_each(|second| history.record(&observation(2, BEGIN + second * 1_000)));
    for _ in 0..2 {
        let all = [(5..9).map(|second| second * 1_000).collect(), seconds(0..100), seconds(200..300)].concat();
        assert_eq!(ticks(&history, "cpu", 0, BEGIN + HOUR_MS)?, all);
        assert!(history.flush(PATIENCE));
    }
    Ok(())
}

#[test]
fn what_a_clock_that_was_ahead_told_is_not_the_future() -> Result {
    let history = start(None)?;
    record(&history, 0..100);
    (0..5).for_each(|second| history.record(&observation(1, BEGIN + 400 * DAY_MS + second * 1_000)));
    (105..200).for_each(|second| history.record(&observation(2, BEGIN + second * 1_000)));
    assert!(history.flush(PATIENCE));
    let all = [seconds(0..100), seconds(105..200)].concat();
    assert_eq!(ticks(&history, "cpu", 0, BEGIN + 500 * DAY_MS)?, all, "and nothing was forgotten for it");
    Ok(())
}

#[test]
fn what_is_derived_survives_other_dimensions() -> Result {
    let history = start(None)?;
    record(&history, 0..10);
    let fewer = Arc::new(Catalog(vec![family("cpu", 1_000, &["user", "system"]).stacked()]));
    history.record(&Observation::Catalog(fewer));
    record(&history, 10..20);
    for (detail, count) in [(Detail::Ticks, 20), (Detail::Points(5), 3)] {
        let (course, _) = ask(&history, "cpu", BEGIN, BEGIN + 19_999, detail)?;
        let busy = course.column("busy").ok_or("cpu.busy is derived")?;
        let told: Vec<f64> = course.body.values(busy).map(|[_, mean, _]| mean).collect();
        assert!(told.len() >= count && told.iter().all(|value| value.is_finite()), "{told:?}");
    }
    Ok(())
}

#[test]
fn another_interval_keeps_both_steps_within_an_hour() -> Result {
    let folder = Folder::new()?;
    let history = start(Some(&folder.path))?;
    record(&history, 0..60);
    drop(history);
    let two = Arc::new(Catalog(vec![family("cpu", 2_000, &["user", "system", "iowait"]).stacked()]));
    let history = start_with(Some(&folder.path), two, Retention::default())?;
    (30..60).for_each(|tick| history.record(&observation(0, BEGIN + tick * 2_000)));
    let expected: Vec<i64> = seconds(0..60).into_iter().chain((30..60).map(|tick| BEGIN + tick * 2_000)).collect();
    assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + HOUR_MS)?, expected);
    history.record(&observation(0, BEGIN + HOUR_MS));
    assert!(history.flush(PATIENCE));
    assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + HOUR_MS - 1)?, expected);
    Ok(())
}

#[test]
fn a_stop_waits_for_no_hour_to_be_packed_and_the_next_start_packs_it() -> Result {
    let folder = Folder::new()?;
    let history = start(Some(&folder.path))?;
    record(&history, 0..3_700);
    history.close();
    let history = start(Some(&folder.path))?;
    assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + 2 * HOUR_MS)?, seconds(0..3_700));
    record(&history, 3_700..3_710);
    assert!(history.flush(PATIENCE));
    assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + 2 * HOUR_MS)?, seconds(0..3_710));
    let connection = Database::read(&folder.path)?.connection;
    let earliest: i64 = connection.query_row("SELECT min(last) FROM hot", [], |row| row.get(0))?;
    assert!(earliest >= BEGIN + HOUR_MS, "the first hour is packed");
    Ok(())
}

#[test]
fn a_snapshot_is_of_one_instant() -> Result {
    let catalog = |id: &str| Arc::new(Catalog(vec![family(id, 1_000, &["load1"])]));
    let history = start_with(None, catalog("load"), Retention::default())?;
    assert!(history.snapshot(KEPT).newest.is_none());
    let t = UnixMs(5_000);
    let id = EventId { era: 0, t, n: 0 };
    let families = vec![FamilyValues { family: "load".into(), values: vec![Some(1.5)] }];
    let late = Gap { from: Some(UnixMs(1_000)), to: Some(UnixMs(4_000)), reason: GapReason::Late };
    history.record(&Observation::Gap(late));
    history.record(&Observation::Sample { id, sample: Arc::new(Sample { t, families }) });

    let snapshot = history.snapshot(KEPT);
    let value = snapshot.history.track("load").and_then(|track| track.value(0, 0));
    assert_eq!((value, snapshot.history.gaps().count()), (Some(1.5), 1));
    assert_eq!(snapshot.newest.map(|(id, _)| id), Some(id));

    history.record(&Observation::Catalog(catalog("tasks")));
    let snapshot = history.snapshot(KEPT);
    assert!(snapshot.history.track("load").is_none() && snapshot.history.track("tasks").is_some());
    assert_eq!(history.catalog(), catalog("tasks"));
    Ok(())
}
