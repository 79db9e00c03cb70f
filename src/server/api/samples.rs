//! The events of the stream, asked for piece by piece: for where a stream can't pass.

use super::history::{Stretch, unanswered};
use super::{AppState, json, schema};
use crate::model::{EventId, EventName, UnixMs};
use crate::server::history::{Unanswered, Wanted};
use crate::server::hub::{Next, Reader, Resume, Wants, json_line};
use crate::server::problem::Problem;
use crate::server::query::Fields;
use crate::server::sse::read_client;
use crate::server::subscribers::{ClientAddress, Newcomer};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// So many values are told of the past at once: the last ten minutes of a huge host.
const MOST_VALUES: usize = 5_000_000;

/// So much of the stream is told at once, more or less; `next` goes on.
const MOST_TEXT: usize = 4 << 20;

/// Whoever wants to wait longer asks again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The store is waited for as long as this, also by those who do not want to wait.
const SHORTEST_WAIT: Duration = Duration::from_secs(5);

/// The events after one the client has: at once if there are any, else as soon as there is one or the
/// wait is over. Long stretches come in parts: `next` is the id to go on with.
#[utoipa::path(
    get,
    path = "/api/v1/samples",
    tag = "stream",
    params(
        ("after" = Option<String>, Query, description = "`next` of the answer before; without it, the newest sample"),
        ("client" = Option<String>, Query, description = "What this subscriber is called: `[A-Za-z0-9._~-]{1,64}`"),
        ("from" = Option<String>, Query, description = "Instead of `after`: the past as samples, from this instant on"),
        ("to" = Option<String>, Query, description = "To this one; now without it"),
        ("points" = Option<usize>, Query, description = "Of the past: the most samples; more are told as means of buckets, at their ends"),
        ("wait" = Option<String>, Query, description = "`20s`, `500ms`: how long to wait for an event; at most a minute"),
    ),
    responses(
        (status = 200, description = "The events, in order", body = schema::Events),
        (status = 400, description = "A parameter is wrong", content_type = "application/problem+json", body = Problem),
        (status = 429, description = "Too many streams from this address; who waits is one", content_type = "application/problem+json", body = Problem),
        (status = 503, description = "Too many streams, or the past can't be read now", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn samples(
    State(state): State<AppState>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Problem> {
    let now = UnixMs(Timestamp::now().as_millisecond());
    if fields.get("from").is_some() {
        return past(&state, &fields, now).await;
    }
    let wait = fields.duration("wait")?.unwrap_or(Duration::ZERO).min(LONGEST_WAIT);
    let (began, wants) = (Instant::now(), Wants::default());
    let resume = Resume::parse(fields.get("after").map(str::as_bytes));
    let client = read_client(fields.get("client"))?;
    let mut reader = state.hub.join_quietly(Arc::clone(&client), wants, resume);
    let mut events = String::new();
    let mut subscription = None;
    let next = loop {
        let collected = collect(&mut reader, &mut events);
        let patience = match collected {
            Collected::UpTo(last) => break Some(last),
            Collected::All if events.is_empty() && !wait.is_zero() => wait,
            Collected::All | Collected::Closed => break reader.cursor().last(),
            Collected::UpToThePast if events.is_empty() => wait.max(SHORTEST_WAIT),
            Collected::UpToThePast => SHORTEST_WAIT,
        };
        // Who waits is as much a guest as who streams.
        if subscription.is_none() {
            let newcomer = Newcomer::new(Arc::clone(&client), address, &headers, wants);
            subscription = Some(state.subscribers.register(newcomer, reader.passed())?);
        }
        if timeout_at(began + patience, reader.changed()).await.is_ok() {
            continue;
        }
        match collected {
            Collected::UpToThePast if events.is_empty() => return Err(unanswered(Unanswered::Unreadable)),
            _ => break reader.cursor().last(),
        }
    };
    let next = json_line(&next);
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

/// What was added.
enum Collected {
    /// All there is so far.
    All,
    /// All there ever will be.
    Closed,
    /// Enough.
    UpTo(EventId),
    /// What follows is not read yet.
    UpToThePast,
}

fn collect(reader: &mut Reader, events: &mut String) -> Collected {
    loop {
        let (name, id, data) = match reader.ready() {
            None => return Collected::UpToThePast,
            Some(Next::Nothing) => return Collected::All,
            Some(Next::Closed(_)) => return Collected::Closed,
            Some(Next::Gap(gap)) => (EventName::Gap, None, json_line(&gap).into()),
            Some(Next::Frame(frame)) => (frame.name(), frame.id(), frame.json()),
            Some(Next::Slot(slot)) => (slot.frame.name(), slot.frame.id(), slot.frame.json()),
        };
        push_event(events, name, id, &data);
        // Whoever goes on after an id is told again of what came behind it.
        if let Some(last) = id.filter(|_| events.len() > MOST_TEXT) {
            return Collected::UpTo(last);
        }
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
