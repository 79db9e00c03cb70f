//! What is shown of a network interface, from its counters: `net.<interface>.traffic`, `.packets` and `.errors`.

use super::collector::Reading;
use super::rate::Counter;
use crate::model::{Family, Interval, Unit, label};
use std::sync::Arc;
use std::time::Duration;

/// What of an interface a platform counts beside bytes, packets and errors in both directions.
pub enum Counts {
    Errors,
    ErrorsAndDrops,
}

pub struct Interface {
    traffic: Arc<Family>,
    packets: Arc<Family>,
    errors: Arc<Family>,
    counters: Vec<Counter>,
}

impl Interface {
    pub fn new(name: &[u8], interval: Interval, counts: &Counts) -> Self {
        let (id, title) = (label::id_part(name), label::text(name));
        let family = |end: &str, what: &str, unit, dimensions: &[_]| {
            let title = format!("Network {title}: {what}");
            Arc::new(Family::new(&format!("net.{id}.{end}"), &title, unit, interval, dimensions))
        };
        let both = [("received", "received"), ("sent", "sent")];
        let errors = [
            ("received", "receive errors"),
            ("sent", "send errors"),
            ("received_dropped", "received and dropped"),
            ("sent_dropped", "dropped before sending"),
        ];
        let (what, errors) = match counts {
            Counts::Errors => ("errors", &both[..]),
            Counts::ErrorsAndDrops => ("errors and drops", &errors[..]),
        };
        Self {
            traffic: family("traffic", "traffic", Unit::BytesPerSecond, &both),
            packets: family("packets", "packets", Unit::PerSecond, &both),
            errors: family("errors", what, Unit::PerSecond, errors),
            counters: (0..4 + errors.len()).map(|_| Counter::default()).collect(),
        }
    }

    /// The counts in the order of the families, received before sent.
    pub fn readings(&mut self, counts: &[u64], at: Duration) -> [Reading; 3] {
        let counters = self.counters.iter_mut().zip(counts);
        let rates: Vec<_> = counters.map(|(counter, count)| counter.per_second(*count, at)).collect();
        let (traffic, rest) = rates.split_at(2);
        let (packets, errors) = rest.split_at(2);
        [Reading::new(&self.traffic, traffic), Reading::new(&self.packets, packets), Reading::new(&self.errors, errors)]
    }
}
