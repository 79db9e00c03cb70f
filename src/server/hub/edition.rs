//! A catalog as it is sent: the event that announces it, and the greeting that holds it.

use super::HelloFacts;
use super::frame::{Frame, Naming, json_line};
use super::piece::Piece;
use crate::model::{Catalog, EventName};
use std::sync::{Arc, OnceLock};

/// One version of the catalog; all samples since are of its shape.
#[derive(Debug)]
pub struct Edition {
    catalog: Arc<Catalog>,
    facts: HelloFacts,
    frame: OnceLock<Arc<Frame>>,
    greetings: [OnceLock<Piece>; 2],
}

/// A hello in two parts: the short head with the client's name is each connection's own, the long tail
/// with the catalog is everybody's.
pub struct Greeting<'a> {
    pub head: String,
    pub tail: &'a Piece,
}

impl Edition {
    pub fn new(catalog: Arc<Catalog>, facts: HelloFacts) -> Self {
        Self { catalog, facts, frame: OnceLock::new(), greetings: Default::default() }
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The event `catalog`.
    pub fn frame(&self) -> &Arc<Frame> {
        self.frame.get_or_init(|| Arc::new(Frame::new(EventName::Catalog, None, &*self.catalog)))
    }

    /// `client` is an id: characters that need no escape.
    pub fn greeting(&self, client: &str, naming: Naming) -> Greeting<'_> {
        let (head, slot) = match naming {
            Naming::Named => ("event: hello\ndata: ", &self.greetings[0]),
            Naming::Message => ("data: {\"type\":\"hello\",\"data\":", &self.greetings[1]),
        };
        Greeting {
            head: format!("{head}{{\"client\":{},", json_line(&client)),
            tail: slot.get_or_init(|| self.make_tail(naming)),
        }
    }

    fn make_tail(&self, naming: Naming) -> Piece {
        let HelloFacts { server_version, page_build, host, interval } = &self.facts;
        let catalog = self.frame().json();
        let tail = format!(
            "\"server_version\":{},\"page_build\":{},\"host\":{},\"interval_ms\":{},\"catalog\":",
            json_line(server_version),
            json_line(page_build),
            json_line(host),
            json_line(interval),
        );
        let end: &[u8] = match naming {
            Naming::Named => b"}\n\n",
            Naming::Message => b"}}\n\n",
        };
        Piece::new(&[tail.as_bytes(), &catalog, end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, Hello, HostFacts, Interval, Unit};

    #[test]
    fn a_greeting_is_the_models_hello() -> Result<(), serde_json::Error> {
        let family = Family::new("load", "Lo\u{2028}ad", Unit::Count, Interval::SECOND, &[("load1", "1 min")]);
        let catalog = Arc::new(Catalog(vec![family]));
        let facts = HelloFacts {
            server_version: "0.1.0".into(),
            page_build: "b1".into(),
            host: Arc::new(HostFacts { name: "<b>\n\u{2029}".into(), ..HostFacts::default() }),
            interval: Interval::SECOND,
        };
        let expected = Hello {
            server_version: facts.server_version.clone(),
            page_build: facts.page_build.clone(),
            host: facts.host.clone(),
            interval_ms: facts.interval,
            client: "me".into(),
            catalog: catalog.clone(),
        };
        let edition = Edition::new(catalog, facts);
        for (naming, head, tail) in [
            (Naming::Named, "event: hello\ndata: ", "\n\n"),
            (Naming::Message, "data: {\"type\":\"hello\",\"data\":", "}\n\n"),
        ] {
            let greeting = edition.greeting("me", naming);
            let text = format!("{}{}", greeting.head, String::from_utf8_lossy(&greeting.tail.text()));
            let json = text.strip_prefix(head).and_then(|text| text.strip_suffix(tail)).unwrap_or(&text);
            assert_eq!(serde_json::from_str::<Hello>(json)?, expected, "{naming:?}: {text}");
        }
        Ok(())
    }
}
