//! Who runs: the processes of this moment, sorted and searched.

use super::history::unanswered;
use super::{AppState, fresh, schema};
use crate::model::{Culprits, Interval, Process, ProcessOrder, ProcessTable, UnixMs};
use crate::server::problem::Problem;
use crate::server::query::Fields;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

const DEFAULT_LIMIT: usize = 50;
const LONGEST_LIST: usize = 1_000;

#[derive(Serialize)]
struct Answer<'a> {
    at: UnixMs,
    total: usize,
    found: usize,
    processes: Vec<&'a Process>,
}

/// Who was heaviest at an instant of the past.
#[derive(Serialize)]
struct PastAnswer<'a> {
    at: UnixMs,
    span_ms: Option<Interval>,
    words: String,
    processes: Vec<&'a Process>,
}

/// The processes, the heaviest first. They are scanned only while somebody asks: the first answer after a pause
/// takes a moment. Of the past the five heaviest by CPU, by memory and by I/O are kept for every minute, and for every
/// second while CPU, memory or pressure were above the usual: `at` asks for those.
#[utoipa::path(
    get,
    path = "/api/v1/processes",
    tag = "host",
    params(
        ("sort" = Option<String>, Query, description = "`cpu`, `memory` or `io`; the default is `cpu`"),
        ("limit" = Option<usize>, Query, description = "From 1 to 1000; the default is 50"),
        ("search" = Option<String>, Query, description = "Part of a name, a user or the arguments, or a whole pid"),
        ("at" = Option<String>, Query, description = "An instant of the past: milliseconds since the epoch, RFC 3339, or `-1h`"),
        ("over" = Option<String>, Query, description = "For how much time before it that instant stands, such as `12m`; the default is its second"),
    ),
    responses(
        (status = 200, description = "The processes now, or the heaviest ones of the past", body = schema::ProcessesAnswer),
        (status = 400, description = "A parameter is wrong", content_type = "application/problem+json", body = Problem),
        (status = 503, description = "They could not be scanned in time, or the past can't be read now", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn processes(State(state): State<AppState>, fields: Fields) -> Result<Response, Problem> {
    let order = match fields.get("sort") {
        None => ProcessOrder::default(),
        Some(text) => text.parse().map_err(|_| Problem::bad_field("sort", "sort is cpu, memory or io"))?,
    };
    let limit = match fields.get("limit") {
        None => DEFAULT_LIMIT,
        Some(text) => read_limit(text).ok_or_else(|| Problem::bad_field("limit", "limit is from 1 to 1000"))?,
    };
    let search = fields.get("search").unwrap_or_default().trim();
    if let Some(at) = fields.instant("at", UnixMs(Timestamp::now().as_millisecond()))? {
        let over = fields.duration("over")?.unwrap_or_default();
        let culprits = state.history.culprits(at, over).await.map_err(unanswered)?;
        return Ok(past(at, culprits.as_ref(), (order, search, limit)));
    }
    let table = state.processes.look().await.ok_or_else(no_processes)?;
    let (processes, found) = table.heaviest(order, search, limit);
    Ok(fresh(Json(Answer { at: table.at, total: table.total, found, processes })))
}

/// Empty where nothing is kept of that instant.
fn past(at: UnixMs, culprits: Option<&Culprits>, (order, search, limit): (ProcessOrder, &str, usize)) -> Response {
    let words = culprits.map(Culprits::told).unwrap_or_default();
    let processes = culprits.map(|culprits| culprits.processes.clone()).unwrap_or_default();
    let table = ProcessTable { at: culprits.map_or(at, |culprits| culprits.at), total: processes.len(), processes };
    let (processes, _) = table.heaviest(order, search, limit);
    fresh(Json(PastAnswer { at: table.at, span_ms: culprits.map(|culprits| culprits.span_ms), words, processes }))
}

fn read_limit(text: &str) -> Option<usize> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|limit| is_plain && (1..=LONGEST_LIST).contains(limit))
}

fn no_processes() -> Problem {
    let detail = "the processes have not been scanned yet";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_processes_yet", detail).retry_after(1)
}
