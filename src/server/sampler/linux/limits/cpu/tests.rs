use super::*;
use crate::server::sampler::linux::fixture::{Fixture, ids, values};
use crate::server::sampler::linux::limits::tests::machine;

/// Files below `/sys/fs/cgroup` and what they hold.
type Files<'a> = &'a [(&'a str, &'a str)];

fn write(fixture: &Fixture, files: Files) -> std::io::Result<()> {
    files.iter().try_for_each(|(path, text)| fixture.write(&format!("sys/fs/cgroup/{path}"), text.as_bytes()))
}

/// The cores that are left, and the group whose limit that is.
fn check(groups: &str, files: Files, expected: Option<(f64, &str)>) -> anyhow::Result<()> {
    let fixture = machine(groups)?;
    write(&fixture, files)?;
    let found = find(&fixture.roots());
    let found = found.as_ref().map(|limit| match &limit.usage {
        Usage::Unified(group) | Usage::Accounting(group) => (limit.cores, group.clone()),
    });
    let expected = expected.map(|(cores, group)| (cores, fixture.roots().sys("fs/cgroup").join(group)));
    assert_eq!(found, expected, "{groups:?} {files:?}");
    Ok(())
}

const UNIFIED: (&str, &str) = ("cgroup.controllers", "cpuset cpu io memory pids\n");
const CPU: (&str, &str) = ("cpu/tasks", "");
const ACCOUNTING: (&str, &str) = ("cpuacct/tasks", "");
const CPUSET: (&str, &str) = ("cpuset/tasks", "");
const PERIOD: &str = "100000\n";

#[test]
fn the_tightest_quota_of_version_2_counts() -> anyhow::Result<()> {
    let own = |text| [UNIFIED, ("a/b/cpu.max", text)];
    for (text, expected) in [
        ("50000 100000\n", Some((0.5, "a/b"))),
        ("300000 200000", Some((1.5, "a/b"))),
        ("max 100000\n", None),
        ("400000 100000\n", None),
        ("0 100000\n", None),
        ("50000 0\n", None),
        ("-1 100000\n", None),
        ("50000\n", None),
        ("18446744073709551615 1\n", None),
        ("\0\u{ff}\n", None),
        ("", None),
    ] {
        check("0::/a/b\n", &own(text), expected)?;
    }
    let nested = [UNIFIED, ("a/cpu.max", "100000 100000\n"), ("a/b/cpu.max", "200000 100000\n")];
    check("0::/a/b\n", &nested, Some((1.0, "a")))?;
    check("0::/\n", &nested, None)?;
    let equal = [UNIFIED, ("a/cpu.max", "100000 100000\n"), ("a/b/cpu.max", "50000 50000\n")];
    check("0::/a/b\n", &equal, Some((1.0, "a")))?;
    check("0::/\n", &[UNIFIED, ("cpu.max", "50000 100000\n")], Some((0.5, "")))?;
    check("", &[UNIFIED, ("cpu.max", "50000 100000\n")], Some((0.5, "")))
}

#[test]
fn a_service_of_its_own_does_not_count_and_what_it_is_in_does() -> anyhow::Result<()> {
    let service = ("system.slice/telltale.service/cpu.max", "20000 100000\n");
    check("0::/system.slice/telltale.service\n", &[UNIFIED, service], None)?;
    let container = [UNIFIED, service, ("cpu.max", "200000 100000\n")];
    check("0::/system.slice/telltale.service\n", &container, Some((2.0, "")))?;
    let scope = [UNIFIED, ("user.slice/run-1.scope/cpu.max", "20000 100000\n")];
    check("0::/user.slice/run-1.scope\n", &scope, Some((0.2, "user.slice/run-1.scope")))
}

#[test]
fn quotas_of_version_1_are_found_where_the_container_sees_them() -> anyhow::Result<()> {
    let table = "4:cpu,cpuacct:/docker/0123\n0::/\n";
    let host = [
        CPU,
        ACCOUNTING,
        ("cpu/docker/0123/cpu.cfs_quota_us", "50000\n"),
        ("cpu/docker/0123/cpu.cfs_period_us", PERIOD),
        ("cpuacct/docker/0123/cpuacct.usage_user", "0\n"),
    ];
    check(table, &host, Some((0.5, "cpuacct/docker/0123")))?;
    let inside = [CPU, ACCOUNTING, ("cpu/cpu.cfs_quota_us", "150000\n"), ("cpu/cpu.cfs_period_us", PERIOD)];
    check(table, &inside, Some((1.5, "cpuacct")))?;
    check(table, &[CPU, ACCOUNTING, ("cpu/cpu.cfs_quota_us", "-1\n"), ("cpu/cpu.cfs_period_us", PERIOD)], None)?;
    check(table, &[CPU, ACCOUNTING, ("cpu/cpu.cfs_quota_us", "50000\n")], None)?;
    check(table, &[CPU, inside[2], inside[3]], None)?;
    let hybrid = [("unified/cgroup.controllers", ""), inside[0], inside[1], inside[2], inside[3]];
    check(table, &hybrid, Some((1.5, "cpuacct")))
}

#[test]
fn fewer_cpus_than_the_machine_has_are_a_limit() -> anyhow::Result<()> {
    for (text, expected) in [
        ("1-2\n", Some((2.0, "a"))),
        ("0,2-3", Some((3.0, "a"))),
        ("3", Some((1.0, "a"))),
        ("0-3\n", None),
        ("\n", None),
        ("2-1\n", None),
        ("0-18446744073709551615\n", None),
        ("0-1,x\n", None),
        ("-1\n", None),
    ] {
        check(
            "0::/a/b\n",
            &[UNIFIED, ("a/cpuset.cpus.effective", text), ("a/b/cpuset.cpus.effective", text)],
            expected,
        )?;
    }
    let quota = [UNIFIED, ("a/cpuset.cpus.effective", "0-1\n"), ("a/cpu.max", "150000 100000\n")];
    check("0::/a\n", &quota, Some((1.5, "a")))?;
    let docker = "3:cpuset:/docker/0\n4:cpu,cpuacct:/docker/0\n";
    let sets = [CPUSET, CPU, ACCOUNTING, ("cpuset/cpuset.cpus", "0\n"), ("cpuset/cpuset.effective_cpus", "0-1\n")];
    check(docker, &sets, Some((2.0, "cpuacct")))?;
    check(docker, &sets[..4], Some((1.0, "cpuacct")))?;
    let uncounted = [CPUSET, CPU, ACCOUNTING, ("cpuset/a/cpuset.cpus", "0\n")];
    check("3:cpuset:/a\n", &uncounted, None)
}

#[test]
fn usage_is_of_the_limit_and_never_more_than_all_of_it() -> anyhow::Result<()> {
    let fixture = machine("0::/\n")?;
    let mut limited = LimitedCpu::new(&fixture.roots(), Interval::SECOND);
    assert_eq!(limited.readings(&fixture.clock), [], "nothing limits");
    fixture.clock.advance(super::super::LOOK_EVERY);
    let stat =
        |user, system, throttled| format!("user_usec {user}\nsystem_usec {system}\nthrottled_usec {throttled}\n");
    let turn = |limited: &mut LimitedCpu, text: &str| -> std::io::Result<Vec<Reading>> {
        fixture.clock.advance(Duration::from_secs(1));
        write(&fixture, &[("cpu.stat", text)])?;
        Ok(limited.readings(&fixture.clock))
    };
    write(&fixture, &[UNIFIED, ("cpu.max", "50000 100000\n")])?;
    let first = turn(&mut limited, &stat(1_000_000, 500_000, 70))?;
    assert_eq!(ids(&first), ["cpu", "cpu.throttled"]);
    assert_eq!((values(&first, "cpu"), values(&first, "cpu.throttled")), (Some(&[None; 2][..]), Some(&[None][..])));
    for (text, cpu, throttled) in [
        (stat(1_200_000, 600_000, 250_070), [Some(40.0), Some(20.0)], Some(25.0)),
        (stat(1_800_000, 800_000, 9_000_000), [Some(75.0), Some(25.0)], Some(100.0)),
        (stat(1, 900_000, 9_000_000), [None; 2], Some(0.0)),
        ("user_usec -5\n".to_owned(), [None; 2], None),
        (String::new(), [None; 2], None),
    ] {
        let readings = turn(&mut limited, &text)?;
        assert_eq!(values(&readings, "cpu"), Some(&cpu[..]), "{text:?}");
        assert_eq!(values(&readings, "cpu.throttled"), Some(&[throttled][..]), "{text:?}");
    }
    write(&fixture, &[("cpu.max", "max 100000\n")])?;
    fixture.clock.advance(super::super::LOOK_EVERY);
    assert_eq!(turn(&mut limited, "")?, [], "the limit is gone");
    Ok(())
}

#[test]
fn version_1_counts_in_units_of_its_own() -> anyhow::Result<()> {
    let ticks = rustix::param::clock_ticks_per_second() / 10;
    for (file, first, second) in [
        ("cpuacct.usage_user", "5\n".to_owned(), "100000005\n".to_owned()),
        ("cpuacct.stat", "user 3\nsystem 0\n".to_owned(), format!("user {}\nsystem 0\n", 3 + ticks)),
    ] {
        let fixture = machine("4:cpu,cpuacct:/\n")?;
        let quota = [("cpu/cpu.cfs_quota_us", "50000\n"), ("cpu/cpu.cfs_period_us", PERIOD)];
        write(&fixture, &[CPU, ACCOUNTING, quota[0], quota[1], ("cpuacct/cpuacct.usage_sys", "7\n")])?;
        write(&fixture, &[(&format!("cpuacct/{file}"), &first), ("cpu/cpu.stat", "throttled_time 1\n")])?;
        let mut limited = LimitedCpu::new(&fixture.roots(), Interval::SECOND);
        limited.readings(&fixture.clock);
        fixture.clock.advance(Duration::from_secs(1));
        write(&fixture, &[(&format!("cpuacct/{file}"), &second), ("cpu/cpu.stat", "throttled_time 500000001\n")])?;
        let readings = limited.readings(&fixture.clock);
        assert_eq!(values(&readings, "cpu"), Some(&[Some(20.0), Some(0.0)][..]), "{file}");
        assert_eq!(values(&readings, "cpu.throttled"), Some(&[Some(50.0)][..]), "{file}");
    }
    Ok(())
}
