//! Query parameters, read so that a mistake names its field.

use super::problem::Problem;
use crate::model::time;
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

    /// A length of time as people write it: `500ms`, `1.5s`, `1m`.
    pub fn duration(&self, name: &'static str) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let duration = time::duration(text)
            .ok_or_else(|| Problem::bad_field(name, format!("{name} is a time such as 500ms, 20s or 1m")))?;
        Ok(Some(duration))
    }
}
