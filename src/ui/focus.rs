//! What the overview is about: everything, all devices of one kind, or one device.

use crate::model::{Catalog, Device, DeviceKind, address};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    #[default]
    Everything,
    All(DeviceKind),
    Device(Device),
}

impl Focus {
    /// As the address asks for it: `all=disk`, `device=disk.sda`. What this machine does not have is not focused on.
    pub fn parse(all: Option<&str>, device: Option<&str>, catalog: &Catalog) -> Self {
        let kind_of = |id: &str| DeviceKind::ALL.into_iter().find(|kind| kind.id() == id);
        let wanted = device.and_then(|id| {
            let kind = kind_of(id.split('.').next()?)?;
            Device::all(kind, catalog).into_iter().find(|device| device.id() == id)
        });
        match (wanted, all.and_then(kind_of)) {
            (Some(device), _) => Self::Device(device),
            (None, Some(kind)) => Self::All(kind),
            (None, None) => Self::Everything,
        }
    }

    /// The beginning of an address that keeps it: empty, or ends in `&`.
    pub fn query(&self) -> String {
        match self {
            Self::Everything => String::new(),
            Self::All(kind) => format!("all={}&", kind.id()),
            Self::Device(device) => format!("device={}&", address::encoded(&device.id())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, Interval, Unit};

    #[test]
    fn the_address_says_what_it_is_about() {
        let family = |id: &str| Family::new(id, id, Unit::Count, Interval::SECOND, &[]);
        let catalog = Catalog(vec![family("disk.a+b.io"), family("net.eth0.100.traffic"), family("cpu")]);
        for (all, device, query) in [
            (None, None, ""),
            (Some("disk"), None, "all=disk&"),
            (Some("cpu"), None, ""),
            (None, Some("disk.a+b"), "device=disk.a%2Bb&"),
            (Some("net"), Some("net.eth0.100"), "device=net.eth0.100&"),
            (Some("net"), Some("net.gone"), "all=net&"),
            (None, Some("<script>"), ""),
        ] {
            assert_eq!(Focus::parse(all, device, &catalog).query(), query, "{all:?} {device:?}");
        }
    }
}
