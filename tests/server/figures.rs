//! The figures agree with the kernel's own counters over the same seconds, under load. The one test that
//! looks at the real machine: it compares two readings of it and expects no number.

#![cfg(linux_depth)]

use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use telltale::model::{Catalog, Observation, Sample};
use telltale::server::sampler::clock::{Clock, SystemClock};
use telltale::server::sampler::{self, Settings, Stop};

/// So many samples one after another are compared.
const TICKS: usize = 6;
/// So many more are looked at until there are those, at most.
const MOST_TICKS: usize = 120;
/// Later after a tick the kernel's counters tell of another time than the sample.
const SOON_MS: i64 = 50;

/// Samples one after another, each with what the kernel had counted by then.
struct Stretch {
    catalog: Arc<Catalog>,
    seen: Vec<(Arc<Sample>, Counters)>,
    /// How many were looked at.
    ticks: usize,
    /// What differed the last time that there were enough to compare.
    differences: Option<Vec<String>>,
}

/// What the kernel counts, read by other means than the sampler's.
struct Counters {
    busy: f64,
    total: f64,
    disks: Vec<(String, f64, f64)>,
    interfaces: Vec<(String, f64, f64)>,
    available: f64,
    memory: f64,
}

impl Counters {
    fn read() -> std::io::Result<Self> {
        let numbers =
            |line: &str| line.split_whitespace().map(|word| word.parse().unwrap_or(0.0)).collect::<Vec<f64>>();
        let stat = numbers(fs::read_to_string("/proc/stat")?.lines().next().unwrap_or_default());
        // user nice system idle iowait irq softirq steal
        let total = stat[1..=8].iter().sum::<f64>();
        let disks = fs::read_to_string("/proc/diskstats")?
            .lines()
            .filter_map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let number = |index: usize| words.get(index)?.parse::<f64>().ok();
                Some((words.get(2)?.to_string(), number(5)? * 512.0, number(9)? * 512.0))
            })
            .collect();
        let interfaces = fs::read_to_string("/proc/net/dev")?
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, line)| (name.trim().to_owned(), numbers(line)))
            .map(|(name, counts)| (name, counts[0], counts[8]))
            .collect();
        let meminfo = fs::read_to_string("/proc/meminfo")?;
        let memory = |name: &str| {
            let line = meminfo.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            numbers(line).get(1).copied().unwrap_or(0.0) * 1024.0
        };
        Ok(Self {
            busy: total - stat[4] - stat[5],
            total,
            disks,
            interfaces,
            available: memory("MemAvailable:"),
            memory: memory("MemTotal:"),
        })
    }
}

fn mean(samples: &[Arc<Sample>], family: &str, dimension: usize) -> Option<f64> {
    let values: Option<Vec<f64>> =
        samples.iter().map(|sample| sample.values(family)?.get(dimension).copied().flatten()).collect();
    values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
}

/// How they differ, unless they are equal within 2 %, or within `least` where both are small.
fn difference(what: &str, ours: f64, kernels: f64, least: f64) -> Option<String> {
    let is_equal = (ours - kernels).abs() <= (kernels.abs() * 0.02).max(least);
    (!is_equal).then(|| format!("{what}: {ours} here, {kernels} in the kernel's counters"))
}

#[test]
fn figures_agree_with_the_kernels_counters_under_load() -> Result<(), Box<dyn std::error::Error>> {
    let working = Arc::new(AtomicBool::new(true));
    let folder = std::env::temp_dir().join(format!("telltale-figures-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let load = [spin(&working), write(&working, folder.join("load"))];

    let opened = sampler::open(&Settings::default(), Arc::default())?;
    let stop = Stop::new();
    let mut stretch = Stretch { catalog: Arc::clone(&opened.catalog), seen: Vec::new(), ticks: 0, differences: None };
    opened.source.run(&stop.clone(), &mut |observation| {
        stretch.take(observation);
        if stretch.seen.len() == TICKS {
            // A wrong figure differs in every stretch; a heavy second that one of the two has counted in part, in one.
            stretch.differences = Some(differences(&stretch.catalog, &stretch.seen));
            stretch.seen.clear();
        }
        if stretch.differences.as_ref().is_some_and(Vec::is_empty) || stretch.ticks == MOST_TICKS {
            stop.stop();
        }
    });
    working.store(false, Ordering::Relaxed);
    load.into_iter().for_each(|worker| _ = worker.join());
    fs::remove_dir_all(&folder)?;

    let none: &[String] = &[];
    assert_eq!(stretch.differences.as_deref(), Some(none), "in {MOST_TICKS} ticks; None: too few one after another");
    Ok(())
}

impl Stretch {
    /// A busy machine may leave out a sample or a part of one, or come too late to ask the kernel: then all begins anew.
    fn take(&mut self, observation: Observation) {
        let sample = match observation {
            Observation::Sample { sample, .. } => sample,
            Observation::Catalog(catalog) => {
                self.catalog = catalog;
                return self.seen.clear();
            }
            _ => return self.seen.clear(),
        };
        self.ticks += 1;
        let mut compared = self.catalog.iter().filter(|family| is_compared(&family.id));
        let is_whole = compared.all(|family| sample.values(&family.id).is_some());
        match Counters::read() {
            Ok(counters) if is_whole && SystemClock.now().wall().0 - sample.t.0 <= SOON_MS => {
                self.seen.push((sample, counters));
            }
            _ => self.seen.clear(),
        }
    }
}

fn is_compared(family: &str) -> bool {
    matches!(family, "cpu" | "cpu.host" | "memory.available")
        || family.starts_with("disk.") && family.ends_with(".io")
        || family.starts_with("net.") && family.ends_with(".traffic")
}

fn differences(catalog: &Catalog, seen: &[(Arc<Sample>, Counters)]) -> Vec<String> {
    let [(begin, first), .., (end, last)] = seen else { panic!("fewer than two samples") };
    // The first sample tells of the time before the first reading.
    let samples: Vec<Arc<Sample>> = seen[1..].iter().map(|(sample, _)| Arc::clone(sample)).collect();
    let seconds = (end.t.0 - begin.t.0) as f64 / 1_000.0;

    // Where the tests themselves run in a container with limits, these are what is said of the machine.
    let name = if catalog.family("cpu.host").is_some() { "cpu.host" } else { "cpu" };
    let iowait = catalog.family(name).and_then(|cpu| cpu.dimension("iowait"));
    let dimensions = catalog.family(name).map_or(0, |cpu| cpu.dimensions.len());
    let busy: f64 =
        (0..dimensions).filter(|index| Some(*index) != iowait).filter_map(|index| mean(&samples, name, index)).sum();
    let kernels_busy = (last.busy - first.busy) / (last.total - first.total) * 100.0;
    let mut differences = Vec::from_iter(difference("cpu busy", busy, kernels_busy, 1.0));

    let available = samples.last().and_then(|sample| sample.values("memory.available")?.first().copied().flatten());
    if catalog.family("memory.host").is_none() {
        let ours = available.unwrap_or(-1.0);
        differences.extend(difference("available memory", ours, last.available, last.memory * 0.01));
    }

    let mut compared = 0;
    for (before, after) in first.disks.iter().zip(&last.disks) {
        let family = format!("disk.{}.io", before.0);
        for (dimension, name, from, to) in [(0, "read", before.1, after.1), (1, "written", before.2, after.2)] {
            if let Some(ours) = mean(&samples, &family, dimension) {
                let what = format!("{family} {name}");
                differences.extend(difference(&what, ours, (to - from) / seconds, 64.0 * 1024.0));
                compared += 1;
            }
        }
    }
    for (before, after) in first.interfaces.iter().zip(&last.interfaces) {
        let family = format!("net.{}.traffic", before.0);
        for (dimension, name, from, to) in [(0, "received", before.1, after.1), (1, "sent", before.2, after.2)] {
            if let Some(ours) = mean(&samples, &family, dimension) {
                let what = format!("{family} {name}");
                differences.extend(difference(&what, ours, (to - from) / seconds, 1024.0));
                compared += 1;
            }
        }
    }
    let devices = catalog.iter().filter(|family| family.id.ends_with(".io") && family.device().is_some()).count();
    if compared < devices {
        differences.push(format!("{compared} figures were compared, of {devices} disks"));
    }
    differences
}

/// Work for about half a core.
fn spin(working: &Arc<AtomicBool>) -> thread::JoinHandle<()> {
    let working = Arc::clone(working);
    thread::spawn(move || {
        while working.load(Ordering::Relaxed) {
            let began = std::time::Instant::now();
            while began.elapsed().as_millis() < 10 {
                std::hint::spin_loop();
            }
            thread::park_timeout(std::time::Duration::from_millis(10));
        }
    })
}

/// Writes that reach the disk.
fn write(working: &Arc<AtomicBool>, path: std::path::PathBuf) -> thread::JoinHandle<()> {
    let working = Arc::clone(working);
    thread::spawn(move || {
        while working.load(Ordering::Relaxed) {
            let written = fs::File::create(&path).and_then(|mut file| {
                file.write_all(&[7; 256 * 1024])?;
                file.sync_all()
            });
            if written.is_err() {
                return;
            }
        }
    })
}
