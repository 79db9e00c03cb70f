//! Files that are damaged, old, gone or without room.

use super::*;
use std::time::Instant;

/// Why nothing can be stored, as soon as that was noticed.
fn refusal(history: &History) -> Option<String> {
    let began = Instant::now();
    while history.trouble().is_none() && began.elapsed() < PATIENCE {
        assert!(!history.flush(Duration::from_millis(100)), "there is no room for it");
    }
    assert!(!history.flush(Duration::from_millis(100)), "there still is none");
    history.trouble().map(|trouble| trouble.words)
}

#[test]
fn damage_costs_what_is_damaged_and_is_a_gap() -> Result {
    let folder = Folder::new()?;
    let history = start(Some(&folder.path))?;
    record(&history, 0..10_900);
    assert!(history.flush(PATIENCE));
    let mask = (1_i64 << 42) - 1;
    let flip = "substr(body, 1, 40) || x'5a' || substr(body, 42)";
    // The first shape, of `cpu`, alone.
    let hour_of_cpu = format!("place >> 42 = 1 AND place & {mask} = {}", BEGIN + HOUR_MS);
    spoil(&folder.path, &format!("UPDATE extent SET body = {flip} WHERE {hour_of_cpu}"))?;
    assert_eq!(ask(&history, "slow", BEGIN, BEGIN + 4 * HOUR_MS, Detail::Ticks)?.1, [], "nothing else is missing");
    let (course, gaps) = ask(&history, "cpu", BEGIN, BEGIN + 4 * HOUR_MS, Detail::Ticks)?;
    assert_eq!(course.body.t(), [seconds(0..3_600), seconds(7_200..10_900)].concat());
    let hour = Gap {
        from: Some(UnixMs(BEGIN + HOUR_MS)),
        to: Some(UnixMs(BEGIN + 2 * HOUR_MS - 1_000)),
        reason: GapReason::Unknown,
    };
    assert_eq!(gaps, [hour]);
    // Damaged blocks cost their seconds when their hour is packed.
    spoil(&folder.path, "UPDATE hot SET block = x'00' WHERE place = (SELECT max(place) FROM hot)")?;
    record(&history, 14_400..14_401);
    assert!(history.flush(PATIENCE));
    let rest = ticks(&history, "cpu", BEGIN + 2 * HOUR_MS, BEGIN + 5 * HOUR_MS)?;
    assert!(rest.len() > 3_600 && rest.len() < 3_701 && rest.last() == Some(&(BEGIN + 4 * HOUR_MS)));
    Ok(())
}

#[test]
fn a_file_of_an_older_version_is_read_as_it_is() -> Result {
    let folder = Folder::new()?;
    let history = start(Some(&folder.path))?;
    record(&history, 0..10);
    let down =
        Gap { from: Some(UnixMs(BEGIN + 10_000)), to: Some(UnixMs(BEGIN + 19_000)), reason: GapReason::NotRunning };
    history.record(&Observation::Gap(down));
    record(&history, 20..30);
    history.close();
    spoil(&folder.path, "ALTER TABLE gap DROP COLUMN era; PRAGMA user_version = 2")?;
    let question =
        Question { families: Wanted::All, from: UnixMs(BEGIN), to: UnixMs(BEGIN + HOUR_MS), detail: Detail::Ticks };
    let answer = Archive::open(&folder.path)?.ask(&question)?;
    assert_eq!((answer.courses.len(), answer.gaps), (2, vec![down]));
    Ok(())
}

#[test]
fn a_full_disk_stops_storing_and_nothing_else() -> Result {
    let folder = Folder::new()?;
    let mut opened = open(Some(&folder.path), Retention::default())?;
    opened.limit_pages(20)?;
    let history = History::start(opened, catalog(), Arc::default())?;
    record(&history, 0..1_200);
    history.keep(heaviest(1_140, Interval::MINUTE));
    assert_eq!(refusal(&history).as_deref(), Some("the disk is full"));
    assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + HOUR_MS)?, seconds(0..1_200), "all of it is still told");
    check_values(&history, BEGIN, BEGIN + HOUR_MS)?;
    check_heaviest(&history, &[(1_150_000, Some("60 s from 1140"))])?;
    history.lift_limit();
    assert!(history.flush(PATIENCE), "it resumes by itself");
    assert_eq!(history.trouble(), None);
    history.close();
    let history = start(Some(&folder.path))?;
    assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + HOUR_MS)?, seconds(0..1_200));
    check_heaviest(&history, &[(1_150_000, Some("60 s from 1140"))])
}

#[test]
fn an_hour_that_cannot_be_packed_holds_up_nothing() -> Result {
    let folder = Folder::new()?;
    let history = start(Some(&folder.path))?;
    record(&history, 0..10);
    assert!(history.flush(PATIENCE));
    spoil(&folder.path, "CREATE TRIGGER refuse BEFORE INSERT ON extent BEGIN SELECT RAISE(ABORT, 'no'); END")?;
    for hour in 1..3 {
        record(&history, hour * 3_600..hour * 3_600 + 10);
        assert!(history.flush(PATIENCE), "its samples are stored all the same");
        assert_eq!(history.trouble(), None);
    }
    spoil(&folder.path, "DROP TRIGGER refuse")?;
    record(&history, 3 * 3_600..3 * 3_600 + 10);
    assert!(history.flush(PATIENCE));
    let connection = Database::read(&folder.path)?.connection;
    let packed: i64 = connection.query_row("SELECT count(*) FROM extent", [], |row| row.get(0))?;
    assert!(packed > 0, "the next hour tries again");
    let hours = (0..4).flat_map(|hour| seconds(hour * 3_600..hour * 3_600 + 10));
    assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + 4 * HOUR_MS)?, hours.collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_directory_that_vanishes_is_made_again() -> Result {
    let folder = Folder::new()?;
    let directory = folder.path.join("below");
    let history = start(Some(&directory))?;
    record(&history, 0..10);
    assert!(history.flush(PATIENCE));
    std::fs::remove_dir_all(&directory)?;
    std::fs::write(&directory, "in the way")?;
    record(&history, 10..20);
    assert_eq!(refusal(&history).as_deref(), Some("its directory is gone"));
    std::fs::remove_file(&directory)?;
    assert!(history.flush(PATIENCE));
    assert_eq!(history.trouble(), None);
    assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + HOUR_MS)?, seconds(10..20), "what was stored went with it");
    assert!(
        matches!(open(Some(&directory), Retention::default()).map_err(|error| error.to_string()), Err(line) if line.contains("another Telltale"))
    );
    Ok(())
}

#[test]
fn a_file_that_is_removed_is_begun_anew() -> Result {
    let folder = Folder::new()?;
    let history = start(Some(&folder.path))?;
    for round in 0..2 {
        record(&history, round * 10..round * 10 + 10);
        assert!(history.flush(PATIENCE), "{:?}", history.trouble());
        assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + HOUR_MS)?, seconds(round * 10..round * 10 + 10));
        for end in ["", "-wal", "-shm"] {
            std::fs::remove_file(folder.path.join(format!("{FILE}{end}")))?;
        }
    }
    assert!(open(Some(&folder.path), Retention::default()).is_err(), "the lock was kept all along");
    Ok(())
}
