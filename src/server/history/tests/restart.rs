//! Starts that follow each other quickly, and with other intervals.

use super::*;

/// `cpu` at this interval, as it is sampled by whoever is started so.
fn every(interval_ms: u32) -> Arc<Catalog> {
    Arc::new(Catalog(vec![family("cpu", interval_ms, &["user", "system", "iowait"]).stacked()]))
}

fn missing(from: i64, to: i64, reason: GapReason) -> Gap {
    let [from, to] = [from, to].map(|second| Some(UnixMs(BEGIN + second * 1_000)));
    Gap { from, to, reason }
}

/// Some seconds of it, so far apart.
fn record_every(history: &History, seconds: std::ops::Range<i64>, interval: usize) {
    seconds.step_by(interval).for_each(|second| history.record(&observation(0, BEGIN + second * 1_000)));
}

#[test]
fn what_was_told_in_the_era_before_is_remembered_with_its_own_ids() -> Result {
    let folder = Folder::new()?;
    let history = start(Some(&folder.path))?;
    record(&history, 0..100);
    history.close();
    // Cut off and back at once: who asks may have been told of more than is stored.
    let history = start(Some(&folder.path))?;
    let down = missing(100, 103, GapReason::NotRunning);
    history.record(&Observation::Gap(down));
    (104..110).for_each(|second| history.record(&observation(1, BEGIN + second * 1_000)));
    history.close();
    let opened = open(Some(&folder.path), Retention::default())?;
    let told = opened.recent.observations.iter().map(|observation| match observation {
        Observation::Sample { id, .. } => Ok(*id),
        Observation::Gap(gap) => Err(*gap),
        Observation::Catalog(_) => unreachable!("it is told apart from them"),
    });
    let ids = |era, seconds: std::ops::Range<i64>| {
        seconds.map(move |second| Ok(EventId { era, t: UnixMs(BEGIN + second * 1_000), n: 0 }))
    };
    let expected: Vec<std::result::Result<EventId, Gap>> =
        ids(0, 0..100).chain([Err(down)]).chain(ids(1, 104..110)).collect();
    assert_eq!(told.collect::<Vec<_>>(), expected);
    let history = History::start(opened, catalog(), Arc::default())?;
    assert_eq!(history.snapshot(KEPT).history.track("cpu").map(model::Track::len), Some(106));
    assert_eq!(history.newest().map(|(id, _)| id), Some(EventId { era: 1, t: UnixMs(BEGIN + 109_000), n: 0 }));
    Ok(())
}

#[test]
fn an_end_counts_once_and_only_for_who_knows_of_all_before() -> Result {
    let folder = Folder::new()?;
    let last = |opened: &Opened| opened.recent.last.map(|last| (last.id.t.0 - BEGIN, last.is_end));
    let history = start(Some(&folder.path))?;
    record(&history, 0..10);
    history.close();
    drop(history);
    // Cut off before anything of it was stored: it may have told of more.
    let opened = open(Some(&folder.path), Retention::default())?;
    assert_eq!(last(&opened), Some((9_000, true)));
    drop(opened);
    // This one tells nothing; what was told before stays unknown to it.
    let opened = open(Some(&folder.path), Retention::default())?;
    assert_eq!(last(&opened), Some((9_000, false)));
    History::start(opened, catalog(), Arc::default())?.close();
    let opened = open(Some(&folder.path), Retention::default())?;
    assert_eq!(last(&opened), Some((9_000, false)));
    let history = History::start(opened, catalog(), Arc::default())?;
    (10..20).for_each(|second| history.record(&observation(1, BEGIN + second * 1_000)));
    history.close();
    drop(history);
    for _ in 0..2 {
        let opened = open(Some(&folder.path), Retention::default())?;
        assert_eq!(last(&opened), Some((19_000, true)), "who tells nothing leaves the end as it was");
        History::start(opened, catalog(), Arc::default())?.close();
    }
    Ok(())
}

#[test]
fn a_shorter_interval_tells_of_no_holes_in_what_was_sampled_before() -> Result {
    let history = start_with(None, every(10_000), Retention::default())?;
    record_every(&history, 0..600, 10);
    history.record(&Observation::Catalog(every(1_000)));
    record_every(&history, 600..650, 1);
    record_every(&history, 651..700, 1);
    for is_packed in [false, true] {
        if is_packed {
            record_every(&history, 3_600..3_601, 1);
            assert!(history.flush(PATIENCE));
        }
        let (course, gaps) = ask(&history, "cpu", BEGIN, BEGIN + 699_000, Detail::Ticks)?;
        assert_eq!((course.step_ms, course.body.t().len()), (1_000, 159));
        assert_eq!(gaps, [missing(650, 650, GapReason::Late)]);
        // Shorter buckets would be empty between the samples of before.
        let (folded, _) = ask(&history, "cpu", BEGIN, BEGIN + 699_000, Detail::Points(400))?;
        assert_eq!((folded.step_ms, folded.body.t().len()), (10_000, 70));
        let (before, gaps) = ask(&history, "cpu", BEGIN, BEGIN + 590_000, Detail::Points(60))?;
        assert_eq!((before.step_ms, before.is_folded(), before.body.t().len()), (10_000, false, 60));
        assert_eq!(gaps, []);
        let (after, _) = ask(&history, "cpu", BEGIN + 600_000, BEGIN + 699_000, Detail::Points(60))?;
        assert_eq!(after.step_ms, 2_000, "where all is of the shorter interval, so are the buckets");
    }
    Ok(())
}

#[test]
fn an_interval_that_changes_back_is_the_one_in_force() -> Result {
    let folder = Folder::new()?;
    for (interval, seconds) in [(1, 0..60), (2, 60..120), (1, 120..150)] {
        let history = start_with(Some(&folder.path), every(interval * 1_000), Retention::default())?;
        record_every(&history, seconds, interval as usize);
        history.close();
    }
    assert_eq!(Archive::open(&folder.path)?.catalog(), *every(1_000));
    let history = start_with(Some(&folder.path), every(1_000), Retention::default())?;
    record_every(&history, 151..180, 1);
    for is_stored in [false, true] {
        if is_stored {
            assert!(history.flush(PATIENCE));
        }
        let (course, gaps) = ask(&history, "cpu", BEGIN, BEGIN + 200_000, Detail::Ticks)?;
        assert_eq!((course.step_ms, course.body.t().len()), (1_000, 149));
        assert_eq!(gaps, [missing(150, 150, GapReason::Late)]);
        let (folded, _) = ask(&history, "cpu", BEGIN + 120_000, BEGIN + 179_000, Detail::Points(35))?;
        assert_eq!(folded.step_ms, 2_000);
        let (course, _) = ask(&history, "cpu", BEGIN + 60_000, BEGIN + 110_000, Detail::Ticks)?;
        assert_eq!(course.step_ms, 2_000, "of what was sampled then");
    }
    Ok(())
}

#[test]
fn a_longer_interval_leaves_the_last_minutes_on_the_page() -> Result {
    // Between samples of a shorter interval there is nothing to be drawn.
    for (before, now, rows) in [(1, 2, 60), (5, 5, 12), (2, 1, 0)] {
        let folder = Folder::new()?;
        let history = start_with(Some(&folder.path), every(before * 1_000), Retention::default())?;
        record_every(&history, 0..60, before as usize);
        history.close();
        let history = start_with(Some(&folder.path), every(now * 1_000), Retention::default())?;
        let shown = history.snapshot(KEPT).history.track("cpu").map(model::Track::len);
        assert_eq!(shown, Some(rows), "{before} s, then {now} s");
    }
    Ok(())
}
