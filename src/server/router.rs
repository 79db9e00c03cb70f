//! Every address in one place, and what stands in front of all of them.

use super::api::{self, AppState};
use super::auth::{self, Access};
use super::base_path::{BasePath, Place};
use super::problem::Problem;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use std::sync::Arc;
use tower::ServiceExt;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

/// The longest body a request may have.
const BODY_LIMIT: usize = 64 * 1024;
/// Of gzip and of brotli: answers are made anew for every request, and some have megabytes, so that speed counts more
/// than size.
const OF_ANSWERS: i32 = 6;
/// Pages are small, and waited for by people: two milliseconds more for a hundredth less.
const OF_PAGES: i32 = 8;

/// What asks how the server is may not know of a proxy and its path.
const WITHOUT_BASE: [&str; 2] = ["/healthz", "/readyz"];

/// `pages` are the routes for people and what they load; a fallback is theirs, too. Everything is below `base`, and here
/// alone it is known of: routes see addresses without it, and what they answer holds relative addresses only.
pub fn router(state: AppState, pages: Router<AppState>, base: &BasePath) -> Router {
    let access = Arc::clone(&state.access);
    let routes = behind_the_guard(routes(state, pages), &access);
    if base.is_root() {
        return routes;
    }
    let outside = behind_the_guard(Router::new().fallback(outside), &access);
    let base = base.clone();
    Router::new().fallback(async move |mut request: Request| {
        let router = match base.place(request.uri()) {
            Place::Inside(uri) => {
                *request.uri_mut() = uri;
                routes
            }
            Place::Outside if WITHOUT_BASE.contains(&request.uri().path()) => routes,
            place => {
                request.extensions_mut().insert((place, base));
                outside
            }
        };
        router.oneshot(request).await
    })
}

/// What is not below the base.
async fn outside(Extension((place, base)): Extension<(Place, BasePath)>) -> Response {
    match place {
        Place::AtItsDoor(to) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Place::Inside(_) | Place::Outside => {
            let detail = format!("nothing is served at this address: everything is below {base}");
            Problem::new(StatusCode::NOT_FOUND, "not_found", detail).into_response()
        }
    }
}

fn behind_the_guard(router: Router, access: &Arc<Access>) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(refuse_large_bodies))
        .layer(middleware::from_fn_with_state(Arc::clone(access), auth::guard))
}

fn routes(state: AppState, pages: Router<AppState>) -> Router {
    // Streams are compressed once for all of their subscribers, not by this layer.
    let compressed = |level| CompressionLayer::new().quality(CompressionLevel::Precise(level));
    Router::new()
        .merge(api::streams())
        .merge(api::routes().layer(compressed(OF_ANSWERS)))
        .merge(pages.layer(compressed(OF_PAGES)))
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(state)
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
