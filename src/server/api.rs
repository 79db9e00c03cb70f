//! The answers for programs, each described where it is made: the OpenAPI document is the routes themselves.

pub(crate) mod history;
mod processes;
mod samples;
pub mod schema;

use super::auth::Access;
use super::history::History;
use super::hub::Hub;
use super::meter::Meter;
use super::problem::Problem;
use super::processes::Processes;
use super::sse::{self, Streams, Terms};
use super::subscribers::{SubscriberList, Subscribers};
use crate::model::HostFacts;
use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Json, Router};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What every route can reach.
#[derive(Clone)]
pub struct AppState {
    pub host: Arc<HostFacts>,
    pub history: Arc<History>,
    pub hub: Arc<Hub>,
    pub processes: Arc<Processes>,
    pub subscribers: Arc<Subscribers>,
    pub meter: Arc<Meter>,
    pub access: Arc<Access>,
    pub terms: Terms,
}

impl FromRef<AppState> for Streams {
    fn from_ref(state: &AppState) -> Self {
        Self {
            hub: Arc::clone(&state.hub),
            subscribers: Arc::clone(&state.subscribers),
            meter: Arc::clone(&state.meter),
            terms: state.terms,
        }
    }
}

/// Samples may be this late, and three of them missing, before the server calls itself not ready.
const READY_SLACK: Duration = Duration::from_secs(2);

#[derive(OpenApi)]
#[openapi(info(
    title = "Telltale",
    description = "What a machine does, second by second: as a stream of Server-Sent Events and as JSON. \
                   Errors are problem+json (RFC 9457)."
), servers((url = "../..", description = "Where this document was found, whatever path a proxy has put before it")))]
struct Document;

/// The document as it is sent, made once.
#[derive(Clone)]
struct DocumentText(Bytes);

/// All routes under `/api` and the two that say how the server is. None can be added without a description.
pub fn routes() -> Router<AppState> {
    let text = DocumentText(document().to_json().unwrap_or_default().into());
    let lost = any(|| async { Problem::not_found() });
    let (router, _) = answers().split_for_parts();
    router.layer(Extension(text)).route("/api", lost.clone()).route("/api/", lost.clone()).route("/api/{*rest}", lost)
}

/// The route whose answers never end, and need nothing of what the others have in front of them.
pub fn streams() -> Router<AppState> {
    endless().split_for_parts().0
}

/// The OpenAPI document.
pub fn document() -> utoipa::openapi::OpenApi {
    OpenApiRouter::with_openapi(Document::openapi()).merge(endless()).merge(answers()).into_openapi()
}

fn endless() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(sse::stream))
}

fn answers() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(samples::samples))
        .routes(routes!(history::history))
        .routes(routes!(processes::processes))
        .routes(routes!(subscribers))
        .routes(routes!(host))
        .routes(routes!(catalog))
        .routes(routes!(sample))
        .routes(routes!(openapi))
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// Facts about the machine that do not change from second to second.
#[utoipa::path(get, path = "/api/v1/host", tag = "host",
    responses((status = 200, description = "The facts; what can't be known is null", body = schema::Host)))]
async fn host(State(state): State<AppState>) -> Response {
    fresh(Json(&*state.host))
}

/// What is measured: an array of families, each with its dimensions in the order of their values.
#[utoipa::path(get, path = "/api/v1/catalog", tag = "host",
    responses((status = 200, description = "The families", body = Vec<schema::Family>)))]
async fn catalog(State(state): State<AppState>) -> Response {
    json(state.hub.edition().frame().json())
}

/// The newest sample, and the id from which the stream goes on.
#[utoipa::path(get, path = "/api/v1/sample", tag = "host",
    responses(
        (status = 200, description = "The sample", body = schema::IdentifiedSample),
        (status = 503, description = "There is none yet", content_type = "application/problem+json", body = Problem),
    ))]
async fn sample(State(state): State<AppState>) -> Result<Response, Problem> {
    let newest = state.hub.newest().and_then(|frame| Some((frame.id()?, frame.json())));
    let (id, data) = newest.ok_or_else(no_sample)?;
    Ok(json([format!("{{\"id\":\"{id}\",\"data\":").as_bytes(), &data, b"}"].concat()))
}

/// Who is connected to the stream.
#[utoipa::path(get, path = "/api/v1/subscribers", tag = "stream",
    responses((status = 200, description = "The subscribers", body = SubscriberList)))]
async fn subscribers(State(state): State<AppState>) -> Response {
    fresh(Json(state.subscribers.list(state.hub.head())))
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "server",
    responses((status = 200, description = "The OpenAPI document", content_type = "application/json", body = Object)))]
async fn openapi(Extension(DocumentText(text)): Extension<DocumentText>) -> Response {
    json(text)
}

/// Whether the server answers.
#[utoipa::path(get, path = "/healthz", tag = "server",
    responses((status = 200, description = "It does", content_type = "text/plain", body = String)))]
async fn healthz() -> Response {
    fresh("ok")
}

/// Whether the server has fresh samples to show, and stores them.
#[utoipa::path(get, path = "/readyz", tag = "server",
    responses(
        (status = 200, description = "It has", content_type = "text/plain", body = String),
        (status = 503, description = "It has not, and why", content_type = "application/problem+json", body = Problem),
    ))]
async fn readyz(State(state): State<AppState>) -> Result<Response, Problem> {
    let unavailable = |code, detail| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(1);
    let patience = state.hub.interval().as_duration() * 3 + READY_SLACK;
    match state.hub.silent_for() {
        _ if state.hub.is_closed() => Err(unavailable("stopping", "the server is stopping".to_owned())),
        None => Err(no_sample()),
        Some(silence) if silence > patience => {
            let detail = format!("no sample has been taken for {} s", silence.as_secs());
            Err(unavailable("sampling_stalled", detail))
        }
        Some(_) => match state.history.trouble() {
            Some(trouble) => {
                let detail = format!("nothing is stored: {}", trouble.words);
                Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "storing_stalled", detail).retry_after(5))
            }
            None => Ok(fresh("ok")),
        },
    }
}

fn no_sample() -> Problem {
    let detail = "no sample has been taken yet";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_sample_yet", detail).retry_after(1)
}

/// JSON that is already text.
fn json(text: impl Into<Body>) -> Response {
    let mut response = fresh(text.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer that is out of date at once.
fn fresh(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
