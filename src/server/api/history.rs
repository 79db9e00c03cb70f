//! The past of families and series, as JSON and as CSV.

use super::{AppState, fresh, json, schema};
use crate::model::UnixMs;
use crate::server::history::{Detail, NoSeries, Question, Table, Unanswered, Wanted};
use crate::server::problem::Problem;
use crate::server::query::Fields;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
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
    // Long texts are not made where streams wait.
    let text = tokio::task::spawn_blocking(move || {
        let table = Table::of(&answer, &series)?;
        Ok::<String, NoSeries>(match format {
            Format::Json => table.json(),
            Format::Csv => table.csv(),
        })
    });
    let text = text.await.map_err(|_| unanswered(Unanswered::Unreadable))?;
    let text = text.map_err(|error| Problem::bad_field("series", format!("{error}; see /api/v1/catalog")))?;
    match format {
        Format::Json => Ok(json(text)),
        Format::Csv => {
            let mut response = fresh(text);
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
    pub(super) fn read(fields: &Fields, now: UnixMs) -> Result<Self, Problem> {
        let to = fields.instant("to", now)?.unwrap_or(now);
        let from = fields.instant("from", now)?.unwrap_or(UnixMs(to.0 - USUAL_PAST_MS));
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
        let stretch = Stretch::read(fields, now)?;
        let format = match fields.get("format") {
            None | Some("json") => Format::Json,
            Some("csv") => Format::Csv,
            Some(_) => return Err(Problem::bad_field("format", "format is json or csv")),
        };
        Ok(Self { families, series, stretch, format })
    }
}
