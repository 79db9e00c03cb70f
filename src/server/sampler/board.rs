//! What the collectors answered, put together: the catalog in the order it is shown, and the sample.

use super::collector::Reading;
use super::crew::Outcome;
use crate::model::sample::FamilyValues;
use crate::model::{Catalog, Family, Sample, UnixMs};
use std::collections::HashSet;
use std::sync::Arc;

/// The families as they are known, and the catalog made of them.
#[derive(Default)]
pub struct Board {
    /// What each collector had when it last answered.
    known: Vec<Vec<Arc<Family>>>,
    /// Collector and position of each family of the catalog, in catalog order.
    places: Vec<(usize, usize)>,
    catalog: Arc<Catalog>,
}

impl Board {
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Takes note of the families that answered; whether the catalog changed.
    pub fn learn(&mut self, outcomes: &[Outcome]) -> bool {
        self.known.resize_with(outcomes.len(), Vec::new);
        let mut changed = false;
        for (known, outcome) in self.known.iter_mut().zip(outcomes) {
            if let Outcome::Read(readings) = outcome
                && !are_same(known, readings)
            {
                *known = readings.iter().map(|reading| Arc::clone(&reading.family)).collect();
                changed = true;
            }
        }
        if changed {
            self.compose();
        }
        changed
    }

    /// The sample of tick `t`: families of a late collector are absent, those of a failed one are null.
    pub fn sample(&self, t: UnixMs, outcomes: &mut [Outcome]) -> Sample {
        let mut families = Vec::with_capacity(self.places.len());
        for &(collector, position) in &self.places {
            let family = &self.known[collector][position];
            if !family.is_due(t) {
                continue;
            }
            let values = match &mut outcomes[collector] {
                Outcome::Read(readings) => std::mem::take(&mut readings[position].values),
                Outcome::Failed => vec![None; family.dimensions.len()],
                Outcome::Late | Outcome::NotDue => continue,
            };
            families.push(FamilyValues { family: Arc::clone(&family.id), values });
        }
        let mut sample = Sample { t, families };
        sample.round(&self.catalog);
        sample
    }

    fn compose(&mut self) {
        let mut seen = HashSet::new();
        self.places = (0..self.known.len())
            .flat_map(|collector| (0..self.known[collector].len()).map(move |position| (collector, position)))
            // Ids of different devices differ but for a chance collision of their digests; the first one stays.
            .filter(|&(collector, position)| seen.insert(&*self.known[collector][position].id))
            .collect();
        self.places.sort_by_key(|&(collector, position)| rank(&self.known[collector][position].id));
        self.catalog =
            Arc::new(Catalog(self.places.iter().map(|&(c, position)| (*self.known[c][position]).clone()).collect()));
    }
}

/// Collectors give the same `Arc` as long as nothing changed, so that this is mostly a comparison of pointers.
fn are_same(known: &[Arc<Family>], readings: &[Reading]) -> bool {
    known.len() == readings.len()
        && known
            .iter()
            .zip(readings)
            .all(|(known, reading)| Arc::ptr_eq(known, &reading.family) || *known == reading.family)
}

/// Where a family stands on the page; those of one rank keep the order of their collector.
fn rank(id: &str) -> usize {
    const ORDER: [&str; 28] = [
        "cpu",
        "cpu.throttled",
        "pressure.cpu",
        "load",
        "cpu.cores",
        "cpu.host",
        "cpu.frequency",
        "cpu.thermal",
        "tasks",
        "processes",
        "interrupts",
        "memory",
        "memory.available",
        "pressure.memory",
        "swap",
        "swap.io",
        "zram",
        "memory.host",
        "pressure.io",
        "disk.",
        "fs.",
        "net.",
        "tcp",
        "conntrack",
        "cgroup.",
        "temperature",
        "battery",
        "self",
    ];
    ORDER
        .iter()
        .position(|entry| if entry.ends_with('.') { id.starts_with(entry) } else { id == *entry })
        .unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Unit};

    fn family(id: &str, interval: Interval) -> Arc<Family> {
        Arc::new(Family::new(id, id, Unit::Count, interval, &[("a", "a"), ("b", "b")]))
    }

    fn read(ids: &[&str]) -> Outcome {
        Outcome::Read(
            ids.iter().map(|id| Reading::new(&family(id, Interval::SECOND), [Some(1.0), Some(2.0)])).collect(),
        )
    }

    fn ids(catalog: &Catalog) -> Vec<&str> {
        catalog.iter().map(|family| &*family.id).collect()
    }

    #[test]
    fn the_catalog_has_an_order_and_no_doubles() {
        let mut board = Board::default();
        assert!(board.learn(&[
            read(&["self"]),
            read(&["net.eth0.traffic", "net.eth0.packets"]),
            read(&["disk.sda.io", "disk.sda.ops", "disk.sda.io"]),
            read(&["cpu", "cpu.cores"]),
            read(&["pressure.io", "pressure.cpu"]),
        ]));
        let expected = [
            "cpu",
            "pressure.cpu",
            "cpu.cores",
            "pressure.io",
            "disk.sda.io",
            "disk.sda.ops",
            "net.eth0.traffic",
            "net.eth0.packets",
            "self",
        ];
        assert_eq!(ids(board.catalog()), expected);
        assert!(!board.learn(&[Outcome::Late, Outcome::Failed, Outcome::NotDue, Outcome::Late, Outcome::Late]));
        assert_eq!(ids(board.catalog()), expected, "what does not answer keeps its families");
    }

    #[test]
    fn what_appears_and_vanishes_changes_the_catalog() {
        let mut board = Board::default();
        for (disks, changed) in
            [(&["disk.sda.io"][..], true), (&["disk.sda.io"], false), (&["disk.sdb.io"], true), (&[], true)]
        {
            assert_eq!(board.learn(&[read(disks), read(&["cpu"])]), changed, "{disks:?}");
            assert_eq!(board.catalog().iter().count(), disks.len() + 1);
        }
    }

    #[test]
    fn a_sample_holds_what_was_due_and_in_time() {
        let slow = family("fs./.space", Interval::SECOND.times(10));
        let mut first = [
            read(&["cpu"]),
            read(&["load"]),
            read(&["memory"]),
            Outcome::Read(vec![Reading::new(&slow, [None, None])]),
        ];
        let mut board = Board::default();
        board.learn(&first);
        let sample = board.sample(UnixMs(10_000), &mut first);
        assert_eq!(sample.families.len(), 4);
        let mut second = [read(&["cpu"]), Outcome::Failed, Outcome::Late, Outcome::NotDue];
        board.learn(&second);
        let sample = board.sample(UnixMs(11_000), &mut second);
        assert_eq!(sample.values("cpu"), Some(&[Some(1.0), Some(2.0)][..]));
        assert_eq!(sample.values("load"), Some(&[None, None][..]), "failed: null");
        assert_eq!((sample.values("memory"), sample.values("fs./.space")), (None, None), "late or not due: absent");
    }
}
