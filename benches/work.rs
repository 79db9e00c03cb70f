//! The work of a tick without a browser: taking a sample of this machine, scanning its processes, and drawing a large
//! page anew. `./dev bench work` prints all; the limit for the page counts for the browser, and `tick` measures it there.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use rustix::time::{ClockId, clock_gettime};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use telltale::chart::{Scene, Window};
use telltale::model::sample::FamilyValues;
use telltale::model::{Catalog, Family, History, Interval, Observation, Sample, Unit, UnixMs};
use telltale::server::sampler::clock::SystemClock;
use telltale::server::sampler::{self, Settings, Stop};

const TICKS: u32 = 40;
const SCANS: u32 = 20;
const SLEEPERS: usize = 1_000;
const CHARTS: usize = 12;
const SERIES: usize = 10;
const POINTS: i64 = 600;
const REDRAWS: u32 = 60;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    sampling()?;
    scanning("as they are", 0)?;
    scanning("and more that sleep", SLEEPERS)?;
    drawing();
    Ok(())
}

/// CPU time of the whole process, all its collectors included.
fn sampling() -> Result<(), Box<dyn std::error::Error>> {
    let interval = Interval::from_ms(250).ok_or("250 ms is an interval")?;
    let opened = sampler::open(&Settings { interval, ..Settings::default() }, Arc::default())?;
    let series: usize = opened.catalog.iter().map(|family| family.dimensions.len()).sum();
    let (stop, mut seen, before) = (Stop::new(), 0, process_time());
    opened.source.run(&stop.clone(), &mut |observation| {
        if matches!(observation, Observation::Sample { .. }) {
            seen += 1;
            if seen == TICKS {
                stop.stop();
            }
        }
    });
    let each = (process_time() - before) / TICKS;
    println!(
        "sampling {series} series: {each:.1?} of CPU a tick, {:.3} % of a core at 1 s",
        each.as_secs_f64() * 100.0
    );
    Ok(())
}

/// The processes of this machine, and so many more that do nothing.
fn scanning(what: &str, more: usize) -> Result<(), Box<dyn std::error::Error>> {
    let sleep = || Command::new("sleep").arg("600").stdin(Stdio::null()).spawn();
    let mut sleepers = (0..more).map(|_| sleep()).collect::<Result<Vec<_>, _>>()?;
    for with_arguments in [false, true] {
        let settings = Settings { with_arguments, ..Settings::default() };
        let mut processes = sampler::open(&settings, Arc::default())?.processes;
        processes.scan(&SystemClock)?;
        let (mut count, before) = (0, process_time());
        for _ in 0..SCANS {
            count = processes.scan(&SystemClock)?.processes.len();
        }
        let each = (process_time() - before) / SCANS;
        let arguments = if with_arguments { ", with arguments" } else { "" };
        let per_process = each.as_secs_f64() * 1e6 / count as f64;
        println!("scanning {count} processes {what}{arguments}: {each:.1?} of CPU, {per_process:.1} µs a process");
    }
    for sleeper in &mut sleepers {
        sleeper.kill()?;
        sleeper.wait()?;
    }
    Ok(())
}

fn drawing() {
    let dimensions: Vec<(String, String)> =
        (0..SERIES).map(|index| (format!("d{index}"), format!("series {index}"))).collect();
    let named: Vec<(&str, &str)> = dimensions.iter().map(|(id, label)| (id.as_str(), label.as_str())).collect();
    let family = |index| Family::new(&format!("family{index}"), "Family", Unit::Percent, Interval::SECOND, &named);
    let catalog = Arc::new(Catalog((0..CHARTS).map(family).collect()));
    let mut history = History::new(Interval::MINUTE.times(11));
    history.set_catalog(&catalog);
    for second in 0..POINTS {
        history.push(&noise(&catalog, second));
    }
    let mut times: Vec<Duration> = (0..REDRAWS)
        .map(|redraw| {
            history.push(&noise(&catalog, POINTS + i64::from(redraw)));
            let scene = Scene::live(catalog.clone(), history.clone(), Window::TEN, 0);
            let began = Instant::now();
            for family in catalog.iter() {
                std::hint::black_box(scene.chart(family, &[]));
            }
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("drawing {CHARTS} charts of {SERIES} series, {POINTS} points each: median {:.2?}", times[times.len() / 2]);
}

/// Values without any pattern: nothing merges, nothing is smooth.
fn noise(catalog: &Catalog, second: i64) -> Sample {
    let value = |family: usize, dimension: usize| {
        let seed =
            (second as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((family * SERIES + dimension) as u64) << 17;
        Some((seed.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / 167_772.16)
    };
    let families = catalog.iter().enumerate().map(|(index, family)| FamilyValues {
        family: family.id.clone(),
        values: (0..SERIES).map(|dimension| value(index, dimension)).collect(),
    });
    Sample { t: UnixMs(1_795_000_000_000 + second * 1_000), families: families.collect() }
}

fn process_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
