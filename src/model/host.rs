//! What a machine is, as far as it does not change from second to second.

use super::time::UnixMs;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The host's name, made harmless by `label::text`.
    pub name: String,
    /// For example `Debian GNU/Linux 12 (bookworm)`.
    pub os: Option<String>,
    /// For example `6.18.44`.
    pub kernel: Option<String>,
    /// For example `x86_64`.
    pub architecture: String,
    pub cpu_model: Option<String>,
    pub cpu_count: usize,
    pub memory_bytes: u64,
    pub booted_at: Option<UnixMs>,
    /// What a container or a control group leaves of the machine; `None` where it leaves all of it.
    #[serde(default)]
    pub limits: Option<HostLimits>,
}

/// Percentages are of these where they are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostLimits {
    /// How many cores' worth of time, 1.5 say.
    pub cpu_cores: Option<f64>,
    pub memory_bytes: Option<u64>,
}
