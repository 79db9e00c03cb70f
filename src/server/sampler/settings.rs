//! What is asked of the sampler, as it was configured.

use super::SourceKind;
use crate::model::Interval;

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub source: SourceKind,
    pub interval: Interval,
    /// The most devices of one kind that are measured and shown: disks, mounts, interfaces, services.
    pub max_devices: usize,
    /// Whether processes are told with their arguments.
    pub with_arguments: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { source: SourceKind::System, interval: Interval::SECOND, max_devices: 512, with_arguments: false }
    }
}
