//! What is missing, as it is told beside points: no more of it than they can show.

use crate::model::Gap;

/// More gaps than this are not told beside points: the longest count.
pub(super) const MOST_GAPS: usize = 1_000;

/// Of gaps in order, those that can be seen where points are so far apart. `interval` is how far apart ticks are: what
/// lies no further apart than that is missing together.
pub(super) fn seen(gaps: Vec<Gap>, step: i64, interval: i64) -> Vec<Gap> {
    let mut runs: Vec<Vec<Gap>> = Vec::new();
    let mut end = i64::MIN;
    for gap in gaps {
        let (Some(first), Some(last)) = (gap.from, gap.to) else { continue };
        match runs.last_mut() {
            Some(run) if first.0 <= end.saturating_add(interval) => run.push(gap),
            _ => runs.push(vec![gap]),
        }
        end = end.max(last.0);
    }
    runs.retain(|run| length(run).saturating_add(interval) >= step);
    let mut seen: Vec<Gap> = runs.into_iter().flatten().collect();
    if seen.len() > MOST_GAPS {
        seen.sort_by_key(|gap| std::cmp::Reverse(length(std::slice::from_ref(gap))));
        seen.truncate(MOST_GAPS);
        seen.sort_by_key(|gap| (gap.from, gap.to));
    }
    seen
}

/// From the first to the last tick that is missing.
fn length(run: &[Gap]) -> i64 {
    let first = run.iter().filter_map(|gap| gap.from).min();
    let last = run.iter().filter_map(|gap| gap.to).max();
    first.zip(last).map_or(0, |(first, last)| last.0 - first.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GapReason, UnixMs};

    #[test]
    fn what_is_shorter_than_a_bucket_is_not_told() {
        let gap = |first: i64, last: i64, reason| Gap { from: Some(UnixMs(first)), to: Some(UnixMs(last)), reason };
        let late = |first, last| gap(first, last, GapReason::Late);
        let down = |first, last| gap(first, last, GapReason::NotRunning);
        let all = vec![late(5, 5), late(20, 29), late(40, 44), down(45, 49), late(60, 64), late(66, 70)];
        let told = seen(all.clone(), 10, 1);
        assert_eq!(told, [late(20, 29), late(40, 44), down(45, 49)], "what is missing together is told together");
        assert_eq!(seen(all.clone(), 1, 1), all);
        let many: Vec<Gap> = (0..5_000).map(|at| late(at * 10, at * 10 + i64::from(at % 5 == 0))).collect();
        let told = seen(many, 1, 1);
        assert_eq!(told.len(), MOST_GAPS);
        assert!(told.iter().all(|gap| gap.from != gap.to) && told.is_sorted_by_key(|gap| gap.from));
    }
}
