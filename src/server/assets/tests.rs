//! What a client is sent, by what it asks for and accepts.

use super::*;
use axum::body::to_bytes;
use axum::http::header::{ACCEPT_ENCODING, HeaderName, IF_NONE_MATCH};
use std::fs;
use std::io;

fn file() -> File {
    File {
        content_type: content_type("pkg/telltale.js"),
        cache_control: "public, max-age=300",
        tag: "1234".to_owned(),
        identity: Bytes::from_static(b"as it is"),
        brotli: Some(Bytes::from_static(b"brotli")),
        gzip: Some(Bytes::from_static(b"gzip")),
    }
}

fn headers(name: HeaderName, value: Option<&'static str>) -> HeaderMap {
    value.map(|value| (name, HeaderValue::from_static(value))).into_iter().collect()
}

fn text(response: &Response<Body>, name: HeaderName) -> Option<&str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

async fn body(response: Response<Body>) -> Vec<u8> {
    to_bytes(response.into_body(), usize::MAX).await.map(|bytes| bytes.to_vec()).unwrap_or_default()
}

#[tokio::test]
async fn the_encoding_is_the_one_the_client_likes_best() {
    for (accepted, expected, content) in [
        (None, None, "as it is"),
        (Some(""), None, "as it is"),
        (Some("br"), Some("br"), "brotli"),
        (Some("gzip, deflate, br, zstd"), Some("br"), "brotli"),
        (Some("br;q=0, gzip"), Some("gzip"), "gzip"),
        (Some("br;q=0.5, identity"), None, "as it is"),
    ] {
        let response = file().answer(&Method::GET, &headers(ACCEPT_ENCODING, accepted));
        assert_eq!(text(&response, CONTENT_ENCODING), expected, "{accepted:?}");
        assert_eq!(text(&response, VARY), Some("accept-encoding"), "{accepted:?}");
        assert_eq!(text(&response, CONTENT_TYPE), Some("text/javascript; charset=utf-8"), "{accepted:?}");
        assert_eq!(body(response).await, content.as_bytes(), "{accepted:?}");
    }
}

#[tokio::test]
async fn an_encoding_that_would_not_help_is_not_offered() {
    let plain = File { brotli: None, ..file() };
    let response = plain.answer(&Method::GET, &headers(ACCEPT_ENCODING, Some("br, gzip;q=0.5")));
    assert_eq!(text(&response, CONTENT_ENCODING), Some("gzip"));
    let plain = File { brotli: None, gzip: None, ..file() };
    let response = plain.answer(&Method::GET, &headers(ACCEPT_ENCODING, Some("br, gzip")));
    assert_eq!((text(&response, CONTENT_ENCODING), text(&response, ETAG)), (None, Some("\"1234\"")));
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    for (known, status) in [
        ("\"1234-br\"", StatusCode::NOT_MODIFIED),
        ("W/\"1234-br\"", StatusCode::NOT_MODIFIED),
        ("\"other\", \"1234-br\"", StatusCode::NOT_MODIFIED),
        ("*", StatusCode::NOT_MODIFIED),
        ("\"1234\"", StatusCode::OK),
        ("\"1234-gzip\"", StatusCode::OK),
        ("1234-br", StatusCode::OK),
        ("", StatusCode::OK),
    ] {
        let mut asked = headers(ACCEPT_ENCODING, Some("br"));
        asked.extend(headers(IF_NONE_MATCH, Some(known)));
        let response = file().answer(&Method::GET, &asked);
        assert_eq!(response.status(), status, "{known}");
        assert_eq!(text(&response, ETAG), Some("\"1234-br\""), "{known}");
        assert_eq!(text(&response, CACHE_CONTROL), Some("public, max-age=300"), "{known}");
        assert_eq!(body(response).await.is_empty(), status == StatusCode::NOT_MODIFIED, "{known}");
    }
}

#[tokio::test]
async fn a_head_request_is_told_everything_but_the_content() {
    let response = file().answer(&Method::HEAD, &headers(ACCEPT_ENCODING, Some("br")));
    assert_eq!((text(&response, CONTENT_LENGTH), text(&response, ETAG)), (Some("6"), Some("\"1234-br\"")));
    assert!(body(response).await.is_empty());
}

/// A site folder of its own, with a secret beside it; removed at the end.
struct Site(PathBuf);

impl Site {
    fn new(name: &str) -> io::Result<Self> {
        let root = std::env::temp_dir().join(format!("telltale-assets-{name}-{}", std::process::id()));
        fs::create_dir_all(root.join("site/pkg"))?;
        for (path, content) in [
            ("secret.txt", "secret"),
            ("site/favicon.svg", "<svg/>"),
            ("site/.hidden", "hidden"),
            ("site/pkg/telltale.js", "js"),
            ("site/pkg/telltale.wasm", "wasm"),
            ("site/pkg/telltale.css", "css"),
        ] {
            fs::write(root.join(path), content)?;
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.join("secret.txt"), root.join("site/link.txt"))?;
        Ok(Self(root))
    }

    fn assets(&self) -> Assets {
        Assets::Folder(self.0.join("site"))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // A folder left behind among the temporary ones harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn the_folder_gives_its_files_and_nothing_else() -> io::Result<()> {
    let site = Site::new("files")?;
    let absolute = format!("/{}", site.0.join("secret.txt").display());
    for (path, expected) in [
        ("/favicon.svg", Some(("image/svg+xml", "<svg/>"))),
        ("/favicon.ico", Some(("image/svg+xml", "<svg/>"))),
        ("/pkg/telltale.js", Some(("text/javascript; charset=utf-8", "js"))),
        ("/pkg/telltale.wasm", Some(("application/wasm", "wasm"))),
        ("/pkg/telltale.css", Some(("text/css; charset=utf-8", "css"))),
        ("/", None),
        ("", None),
        ("/pkg", None),
        ("/pkg/", None),
        ("//favicon.svg", None),
        ("/./favicon.svg", None),
        ("/../secret.txt", None),
        ("/pkg/../../secret.txt", None),
        ("/%2e%2e/secret.txt", None),
        ("/..%2fsecret.txt", None),
        ("/%2e%2e%2fsecret.txt", None),
        ("/..\\secret.txt", None),
        ("/favicon.svg\0", None),
        ("/favicon.svg%00", None),
        ("/link.txt", None),
        ("/.hidden", None),
        ("/missing.css", None),
        (&absolute, None),
    ] {
        let response = site.assets().answer(&Method::GET, path, &HeaderMap::new()).await;
        assert_eq!(response.is_some(), expected.is_some(), "{path:?}");
        let (Some(response), Some((content_type, content))) = (response, expected) else { continue };
        assert_eq!(text(&response, CONTENT_TYPE), Some(content_type), "{path}");
        assert_eq!(text(&response, CACHE_CONTROL), Some("no-cache"), "{path}");
        assert_eq!(body(response).await, content.as_bytes(), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn only_reading_is_answered() -> io::Result<()> {
    let site = Site::new("methods")?;
    for (method, expected) in
        [(Method::GET, true), (Method::HEAD, true), (Method::POST, false), (Method::OPTIONS, false)]
    {
        let response = site.assets().answer(&method, "/favicon.svg", &HeaderMap::new()).await;
        assert_eq!(response.is_some(), expected, "{method}");
    }
    Ok(())
}

#[test]
fn the_name_of_a_build_changes_with_what_is_in_it() -> io::Result<()> {
    let site = Site::new("build")?;
    let before = site.assets().build();
    assert_eq!(site.assets().build(), before);
    fs::write(site.0.join("site/pkg/telltale.css"), "other")?;
    assert_ne!(site.assets().build(), before);
    assert_eq!(site.assets().links().map(|links| links.css).as_deref(), Some("./pkg/telltale.css"));
    Ok(())
}

#[test]
fn the_folder_is_used_when_watching_or_when_nothing_is_embedded() -> io::Result<()> {
    let site = Site::new("open")?;
    let folder = site.0.join("site");
    for (watch, root, expected) in [
        (Some("true"), folder.clone(), true),
        (Some("true"), site.0.join("missing"), true),
        (Some("false"), site.0.join("missing"), false),
        (None, site.0.join("missing"), false),
        (None, folder, embedded::is_empty()),
    ] {
        let assets = Assets::open(|name| match name {
            "LEPTOS_WATCH" => watch.map(OsString::from),
            _ => Some(root.clone().into()),
        });
        assert_eq!(matches!(assets, Assets::Folder(_)), expected, "{watch:?} {root:?}");
    }
    Ok(())
}

/// In a release build with a page; in others there is nothing to see.
#[tokio::test]
async fn embedded_files_are_served_under_the_names_that_are_linked() {
    let Some(links) = Assets::Embedded.links() else { return };
    for link in [&links.js, &links.wasm, &links.css] {
        let response = Assets::Embedded.answer(&Method::GET, link, &headers(ACCEPT_ENCODING, Some("br"))).await;
        let caching = response.as_ref().and_then(|response| text(response, CACHE_CONTROL));
        assert_eq!(caching, Some("public, max-age=31536000, immutable"), "{link}");
    }
}
