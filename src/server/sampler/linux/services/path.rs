//! What a control group holds, as far as its path tells. Pure: names of directories in, a tenant out.

use crate::server::sampler::linux::bytes::number;

/// Who lives in a control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenant {
    /// A service of systemd: the name of its unit without `.service`.
    Service(Vec<u8>),
    /// A service that a user's own systemd runs.
    UserService {
        user: u32,
        unit: Vec<u8>,
    },
    /// All sessions and services of a user.
    User(u32),
    /// A container that its engine knows by an id.
    Container {
        engine: &'static str,
        id: String,
    },
    /// A container of Kubernetes, and the uid of its pod.
    PodContainer {
        pod: String,
        id: String,
    },
    /// A container that has a name: of LXC, or registered with systemd's machined.
    NamedContainer {
        engine: &'static str,
        name: Vec<u8>,
    },
    VirtualMachine(Vec<u8>),
}

/// What becomes of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is shown, and all below it is part of it: a container may have a systemd of its own.
    Whole(Tenant),
    /// It is shown, and so may be what is below it.
    Around(Tenant),
    /// It is not shown, but something below it may be.
    Between,
    /// Neither it nor what is below it is shown.
    Hidden,
}

/// How groups of containers begin, and whose they are.
const ENGINES: [(&[u8], &str); 5] = [
    (b"docker-", "docker"),
    (b"libpod-", "podman"),
    (b"crio-", "crio"),
    (b"cri-containerd-", "containerd"),
    (b"nerdctl-", "nerdctl"),
];

/// Groups of the engines themselves, beside their containers.
const HELPERS: [&[u8]; 5] = [b"libpod-conmon-", b"libpod-payload-", b"crio-conmon-", b"lxc.monitor", b"lxc.pivot"];

/// Where a container's id alone does not tell its engine, and the directory it is in does not either.
pub const UNKNOWN_ENGINE: &str = "container";

/// The place of a group by its path below the root, which has no slash at either end.
pub fn place(path: &[u8]) -> Place {
    let (above, name) = match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&path[..0], path),
    };
    let parent = above.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    if HELPERS.iter().any(|helper| name.starts_with(helper)) {
        return Place::Hidden;
    }
    if let Some(tenant) = container(above, parent, name) {
        return Place::Whole(tenant);
    }
    match extension(name) {
        b"service" => service(above, name),
        // Sessions and applications are part of their user, programs started by hand of nobody.
        b"scope" | b"mount" | b"socket" | b"swap" => Place::Hidden,
        b"slice" if parent == b"user.slice" => {
            let user = between(name, b"user-", b".slice").and_then(user);
            user.map_or(Place::Between, |user| Place::Around(Tenant::User(user)))
        }
        _ => Place::Between,
    }
}

fn container(above: &[u8], parent: &[u8], name: &[u8]) -> Option<Tenant> {
    let bare = name.strip_suffix(b".scope").unwrap_or(name);
    if let Some(id) = id(bare) {
        return Some(with_id(pod(above), if parent == b"docker" { "docker" } else { UNKNOWN_ENGINE }, id));
    }
    let known = ENGINES.iter().find_map(|(prefix, engine)| Some((*engine, id(bare.strip_prefix(*prefix)?)?)));
    if let Some((engine, id)) = known {
        return Some(with_id(pod(above), engine, id));
    }
    // Where containerd was left to make groups of its own from names that were meant for systemd.
    if let [slice, engine, container] = bare.split(|&byte| byte == b':').collect::<Vec<_>>()[..] {
        let id = id(container)?;
        let engine = if engine == b"docker" { "docker" } else { UNKNOWN_ENGINE };
        return Some(with_id(pod(slice), engine, id));
    }
    let named = |engine, name: &[u8]| Some(Tenant::NamedContainer { engine, name: name.to_vec() });
    if let Some(name) = name.strip_prefix(b"lxc.payload.") {
        return named("lxc", name);
    }
    if parent == b"lxc" {
        return named("lxc", name);
    }
    if let Some(name) = between(name, b"systemd-nspawn@", b".service") {
        return named("machine", &decoded(name));
    }
    let name = name.strip_suffix(b".scope")?;
    if parent == b"qemu.slice" {
        return Some(Tenant::VirtualMachine(decoded(name)));
    }
    let machine = decoded(name.strip_prefix(b"machine-")?);
    // The name that libvirt registers holds a number that each start counts up.
    let numbered = machine.strip_prefix(b"qemu-").and_then(|rest| {
        let dash = rest.iter().position(|&byte| byte == b'-')?;
        number(&rest[..dash]).map(|_| rest[dash + 1..].to_vec())
    });
    match numbered {
        Some(name) => Some(Tenant::VirtualMachine(name)),
        None => named("machine", &machine),
    }
}

fn with_id(pod: Option<String>, engine: &'static str, id: String) -> Tenant {
    match pod {
        Some(pod) => Tenant::PodContainer { pod, id },
        None => Tenant::Container { engine, id },
    }
}

fn service(above: &[u8], name: &[u8]) -> Place {
    let manager = |name| between(name, b"user@", b".service").and_then(user);
    if manager(name).is_some() {
        return Place::Between;
    }
    let mut user = None;
    for name in above.split(|&byte| byte == b'/') {
        match manager(name) {
            Some(manager) => user = Some(manager),
            None if extension(name) == b"service" => return Place::Hidden,
            None => {}
        }
    }
    let unit = name.strip_suffix(b".service").unwrap_or(name);
    // Podman looks after the health of a container by a service named like it, for a moment now and then.
    let is_check = unit.split(|&byte| byte == b'-').next().and_then(id).is_some();
    if is_check || unit.is_empty() {
        return Place::Hidden;
    }
    let unit = decoded(unit);
    Place::Around(match user {
        Some(user) => Tenant::UserService { user, unit },
        None => Tenant::Service(unit),
    })
}

const ID_LENGTH: usize = 64;

/// The id of a container: 64 hexadecimal digits, harmless in every path.
fn id(name: &[u8]) -> Option<String> {
    let is_id = name.len() == ID_LENGTH && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then(|| String::from_utf8_lossy(name).into_owned())
}

/// The uid in `kubepods/burstable/pod<uid>` or in `kubepods-burstable-pod<uid>.slice`, where dashes are
/// written as underscores.
fn pod(above: &[u8]) -> Option<String> {
    above.rsplit(|&byte| byte == b'/').find_map(|name| {
        let name = name.strip_suffix(b".slice").unwrap_or(name);
        let start = name.windows(3).rposition(|window| window == b"pod")?;
        let is_pod = start == 0 || (name[..start].ends_with(b"-") && name.windows(8).any(|part| part == b"kubepods"));
        let uid = &name[start + 3..];
        let is_uid = (8..=64).contains(&uid.len())
            && uid.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-' | b'_'));
        (is_pod && is_uid).then(|| String::from_utf8_lossy(uid).replace('_', "-"))
    })
}

fn user(digits: &[u8]) -> Option<u32> {
    number(digits).and_then(|number| u32::try_from(number).ok())
}

/// What follows the last dot.
fn extension(name: &[u8]) -> &[u8] {
    name.iter().rposition(|&byte| byte == b'.').map_or(&[], |dot| &name[dot + 1..])
}

fn between<'a>(name: &'a [u8], start: &[u8], end: &[u8]) -> Option<&'a [u8]> {
    name.strip_prefix(start)?.strip_suffix(end).filter(|middle| !middle.is_empty())
}

/// systemd writes what it reserves as `\x` and two hexadecimal digits.
fn decoded(name: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'\\', b'x', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => bytes.push(high << 4 | low),
            None => bytes.push(*first),
        }
        rest = if escaped.is_some() { &rest[4..] } else { tail };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// The tenant in short, and whether what is below is part of it.
    fn told(path: &str) -> String {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let tenant = |tenant| match tenant {
            Tenant::Service(unit) => format!("service {}", text(&unit)),
            Tenant::UserService { user, unit } => format!("service {} of {user}", text(&unit)),
            Tenant::User(user) => format!("user {user}"),
            Tenant::Container { engine, id } => format!("{engine} {}", &id[..4]),
            Tenant::PodContainer { pod, id } => format!("pod {pod} {}", &id[..4]),
            Tenant::NamedContainer { engine, name } => format!("{engine} {}", text(&name)),
            Tenant::VirtualMachine(name) => format!("vm {}", text(&name)),
        };
        match place(path.replace("ID", ID).as_bytes()) {
            Place::Whole(whole) => tenant(whole) + ", whole",
            Place::Around(around) => tenant(around),
            Place::Between => "between".to_owned(),
            Place::Hidden => "hidden".to_owned(),
        }
    }

    #[test]
    fn the_path_tells_who_lives_there() {
        let user = "user.slice/user-1000.slice/user@1000.service";
        for (path, expected) in [
            // systemd
            ("init.scope", "hidden"),
            ("system.slice", "between"),
            ("system.slice/nginx.service", "service nginx"),
            ("system.slice/system-getty.slice/getty@tty1.service", "service getty@tty1"),
            ("system.slice/fsck@dev-by\\x2duuid.service", "service fsck@dev-by-uuid"),
            ("system.slice/odd\\x2.service", "service odd\\x2"),
            ("system.slice/dbus.socket", "hidden"),
            ("system.slice/boot.mount", "hidden"),
            ("system.slice/ID-5f1c.service", "hidden"),
            ("system.slice/ID.service", "hidden"),
            ("system.slice/.service", "hidden"),
            ("system.slice/a.service/b.service", "hidden"),
            ("system.slice/a.service/part", "between"),
            ("machine.slice/systemd-nspawn@web.service", "machine web, whole"),
            // Users
            ("user.slice/user-1000.slice", "user 1000"),
            ("user.slice/user-x.slice", "between"),
            ("other.slice/user-1000.slice", "between"),
            ("user.slice/user-1000.slice/session-3.scope", "hidden"),
            (user, "between"),
            (&format!("{user}/app.slice"), "between"),
            (&format!("{user}/app.slice/sync.service"), "service sync of 1000"),
            (&format!("{user}/app.slice/app-firefox-12.scope"), "hidden"),
            (&format!("{user}/user.slice/libpod-ID.scope"), "podman 0123, whole"),
            // Docker
            ("system.slice/docker-ID.scope", "docker 0123, whole"),
            ("docker/ID", "docker 0123, whole"),
            ("team/ID", "container 0123, whole"),
            ("system.slice/docker-short.scope", "hidden"),
            ("docker/../../etc", "between"),
            // Podman
            ("machine.slice/libpod-ID.scope", "podman 0123, whole"),
            ("machine.slice/machine-libpod_pod_ID.slice/libpod-ID.scope", "podman 0123, whole"),
            ("machine.slice/libpod-conmon-ID.scope", "hidden"),
            ("libpod_parent/libpod-ID", "podman 0123, whole"),
            ("libpod_parent/conmon", "between"),
            ("system.slice/web.service/libpod-payload-ID", "hidden"),
            // LXC, machines
            ("lxc.payload.web", "lxc web, whole"),
            ("lxc.monitor.web", "hidden"),
            ("lxc/101", "lxc 101, whole"),
            ("lxc", "between"),
            ("machine.slice/machine-web\\x2d1.scope", "machine web-1, whole"),
            ("machine.slice/machine-qemu\\x2d7\\x2ddebian\\x2d12.scope", "vm debian-12, whole"),
            ("machine.slice/machine-qemu\\x2ddebian.scope", "machine qemu-debian, whole"),
            ("qemu.slice/100.scope", "vm 100, whole"),
            // Kubernetes
            ("kubepods.slice/kubepods-burstable.slice", "between"),
            (
                "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b_3c4d.slice/cri-containerd-ID.scope",
                "pod 1a2b-3c4d 0123, whole",
            ),
            ("kubepods.slice/kubepods-pod1a2b_3c4d.slice/crio-ID.scope", "pod 1a2b-3c4d 0123, whole"),
            ("kubepods.slice/kubepods-pod1a2b_3c4d.slice/crio-conmon-ID.scope", "hidden"),
            ("kubepods.slice/kubepods-pod1a2b_3c4d.slice/docker-ID.scope", "pod 1a2b-3c4d 0123, whole"),
            ("kubepods/besteffort/pod1a2b-3c4d/ID", "pod 1a2b-3c4d 0123, whole"),
            (
                "system.slice/containerd.service/kubepods-besteffort-pod1a2b_3c4d.slice:cri-containerd:ID",
                "pod 1a2b-3c4d 0123, whole",
            ),
            ("system.slice:docker:ID", "docker 0123, whole"),
            ("podman/ID", "container 0123, whole"),
        ] {
            assert_eq!(told(path), expected, "{path}");
        }
    }
}
