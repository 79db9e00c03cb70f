//! Query parameters, read so that a mistake names its field.

use super::problem::Problem;
use crate::model::{UnixMs, time};
use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use jiff::Timestamp;
use std::convert::Infallible;
use std::time::Duration;

/// The decoded parameters of an address. Unknown ones are left alone; of a repeated one the last counts.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri))
    }
}

impl Fields {
    pub fn of(address: &Uri) -> Self {
        // Pairs of text can be read from any query: what is no UTF-8 becomes replacement characters.
        Query::try_from_uri(address).map_or_else(|_| Self::default(), |Query(fields)| Self(fields))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// All values of a field that may be repeated, in their order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// An instant: milliseconds since the epoch, an RFC 3339 time, or how long before `now`: `-1h`.
    pub fn instant(&self, name: &'static str, now: UnixMs) -> Result<Option<UnixMs>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let instant = instant(text, now).ok_or_else(|| {
            let detail = format!("{name} is an instant such as -1h, now, 1795235686000 or 2026-11-21T14:00:00Z");
            Problem::bad_field(name, detail)
        })?;
        Ok(Some(instant))
    }

    /// A length of time as people write it: `500ms`, `1.5s`, `1m`.
    pub fn duration(&self, name: &'static str) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let duration = time::duration(text)
            .ok_or_else(|| Problem::bad_field(name, format!("{name} is a time such as 500ms, 20s or 1m")))?;
        Ok(Some(duration))
    }
}

/// An instant as people and programs write it.
pub fn instant(text: &str, now: UnixMs) -> Option<UnixMs> {
    /// Nothing is asked of times before or after these: the year 1970 and the year 5138.
    const SENSIBLE: std::ops::Range<i64> = 0..100_000_000_000_000;
    let text = text.trim();
    let before = |length: &str| i64::try_from(time::duration(length)?.as_millis()).ok();
    let ms = match text.strip_prefix('-') {
        Some(length) => now.0.checked_sub(before(length)?)?.max(0),
        None if text == "now" => now.0,
        None => text.parse().ok().or_else(|| timestamp(text))?,
    };
    Some(UnixMs(ms)).filter(|_| SENSIBLE.contains(&ms))
}

/// RFC 3339. The plus sign of an offset, where it is not escaped in an address, arrives as a space.
fn timestamp(text: &str) -> Option<i64> {
    let with_plus = || text.rsplit_once(' ').map(|(time, offset)| format!("{time}+{offset}"));
    let read = text.parse::<Timestamp>().ok().or_else(|| with_plus()?.parse().ok());
    read.map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        let now = UnixMs(1_795_235_686_000);
        for (text, expected) in [
            ("1795235686000", Some(1_795_235_686_000)),
            ("0", Some(0)),
            ("now", Some(1_795_235_686_000)),
            ("-1h", Some(1_795_232_086_000)),
            ("-1.5s", Some(1_795_235_684_500)),
            ("-0", Some(1_795_235_686_000)),
            ("-9999999d", Some(0)),
            ("2026-11-21T14:00:00Z", Some(1_795_269_600_000)),
            ("2026-11-21T14:00:00.25+01:00", Some(1_795_266_000_250)),
            ("2026-11-21T14:00:00 01:00", Some(1_795_266_000_000)),
            ("2026-11-21 14:00:00Z", Some(1_795_269_600_000)),
            ("2026-11-21", None),
            ("-1", None),
            ("", None),
            ("99999999999999999999", None),
            ("soon", None),
        ] {
            assert_eq!(instant(text, now), expected.map(UnixMs), "{text}");
        }
    }
}
