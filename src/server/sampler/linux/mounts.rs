//! Which mounts are shown, of `/proc/self/mountinfo`: each file system that stores something, once.

use super::bytes::lines;
use std::collections::BTreeMap;

/// A file system to be shown, at the place it is best known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub point: Vec<u8>,
    /// Whether asking it may hang: it is served over a network or by a process.
    pub remote: bool,
    /// Whether a part of the file system is mounted, not its root.
    pub bind: bool,
    device: Vec<u8>,
}

/// The mounts to be shown, by their paths; a mount over another hides it. `is_place` tells whether a mount is
/// somewhere files are kept, and not a single file: containers mount a few of those from everywhere.
pub fn shown(table: &[u8], is_place: impl Fn(&Mount) -> bool) -> Vec<Mount> {
    let mut by_point = BTreeMap::new();
    for Line { mount, kind, source } in lines(table).filter_map(parse) {
        by_point.remove(&mount.point);
        if mount.point == b"/" || !is_left_out(&mount.point, &kind, &source) {
            by_point.insert(mount.point.clone(), mount);
        }
    }
    let mut by_device: BTreeMap<Vec<u8>, Mount> = BTreeMap::new();
    for mount in by_point.into_values().filter(is_place) {
        if by_device.get(&mount.device).is_none_or(|other| mount.rank() < other.rank()) {
            by_device.insert(mount.device.clone(), mount);
        }
    }
    let mut shown: Vec<Mount> = by_device.into_values().collect();
    shown.sort_by(|left, right| left.point.cmp(&right.point));
    shown
}

impl Mount {
    /// Of several mounts of one file system the lowest is shown: `/`, else its own root, else the shortest path.
    fn rank(&self) -> (bool, bool, usize) {
        (self.point != b"/", self.bind, self.point.len())
    }
}

/// A line of the table.
struct Line {
    mount: Mount,
    kind: Vec<u8>,
    source: Vec<u8>,
}

fn is_left_out(point: &[u8], kind: &[u8], source: &[u8]) -> bool {
    // Temporary files fill up as those on a disk do; other memory is counted as memory already.
    let memory = kind == b"tmpfs" && point != b"/tmp";
    // Layers of containers show the disk they lie on.
    let layer = matches!(kind, b"overlay" | b"aufs" | b"fuse.fuse-overlayfs" | b"unionfs");
    memory || layer || is_pseudo(kind) || is_image(kind) || source.starts_with(b"/dev/loop")
}

fn is_pseudo(kind: &[u8]) -> bool {
    matches!(
        kind,
        b"autofs"
            | b"binder"
            | b"binfmt_misc"
            | b"bpf"
            | b"cgroup"
            | b"cgroup2"
            | b"configfs"
            | b"cpuset"
            | b"debugfs"
            | b"devfs"
            | b"devpts"
            | b"devtmpfs"
            | b"efivarfs"
            | b"fuse.gvfsd-fuse"
            | b"fuse.lxcfs"
            | b"fuse.portal"
            | b"fusectl"
            | b"hugetlbfs"
            | b"mqueue"
            | b"none"
            | b"nsfs"
            | b"proc"
            | b"pstore"
            | b"ramfs"
            | b"resctrl"
            | b"rootfs"
            | b"rpc_pipefs"
            | b"securityfs"
            | b"selinuxfs"
            | b"smackfs"
            | b"sysfs"
            | b"tracefs"
    )
}

/// Images are full by nature.
fn is_image(kind: &[u8]) -> bool {
    matches!(
        kind,
        b"squashfs" | b"iso9660" | b"erofs" | b"cramfs" | b"romfs" | b"udf" | b"fuse.snapfuse" | b"fuse.squashfuse"
    )
}

fn is_remote(kind: &[u8]) -> bool {
    kind.starts_with(b"nfs")
        || kind.starts_with(b"fuse")
        || matches!(
            kind,
            b"cifs"
                | b"smb3"
                | b"smbfs"
                | b"9p"
                | b"ceph"
                | b"afs"
                | b"coda"
                | b"glusterfs"
                | b"lustre"
                | b"orangefs"
                | b"ocfs2"
                | b"gfs2"
                | b"virtiofs"
                | b"beegfs"
                | b"davfs"
                | b"ncpfs"
                | b"prl_fs"
                | b"vboxsf"
        )
}

/// `36 35 98:0 /root /point rw,noatime shared:1 - ext3 /dev/root rw`: fields before the dash may be more.
fn parse(line: &[u8]) -> Option<Line> {
    let mut fields = line.split(|&byte| byte == b' ');
    let device = fields.nth(2)?.to_vec();
    let root = fields.next()?;
    let point = unescape(fields.next()?);
    fields.find(|field| *field == b"-")?;
    let (kind, source) = (fields.next()?.to_vec(), unescape(fields.next()?));
    let bind = root != b"/";
    let remote = is_remote(&kind);
    (!point.is_empty()).then_some(Line { mount: Mount { point, remote, bind, device }, kind, source })
}

/// Blanks, line ends and backslashes are written as a backslash and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        match rest {
            [b'\\', high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7', tail @ ..] => {
                bytes.push((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'));
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(table: &str) -> Vec<String> {
        shown(table.as_bytes(), |_| true)
            .iter()
            .map(|mount| String::from_utf8_lossy(&mount.point).into_owned())
            .collect()
    }

    #[test]
    fn each_file_system_is_shown_once() {
        for (case, table, expected) in [
            ("pseudo", "1 0 0:1 / /proc rw - proc proc rw\n2 0 0:2 / /run rw - tmpfs tmpfs rw\n", &[][..]),
            ("a disk", "1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n", &["/"]),
            (
                "a container's root",
                "1 0 0:9 / / rw - overlay overlay rw\n2 1 0:8 / /x/merged rw - overlay o rw\n",
                &["/"],
            ),
            ("temporary files", "1 0 0:9 / /tmp rw - tmpfs tmpfs rw\n", &["/tmp"]),
            ("images", "1 0 7:0 / /snap/x rw - squashfs /dev/loop0 ro\n2 0 7:1 / /m rw - ext4 /dev/loop1 rw\n", &[]),
            ("the shortest bind", "1 0 8:1 /a /long/path rw - ext4 d rw\n2 0 8:1 /b /b rw - ext4 d rw\n", &["/b"]),
            ("the root of it", "1 0 8:1 /a /b rw - ext4 d rw\n2 0 8:1 / /long/path rw - ext4 d rw\n", &["/long/path"]),
            ("hidden by another", "1 0 8:1 / /a rw - ext4 d rw\n2 0 0:5 / /a rw - proc proc rw\n", &[]),
            ("escapes", "1 0 8:1 / /a\\040b\\134\\012c\\9 rw - ext4 d rw\n", &["/a b\\\nc\\9"]),
            ("broken lines", "1 0 8:1\n\n- - -\n1 0 8:1 / /a rw ext4 d rw\n1 0 8:1 / /cut rw - ext4 d rw", &[]),
        ] {
            assert_eq!(points(table), expected, "{case}");
        }
    }

    #[test]
    fn what_may_hang_is_known() {
        for (kind, remote) in [("ext4", false), ("zfs", false), ("nfs4", true), ("cifs", true), ("fuse.sshfs", true)] {
            let mounts = shown(format!("1 0 0:5 / /a rw - {kind} source rw\n").as_bytes(), |_| true);
            assert_eq!(mounts.first().map(|mount| mount.remote), Some(remote), "{kind}");
        }
    }

    #[test]
    fn a_single_file_does_not_stand_for_its_file_system() {
        let table =
            b"1 0 8:1 /a/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n2 0 8:1 /data /var/lib/data rw - ext4 /dev/sda1 rw\n";
        let mounts = shown(table, |mount| mount.point != b"/etc/hosts");
        assert_eq!(mounts.iter().map(|mount| mount.point.as_slice()).collect::<Vec<_>>(), [b"/var/lib/data"]);
    }
}
