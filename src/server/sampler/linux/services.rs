//! `cgroup.<name>.cpu`, `.memory` and `.pressure`: services and containers, from the control groups of version 2.

pub mod directory;
pub mod group;
pub mod names;
pub mod path;
pub mod records;
pub mod stall;
pub mod tree;

#[cfg(test)]
mod tests;

use super::bytes::entry;
use super::file::KernelFile;
use super::{Roots, hierarchy};
use crate::model::{Interval, label};
use crate::server::sampler::clock::Clock;
use crate::server::sampler::collector::{Collector, Reading};
use crate::server::sampler::device_cap::DeviceCap;
use group::Group;
use names::{Name, Names};
use stall::Quiet;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tree::Found;

/// How long a walk through the tree holds while the number of its groups stays the same and none of those
/// measured is gone: a group that emptied or was filled without either is seen this late.
const WALK_HOLDS: Duration = Duration::from_mins(1);

/// No file of a group that is read is longer.
const BUFFER_BYTES: usize = 16 * 1024;

pub struct Services {
    tree: Option<Tree>,
    interval: Interval,
    cap: DeviceCap,
    names: Names,
    quiet: Quiet,
    groups: Vec<Group>,
    buffer: Vec<u8>,
}

/// The hierarchy, and what was known of it when it was last walked.
struct Tree {
    root: PathBuf,
    stat: KernelFile,
    walked: Option<Walked>,
    /// Whether a group that was measured is gone: another may have taken its place.
    is_stale: bool,
}

#[derive(Clone, Copy)]
struct Walked {
    at: Duration,
    /// Unknown to kernels before 4.14.
    descendants: Option<u64>,
}

impl Services {
    pub fn new(roots: &Roots, interval: Interval, cap: DeviceCap) -> Self {
        let tree = hierarchy::unified(roots).map(|root| {
            let stat = KernelFile::new(root.join("cgroup.stat"));
            Tree { root, stat, walked: None, is_stale: false }
        });
        Self {
            tree,
            interval,
            cap,
            names: Names::new(roots),
            quiet: Quiet::new(roots),
            groups: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
        }
    }

    /// Those already measured stay; of the others the first by their paths, as many as there is room for.
    fn choose(&mut self, root: &Path, is_first: bool) {
        let found = tree::walk(root, tree::MOST_DIRECTORIES);
        self.names.learn(&found);
        let named = found.into_iter().filter_map(|found| Some((self.names.of(&found.tenant)?, found)));
        let mut before: HashMap<Vec<u8>, Group> =
            std::mem::take(&mut self.groups).into_iter().map(|group| (group.path.clone(), group)).collect();
        let is_known = |name: &Name, found: &Found| before.get(&found.path).is_some_and(|group| group.name == *name);
        let (mut chosen, new): (Vec<_>, Vec<_>) = named.partition(|(name, found)| is_known(name, found));
        chosen.extend(new);
        self.cap.apply(&mut chosen);
        let mut taken = HashSet::new();
        for (name, found) in chosen {
            let group = match before.remove(&found.path).filter(|group| group.name == name) {
                Some(group) => group,
                None => {
                    let id = if taken.contains(&name.id) { apart(&name.id, &found.path) } else { name.id.clone() };
                    Group::new(root, found.path, name, id, self.interval, is_first)
                }
            };
            taken.insert(group.id.clone());
            self.groups.push(group);
        }
        self.groups.sort_by(|left, right| left.path.cmp(&right.path));
    }
}

impl Collector for Services {
    fn collect(&mut self, clock: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
        let at = clock.monotonic();
        let Some(tree) = &mut self.tree else { return Ok(Vec::new()) };
        let descendants = tree.stat.read(clock).ok().and_then(|contents| descendants(contents.bytes));
        let holds = |walked: Walked| walked.descendants == descendants && at.saturating_sub(walked.at) < WALK_HOLDS;
        if tree.is_stale || !tree.walked.is_some_and(holds) {
            let (root, is_first) = (tree.root.clone(), tree.walked.is_none());
            tree.walked = Some(Walked { at, descendants });
            tree.is_stale = false;
            self.choose(&root, is_first);
        }
        let quiet = self.quiet.read(clock);
        let mut readings = Vec::with_capacity(self.groups.len() * 3);
        let before = self.groups.len();
        let buffer = &mut self.buffer;
        self.groups.retain_mut(|group| match group.read(buffer, quiet, clock) {
            Some(new) => {
                readings.extend(new);
                true
            }
            None => false,
        });
        if let Some(tree) = &mut self.tree {
            tree.is_stale = self.groups.len() < before;
        }
        Ok(readings)
    }
}

/// The name of a group whose own is taken.
fn apart(id: &str, path: &[u8]) -> String {
    format!("{id}~{:08x}", label::digest(label::DIGEST_OF_NOTHING, path))
}

/// The number of groups in the tree.
fn descendants(stat: &[u8]) -> Option<u64> {
    entry(stat, b"nr_descendants")
}
