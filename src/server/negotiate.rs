//! What a client accepts and what it has already: the arithmetic of two headers, after RFC 9110.

use axum::http::header::{ACCEPT_ENCODING, GetAll, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// The smallest first.
    const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    pub fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// Each encoding is another sequence of bytes, so each has its own strong tag.
    pub fn tag_ending(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gzip",
            Self::Identity => "",
        }
    }

    fn is_called(self, name: &str) -> bool {
        match self {
            Self::Brotli => name.eq_ignore_ascii_case("br"),
            Self::Gzip => name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip"),
            Self::Identity => name.eq_ignore_ascii_case("identity"),
        }
    }
}

/// The encoding the client likes best among those there are, the smaller of two it likes alike. A client
/// that accepts nothing we have is sent the file as it is, which is of more use to it than a refusal.
pub fn choose(headers: &HeaderMap, available: impl Fn(Encoding) -> bool) -> Encoding {
    let accepted: Vec<(&str, u16)> = elements(headers.get_all(ACCEPT_ENCODING)).filter_map(weighted).collect();
    let weight = |encoding: Encoding| {
        let named = accepted.iter().find(|(name, _)| encoding.is_called(name));
        let any = accepted.iter().find(|(name, _)| *name == "*");
        // What is not mentioned is not wanted, but for the file as it is: that is the last resort.
        named.or(any).map_or(0, |(_, weight)| *weight)
    };
    let mut best = (Encoding::Identity, weight(Encoding::Identity));
    for encoding in Encoding::ALL.into_iter().rev().filter(|encoding| available(*encoding)) {
        let weight = weight(encoding);
        if weight > 0 && weight >= best.1 {
            best = (encoding, weight);
        }
    }
    best.0
}

/// Whether gzip may be sent and is liked at least as well as no encoding.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    choose(headers, |encoding| encoding != Encoding::Brotli) == Encoding::Gzip
}

/// Whether `If-None-Match` names this tag; a tag that was weakened on the way counts.
pub fn names_tag(headers: &HeaderMap, etag: &str) -> bool {
    elements(headers.get_all(IF_NONE_MATCH)).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn elements(values: GetAll<'_, HeaderValue>) -> impl Iterator<Item = &str> {
    let texts = values.into_iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim).filter(|element| !element.is_empty())
}

/// A name and its weight in thousandths; what is malformed is as if it were not there.
fn weighted(element: &str) -> Option<(&str, u16)> {
    let (name, parameter) = element.split_once(';').unwrap_or((element, ""));
    let weight: f32 = match parameter.trim() {
        "" => 1.0,
        parameter => parameter.strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?.trim().parse().ok()?,
    };
    (0.0..=1.0).contains(&weight).then_some((name.trim_end(), (weight * 1_000.0) as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualities_are_weighed() {
        use Encoding::*;
        for (text, expected, gzip) in [
            ("", Identity, false),
            ("br", Brotli, false),
            ("gzip", Gzip, true),
            ("X-GZIP", Gzip, true),
            ("gzip;", Gzip, true),
            ("identity", Identity, false),
            ("gzip, deflate", Gzip, true),
            ("gzip, deflate, br, zstd", Brotli, true),
            ("br;q=0.5, gzip;q=0.8", Gzip, true),
            ("br; q=0.5 , gzip ; q = 0.5", Brotli, true),
            ("br;q=1.0, GZIP;q=0.8, *;q=0.1", Brotli, true),
            ("br;q=0, gzip", Gzip, true),
            ("br;q=0.5, identity", Identity, false),
            ("gzip;q=0.5, identity", Identity, false),
            ("gzip;q=0.5, *", Brotli, false),
            ("gzip;q=0.001", Gzip, true),
            ("gzip;q=0", Identity, false),
            ("gzip; q=0.000, *", Brotli, false),
            ("*", Brotli, true),
            ("*;q=0.1, br;q=0", Gzip, true),
            ("*;q=0", Identity, false),
            ("identity;q=0, *;q=0", Identity, false),
            ("gzip;q=nonsense", Identity, false),
            ("br;q=2, gzip;q=x, deflate", Identity, false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(text))]);
            assert_eq!((choose(&headers, |_| true), accepts_gzip(&headers)), (expected, gzip), "{text:?}");
        }
        let nothing = HeaderMap::new();
        assert_eq!((choose(&nothing, |_| true), accepts_gzip(&nothing)), (Identity, false));
    }
}
