//! One event, finished: serialised once, and each encoding of it made at most once, for all subscribers.

use super::piece::Piece;
use crate::model::{EventId, EventName};
use bytes::Bytes;
use serde::Serialize;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::OnceLock;

/// How a client wants events to be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// In `event:` lines.
    Named,
    /// Inside the data, as `{"type":…,"data":…}`, for clients that have only `onmessage`.
    Message,
}

#[derive(Debug)]
pub struct Frame {
    name: EventName,
    id: Option<EventId>,
    named: Piece,
    /// Where the JSON stands in the text of `named`.
    json: Range<usize>,
    message: OnceLock<Piece>,
}

impl Frame {
    pub fn new(name: EventName, id: Option<EventId>, data: &impl Serialize) -> Self {
        let json = json_line(data);
        let mut head = String::with_capacity(64);
        push_id(&mut head, id);
        // Writing to a `String` cannot fail.
        let _ = write!(head, "event: {}\ndata: ", name.as_str());
        let named = Piece::new(&[head.as_bytes(), json.as_bytes(), b"\n\n"]);
        Self { name, id, named, json: head.len()..head.len() + json.len(), message: OnceLock::new() }
    }

    pub fn name(&self) -> EventName {
        self.name
    }

    pub fn id(&self) -> Option<EventId> {
        self.id
    }

    /// The data alone: one line of JSON.
    pub fn json(&self) -> Bytes {
        self.named.text().slice(self.json.clone())
    }

    pub fn piece(&self, naming: Naming) -> &Piece {
        match naming {
            Naming::Named => &self.named,
            Naming::Message => self.message.get_or_init(|| self.make_message()),
        }
    }

    /// What the frame costs in memory, as far as it is known before anybody asked for other encodings.
    pub fn size(&self) -> usize {
        self.named.as_bytes().len()
    }

    fn make_message(&self) -> Piece {
        let json = &self.named.as_bytes()[self.json.clone()];
        let mut head = String::new();
        push_id(&mut head, self.id);
        let _ = write!(head, "data: {{\"type\":\"{}\",\"data\":", self.name.as_str());
        Piece::new(&[head.as_bytes(), json, b"}\n\n"])
    }
}

/// JSON on one line. The three characters that some libraries take for line ends, although JSON does not,
/// are written as escapes; they can only stand inside strings.
pub fn json_line(data: &impl Serialize) -> String {
    let json = serde_json::to_string(data)
        .expect("the model's types serialise: their keys are strings and no serialiser of theirs fails");
    if json.contains(['\u{2028}', '\u{2029}', '\u{85}']) {
        json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").replace('\u{85}', "\\u0085")
    } else {
        json
    }
}

fn push_id(text: &mut String, id: Option<EventId>) {
    if let Some(id) = id {
        let _ = writeln!(text, "id: {id}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnixMs;

    #[test]
    fn both_namings_of_a_frame() {
        let id = EventId { era: 2, t: UnixMs(7_000), n: 0 };
        let frame = Frame::new(EventName::Sample, Some(id), &serde_json::json!({"t": 7000}));
        assert_eq!(frame.json(), r#"{"t":7000}"#);
        for (naming, text) in [
            (Naming::Named, "id: 2-7000\nevent: sample\ndata: {\"t\":7000}\n\n"),
            (Naming::Message, "id: 2-7000\ndata: {\"type\":\"sample\",\"data\":{\"t\":7000}}\n\n"),
        ] {
            assert_eq!(frame.piece(naming).text(), text, "{naming:?}");
        }
        let frame = Frame::new(EventName::Ping, None, &());
        assert_eq!(frame.piece(Naming::Named).text(), "event: ping\ndata: null\n\n");
    }

    #[test]
    fn data_is_one_line_for_every_reader() -> Result<(), serde_json::Error> {
        let hostile = "a\nb\r\u{2028}c\u{2029}d\u{85}e\u{0}f\\u2028";
        let line = json_line(&hostile);
        assert!(!line.contains(|c: char| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c)), "{line:?}");
        assert_eq!(serde_json::from_str::<String>(&line)?, hostile);
        Ok(())
    }
}
