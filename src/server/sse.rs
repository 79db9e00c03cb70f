//! The stream: `GET /api/v1/stream` as Server-Sent Events.
//!
//! A session makes the bytes of one subscriber. They are sent by a reactor or, where that can't be, as the body of the
//! answer.

mod body;
mod handover;
mod lag;
mod line;
mod random;
mod reactor;
mod request;
mod session;
mod wire;

pub use handover::{Handover, Seat};
pub use line::Line;
pub use reactor::Reactors;
pub(super) use request::read_client;

use super::hub::Hub;
use super::meter::Meter;
use super::problem::Problem;
use super::query::Fields;
use super::subscribers::{ClientAddress, Newcomer, Subscribers};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use body::Speaker;
use request::Request;
use session::Session;
use std::sync::Arc;
use std::time::Duration;

/// What the kernel may hold for one subscriber; the rest is the ring's, and shared. Without it, a slow reader would be
/// megabytes behind before anybody knew.
pub const SEND_BUFFER: usize = 64 * 1024;

/// About how many headers an answer has.
const HEADERS: usize = 20;

/// What streams need of the server.
#[derive(Clone)]
pub struct Streams {
    pub hub: Arc<Hub>,
    pub subscribers: Arc<Subscribers>,
    pub meter: Arc<Meter>,
    pub terms: Terms,
}

/// What subscribers are granted.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Past this silence a ping is sent: a comment would not reach the page's watchdog.
    pub silence: Duration,
    /// Who was once up to date may be this far behind; who still is on the way there, and takes something, for good.
    pub lag: Duration,
    pub lag_bytes: u64,
}

impl Default for Terms {
    fn default() -> Self {
        Self { silence: Duration::from_secs(10), lag: Duration::from_secs(10), lag_bytes: 1 << 20 }
    }
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
    handover: Option<Extension<Arc<Handover>>>,
    line: Option<Extension<Arc<Line>>>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Problem> {
    let request = Request::read(&headers, &fields)?;
    let Streams { hub, subscribers, meter, terms } = streams;
    let newcomer = Newcomer::new(Arc::clone(&request.client), address, &headers, request.wants);
    let subscription = subscribers.register(newcomer, hub.head())?;
    let session = Session::new(subscription, &request, &hub, &meter);
    let reader = hub.join(request.client, request.wants, request.resume);
    let handover = handover.map(|Extension(handover)| handover);
    let line = line.map(|Extension(line)| line).unwrap_or_default();
    line.begin();
    let chunks = Speaker::new(reader, session, handover, line, terms).into_chunks();
    let mut response = Body::from_stream(chunks).into_response();
    let headers = response.headers_mut();
    // Once for all that come, also those that every answer has.
    headers.reserve(HEADERS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if request.is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    // Nobody reads another request behind this one.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(response)
}

#[cfg(test)]
mod tests;
