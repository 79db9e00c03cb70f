//! What a client asks of its stream.

use super::random;
use crate::server::hub::{Naming, Resume, Wants};
use crate::server::negotiate::accepts_gzip;
use crate::server::problem::Problem;
use crate::server::query::Fields;
use axum::http::HeaderMap;
use std::sync::Arc;

const CLIENT_LIMIT: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) resume: Resume,
    pub(super) wants: Wants,
    pub(super) naming: Naming,
    pub(super) client: Arc<str>,
    pub(super) is_gzip: bool,
}

impl Request {
    pub(super) fn read(headers: &HeaderMap, fields: &Fields) -> Result<Self, Problem> {
        // A reconnecting EventSource repeats its first address, so the header is the newer of the two.
        let header = headers.get("last-event-id").map(|value| value.as_bytes()).filter(|id| !id.is_empty());
        let last_event_id = header.or_else(|| fields.get("last_event_id").map(str::as_bytes));
        Ok(Self {
            resume: Resume::parse(last_event_id),
            wants: fields.get("events").map_or(Ok(Wants::default()), read_wants)?,
            naming: match fields.get("as") {
                None => Naming::Named,
                Some("message") => Naming::Message,
                Some(_) => return Err(Problem::bad_field("as", "as is message, or left out")),
            },
            client: read_client(fields.get("client"))?,
            is_gzip: accepts_gzip(headers) && fields.get("z") != Some("0"),
        })
    }
}

fn read_wants(text: &str) -> Result<Wants, Problem> {
    let mut wants = Wants::NOTHING;
    for name in text.split(',') {
        let choice = Wants::CHOICES.iter().find(|(choice, _)| *choice == name.trim());
        let (_, wanted) = choice.ok_or_else(|| {
            let names = Wants::CHOICES.map(|(name, _)| name).join(", ");
            Problem::bad_field("events", format!("events is one or more of {names}"))
        })?;
        *wanted(&mut wants) = true;
    }
    Ok(wants)
}

/// What a client is called: by itself, or by chance.
pub(in crate::server) fn read_client(text: Option<&str>) -> Result<Arc<str>, Problem> {
    let Some(text) = text else { return Ok(random::client_id().into()) };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte));
    if text.is_empty() || text.len() > CLIENT_LIMIT || !is_plain {
        return Err(Problem::bad_field("client", "client is 1 to 64 of the characters A-Z a-z 0-9 . _ ~ -"));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventId, UnixMs};
    use axum::extract::FromRequestParts;
    use axum::http::request::Builder;

    async fn read(query: &str, header: Option<&[u8]>) -> Option<Result<Request, Problem>> {
        let mut builder = Builder::new().uri(format!("/api/v1/stream?{query}"));
        if let Some(header) = header {
            builder = builder.header("Last-Event-ID", header);
        }
        let (mut parts, ()) = builder.body(()).ok()?.into_parts();
        let Ok(fields) = Fields::from_request_parts(&mut parts, &()).await;
        Some(Request::read(&parts.headers, &fields))
    }

    #[tokio::test]
    async fn the_header_wins_over_the_address() {
        let after = |second| Resume::After(EventId { era: 0, t: UnixMs(second), n: 0 });
        for (query, header, expected) in [
            ("", None, Resume::Newest),
            ("last_event_id=", None, Resume::Newest),
            ("last_event_id=0-5", None, after(5)),
            ("last_event_id=0-5", Some(&b"0-6"[..]), after(6)),
            ("last_event_id=0-5", Some(b""), after(5)),
            ("last_event_id=0-5", Some(b"\xff"), Resume::Foreign),
            ("last_event_id=%ff", None, Resume::Foreign),
        ] {
            let resume = read(query, header).await.and_then(Result::ok).map(|request| request.resume);
            assert_eq!(resume, Some(expected), "{query} {header:?}");
        }
    }

    #[tokio::test]
    async fn mistakes_name_their_field() {
        let long = format!("client={}", "x".repeat(65));
        for (query, field) in [
            ("events=sample,notification,processes&as=message&client=a.B_9~-&z=0", None),
            ("events=sample,%20processes", None),
            ("unknown=1", None),
            ("events=samples", Some("events")),
            ("events=", Some("events")),
            ("events=sample,", Some("events")),
            ("events=hello", Some("events")),
            ("as=json", Some("as")),
            ("client=", Some("client")),
            ("client=a%20b", Some("client")),
            ("client=%0a", Some("client")),
            (&long, Some("client")),
        ] {
            let problem = read(query, None).await.and_then(Result::err);
            assert_eq!(problem.and_then(|problem| problem.field()), field, "{query}");
        }
    }
}
