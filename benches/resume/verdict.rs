//! What each client was told, beside what the server itself remembers.

use crate::Result;
use crate::body::{Body, head_len};
use crate::client::{Received, Told};
use crate::server::INTERVAL_MS;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use telltale::model::EventId;

/// What a crash may cost the store, and a tick.
const LOST_MS: i64 = 5_000 + INTERVAL_MS;
/// Mistakes are told one by one up to here.
const TOLD: usize = 20;

/// Every sample that is remembered. It names no ids: of an instant that was sampled twice it has the later one.
pub(crate) struct History {
    pub(crate) values: BTreeMap<i64, Option<f64>>,
}

#[derive(Default)]
pub(crate) struct Verdict {
    samples: usize,
    /// Remembered, and one client never had it.
    lost: usize,
    doubled: usize,
    /// Not what is remembered or what others were told under the same id, or not remembered although no crash can have cost
    /// it.
    wrong: usize,
    /// Neither sampled nor told to be missing.
    unannounced: usize,
    /// Told to be missing, and the client has it.
    denied: usize,
    /// Answers that were no stream.
    faults: usize,
    /// Seen by a client, and lost by the store to a kill: that is permitted.
    forgotten: usize,
    mistakes: Vec<String>,
}

/// What all clients were told, taken together.
#[derive(Default)]
struct Common {
    /// An id stands for one value, whoever is told.
    values: BTreeMap<EventId, Option<f64>>,
    /// The latest id of each instant: what it stands for is what counts.
    latest: BTreeMap<i64, EventId>,
}

impl Common {
    fn of(received: &[Received]) -> Self {
        let mut common = Self::default();
        for (id, value) in received.iter().flat_map(|client| &client.samples) {
            common.values.entry(*id).or_insert(*value);
            let latest = common.latest.entry(id.t.0).or_insert(*id);
            *latest = (*latest).max(*id);
        }
        common
    }

    /// By what a later era told of the same instant.
    fn is_superseded(&self, id: EventId) -> bool {
        self.latest.get(&id.t.0).is_some_and(|latest| id < *latest)
    }
}

impl History {
    pub(crate) fn ask(port: u16, from: i64, to: i64) -> Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        let path = format!("/api/v1/history?series=load.load1&from={from}&to={to}&points=10000");
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let len = head_len(&bytes).ok_or("the answer has no head")?;
        let mut body = Body::new(&bytes[..len])?;
        body.receive(&bytes[len..])?;
        let answer: Value = serde_json::from_slice(&body.text)?;
        let instants = answer["t"].as_array().ok_or("the history has no instants")?;
        let means = find(&answer, "mean").and_then(Value::as_array).ok_or("the history has no values")?;
        let values: BTreeMap<i64, Option<f64>> =
            instants.iter().filter_map(Value::as_i64).zip(means.iter().map(Value::as_f64)).collect();
        if values.is_empty() || values.len() != means.len() {
            return Err("the history is empty, or has an instant twice".into());
        }
        Ok(Self { values })
    }
}

/// The first of this name, however deep.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Object(map) = value else { return None };
    map.get(name).or_else(|| map.values().find_map(|value| find(value, name)))
}

pub(crate) fn judge(received: &[Received], history: &History, kills: &[i64], end: i64) -> Verdict {
    let mut verdict = Verdict::default();
    let common = Common::of(received);
    for (number, client) in received.iter().enumerate() {
        let name = format!("client {number} ({:?})", client.kind);
        verdict.judge_one(&name, client, &common, history, kills, end);
    }
    verdict
}

impl Verdict {
    fn judge_one(
        &mut self,
        name: &str,
        client: &Received,
        common: &Common,
        history: &History,
        kills: &[i64],
        end: i64,
    ) {
        self.samples += client.samples.len();
        for fault in &client.faults {
            self.faults += 1;
            self.tell(format!("{name}: {fault}"));
        }
        let mut had: BTreeMap<i64, EventId> = BTreeMap::new();
        let mut newest = None;
        for (id, value) in &client.samples {
            if newest.is_some_and(|newest| *id <= newest) {
                self.doubled += 1;
                self.tell(format!("{name}: {id} after {newest:?}"));
            }
            newest = newest.max(Some(*id));
            let t = id.t.0;
            let latest = had.entry(t).or_insert(*id);
            *latest = (*latest).max(*id);
            let first = common.values.get(id).unwrap_or(value);
            if first != value {
                self.wrong += 1;
                self.tell(format!("{name}: {id} is {value:?}, another time it was {first:?}"));
                continue;
            }
            // What supersedes it is remembered instead; that is as if it were not.
            match history.values.get(&t).filter(|_| !common.is_superseded(*id)) {
                Some(known) if known == value => {}
                Some(known) => {
                    self.wrong += 1;
                    self.tell(format!("{name}: {id} is {value:?}, the history has {known:?}"));
                }
                None if t > end => {}
                None if kills.iter().any(|kill| (kill - LOST_MS..=kill + INTERVAL_MS).contains(&t)) => {
                    self.forgotten += 1;
                }
                None => {
                    self.wrong += 1;
                    self.tell(format!("{name}: {id} is not in the history"));
                }
            }
        }
        let Some(first) = had.keys().next().copied() else {
            self.lost += history.values.len();
            return self.tell(format!("{name}: has had nothing"));
        };
        for (from, to) in client.gaps.iter().filter_map(|gap| gap.from.zip(gap.to)) {
            if let Some((t, id)) = had.range(from..=to).next() {
                self.denied += 1;
                self.tell(format!("{name}: {t} was told to be missing, and it has {id}"));
            }
        }
        for t in (first..=end).step_by(INTERVAL_MS.unsigned_abs() as usize) {
            let own = had.get(&t);
            if history.values.contains_key(&t) {
                // Who has only what was superseded has not had what is remembered.
                if own.is_none_or(|own| common.is_superseded(*own)) {
                    self.lost += 1;
                    self.tell(format!("{name}: {t} is lost"));
                }
            } else if own.is_none() && !client.gaps.iter().any(|gap| covers(*gap, t)) {
                self.unannounced += 1;
                self.tell(format!("{name}: {t} is missing and nobody said so"));
            }
        }
    }

    fn tell(&mut self, mistake: String) {
        self.mistakes.push(mistake);
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.wrong + self.unannounced + self.denied + self.faults == 0
    }

    pub(crate) fn print(&self, disconnects: usize, restarts: usize, clients: usize, remembered: usize) {
        for mistake in self.mistakes.iter().take(TOLD) {
            println!("  {mistake}");
        }
        let Self { samples, lost, doubled, wrong, unannounced, denied, faults, forgotten, .. } = self;
        println!("{disconnects} disconnects and {restarts} restarts, {clients} clients, {samples} samples received");
        println!(
            "  {remembered} samples are in the history, {forgotten} more were seen and lost to kills, as they may be"
        );
        println!(
            "  lost {lost}, doubled {doubled}, wrong values {wrong}, unannounced holes {unannounced}, holes that are none {denied}, faults {faults}"
        );
        println!("  must be 0 and 0: {}", if self.is_clean() { "reached" } else { "MISSED" });
    }
}

/// A gap that does not say where it begins or ends explains nothing.
fn covers(gap: Told, t: i64) -> bool {
    gap.from.zip(gap.to).is_some_and(|(from, to)| (from..=to).contains(&t))
}
