//! What a crash may cost: the newest five seconds, and never anything before them.

use crate::fixture::DEADLINE;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use telltale::model::sample::FamilyValues;
use telltale::model::{Catalog, EventId, Family, Gap, GapReason, Interval, Observation, Sample, Unit, UnixMs};
use telltale::server::history::{
    Answer, Course, Detail, History, KEPT, OpenError, Opened, Question, Retention, StoreSettings, Wanted,
};

/// Where the child writes; without it there is no child.
const DIRECTORY: &str = "CRASH_TEST_DIRECTORY";

/// How the child is found in this binary.
const CHILD: &str = "crash::the_child_writes_until_it_is_killed";

/// So many at least, and as many more as it takes on a slow machine until so many hours are stored.
const KILLS: usize = 220;

const HOURS: i64 = 20;

/// Where it takes more than these, hours are lost.
const MOST_KILLS: usize = 1_500;

/// How long a child may live once it has stored something.
const LONGEST_LIFE_US: u64 = 160_000;

/// Every so many kills, one may come before the child has opened the file.
const EARLY_EVERY: usize = 7;

/// By then the child is at work.
const LONGEST_START_US: u64 = 60_000;

/// All of the past is read again after so many kills; the newest of it after each.
const ALL_EVERY: usize = 20;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A full hour, where the simulated time begins.
const BEGIN: i64 = 1_795_233_600_000;

/// What is promised before anything was stored.
const NOTHING: i64 = BEGIN - SECOND_MS;

/// No disk takes longer to store five seconds.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_child_writes_until_it_is_killed() -> io::Result<()> {
    match std::env::var_os(DIRECTORY) {
        Some(directory) => write_until_killed(Path::new(&directory)),
        None => Ok(()),
    }
}

/// Five simulated seconds at a time; each time they are stored, the newest instant is told.
fn write_until_killed(directory: &Path) -> io::Result<()> {
    let opened = open_store(directory)?;
    let mut before = opened.recent.last.map_or(NOTHING, |last| last.id.t.0);
    let history = History::start(opened, catalog(), Arc::default())?;
    loop {
        for _ in 0..5 {
            let t = next_tick(before);
            if let Some(gap) = gap_between(before, t) {
                history.record(&Observation::Gap(gap));
            }
            history.record(&observation(t));
            before = t;
        }
        assert!(history.flush(PATIENCE), "{:?}", history.trouble());
        let mut output = io::stdout().lock();
        writeln!(output, "\nstored {before}")?;
        output.flush()?;
    }
}

#[tokio::test]
async fn a_kill_costs_five_seconds_at_most_whenever_it_comes() -> io::Result<()> {
    let folder = Folder::new()?;
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64) | 1;
    let mut random = Random(seed);
    let (mut known, mut kill) = (NOTHING, 0);
    while kill < KILLS || kill < MOST_KILLS && known <= BEGIN + HOURS * HOUR_MS {
        kill += 1;
        let moment = match kill % EARLY_EVERY {
            1 => Moment::AfterStart(Duration::from_micros(random.below(LONGEST_START_US))),
            _ => Moment::AfterFirstStored(Duration::from_micros(random.below(LONGEST_LIFE_US))),
        };
        let promised = life(&folder.path, &moment)?.unwrap_or(known);
        let at = format!("kill {kill}, {moment:?}, seed {seed}");
        let from = if kill % ALL_EVERY == 0 { BEGIN } else { (known - HOUR_MS).max(BEGIN) };
        known = check_store(&folder.path, from, promised, &at).await?;
    }
    assert!(known > BEGIN + HOURS * HOUR_MS, "hours were packed under way: {}", (known - BEGIN) / HOUR_MS);
    check_store(&folder.path, BEGIN, known, "the end").await?;
    Ok(())
}

/// When a child is killed.
#[derive(Debug)]
enum Moment {
    AfterStart(Duration),
    AfterFirstStored(Duration),
}

/// A child from its start to its sudden end; the newest instant that it said to be stored.
fn life(directory: &Path, moment: &Moment) -> io::Result<Option<i64>> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([CHILD, "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut lines = BufReader::new(output).lines().map_while(Result::ok).filter_map(|line| stored(&line));
    let (first, length) = match moment {
        Moment::AfterStart(length) => (None, length),
        Moment::AfterFirstStored(length) => (lines.next(), length),
    };
    // Not a wait for something: the moment of the kill is what is tried.
    std::thread::sleep(*length);
    child.kill()?;
    // One that failed by itself would pass for one that had nothing to tell.
    let status = child.wait()?;
    assert_eq!(status.signal(), Some(9), "{moment:?}: {status}");
    Ok(lines.last().or(first))
}

fn stored(line: &str) -> Option<i64> {
    line.strip_prefix("stored ")?.parse().ok()
}

/// Everything that was promised is there, once, as it was sampled. Returns the newest instant.
async fn check_store(directory: &Path, from: i64, promised: i64, at: &str) -> io::Result<i64> {
    let opened = open_store(directory)?;
    let last = opened.recent.last.map_or(NOTHING, |last| last.id.t.0);
    assert!(last >= promised, "{at}: {promised} was stored, and {last} is the newest");
    if last == NOTHING {
        return Ok(last);
    }
    let history = History::start(opened, catalog(), Arc::default())?;
    let all = ask(&history, from, last, Detail::Ticks).await?;
    for family in catalog().iter() {
        check_ticks(course(&all, &family.id)?, family, from, last, at);
    }
    check_gaps(all.gaps, from, last, at);
    for step in [MINUTE_MS, HOUR_MS] {
        let points = usize::try_from((last - from) / step + 3).unwrap_or_default();
        let folded = ask(&history, from, last, Detail::Points(points)).await?;
        check_buckets(course(&folded, "cpu")?, from, last, at);
    }
    history.close();
    check_file(directory, from == BEGIN, at)?;
    Ok(last)
}

fn check_ticks(course: &Course, family: &Family, from: i64, last: i64, at: &str) {
    let expected: Vec<i64> = ticks(from, last).filter(|t| family.is_due(UnixMs(*t))).collect();
    let told = course.body.t();
    let differs = told.iter().zip(&expected).find(|(told, expected)| told != expected);
    assert!(told == expected, "{at}: {} has {} of {} ticks, {differs:?}", family.id, told.len(), expected.len());
    for dimension in 0..family.dimensions.len() {
        for (t, [_, told, _]) in told.iter().zip(course.body.values(dimension)) {
            let expected = value(&family.id, dimension, *t).unwrap_or(f64::NAN);
            assert!(
                told == expected || told.is_nan() && expected.is_nan(),
                "{at}: {} {t} {told} {expected}",
                family.id
            );
        }
    }
}

/// What was not sampled between two samples is told, and nothing else.
fn check_gaps(told: Vec<Gap>, from: i64, last: i64, at: &str) {
    let all: Vec<i64> = ticks(from, last).collect();
    let expected: Vec<Gap> = all.windows(2).filter_map(|pair| gap_between(pair[0], pair[1])).collect();
    let is_between = |gap: &Gap| gap.from.is_some_and(|first| first.0 > from) && gap.to.is_some_and(|to| to.0 < last);
    let told: Vec<Gap> = told.into_iter().filter(is_between).collect();
    assert_eq!(told, expected, "{at}");
}

/// Least, mean and greatest value of each bucket are those of the samples in it, and no bucket is missing.
fn check_buckets(course: &Course, from: i64, last: i64, at: &str) {
    let step = course.step_ms;
    let mut expected: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    let (from, last) = (from.div_euclid(step) * step, last);
    for t in ticks(from.max(BEGIN), last) {
        expected.entry(t.div_euclid(step) * step).or_default().extend(value("cpu", 1, t));
    }
    assert!(course.body.t().iter().eq(expected.keys()), "{at}: buckets of {step} ms");
    for ((t, all), told) in expected.iter().zip(course.body.values(1)) {
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        // A mean is kept as fine as a thousandth of the way from least to greatest.
        let finest = (greatest - least) / 1_000.0 + 0.01;
        let [told_least, told_mean, told_greatest] = told;
        let is_right = if all.is_empty() {
            // Not one of its samples could be read.
            told.iter().all(|value| value.is_nan())
        } else {
            (told_least, told_greatest) == (least, greatest) && (told_mean - mean).abs() <= finest
        };
        assert!(is_right, "{at}: {t} in steps of {step} ms: {told:?} for {:?}", [least, mean, greatest]);
    }
}

/// Sound as a database, too.
fn check_file(directory: &Path, is_thorough: bool, at: &str) -> io::Result<()> {
    let connection = rusqlite::Connection::open(directory.join("history.db")).map_err(io::Error::other)?;
    let pragma = if is_thorough { "integrity_check" } else { "quick_check" };
    let verdict: String = connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(io::Error::other)?;
    assert_eq!(verdict, "ok", "{at}");
    Ok(())
}

fn open_store(directory: &Path) -> io::Result<Opened> {
    // Simulated weeks go by within a minute, and all of them are looked at.
    let long = Duration::from_hours(24 * 1_000);
    let retention = Retention { ticks: long, minutes: long, hours: long, ..Retention::default() };
    let settings = StoreSettings { directory: Some(directory.to_owned()), retention, owner: "a test".to_owned() };
    // Processes that other tests start share our files, locks as well, until they have become what they shall be.
    let began = Instant::now();
    loop {
        match Opened::open(&settings, KEPT) {
            Err(OpenError::Taken { .. }) if began.elapsed() < DEADLINE => std::thread::yield_now(),
            opened => return opened.map_err(io::Error::other),
        }
    }
}

async fn ask(history: &History, from: i64, to: i64, detail: Detail) -> io::Result<Answer> {
    let families = Wanted::These(catalog().iter().map(|family| Arc::clone(&family.id)).collect());
    let question = Question { families, from: UnixMs(from), to: UnixMs(to), detail };
    history.ask(question).await.map_err(|why| io::Error::other(format!("{why:?}")))
}

fn course<'a>(answer: &'a Answer, family: &str) -> io::Result<&'a Course> {
    answer.courses.iter().find(|course| &*course.family.id == family).ok_or_else(|| io::Error::other("no course"))
}

fn catalog() -> Arc<Catalog> {
    let slow = Interval::SECOND.times(10);
    let cpu = [("user", "user"), ("system", "system"), ("iowait", "iowait")];
    Arc::new(Catalog(vec![
        Family::new("cpu", "CPU", Unit::Percent, Interval::SECOND, &cpu).stacked(),
        Family::new("memory", "Memory", Unit::Bytes, Interval::SECOND, &[("used", "used"), ("free", "free")]),
        Family::new("mounts", "Mounts", Unit::Count, slow, &[("count", "count")]),
    ]))
}

/// Most hours are cut short, so that many of them end while a child lives.
fn is_sampled(t: i64) -> bool {
    let (hour, within) = ((t - BEGIN).div_euclid(HOUR_MS), t.rem_euclid(HOUR_MS));
    hour % 24 == 0 || !(90 * SECOND_MS..HOUR_MS - 30 * SECOND_MS).contains(&within)
}

fn next_tick(before: i64) -> i64 {
    let mut t = before + SECOND_MS;
    while !is_sampled(t) {
        t += SECOND_MS;
    }
    t
}

/// Those from one instant up to another, both included.
fn ticks(from: i64, last: i64) -> impl Iterator<Item = i64> {
    let first = from.div_euclid(SECOND_MS) * SECOND_MS;
    (first..=last).step_by(SECOND_MS as usize).filter(move |t| *t >= from && is_sampled(*t))
}

fn gap_between(before: i64, t: i64) -> Option<Gap> {
    let [from, to] = [before + SECOND_MS, t - SECOND_MS].map(UnixMs);
    (from <= to).then_some(Gap { from: Some(from), to: Some(to), reason: GapReason::Suspended })
}

fn observation(t: i64) -> Observation {
    let t = UnixMs(t);
    let families = catalog()
        .iter()
        .filter(|family| family.is_due(t))
        .map(|family| FamilyValues {
            family: Arc::clone(&family.id),
            values: (0..family.dimensions.len()).map(|dimension| value(&family.id, dimension, t.0)).collect(),
        })
        .collect();
    Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample: Arc::new(Sample { t, families }) }
}

/// What is sampled at an instant, the same each time it is asked: some of it can't be read.
fn value(family: &str, dimension: usize, t: i64) -> Option<f64> {
    let mixed = Random((t / SECOND_MS) as u64 * 31 + dimension as u64 * 7 + family.len() as u64).below(u64::MAX);
    match family {
        _ if mixed.is_multiple_of(50) => None,
        "memory" => Some((mixed % 16_000_000_000) as f64),
        _ => Some((mixed % 10_000) as f64 / 100.0),
    }
}

/// A generator that a printed seed repeats (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Removed when the test ends.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new() -> io::Result<Self> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the target directory harms nobody.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
