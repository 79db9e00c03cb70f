//! An answer as a table: one list of instants, and a column for each dimension or series; told as JSON and as CSV,
//! whole or some rows at a time.

use super::course::{Answer, Course};
use crate::model::sample::write_number;
use crate::model::{Gap, series};
use jiff::Timestamp;
use std::fmt::Write;

/// More decimal places than these are told only of what is stored with more.
const LEAST_DECIMALS: u8 = 2;

/// What stands before the least, the mean and the greatest values of a column in JSON.
pub const PARTS: [&str; 3] = [":{\"min\":[", "],\"mean\":[", "],\"max\":["];

pub struct Table<'a> {
    /// Where all is of one family.
    family: Option<&'a str>,
    step_ms: i64,
    pub t: Vec<i64>,
    columns: Vec<Column<'a>>,
    pub gaps: Vec<Gap>,
    is_folded: bool,
}

struct Column<'a> {
    name: String,
    course: &'a Course,
    place: usize,
}

/// Its family has no such series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no series {0}")]
pub struct NoSeries(pub String);

impl<'a> Table<'a> {
    /// All dimensions of the family, or the series, by their whole names.
    pub fn of(answer: &'a Answer, series: &[String]) -> Result<Self, NoSeries> {
        let columns = match series {
            [] => answer.courses.iter().flat_map(dimensions).collect(),
            names => names.iter().map(|name| column(answer, name)).collect::<Result<_, _>>()?,
        };
        let mut gaps = answer.gaps.clone();
        gaps.extend(answer.courses.iter().flat_map(|course| course.late.iter().copied()));
        put_in_order(&mut gaps);
        let family = match answer.courses.as_slice() {
            [only] => Some(&*only.family.id),
            _ => None,
        };
        Ok(Self {
            family,
            step_ms: answer.courses.iter().map(|course| course.step_ms).min().unwrap_or(1_000),
            t: instants(answer),
            columns,
            gaps,
            is_folded: answer.courses.iter().any(Course::is_folded),
        })
    }

    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    fn name(&self, column: usize) -> &str {
        self.columns.get(column).map_or("", |column| &column.name)
    }

    pub fn decimals(&self, column: usize) -> u8 {
        let decimals = self.columns.get(column).map(|column| column.course.decimals(column.place));
        decimals.unwrap_or_default().max(LEAST_DECIMALS)
    }

    /// Least, mean and greatest value of a column at each of some instants, in their order.
    pub fn values(&self, column: usize, instants: &[i64]) -> Vec<[f64; 3]> {
        let missing = [f64::NAN; 3];
        let Some(column) = self.columns.get(column) else { return vec![missing; instants.len()] };
        let mut own = column.course.body.t().iter().zip(column.course.body.values(column.place)).peekable();
        let mut at = |t: &i64| {
            while own.next_if(|(before, _)| *before < t).is_some() {}
            own.next_if(|(at, _)| *at == t).map_or(missing, |(_, values)| values)
        };
        instants.iter().map(&mut at).collect()
    }

    pub fn json(&self) -> String {
        let mut text = String::with_capacity(64 + self.t.len() * (15 + 24 * self.columns.len()));
        self.begin_json(&mut text);
        List::default().put_instants(&mut text, &self.t);
        begin_dimensions(&mut text);
        for column in 0..self.columns.len() {
            self.put_dimension(&mut text, column, &self.values(column, &self.t));
        }
        end_json(&mut text, &self.gaps);
        text
    }

    /// Up to the instants.
    pub fn begin_json(&self, to: &mut String) {
        // Writing into a string never fails.
        let _ = write!(to, "{{\"family\":{},\"step_ms\":{},\"t\":[", json(&self.family), self.step_ms);
    }

    fn put_dimension(&self, to: &mut String, column: usize, values: &[[f64; 3]]) {
        self.begin_dimension(to, column);
        for (index, part) in PARTS.into_iter().enumerate() {
            to.push_str(part);
            List::default().put_numbers(to, values.iter().map(|values| values[index]), self.decimals(column));
        }
        end_dimension(to);
    }

    /// Its name and what parts it from the one before; its `PARTS` follow.
    pub fn begin_dimension(&self, to: &mut String, column: usize) {
        to.push_str(if column == 0 { "" } else { "," });
        to.push_str(&json(&self.name(column)));
    }

    /// A line an instant, a field a dimension; three of them where the values are of buckets.
    pub fn csv(&self) -> String {
        let mut text = String::new();
        self.put_csv_names(&mut text);
        self.put_csv_rows(&mut text);
        text
    }

    pub fn put_csv_names(&self, to: &mut String) {
        to.push_str("t,time");
        for column in &self.columns {
            for name in if self.is_folded { &[".min", ".mean", ".max"][..] } else { &[""] } {
                to.push(',');
                to.push_str(&quoted(&format!("{}{name}", column.name)));
            }
        }
        to.push_str("\r\n");
    }

    pub fn put_csv_rows(&self, to: &mut String) {
        let columns: Vec<_> =
            (0..self.columns.len()).map(|column| (self.values(column, &self.t), self.decimals(column))).collect();
        for (row, t) in self.t.iter().enumerate() {
            let time = Timestamp::from_millisecond(*t).map(|time| time.to_string()).unwrap_or_default();
            let _ = write!(to, "{t},{time}");
            for (values, decimals) in &columns {
                for value in if self.is_folded { &values[row][..] } else { &values[row][..1] } {
                    to.push(',');
                    if !value.is_nan() {
                        write_number(to, *value, *decimals);
                    }
                }
            }
            to.push_str("\r\n");
        }
    }
}

/// A list in JSON that is told some items at a time.
#[derive(Debug, Default)]
pub struct List {
    is_begun: bool,
}

impl List {
    pub fn put_instants(&mut self, to: &mut String, instants: &[i64]) {
        for t in instants {
            let _ = write!(to, "{}{t}", if self.is_begun { "," } else { "" });
            self.is_begun = true;
        }
    }

    pub fn put_numbers(&mut self, to: &mut String, numbers: impl IntoIterator<Item = f64>, decimals: u8) {
        for number in numbers {
            to.push_str(if self.is_begun { "," } else { "" });
            write_number(to, number, decimals);
            self.is_begun = true;
        }
    }
}

/// Between the instants and the values.
pub fn begin_dimensions(to: &mut String) {
    to.push_str("],\"dimensions\":{");
}

pub fn end_dimension(to: &mut String) {
    to.push_str("]}");
}

pub fn end_json(to: &mut String, gaps: &[Gap]) {
    let _ = write!(to, "}},\"gaps\":{}}}", json(&gaps));
}

/// Oldest first, each once.
pub fn put_in_order(gaps: &mut Vec<Gap>) {
    gaps.sort_by_key(|gap| (gap.from, gap.to));
    gaps.dedup();
}

fn dimensions(course: &Course) -> impl Iterator<Item = Column<'_>> {
    let dimensions = course.family.dimensions.iter().enumerate();
    dimensions.map(move |(place, dimension)| Column { name: dimension.id.to_string(), course, place })
}

fn column<'a>(answer: &'a Answer, name: &str) -> Result<Column<'a>, NoSeries> {
    let (family, dimension) = name.rsplit_once('.').unwrap_or_default();
    let course = answer.courses.iter().find(|course| &*course.family.id == family);
    let found = course.and_then(|course| Some((course, course.column(dimension)?)));
    let (course, place) = found.filter(|_| dimension != series::HEIGHT).ok_or_else(|| NoSeries(name.to_owned()))?;
    Ok(Column { name: name.to_owned(), course, place })
}

/// Those of all courses.
fn instants(answer: &Answer) -> Vec<i64> {
    let mut instants: Vec<i64> = Vec::new();
    for course in &answer.courses {
        let own = course.body.t();
        if instants.is_empty() {
            instants = own.to_vec();
        } else if instants != own {
            instants.extend(own);
            instants.sort_unstable();
            instants.dedup();
        }
    }
    instants
}

fn json(data: &impl serde::Serialize) -> String {
    serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned())
}

/// Names hold no control characters; commas and quotes they may.
fn quoted(name: &str) -> String {
    if name.contains([',', '"']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
}
