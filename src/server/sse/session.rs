//! What one subscriber is told, as bytes: the same whoever sends them.

use super::random;
use super::request::Request;
use super::wire::Wire;
use crate::model::event::{Bye, ByeReason};
use crate::model::{EventName, UnixMs};
use crate::server::hub::{Chained, Edition, Hub, Naming, Next, Resume, json_line};
use crate::server::meter::{Look, Meter};
use crate::server::subscribers::{Subscription, now};
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;

/// When to come back after a lost connection, in milliseconds, spread so that a restart is no storm.
const RETRY_MS: (u32, u32) = (1_000, 3_000);
/// The same after a goodbye, when all are sent away at once.
const GOODBYE_RETRY_MS: (u32, u32) = (1_000, 5_000);
/// More clients are spread further: about this many come back in a millisecond.
const RETURNS_PER_MS: u32 = 1;
const LONGEST_RETRY_MS: u32 = 60_000;

/// One open stream. Everything it holds, its place in the registry too, goes with it.
#[derive(Debug)]
pub(super) struct Session {
    subscription: Subscription,
    wire: Wire,
    /// Of one that wants processes: as long as it is open, they are scanned.
    _look: Option<Look>,
    _chained: Option<Chained>,
}

#[derive(Serialize)]
struct Ping {
    t: UnixMs,
}

impl Session {
    pub(super) fn new(subscription: Subscription, request: &Request, hub: &Arc<Hub>, meter: &Meter) -> Self {
        if let Resume::After(_) = request.resume {
            meter.count_resumed();
        }
        Self {
            subscription,
            wire: Wire::new(request.naming, request.is_gzip),
            _look: request.wants.processes.then(|| meter.lookers().look()),
            _chained: (request.is_gzip && request.naming == Naming::Named).then(|| hub.chain()),
        }
    }

    pub(super) fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// Whoever sends it does nothing more to the bytes.
    pub(super) fn frame(&mut self) {
        self.wire.frame();
    }

    pub(super) fn is_framed(&self) -> bool {
        self.wire.is_framed()
    }

    /// What every stream begins with.
    pub(super) fn greet(&mut self, edition: &Edition, out: &mut Vec<Bytes>) {
        out.extend(self.wire.head());
        let greeting = edition.greeting(self.subscription.id(), self.wire.naming());
        let (shortest, longest) = RETRY_MS;
        let head = format!("retry: {}\n{}", random::between(shortest, longest), greeting.head);
        out.push(self.wire.own(&head));
        out.push(self.wire.shared(greeting.tail));
        self.subscription.count_sent();
    }

    /// What comes next, as bytes behind those that are there; of nothing there is nothing. Whether that was the end.
    pub(super) fn tell(&mut self, next: &Next, out: &mut Vec<Bytes>) -> bool {
        match next {
            Next::Slot(slot) => out.push(self.wire.slot(slot)),
            Next::Frame(frame) => out.push(self.wire.shared(frame.piece(self.wire.naming()))),
            Next::Gap(gap) => {
                self.subscription.count_gap();
                self.tell_own(EventName::Gap, gap, out);
            }
            Next::Closed(reason) => {
                self.leave(*reason, out);
                return true;
            }
            Next::Nothing => return false,
        }
        self.subscription.count_sent();
        false
    }

    pub(super) fn ping(&mut self, out: &mut Vec<Bytes>) {
        self.tell_own(EventName::Ping, &Ping { t: now() }, out);
        self.subscription.count_sent();
    }

    pub(super) fn leave(&mut self, reason: ByeReason, out: &mut Vec<Bytes>) {
        // Who is sent away alone comes back as after any lost connection.
        let retry_ms = match reason {
            ByeReason::Shutdown => goodbye_retry_ms(self.subscription.count_all()),
            ByeReason::Slow => {
                self.subscription.count_slow();
                random::between(RETRY_MS.0, RETRY_MS.1)
            }
        };
        let bye = own_event(EventName::Bye, &Bye { reason, retry_ms }, self.wire.naming());
        out.push(self.wire.own(&format!("retry: {retry_ms}\n{bye}")));
        out.push(self.wire.end());
        self.subscription.count_sent();
    }

    fn tell_own(&mut self, name: EventName, data: &impl Serialize, out: &mut Vec<Bytes>) {
        let text = own_event(name, data, self.wire.naming());
        out.push(self.wire.own(&text));
    }
}

/// An event that only one connection sends.
fn own_event(name: EventName, data: &impl Serialize, naming: Naming) -> String {
    let (name, json) = (name.as_str(), json_line(data));
    match naming {
        Naming::Named => format!("event: {name}\ndata: {json}\n\n"),
        Naming::Message => format!("data: {{\"type\":\"{name}\",\"data\":{json}}}\n\n"),
    }
}

fn goodbye_retry_ms(clients: usize) -> u32 {
    let (shortest, longest) = GOODBYE_RETRY_MS;
    let spread = u32::try_from(clients).unwrap_or(u32::MAX) / RETURNS_PER_MS;
    random::between(shortest, longest.max(shortest.saturating_add(spread)).min(LONGEST_RETRY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_clients_come_back_over_a_longer_time() {
        for (clients, longest) in [(0, 5_000), (4_000, 5_000), (20_000, 21_000), (1_000_000, 60_000)] {
            let drawn = (0..200).map(|_| goodbye_retry_ms(clients)).collect::<Vec<_>>();
            assert!(drawn.iter().all(|retry| (1_000..=longest).contains(retry)), "{clients}");
            assert!(drawn.iter().any(|retry| *retry > longest / 2), "{clients}");
        }
    }
}
