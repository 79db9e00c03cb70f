//! When to sample: a pure state machine over the clocks.
//!
//! Ticks stand on round instants of the wall clock. After a hole there is one tick, the current one, and
//! one gap before it; never a burst of ticks that catch up.

use super::clock::Moment;
use crate::model::{EventId, Gap, GapReason, Interval, LastSeen, UnixMs};
use std::time::Duration;

/// The longest sleep: a clock that is set meanwhile is noticed this soon.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// A clock that is set forward by more than this goes on in another era.
const LARGE_STEP_MS: i64 = 3_600_000;

/// Between the first reading and the first tick: counters of the kernel grow in steps of 10 ms, rates over
/// less than a few of them say little.
const LONGEST_SETTLING_US: i64 = 250_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// It is not time yet: ask again after this long.
    Wait(Duration),
    /// Sample now, and say first what is missing.
    Tick { id: EventId, gap: Option<Gap> },
}

#[derive(Clone, Debug)]
pub struct Planner {
    interval: Interval,
    era: u32,
    /// The next tick.
    due: UnixMs,
    /// When this era's newest tick was emitted.
    last: Option<Moment>,
    /// The newest tick of an earlier run, until our first one.
    before: Option<UnixMs>,
}

impl Planner {
    /// The first tick comes soon after `now`, but not at once.
    pub fn new(interval: Interval, now: Moment) -> Self {
        let settled_us = now.wall_us.saturating_add((interval.ms() * 500).min(LONGEST_SETTLING_US));
        Self {
            interval,
            era: 0,
            due: UnixMs(settled_us.saturating_add(999).div_euclid(1_000)).ceil_to(interval),
            last: None,
            before: None,
        }
    }

    /// Goes on after an earlier run. Its era ends where the clock was set back meanwhile, and where ids may have been
    /// given out that nobody remembers: by that run, or by others that were cut off before anything of them was stored.
    /// Those others were in the same era as this one is then, which therefore has only ticks that are still to come.
    pub fn resuming(interval: Interval, last: LastSeen, now: Moment) -> Self {
        let fresh = Self::new(interval, now);
        let goes_on = last.is_end && fresh.due > last.id.t;
        Self { era: last.id.era + u32::from(!goes_on), before: Some(last.id.t), ..fresh }
    }

    /// Goes on after a tick that was emitted already.
    pub fn after(interval: Interval, id: EventId, now: Moment) -> Self {
        Self { interval, era: id.era, due: id.t + interval, last: Some(now), before: None }
    }

    /// Until a clock is set, the era of every tick.
    pub fn era(&self) -> u32 {
        self.era
    }

    pub fn next(&mut self, now: Moment) -> Step {
        if self.was_set_back(now) {
            self.era += 1;
            self.due = now.wall().ceil_to(self.interval);
            self.last = None;
        }
        let current = now.wall().floor_to(self.interval);
        if current < self.due {
            return Step::Wait(self.until_due(now).min(LONGEST_WAIT));
        }
        let gap = self.last.filter(|_| current > self.due).map(|last| Gap {
            from: Some(self.due),
            to: Some(current - self.interval),
            reason: why_missing(last, now),
        });
        let first = self.before.take().map(|before| (before + self.interval).floor_to(self.interval));
        let down = first.filter(|first| *first < current).map(|first| Gap {
            from: Some(first),
            to: Some(current - self.interval),
            reason: GapReason::NotRunning,
        });
        // What was told before a clock was set right must not stand in the way of what comes now.
        let is_set = gap.is_some_and(|gap| gap.reason == GapReason::Clock) && (current.0 - self.due.0) > LARGE_STEP_MS;
        self.era += u32::from(is_set);
        let gap = gap.or(down);
        self.due = current + self.interval;
        self.last = Some(now);
        Step::Tick { id: EventId { era: self.era, t: current, n: 0 }, gap }
    }

    /// Whether the wall clock stands so far before the next tick that it must have been set back. A step
    /// of less than half an interval is waited out instead.
    fn was_set_back(&self, now: Moment) -> bool {
        self.until_due(now) > self.interval.as_duration() * 3 / 2
    }

    fn until_due(&self, now: Moment) -> Duration {
        let us = self.due.0.saturating_mul(1_000).saturating_sub(now.wall_us);
        Duration::from_micros(u64::try_from(us).unwrap_or(0))
    }
}

/// Which of the three explains most of the time since the last tick: that the wall clock was set, that
/// the host was suspended, or that time simply passed.
fn why_missing(last: Moment, now: Moment) -> GapReason {
    let us = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let wall = now.wall_us.saturating_sub(last.wall_us);
    let awake = us(now.monotonic.saturating_sub(last.monotonic));
    let all = us(now.boottime.saturating_sub(last.boottime));
    let (stepped, suspended) = (wall.saturating_sub(all), all.saturating_sub(awake));
    if stepped > suspended.max(awake) {
        GapReason::Clock
    } else if suspended > awake {
        GapReason::Suspended
    } else {
        GapReason::Late
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::clock::{Clock, fake::FakeClock};
    use proptest::prelude::*;

    fn interval(ms: u32) -> Interval {
        Interval::from_ms(ms).unwrap_or(Interval::SECOND)
    }

    /// What happens to a machine between two looks at its clocks.
    #[derive(Clone, Copy, Debug)]
    enum Event {
        /// The thread did not run.
        Delay(u64),
        Suspend(u64),
        SetClock(i64),
    }

    fn happen(clock: &FakeClock, event: Event) {
        match event {
            Event::Delay(ms) => clock.advance(Duration::from_millis(ms)),
            Event::Suspend(ms) => clock.change(|moment| {
                moment.boottime += Duration::from_millis(ms);
                moment.wall_us += ms as i64 * 1_000;
            }),
            Event::SetClock(ms) => clock.change(|moment| moment.wall_us += ms * 1_000),
        }
    }

    /// Sleeps by the clock until the next tick.
    fn tick(planner: &mut Planner, clock: &FakeClock) -> (EventId, Option<Gap>) {
        loop {
            match planner.next(clock.now()) {
                Step::Wait(time) => clock.advance(time),
                Step::Tick { id, gap } => return (id, gap),
            }
        }
    }

    #[test]
    fn another_run_goes_on_in_order() {
        let now = FakeClock::at(100_300).now();
        for (last, is_end, era, gap) in [
            (97_000, true, 4, Some((98_000, 100_000))),
            // It may have told of samples that it did not store, and others after it, too.
            (97_000, false, 5, Some((98_000, 100_000))),
            (40_000, false, 5, Some((41_000, 100_000))),
            (100_000, true, 4, None),
            (100_000, false, 5, None),
            // The clock was set back.
            (150_000, true, 5, None),
        ] {
            let last = LastSeen { id: EventId { era: 4, t: UnixMs(last), n: 0 }, is_end };
            let mut planner = Planner::resuming(Interval::SECOND, last, now);
            let clock = FakeClock::at(101_000);
            let Step::Tick { id, gap: told } = planner.next(clock.now()) else { panic!("it is time") };
            assert_eq!(id, EventId { era, t: UnixMs(101_000), n: 0 }, "{last:?}");
            let gap = gap.map(|(from, to)| Gap {
                from: Some(UnixMs(from)),
                to: Some(UnixMs(to)),
                reason: GapReason::NotRunning,
            });
            assert_eq!(told, gap, "{last:?}");
        }
    }

    #[test]
    fn a_hole_is_one_gap_with_its_reason_and_one_tick() {
        for (event, era, t, gap) in [
            (Event::Delay(0), 0, 12_000, None),
            (Event::Delay(1_900), 0, 12_000, None),
            (Event::Delay(2_000), 0, 13_000, Some((12_000, 12_000, GapReason::Late))),
            (Event::Delay(5_500), 0, 16_000, Some((12_000, 15_000, GapReason::Late))),
            (Event::Suspend(3_600_000), 0, 3_611_000, Some((12_000, 3_610_000, GapReason::Suspended))),
            (Event::SetClock(60_300), 0, 71_000, Some((12_000, 70_000, GapReason::Clock))),
            (Event::SetClock(-200), 0, 12_000, None),
            (Event::SetClock(-5_300), 1, 6_000, None),
            (Event::SetClock(-1_000), 1, 10_000, None),
        ] {
            let clock = FakeClock::at(10_250);
            let mut planner = Planner::new(Interval::SECOND, clock.now());
            assert_eq!(tick(&mut planner, &clock).0.t, UnixMs(11_000));
            happen(&clock, event);
            let gap = gap.map(|(from, to, reason)| Gap { from: Some(UnixMs(from)), to: Some(UnixMs(to)), reason });
            assert_eq!(tick(&mut planner, &clock), (EventId { era, t: UnixMs(t), n: 0 }, gap), "{event:?}");
        }
    }

    #[test]
    fn the_first_tick_leaves_counters_time_to_grow() {
        for (now, first) in [(10_000, 11_000), (10_740, 11_000), (10_900, 12_000)] {
            let clock = FakeClock::at(now);
            assert_eq!(tick(&mut Planner::new(Interval::SECOND, clock.now()), &clock).0.t, UnixMs(first), "{now}");
        }
    }

    #[test]
    fn a_plan_goes_on_after_what_was_emitted() {
        let clock = FakeClock::at(20_100);
        let id = EventId { era: 3, t: UnixMs(20_000), n: 0 };
        let mut planner = Planner::after(Interval::SECOND, id, clock.now());
        assert_eq!(tick(&mut planner, &clock), (EventId { era: 3, t: UnixMs(21_000), n: 0 }, None));
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            8 => (0_u64..300).prop_map(Event::Delay),
            1 => (0_u64..300_000).prop_map(Event::Delay),
            1 => (0_u64..4_000_000).prop_map(Event::Suspend),
            1 => (-300_000_i64..300_000).prop_map(Event::SetClock),
            2 => (-400_i64..400).prop_map(Event::SetClock),
        ]
    }

    proptest! {
        #[test]
        fn no_hole_is_silent_and_nothing_is_told_twice(
            step_ms in prop_oneof![Just(250), Just(1_000), Just(60_000), 250_u32..60_000],
            start in 1_000_000_000_000_i64..2_000_000_000_000,
            events in prop::collection::vec(event(), 1..80),
        ) {
            let step = interval(step_ms);
            let clock = FakeClock::at(start);
            let mut planner = Planner::new(step, clock.now());
            let (mut last, _) = tick(&mut planner, &clock);
            for event in events {
                happen(&clock, event);
                let (id, gap) = tick(&mut planner, &clock);
                prop_assert!(id > last, "ids only grow");
                prop_assert!(id.t.is_tick_of(step), "ticks are round");
                let now = clock.now().wall();
                prop_assert!(id.t <= now && now < id.t + step, "the tick is the current one");
                if id.era == last.era {
                    let missing = (id.t.0 - last.t.0) / step.ms() - 1;
                    prop_assert_eq!(gap.is_some(), missing > 0);
                    if let Some(gap) = gap {
                        prop_assert_eq!(gap.from, Some(last.t + step));
                        prop_assert_eq!(gap.to, Some(id.t - step));
                    }
                } else {
                    prop_assert_eq!(id.era, last.era + 1);
                    prop_assert_eq!(gap, None, "between eras nothing can be missing");
                }
                last = id;
            }
        }
    }
}
