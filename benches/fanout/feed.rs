//! What is published: samples of about 1 KB with the instant in them, or the rows of the recording.

use crate::{Result, stamp, trace};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use telltale::model::sample::FamilyValues;
use telltale::model::{Catalog, Family, Interval, Sample, Unit, UnixMs};

/// So much of an event is the sample; the rest is `id:`, `event:` and `data:`.
const SAMPLE_BYTES: usize = 970;
/// As many series as a small server has.
const RECORDED_SERIES: usize = 155;
/// Rows that are looked at together.
const STRETCH: usize = 256;

/// Makes samples and says of which families.
pub(crate) struct Source {
    pub(crate) catalog: Arc<Catalog>,
    rows: Vec<Vec<FamilyValues>>,
    has_stamp: bool,
}

/// How often and how many times to publish, as a server is told on its standard input: `RATE COUNT`.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) rate: u32,
    pub(crate) count: u64,
}

pub(crate) fn source(name: &str) -> Result<Source> {
    match name {
        "stamped" => Ok(stamped()),
        "recorded" => recorded(),
        _ => Err(format!("a source is stamped or recorded, not {name}").into()),
    }
}

impl Source {
    pub(crate) fn sample(&self, number: u64, t: UnixMs) -> Sample {
        let row = usize::try_from(number).unwrap_or(0) % self.rows.len();
        let mut families = self.rows[row].clone();
        if self.has_stamp {
            families.push(FamilyValues { family: stamp::FAMILY.into(), values: vec![Some(stamp::now() as f64)] });
        }
        Sample { t, families }
    }
}

impl Pace {
    pub(crate) fn read(line: &str) -> Option<Self> {
        let (rate, count) = line.trim().split_once(' ')?;
        Some(Self { rate: rate.parse().ok()?, count: count.parse().ok()? })
    }

    pub(crate) fn period(self) -> Duration {
        Duration::from_secs(1) / self.rate.max(1)
    }

    /// Calls at the right instants; who is late is called again at once.
    pub(crate) fn keep(self, mut publish: impl FnMut(u64) -> Result) -> Result {
        let began = Instant::now();
        for number in 0..self.count {
            let due = began + Duration::from_secs_f64(number as f64 / f64::from(self.rate.max(1)));
            thread::sleep(due.saturating_duration_since(Instant::now()));
            publish(number)?;
        }
        Ok(())
    }
}

/// The same sample as JSON, before and after the stamp, for servers that know nothing of samples.
pub(crate) fn json_around_stamp() -> Result<(String, String)> {
    let source = stamped();
    let mut sample = source.sample(0, UnixMs(1_795_233_600_000));
    sample.families.pop();
    sample.families.push(FamilyValues { family: stamp::FAMILY.into(), values: vec![Some(0.0)] });
    let json = serde_json::to_string(&sample)?;
    let head = json.strip_suffix("0]}").ok_or("the stamp is the last of a sample")?;
    Ok((head.to_owned(), "]}".to_owned()))
}

fn stamped() -> Source {
    let (mut families, mut row, mut bytes) = (Vec::new(), Vec::new(), 0);
    while bytes < SAMPLE_BYTES {
        let id = format!("family{}", families.len());
        let values: Vec<f64> = (1..=12).map(|index| f64::from(index * 731 + families.len() as u32) / 100.0).collect();
        bytes += id.len() + 6 + values.iter().map(|value| value.to_string().len() + 1).sum::<usize>();
        let names: Vec<String> = (1..=12).map(|index| format!("series{index}")).collect();
        let dimensions: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
        families.push(Family::new(&id, &id, Unit::Percent, Interval::SECOND, &dimensions));
        row.push(FamilyValues { family: id.as_str().into(), values: values.into_iter().map(Some).collect() });
    }
    families.push(Family::new(stamp::FAMILY, "Stamp", Unit::Count, Interval::SECOND, &[("ns", "ns")]));
    Source { catalog: Arc::new(Catalog(families)), rows: vec![row], has_stamp: true }
}

fn recorded() -> Result<Source> {
    let recording = trace::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/traces/host-1hz.csv.gz"))?;
    let rows = recording.t.len();
    let mut families = recording.families;
    // What a machine does not have says zero for ever, and a sampler leaves it out.
    let moves = |column: &Vec<Option<f64>>| column.iter().any(|value| value != &column[1]);
    for family in &mut families {
        let series = family.columns.drain(..).zip(family.dimensions.drain(..)).filter(|(column, _)| moves(column));
        (family.columns, family.dimensions) = series.collect::<Vec<_>>().into_iter().unzip();
    }
    // Less series than wanted move, so more come from another half of the recording, as another machine's.
    let other = |family: &trace::RecordedFamily| {
        let turned = |column: &Vec<Option<f64>>| {
            let mut column = column.clone();
            column.rotate_left(rows / 2);
            column
        };
        trace::RecordedFamily {
            id: format!("{}.other", family.id),
            unit: family.unit,
            stacked: family.stacked,
            dimensions: family.dimensions.clone(),
            columns: family.columns.iter().map(turned).collect(),
        }
    };
    let others: Vec<_> = families.iter().map(other).collect();
    let (mut recorded, mut room) = (Vec::new(), RECORDED_SERIES);
    for mut family in families.into_iter().chain(others) {
        family.columns.truncate(room);
        family.dimensions.truncate(room);
        room -= family.columns.len();
        if !family.columns.is_empty() {
            recorded.push(family);
        }
    }
    let catalog = Catalog(recorded.iter().map(trace::RecordedFamily::family).collect());
    let row = |row: usize| {
        let values = |recorded: &trace::RecordedFamily| FamilyValues {
            family: recorded.id.as_str().into(),
            values: recorded.columns.iter().map(|column| column[row]).collect(),
        };
        let mut sample = Sample { t: UnixMs(0), families: recorded.iter().map(values).collect() };
        sample.round(&catalog);
        sample.families
    };
    let mut rows: Vec<Vec<FamilyValues>> = (0..rows).map(row).collect();
    // It begins where the machine has most to do, and its samples are the longest.
    let is_zero = |value: &&Option<f64>| value.is_none_or(|value| value == 0.0);
    let zeros = |row: &Vec<FamilyValues>| row.iter().flat_map(|family| &family.values).filter(is_zero).count();
    let stretches = rows.chunks_exact(STRETCH).map(|stretch| stretch.iter().map(zeros).sum::<usize>());
    let busiest = stretches.enumerate().min_by_key(|(_, zeros)| *zeros).map_or(0, |(index, _)| index);
    rows.rotate_left(busiest * STRETCH);
    Ok(Source { catalog: Arc::new(catalog), rows, has_stamp: false })
}
