//! Reads what the server sends with the browser's own JSON parser: another one in the wasm would be a
//! third of it. Samples, which are many, are read by `scan`.

use super::page::{PageState, Past, Theme, Zone};
use crate::model::event::{Gap, GapReason};
use crate::model::family::{Catalog, Dimension, Family, Unit};
use crate::model::{Interval, Process, ProcessTable, UnixMs};
use js_sys::{Array, JSON, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// A value out of somebody else's hands: every question about it may be answered with `None`.
#[derive(Clone, Debug)]
pub(super) struct Json(JsValue);

impl Json {
    pub(super) fn parse(text: &str) -> Option<Self> {
        JSON::parse(text).ok().map(Self)
    }

    pub(super) fn field(&self, name: &str) -> Option<Self> {
        Reflect::get(&self.0, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null()).map(Self)
    }

    pub(super) fn text(&self) -> Option<String> {
        self.0.as_string()
    }

    pub(super) fn number(&self) -> Option<f64> {
        self.0.as_f64()
    }

    pub(super) fn items(&self) -> impl Iterator<Item = Self> + use<> {
        let items = self.0.dyn_ref::<Array>().cloned().unwrap_or_default();
        (0..items.length()).map(move |index| Self(items.get(index)))
    }

    pub(super) fn text_at(&self, name: &str) -> Option<String> {
        self.field(name)?.text()
    }

    fn time_at(&self, name: &str) -> Option<UnixMs> {
        self.field(name)?.number().map(|ms| UnixMs(ms as i64))
    }

    fn interval_at(&self, name: &str) -> Option<Interval> {
        Interval::from_ms(self.field(name)?.number()? as u32)
    }

    pub(super) fn count_at(&self, name: &str) -> Option<u32> {
        self.field(name)?.number().map(|count| count as u32)
    }
}

pub(super) fn gap(json: &Json) -> Option<Gap> {
    let reason = json.text_at("reason")?;
    let reason = GapReason::ALL.into_iter().find(|known| known.id() == reason).unwrap_or(GapReason::Unknown);
    Some(Gap { from: json.time_at("from"), to: json.time_at("to"), reason })
}

pub(super) fn catalog(json: &Json) -> Option<Catalog> {
    json.items().map(|item| family(&item)).collect::<Option<Vec<_>>>().map(Catalog)
}

fn family(json: &Json) -> Option<Family> {
    let dimension = |json: Json| {
        let unit = json.text_at("unit").and_then(|unit| Unit::parse(&unit));
        Some(Dimension { id: json.text_at("id")?.into(), label: json.text_at("label")?.into(), unit })
    };
    Some(Family {
        id: json.text_at("id")?.into(),
        title: json.text_at("title")?.into(),
        unit: Unit::parse(&json.text_at("unit")?)?,
        stacked: json.field("stacked").is_some_and(|stacked| stacked.0.is_truthy()),
        interval_ms: json.interval_at("interval_ms")?,
        dimensions: json.field("dimensions")?.items().map(dimension).collect::<Option<_>>()?,
    })
}

pub(super) fn processes(json: &Json) -> Option<ProcessTable> {
    Some(ProcessTable {
        at: json.time_at("at")?,
        total: json.count_at("total")? as usize,
        processes: json.field("processes")?.items().map(|item| process(&item)).collect::<Option<_>>()?,
    })
}

fn process(json: &Json) -> Option<Process> {
    let text = |name| json.text_at(name).map(Into::into);
    let bytes = |name| json.field(name).and_then(|value| value.number()).map(|bytes| bytes as u64);
    Some(Process {
        pid: json.count_at("pid")?,
        name: text("name")?,
        user: text("user"),
        cpu_percent: json.field("cpu_percent").and_then(|value| value.number()),
        memory_bytes: bytes("memory_bytes"),
        read_bytes_per_s: bytes("read_bytes_per_s"),
        written_bytes_per_s: bytes("written_bytes_per_s"),
        threads: json.count_at("threads"),
        started_at: json.time_at("started_at"),
        arguments: text("arguments"),
    })
}

fn past(json: &Json) -> Option<Past> {
    let is_fixed = json.field("is_fixed").is_some_and(|is| is.0.is_truthy());
    Some(Past { end: json.time_at("end")?, step: json.interval_at("step")?, is_fixed })
}

pub(super) fn page_state(json: &Json) -> Option<PageState> {
    let zone = json.field("zone")?;
    Some(PageState {
        catalog: json.field("catalog")?.number()? as u32,
        query: json.text_at("query")?.into(),
        interval: json.interval_at("interval")?,
        address: json.text_at("address")?.into(),
        window_ms: json.time_at("window_ms")?.0,
        past: json.field("past").as_ref().and_then(past),
        at: json.time_at("at"),
        zone: Zone {
            name: zone.text_at("name")?.into(),
            offset_minutes: zone.field("offset_minutes")?.number()? as i32,
        },
        theme: Theme::parse(&json.text_at("theme")?),
        last: json.text_at("last").and_then(|id| id.parse().ok()),
        build: json.text_at("build")?.into(),
    })
}
