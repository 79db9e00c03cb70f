//! Which content encoding a client accepts, after RFC 9110.

use axum::http::{HeaderMap, header};

/// Whether gzip may be sent and is liked at least as well as no encoding.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    for entry in lines.flat_map(|line| line.split(',')) {
        let (coding, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let Some(quality) = quality(parameters) else { continue };
        match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(quality),
            "identity" => identity = Some(quality),
            "*" => any = Some(quality),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// In thousandths; `None` where it can't be read, and then the entry says nothing.
fn quality(parameters: &str) -> Option<u32> {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return Some(1_000);
    }
    let (name, value) = parameters.split_once('=')?;
    let value: f32 = value.trim().parse().ok()?;
    (name.trim().eq_ignore_ascii_case("q") && (0.0..=1.0).contains(&value)).then_some((value * 1_000.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualities_are_weighed() {
        for (text, expected) in [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, GZIP;q=0.8, *;q=0.1", true),
            ("*", true),
            ("x-gzip", true),
            ("gzip;q=0.001", true),
            ("", false),
            ("br", false),
            ("identity", false),
            ("gzip;q=0", false),
            ("gzip; q=0.000, *", false),
            ("*;q=0", false),
            ("gzip;q=0.5, identity", false),
            ("gzip;q=nonsense", false),
            ("gzip;q=2", false),
        ] {
            let headers = text.parse().map(|value| HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]));
            assert_eq!(headers.map(|headers| accepts_gzip(&headers)).ok(), Some(expected), "{text:?}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
