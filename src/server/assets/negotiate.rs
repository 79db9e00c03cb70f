//! What a client accepts and what it has already: the arithmetic of two headers.

use axum::http::HeaderValue;
use axum::http::header::GetAll;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// The smallest first.
    const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    pub(super) fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// Each encoding is another sequence of bytes, so each has its own strong tag.
    pub(super) fn tag_ending(self) -> &'static str {
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
pub(super) fn choose(accepted: GetAll<'_, HeaderValue>, available: impl Fn(Encoding) -> bool) -> Encoding {
    let accepted: Vec<(&str, u16)> = elements(accepted).filter_map(weighted).collect();
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

/// Whether `If-None-Match` names this tag; a tag that was weakened on the way counts.
pub(super) fn names_tag(known: GetAll<'_, HeaderValue>, etag: &str) -> bool {
    elements(known).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn elements(values: GetAll<'_, HeaderValue>) -> impl Iterator<Item = &str> {
    let texts = values.into_iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim).filter(|element| !element.is_empty())
}

/// A name and its weight in thousandths; what is malformed is as if it were not there.
fn weighted(element: &str) -> Option<(&str, u16)> {
    let (name, parameter) = element.split_once(';').unwrap_or((element, "q=1"));
    let weight = parameter.trim().strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?.trim();
    let weight: f32 = weight.parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?;
    Some((name.trim_end(), (weight * 1000.0) as u16))
}
