//! `temperature`: a dimension a sensor.

use crate::model::{Dimension, Family, Interval, Unit, label};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use std::collections::BTreeMap;
use std::sync::Arc;
use sysinfo::{Component, Components};

const MOST_SENSORS: usize = 64;

pub struct Temperatures {
    /// Absent where the platform measures none.
    components: Option<Components>,
    family: Arc<Family>,
}

impl Temperatures {
    pub fn new(interval: Interval) -> Self {
        let family = Family::new("temperature", "Temperature", Unit::Celsius, interval, &[]);
        Self { components: Components::new().ok(), family: Arc::new(family) }
    }
}

impl Collector for Temperatures {
    fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let Some(components) = &mut self.components else { return Ok(Vec::new()) };
        components.refresh(true);
        let sensors: BTreeMap<String, &Component> =
            components.iter().map(|component| (id(component), component)).take(MOST_SENSORS).collect();
        if sensors.is_empty() {
            return Ok(Vec::new());
        }
        let dimensions: Vec<Dimension> = sensors
            .iter()
            .map(|(id, component)| Dimension {
                id: id.as_str().into(),
                label: label::text(component.label().trim().as_bytes()).into(),
                unit: None,
            })
            .collect();
        if dimensions != self.family.dimensions {
            self.family = Arc::new(Family { dimensions, ..(*self.family).clone() });
        }
        let values: Vec<_> = sensors.values().map(|component| celsius(component)).collect();
        Ok(vec![Reading::new(&self.family, values)])
    }
}

/// A series is told from its family by the last dot.
fn id(component: &Component) -> String {
    label::id_part(component.id().unwrap_or_else(|| component.label()).as_bytes()).replace('.', "_")
}

/// What no machine survives is no temperature.
fn celsius(component: &Component) -> Option<f64> {
    component.temperature().map(f64::from).filter(|celsius| (-60.0..=250.0).contains(celsius))
}
