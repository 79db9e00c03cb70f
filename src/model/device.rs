//! Kinds of devices, of which a machine may have very many: each has its families, and a place in lists.

/// What a family of a device is about. Its id begins the family's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceKind {
    Disk,
    FileSystem,
    Interface,
    /// A service or a container: a control group.
    Service,
}

impl DeviceKind {
    pub const ALL: [Self; 4] = [Self::Disk, Self::FileSystem, Self::Interface, Self::Service];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::FileSystem => "fs",
            Self::Interface => "net",
            Self::Service => "cgroup",
        }
    }

    pub const fn plural(self) -> &'static str {
        match self {
            Self::Disk => "disks",
            Self::FileSystem => "file systems",
            Self::Interface => "interfaces",
            Self::Service => "services and containers",
        }
    }

    /// Kind and device of a family: `disk.sda.io` is of the disk `sda`. A device's name may hold dots.
    pub fn of(family: &str) -> Option<(Self, &str)> {
        let (kind, rest) = family.split_once('.')?;
        let kind = Self::ALL.into_iter().find(|known| known.id() == kind)?;
        rest.rsplit_once('.').map(|(device, _)| (kind, device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_of_devices_are_told_from_the_others() {
        for (family, expected) in [
            ("disk.sda.io", Some((DeviceKind::Disk, "sda"))),
            ("fs./var/lib.space", Some((DeviceKind::FileSystem, "/var/lib"))),
            ("net.eth0.100.traffic", Some((DeviceKind::Interface, "eth0.100"))),
            ("cgroup.nginx.service.cpu", Some((DeviceKind::Service, "nginx.service"))),
            ("cpu.cores", None),
            ("disk.sda", None),
            ("cpu", None),
        ] {
            assert_eq!(DeviceKind::of(family), expected, "{family}");
        }
    }
}
