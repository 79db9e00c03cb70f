//! Starts that follow each other quickly.

use super::*;

fn missing(from: i64, to: i64, reason: GapReason) -> Gap {
    let [from, to] = [from, to].map(|second| Some(UnixMs(BEGIN + second * 1_000)));
    Gap { from, to, reason }
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
        seconds.map(move |second| Ok(EventId { era, t: UnixMs(BEGIN + second * 1_000) }))
    };
    let expected: Vec<std::result::Result<EventId, Gap>> =
        ids(0, 0..100).chain([Err(down)]).chain(ids(1, 104..110)).collect();
    assert_eq!(told.collect::<Vec<_>>(), expected);
    let history = History::start(opened, catalog(), Arc::default())?;
    assert_eq!(history.snapshot(KEPT).history.track("cpu").map(model::Track::len), Some(106));
    assert_eq!(history.newest().map(|(id, _)| id), Some(EventId { era: 1, t: UnixMs(BEGIN + 109_000) }));
    Ok(())
}
