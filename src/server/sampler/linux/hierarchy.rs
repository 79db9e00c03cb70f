//! Where control groups are: one hierarchy of version 2, and one a controller of version 1.

use super::Roots;
use std::path::PathBuf;

/// The root of version 2: alone, or beside those of version 1.
pub fn unified(roots: &Roots) -> Option<PathBuf> {
    ["fs/cgroup", "fs/cgroup/unified"]
        .into_iter()
        .map(|path| roots.sys(path))
        .find(|root| root.join("cgroup.controllers").is_file())
}

/// The root of one controller of version 1, `memory` say; several may share one, under a link for each.
pub fn controller(roots: &Roots, name: &str) -> Option<PathBuf> {
    Some(roots.sys("fs/cgroup").join(name)).filter(|root| root.join("tasks").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::linux::fixture::Fixture;

    #[test]
    fn both_versions_are_found_where_they_usually_are() -> anyhow::Result<()> {
        let fixture = Fixture::new()?;
        let roots = fixture.roots();
        assert_eq!((unified(&roots), controller(&roots, "memory")), (None, None));
        fixture.write("sys/fs/cgroup/unified/cgroup.controllers", b"")?;
        fixture.write("sys/fs/cgroup/memory/tasks", b"1\n")?;
        assert_eq!(unified(&roots), Some(roots.sys("fs/cgroup/unified")));
        assert_eq!(controller(&roots, "memory"), Some(roots.sys("fs/cgroup/memory")));
        assert_eq!(controller(&roots, "cpu"), None);
        fixture.write("sys/fs/cgroup/cgroup.controllers", b"cpu memory\n")?;
        assert_eq!(unified(&roots), Some(roots.sys("fs/cgroup")));
        Ok(())
    }
}
