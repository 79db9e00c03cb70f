//! What is forgotten, and when.

use super::*;

#[test]
fn families_of_which_nothing_is_left_are_forgotten() -> Result {
    let hour = Duration::from_hours(1);
    let retention =
        Retention { ticks: hour, minutes: hour, hours: hour, settled_after: Duration::ZERO, ..Retention::default() };
    let folder = Folder::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for directory in [None, Some(folder.path.as_path())] {
        let history = start_with(directory, catalog(), retention.clone())?;
        record(&history, 0..10);
        history.record(&Observation::Catalog(Arc::new(Catalog(vec![family("last", 1_000, &["a"])]))));
        for (second, is_known) in [(20, true), (40 * 86_400, false)] {
            history.record(&observation(0, BEGIN + second * 1_000));
            assert!(history.flush(PATIENCE));
            for id in ["slow", "cpu"] {
                assert_eq!(runtime.block_on(history.knows(id.into())), Ok(is_known), "{id}");
            }
            assert_eq!(runtime.block_on(history.knows("last".into())), Ok(true));
        }
    }
    Ok(())
}

#[test]
fn what_is_too_old_or_too_much_goes_and_space_comes_back() -> Result {
    let folder = Folder::new()?;
    let hours = |hours| Duration::from_hours(hours);
    let retention = Retention {
        ticks: hours(2),
        minutes: hours(30),
        hours: hours(1_000),
        settled_after: Duration::ZERO,
        ..Retention::default()
    };
    let history = start_with(Some(&folder.path), catalog(), retention)?;
    for hour in 0..9 {
        record(&history, hour * 3_600..(hour + 1) * 3_600);
        assert!(history.flush(PATIENCE));
    }
    record(&history, 9 * 3_600..9 * 3_600 + 10);
    assert!(history.flush(PATIENCE));
    let all = ask(&history, "cpu", BEGIN, BEGIN + 10 * HOUR_MS, Detail::Ticks)?.0;
    assert_eq!(all.body.t().first(), Some(&(BEGIN + 7 * HOUR_MS)), "ticks of two hours and the open one");
    let (long, _) = ask(&history, "cpu", BEGIN, BEGIN + 10 * HOUR_MS, Detail::Points(10_000))?;
    assert_eq!((long.step_ms, long.body.t().first()), (MINUTE_MS, Some(&BEGIN)), "minutes of all hours");
    history.close();
    let pages = |directory: &Path| -> Result<(i64, i64)> {
        let connection = Database::read(directory)?.connection;
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok((number("page_count")?, number("freelist_count")?))
    };
    let (before, _) = pages(&folder.path)?;
    // A limit that only the coarsest tier keeps to.
    let retention = Retention { max_bytes: 30_000, settled_after: Duration::ZERO, ..Retention::default() };
    let history = start_with(Some(&folder.path), catalog(), retention)?;
    record(&history, 10 * 3_600..10 * 3_600 + 10);
    assert!(history.flush(PATIENCE));
    let (course, _) = ask(&history, "cpu", BEGIN, BEGIN + 11 * HOUR_MS, Detail::Points(10_000))?;
    assert_ne!(course.step_ms, 1_000, "the oldest of the finest went first");
    history.close();
    let (after, free) = pages(&folder.path)?;
    assert!(after - free < before, "{before} {after} {free}");
    Ok(())
}

#[test]
fn a_host_that_sleeps_long_forgets_all_the_same() -> Result {
    // Settled as soon as any time has passed: the clock is watched all the same.
    let retention = Retention { settled_after: Duration::from_nanos(1), ..Retention::default() };
    let history = start_with(None, catalog(), retention)?;
    let nights = [0, 10, 20, 30].map(|days| days * 86_400);
    for second in nights {
        record(&history, second..second + 10);
        assert!(history.flush(PATIENCE));
    }
    let kept = [20, 30].map(|days| seconds(days * 86_400..days * 86_400 + 10));
    assert_eq!(ticks(&history, "cpu", BEGIN, BEGIN + 40 * DAY_MS)?, kept.concat(), "of two weeks");
    Ok(())
}

#[test]
fn memory_alone_keeps_an_hour_of_all_tiers() -> Result {
    let retention = Retention { settled_after: Duration::ZERO, ..Retention::memory_only() };
    let history = start_with(None, catalog(), retention)?;
    for hour in 0..30 {
        history.keep(heaviest(hour * 3_600, Interval::MINUTE));
        record(&history, hour * 3_600..hour * 3_600 + 10);
        assert!(history.flush(PATIENCE));
    }
    let kept = BEGIN + 28 * HOUR_MS;
    for (points, step) in [(10_000, 15_000), (2_000, MINUTE_MS), (40, HOUR_MS)] {
        let (course, _) = ask(&history, "cpu", BEGIN, BEGIN + 30 * HOUR_MS, Detail::Points(points))?;
        assert_eq!((course.step_ms, course.body.t().first()), (step, Some(&kept)), "the open hour and the one before");
    }
    check_heaviest(&history, &[(26 * HOUR_MS, None), (28 * HOUR_MS, Some("60 s from 100800"))])
}
