//! The rows of lists: of devices, and of processes. A row is a place for whoever stands there now.

use super::super::search;
use super::parts;
use super::slot::{Slot, StrokeSurface, Way, all, first, part, write_all};
use crate::chart::{DeviceText, Scene, processes};
use crate::model::{Device, DeviceKind, ProcessOrder, ProcessTable};
use web_sys::Element;

pub(super) struct DeviceSurface {
    kind: DeviceKind,
    list: Element,
    rows: Vec<DeviceRow>,
    /// Who stands in the rows until the next time that is decided.
    devices: Vec<Device>,
}

struct DeviceRow {
    name: Slot,
    address: Slot,
    figures: Vec<Slot>,
    spark: StrokeSurface,
}

impl DeviceSurface {
    pub(super) fn find(list: &Element) -> Option<Self> {
        let kind = list.get_attribute("data-devices")?;
        let row = |row: Element| {
            let name = first(&row, &part(parts::NAME));
            DeviceRow {
                address: Slot::new(name.clone(), Way::Attribute("href")),
                name: Slot::new(name, Way::Text),
                figures: values(&row),
                spark: StrokeSurface::find(&row),
            }
        };
        Some(Self {
            kind: DeviceKind::ALL.into_iter().find(|known| known.id() == kind)?,
            list: list.clone(),
            rows: all(list, &part(parts::DEVICE)).map(row).collect(),
            devices: Vec::new(),
        })
    }

    pub(super) fn draw(&mut self, scene: &Scene, decide: bool) {
        // What somebody is about to follow stays where it is.
        let is_used = self.list.matches(":hover,:focus-within").unwrap_or(false);
        if (decide && !is_used) || self.devices.is_empty() {
            self.devices = scene.busiest(self.kind, self.rows.len());
        }
        let texts = scene.rows(&self.devices).into_iter().chain(std::iter::repeat_with(DeviceText::default));
        for (row, text) in self.rows.iter_mut().zip(texts) {
            row.name.write(text.name);
            row.address.write(text.address);
            write_all(&mut row.figures, text.figures);
            row.spark.draw(text.spark);
        }
    }

    /// The catalog is another one: who stood where in the old one says nothing.
    pub(super) fn forget(&mut self) {
        self.devices.clear();
    }

    pub(super) fn point(&mut self, scene: &Scene) {
        if self.devices.is_empty() {
            return self.draw(scene, true);
        }
        for (row, device) in self.rows.iter_mut().zip(&self.devices) {
            write_all(&mut row.figures, scene.figures(device));
        }
    }
}

pub(super) struct ProcessSurface {
    order: ProcessOrder,
    search: String,
    table: Option<ProcessTable>,
    summary: Slot,
    rows: Vec<ProcessRow>,
}

struct ProcessRow {
    is_empty: Slot,
    name: Slot,
    arguments: Slot,
    cells: Vec<Slot>,
}

impl ProcessSurface {
    pub(super) fn find(board: &Element) -> Option<Self> {
        let table = first(board, &format!("#{}", parts::PROCESSES))?;
        let row = |row: Element| ProcessRow {
            name: Slot::find(&row, parts::NAME, Way::Text),
            arguments: Slot::find(&row, parts::ARGUMENTS, Way::Text),
            cells: values(&row),
            is_empty: Slot::new(Some(row), Way::Attribute("data-empty")),
        };
        Some(Self {
            order: table.get_attribute("data-order")?.parse().unwrap_or_default(),
            search: search::typed(),
            table: None,
            summary: Slot::find(board, parts::COUNT, Way::Text),
            rows: all(&table, &part(parts::PROCESS)).map(row).collect(),
        })
    }

    pub(super) fn take(&mut self, table: ProcessTable, scene: &Scene) {
        self.table = Some(table);
        self.draw(scene);
    }

    pub(super) fn find_by(&mut self, search: String, scene: &Scene) {
        self.search = search;
        self.draw(scene);
    }

    fn draw(&mut self, scene: &Scene) {
        let Some(table) = &self.table else { return };
        let (texts, summary) = processes::rows(table, self.order, &self.search, self.rows.len(), scene.offset_minutes);
        self.summary.write(summary);
        for (row, text) in self.rows.iter_mut().zip(texts) {
            row.is_empty.write(if text.is_empty() { "true" } else { "false" }.to_owned());
            row.name.write(text.name);
            row.arguments.write(text.arguments);
            write_all(&mut row.cells, text.cells.into());
        }
    }
}

fn values(row: &Element) -> Vec<Slot> {
    all(row, &part(parts::VALUE)).map(|value| Slot::new(Some(value), Way::Text)).collect()
}
