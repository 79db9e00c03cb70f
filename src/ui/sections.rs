//! Which charts stand where: utilisation first, then saturation, then errors, one section a resource.

use super::focus::Focus;
use crate::model::{Catalog, Device, DeviceKind, Family};

#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    pub id: &'static str,
    pub title: String,
    pub parts: Vec<Part>,
}

/// What stands in a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Chart(Family),
    /// A list of devices, because charts of each would be too many.
    Devices {
        kind: DeviceKind,
        whole: bool,
    },
}

/// Of a kind with more devices than this, a list is shown and no chart.
const CHARTED_DEVICES: usize = 3;

const SECTIONS: [(&str, &str); 8] = [
    ("cpu", "CPU"),
    ("memory", "Memory"),
    ("disks", "Disks"),
    ("network", "Network"),
    ("services", "Services and containers"),
    ("hardware", "Hardware"),
    ("other", "More"),
    ("self", "Telltale itself"),
];

/// The sections of the overview, in its focus. Where devices are left out, the list of their kind says so.
pub fn sections(catalog: &Catalog, focus: &Focus, left_out: &[(DeviceKind, u64)]) -> Vec<Section> {
    match focus {
        Focus::Everything => everything(catalog, left_out),
        Focus::All(kind) => {
            let title = match *kind {
                DeviceKind::Disk => "Disks",
                DeviceKind::FileSystem => "File systems",
                DeviceKind::Interface => "Network",
                DeviceKind::Service => "Services and containers",
            };
            vec![Section {
                id: kind.id(),
                title: title.to_owned(),
                parts: vec![Part::Devices { kind: *kind, whole: true }],
            }]
        }
        Focus::Device(device) => {
            let mut families: Vec<Family> = device.families(catalog).cloned().collect();
            families.sort_by_key(|family| place(&family.id).1);
            let parts = families.into_iter().map(Part::Chart).collect();
            vec![Section { id: "device", title: device.name.to_string(), parts }]
        }
    }
}

/// What this machine has something to show of. Families keep the catalog's order among equals.
fn everything(catalog: &Catalog, left_out: &[(DeviceKind, u64)]) -> Vec<Section> {
    let is_cut = |kind: &DeviceKind| left_out.iter().any(|(of, count)| of == kind && *count > 0);
    let listed: Vec<DeviceKind> =
        DeviceKind::ALL.into_iter().filter(|kind| is_listed(*kind, catalog) || is_cut(kind)).collect();
    let mut ranked: Vec<(&str, u8, Part)> = Vec::new();
    for family in catalog.iter() {
        let (section, rank) = place(&family.id);
        match DeviceKind::of(&family.id).filter(|(kind, _)| listed.contains(kind)) {
            Some((kind, _)) => {
                let list = Part::Devices { kind, whole: false };
                match ranked.iter_mut().find(|(.., part)| *part == list) {
                    Some((_, first, _)) => *first = rank.min(*first),
                    None => ranked.push((section, rank, list)),
                }
            }
            None => ranked.push((section, rank, Part::Chart(family.clone()))),
        }
    }
    ranked.sort_by_key(|(_, rank, _)| *rank);
    let mut sections: Vec<Section> =
        SECTIONS.into_iter().map(|(id, title)| Section { id, title: title.to_owned(), parts: Vec::new() }).collect();
    for (id, _, part) in ranked {
        if let Some(section) = sections.iter_mut().find(|section| section.id == id) {
            section.parts.push(part);
        }
    }
    sections.retain(|section| !section.parts.is_empty());
    sections
}

/// Services are many on any machine, and each alone says little.
fn is_listed(kind: DeviceKind, catalog: &Catalog) -> bool {
    let count = Device::all(kind, catalog).len();
    count > CHARTED_DEVICES || (kind == DeviceKind::Service && count > 0)
}

/// The section of a family, and its rank there.
fn place(family: &str) -> (&'static str, u8) {
    let last = family.rsplit('.').next().unwrap_or_default();
    match (family.split('.').next().unwrap_or_default(), last) {
        ("cpu", "cpu") => ("cpu", 0),
        ("cpu", "throttled") => ("cpu", 1),
        ("pressure", "cpu") => ("cpu", 2),
        ("load", _) => ("cpu", 3),
        ("cpu", "cores") => ("cpu", 4),
        ("cpu", "host") => ("cpu", 5),
        ("tasks" | "processes", _) => ("cpu", 6),
        ("interrupts", _) => ("cpu", 7),
        ("cpu", _) => ("cpu", 8),
        ("memory", "memory") => ("memory", 0),
        ("memory", "available") => ("memory", 1),
        ("pressure", "memory") => ("memory", 2),
        ("swap", "swap") => ("memory", 3),
        ("swap", _) => ("memory", 4),
        ("zram", _) => ("memory", 5),
        ("memory", _) => ("memory", 6),
        ("disk", "util") => ("disks", 0),
        ("pressure", "io") => ("disks", 1),
        ("disk", "io") => ("disks", 2),
        ("disk", "latency") => ("disks", 3),
        ("disk", _) => ("disks", 4),
        ("fs", "space") => ("disks", 5),
        ("fs", _) => ("disks", 6),
        ("net", "traffic") => ("network", 0),
        ("tcp", _) => ("network", 1),
        ("conntrack", _) => ("network", 2),
        ("net", "packets") => ("network", 3),
        ("net", _) => ("network", 4),
        ("cgroup", "cpu") => ("services", 0),
        ("cgroup", "memory") => ("services", 1),
        ("cgroup", _) => ("services", 2),
        ("temperature", _) => ("hardware", 0),
        ("battery", _) => ("hardware", 1),
        ("self", _) => ("self", 0),
        _ => ("other", 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Unit};

    #[test]
    fn every_family_has_a_place_in_a_fixed_order() {
        let families = [
            "net.eth0.100.errors",
            "self",
            "disk.sda.io",
            "pressure.io",
            "swap",
            "cpu.cores",
            "cpu",
            "disk.sda.util",
            "net.eth0.100.traffic",
            "memory",
            "surprise",
            "fs./var/lib.space",
        ];
        let catalog =
            Catalog(families.iter().map(|id| Family::new(id, id, Unit::Count, Interval::SECOND, &[])).collect());
        assert_eq!(
            shown(&catalog, &Focus::Everything),
            [
                "cpu: cpu cpu.cores",
                "memory: memory swap",
                "disks: disk.sda.util pressure.io disk.sda.io fs./var/lib.space",
                "network: net.eth0.100.traffic net.eth0.100.errors",
                "other: surprise",
                "self: self",
            ]
        );
    }

    #[test]
    fn very_many_devices_are_a_list() {
        let mut families = vec!["cpu".to_owned(), "pressure.io".to_owned(), "cgroup.nginx.cpu".to_owned()];
        for disk in 0..4 {
            families.push(format!("disk.sd{disk}.io"));
            families.push(format!("disk.sd{disk}.util"));
        }
        let family = |id: &String| Family::new(id, id, Unit::Count, Interval::SECOND, &[]);
        let catalog = Catalog(families.iter().map(family).collect());
        assert_eq!(
            shown(&catalog, &Focus::Everything),
            ["cpu: cpu", "disks: [disk] pressure.io", "services: [cgroup]"]
        );
        assert_eq!(shown(&catalog, &Focus::parse(Some("disk"), None, &catalog)), ["disk: [all disk]"]);
        assert_eq!(
            shown(&catalog, &Focus::parse(None, Some("disk.sd2"), &catalog)),
            ["device: disk.sd2.util disk.sd2.io"]
        );
    }

    fn shown(catalog: &Catalog, focus: &Focus) -> Vec<String> {
        sections(catalog, focus, &[])
            .iter()
            .map(|section| {
                let parts: Vec<String> = section
                    .parts
                    .iter()
                    .map(|part| match part {
                        Part::Chart(family) => family.id.to_string(),
                        Part::Devices { kind, whole: false } => format!("[{}]", kind.id()),
                        Part::Devices { kind, whole: true } => format!("[all {}]", kind.id()),
                    })
                    .collect();
                format!("{}: {}", section.id, parts.join(" "))
            })
            .collect()
    }
}
