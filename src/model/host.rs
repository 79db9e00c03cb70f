//! What a machine is, as far as it does not change from second to second.

use super::time::UnixMs;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
}
