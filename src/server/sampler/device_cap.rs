//! How many devices of a kind are measured, as configured; how many are not is told.

use super::Settings;
use crate::model::DeviceKind;
use crate::server::meter::Meter;
use std::sync::Arc;

/// More than this is not accepted: what a hostile table of a million interfaces may cost at most.
pub const MOST_DEVICES: usize = 4_096;

#[derive(Clone, Debug)]
pub struct DeviceCap {
    kind: DeviceKind,
    most: usize,
    meter: Arc<Meter>,
}

impl DeviceCap {
    pub fn new(kind: DeviceKind, settings: &Settings, meter: &Arc<Meter>) -> Self {
        Self { kind, most: settings.max_devices.min(MOST_DEVICES), meter: Arc::clone(meter) }
    }

    /// Keeps the first of all devices there are.
    pub fn apply<T>(&self, devices: &mut Vec<T>) {
        self.meter.set_left_out(self.kind, devices.len().saturating_sub(self.most));
        devices.truncate(self.most);
    }
}

#[cfg(test)]
impl DeviceCap {
    /// The cap of a test, and where it tells.
    pub fn of(kind: DeviceKind, most: usize) -> (Self, Arc<Meter>) {
        let meter = Arc::default();
        (Self::new(kind, &Settings { max_devices: most, ..Settings::default() }, &meter), meter)
    }

    /// The default, which no test reaches.
    pub fn roomy(kind: DeviceKind) -> Self {
        Self::new(kind, &Settings::default(), &Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stay_and_the_others_are_counted() {
        for (most, there, kept, left_out) in [(3, 0, 0, 0), (3, 3, 3, 0), (3, 5, 3, 2), (usize::MAX, 5_000, 4_096, 904)]
        {
            let (cap, meter) = DeviceCap::of(DeviceKind::Interface, most);
            let mut devices: Vec<usize> = (0..there).collect();
            cap.apply(&mut devices);
            assert_eq!(devices, (0..kept).collect::<Vec<_>>());
            assert_eq!((meter.left_out(DeviceKind::Interface), meter.left_out(DeviceKind::Disk)), (left_out, 0));
        }
    }
}
