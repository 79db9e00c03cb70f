//! How finely a family is told: the length of buckets, and the tier that they are made of.

use super::super::course::{Detail, Question};
use super::super::tier::{HOUR_MS, MINUTE_MS, Tier, step_for};
use super::Reading;

impl Reading<'_> {
    /// The shortest and the longest interval at which a family was sampled in that time, or else the one in force.
    pub(super) fn intervals(&self, shapes: &[i64], from: i64, to: i64) -> rusqlite::Result<(i64, i64)> {
        let interval = |id: &i64| self.known.get(*id).map(|shape| shape.interval_ms.ms());
        let in_force = shapes.last().and_then(interval).unwrap_or(1_000);
        if shapes.iter().filter_map(interval).all(|interval| interval == in_force) {
            return Ok((in_force, in_force));
        }
        let mut there = None;
        for id in shapes {
            let Some(interval) = interval(id).filter(|_| self.has_ticks(*id, from, to)) else { continue };
            let (shortest, longest) = there.unwrap_or((interval, interval));
            there = Some((interval.min(shortest), interval.max(longest)));
        }
        Ok(there.unwrap_or((in_force, in_force)))
    }

    /// The length of buckets; `None` where every tick is told.
    pub(super) fn step(&self, question: &Question, (shortest, longest): (i64, i64)) -> Option<i64> {
        let Detail::Points(points) = question.detail else { return None };
        let (from, to) = (question.from.0, question.to.0);
        let ticks = (to - from).max(0) / shortest + 1;
        let is_kept = self.keeps_ticks_since(from);
        if ticks <= i64::try_from(points).unwrap_or(i64::MAX) && is_kept {
            return None;
        }
        // Finer than what was sampled, or than what is kept of that time, would be nothing at all.
        let least = if is_kept { longest } else { self.coarser_than_ticks(from) };
        Some(step_for((from, to), points, least))
    }

    /// Before it is known at which of its intervals a family was sampled then.
    pub(super) fn longest_step(&self, question: &Question, shapes: &[i64]) -> Option<i64> {
        let intervals = shapes.iter().filter_map(|id| self.known.get(*id)).map(|shape| shape.interval_ms.ms());
        self.step(question, (1, intervals.max().unwrap_or(1_000)))
    }

    /// Whether the ticks of that time are there, as far as anything is.
    fn keeps_ticks_since(&self, from: i64) -> bool {
        let oldest = |tier| self.oldest(tier).unwrap_or(i64::MAX);
        let ticks = oldest(Tier::Ticks);
        ticks <= from
            || Tier::FOLDED.into_iter().all(|tier| oldest(tier).saturating_add(tier.step_ms().unwrap_or(0)) >= ticks)
    }

    fn coarser_than_ticks(&self, from: i64) -> i64 {
        let oldest = |tier| self.oldest(tier).unwrap_or(i64::MAX);
        let (minutes, hours) = (oldest(Tier::Minutes), oldest(Tier::Hours));
        let tier =
            if minutes <= from || hours.saturating_add(HOUR_MS) >= minutes { Tier::Minutes } else { Tier::Hours };
        tier.step_ms().unwrap_or(MINUTE_MS)
    }

    fn oldest(&self, tier: Tier) -> Option<i64> {
        self.database.beginnings.of(tier)
    }

    /// The tier that buckets are made of: the coarsest that serves, unless a finer one has more of the past.
    pub(super) fn tier_for(&self, step: i64, from: i64) -> Tier {
        let mut tier = Tier::of_step(step);
        while let Some(finer) = tier.finer() {
            let (own, other) = (self.oldest(tier), self.oldest(finer));
            let is_short = own.is_none_or(|own| own > from && other.is_some_and(|other| other < own));
            if !is_short {
                break;
            }
            tier = finer;
        }
        tier
    }
}
