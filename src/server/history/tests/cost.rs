//! What a question makes the store read.

use super::super::beginnings::Beginnings;
use super::super::damages::Damages;
use super::super::reader;
use super::*;

/// `memory`, and what one of its series is derived from besides.
fn memory() -> Arc<Catalog> {
    let of_bytes = |id: &str, dimensions: &[&str]| {
        let dimensions: Vec<(&str, &str)> = dimensions.iter().map(|id| (*id, *id)).collect();
        Family::new(id, id, Unit::Bytes, Interval::SECOND, &dimensions)
    };
    let memory = of_bytes("memory", &["used", "buffers", "cached", "free"]).stacked();
    Arc::new(Catalog(vec![memory, of_bytes("memory.available", &["available"])]))
}

#[test]
fn what_is_derived_of_another_family_is_read_from_its_ticks_only_where_they_are_needed() -> Result {
    let folder = Folder::new()?;
    let history = start_with(Some(&folder.path), memory(), Retention::default())?;
    for second in 0..11_000 {
        let t = UnixMs(BEGIN + second * 1_000);
        let values = |values: &[f64]| values.iter().map(|value| Some(*value)).collect();
        let families = vec![
            FamilyValues { family: "memory".into(), values: values(&[40.0, 10.0, 20.0, 30.0]) },
            FamilyValues { family: "memory.available".into(), values: values(&[25.0]) },
        ];
        let id = EventId { era: 0, t, n: 0 };
        history.record(&Observation::Sample { id, sample: Arc::new(Sample { t, families }) });
    }
    assert!(history.flush(PATIENCE));
    history.close();
    // What is read of it is found to be damaged.
    let first_hours = format!("place >> 42 = 2 AND last < {}", BEGIN + 2 * HOUR_MS);
    spoil(&folder.path, &format!("UPDATE extent SET body = x'00' WHERE {first_hours}"))?;
    let mut database = Database::read(&folder.path)?;
    for (from, is_read) in [(0, true), (7_200, false)] {
        for (detail, is_folded) in [(Detail::Points(200), true), (Detail::Ticks, false)] {
            let mut damages = Damages::default();
            let question = Question {
                families: Wanted::These(vec!["memory".into()]),
                from: UnixMs(BEGIN + from * 1_000),
                to: UnixMs(BEGIN + 11_000_000),
                detail,
            };
            let answer = reader::answer_of_known(&mut database, &mut damages, &question)?;
            let course = answer.courses.first().ok_or("memory has a course")?;
            assert_eq!(course.is_folded(), is_folded);
            assert_eq!(!damages.known.is_empty(), is_read && !is_folded, "from {from}, {detail:?}");
            let percent = course.column("used_percent").ok_or("it is derived")?;
            let last = course.body.values(percent).last();
            assert_eq!(last, Some([75.0; 3]));
        }
    }
    Ok(())
}

#[test]
fn where_tiers_begin_is_remembered_until_that_changes() -> Result {
    let folder = Folder::new()?;
    let hours = |hours| Duration::from_hours(hours);
    let retention =
        Retention { ticks: hours(2), minutes: hours(5), settled_after: Duration::ZERO, ..Retention::default() };
    let history = start_with(Some(&folder.path), every_minute(), retention)?;
    let (mut remembered, mut seen) = (Beginnings::default(), std::collections::BTreeSet::new());
    for hour in 0..34 {
        // An hour of an era with a wrong clock is between them.
        let (era, hour) = if hour == 20 { (1, 4 - 500_000) } else { (2 * u32::from(hour > 20), hour) };
        for minute in hour * 60..hour * 60 + 60 {
            history.record(&observation(era, BEGIN + minute * MINUTE_MS));
        }
        assert!(history.flush(PATIENCE));
        let database = Database::read(&folder.path)?;
        remembered.renew(&database.connection)?;
        let found = Beginnings::find(&database.connection)?;
        let begins = Tier::ALL.map(|tier| found.of(tier));
        assert_eq!(Tier::ALL.map(|tier| remembered.of(tier)), begins, "after hour {hour}");
        seen.insert(begins);
    }
    assert!(seen.len() > 5, "{seen:?}");
    Ok(())
}

fn every_minute() -> Arc<Catalog> {
    Arc::new(Catalog(vec![family("cpu", 60_000, &["user", "system", "iowait"]).stacked()]))
}

#[test]
fn no_more_points_are_told_than_were_asked_for() -> Result {
    let history = start(None)?;
    record(&history, 3_500..3_700);
    for points in 1..6 {
        for (from, to) in [(3_500, 3_599), (3_550, 3_650), (3_590, 3_610), (3_600, 3_600), (0, 100_000)] {
            let (from, to) = (BEGIN + from * 1_000, BEGIN + to * 1_000);
            let (course, _) = ask(&history, "cpu", from, to, Detail::Points(points))?;
            let told = course.body.t().len();
            assert!((1..=points).contains(&told), "{told} of {points} from {from} to {to}, {} ms", course.step_ms);
        }
    }
    Ok(())
}
