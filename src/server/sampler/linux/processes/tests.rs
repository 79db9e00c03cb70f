use super::*;
use crate::server::sampler::clock::SystemClock;
use crate::server::sampler::linux::fixture::Fixture;
use std::process::Command;

/// One process of the fixture, which began so many ticks after the boot.
fn write(fixture: &Fixture, pid: u32, comm: &[u8], ticks: [u64; 2]) -> std::io::Result<()> {
    let [spent, started] = ticks;
    let numbers = format!("S 1 1 1 0 -1 0 0 0 0 0 {spent} 0 0 0 20 0 3 0 {started} 4096 5 1\n");
    let line = [format!("{pid} (").as_bytes(), comm, b") ", numbers.as_bytes()].concat();
    fixture.write(&format!("proc/{pid}/stat"), &line)
}

fn processes(fixture: &Fixture, with_arguments: bool) -> Processes {
    let roots = fixture.roots();
    let users = roots.proc("passwd");
    Processes { ticks_per_s: 100, page_bytes: 4_096, ..Processes::new(&roots, users, with_arguments) }
}

/// A second later.
fn scan(fixture: &Fixture, processes: &mut Processes) -> anyhow::Result<ProcessTable> {
    fixture.clock.advance(Duration::from_secs(1));
    processes.scan(&fixture.clock)
}

fn find(table: &ProcessTable, pid: u32) -> Process {
    table.processes.iter().find(|process| process.pid == pid).cloned().unwrap_or_default()
}

/// What was scanned last, by the clock of the fixture, which begins 1 000 s after the boot.
const SCANNED_TICKS: u64 = 100_100;

#[test]
fn a_process_is_told_with_all_that_is_known() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    let owner = rustix::process::geteuid().as_raw();
    fixture.write("proc/passwd", format!("ann:x:{owner}:1::/:").as_bytes())?;
    fixture.write("proc/meminfo", b"")?;
    write(&fixture, 7, b"data base) R", [500, 12_345])?;
    fixture.write("proc/7/io", b"rchar: 9\nread_bytes: 1000\nwrite_bytes: 2000\ncancelled_write_bytes: 0\n")?;
    fixture.write("proc/7/cmdline", b"/opt/data base\0--password=x\0-v\0")?;
    let mut processes = processes(&fixture, true);
    scan(&fixture, &mut processes)?;
    write(&fixture, 7, b"data base) R", [650, 12_345])?;
    fixture.write("proc/7/io", b"read_bytes: 1500\nwrite_bytes: 2000\n")?;
    let table = scan(&fixture, &mut processes)?;
    let expected = Process {
        pid: 7,
        name: "data base) R".into(),
        user: Some("ann".into()),
        cpu_percent: Some(150.0),
        memory_bytes: Some(5 * 4_096),
        read_bytes_per_s: Some(500),
        written_bytes_per_s: Some(0),
        threads: Some(3),
        started_at: Some(UnixMs(123_000)),
        arguments: Some("/opt/data base --password=*** -v".into()),
    };
    assert_eq!(table, ProcessTable { at: UnixMs(1_002_000), total: 1, processes: vec![expected] });
    for (cmdline, expected) in [("a title", Some("a title")), ("", None), ("a\0b\0", Some("a b"))] {
        fixture.write("proc/7/cmdline", cmdline.as_bytes())?;
        assert_eq!(find(&scan(&fixture, &mut processes)?, 7).arguments.as_deref(), expected);
    }
    Ok(())
}

#[test]
fn rates_are_never_of_another_process() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    write(&fixture, 7, b"old", [500, 100])?;
    let mut processes = processes(&fixture, false);
    let first = find(&scan(&fixture, &mut processes)?, 7);
    assert_eq!((first.cpu_percent, first.read_bytes_per_s, first.arguments), (None, None, None));
    for (name, ticks, expected) in [
        ("ran on", [550, 100], Some(50.0)),
        ("began since the scan before", [25, SCANNED_TICKS + 150], Some(25.0)),
        ("began long ago, though unseen", [900, 300], None),
        ("ran on", [910, 300], Some(10.0)),
    ] {
        write(&fixture, 7, name.as_bytes(), ticks)?;
        let seen = find(&scan(&fixture, &mut processes)?, 7);
        assert_eq!((&*seen.name, seen.cpu_percent), (name, expected), "{name}");
    }
    fixture.remove("proc/7")?;
    assert_eq!(scan(&fixture, &mut processes)?.total, 0);
    assert!(processes.known.is_empty(), "nothing is kept of who has gone");
    write(&fixture, 7, b"again", [10, 300])?;
    scan(&fixture, &mut processes)?;
    processes.forget();
    assert!(processes.folder.is_none() && processes.known.is_empty());
    assert_eq!(find(&scan(&fixture, &mut processes)?, 7).cpu_percent, None, "the first scan again");
    Ok(())
}

#[test]
fn hostile_and_broken_processes_harm_nobody() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    for (pid, comm) in [(1, &b"<script>"[..]), (2, b"\xff\x1b[31m"), (3, "\u{202e}gpj".as_bytes())] {
        write(&fixture, pid, comm, [1, 1])?;
    }
    fixture.write("proc/4/stat", b"4 (cut off) R 1")?;
    fixture.write("proc/5/stat", b"")?;
    fixture.write("proc/6/io", b"read_bytes: x\n")?;
    fixture.write("proc/99999999999999999999/stat", b"")?;
    write(&fixture, 8, b"fifteen-letters", [1, 1])?;
    fixture.write("proc/8/cmdline", b"/bin/fifteen-letters\x1b-and-more\0")?;
    let mut processes = processes(&fixture, true);
    let table = scan(&fixture, &mut processes)?;
    assert_eq!(table.total, 7, "directories with a number for a name");
    let names: Vec<_> = {
        let mut processes = table.processes.clone();
        processes.sort_by_key(|process| process.pid);
        processes.iter().map(|process| process.name.to_string()).collect()
    };
    assert_eq!(names, ["<script>", "\u{fffd}\u{fffd}[31m", "\u{fffd}gpj", "fifteen-letters\u{fffd}-and-more"]);
    let mut folder = Folder::open(&fixture.roots().proc(""))?;
    assert_eq!(folder.pids(3).map(|(pids, total)| (pids.len(), total))?, (3, 7));
    Ok(())
}

#[test]
fn the_start_does_not_wander_with_the_clock() -> anyhow::Result<()> {
    let fixture = Fixture::new()?;
    write(&fixture, 7, b"a", [1, 12_399])?;
    let mut processes = processes(&fixture, false);
    for (set_ms, expected) in [(0, 123_000), (400, 123_000), (500, 123_000), (-800, 123_000), (5_000, 129_000)] {
        fixture.clock.change(|moment| moment.wall_us += set_ms * 1_000);
        let started_at = find(&scan(&fixture, &mut processes)?, 7).started_at;
        assert_eq!(started_at, Some(UnixMs(expected)), "{set_ms}");
    }
    Ok(())
}

#[test]
fn this_machine_is_scanned() -> anyhow::Result<()> {
    let mut child = Command::new("sh").args(["-c", "while :; do :; done"]).spawn()?;
    let mut processes = Processes::new(&Roots::default(), crate::server::sampler::processes::USERS.into(), true);
    let mut table = processes.scan(&SystemClock);
    // Others share the machine: it may get next to nothing of a core for a while.
    let is_seen = |table: &ProcessTable| find(table, child.id()).cpu_percent >= Some(10.0);
    for _ in 0..20 {
        SystemClock.wait(&crate::server::sampler::Stop::new(), Duration::from_millis(500));
        table = processes.scan(&SystemClock);
        if table.as_ref().is_ok_and(is_seen) {
            break;
        }
    }
    child.kill()?;
    child.wait()?;
    let table = table?;
    let own = find(&table, std::process::id());
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    assert!(own.threads.is_some_and(|count| count > 1 && (count as usize) < threads + 64), "{own:?} {threads}");
    assert!(own.memory_bytes > Some(1 << 20) && own.cpu_percent.is_some() && own.user.is_some(), "{own:?}");
    assert!(own.started_at.is_some_and(|at| at <= table.at && table.at.0 - at.0 < 3_600_000), "{own:?}");
    let burning = find(&table, child.id());
    assert!(burning.cpu_percent.is_some_and(|percent| (10.0..=130.0).contains(&percent)), "{burning:?}");
    assert_eq!(burning.arguments.as_deref(), Some("sh -c while :; do :; done"));
    Ok(())
}
