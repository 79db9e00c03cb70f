//! What is said of ticks that are missing: each once, with what is known of it. Pure.

use crate::model::{EventId, Gap, GapReason, Interval, UnixMs};

/// The ticks between an event and a later one, if there are any.
pub(super) fn between(interval: Interval, after: EventId, before: EventId, reason: GapReason) -> Option<Gap> {
    rest(interval, Gap { from: None, to: Some(before.t - interval), reason }, after.t)
}

/// What of a gap stands behind an instant.
pub(super) fn rest(interval: Interval, gap: Gap, after: UnixMs) -> Option<Gap> {
    let from = (after + interval).floor_to(interval);
    gap.to.is_some_and(|to| from <= to).then_some(Gap { from: Some(from), ..gap })
}

/// The ticks between two instants, both of which are told: what is known of them, and `otherwise` where nothing is.
/// At `border` the one word about what is not known ends and another begins.
pub(super) fn told<'a>(
    interval: Interval,
    (after, before): (UnixMs, UnixMs),
    known: impl Iterator<Item = &'a Gap>,
    otherwise: impl Fn(UnixMs) -> GapReason,
    border: UnixMs,
) -> Vec<Gap> {
    let mut at = (after + interval).floor_to(interval);
    let end = before - interval;
    let mut known: Vec<(UnixMs, UnixMs, GapReason)> = known
        .filter_map(|gap| Some((gap.from?.ceil_to(interval), gap.to?.floor_to(interval), gap.reason)))
        .filter(|(from, to, _)| from <= to)
        .collect();
    known.sort_by_key(|(from, to, _)| (*from, *to));
    let mut gaps: Vec<Gap> = Vec::new();
    let mut say = |from: UnixMs, to: UnixMs, reason: GapReason| match gaps.last_mut() {
        Some(last) if last.reason == reason && last.to.is_some_and(|to| to + interval >= from) => last.to = Some(to),
        _ => gaps.push(Gap { from: Some(from), to: Some(to), reason }),
    };
    let mut known = known.into_iter().peekable();
    while at <= end {
        while known.next_if(|(_, to, _)| *to < at).is_some() {}
        match known.peek() {
            Some((from, to, reason)) if *from <= at => {
                let to = (*to).min(end);
                say(at, to, *reason);
                at = to + interval;
            }
            next => {
                let mut to = next.map_or(end, |(from, ..)| (*from - interval).min(end));
                let border = border.ceil_to(interval);
                if at < border && border <= to {
                    to = border - interval;
                }
                say(at, to, otherwise(at));
                at = to + interval;
            }
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_tick_is_told_once() {
        use GapReason::{Clock, Expired, Late, NotRunning, Unknown};
        let at = |second: i64| UnixMs(second * 1_000);
        for (what, after, before, known, expected) in [
            ("nothing", 5, 6, &[][..], &[][..]),
            ("one", 5, 7, &[(6, 6, Late)], &[(6, 6, Late)]),
            ("only what is between", 5, 9, &[(1, 20, NotRunning)], &[(6, 8, NotRunning)]),
            ("nothing known", 5, 9, &[], &[(6, 8, Unknown)]),
            (
                "known in part",
                5,
                12,
                &[(7, 8, Late), (10, 10, Clock)],
                &[(6, 6, Unknown), (7, 8, Late), (9, 9, Unknown), (10, 10, Clock), (11, 11, Unknown)],
            ),
            ("told twice", 5, 12, &[(6, 9, Late), (6, 9, Late), (8, 11, Late)], &[(6, 11, Late)]),
            (
                "no longer kept, and then not running",
                -9,
                5,
                &[(1, 4, NotRunning)],
                &[(-8, -1, Expired), (0, 0, Unknown), (1, 4, NotRunning)],
            ),
        ] {
            let gap = |(from, to, reason): &(i64, i64, GapReason)| Gap {
                from: Some(at(*from)),
                to: Some(at(*to)),
                reason: *reason,
            };
            let known: Vec<Gap> = known.iter().map(gap).collect();
            let otherwise = |t: UnixMs| if t < at(0) { Expired } else { Unknown };
            let said = told(Interval::SECOND, (at(after), at(before)), known.iter(), otherwise, at(0));
            assert_eq!(said, expected.iter().map(gap).collect::<Vec<_>>(), "{what}");
        }
    }
}
