//! A recording in memory: read once, checked line by line, made harmless.

use super::harmless;
use super::header::{Current, Header, Pace, PaceError, Table, is_header, is_table};
use crate::model::{Catalog, HostFacts, Interval, ProcessTable, Sample};
use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const LONGEST_FILE: u64 = 100 * 1024 * 1024;

/// Past this the common tick of all slow families is not waited for.
const LONGEST_PERIOD: i64 = 3_600;

#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    #[error("the recording {} cannot be read: {error}", file.display())]
    Unreadable { file: PathBuf, error: io::Error },
    #[error("the recording {} is larger than 100 MiB; record less", file.display())]
    TooLarge { file: PathBuf },
    #[error("the recording {} holds no sample", file.display())]
    Empty { file: PathBuf },
    #[error("the recording {}, line {line}: {problem}", file.display())]
    Line { file: PathBuf, line: usize, problem: String },
    #[error("speed={speed} makes ticks of less than a millisecond; at most {most} is possible")]
    TooFast { speed: f64, most: i64 },
}

pub struct Tape {
    host: HostFacts,
    interval: Interval,
    /// The interval it was recorded with.
    recorded: Interval,
    first_catalog: Arc<Catalog>,
    entries: Vec<Entry>,
    loop_ticks: i64,
}

pub struct Entry {
    pub catalog: Arc<Catalog>,
    /// Ticks since the entry before; the first one follows the last one after one.
    pub distance: i64,
    /// Its time is still the recorded one.
    pub sample: Arc<Sample>,
    /// The newest table of processes by then, or the first one of all, if the recording has any.
    pub processes: Option<Arc<ProcessTable>>,
}

impl Tape {
    pub fn read(file: &Path, speed: f64) -> Result<Self, TapeError> {
        let unreadable = |error| TapeError::Unreadable { file: file.to_owned(), error };
        let opened = std::fs::File::open(file).map_err(unreadable)?;
        if opened.metadata().map_err(unreadable)?.len() > LONGEST_FILE {
            return Err(TapeError::TooLarge { file: file.to_owned() });
        }
        // A device or a pipe says nothing of its length.
        Self::parse(BufReader::new(opened.take(LONGEST_FILE)), file, speed)
    }

    /// `file` is what errors name.
    pub fn parse(reader: impl BufRead, file: &Path, speed: f64) -> Result<Self, TapeError> {
        let mut reading: Option<(HostFacts, Pace, Arc<Catalog>, Current)> = None;
        let mut entries: Vec<Entry> = Vec::new();
        let (mut processes, mut texts): (Option<Arc<ProcessTable>>, _) = (None, HashSet::new());
        for (index, line) in reader.lines().enumerate() {
            let wrong = |problem: String| TapeError::Line { file: file.to_owned(), line: index + 1, problem };
            let line = line.map_err(|error| wrong(error.to_string()))?;
            if line.trim().is_empty() {
                continue;
            }
            if reading.is_none() || is_header(&line) {
                let header: Header = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
                let pace = match &reading {
                    Some((_, pace, ..)) => *pace,
                    None => Pace::of(&header.catalog, speed).map_err(|problem| match problem {
                        PaceError::NoFamilies => wrong("the catalog is empty".to_owned()),
                        PaceError::TooFast(most) => TapeError::TooFast { speed, most },
                    })?,
                };
                let current = Current::new(header.catalog, pace).map_err(wrong)?;
                reading = Some(match reading {
                    Some((host, pace, first, _)) => (host, pace, first, current),
                    None => (harmless::host(header.host), pace, Arc::clone(&current.catalog), current),
                });
            } else if is_table(&line) {
                let table: Table = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
                let table = Arc::new(harmless::table(table.processes, &mut texts));
                if processes.is_none() {
                    entries.iter_mut().for_each(|entry| entry.processes = Some(Arc::clone(&table)));
                }
                processes = Some(table);
            } else if let Some((_, pace, _, current)) = &reading {
                let sample: Sample = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
                let before = entries.last().map(|entry| entry.sample.t);
                let entry = current.entry(sample, before, pace.recorded).map_err(wrong)?;
                entries.push(Entry { processes: processes.clone(), ..entry });
            }
        }
        match reading {
            Some((host, pace, first_catalog, _)) if !entries.is_empty() => {
                let loop_ticks = entries.iter().map(|entry| entry.distance).sum();
                Ok(Self { host, interval: pace.interval, recorded: pace.recorded, first_catalog, entries, loop_ticks })
            }
            _ => Err(TapeError::Empty { file: file.to_owned() }),
        }
    }

    pub fn host(&self) -> &HostFacts {
        &self.host
    }

    pub fn first_catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.first_catalog)
    }

    /// The tick of the replay.
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// Never none.
    pub fn sample_count(&self) -> usize {
        self.entries.len()
    }

    pub fn entry(&self, index: usize) -> &Entry {
        &self.entries[index]
    }

    /// The number of the first sample's tick when it was recorded.
    pub fn first_tick(&self) -> i64 {
        self.entries[0].sample.t.0.div_euclid(self.recorded.ms())
    }

    /// How many ticks of the recording a time holds.
    pub fn ticks(&self, time: Duration) -> i64 {
        i64::try_from(time.as_millis()).unwrap_or(i64::MAX) / self.recorded.ms()
    }

    /// How many ticks the loop has.
    pub fn loop_ticks(&self) -> i64 {
        self.loop_ticks
    }

    /// After how many ticks all families have one again.
    pub fn period(&self) -> i64 {
        let slower = self.first_catalog.iter().map(|family| family.interval_ms.ms() / self.interval.ms());
        slower.fold(1, |period, ticks| {
            let common = period / greatest_common_divisor(period, ticks) * ticks;
            if common > LONGEST_PERIOD { period } else { common }
        })
    }
}

fn greatest_common_divisor(left: i64, right: i64) -> i64 {
    if right == 0 { left.max(1) } else { greatest_common_divisor(right, left % right) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = r#""host":{"name":"b\u001box","os":null,"kernel":null,"architecture":"x","cpu_model":null,"cpu_count":1,"memory_bytes":1,"booted_at":null}"#;

    fn family(id: &str, interval_ms: u32) -> String {
        let id = serde_json::Value::from(id);
        format!(
            r#"{{"id":{id},"title":{id},"unit":"","stacked":false,"interval_ms":{interval_ms},"dimensions":[{{"id":"a","label":"a"}}]}}"#
        )
    }

    fn parse(catalog: &[String], samples: &[&str], speed: f64) -> Result<Tape, TapeError> {
        let text = format!("{{{HOST},\"catalog\":[{}]}}\n{}\n", catalog.join(","), samples.join("\n"));
        Tape::parse(text.as_bytes(), Path::new("day.jsonl"), speed)
    }

    #[test]
    fn what_is_wrong_is_told_with_file_and_line() {
        let load = || vec![family("load", 1_000)];
        let good = r#"{"t":1000,"load":[1]}"#;
        for (catalog, samples, speed, expected) in [
            (load(), vec![good, "nonsense"], 1.0, "day.jsonl, line 3: expected"),
            (load(), vec![good, r#"{"load":[1]}"#], 1.0, "line 3: missing field `t`"),
            (load(), vec![r#"{"t":1500,"load":[1]}"#], 1.0, "line 2: t 1500 is not a multiple"),
            (load(), vec![r#"{"t":1000,"cpu":[1]}"#], 1.0, "line 2: the family cpu is not in the catalog"),
            (load(), vec![r#"{"t":1000,"load":[1,2]}"#], 1.0, "line 2: the family load has 2 values for 1 dim"),
            (vec![family("x", 1), family("x", 1)], vec![], 1.0, "line 1: the family x is twice"),
            (vec![], vec![], 1.0, "line 1: the catalog is empty"),
            (load(), vec![], 1.0, "day.jsonl holds no sample"),
            (vec![family("load", 100)], vec![good], 1000.0, "speed=1000 makes ticks of less than a millisecond"),
        ] {
            let error = parse(&catalog, &samples, speed).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(expected), "{error:?} should tell {expected:?}");
        }
        let missing = Tape::read(Path::new("/nowhere/day.jsonl"), 1.0).err().map(|error| error.to_string());
        assert!(missing.is_some_and(|error| error.starts_with("the recording /nowhere/day.jsonl cannot be read")));
    }

    #[test]
    fn a_later_header_changes_the_catalog() -> Result<(), TapeError> {
        let later = format!("{{{HOST},\"catalog\":[{}]}}", family("cpu", 1_000));
        let samples = [r#"{"t":1000,"load":[1]}"#, &later, r#"{"t":4000,"cpu":[1]}"#, r#"{"t":2000,"cpu":[1]}"#];
        let tape = parse(&[family("load", 1_000)], &samples, 1.0)?;
        let seen: Vec<_> = tape.entries.iter().map(|entry| (&*entry.catalog.0[0].id, entry.distance)).collect();
        assert_eq!(seen, [("load", 1), ("cpu", 3), ("cpu", 1)], "the clock that was set back is no hole");
        Ok(())
    }

    #[test]
    fn recorded_names_are_made_harmless_but_keep_their_kind() -> Result<(), TapeError> {
        let mount = format!("fs./{}.space", "a".repeat(4_096));
        let own = "net.a_b~00c0ffee.traffic";
        let catalog = [family("disk.<b>.io", 1_000), family(&mount, 1_000), family(own, 2_000)];
        let tape = parse(&catalog, &[r#"{"t":1000,"disk.<b>.io":[1]}"#], 1.0)?;
        let families = &tape.first_catalog.0;
        assert!(families[0].id.starts_with("disk._b_~") && families[0].id.ends_with(".io"), "{}", families[0].id);
        assert!(families[1].id.len() < 100 && families[1].id.ends_with(".space"), "{}", families[1].id);
        assert_eq!((&*families[2].id, tape.period()), (own, 2));
        assert!(tape.entry(0).sample.values(&families[0].id).is_some(), "samples follow the new names");
        assert_eq!(tape.host.name, "b\u{fffd}ox");
        Ok(())
    }
}
