//! Every address in one place, and what stands in front of all of them.

use super::api::{self, AppState};
use super::auth;
use super::problem::Problem;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

/// The longest body a request may have.
const BODY_LIMIT: usize = 64 * 1024;
/// Of gzip and of brotli: answers are made anew for every request, and some have megabytes, so that speed counts more
/// than size.
const OF_ANSWERS: i32 = 6;
/// Pages are small, and waited for by people: two milliseconds more for a hundredth less.
const OF_PAGES: i32 = 8;

/// `pages` are the routes for people and what they load; a fallback is theirs, too.
pub fn router(state: AppState, pages: Router<AppState>) -> Router {
    let access = Arc::clone(&state.access);
    // The stream is compressed once for all of its subscribers, not by this layer.
    let compressed = |level| {
        let layer = CompressionLayer::new().quality(CompressionLevel::Precise(level));
        layer.compress_when(DefaultPredicate::new().and(NotForContentType::SSE))
    };
    Router::new()
        .merge(api::routes().layer(compressed(OF_ANSWERS)))
        .merge(pages.layer(compressed(OF_PAGES)))
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(state)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(refuse_large_bodies))
        .layer(middleware::from_fn_with_state(access, auth::guard))
}

/// A body that says it is too long is not waited for; one that does not say is cut off where it is read.
async fn refuse_large_bodies(request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > BODY_LIMIT as u64) {
        let detail = format!("a body has at most {BODY_LIMIT} bytes");
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail).into_response();
    }
    next.run(request).await
}
