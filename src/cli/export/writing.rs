//! Writing the past out. Samples are read some hours at a time: months of them are not held in memory.

use crate::model::{Gap, UnixMs};
use crate::server::history::table::{self, List, PARTS, put_in_order};
use crate::server::history::{Answer, Archive, Detail, Question, Table, Tier, Wanted};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

/// So much is read at once.
const STRETCH_MS: i64 = 6 * 3_600_000;

/// So many values are held at once where columns stand one after the other.
const MOST_VALUES: usize = 4_000_000;

/// So many numbers become text at once.
const CHUNK: usize = 10_000;

/// Both ends count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: UnixMs,
    pub(super) to: UnixMs,
}

/// Families or series on their way from an archive to an output.
pub(super) struct Export<'a, W> {
    archive: &'a mut Archive,
    families: Vec<Arc<str>>,
    /// Empty where all dimensions of the family are wanted.
    series: Vec<String>,
    output: W,
    /// What is written next.
    text: String,
    most_values: usize,
}

impl<'a, W: Write> Export<'a, W> {
    pub(super) fn new(archive: &'a mut Archive, families: Vec<Arc<str>>, series: Vec<String>, output: W) -> Self {
        Self { archive, families, series, output, text: String::new(), most_values: MOST_VALUES }
    }

    pub(super) fn points_as_csv(mut self, range: Range, points: usize) -> anyhow::Result<()> {
        let answer = self.ask(range, Detail::Points(points))?;
        self.text = Table::of(&answer, &self.series)?.csv();
        self.end()
    }

    pub(super) fn points_as_json(mut self, range: Range, points: usize) -> anyhow::Result<()> {
        let answer = self.ask(range, Detail::Points(points))?;
        self.text = Table::of(&answer, &self.series)?.json();
        self.text.push('\n');
        self.end()
    }

    pub(super) fn samples_as_csv(mut self, range: Range) -> anyhow::Result<()> {
        for (index, stretch) in self.stretches(range).into_iter().enumerate() {
            let answer = self.ask(stretch, Detail::Ticks)?;
            let table = Table::of(&answer, &self.series)?;
            if index == 0 {
                table.put_csv_names(&mut self.text);
            }
            table.put_csv_rows(&mut self.text);
            self.write()?;
        }
        self.end()
    }

    /// Instants stand before all values, and those of a column before those of the next: each pass over the stretches
    /// takes as many columns as may be held.
    pub(super) fn samples_as_json(mut self, range: Range) -> anyhow::Result<()> {
        let stretches = self.stretches(range);
        let head = self.ask(stretches[0], Detail::Ticks)?;
        let head = Table::of(&head, &self.series)?;
        head.begin_json(&mut self.text);
        let (instants, gaps) = self.write_instants(&stretches)?;
        table::begin_dimensions(&mut self.text);
        let at_once = (self.most_values / instants.len().max(1)).max(1);
        for first in (0..head.columns()).step_by(at_once) {
            let columns = first..(first + at_once).min(head.columns());
            let values = self.values(&stretches, &instants, columns.clone())?;
            for (column, values) in columns.zip(values) {
                self.write_dimension(&head, column, &values)?;
            }
        }
        table::end_json(&mut self.text, &gaps);
        self.text.push('\n');
        self.end()
    }

    /// Instants as they are read, and what is missing between them.
    fn write_instants(&mut self, stretches: &[Range]) -> anyhow::Result<(Vec<i64>, Vec<Gap>)> {
        let (mut instants, mut gaps) = (Vec::new(), Vec::new());
        let (mut list, mut seams) = (List::default(), Seams::default());
        for stretch in stretches {
            let answer = self.ask(*stretch, Detail::Ticks)?;
            let table = Table::of(&answer, &self.series)?;
            list.put_instants(&mut self.text, &table.t);
            self.write()?;
            instants.extend(&table.t);
            gaps.extend(table.gaps);
            gaps.extend(seams.holes(&answer));
        }
        put_in_order(&mut gaps);
        Ok((instants, gaps))
    }

    /// Values of some columns at those instants. What a server stored since they were read is left out.
    fn values(
        &mut self,
        stretches: &[Range],
        instants: &[i64],
        columns: std::ops::Range<usize>,
    ) -> anyhow::Result<Vec<Vec<f64>>> {
        let mut values = vec![Vec::with_capacity(instants.len()); columns.len()];
        for stretch in stretches {
            let answer = self.ask(*stretch, Detail::Ticks)?;
            let table = Table::of(&answer, &self.series)?;
            let first = instants.partition_point(|t| *t < stretch.from.0);
            let end = instants.partition_point(|t| *t <= stretch.to.0);
            for (values, column) in values.iter_mut().zip(columns.clone()) {
                values.extend(table.values(column, &instants[first..end]).into_iter().map(|[_, value, _]| value));
            }
        }
        Ok(values)
    }

    /// Of a single sample least, mean and greatest value are the same.
    fn write_dimension(&mut self, head: &Table<'_>, column: usize, values: &[f64]) -> anyhow::Result<()> {
        head.begin_dimension(&mut self.text, column);
        for part in PARTS {
            self.text.push_str(part);
            let mut list = List::default();
            for chunk in values.chunks(CHUNK) {
                list.put_numbers(&mut self.text, chunk.iter().copied(), head.decimals(column));
                self.write()?;
            }
        }
        table::end_dimension(&mut self.text);
        Ok(())
    }

    /// One after the other, as far as there are samples; at least one, which may be empty.
    fn stretches(&self, range: Range) -> Vec<Range> {
        let (oldest, newest) = (self.archive.oldest(Tier::Ticks), self.archive.newest());
        let from = oldest.map_or(range.to, |oldest| range.from.max(oldest)).min(range.to);
        let to = newest.map_or(from, |newest| range.to.min(newest)).max(from);
        let mut stretches = Vec::new();
        let mut begin = from.0;
        while begin <= to.0 {
            let end = (begin.div_euclid(STRETCH_MS) + 1) * STRETCH_MS - 1;
            stretches.push(Range { from: UnixMs(begin), to: UnixMs(end.min(to.0)) });
            begin = end + 1;
        }
        stretches
    }

    fn ask(&mut self, range: Range, detail: Detail) -> anyhow::Result<Answer> {
        let families = Wanted::These(self.families.clone());
        Ok(self.archive.ask(&Question { families, from: range.from, to: range.to, detail })?)
    }

    fn write(&mut self) -> anyhow::Result<()> {
        self.output.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }

    fn end(mut self) -> anyhow::Result<()> {
        self.write()?;
        Ok(self.output.flush()?)
    }
}

/// Where one stretch meets the next, ticks may be missing as well.
#[derive(Debug, Default)]
struct Seams {
    /// The newest instant of each family so far, and how far apart its ticks were then.
    newest: HashMap<Arc<str>, (i64, i64)>,
    /// Those that are missing in all families.
    known: Vec<Gap>,
    /// Those that are missing in one.
    late: HashMap<Arc<str>, Vec<Gap>>,
}

impl Seams {
    /// What is missing of each family between what came before and this.
    fn holes(&mut self, answer: &Answer) -> Vec<Gap> {
        self.known.extend(&answer.gaps);
        put_in_order(&mut self.known);
        let mut holes = Vec::new();
        for course in &answer.courses {
            let late = self.late.entry(Arc::clone(&course.family.id)).or_default();
            late.extend(&course.late);
            let t = course.body.t();
            let (Some(first), Some(last)) = (t.first(), t.last()) else { continue };
            let newest = (*last, course.interval_at(*last));
            if let Some((before, interval)) = self.newest.insert(Arc::clone(&course.family.id), newest) {
                let mut known = self.known.clone();
                known.extend(late.iter());
                put_in_order(&mut known);
                holes.extend(Archive::holes(&[before, *first], interval.max(course.interval_at(*first)), &known));
            }
        }
        holes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::FamilyValues;
    use crate::model::{Catalog, EventId, Family, Interval, Observation, Sample, Unit};
    use crate::server::history::{History, KEPT, Opened, Retention, StoreSettings};
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    const SECONDS: i64 = 100;

    fn store(directory: &Path) -> anyhow::Result<()> {
        let settings = StoreSettings {
            directory: Some(PathBuf::from(directory)),
            retention: Retention::default(),
            owner: String::new(),
        };
        let dimensions = [("a", "a"), ("b", "b"), ("c", "c")];
        let family = Family::new("wide", "Wide", Unit::Count, Interval::SECOND, &dimensions);
        let history = History::start(Opened::open(&settings, KEPT)?, Arc::new(Catalog(vec![family])), Arc::default())?;
        for second in 1..=SECONDS {
            let t = UnixMs(second * 1_000);
            let values = (0..3).map(|column| Some((second * column) as f64)).collect();
            let families = vec![FamilyValues { family: "wide".into(), values }];
            let sample = Arc::new(Sample { t, families });
            history.record(&Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample });
        }
        anyhow::ensure!(history.flush(Duration::from_secs(20)));
        Ok(())
    }

    #[test]
    fn columns_that_do_not_fit_into_memory_come_out_one_after_the_other() -> anyhow::Result<()> {
        let directory = std::env::temp_dir().join(format!("telltale-export-{}", std::process::id()));
        store(&directory)?;
        let mut archive = Archive::open(&directory)?;
        let range = Range { from: UnixMs(0), to: UnixMs(SECONDS * 1_000) };
        let mut written = Vec::new();
        for most_values in [MOST_VALUES, 2 * SECONDS as usize, 1] {
            let mut output = Vec::new();
            let export = Export::new(&mut archive, vec!["wide".into()], Vec::new(), &mut output);
            Export { most_values, ..export }.samples_as_json(range)?;
            written.push(String::from_utf8(output)?);
        }
        std::fs::remove_dir_all(&directory)?;
        assert!(written[0].contains("\"c\":{\"min\":[2,4,6,"), "{}", written[0]);
        assert!(written.iter().all(|text| *text == written[0]));
        Ok(())
    }
}
