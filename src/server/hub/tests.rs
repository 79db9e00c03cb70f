mod model;

use super::*;
use crate::model::sample::FamilyValues;
use crate::model::{EventId, Family, Gap, GapReason, Sample, Unit, UnixMs};
use futures_util::FutureExt;

fn catalog(id: &str) -> Arc<Catalog> {
    Arc::new(Catalog(vec![Family::new(id, "Load", Unit::Count, Interval::SECOND, &[("load1", "1 min")])]))
}

fn facts() -> HelloFacts {
    HelloFacts::of_nobody()
}

fn hub() -> Arc<Hub> {
    Arc::new(Hub::new(facts(), catalog("load")))
}

fn publish(hub: &Hub, second: i64) {
    let t = UnixMs(second * 1_000);
    let families = vec![FamilyValues { family: "load".into(), values: vec![Some(second as f64)] }];
    hub.publish(&Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample: Arc::new(Sample { t, families }) });
}

fn after(second: i64) -> Resume {
    Resume::After(EventId { era: 0, t: UnixMs(second * 1_000), n: 0 })
}

/// What a reader is given now, in short: `5` for a sample of that second, `gap 1-4 late`, `catalog load`.
fn read(reader: &mut Reader) -> Vec<String> {
    let mut read = Vec::new();
    loop {
        read.push(match next(reader) {
            Next::Nothing => return read,
            Next::Closed(reason) => {
                read.push(format!("{reason:?}"));
                return read;
            }
            Next::Gap(gap) => gap_in_short(gap),
            Next::Slot(slot) => frame_in_short(&slot.frame),
            Next::Frame(frame) => frame_in_short(&frame),
        });
    }
}

fn frame_in_short(frame: &Frame) -> String {
    match (frame.name(), frame.id()) {
        (EventName::Sample, Some(id)) => (id.t.0 / 1_000).to_string(),
        (EventName::Notification, Some(id)) => format!("{id} {}", String::from_utf8_lossy(&frame.json())),
        (EventName::Gap, None) => serde_json::from_slice(&frame.json()).map_or("?".to_owned(), gap_in_short),
        (EventName::Catalog, None) => serde_json::from_slice::<Catalog>(&frame.json())
            .map_or("?".to_owned(), |catalog| format!("catalog {}", catalog.0[0].id)),
        (EventName::Processes, None) => serde_json::from_slice::<ProcessTable>(&frame.json())
            .map_or("?".to_owned(), |table| format!("processes {}", table.at.0 / 1_000)),
        other => format!("{other:?}"),
    }
}

fn gap_in_short(gap: Gap) -> String {
    let second = |t: Option<UnixMs>| t.map_or("?".to_owned(), |t| (t.0 / 1_000).to_string());
    format!("gap {}-{} {:?}", second(gap.from), second(gap.to), gap.reason)
}

fn join(hub: &Arc<Hub>, resume: Resume) -> Reader {
    hub.join("me".into(), Wants::default(), resume)
}

fn with_processes(hub: &Arc<Hub>, resume: Resume) -> Reader {
    hub.join("me".into(), Wants { processes: true, ..Wants::default() }, resume)
}

/// Without a store to look into, nothing is waited for.
fn next(reader: &mut Reader) -> Next {
    reader.next().now_or_never().unwrap_or(Next::Nothing)
}

#[test]
fn everybody_is_given_every_sample_once() {
    let hub = hub();
    let mut early = join(&hub, Resume::Newest);
    assert!(read(&mut early).is_empty());
    publish(&hub, 1);
    publish(&hub, 2);
    let mut late = join(&hub, Resume::Newest);
    assert_eq!(read(&mut late), ["2"]);
    assert_eq!(read(&mut early), ["1", "2"]);
    publish(&hub, 3);
    for cursor in [&mut early, &mut late] {
        assert_eq!(read(cursor), ["3"]);
        assert!(read(cursor).is_empty());
    }
    hub.close(ByeReason::Shutdown);
    assert_eq!(read(&mut early), ["Shutdown"]);
}

#[test]
fn who_has_seen_more_than_is_remembered_waits_for_what_comes_next() {
    let hub = hub();
    let sample = |era, second: i64| {
        let t = UnixMs(second * 1_000);
        Observation::Sample { id: EventId { era, t, n: 0 }, sample: Arc::new(Sample { t, families: Vec::new() }) }
    };
    hub.recall(None, &[sample(0, 98), sample(0, 99)]);
    let ahead = [after(100), after(104)];
    let mut cursors = ahead.map(|resume| join(&hub, resume));
    for cursor in &mut cursors {
        assert_eq!(read(cursor), [""; 0], "an older sample would be out of order");
        assert_eq!(hub.head() - cursor.passed(), 0);
    }
    hub.publish(&Observation::Gap(Gap {
        from: Some(UnixMs(100_000)),
        to: Some(UnixMs(105_000)),
        reason: GapReason::NotRunning,
    }));
    hub.publish(&sample(1, 106));
    for mut cursors in [cursors, ahead.map(|resume| join(&hub, resume))] {
        // What it has seen is not missing, whatever was lost of it.
        assert_eq!(read(&mut cursors[0]), ["gap 101-105 NotRunning", "106"]);
        assert_eq!(read(&mut cursors[1]), ["gap 105-105 NotRunning", "106"]);
    }
    assert_eq!(read(&mut join(&hub, after(105))), ["106"]);
    assert_eq!(read(&mut join(&hub, after(99))), ["gap 100-105 NotRunning", "106"]);
    let mut foreign = join(&hub, Resume::After(EventId { era: 7, t: UnixMs(106_000), n: 0 }));
    assert_eq!(read(&mut foreign), ["gap ?-? Unknown", "106"]);
}

#[test]
fn frames_are_shared() {
    let hub = hub();
    publish(&hub, 1);
    let frames = [(); 2].map(|()| match next(&mut join(&hub, Resume::Newest)) {
        Next::Slot(slot) => Some(slot),
        _ => None,
    });
    assert!(matches!(&frames, [Some(one), Some(other)] if Arc::ptr_eq(one, other)));
}

#[test]
fn catalogs_and_gaps_are_replayed_in_their_place() {
    let hub = hub();
    publish(&hub, 1);
    hub.publish(&Observation::Catalog(catalog("load")));
    publish(&hub, 2);
    hub.publish(&Observation::Catalog(catalog("tasks")));
    hub.publish(&Observation::Gap(Gap {
        from: Some(UnixMs(3_000)),
        to: Some(UnixMs(4_000)),
        reason: GapReason::Suspended,
    }));
    publish(&hub, 5);
    for (resume, first_catalog, expected) in [
        (after(1), "load", &["2", "catalog tasks", "gap 3-4 Suspended", "5"][..]),
        (after(2), "load", &["catalog tasks", "gap 3-4 Suspended", "5"]),
        (after(5), "tasks", &[]),
        (Resume::Newest, "tasks", &["5"]),
        (after(-3), "load", &["gap -2-0 NotRunning", "1", "2", "catalog tasks", "gap 3-4 Suspended", "5"]),
    ] {
        let mut cursor = join(&hub, resume);
        let greeted = cursor.cursor().edition().map(|edition| edition.catalog().0[0].id.to_string());
        assert_eq!(greeted.as_deref(), Some(first_catalog), "{resume:?}");
        assert_eq!(read(&mut cursor), expected, "{resume:?}");
    }
    // Without a greeting, whoever can't go on is given the catalog.
    for (resume, expected) in [
        (after(2), &["catalog tasks", "gap 3-4 Suspended", "5"][..]),
        (after(5), &[]),
        (Resume::Newest, &["5"]),
        (Resume::Foreign, &["gap ?-? Unknown", "catalog tasks", "5"]),
    ] {
        assert_eq!(read(&mut hub.join_quietly("me".into(), Wants::default(), resume)), expected, "{resume:?}");
    }
}

#[test]
fn an_id_from_before_the_start_waits_for_the_first_sample() {
    let hub = hub();
    let mut cursors = [after(10), Resume::Foreign, Resume::Newest].map(|resume| join(&hub, resume));
    let [resumed, foreign, fresh] = &mut cursors;
    assert_eq!((read(resumed), read(fresh)), (vec![], vec![]));
    assert_eq!(read(foreign), ["gap ?-? Unknown"]);
    publish(&hub, 15);
    publish(&hub, 16);
    assert_eq!(read(resumed), ["gap 11-14 NotRunning", "15", "16"]);
    assert_eq!(read(foreign), ["15", "16"]);
    assert_eq!(read(fresh), ["15", "16"]);
}

#[test]
fn a_page_rendered_ahead_of_the_stream_is_not_sent_its_sample_again() {
    let hub = hub();
    publish(&hub, 1);
    let mut cursor = join(&hub, after(3));
    hub.publish(&Observation::Gap(Gap { from: Some(UnixMs(2_000)), to: Some(UnixMs(2_000)), reason: GapReason::Late }));
    publish(&hub, 3);
    assert!(read(&mut cursor).is_empty());
    publish(&hub, 4);
    assert_eq!(read(&mut cursor), ["4"]);
}

fn processes(second: i64) -> Option<Arc<ProcessTable>> {
    Some(Arc::new(ProcessTable { at: UnixMs(second * 1_000), ..ProcessTable::default() }))
}

#[test]
fn of_processes_only_the_newest_count_and_after_all_else() {
    let hub = hub();
    publish(&hub, 1);
    let mut reader = with_processes(&hub, Resume::Newest);
    let mut other = join(&hub, Resume::Newest);
    hub.publish_processes(processes(1));
    hub.publish_processes(processes(2));
    publish(&hub, 2);
    assert_eq!(read(&mut other), ["1", "2"]);
    assert_eq!(read(&mut reader), ["1", "2", "processes 2"]);
    assert!(read(&mut reader).is_empty(), "each is read once");
    let mut late = with_processes(&hub, Resume::Newest);
    assert_eq!(read(&mut late), ["2", "processes 2"], "who comes later has not to wait");
    hub.publish_processes(None);
    assert!(read(&mut with_processes(&hub, after(2))).is_empty(), "out of date");
    hub.publish_processes(processes(3));
    hub.close(ByeReason::Shutdown);
    assert_eq!(read(&mut late), ["Shutdown"]);
    assert_eq!(hub.head(), 2, "they are in no ring");
}

#[test]
fn a_table_is_serialised_once_for_all() {
    let hub = hub();
    hub.publish_processes(processes(1));
    let frames = [(); 2].map(|()| match next(&mut with_processes(&hub, Resume::Newest)) {
        Next::Frame(frame) => Some(frame),
        _ => None,
    });
    assert!(matches!(&frames, [Some(one), Some(other)] if Arc::ptr_eq(one, other)));
}

#[tokio::test]
async fn who_waits_for_processes_is_woken() {
    let hub = hub();
    let mut cursor = with_processes(&hub, Resume::Newest);
    assert!(matches!(next(&mut cursor), Next::Nothing));
    let ((), ()) = tokio::join!(cursor.changed(), async { hub.publish_processes(processes(1)) });
    assert_eq!(read(&mut cursor), ["processes 1"]);
}

#[test]
fn a_reader_slower_than_the_ring_is_told_what_it_missed() {
    let hub = hub();
    publish(&hub, 1);
    let mut slow = join(&hub, Resume::Newest);
    assert_eq!(read(&mut slow), ["1"]);
    for second in 2..=700 {
        publish(&hub, second);
    }
    let read = read(&mut slow);
    assert_eq!(read[..2], ["gap 2-99 Expired", "100"]);
    assert_eq!(read.last().map(String::as_str), Some("700"));
    assert_eq!(hub.head() - slow.passed(), 0);
}

#[tokio::test]
async fn who_waits_is_woken() {
    let hub = hub();
    let mut cursor = join(&hub, Resume::Newest);
    let publisher = std::thread::spawn({
        let hub = Arc::clone(&hub);
        move || publish(&hub, 1)
    });
    while matches!(next(&mut cursor), Next::Nothing) {
        cursor.changed().await;
    }
    assert!(publisher.join().is_ok());
    hub.close(ByeReason::Shutdown);
    cursor.changed().await;
    assert!(matches!(next(&mut cursor), Next::Closed(ByeReason::Shutdown)));
}

#[test]
fn who_stands_where_memory_ends_next_is_not_left_alone() {
    let hub = hub();
    publish(&hub, 1);
    assert!(join(&hub, Resume::Newest).is_well_in_memory(), "there is no further in");
    (2..=700).for_each(|second| publish(&hub, second));
    for (resume, expected) in [(after(100), false), (after(158), false), (after(160), true), (Resume::Newest, true)] {
        assert_eq!(join(&hub, resume).is_well_in_memory(), expected, "{resume:?}");
    }
    // Who falls behind comes to the end as well.
    let reader = join(&hub, after(200));
    (701..=790).for_each(|second| publish(&hub, second));
    assert!(!reader.is_well_in_memory());
}
