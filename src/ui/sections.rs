//! Which charts stand where: utilisation first, then saturation, then errors, one section a resource.

use crate::model::{Catalog, Family};

#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    pub id: &'static str,
    pub title: &'static str,
    pub families: Vec<Family>,
}

/// The sections this machine has something to show in. Families keep the catalog's order among equals.
pub fn sections(catalog: &Catalog) -> Vec<Section> {
    let mut sections: Vec<Section> = [
        ("cpu", "CPU"),
        ("memory", "Memory"),
        ("disks", "Disks"),
        ("network", "Network"),
        ("services", "Services and containers"),
        ("hardware", "Hardware"),
        ("other", "More"),
        ("self", "Telltale itself"),
    ]
    .into_iter()
    .map(|(id, title)| Section { id, title, families: Vec::new() })
    .collect();
    for family in catalog.iter() {
        let (section, _) = place(&family.id);
        if let Some(section) = sections.iter_mut().find(|candidate| candidate.id == section) {
            section.families.push(family.clone());
        }
    }
    for section in &mut sections {
        section.families.sort_by_key(|family| place(&family.id).1);
    }
    sections.retain(|section| !section.families.is_empty());
    sections
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
        let shown: Vec<String> = sections(&catalog)
            .iter()
            .map(|section| {
                let ids: Vec<&str> = section.families.iter().map(|family| &*family.id).collect();
                format!("{}: {}", section.id, ids.join(" "))
            })
            .collect();
        assert_eq!(
            shown,
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
}
