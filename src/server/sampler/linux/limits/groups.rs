//! The control groups Telltale is in, of one hierarchy: from the root that is mounted down to its own.

use super::super::bytes::lines;
use super::super::{Roots, hierarchy};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Nobody nests deeper; of those who do, the outermost groups are left out.
const DEEPEST: usize = 64;

/// Those of version 2.
pub fn unified(roots: &Roots) -> Vec<PathBuf> {
    hierarchy::unified(roots).map_or_else(Vec::new, |root| down_from(&root, &own_group(roots, b"")))
}

/// Those of one controller of version 1.
pub fn controller(roots: &Roots, name: &str) -> Vec<PathBuf> {
    hierarchy::controller(roots, name)
        .map_or_else(Vec::new, |root| down_from(&root, &own_group(roots, name.as_bytes())))
}

/// Where another controller of version 1 has the group that `controller` has at this path.
pub fn counterpart(roots: &Roots, controller: &str, group: &Path, other: &str) -> Option<PathBuf> {
    let inside = group.strip_prefix(hierarchy::controller(roots, controller)?).ok()?;
    Some(hierarchy::controller(roots, other)?.join(inside)).filter(|group| group.is_dir())
}

/// What `/proc/self/cgroup` says: lines of a number, controllers (none for version 2) and a path.
fn own_group(roots: &Roots, controller: &[u8]) -> Vec<u8> {
    let table = std::fs::read(roots.proc("self/cgroup")).unwrap_or_default();
    let group = lines(&table).find_map(|line| {
        let mut parts = line.splitn(3, |&byte| byte == b':').skip(1);
        parts.next()?.split(|&byte| byte == b',').any(|name| name == controller).then(|| parts.next())?
    });
    group.unwrap_or_default().to_vec()
}

/// In a container the path may be the host's, while only the container's own group is mounted, as the root;
/// and it may lead out of what is mounted. Then the root is all there is to be seen.
///
/// A service of systemd that is Telltale's own is left out: a limit set on it is about Telltale, not about the
/// machine that Telltale watches. The groups above it count, so that a container in which systemd runs is found.
fn down_from(root: &Path, own: &[u8]) -> Vec<PathBuf> {
    let inside = Path::new(OsStr::from_bytes(own.strip_prefix(b"/").unwrap_or(own)));
    let is_below = inside.components().all(|component| matches!(component, Component::Normal(_)));
    let group = root.join(inside);
    let own = if is_below && group.is_dir() { &group } else { root };
    let is_service = own != root && own.as_os_str().as_bytes().ends_with(b".service");
    let above = own.ancestors().take_while(|group| group.starts_with(root));
    let mut groups: Vec<_> = above.skip(usize::from(is_service)).take(DEEPEST).map(Path::to_path_buf).collect();
    groups.reverse();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::Fixture;

    #[test]
    fn groups_are_those_above_its_own() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let deep = "/a".repeat(DEEPEST + 10);
        for folder in ["sys/fs/cgroup/a/b/", "sys/fs/cgroup/system.slice/x.service/", &format!("sys/fs/cgroup{deep}/")]
        {
            fixture.write(&format!("{folder}cgroup.procs"), b"")?;
        }
        let root = fixture.roots().sys("fs/cgroup");
        for (own, expected) in [
            ("/", &[""][..]),
            ("", &[""]),
            ("/a/b", &["", "a", "a/b"]),
            ("/a", &["", "a"]),
            ("/system.slice/x.service", &["", "system.slice"]),
            ("/docker/0123", &[""]),
            ("/a/gone (deleted)", &[""]),
            ("/../..", &[""]),
            ("/a/../a", &[""]),
            ("//etc", &[""]),
            ("/a\0b", &[""]),
        ] {
            let expected: Vec<_> = expected.iter().map(|group| root.join(group)).collect();
            assert_eq!(down_from(&root, own.as_bytes()), expected, "{own}");
        }
        assert_eq!(down_from(&root, deep.as_bytes()).len(), DEEPEST);
        Ok(())
    }

    #[test]
    fn each_hierarchy_has_its_own_path() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let roots = fixture.roots();
        assert_eq!((unified(&roots), controller(&roots, "cpu")), (vec![], vec![]), "nothing is mounted");
        let table = "12:name=systemd:/s\n4:cpu,cpuacct:/c\n3:memory:/m:x\n0::/u\n";
        fixture.write("proc/self/cgroup", table.as_bytes())?;
        for folder in ["unified/u", "cpu/c", "cpuacct/c", "memory/m:x", "unified", "cpu", "cpuacct", "memory"] {
            for file in ["tasks", "cgroup.controllers"] {
                fixture.write(&format!("sys/fs/cgroup/{folder}/{file}"), b"")?;
            }
        }
        let at = |path: &str| roots.sys("fs/cgroup").join(path);
        assert_eq!(unified(&roots), [at("unified"), at("unified/u")]);
        assert_eq!(controller(&roots, "cpu"), [at("cpu"), at("cpu/c")]);
        assert_eq!(controller(&roots, "memory"), [at("memory"), at("memory/m:x")]);
        assert_eq!(controller(&roots, "cpuset"), Vec::<PathBuf>::new());
        assert_eq!(counterpart(&roots, "cpu", &at("cpu/c"), "cpuacct"), Some(at("cpuacct/c")));
        assert_eq!(counterpart(&roots, "cpu", &at("cpu"), "cpuacct"), Some(at("cpuacct")));
        assert_eq!(counterpart(&roots, "memory", &at("memory/m:x"), "cpuacct"), None);
        Ok(())
    }
}
