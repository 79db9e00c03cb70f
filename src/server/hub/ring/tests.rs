use super::placement::UNKNOWN;
use super::*;
use crate::model::{Catalog, GapReason, HostFacts};
use crate::server::hub::HelloFacts;

fn edition() -> Arc<Edition> {
    let facts = HelloFacts {
        server_version: "0".into(),
        page_build: "0".into(),
        host: Arc::new(HostFacts::default()),
        interval: Interval::SECOND,
    };
    Arc::new(Edition::new(Arc::new(Catalog::default()), facts))
}

fn id(era: u32, second: i64) -> EventId {
    EventId { era, t: UnixMs(second * 1_000), n: 0 }
}

fn push(ring: &mut Ring, id: EventId) {
    let frame = Frame::new(EventName::Sample, Some(id), &serde_json::json!({"t": id.t}));
    assert!(ring.push_sample(id, Arc::new(frame)), "{id}");
}

fn push_gap(ring: &mut Ring) {
    ring.push_gap(UNKNOWN);
}

fn ring(samples: usize, ids: &[EventId]) -> Ring {
    let mut ring = Ring::new(Interval::SECOND, Capacity { samples, bytes: 1 << 20 }, edition());
    for &id in ids {
        push(&mut ring, id);
    }
    ring
}

#[test]
fn ids_are_placed_where_nothing_is_lost_or_repeated() {
    let gap = |from: i64, to: i64, reason| {
        Some(Gap { from: Some(UnixMs(from * 1_000)), to: Some(UnixMs(to * 1_000)), reason })
    };
    let whole = [id(0, 100), id(0, 101), id(0, 103), id(1, 50), id(1, 51)];
    for (what, samples, resume, next, expected) in [
        ("nothing yet", 9, Resume::Newest, 4, None),
        ("the oldest", 9, Resume::After(id(0, 100)), 1, None),
        ("across eras", 9, Resume::After(id(0, 103)), 3, None),
        ("the newest", 9, Resume::After(id(1, 51)), 5, None),
        ("a tick ahead", 9, Resume::After(id(1, 53)), 5, None),
        ("far ahead", 9, Resume::After(id(1, 54)), 4, Some(UNKNOWN)),
        ("of an era to come", 9, Resume::After(id(2, 51)), 4, Some(UNKNOWN)),
        ("a tick that fell into a gap", 9, Resume::After(id(0, 102)), 2, None),
        ("before the first tick of an era", 9, Resume::After(id(1, 40)), 3, None),
        ("of another interval", 9, Resume::After(EventId { era: 0, t: UnixMs(100_500), n: 0 }), 1, None),
        ("foreign", 9, Resume::Foreign, 4, Some(UNKNOWN)),
        ("before the start", 9, Resume::After(id(0, 90)), 0, gap(91, 99, GapReason::NotRunning)),
        ("just before the start", 9, Resume::After(id(0, 99)), 0, None),
        ("forgotten", 4, Resume::After(id(0, 90)), 1, gap(91, 100, GapReason::Expired)),
        ("just forgotten", 4, Resume::After(id(0, 100)), 1, None),
        ("of an older era", 2, Resume::After(id(0, 40)), 3, gap(41, 49, GapReason::Expired)),
        ("of an older era, later by the clock", 2, Resume::After(id(0, 103)), 3, None),
    ] {
        let placement = ring(samples, &whole).place(resume);
        assert!(matches!(placement.place, Place::At { next: n, .. } if n == next), "{what}: {placement:?}");
        assert_eq!(placement.gap, expected, "{what}");
    }
    let waiting = ring(9, &[]).place(Resume::After(id(0, 1))).place;
    assert_eq!(waiting, Place::Waiting(id(0, 1)), "nothing to begin with");
}

#[test]
fn gaps_go_with_the_sample_after_them() {
    let mut ring = ring(2, &[]);
    push_gap(&mut ring);
    for second in 1..=3 {
        push(&mut ring, id(0, second));
        push_gap(&mut ring);
    }
    // The gap before the first sample is between nothing, the one after the last waits for its sample.
    let held = |ring: &Ring| ring.slots.iter().map(|slot| (slot.id.t.0, slot.frame.name())).collect::<Vec<_>>();
    assert_eq!(held(&ring), [(2_000, EventName::Sample), (3_000, EventName::Gap), (3_000, EventName::Sample)]);
    let place = ring.place(Resume::After(id(0, 2))).place;
    assert_eq!(place, Place::At { next: ring.first + 1, last: Some(id(0, 2)) }, "the gap is replayed");
    push(&mut ring, id(0, 4));
    assert_eq!(ring.slots.front().map(|slot| slot.frame.name()), Some(EventName::Sample));
}

#[test]
fn no_more_is_held_than_allowed() {
    let mut ring = Ring::new(Interval::SECOND, Capacity { samples: 100, bytes: 200 }, edition());
    for second in 0..50 {
        push(&mut ring, id(0, second));
    }
    let held: usize = ring.slots.iter().map(|slot| slot.frame.size()).sum();
    assert!(held == ring.bytes && held <= 200 && ring.slots.len() == ring.samples && ring.samples >= 2, "{held} bytes");
    assert_eq!(ring.head(), 50);
}

#[test]
fn ids_that_do_not_grow_are_not_told() {
    let mut ring = ring(9, &[id(1, 5)]);
    for stale in [id(1, 5), id(1, 4), id(0, 9)] {
        let frame = Arc::new(Frame::new(EventName::Sample, Some(stale), &()));
        assert!(!ring.push_sample(stale, frame), "{stale}");
    }
}

#[test]
fn ids_come_as_headers() {
    for (bytes, expected) in [
        (None, Resume::Newest),
        (Some(&b""[..]), Resume::Newest),
        (Some(b"0-5000"), Resume::After(id(0, 5))),
        (Some(b" 0-5000"), Resume::After(id(0, 5))),
        (Some(b"\xff\xfe"), Resume::Foreign),
        (Some(b"42"), Resume::Foreign),
    ] {
        assert_eq!(Resume::parse(bytes), expected, "{bytes:?}");
    }
}
