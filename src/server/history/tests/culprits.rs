//! Who was heaviest: kept as long as its tier, told by the second where it was kept so.

use super::*;
use crate::model::Process;
use crate::server::history::culprits::{pack_some, store};

/// Who was heaviest in the second or minute that begins then: a process of that name.
pub(super) fn heaviest(second: i64, span_ms: Interval) -> Culprits {
    let process = Process {
        pid: 7,
        name: format!("{} s from {second}", span_ms.ms() / 1_000).into(),
        cpu_percent: Some(12.5),
        ..Process::default()
    };
    Culprits { at: UnixMs(BEGIN + second * 1_000), span_ms, processes: vec![process] }
}

/// Who is said to have been heaviest, after each instant that is asked for.
pub(super) fn check_heaviest(history: &History, cases: &[(i64, Option<&str>)]) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for (ms, expected) in cases {
        let asked = history.culprits(UnixMs(BEGIN + ms), Duration::ZERO);
        let told = runtime.block_on(asked).map_err(|why| format!("{why:?}"))?;
        let names: Vec<&str> = told.iter().flat_map(|told| &told.processes).map(|process| &*process.name).collect();
        assert_eq!(names, expected.as_slice(), "{ms} ms");
    }
    Ok(())
}

#[test]
fn who_was_heaviest_is_told_by_the_second_or_else_by_the_minute() -> Result {
    let folder = Folder::new()?;
    for directory in [None, Some(folder.path.as_path())] {
        let history = start(directory)?;
        for culprits in [
            heaviest(60, Interval::MINUTE),
            heaviest(130, Interval::SECOND),
            heaviest(131, Interval::SECOND),
            heaviest(120, Interval::MINUTE),
        ] {
            history.keep(culprits);
        }
        let cases = [
            (59_999, None),
            (60_000, Some("60 s from 60")),
            (119_999, Some("60 s from 60")),
            (128_000, Some("60 s from 120")),
            (128_500, Some("1 s from 130")),
            (130_400, Some("1 s from 130")),
            (130_600, Some("1 s from 131")),
            (132_500, Some("1 s from 131")),
            (132_501, Some("60 s from 120")),
            (180_000, None),
            (-BEGIN, None),
        ];
        check_heaviest(&history, &cases)?;
        record(&history, 0..200);
        assert!(history.flush(PATIENCE));
        check_heaviest(&history, &cases)?;
        // Its hour is packed, and comes once more after the clock was set back.
        record(&history, 3_600..3_601);
        assert!(history.flush(PATIENCE));
        check_heaviest(&history, &cases)?;
        history.keep(heaviest(1_800, Interval::MINUTE));
        (1_800..1_801).for_each(|second| history.record(&observation(1, BEGIN + second * 1_000)));
        assert!(history.flush(PATIENCE));
        history.record(&observation(1, BEGIN + HOUR_MS));
        assert!(history.flush(PATIENCE));
        check_heaviest(&history, &cases)?;
        check_heaviest(&history, &[(1_800_000, Some("60 s from 1800"))])?;
    }
    let count = "SELECT group_concat((place >> 42) || ' at ' || ((place & ((1 << 42) - 1)) % 3600000)) FROM culprit";
    let rows: String = Database::read(&folder.path)?.connection.query_row(count, [], |row| row.get(0))?;
    assert_eq!(rows, "2 at 0,3 at 0", "an hour of each kind is one row");
    Ok(())
}

#[test]
fn a_point_that_stands_for_minutes_tells_the_heaviest_of_all_of_them() -> Result {
    let history = start(None)?;
    let heavy = |second: i64, span_ms: Interval, pid: u32| {
        let mut culprits = heaviest(second, span_ms);
        culprits.processes[0].pid = pid;
        culprits
    };
    let kept = [(60, 1), (120, 2), (180, 3), (240, 4)].map(|(second, pid)| heavy(second, Interval::MINUTE, pid));
    kept.into_iter().for_each(|culprits| history.keep(culprits));
    history.keep(heavy(131, Interval::SECOND, 9));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for (at, over, begin, span, pids) in [
        (240, 120, 120, 120, &[2, 3][..]),
        (240, 60, 180, 60, &[3]),
        (300, 300, 0, 300, &[1, 2, 3, 4]),
        (140, 10, 130, 10, &[9]),
        (130, 10, 120, 60, &[2]),
        (200, 30, 120, 80, &[2, 3]),
        (60, 60, 0, 0, &[]),
    ] {
        let asked = history.culprits(UnixMs(BEGIN + at * 1_000), Duration::from_secs(over));
        let told = runtime.block_on(asked).map_err(|why| format!("{why:?}"))?;
        let mut found: Vec<u32> = told.iter().flat_map(|told| &told.processes).map(|process| process.pid).collect();
        found.sort_unstable();
        assert_eq!(found, pids, "{over} s until {at}");
        let place = told.map_or((0, 0), |told| ((told.at.0 - BEGIN) / 1_000, told.span_ms.ms() / 1_000));
        assert_eq!(place, (begin, span), "{over} s until {at}");
    }
    Ok(())
}

#[test]
fn who_was_heaviest_is_packed_an_hour_at_a_time() -> Result {
    let mut connection = Database::in_memory()?.connection;
    let kept = [(0, Interval::MINUTE), (60, Interval::MINUTE), (3_600, Interval::MINUTE), (0, Interval::SECOND)];
    store(&connection, &kept.map(|(second, span_ms)| Arc::new(heaviest(second, span_ms))))?;
    for (rows, is_more) in [(3, true), (3, true), (3, true), (3, false)] {
        assert_eq!(pack_some(&mut connection, BEGIN + 2 * HOUR_MS)?, is_more);
        let count = connection.query_row("SELECT count(*) FROM culprit", [], |row| row.get::<_, i64>(0))?;
        assert_eq!(count, rows);
    }
    Ok(())
}

#[test]
fn who_was_heaviest_is_forgotten_with_its_tier_and_outlives_damage() -> Result {
    let folder = Folder::new()?;
    let hours = |hours| Duration::from_hours(hours);
    let retention =
        Retention { ticks: hours(2), minutes: hours(30), settled_after: Duration::ZERO, ..Retention::default() };
    let history = start_with(Some(&folder.path), catalog(), retention)?;
    for hour in 0..7 {
        history.keep(heaviest(hour * 3_600, Interval::SECOND));
        history.keep(heaviest(hour * 3_600, Interval::MINUTE));
        history.keep(heaviest(hour * 3_600 + 60, Interval::MINUTE));
        record(&history, hour * 3_600..hour * 3_600 + 2);
        assert!(history.flush(PATIENCE));
    }
    check_heaviest(
        &history,
        &[
            (0, Some("60 s from 0")),
            (60_000, Some("60 s from 60")),
            (2 * HOUR_MS, Some("60 s from 7200")),
            (3 * HOUR_MS, Some("1 s from 10800")),
            (6 * HOUR_MS, Some("1 s from 21600")),
        ],
    )?;
    // A single entry of the open hour, and an hour that is packed.
    spoil(
        &folder.path,
        &format!("UPDATE culprit SET tables = x'00' WHERE place = {}", (1_i64 << 42) | (BEGIN + 6 * HOUR_MS)),
    )?;
    spoil(
        &folder.path,
        &format!(
            "UPDATE culprit SET tables = substr(tables, 2) WHERE place = {}",
            (3_i64 << 42) | (BEGIN + 4 * HOUR_MS)
        ),
    )?;
    check_heaviest(
        &history,
        &[
            (4 * HOUR_MS, Some("60 s from 14400")),
            (5 * HOUR_MS, Some("1 s from 18000")),
            (6 * HOUR_MS, Some("60 s from 21600")),
        ],
    )?;
    record(&history, 70 * 3_600..70 * 3_600 + 2);
    assert!(history.flush(PATIENCE));
    check_heaviest(&history, &[(0, None), (60_000, None), (6 * HOUR_MS, None)])
}
