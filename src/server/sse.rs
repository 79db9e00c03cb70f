//! The stream: `GET /api/v1/stream` as Server-Sent Events.

mod random;
mod request;
mod wire;

use super::hub::{Cursor, Frame, Hub, Naming, Next, json_line};
use super::meter::{Look, Meter};
use super::problem::Problem;
use super::query::Fields;
use super::subscribers::{ClientAddress, Newcomer, Subscribers, Subscription, now};
use crate::model::event::{Bye, ByeReason};
use crate::model::{EventName, UnixMs};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use request::Request;
use serde::Serialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use wire::Wire;

/// Past this silence a ping is sent: a comment would not reach the page's watchdog.
pub const SILENCE: Duration = Duration::from_secs(10);
/// When to come back after a lost connection, in milliseconds, spread so that a restart is no storm.
const RETRY_MS: (u32, u32) = (1_000, 3_000);
/// The same after a goodbye, when all are sent away at once.
const GOODBYE_RETRY_MS: (u32, u32) = (1_000, 5_000);
/// More clients are spread further: about this many come back in a millisecond.
const RETURNS_PER_MS: u32 = 1;
const LONGEST_RETRY_MS: u32 = 60_000;

/// What streams need of the server.
#[derive(Clone)]
pub struct Streams {
    pub hub: Arc<Hub>,
    pub subscribers: Arc<Subscribers>,
    pub meter: Arc<Meter>,
    /// Usually [`SILENCE`].
    pub silence: Duration,
}

/// Everything that happens, as it happens, as Server-Sent Events.
///
/// It begins with `hello`; then come `catalog`, `sample`, `gap`, `ping` and, before a shutdown, `bye`. `processes`
/// comes to those who ask for it: about once a second, at most the 1 000 heaviest, and only ever the newest table.
#[utoipa::path(
    get,
    path = "/api/v1/stream",
    tag = "stream",
    params(
        ("last_event_id" = Option<String>, Query, description = "Go on after this event; the header `Last-Event-ID` wins"),
        ("events" = Option<String>, Query, description = "Some of `sample,notification,processes`; the default is the first two"),
        ("as" = Option<String>, Query, description = "`message`: no `event:` lines, data is `{\"type\":…,\"data\":…}`"),
        ("client" = Option<String>, Query, description = "What this subscriber is called: `[A-Za-z0-9._~-]{1,64}`"),
        ("z" = Option<String>, Query, description = "`0`: no gzip, whatever the client accepts"),
    ),
    responses(
        (status = 200, description = "The events", content_type = "text/event-stream", body = String),
        (status = 400, description = "A parameter is wrong", content_type = "application/problem+json", body = Problem),
        (status = 429, description = "Too many streams from this address", content_type = "application/problem+json", body = Problem),
        (status = 503, description = "Too many streams", content_type = "application/problem+json", body = Problem),
    ),
)]
pub async fn stream(
    State(streams): State<Streams>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Problem> {
    let request = Request::read(&headers, &fields)?;
    let newcomer = Newcomer {
        id: request.client.clone(),
        address,
        user_agent: headers.get(header::USER_AGENT).map(|value| value.as_bytes().to_vec()),
        events: request.events.clone(),
    };
    let subscription = streams.subscribers.register(newcomer, streams.hub.head())?;
    let connection = Connection::new(streams, subscription, &request);
    let chunks = stream::unfold(connection, |mut connection| async {
        connection.chunk().await.map(|chunk| (Ok::<_, Infallible>(chunk), connection))
    });
    let mut response = Body::from_stream(chunks).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if request.is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// One open stream. Everything it holds, its place in the registry too, goes with the body of its answer.
struct Connection {
    streams: Streams,
    subscription: Subscription,
    cursor: Cursor,
    wants_samples: bool,
    /// Of one that wants processes: as long as it is open, they are scanned.
    _look: Option<Look>,
    naming: Naming,
    wire: Wire,
    /// What is made and not yet sent; empty whenever the connection waits.
    outbox: VecDeque<Bytes>,
    quiet_until: Instant,
    has_ended: bool,
}

impl Connection {
    fn new(streams: Streams, subscription: Subscription, request: &Request) -> Self {
        let cursor = streams.hub.join(request.resume);
        let look = request.wants_processes().then(|| streams.meter.lookers().look());
        let mut connection = Self {
            streams,
            subscription,
            cursor: if look.is_some() { cursor.with_processes() } else { cursor },
            wants_samples: request.wants_samples(),
            _look: look,
            naming: request.naming,
            wire: Wire::new(request.is_gzip),
            outbox: VecDeque::new(),
            quiet_until: Instant::now(),
            has_ended: false,
        };
        connection.greet();
        connection
    }

    /// The next bytes to send; `None` at the end.
    async fn chunk(&mut self) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.outbox.pop_front() {
                self.streams.meter.add_sent_bytes(chunk.len() as u64);
                self.quiet_until = Instant::now() + self.streams.silence;
                return Some(chunk);
            }
            if self.has_ended {
                return None;
            }
            match self.cursor.advance() {
                Next::Frame(frame) => self.send(&frame),
                Next::Gap(gap) if self.wants_samples => self.send_own(EventName::Gap, &gap),
                Next::Gap(_) => {}
                Next::Closed(reason) => self.leave(reason),
                Next::Nothing => {
                    if timeout_at(self.quiet_until, self.cursor.changed()).await.is_err() {
                        self.send_own(EventName::Ping, &Ping { t: now() });
                    }
                }
            }
            self.subscription.at(self.cursor.passed());
        }
    }

    fn greet(&mut self) {
        self.outbox.extend(self.wire.head());
        let Some(edition) = self.cursor.edition().map(Arc::clone) else { return };
        let greeting = edition.greeting(self.subscription.id(), self.naming);
        let (shortest, longest) = RETRY_MS;
        let head = format!("retry: {}\n{}", random::between(shortest, longest), greeting.head);
        self.outbox.push_back(self.wire.own(head));
        self.outbox.push_back(self.wire.shared(greeting.tail));
        self.subscription.count_sent();
    }

    fn send(&mut self, frame: &Frame) {
        if self.wants_samples || frame.name() == EventName::Processes {
            self.outbox.push_back(self.wire.shared(frame.piece(self.naming)));
            self.subscription.count_sent();
        }
    }

    fn send_own(&mut self, name: EventName, data: &impl Serialize) {
        let text = own_event(name, data, self.naming);
        self.outbox.push_back(self.wire.own(text));
        self.subscription.count_sent();
    }

    fn leave(&mut self, reason: ByeReason) {
        let retry_ms = goodbye_retry_ms(self.streams.subscribers.count());
        let bye = own_event(EventName::Bye, &Bye { reason, retry_ms }, self.naming);
        self.outbox.push_back(self.wire.own(format!("retry: {retry_ms}\n{bye}")));
        self.outbox.extend(self.wire.end());
        self.subscription.count_sent();
        self.has_ended = true;
    }
}

#[derive(Serialize)]
struct Ping {
    t: UnixMs,
}

/// An event that only one connection sends.
fn own_event(name: EventName, data: &impl Serialize, naming: Naming) -> String {
    let (name, json) = (name.as_str(), json_line(data));
    match naming {
        Naming::Named => format!("event: {name}\ndata: {json}\n\n"),
        Naming::Message => format!("data: {{\"type\":\"{name}\",\"data\":{json}}}\n\n"),
    }
}

fn goodbye_retry_ms(clients: usize) -> u32 {
    let (shortest, longest) = GOODBYE_RETRY_MS;
    let spread = u32::try_from(clients).unwrap_or(u32::MAX) / RETURNS_PER_MS;
    random::between(shortest, longest.max(shortest.saturating_add(spread)).min(LONGEST_RETRY_MS))
}

#[cfg(test)]
mod tests;
