//! How full a mounted file system is, as families: `fs.<mount>.space` and `.inodes`.

use super::collector::Reading;
use super::probe::Space;
use crate::model::{Family, Interval, Unit, label};
use std::sync::Arc;

pub struct Filling {
    space: Arc<Family>,
    inodes: Arc<Family>,
    has_inodes: bool,
}

impl Filling {
    pub fn new(point: &[u8], interval: Interval) -> Self {
        let (id, title) = (label::id_part(point), label::text(point));
        let family = |end: &str, what: &str, unit, dimensions: &[_]| {
            let title = format!("File system {title}: {what}");
            Arc::new(Family::new(&format!("fs.{id}.{end}"), &title, unit, interval, dimensions).stacked())
        };
        let space = [("used", "used"), ("reserved", "reserved for root"), ("free", "free")];
        Self {
            space: family("space", "space", Unit::Bytes, &space),
            inodes: family("inodes", "inodes", Unit::Count, &[("used", "used"), ("free", "free")]),
            has_inodes: false,
        }
    }

    /// What it answers now; without an answer, that there is none.
    pub fn readings(&mut self, answer: Option<&Space>) -> Vec<Reading> {
        if let Some(space) = answer {
            self.has_inodes = space.inodes > 0;
        }
        let count = |count: fn(&Space) -> u64| answer.map(|space| count(space) as f64);
        let values = [
            count(|space| space.total.saturating_sub(space.free)),
            count(|space| space.free.saturating_sub(space.available)),
            count(|space| space.available),
        ];
        let mut readings = vec![Reading::new(&self.space, values)];
        if self.has_inodes {
            let values =
                [count(|space| space.inodes.saturating_sub(space.inodes_free)), count(|space| space.inodes_free)];
            readings.push(Reading::new(&self.inodes, values));
        }
        readings
    }
}
