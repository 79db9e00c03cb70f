//! The files of the page: inside a release binary, or in the site folder while it is being worked on.

mod digest;
mod embedded;
mod folder;
#[cfg(test)]
mod tests;

use crate::server::negotiate::{self, Encoding};
use crate::server::problem::Problem;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::response::IntoResponse;
use bytes::Bytes;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where the page's files are. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Assets {
    /// In the binary; nothing, when it was built without the page.
    Embedded,
    /// In the site folder of cargo-leptos, under the names they have there.
    Folder(PathBuf),
}

/// What the page's head points at. The dot is for the script that imports one: without it a name would be a package's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    pub js: String,
    pub wasm: String,
    pub css: String,
}

impl Assets {
    /// The folder under `cargo leptos watch`, and where a build without the page finds one.
    pub fn open(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let folder = variable("LEPTOS_SITE_ROOT").map_or_else(|| PathBuf::from("target/site"), PathBuf::from);
        let is_watched = variable("LEPTOS_WATCH").is_some_and(|value| !value.is_empty() && value != "false");
        if is_watched || (embedded::is_empty() && folder.is_dir()) { Self::Folder(folder) } else { Self::Embedded }
    }

    /// `None` where there is no script to link to: the page is then served without.
    pub fn links(&self) -> Option<Links> {
        match self {
            Self::Embedded => Some(Links {
                js: embedded::link("pkg/telltale.js")?,
                wasm: embedded::link("pkg/telltale.wasm")?,
                css: embedded::link("pkg/telltale.css")?,
            }),
            Self::Folder(folder) => folder.join("pkg/telltale.wasm").is_file().then(|| Links {
                js: "./pkg/telltale.js".to_owned(),
                wasm: "./pkg/telltale.wasm".to_owned(),
                css: "./pkg/telltale.css".to_owned(),
            }),
        }
    }

    /// The style sheet, to stand in the pages themselves: a request for it would hold up the first paint. `None` where it
    /// may change while the server runs.
    pub fn style(&self) -> Option<&'static str> {
        match self {
            Self::Embedded => embedded::text("pkg/telltale.css"),
            Self::Folder(_) => None,
        }
    }

    /// A name for this build of the page. Of a folder it is read from the files as they are now.
    pub fn build(&self) -> String {
        match self {
            Self::Embedded => embedded::PAGE_BUILD.to_owned(),
            Self::Folder(folder) => folder::build(folder),
        }
    }

    /// The routes of the files: the fallback for every address that nothing else is at.
    pub fn routes<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new().fallback(move |request: Request| async move {
            let answer = self.answer(request.method(), request.uri().path(), request.headers()).await;
            answer.unwrap_or_else(|| Problem::not_found().into_response())
        })
    }

    /// The answer to a request for one of the files; `None` when there is no such file.
    /// `path` is the request's own, begun with a slash and not decoded: no file of ours needs escapes.
    pub async fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
        if method != Method::GET && method != Method::HEAD {
            return None;
        }
        let path = path.strip_prefix('/').filter(|path| is_plain(path))?;
        // Browsers ask for this name on their own; they know a drawing by its type.
        let path = if path == "favicon.ico" { "favicon.svg" } else { path };
        let file = match self {
            Self::Embedded => embedded::find(path)?,
            Self::Folder(folder) => folder::find(folder.clone(), path.to_owned()).await?,
        };
        Some(file.answer(method, headers))
    }
}

/// Names between slashes that hold no escape, no backslash and no leading dot: nothing that could lead out
/// of a folder.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|name| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    })
}

/// A file that was found, ready to be sent.
#[derive(Clone, Debug)]
struct File {
    content_type: &'static str,
    cache_control: &'static str,
    tag: String,
    identity: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
}

impl File {
    fn answer(self, method: &Method, headers: &HeaderMap) -> Response<Body> {
        let available = |encoding| match encoding {
            Encoding::Brotli => self.brotli.is_some(),
            Encoding::Gzip => self.gzip.is_some(),
            Encoding::Identity => true,
        };
        let encoding = negotiate::choose(headers, available);
        let etag = format!("\"{}{}\"", self.tag, encoding.tag_ending());
        let body = match encoding {
            Encoding::Brotli => self.brotli.unwrap_or_default(),
            Encoding::Gzip => self.gzip.unwrap_or_default(),
            Encoding::Identity => self.identity,
        };

        let is_known = negotiate::names_tag(headers, &etag);
        let mut response = Response::new(Body::empty());
        let answer = response.headers_mut();
        answer.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(etag) = HeaderValue::try_from(etag) {
            answer.insert(ETAG, etag);
        }
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        answer.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        answer.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Some(name) = encoding.content_encoding() {
            answer.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        if method == Method::GET {
            *response.body_mut() = Body::from(body);
        }
        response
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "wasm" => "application/wasm",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}
