//! The events of the stream, asked for piece by piece: for where a stream can't pass.

use super::history::{Stretch, unanswered};
use super::{AppState, json, schema};
use crate::model::{EventId, EventName, UnixMs};
use crate::server::history::{Unanswered, Wanted};
use crate::server::hub::{Cursor, Next, Resume, json_line};
use crate::server::problem::Problem;
use crate::server::query::Fields;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// So many values are told of the past at once: the last ten minutes of a huge host.
const MOST_VALUES: usize = 5_000_000;

/// Whoever wants to wait longer asks again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The events after one the client has: at once if there are any, else as soon as there is one or the
/// wait is over.
#[utoipa::path(
    get,
    path = "/api/v1/samples",
    tag = "stream",
    params(
        ("after" = Option<String>, Query, description = "`next` of the answer before; without it, the newest sample"),
        ("from" = Option<String>, Query, description = "Instead of `after`: the past as samples, from this instant on"),
        ("to" = Option<String>, Query, description = "To this one; now without it"),
        ("points" = Option<usize>, Query, description = "Of the past: the most samples; more are told as means of buckets, at their ends"),
        ("wait" = Option<String>, Query, description = "`20s`, `500ms`: how long to wait for an event; at most a minute"),
    ),
    responses(
        (status = 200, description = "The events, in order", body = schema::Events),
        (status = 400, description = "A parameter is wrong", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn samples(State(state): State<AppState>, fields: Fields) -> Result<Response, Problem> {
    let now = UnixMs(Timestamp::now().as_millisecond());
    if fields.get("from").is_some() {
        return past(&state, &fields, now).await;
    }
    let wait = fields.duration("wait")?.unwrap_or(Duration::ZERO).min(LONGEST_WAIT);
    let deadline = Instant::now() + wait;
    let mut cursor = state.hub.join_quietly(Resume::parse(fields.get("after").map(str::as_bytes)));
    let mut events = String::new();
    while collect(&mut cursor, &mut events) && events.is_empty() {
        if timeout_at(deadline, cursor.changed()).await.is_err() {
            break;
        }
    }
    let next = json_line(&cursor.last());
    Ok(json(format!("{{\"events\":[{events}],\"next\":{next}}}")))
}

/// A stretch of the past, with the families that it is of ahead.
async fn past(state: &AppState, fields: &Fields, now: UnixMs) -> Result<Response, Problem> {
    let asked = Stretch::read(fields, now)?;
    let series: usize = state.history.catalog().iter().map(|family| family.dimensions.len()).sum();
    if asked.points.saturating_mul(series) > MOST_VALUES {
        let most = MOST_VALUES / series.max(1);
        return Err(Problem::bad_field("points", format!("of so many series at most {most} samples are told at once")));
    }
    let answer = state.history.ask(asked.question(Wanted::All)).await.map_err(unanswered)?;
    let catalog = state.history.catalog();
    // Long texts are not made where streams wait.
    let text = tokio::task::spawn_blocking(move || {
        let mut events = String::new();
        push_event(&mut events, EventName::Catalog, None, json_line(&answer.catalog(&catalog)).as_bytes());
        for gap in &answer.gaps {
            push_event(&mut events, EventName::Gap, None, json_line(gap).as_bytes());
        }
        for sample in answer.samples(asked.to) {
            push_event(&mut events, EventName::Sample, None, json_line(&sample).as_bytes());
        }
        format!("{{\"events\":[{events}],\"next\":null}}")
    });
    Ok(json(text.await.map_err(|_| unanswered(Unanswered::Unreadable))?))
}

/// Adds what there is. Whether there can be more later.
fn collect(cursor: &mut Cursor, events: &mut String) -> bool {
    loop {
        let (name, id, data) = match cursor.advance() {
            Next::Nothing => return true,
            Next::Closed(_) => return false,
            Next::Gap(gap) => (EventName::Gap, None, json_line(&gap).into()),
            Next::Frame(frame) => (frame.name(), frame.id(), frame.json()),
        };
        push_event(events, name, id, &data);
    }
}

fn push_event(events: &mut String, name: EventName, id: Option<EventId>, data: &[u8]) {
    if !events.is_empty() {
        events.push(',');
    }
    events.push_str(&format!("{{\"event\":\"{}\"", name.as_str()));
    if let Some(id) = id {
        events.push_str(&format!(",\"id\":\"{id}\""));
    }
    events.push_str(",\"data\":");
    events.push_str(&String::from_utf8_lossy(data));
    events.push('}');
}
