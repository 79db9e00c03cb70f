//! Query parameters, read so that a mistake names its field.

use super::problem::Problem;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use std::convert::Infallible;
use std::time::Duration;

/// The decoded parameters of an address. Unknown ones are left alone; of a repeated one the last counts.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Pairs of text can be read from any query: what is no UTF-8 becomes replacement characters.
        Ok(Query::try_from_uri(&parts.uri).map_or_else(|_| Self::default(), |Query(fields)| Self(fields)))
    }
}

impl Fields {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// A length of time as people write it: `500ms`, `20s`, `1m`.
    pub fn duration(&self, name: &'static str) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let duration = parse_duration(text)
            .ok_or_else(|| Problem::bad_field(name, format!("{name} is a time such as 500ms, 20s or 1m")))?;
        Ok(Some(duration))
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "" if number == 0 => Some(Duration::ZERO),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, expected) in [
            ("20s", Some(20_000)),
            ("500ms", Some(500)),
            ("1m", Some(60_000)),
            ("0", Some(0)),
            ("20", None),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", None),
            ("1h", None),
            ("99999999999999999999s", None),
            ("18446744073709551615m", None),
        ] {
            assert_eq!(parse_duration(text), expected.map(Duration::from_millis), "{text:?}");
        }
    }
}
