//! What travels between machine, server and browser, and what it means. Pure: no tokio, no leptos, no web.

pub mod address;
pub mod culprits;
pub mod device;
pub mod event;
pub mod family;
pub mod health;
pub mod host;
pub mod label;
pub mod link;
pub mod passage;
pub mod process;
pub mod sample;
pub mod scan;
pub mod series;
pub mod time;
pub mod top;
pub mod track;
pub mod units;

pub use culprits::Culprits;
pub use device::{Device, DeviceKind};
pub use event::{EventId, EventName, Gap, GapReason, Hello, LastSeen, Observation};
pub use family::{Catalog, Dimension, Family, Unit};
pub use health::{Health, Reading, Usual};
pub use host::{HostFacts, HostLimits};
pub use link::Link;
pub use process::{Process, ProcessOrder, ProcessTable};
pub use sample::Sample;
pub use time::{Interval, UnixMs};
pub use top::top;
pub use track::{History, Track};
