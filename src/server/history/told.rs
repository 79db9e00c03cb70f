//! Parts of a family's past, each as it was stored, as the one course that is told of it.

use super::course::{Body, Course};
use super::extent::ColumnShape;
use super::paces::Paces;
use super::rows::{Bucket, Buckets, Rows};
use crate::model::{Family, Gap, GapReason, UnixMs};
use std::collections::{BTreeMap, BTreeSet};

/// More holes of a single family are not told: whoever wants them asks for less time.
const MOST_HOLES: usize = 1_000;

/// A family as it is told: with all dimensions it had, and what is derived of it.
pub(super) struct Told {
    pub(super) family: Family,
    pub(super) derived: Vec<ColumnShape>,
}

impl Told {
    pub(super) fn width(&self) -> usize {
        self.family.dimensions.len() + self.derived.len()
    }

    /// Where the dimensions of a shape stand.
    pub(super) fn places(&self, shape: &Family) -> Vec<Option<usize>> {
        shape.dimensions.iter().map(|dimension| self.family.dimension(&dimension.id)).collect()
    }

    pub(super) fn place_of(&self, derived: &ColumnShape) -> Option<usize> {
        let place = self.derived.iter().position(|known| known.derived == derived.derived)?;
        Some(self.family.dimensions.len() + place)
    }

    /// The length of a bucket, or how far apart ticks are, is what it is at the end.
    pub(super) fn course(&self, paces: Paces, body: Body) -> Course {
        let (family, derived) = (self.family.clone(), self.derived.clone());
        Course { family, step_ms: paces.last(), paces, body, derived, late: Vec::new() }
    }
}

/// Parts that follow each other as one. Where two have the same instant, the later part counts.
pub(super) fn in_order(parts: Vec<Rows>, width: usize) -> Rows {
    let parts = match Rows::end_to_end(parts, width) {
        Ok(rows) => return rows,
        Err(parts) => parts,
    };
    let mut rows = Rows::new(width);
    let mut places: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    for (index, part) in parts.iter().enumerate() {
        places.extend(part.t.iter().enumerate().map(|(row, t)| (*t, (index, row))));
    }
    for (t, (part, row)) in places {
        rows.t.push(t);
        for (index, column) in rows.columns.iter_mut().enumerate() {
            column.push(parts[part].columns.get(index).map_or(f64::NAN, |column| column[row]));
        }
    }
    rows
}

/// Buckets that begin at the same instant become one.
pub(super) fn merged(parts: Vec<Buckets>, width: usize) -> Buckets {
    let parts = match Buckets::end_to_end(parts, width) {
        Ok(buckets) => return buckets,
        Err(parts) => parts,
    };
    let mut buckets = Buckets::new(width);
    let instants: BTreeSet<i64> = parts.iter().flat_map(|part| part.t.iter().copied()).collect();
    buckets.t = instants.into_iter().collect();
    buckets.columns = vec![vec![Bucket::EMPTY; buckets.t.len()]; width];
    for part in parts {
        let mut place = 0;
        for (row, t) in part.t.iter().enumerate() {
            while buckets.t[place] < *t {
                place += 1;
            }
            for (column, more) in buckets.columns.iter_mut().zip(&part.columns) {
                column[place].merge(&more[row]);
            }
        }
    }
    buckets
}

/// The ticks that are missing between a family's own, but for those that are missing for all.
pub(super) fn holes(t: &[i64], paces: &Paces, known: &[Gap], reason: GapReason) -> Vec<Gap> {
    let (mut holes, mut known) = (Vec::new(), known);
    let push_hole = |holes: &mut Vec<Gap>, from: i64, to: i64| {
        if from <= to {
            holes.push(Gap { from: Some(UnixMs(from)), to: Some(UnixMs(to)), reason });
        }
    };
    for pair in t.windows(2) {
        // Where it changed, the longer one leaves no hole.
        let interval = paces.at(pair[0]).max(paces.at(pair[1]));
        let (mut from, to) = (pair[0] + interval, pair[1] - interval);
        while let [gap, later @ ..] = known
            && gap.to < Some(UnixMs(from))
        {
            known = later;
        }
        for gap in known {
            let (Some(first), Some(last)) = (gap.from, gap.to) else { continue };
            if from > to || first.0 > to {
                break;
            }
            if last.0 < from {
                continue;
            }
            let before = first.0 - 1;
            if from <= before {
                push_hole(&mut holes, from, before - before.rem_euclid(interval));
            }
            from = (last.0 + interval).div_euclid(interval) * interval;
        }
        push_hole(&mut holes, from, to);
        if holes.len() >= MOST_HOLES {
            break;
        }
    }
    holes
}
