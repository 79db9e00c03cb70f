//! Trees of control groups as they are found on hosts: what is shown of them, how it is called, its values.

use super::{Services, tree};
use crate::model::{DeviceKind, Interval};
use crate::server::sampler::collector::Reading;
use crate::server::sampler::device_cap::DeviceCap;
use crate::server::sampler::linux::fixture::{Fixture, ids, values};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const PAUSE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const ROOT: &str = "sys/fs/cgroup";

/// A hierarchy with these groups, each with a process in it.
fn host(groups: &[&str]) -> io::Result<Fixture> {
    let fixture = Fixture::new()?;
    fixture.write(&format!("{ROOT}/cgroup.controllers"), b"cpu memory\n")?;
    for path in groups {
        add(&fixture, &path.replace("ID", ID).replace("OTHER", OTHER).replace("PAUSE", PAUSE))?;
    }
    Ok(fixture)
}

fn add(fixture: &Fixture, path: &str) -> io::Result<()> {
    fixture.write(&format!("{ROOT}/{path}/cgroup.events"), b"populated 1\nfrozen 0\n")?;
    write(fixture, path, "cpu.stat", "usage_usec 0\nuser_usec 0\nsystem_usec 0\n")
}

fn write(fixture: &Fixture, path: &str, file: &str, text: &str) -> io::Result<()> {
    fixture.write(&format!("{ROOT}/{path}/{file}"), text.as_bytes())
}

/// Tells of a change in the tree, as the kernel does.
fn count(fixture: &Fixture, descendants: usize) -> io::Result<()> {
    write(fixture, "", "cgroup.stat", &format!("nr_descendants {descendants}\nnr_dying_descendants 0\n"))
}

fn services(fixture: &Fixture) -> Services {
    Services::new(&fixture.roots(), Interval::SECOND, DeviceCap::roomy(DeviceKind::Service))
}

/// Names and titles of the groups whose CPU is shown.
fn shown(readings: &[Reading]) -> Vec<(String, String)> {
    let families = readings.iter().map(|reading| &reading.family);
    let parts = families.filter_map(|family| {
        let id = family.id.strip_prefix("cgroup.")?.strip_suffix(".cpu")?;
        Some((id.to_owned(), family.title.strip_suffix(": CPU")?.to_owned()))
    });
    parts.collect()
}

fn names(readings: &[Reading]) -> Vec<String> {
    shown(readings).into_iter().map(|(id, _)| id).collect()
}

#[test]
fn hosts_are_told_as_their_people_know_them() -> anyhow::Result<()> {
    let pod = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b3c4d_5e6f.slice";
    for (case, groups, records, expected) in [
        ("nothing", &[][..], &[][..], &[][..]),
        (
            "a systemd host",
            &[
                "init.scope",
                "system.slice/nginx.service",
                "system.slice/system-getty.slice/getty@tty1.service",
                "user.slice/user-1000.slice/session-3.scope",
                "user.slice/user-1000.slice",
                "user.slice/user-1000.slice/user@1000.service/app.slice/sync.service",
                "user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-1.scope",
                "user.slice/user-1001.slice",
            ],
            &[("etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")],
            &[
                ("nginx", "Service nginx"),
                ("getty@tty1", "Service getty@tty1"),
                ("user:ann", "User ann"),
                ("user:ann/sync", "Service sync of ann"),
                ("user:1001", "User 1001"),
            ],
        ),
        (
            "Docker, whose names may be read",
            &["system.slice/docker.service", "system.slice/docker-ID.scope", "system.slice/docker-OTHER.scope"],
            &[(&format!("var/lib/docker/containers/{ID}/config.v2.json"), r#"{"State":{"Pid":7},"Name":"/web"}"#)],
            &[
                ("docker:web", "Container web"),
                ("docker:fedcba987654", "Container fedcba987654"),
                ("docker", "Service docker"),
            ],
        ),
        (
            "a container with systemd in it",
            &["docker/ID", "docker/ID/system.slice/cron.service", "docker/ID/docker/OTHER"],
            &[],
            &[("docker:0123456789ab", "Container 0123456789ab")],
        ),
        (
            "Podman",
            &["machine.slice/libpod-ID.scope", "machine.slice/libpod-ID.scope/container", "team/OTHER"],
            &[(
                "var/lib/containers/storage/overlay-containers/containers.json",
                &format!(
                    r#"[{{"id":"{OTHER}","names":["db"]}},{{"id":"x","names":null}},{{"id":"{ID}","names":["web"]}}]"#
                ),
            )],
            &[("podman:web", "Container web"), ("podman:db", "Container db")],
        ),
        (
            "Kubernetes, whose pods are held together by a container that has no log",
            &[
                &format!("{pod}/cri-containerd-ID.scope"),
                &format!("{pod}/cri-containerd-PAUSE.scope"),
                "kubepods/besteffort/podabcdef01-23/OTHER",
            ],
            &[(&format!("var/log/containers/web-7d-x_shop_nginx-{ID}.log"), "")],
            &[
                ("k8s:shop/web-7d-x/nginx", "Container shop/web-7d-x/nginx"),
                ("k8s:abcdef01/fedcba987654", "Container abcdef01/fedcba987654"),
            ],
        ),
        (
            "LXC and machines",
            &[
                "lxc.payload.web",
                "lxc.payload.web/init.scope",
                "lxc.monitor.web",
                "lxc/101/ns",
                "lxc/101",
                "qemu.slice/9.scope",
            ],
            &[],
            &[("lxc:101", "Container 101"), ("lxc:web", "Container web"), ("vm:9", "Virtual machine 9")],
        ),
    ] as [(&str, &[&str], &[(&str, &str)], &[(&str, &str)]); 7]
    {
        let fixture = host(groups)?;
        for (path, text) in records {
            fixture.write(path, text.as_bytes())?;
        }
        let readings = fixture.collect(&mut services(&fixture))?;
        let told: BTreeSet<_> = shown(&readings).into_iter().collect();
        let expected = expected.iter().map(|(id, title)| ((*id).to_owned(), (*title).to_owned()));
        assert_eq!(told, expected.collect(), "{case}");
    }
    Ok(())
}

#[test]
fn a_group_is_three_families() -> anyhow::Result<()> {
    let web = "system.slice/web.service";
    let fixture = host(&[web])?;
    let some = |total: u64| format!("some avg10=0.00 avg60=0.00 avg300=0.00 total={total}\nfull total=9\n");
    let stat = "anon 100\nfile 999\nshmem 5\ninactive_anon 1\ninactive_file 300\nactive_file 100\n";
    for resource in ["cpu", "memory", "io"] {
        write(&fixture, web, &format!("{resource}.pressure"), &some(1_000))?;
    }
    write(&fixture, web, "memory.current", "1000\n")?;
    write(&fixture, web, "memory.stat", stat)?;
    let mut collector = services(&fixture);
    let first = fixture.collect(&mut collector)?;
    assert_eq!(ids(&first), ["cgroup.web.cpu", "cgroup.web.memory", "cgroup.web.pressure"]);
    assert_eq!(values(&first, "cgroup.web.cpu"), Some(&[None, None][..]));
    write(&fixture, web, "cpu.stat", "usage_usec 1\nuser_usec 2500000\nsystem_usec 10000\n")?;
    write(&fixture, web, "io.pressure", &some(251_000))?;
    let second = fixture.collect(&mut collector)?;
    for (family, expected) in [
        ("cgroup.web.cpu", &[Some(250.0), Some(1.0)][..]),
        ("cgroup.web.memory", &[Some(600.0), Some(400.0)]),
        ("cgroup.web.pressure", &[Some(0.0), Some(0.0), Some(25.0)]),
    ] {
        assert_eq!(values(&second, family), Some(expected), "{family}");
    }
    // A hybrid host has no memory here; an old one may tell of one pressure only.
    for file in ["memory.current", "memory.pressure", "io.pressure"] {
        fixture.remove(&format!("{ROOT}/{web}/{file}"))?;
    }
    let third = fixture.collect(&mut collector)?;
    assert_eq!(ids(&third), ["cgroup.web.cpu", "cgroup.web.pressure"]);
    assert_eq!(values(&third, "cgroup.web.pressure").map(<[_]>::len), Some(1));
    write(&fixture, web, "cpu.stat", "broken")?;
    fixture.remove(&format!("{ROOT}/{web}/cpu.pressure"))?;
    let fourth = fixture.collect(&mut collector)?;
    assert_eq!(ids(&fourth), ["cgroup.web.cpu"]);
    assert_eq!(values(&fourth, "cgroup.web.cpu"), Some(&[None, None][..]));
    Ok(())
}

#[test]
fn groups_are_not_asked_for_what_nothing_waited_for() -> anyhow::Result<()> {
    let web = "system.slice/web.service";
    let fixture = host(&[web])?;
    let machine = |total| fixture.write("proc/pressure/io", format!("some total={total}\n").as_bytes());
    let group = |total| write(&fixture, web, "io.pressure", &format!("some total={total}\n"));
    let mut collector = services(&fixture);
    for (turn, (of_machine, of_group, expected)) in [
        (10, 10, None),
        (10, 10, Some(0.0)),
        (10, 999_999, Some(0.0)),
        (260_010, 250_010, Some(25.0)),
        (260_010, 260_010, Some(1.0)),
        (260_010, 260_010, Some(0.0)),
    ]
    .into_iter()
    .enumerate()
    {
        machine(of_machine)?;
        group(of_group)?;
        let readings = fixture.collect(&mut collector)?;
        assert_eq!(values(&readings, "cgroup.web.pressure"), Some(&[expected][..]), "turn {turn}");
    }
    Ok(())
}

#[test]
fn groups_come_and_go() -> anyhow::Result<()> {
    let fixture = host(&["system.slice/a.service", "system.slice/empty.service"])?;
    write(&fixture, "system.slice/empty.service", "cgroup.events", "populated 0\nfrozen 0\n")?;
    count(&fixture, 3)?;
    let mut collector = services(&fixture);
    assert_eq!(names(&fixture.collect(&mut collector)?), ["a"]);
    add(&fixture, "system.slice/b.service")?;
    assert_eq!(names(&fixture.collect(&mut collector)?), ["a"], "the number tells");
    count(&fixture, 4)?;
    assert_eq!(names(&fixture.collect(&mut collector)?), ["a"], "it might be there for a moment only");
    write(&fixture, "system.slice/b.service", "cpu.stat", "user_usec 10000\nsystem_usec 0\n")?;
    let readings = fixture.collect(&mut collector)?;
    assert_eq!(names(&readings), ["a", "b"]);
    assert_eq!(values(&readings, "cgroup.b.cpu"), Some(&[Some(1.0), Some(0.0)][..]), "at once with values");
    // Another took its place: the number stays the same.
    fixture.remove(&format!("{ROOT}/system.slice/a.service"))?;
    add(&fixture, "system.slice/c.service")?;
    assert_eq!(names(&fixture.collect(&mut collector)?), ["b"]);
    fixture.collect(&mut collector)?;
    assert_eq!(names(&fixture.collect(&mut collector)?), ["b", "c"]);
    // What is filled or empties without a sign is seen by and by.
    write(&fixture, "system.slice/empty.service", "cgroup.events", "populated 1\nfrozen 0\n")?;
    write(&fixture, "system.slice/c.service", "cgroup.events", "populated 0\nfrozen 0\n")?;
    fixture.clock.advance(Duration::from_secs(60));
    fixture.collect(&mut collector)?;
    assert_eq!(names(&fixture.collect(&mut collector)?), ["b", "empty"]);
    fixture.remove(ROOT)?;
    assert_eq!(names(&fixture.collect(&mut collector)?), [] as [&str; 0]);
    Ok(())
}

#[test]
fn as_many_are_measured_as_may_be_and_those_stay() -> anyhow::Result<()> {
    let fixture = host(&["system.slice/b.service", "system.slice/c.service", "docker/ID"])?;
    count(&fixture, 5)?;
    let (cap, meter) = DeviceCap::of(DeviceKind::Service, 2);
    let mut collector = Services::new(&fixture.roots(), Interval::SECOND, cap);
    let expected = ["docker:0123456789ab", "b"];
    assert_eq!(names(&fixture.collect(&mut collector)?), expected);
    assert_eq!(meter.left_out(DeviceKind::Service), 1);
    add(&fixture, "system.slice/a.service")?;
    count(&fixture, 6)?;
    for _ in 0..2 {
        assert_eq!(names(&fixture.collect(&mut collector)?), expected, "a newcomer takes nobody's place");
        assert_eq!(meter.left_out(DeviceKind::Service), 2);
    }
    Ok(())
}

#[test]
fn two_of_one_name_stay_apart() -> anyhow::Result<()> {
    let fixture = host(&["one.slice/web.service", "two.slice/web.service"])?;
    count(&fixture, 4)?;
    let mut collector = services(&fixture);
    let both = names(&fixture.collect(&mut collector)?);
    assert!(both.len() == 2 && both[0] == "web" && both[1].starts_with("web~"), "{both:?}");
    fixture.remove(&format!("{ROOT}/one.slice/web.service"))?;
    count(&fixture, 3)?;
    fixture.collect(&mut collector)?;
    assert_eq!(names(&fixture.collect(&mut collector)?), both[1..], "who stays keeps its name");
    Ok(())
}

#[test]
fn hostile_trees_cost_little_and_harm_nobody() -> anyhow::Result<()> {
    let fixture = host(&["system.slice/web.service"])?;
    let root = fixture.roots().sys("fs/cgroup");
    let hostile: [&[u8]; 6] = [
        b"a\nb.service",
        b"\xff\xfe.service",
        b"<script>.service",
        "\u{202e}x.service".as_bytes(),
        b".service",
        b"...",
    ];
    let long = [vec![b'a'; 240], b".service".to_vec()].concat();
    for name in hostile.into_iter().chain([long.as_slice()]) {
        let group = root.join(OsStr::from_bytes(name));
        std::fs::create_dir(&group)?;
        std::fs::write(group.join("cgroup.events"), "populated 1\n")?;
        std::fs::write(group.join("cpu.stat"), "user_usec 99999999999999999999\n")?;
    }
    std::os::unix::fs::symlink(&root, root.join("loop"))?;
    std::os::unix::fs::symlink(root.join("system.slice/web.service"), root.join("link.service"))?;
    let deep = "d/".repeat(40);
    add(&fixture, &format!("{deep}deep.service"))?;
    let readings = fixture.collect(&mut services(&fixture))?;
    let told = shown(&readings);
    assert_eq!(told.len(), 6, "{told:?}");
    let ids: BTreeSet<_> = told.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), told.len());
    for (id, title) in &told {
        assert!(id.len() < 80 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_/:@+.-~".contains(&b)), "{id}");
        assert!(title.chars().count() < 160 && !title.contains(['\n', '\u{202e}']), "{title:?}");
    }
    assert!(told.contains(&("web".to_owned(), "Service web".to_owned())));
    Ok(())
}

#[test]
fn a_users_many_groups_take_no_room_from_the_system() -> anyhow::Result<()> {
    let user = "user.slice/user-1000.slice/user@1000.service";
    let fixture = host(&["system.slice/web.service", "user.slice/user-1000.slice", &format!("{user}/z.service")])?;
    for number in 0..50 {
        std::fs::create_dir(fixture.roots().sys(&format!("fs/cgroup/{user}/{number}")))?;
    }
    let root = fixture.roots().sys("fs/cgroup");
    let found = |most| tree::walk(&root, most).len();
    assert_eq!((found(0), found(2), found(20), found(1_000)), (0, 0, 2, 3));
    Ok(())
}

#[test]
fn broken_records_leave_the_path_to_tell() -> anyhow::Result<()> {
    let config = format!("var/lib/docker/containers/{ID}/config.v2.json");
    for text in ["", "{", "[]", r#"{"Name":7}"#, r#"{"Name":"/"}"#, r#"{"name":"web"}"#, "\u{0}\u{ff}"] {
        let fixture = host(&["docker/ID", "user.slice/user-7.slice", "kubepods/pod0123abcd/OTHER"])?;
        fixture.write(&config, text.as_bytes())?;
        fixture.write("etc/passwd", b"::7:\nx:y\n:z:7:0\n")?;
        fixture.write("var/log/containers/odd.log", b"")?;
        fixture.write("var/log/containers/a_b-c.log/dir", b"")?;
        let told = names(&fixture.collect(&mut services(&fixture))?);
        assert_eq!(told, ["docker:0123456789ab", "k8s:0123abcd/fedcba987654", "user:7"], "{text:?}");
    }
    Ok(())
}
