//! A recording of more devices than may be shown: what is beyond the cap is left out of catalog and samples.

use crate::model::{Catalog, Device, DeviceKind, LastSeen, Observation, Sample};
use crate::server::meter::Meter;
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::{Settings, Source, Stop};
use std::collections::HashSet;
use std::sync::Arc;

pub struct Capped {
    source: Box<dyn Source>,
    caps: Vec<(DeviceKind, DeviceCap)>,
    /// The catalog as it is recorded, and without what is left out.
    recorded: Arc<Catalog>,
    catalog: Arc<Catalog>,
    /// The families of the catalog; `None` when nothing is left out.
    kept: Option<HashSet<Arc<str>>>,
}

impl Capped {
    pub fn new(source: Box<dyn Source>, recorded: &Arc<Catalog>, settings: &Settings, meter: &Arc<Meter>) -> Self {
        let caps = DeviceKind::ALL.into_iter().map(|kind| (kind, DeviceCap::new(kind, settings, meter))).collect();
        let (recorded, catalog) = (Arc::clone(recorded), Arc::clone(recorded));
        let mut capped = Self { source, caps, recorded, catalog, kept: None };
        capped.cap();
        capped
    }

    /// What is left of the catalog.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    fn cap(&mut self) {
        let mut kept = HashSet::new();
        for (kind, cap) in &self.caps {
            let mut devices = Device::all(*kind, &self.recorded);
            cap.apply(&mut devices);
            let families = devices.iter().flat_map(|device| device.families(&self.recorded));
            kept.extend(families.map(|family| Arc::clone(&family.id)));
        }
        let families = self.recorded.iter();
        kept.extend(families.filter(|family| family.device().is_none()).map(|family| Arc::clone(&family.id)));
        let is_whole = self.recorded.iter().all(|family| kept.contains(&family.id));
        if !is_whole {
            let families = self.recorded.iter().filter(|family| kept.contains(&family.id));
            self.catalog = Arc::new(Catalog(families.cloned().collect()));
        }
        self.kept = (!is_whole).then_some(kept);
    }
}

impl Source for Capped {
    fn resume(&mut self, last: LastSeen) {
        self.source.resume(last);
    }

    fn run(mut self: Box<Self>, stop: &Stop, sink: &mut dyn FnMut(Observation)) {
        let source = std::mem::replace(&mut self.source, Box::new(Nothing));
        source.run(stop, &mut |observation| {
            sink(match observation {
                Observation::Catalog(catalog) => {
                    (self.recorded, self.catalog) = (Arc::clone(&catalog), catalog);
                    self.cap();
                    Observation::Catalog(self.catalog())
                }
                Observation::Sample { id, sample } => {
                    let Some(kept) = &self.kept else { return sink(Observation::Sample { id, sample }) };
                    let families = sample.families.iter().filter(|entry| kept.contains(&entry.family));
                    let sample = Arc::new(Sample { t: sample.t, families: families.cloned().collect() });
                    Observation::Sample { id, sample }
                }
                Observation::Gap(gap) => Observation::Gap(gap),
            });
        });
    }
}

/// Stands where the source was, once that runs.
struct Nothing;

impl Source for Nothing {
    fn resume(&mut self, _: LastSeen) {}

    fn run(self: Box<Self>, _: &Stop, _: &mut dyn FnMut(Observation)) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::FamilyValues;
    use crate::model::{EventId, Family, Interval, Unit, UnixMs};

    struct Script(Vec<Observation>);

    impl Source for Script {
        fn resume(&mut self, _: LastSeen) {}

        fn run(self: Box<Self>, _: &Stop, sink: &mut dyn FnMut(Observation)) {
            self.0.into_iter().for_each(sink);
        }
    }

    fn catalog(ids: &[&str]) -> Arc<Catalog> {
        let family = |id: &&str| Family::new(id, id, Unit::Count, Interval::SECOND, &[("a", "a")]);
        Arc::new(Catalog(ids.iter().map(family).collect()))
    }

    fn sample(ids: &[&str]) -> Observation {
        let families = ids.iter().map(|id| FamilyValues { family: (*id).into(), values: vec![None] }).collect();
        let t = UnixMs(1_000);
        Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample: Arc::new(Sample { t, families }) }
    }

    #[test]
    fn what_is_beyond_the_cap_is_left_out_and_counted() {
        let (all, fewer) = (["cpu", "disk.a.io", "disk.a.util", "disk.b.io", "net.x.traffic"], ["cpu", "disk.b.io"]);
        let script = vec![sample(&all), Observation::Catalog(catalog(&fewer)), sample(&fewer)];
        let (settings, meter) = (Settings { max_devices: 1, ..Settings::default() }, Arc::new(Meter::default()));
        let capped = Capped::new(Box::new(Script(script)), &catalog(&all), &settings, &meter);
        assert_eq!(capped.catalog(), catalog(&["cpu", "disk.a.io", "disk.a.util", "net.x.traffic"]));
        assert_eq!((meter.left_out(DeviceKind::Disk), meter.left_out(DeviceKind::Interface)), (1, 0));
        let mut seen = Vec::new();
        Box::new(capped).run(&Stop::new(), &mut |observation| {
            seen.push(match observation {
                Observation::Catalog(catalog) => catalog.iter().map(|family| family.id.to_string()).collect(),
                Observation::Sample { sample, .. } => {
                    sample.families.iter().map(|entry| entry.family.to_string()).collect()
                }
                Observation::Gap(_) => Vec::new(),
            });
        });
        let kept = ["cpu", "disk.a.io", "disk.a.util", "net.x.traffic"];
        assert_eq!(seen, [&kept[..], &fewer[..], &fewer[..]]);
        assert_eq!(meter.left_out(DeviceKind::Disk), 0);
    }
}
