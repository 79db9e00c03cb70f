//! The walk through the tree of control groups: which of them are shown.

use super::path::{Place, Tenant, place};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Users may make groups of their own: no more than this is looked at, in depth, in one directory, in all.
const DEEPEST: usize = 10;
const MOST_ENTRIES: usize = 16_384;
pub const MOST_DIRECTORIES: usize = 8_192;

/// A group that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Below the root, without a slash at either end.
    pub path: Vec<u8>,
    pub tenant: Tenant,
}

/// All groups that are shown and have a process in them, by their paths. Level by level, so that a deep tree
/// of one user takes no room from what the system runs. `most` directories are looked at.
pub fn walk(root: &Path, most: usize) -> Vec<Found> {
    let (mut found, mut level, mut seen) = (Vec::new(), vec![Vec::new()], 0);
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for above in level {
            for path in children(root, &above) {
                if seen == most {
                    break;
                }
                seen += 1;
                let (tenant, descend) = match place(&path) {
                    Place::Whole(tenant) => (Some(tenant), false),
                    Place::Around(tenant) => (Some(tenant), true),
                    Place::Between => (None, true),
                    Place::Hidden => continue,
                };
                // An empty group has nothing below it either.
                if tenant.is_some() && !is_populated(root, &path) {
                    continue;
                }
                if descend {
                    next.push(path.clone());
                }
                found.extend(tenant.map(|tenant| Found { path, tenant }));
            }
        }
        level = next;
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

/// The groups in a group, by their paths; links are not followed.
fn children(root: &Path, above: &[u8]) -> Vec<Vec<u8>> {
    let directory = at(root, above);
    // A directory has a link for itself, one from above and one from each directory in it.
    if fs::symlink_metadata(&directory).is_ok_and(|metadata| metadata.nlink() == 2) {
        return Vec::new();
    }
    let entries = fs::read_dir(directory).into_iter().flatten().take(MOST_ENTRIES).flatten();
    let groups = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let join = |name: Vec<u8>| if above.is_empty() { name } else { [above, b"/", name.as_slice()].concat() };
    let mut children: Vec<Vec<u8>> = groups.map(|entry| join(entry.file_name().into_vec())).collect();
    children.sort();
    children
}

/// The directory of a group.
pub fn at(root: &Path, path: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(path))
}

fn is_populated(root: &Path, path: &[u8]) -> bool {
    let events = fs::read(at(root, path).join("cgroup.events"));
    events.is_ok_and(|events| events.split(|&byte| byte == b'\n').any(|line| line == b"populated 1"))
}
