//! The path below which everything is served: another program's addresses may stand beside ours on one host.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Without the slash at its end: empty for the root, else `/telltale`. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a path such as /telltale, of letters, digits and - . _ ~ between slashes")]
pub struct NotABasePath;

/// Where an address is, seen from the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Below it: the address without the base.
    Inside(Uri),
    /// The base itself without its slash, where relative addresses would lead astray: what to ask for instead, relative
    /// to what was asked, since a proxy may have put something before it.
    AtItsDoor(String),
    Outside,
}

impl FromStr for BasePath {
    type Err = NotABasePath;

    fn from_str(text: &str) -> Result<Self, NotABasePath> {
        let path = text.strip_prefix('/').ok_or(NotABasePath)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() {
            return if text == "/" { Ok(Self::default()) } else { Err(NotABasePath) };
        }
        let is_plain = |name: &str| {
            let is_name = !matches!(name, "" | "." | "..");
            is_name && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        if path.split('/').all(is_plain) { Ok(Self(format!("/{path}").into())) } else { Err(NotABasePath) }
    }
}

/// With the slash at its end, as pages are asked for.
impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.0)
    }
}

impl BasePath {
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub fn place(&self, uri: &Uri) -> Place {
        let Some(rest) = uri.path().strip_prefix(&*self.0) else { return Place::Outside };
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        if rest.is_empty() {
            let name = self.0.rsplit('/').next().unwrap_or_default();
            return Place::AtItsDoor(format!("{name}/{query}"));
        }
        if !rest.starts_with('/') {
            return Place::Outside;
        }
        let mut parts = uri.clone().into_parts();
        // A part of an address that could be read can be read, too.
        parts.path_and_query = PathAndQuery::try_from(format!("{rest}{query}")).ok();
        Uri::from_parts(parts).map_or(Place::Outside, Place::Inside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_plain_path() {
        for (text, expected) in [
            ("/", Some("/")),
            ("/telltale", Some("/telltale/")),
            ("/telltale/", Some("/telltale/")),
            ("/tools/tell-tale_2.0~x", Some("/tools/tell-tale_2.0~x/")),
            ("", None),
            ("telltale", None),
            ("telltale/", None),
            ("//", None),
            ("//telltale", None),
            ("/telltale//", None),
            ("/a//b", None),
            ("/..", None),
            ("/a/../b", None),
            ("/./a", None),
            ("/a?b=c", None),
            ("/a#b", None),
            ("/a b", None),
            ("/a%2fb", None),
            ("/é", None),
            ("/a\\b", None),
            ("http://host/telltale", None),
        ] {
            let parsed = text.parse().ok().map(|base: BasePath| base.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn addresses_are_seen_from_the_base() {
        let inside = |uri: &'static str| Place::Inside(Uri::from_static(uri));
        let door = |to: &str| Place::AtItsDoor(to.to_owned());
        for (base, address, expected) in [
            ("/telltale", "/telltale/", inside("/")),
            ("/telltale", "/telltale/?window=1h", inside("/?window=1h")),
            ("/telltale", "/telltale/api/v1/host", inside("/api/v1/host")),
            ("/telltale", "/telltale//evil.example", inside("//evil.example")),
            ("/telltale", "http://localhost/telltale/processes?a=b?c", inside("http://localhost/processes?a=b?c")),
            ("/telltale", "/telltale", door("telltale/")),
            ("/telltale", "/telltale?at=5", door("telltale/?at=5")),
            ("/a/b", "/a/b", door("b/")),
            ("/a/b", "/a", Place::Outside),
            ("/a/b", "/a/", Place::Outside),
            ("/telltale", "/", Place::Outside),
            ("/telltale", "/telltales/", Place::Outside),
            ("/telltale", "/Telltale/", Place::Outside),
            ("/telltale", "/api/v1/host", Place::Outside),
            ("/telltale", "//telltale/", Place::Outside),
            ("/telltale", "*", Place::Outside),
            ("/", "/processes", inside("/processes")),
        ] {
            let place = base.parse().map(|base: BasePath| base.place(&Uri::from_static(address)));
            assert_eq!(place, Ok(expected), "{address} from {base}");
        }
    }
}
