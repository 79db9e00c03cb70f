use super::*;
use crate::server::sampler::linux::fixture::{Fixture, ids, values};
use crate::server::sampler::linux::limits::tests::machine;

/// Files below `/sys/fs/cgroup` and what they hold.
type Files<'a> = &'a [(&'a str, &'a str)];

fn write(fixture: &Fixture, files: Files) -> std::io::Result<()> {
    files.iter().try_for_each(|(path, text)| fixture.write(&format!("sys/fs/cgroup/{path}"), text.as_bytes()))
}

/// The bytes that are left, and the group whose limit that is, of a machine with 8 MiB and 4 MiB of swap.
fn check(groups: &str, files: Files, memory: Option<(u64, &str)>, swap: Option<(u64, &str)>) -> anyhow::Result<()> {
    let fixture = machine(groups)?;
    write(&fixture, files)?;
    let limits = find(&fixture.roots());
    for (found, expected) in [(limits.memory, memory), (limits.swap, swap)] {
        let expected = expected.map(|(bytes, group)| (bytes, fixture.roots().sys("fs/cgroup").join(group)));
        assert_eq!(found.map(|limit| (limit.bytes, limit.group)), expected, "{groups:?} {files:?}");
    }
    Ok(())
}

const UNIFIED: (&str, &str) = ("cgroup.controllers", "memory\n");
const MEMORY: (&str, &str) = ("memory/tasks", "");

#[test]
fn the_tightest_limit_of_version_2_counts() -> anyhow::Result<()> {
    for (text, expected) in [
        ("1048576\n", Some((1_048_576, "a/b"))),
        ("max\n", None),
        ("8388608\n", None),
        ("0\n", None),
        ("-1\n", None),
        ("18446744073709551615\n", None),
        ("18446744073709551616\n", None),
        ("1048576 1\n", None),
        ("", None),
    ] {
        check("0::/a/b\n", &[UNIFIED, ("a/b/memory.max", text)], expected, None)?;
    }
    let nested = [UNIFIED, ("a/memory.max", "4096\n"), ("a/b/memory.max", "8192\n"), ("memory.max", "4096\n")];
    check("0::/a/b\n", &nested, Some((4_096, "")), None)?;
    check("0::/a/b\n", &nested[..3], Some((4_096, "a")), None)?;
    check("0::/a/telltale.service\n", &[UNIFIED, ("a/telltale.service/memory.max", "4096\n")], None, None)?;
    let swap = [UNIFIED, ("a/memory.swap.max", "4096\n"), ("a/b/memory.swap.max", "0\n")];
    check("0::/a\n", &swap, None, Some((4_096, "a")))?;
    check("0::/a/b\n", &swap, None, Some((0, "a/b")))?;
    check("0::/a\n", &[UNIFIED, ("a/memory.swap.max", "max\n")], None, None)
}

#[test]
fn version_1_has_a_number_where_it_has_no_limit() -> anyhow::Result<()> {
    let none = "9223372036854771712\n";
    let table = "4:memory:/docker/0123\n";
    let limits =
        |memory, both| [MEMORY, ("memory/memory.limit_in_bytes", memory), ("memory/memory.memsw.limit_in_bytes", both)];
    check(table, &limits(none, none), None, None)?;
    check(table, &limits("-1\n", "x\n"), None, None)?;
    check(table, &limits("1048576\n", none), Some((1_048_576, "memory")), None)?;
    check(table, &limits("1048576\n", "2097152\n"), Some((1_048_576, "memory")), Some((1_048_576, "memory")))?;
    check(table, &limits("1048576\n", "1048576\n"), Some((1_048_576, "memory")), Some((0, "memory")))?;
    let stat = ("memory/memory.stat", "cache 5\nhierarchical_memory_limit 4096\n");
    check(table, &[MEMORY, ("memory/memory.limit_in_bytes", none), stat], Some((4_096, "memory")), None)?;
    let host = [MEMORY, stat, ("memory/docker/0123/memory.limit_in_bytes", "2048\n")];
    check(table, &host, Some((2_048, "memory/docker/0123")), None)
}

#[test]
fn memory_adds_up_to_the_limit() -> anyhow::Result<()> {
    let old = ("4:memory:/\n", "memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat");
    let new = ("0::/\n", "memory.max", "memory.current", "memory.stat");
    for (groups, limit, usage, stat) in [old, new] {
        let fixture = machine(groups)?;
        let mut limited = LimitedMemory::new(&fixture.roots(), Interval::SECOND);
        let table =
            "inactive_file 100\nactive_file 50\nslab_reclaimable 50\ntotal_inactive_file 150\ntotal_active_file 50\n";
        write(&fixture, &[UNIFIED, MEMORY, (limit, "1000\n"), (usage, "700\n"), (stat, table)])?;
        for (text, host, memory, available) in [
            ("700\n", Some(9_999), Some([500.0, 200.0, 300.0]), Some(500.0)),
            ("700\n", Some(350), Some([500.0, 200.0, 300.0]), Some(350.0)),
            ("700\n", None, Some([500.0, 200.0, 300.0]), Some(500.0)),
            ("1200\n", None, Some([800.0, 200.0, 0.0]), Some(200.0)),
            ("150\n", None, Some([0.0, 150.0, 850.0]), Some(1_000.0)),
            ("-1\n", None, None, None),
            ("", None, None, None),
        ] {
            write(&fixture, &[(usage, text)])?;
            let readings = limited.readings(&fixture.clock, host);
            assert_eq!(ids(&readings), ["memory", "memory.available"]);
            let memory = memory.map_or([None; 3], |memory| memory.map(Some));
            assert_eq!(values(&readings, "memory"), Some(&memory[..]), "{text:?}");
            assert_eq!(values(&readings, "memory.available"), Some(&[available][..]), "{text:?}");
        }
        fixture.clock.advance(super::super::LOOK_EVERY);
        fixture.remove(&format!("sys/fs/cgroup/{limit}"))?;
        assert_eq!(limited.readings(&fixture.clock, None), [], "the limit is gone");
    }
    Ok(())
}

#[test]
fn swap_is_of_what_the_group_may_swap() -> anyhow::Result<()> {
    let fixture = machine("0::/\n")?;
    let mut limited = LimitedMemory::new(&fixture.roots(), Interval::SECOND);
    let mut swap = |limit: &str, used: &str| -> std::io::Result<Option<Vec<Reading>>> {
        write(&fixture, &[UNIFIED, ("memory.swap.max", limit), ("memory.swap.current", used)])?;
        fixture.clock.advance(super::super::LOOK_EVERY);
        assert_eq!(limited.readings(&fixture.clock, None), [], "memory is not limited");
        Ok(limited.swap(&fixture.clock))
    };
    assert_eq!(swap("max\n", "5\n")?, None);
    assert_eq!(swap("0\n", "0\n")?, Some(vec![]));
    for (used, expected) in
        [("300\n", [Some(300.0), Some(700.0)]), ("1300\n", [Some(1_000.0), Some(0.0)]), ("", [None; 2])]
    {
        let readings = swap("1000\n", used)?.unwrap_or_default();
        assert_eq!(values(&readings, "swap"), Some(&expected[..]), "{used:?}");
    }
    let fixture = machine("4:memory:/\n")?;
    let limits = [("memory/memory.limit_in_bytes", "1000\n"), ("memory/memory.memsw.limit_in_bytes", "1500\n")];
    let usage = [("memory/memory.usage_in_bytes", "800\n"), ("memory/memory.memsw.usage_in_bytes", "900\n")];
    write(&fixture, &[MEMORY, limits[0], limits[1], usage[0], usage[1]])?;
    let mut limited = LimitedMemory::new(&fixture.roots(), Interval::SECOND);
    limited.readings(&fixture.clock, None);
    let readings = limited.swap(&fixture.clock).unwrap_or_default();
    assert_eq!(values(&readings, "swap"), Some(&[Some(100.0), Some(400.0)][..]));
    Ok(())
}
