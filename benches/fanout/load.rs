//! The loads, and what must be reached under each.

/// At most this many times nchan's figure, or this many times the floor's.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) to_nchan: f64,
    pub(crate) to_floor: Option<f64>,
}

pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) subscribers: usize,
    /// Events a second; none where only connecting is looked at.
    pub(crate) rate: Option<u32>,
    pub(crate) cpu: Option<Limit>,
    pub(crate) p99: Option<Limit>,
    pub(crate) connecting: Option<Limit>,
    /// Memory and the end are judged where there are many.
    pub(crate) is_largest: bool,
}

const USUAL: Limit = Limit { to_nchan: 0.8, to_floor: Some(1.2) };
const NONE: Load =
    Load { name: "", title: "", subscribers: 0, rate: None, cpu: None, p99: None, connecting: None, is_largest: false };

pub(crate) const LOADS: [Load; 4] = [
    Load {
        name: "1000x10",
        title: "1 000 subscribers, 10 events/s",
        subscribers: 1_000,
        rate: Some(10),
        cpu: Some(USUAL),
        p99: Some(USUAL),
        ..NONE
    },
    Load {
        name: "1000x100",
        title: "1 000 subscribers, 100 events/s",
        subscribers: 1_000,
        rate: Some(100),
        p99: Some(Limit { to_nchan: 0.2, to_floor: None }),
        ..NONE
    },
    Load {
        name: "10000x5",
        title: "10 000 subscribers, 5 events/s",
        subscribers: 10_000,
        rate: Some(5),
        cpu: Some(USUAL),
        p99: Some(Limit { to_nchan: 0.8, to_floor: None }),
        is_largest: true,
        ..NONE
    },
    Load {
        name: "connect",
        title: "5 000 clients connecting at once",
        subscribers: 5_000,
        connecting: Some(Limit { to_nchan: 1.2, to_floor: None }),
        ..NONE
    },
];

/// What a subscriber may take of the server's resident memory, in bytes.
pub(crate) const MEMORY_LIMIT: f64 = 1024.0;
/// What a sample of 155 series may take on the wire, gzip accepted.
pub(crate) const WIRE_LIMIT: f64 = 250.0;
/// How long the end may take with all streams open, in seconds.
pub(crate) const STOP_LIMIT: f64 = 2.0;
