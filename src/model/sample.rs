//! A sample is one tick: an instant and, for each family due, its dimensions' values in catalog order.

use super::family::Catalog;
use super::time::UnixMs;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub t: UnixMs,
    /// Only the families that were due and in time. A `None` is a value that could not be read.
    pub families: Vec<FamilyValues>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FamilyValues {
    pub family: Arc<str>,
    pub values: Vec<Option<f64>>,
}

impl Sample {
    pub fn values(&self, family: &str) -> Option<&[Option<f64>]> {
        self.families.iter().find(|entry| &*entry.family == family).map(|entry| entry.values.as_slice())
    }

    /// Rounds each value to what its unit makes meaningful and drops what is not a finite number,
    /// so that the same figures are kept, sent and drawn.
    pub fn round(&mut self, catalog: &Catalog) {
        for entry in &mut self.families {
            let Some(family) = catalog.family(&entry.family) else { continue };
            for (index, value) in entry.values.iter_mut().enumerate() {
                let scale = 10_f64.powi(i32::from(family.unit_of(index).decimals()));
                // Adding zero turns a negative zero into the ordinary one.
                *value = value.filter(|value| value.is_finite()).map(|value| (value * scale).round() / scale + 0.0);
            }
        }
    }
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.families.len() + 1))?;
        map.serialize_entry("t", &self.t)?;
        for entry in &self.families {
            map.serialize_entry(&*entry.family, &Values(&entry.values))?;
        }
        map.end()
    }
}

/// Writes whole numbers without a fraction (`12`, not `12.0`): shorter, and as the contract shows them.
struct Values<'a>(&'a [Option<f64>]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|value| value.map(Number)))
    }
}

struct Number(f64);

/// Up to here every whole `f64` is exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SampleVisitor)
    }
}

struct SampleVisitor;

impl<'de> Visitor<'de> for SampleVisitor {
    type Value = Sample;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object with t and an array for each family")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Sample, M::Error> {
        let mut t = None;
        let mut families = Vec::with_capacity(map.size_hint().unwrap_or(32));
        while let Some(key) = map.next_key::<String>()? {
            if key == "t" {
                t = Some(map.next_value()?);
            } else {
                families.push(FamilyValues { family: key.into(), values: map.next_value()? });
            }
        }
        Ok(Sample { t: t.ok_or_else(|| de::Error::missing_field("t"))?, families })
    }
}

/// A value as JSON writes it, with at most so many decimal places; `null` where there is none.
pub fn write_number(to: &mut String, value: f64, decimals: u8) {
    let scale = 10_f64.powi(i32::from(decimals));
    let value = (value * scale).round() / scale + 0.0;
    if !value.is_finite() {
        to.push_str("null");
    } else if value.fract() == 0.0 && value.abs() < EXACT {
        to.push_str(&(value as i64).to_string());
    } else {
        to.push_str(&value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_reads_back_as_it_was_written() -> Result<(), serde_json::Error> {
        let text = r#"{"t":1795235686000,"cpu":[12.1,0,3.2,null],"memory":[16000000000,0]}"#;
        let sample: Sample = serde_json::from_str(text)?;
        assert_eq!(sample.values("cpu"), Some(&[Some(12.1), Some(0.0), Some(3.2), None][..]));
        assert_eq!(serde_json::to_string(&sample)?, text);
        Ok(())
    }
}
