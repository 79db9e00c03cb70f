//! One client: it leaves at any moment, comes back after a while with the last id it has, and notes what it is told.

use crate::body::{Body, head_len};
use crate::dice::Dice;
use crate::{Result, Scene};
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};
use telltale::model::EventId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Gzip,
    Http10,
    Poll,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Gzip, Self::Http10, Self::Poll];
}

/// A gap as it was told; without bounds where those are not known.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
}

pub(crate) struct Received {
    pub(crate) kind: Kind,
    /// In the order of arrival.
    pub(crate) samples: Vec<(EventId, Option<f64>)>,
    pub(crate) gaps: Vec<Told>,
    /// What was no stream, or not to be understood.
    pub(crate) faults: Vec<String>,
    last: Option<String>,
}

/// How a connection came to its end.
enum End {
    /// By us.
    Left,
    /// By the server, or it was none.
    Cut,
    /// An answer that was whole.
    Answered,
}

pub(crate) fn run(scene: &Scene, kind: Kind, mut dice: Dice) -> Received {
    let mut received = Received { kind, samples: Vec::new(), gaps: Vec::new(), faults: Vec::new(), last: None };
    while !scene.is_over.load(Ordering::Relaxed) {
        let pause = match received.connect(scene, &mut dice) {
            Ok(End::Left) => {
                scene.disconnects.fetch_add(1, Ordering::Relaxed);
                // Mostly short, sometimes longer than a restart.
                if dice.is_one_of(12) { dice.between(2_000, 6_000) } else { dice.between(0, 400) }
            }
            Ok(End::Answered) => 0,
            Ok(End::Cut) => dice.between(20, 300),
            Err(error) => {
                received.faults.push(error.to_string());
                100
            }
        };
        thread::sleep(Duration::from_millis(pause));
    }
    received
}

impl Received {
    fn connect(&mut self, scene: &Scene, dice: &mut Dice) -> Result<End> {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", scene.port)) else { return Ok(End::Cut) };
        if stream.write_all(self.request().as_bytes()).is_err() {
            return Ok(End::Cut);
        }
        let leaving = Instant::now() + Duration::from_millis(dice.between(1, 2_400));
        // Half of them go in the middle of something.
        let mut more = if dice.is_one_of(2) { dice.between(1, 300) as usize } else { 0 };
        let mut head = Vec::new();
        let mut body = None;
        let mut buffer = [0; 4_096];
        loop {
            let is_calm = scene.is_calm.load(Ordering::Relaxed);
            if scene.is_over.load(Ordering::Relaxed) {
                return Ok(End::Cut);
            }
            let left = leaving.saturating_duration_since(Instant::now());
            let is_leaving = left.is_zero() && !is_calm;
            if is_leaving && more == 0 {
                return Ok(End::Left);
            }
            let wait = left.clamp(Duration::from_millis(20), Duration::from_millis(300));
            stream.set_read_timeout(Some(wait))?;
            let most = if is_leaving { more } else { dice.between(1, 4_096) as usize };
            let len = match stream.read(&mut buffer[..most]) {
                Ok(0) => return self.ended(body),
                Ok(len) => len,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    continue;
                }
                Err(_) => return Ok(End::Cut),
            };
            if is_leaving {
                more -= len;
            }
            let body = match &mut body {
                Some(body) => {
                    Body::receive(body, &buffer[..len])?;
                    body
                }
                None => {
                    head.extend_from_slice(&buffer[..len]);
                    let Some(len) = head_len(&head) else { continue };
                    let body = body.insert(Body::new(&head[..len])?);
                    body.receive(&head[len..])?;
                    body
                }
            };
            if self.kind != Kind::Poll {
                self.read_events(body)?;
            }
        }
    }

    fn request(&self) -> String {
        let last = self.last.as_deref();
        let (path, version, more) = match self.kind {
            Kind::Poll => {
                let after = last.map(|last| format!("after={last}&")).unwrap_or_default();
                (format!("/api/v1/samples?{after}wait=2s"), "1.1", "Connection: close\r\n")
            }
            Kind::Gzip => ("/api/v1/stream".to_owned(), "1.1", "Accept-Encoding: gzip\r\n"),
            Kind::Plain => ("/api/v1/stream".to_owned(), "1.1", ""),
            Kind::Http10 => ("/api/v1/stream".to_owned(), "1.0", ""),
        };
        let resume = match last {
            Some(last) if self.kind != Kind::Poll => format!("Last-Event-ID: {last}\r\n"),
            _ => String::new(),
        };
        format!("GET {path} HTTP/{version}\r\nHost: localhost\r\n{more}{resume}\r\n")
    }

    /// An answer counts only when it is whole; of a stream all is noted as it comes.
    fn ended(&mut self, body: Option<Body>) -> Result<End> {
        let (Kind::Poll, Some(body)) = (self.kind, body) else { return Ok(End::Cut) };
        let Ok(answer) = serde_json::from_slice::<Value>(&body.text) else { return Ok(End::Cut) };
        for event in answer["events"].as_array().into_iter().flatten() {
            self.note(event["event"].as_str(), event["id"].as_str(), &event["data"])?;
        }
        self.last = answer["next"].as_str().map(str::to_owned).or(self.last.take());
        Ok(End::Answered)
    }

    /// Takes the whole events out of the text.
    fn read_events(&mut self, body: &mut Body) -> Result {
        while let Some(end) = body.text.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = body.text.drain(..end + 2).collect();
            let event = String::from_utf8(event)?;
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
            let Some(data) = field("data: ") else { continue };
            let id = field("id: ");
            self.note(field("event: "), id, &serde_json::from_str(data)?)?;
            if let Some(id) = id {
                self.last = Some(id.to_owned());
            }
        }
        Ok(())
    }

    fn note(&mut self, name: Option<&str>, id: Option<&str>, data: &Value) -> Result {
        match name {
            Some("sample") => {
                let id = id.ok_or("a sample has no id")?;
                let id: EventId = id.parse().map_err(|_| format!("an id that is none: {id}"))?;
                self.samples.push((id, data["load"][0].as_f64()));
            }
            Some("gap") => self.gaps.push(Told { from: data["from"].as_i64(), to: data["to"].as_i64() }),
            _ => {}
        }
        Ok(())
    }
}
