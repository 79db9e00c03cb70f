//! The cores as sysfs lists them, also those that are offline.

use super::Roots;
use super::bytes::number;
use super::file::names;
use crate::server::sampler::collector::MOST_DIMENSIONS;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Number and directory of each, in the order of the numbers.
pub fn cores(roots: &Roots) -> Vec<(u64, PathBuf)> {
    let directory = roots.sys("devices/system/cpu");
    let numbered = |name: std::ffi::OsString| {
        let core = name.as_bytes().strip_prefix(b"cpu").and_then(number)?;
        Some((core, directory.join(name)))
    };
    // Beside the cores stand a dozen of other things.
    let mut cores: Vec<_> = names(&directory, 2 * MOST_DIMENSIONS).into_iter().filter_map(numbered).collect();
    cores.sort_unstable();
    cores.truncate(MOST_DIMENSIONS);
    cores
}
