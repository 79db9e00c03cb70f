//! What the history costs on disk, beside VictoriaMetrics and Prometheus, and how soon it answers.
//!
//! `./dev bench store` takes a recording of a real machine as it is, then repeats it to a day and to a month of 300
//! series. Repeats are for times and writes only: they flatter whoever compresses across the seam.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod rivals;
mod trace;

use rivals::{SeriesRows, Weight};
use rusqlite::Connection;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use telltale::model::sample::FamilyValues;
use telltale::model::{Catalog, EventId, Family, Observation, Sample, UnixMs};
use telltale::server::history::{Detail, History, KEPT, Opened, Question, Retention, StoreSettings, Wanted};
use telltale::server::meter::Meter;
use trace::{RecordedFamily, Recording};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const PATIENCE: Duration = Duration::from_secs(600);
/// So many series the long runs have.
const SERIES: usize = 300;

fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let wants = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    let recording = trace::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/traces/host-1hz.csv.gz"))?;
    let machine = Machine::of(&recording);
    let folder = Folder::new()?;
    if wants("size") {
        size(&machine, &folder.0)?;
    }
    if wants("day") {
        day(&machine, &folder.0)?;
    }
    if wants("month") {
        month(&machine, &folder.0)?;
    }
    Ok(())
}

/// The recording as a sampler would have told it.
struct Machine {
    catalog: Arc<Catalog>,
    /// Values by row and family.
    rows: Vec<Vec<FamilyValues>>,
    /// How long after the first each row is.
    offsets: Vec<i64>,
}

impl Machine {
    fn of(recording: &Recording) -> Self {
        let catalog = Catalog(recording.families.iter().map(RecordedFamily::family).collect());
        let row = |row: usize| {
            let families = recording.families.iter().zip(catalog.iter());
            let values = |(recorded, family): (&RecordedFamily, &Family)| FamilyValues {
                family: Arc::clone(&family.id),
                values: recorded.columns.iter().map(|column| column[row]).collect(),
            };
            families.map(values).collect()
        };
        let rows = (0..recording.t.len()).map(row).collect();
        let offsets = recording.t.iter().map(|t| t - recording.t[0]).collect();
        Self { catalog: Arc::new(catalog), rows, offsets }
    }

    fn series(&self) -> usize {
        self.catalog.iter().map(|family| family.dimensions.len()).sum()
    }

    /// The same families once more under other names, until there are so many series.
    fn widened(&self, series: usize) -> Self {
        let mut families = self.catalog.0.clone();
        let mut rows = self.rows.clone();
        let mut count = self.series();
        for family in self.catalog.iter() {
            if count >= series {
                break;
            }
            count += family.dimensions.len();
            let other: Arc<str> = format!("{}.other", family.id).into();
            // As another machine's would be, its values are from another time.
            for index in 0..rows.len() {
                let from = &self.rows[(index + rows.len() / 2) % rows.len()];
                let values = from.iter().find(|entry| entry.family == family.id).map(|entry| entry.values.clone());
                rows[index].push(FamilyValues { family: Arc::clone(&other), values: values.unwrap_or_default() });
            }
            families.push(Family { id: other, ..family.clone() });
        }
        Self { catalog: Arc::new(Catalog(families)), rows, offsets: self.offsets.clone() }
    }

    /// One row at an instant.
    fn observation(&self, row: usize, t: i64) -> Observation {
        let t = UnixMs(t);
        let sample = Sample { t, families: self.rows[row % self.rows.len()].clone() };
        Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample: Arc::new(sample) }
    }
}

fn start(directory: &Path, machine: &Machine, meter: &Arc<Meter>) -> Result<History> {
    let settings = StoreSettings {
        directory: Some(directory.to_owned()),
        retention: Retention { max_bytes: u64::MAX / 4, ..Retention::default() },
        owner: "a benchmark".to_owned(),
    };
    let opened = Opened::open(&settings, KEPT)?;
    Ok(History::start(opened, Arc::clone(&machine.catalog), Arc::clone(meter))?)
}

/// Bytes per sample, of each program for the same rows.
fn size(machine: &Machine, folder: &Path) -> Result {
    let begin = (now() - 3 * HOUR_MS) / HOUR_MS * HOUR_MS;
    let samples = (machine.rows.len() * machine.series()) as f64;
    println!("{} series, {} rows of one hour, unrepeated: {samples} samples", machine.series(), machine.rows.len());

    let directory = folder.join("size");
    let history = start(&directory, machine, &Arc::default())?;
    for (row, offset) in machine.offsets.iter().enumerate() {
        history.record(&machine.observation(row, begin + offset));
    }
    // The first sample of another hour ends this one.
    history.record(&machine.observation(0, begin + HOUR_MS));
    if !history.flush(PATIENCE) {
        return Err("the rows could not be stored".into());
    }
    history.close();
    let connection = Connection::open(directory.join("history.db"))?;
    for tier in 0..3 {
        let query = "SELECT count(*), coalesce(sum(length(body)), 0) FROM extent WHERE place >> 61 = ?1";
        let (count, bytes): (i64, i64) = connection.query_row(query, [tier], |row| Ok((row.get(0)?, row.get(1)?)))?;
        println!("  tier {tier}: {count} extents, {bytes} bytes in them");
    }
    let all = shrunk(&connection)?;
    connection.execute_batch("DELETE FROM extent WHERE place >> 61 > 0")?;
    let seconds = shrunk(&connection)?;
    drop(connection);

    let series = rows_by_series(machine, begin);
    let per_sample = |bytes: u64| bytes as f64 / samples;
    println!("{:<44}{:>10}  B/sample", "", "bytes");
    let tell = |what: &str, bytes: u64| println!("{what:<44}{bytes:>10}  {:.3}", per_sample(bytes));
    tell("Telltale, the file, every second", seconds);
    tell("Telltale, the file, all tiers", all);
    let rival = |name: &str, weight: Result<Weight>| match weight {
        Ok(weight) => {
            tell(&format!("{name}, samples alone"), weight.data);
            tell(&format!("{name}, whole directory"), weight.all);
            println!(
                "  Telltale to the samples of {name}: every second {:.2}, all tiers {:.2}",
                seconds as f64 / weight.data as f64,
                all as f64 / weight.data as f64
            );
        }
        Err(error) => println!("{name}: {error}"),
    };
    rival("VictoriaMetrics", rivals::victoria_metrics(&series, folder));
    rival("Prometheus", rivals::prometheus(&series, folder));
    Ok(())
}

/// The size of the file once what is free in it is given back.
fn shrunk(connection: &Connection) -> Result<u64> {
    let mut vacuum = connection.prepare("PRAGMA incremental_vacuum")?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    drop(vacuum);
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(u64::try_from(number("page_count")? * number("page_size")?)?)
}

fn rows_by_series(machine: &Machine, begin: i64) -> Vec<SeriesRows> {
    let mut series = Vec::new();
    for (place, family) in machine.catalog.iter().enumerate() {
        for (index, dimension) in family.dimensions.iter().enumerate() {
            let rows = machine.rows.iter().zip(&machine.offsets);
            let value = |(row, offset): (&Vec<FamilyValues>, &i64)| Some((begin + offset, row[place].values[index]?));
            series.push(SeriesRows {
                name: format!("{}.{}", family.id, dimension.id),
                rows: rows.filter_map(value).collect(),
            });
        }
    }
    series
}

/// A day as it is lived: stored every five seconds. What that writes.
fn day(machine: &Machine, folder: &Path) -> Result {
    let machine = machine.widened(SERIES);
    let begin = (now() - 2 * DAY_MS) / DAY_MS * DAY_MS;
    let meter = Arc::new(Meter::default());
    let directory = folder.join("day");
    let history = start(&directory, &machine, &meter)?;
    let (before, began) = (written()?, Instant::now());
    for second in 0..DAY_MS / 1_000 {
        history.record(&machine.observation(second as usize, begin + second * 1_000));
        if second % 5 == 4 && !history.flush(PATIENCE) {
            return Err("the rows could not be stored".into());
        }
    }
    history.flush(PATIENCE);
    let took = began.elapsed();
    history.close();
    let device = written()? - before;
    let file = std::fs::metadata(directory.join("history.db"))?.len();
    println!("a day of {} series, stored every 5 s:", machine.series());
    println!("  handed to the kernel {:>7.1} MB", meter.written_bytes() as f64 / 1e6);
    println!("  sent to the disk     {:>7.1} MB (limit 350)", device as f64 / 1e6);
    println!("  the file afterwards  {:>7.1} MB", file as f64 / 1e6);
    println!("  a store takes {:.2?} on average, the packing of hours included", took / 17_280);
    Ok(())
}

/// What this process sent to the disk.
fn written() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/io")?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    Ok(line.ok_or("the kernel does not count what is written")?.trim().parse()?)
}

/// A month, and how soon questions about it are answered.
fn month(machine: &Machine, folder: &Path) -> Result {
    let machine = machine.widened(SERIES);
    let end = now() / HOUR_MS * HOUR_MS;
    let begin = end - 30 * DAY_MS;
    let directory = std::env::var_os("TELLTALE_BENCH_MONTH").map_or_else(|| folder.join("month"), PathBuf::from);
    if !directory.join("history.db").exists() {
        let history = start(&directory, &machine, &Arc::default())?;
        let began = Instant::now();
        for second in 0..30 * DAY_MS / 1_000 {
            history.record(&machine.observation(second as usize, begin + second * 1_000));
            // Without waits, more would come than is stored, and the oldest would make room.
            if second % 3_000 == 2_999 && !history.flush(PATIENCE) {
                return Err("the rows could not be stored".into());
            }
        }
        history.flush(PATIENCE);
        history.close();
        println!(
            "a month of {} series is stored in {:.0?}: {:.0?} an hour",
            machine.series(),
            began.elapsed(),
            began.elapsed() / 720
        );
    }
    println!("  the file is {:.0} MB", std::fs::metadata(directory.join("history.db"))?.len() as f64 / 1e6);
    let began = Instant::now();
    let history = start(&directory, &machine, &Arc::default())?;
    println!("  opened, with its last ten minutes, in {:.1?} (limit 1 s)", began.elapsed());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let ten = machine.catalog.iter().find(|family| family.dimensions.len() >= 10).ok_or("a family of ten series")?;
    let this = || Wanted::These(vec![Arc::clone(&ten.id)]);
    println!("  questions about {} ({} series), median of 21:", ten.id, ten.dimensions.len());
    for (what, families, length, points, limit) in [
        ("10 minutes, every second", this(), HOUR_MS / 6, 1_200, ""),
        ("6 hours to 1 200 points", this(), 6 * HOUR_MS, 1_202, ""),
        ("24 hours to 1 200 points", this(), DAY_MS, 1_200, "(limit 5 ms)"),
        ("24 hours, 10 000 points, from every second", this(), DAY_MS, 10_000, ""),
        ("30 days, 2 000 points, from every minute", this(), 30 * DAY_MS, 2_000, "(limit 10 ms)"),
        ("30 days to 1 200 points", this(), 30 * DAY_MS, 1_200, "(limit 10 ms)"),
        ("30 days of all series to 150 points", Wanted::All, 30 * DAY_MS, 150, ""),
        ("1 hour of all series to 150 points", Wanted::All, HOUR_MS, 150, ""),
    ] {
        let mut times = Vec::new();
        let mut told = (0, 0);
        for _ in 0..21 {
            let question = Question {
                families: families.clone(),
                from: UnixMs(end - length),
                to: UnixMs(end - 1),
                detail: Detail::Points(points),
            };
            let began = Instant::now();
            let answer = runtime.block_on(history.ask(question)).map_err(|why| format!("{why:?}"))?;
            times.push(began.elapsed());
            told = answer.courses.first().map_or(told, |course| (course.body.t().len(), course.step_ms));
        }
        times.sort_unstable();
        println!("    {what:<44}{:>9.2?}  {} points of {} s {limit}", times[10], told.0, told.1 / 1_000);
    }
    history.close();
    Ok(())
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// Goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/tmp/bench-store-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is cargo's to sweep.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
