//! The past of families and series, as JSON and as CSV.

use super::{AppState, fresh, json, schema};
use crate::model::sample::write_number;
use crate::model::{Gap, UnixMs};
use crate::server::history::{Answer, Course, Detail, Question, Unanswered, Wanted};
use crate::server::hub::json_line;
use crate::server::problem::Problem;
use crate::server::query::Fields;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use std::fmt::Write;
use std::sync::Arc;

/// More points than this are no picture any more, and no answer to hold in memory.
const MOST_POINTS: usize = 10_000;
const USUAL_POINTS: usize = 1_000;
const USUAL_PAST_MS: i64 = 600_000;
/// So many series are told at once.
const MOST_SERIES: usize = 64;

/// The past of a family, or of series: every sample where `points` are enough, else least, mean and greatest value of
/// buckets that stand on absolute time. What was not sampled is not there.
#[utoipa::path(
    get,
    path = "/api/v1/history",
    tag = "history",
    params(
        ("family" = Option<String>, Query, description = "A family's id, `cpu` say"),
        ("series" = Option<String>, Query, description = "`cpu.busy`, `memory.used`; may be repeated; instead of `family`"),
        ("from" = Option<String>, Query, description = "Milliseconds since the epoch, RFC 3339, or `-1h`; ten minutes ago without it"),
        ("to" = Option<String>, Query, description = "The same; now without it. Both ends count"),
        ("points" = Option<usize>, Query, description = "The most instants to be told, up to 10 000; 1 000 without it"),
        ("format" = Option<String>, Query, description = "`json` or `csv`"),
    ),
    responses(
        (status = 200, description = "The course", body = schema::Course),
        (status = 400, description = "A parameter is wrong", content_type = "application/problem+json", body = Problem),
        (status = 503, description = "The store can't be read now", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn history(State(state): State<AppState>, fields: Fields) -> Result<Response, Problem> {
    let now = UnixMs(Timestamp::now().as_millisecond());
    let asked = Asked::read(&fields, now)?;
    for family in &asked.families {
        if !state.history.knows(Arc::clone(family)).await.map_err(unanswered)? {
            let field = if asked.series.is_empty() { "family" } else { "series" };
            return Err(Problem::bad_field(field, format!("there is no family {family}; see /api/v1/catalog")));
        }
    }
    let (series, format) = (asked.series.clone(), asked.format);
    let file = asked.families.first().map(|family| family.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let question = asked.stretch.question(Wanted::These(asked.families));
    let answer = state.history.ask(question).await.map_err(unanswered)?;
    let table = Table::of(&answer, &series)?;
    match format {
        Format::Json => Ok(json(table.json())),
        Format::Csv => {
            let mut response = fresh(table.csv());
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
            let name = format!("attachment; filename=\"{}.csv\"", file.unwrap_or_default());
            if let Ok(name) = HeaderValue::try_from(name) {
                response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
            }
            Ok(response)
        }
    }
}

pub(super) fn unanswered(why: Unanswered) -> Problem {
    let (code, detail) = match why {
        Unanswered::Busy => ("too_many_questions", "too many questions about the past wait for their answers"),
        Unanswered::Unreadable => ("history_unreadable", "the history can't be read now"),
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(1)
}

struct Asked {
    families: Vec<Arc<str>>,
    /// Names of series; empty where a whole family is asked for.
    series: Vec<String>,
    stretch: Stretch,
    format: Format,
}

/// A stretch of time, and how finely it is told.
pub(super) struct Stretch {
    pub(super) from: UnixMs,
    pub(super) to: UnixMs,
    pub(super) points: usize,
}

impl Stretch {
    pub(super) fn read(fields: &Fields, from: UnixMs, now: UnixMs) -> Result<Self, Problem> {
        let to = fields.instant("to", now)?.unwrap_or(now);
        if from > to {
            return Err(Problem::bad_field("from", "from is after to"));
        }
        let points = match fields.get("points").map(str::parse) {
            None => USUAL_POINTS,
            Some(Ok(points @ 1..=MOST_POINTS)) => points,
            Some(_) => return Err(Problem::bad_field("points", format!("points is a number from 1 to {MOST_POINTS}"))),
        };
        Ok(Self { from, to, points })
    }

    pub(super) fn question(&self, families: Wanted) -> Question {
        Question { families, from: self.from, to: self.to, detail: Detail::Points(self.points) }
    }
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Csv,
}

impl Asked {
    fn read(fields: &Fields, now: UnixMs) -> Result<Self, Problem> {
        let series: Vec<String> = fields.all("series").map(str::to_owned).collect();
        let families = match fields.get("family") {
            Some(_) if !series.is_empty() => {
                return Err(Problem::bad_field("series", "ask for a family or for series, not for both"));
            }
            Some(family) => vec![family.into()],
            None if series.is_empty() => {
                return Err(Problem::bad_field("family", "say which family, or which series; see /api/v1/catalog"));
            }
            None if series.len() > MOST_SERIES => {
                return Err(Problem::bad_field("series", format!("at most {MOST_SERIES} series are told at once")));
            }
            None => {
                let mut families: Vec<Arc<str>> = Vec::new();
                for name in &series {
                    let (family, _) = name.rsplit_once('.').ok_or_else(|| {
                        Problem::bad_field("series", format!("{name:?} is no series; write for example cpu.busy"))
                    })?;
                    if !families.iter().any(|known| &**known == family) {
                        families.push(family.into());
                    }
                }
                families
            }
        };
        let to = fields.instant("to", now)?.unwrap_or(now);
        let from = fields.instant("from", now)?.unwrap_or(UnixMs(to.0 - USUAL_PAST_MS));
        let stretch = Stretch::read(fields, from, now)?;
        let format = match fields.get("format") {
            None | Some("json") => Format::Json,
            Some("csv") => Format::Csv,
            Some(_) => return Err(Problem::bad_field("format", "format is json or csv")),
        };
        Ok(Self { families, series, stretch, format })
    }
}

/// An answer as it is told: one list of instants, and a column for each dimension or series.
pub(crate) struct Table<'a> {
    /// Where all is of one family.
    family: Option<&'a str>,
    step_ms: i64,
    t: Vec<i64>,
    columns: Vec<Column<'a>>,
    gaps: Vec<Gap>,
    is_folded: bool,
}

struct Column<'a> {
    name: String,
    course: &'a Course,
    place: usize,
}

impl<'a> Table<'a> {
    /// All dimensions of the family, or the series, by their whole names.
    pub(crate) fn of(answer: &'a Answer, series: &[String]) -> Result<Self, Problem> {
        let mut columns = Vec::new();
        if series.is_empty() {
            for course in &answer.courses {
                let dimensions = course.family.dimensions.iter().enumerate();
                columns.extend(dimensions.map(|(place, dimension)| Column {
                    name: dimension.id.to_string(),
                    course,
                    place,
                }));
            }
        }
        for name in series {
            let (family, dimension) = name.rsplit_once('.').unwrap_or_default();
            let course = answer.courses.iter().find(|course| &*course.family.id == family);
            let found = course.and_then(|course| Some((course, course.column(dimension)?)));
            let Some((course, place)) = found.filter(|_| dimension != crate::model::series::HEIGHT) else {
                return Err(Problem::bad_field("series", format!("there is no series {name}; see /api/v1/catalog")));
            };
            columns.push(Column { name: name.clone(), course, place });
        }
        let mut t: Vec<i64> = Vec::new();
        for course in &answer.courses {
            let own = course.body.t();
            if t.is_empty() {
                t = own.to_vec();
            } else if t != own {
                t.extend(own);
                t.sort_unstable();
                t.dedup();
            }
        }
        let mut gaps = answer.gaps.clone();
        gaps.extend(answer.courses.iter().flat_map(|course| course.late.iter().copied()));
        gaps.sort_by_key(|gap| (gap.from, gap.to));
        gaps.dedup();
        let family = match answer.courses.as_slice() {
            [only] => Some(&*only.family.id),
            _ => None,
        };
        let step_ms = answer.courses.iter().map(|course| course.step_ms).min().unwrap_or(1_000);
        Ok(Self { family, step_ms, t, columns, gaps, is_folded: answer.courses.iter().any(Course::is_folded) })
    }

    /// One list of values a column, in the order of `t`.
    fn values(&self, column: &Column<'_>) -> Vec<[f64; 3]> {
        let mut own = column.course.body.t().iter().zip(column.course.body.values(column.place)).peekable();
        let missing = [f64::NAN; 3];
        self.t.iter().map(|t| own.next_if(|(at, _)| *at == t).map_or(missing, |(_, values)| values)).collect()
    }

    pub(crate) fn json(&self) -> String {
        let mut text = String::with_capacity(64 + self.t.len() * (15 + 24 * self.columns.len()));
        text.push_str("{\"family\":");
        text.push_str(&json_line(&self.family));
        // Writing into a string never fails.
        let _ = write!(text, ",\"step_ms\":{},\"t\":[", self.step_ms);
        for (index, t) in self.t.iter().enumerate() {
            let _ = write!(text, "{}{t}", if index == 0 { "" } else { "," });
        }
        text.push_str("],\"dimensions\":{");
        for (index, column) in self.columns.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "," });
            text.push_str(&json_line(&column.name));
            text.push(':');
            let (values, decimals) = (self.values(column), column.course.decimals(column.place));
            for (index, name) in ["{\"min\":[", "],\"mean\":[", "],\"max\":["].into_iter().enumerate() {
                text.push_str(name);
                for (row, values) in values.iter().enumerate() {
                    text.push_str(if row == 0 { "" } else { "," });
                    write_number(&mut text, values[index], decimals.max(2));
                }
            }
            text.push_str("]}");
        }
        text.push_str("},\"gaps\":");
        text.push_str(&json_line(&self.gaps));
        text.push('}');
        text
    }

    /// A line an instant, a field a dimension; three of them where the values are of buckets.
    pub(crate) fn csv(&self) -> String {
        let mut text = String::from("t,time");
        for column in &self.columns {
            for name in if self.is_folded { &[".min", ".mean", ".max"][..] } else { &[""] } {
                text.push(',');
                text.push_str(&quoted(&format!("{}{name}", column.name)));
            }
        }
        text.push_str("\r\n");
        let columns: Vec<_> =
            self.columns.iter().map(|column| (self.values(column), column.course.decimals(column.place))).collect();
        for (row, t) in self.t.iter().enumerate() {
            let time = Timestamp::from_millisecond(*t).map(|time| time.to_string()).unwrap_or_default();
            let _ = write!(text, "{t},{time}");
            for (values, decimals) in &columns {
                for value in if self.is_folded { &values[row][..] } else { &values[row][..1] } {
                    text.push(',');
                    if !value.is_nan() {
                        write_number(&mut text, *value, (*decimals).max(2));
                    }
                }
            }
            text.push_str("\r\n");
        }
        text
    }
}

/// What is hostile to spreadsheets is not: names hold neither quotes nor control characters, commas they may.
fn quoted(name: &str) -> String {
    if name.contains([',', '"']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
}
