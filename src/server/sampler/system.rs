//! This machine as a source: plan, ask, put together, emit.

use super::board::Board;
use super::clock::Clock;
use super::collector::Job;
use super::crew::Crew;
use super::plan::{Planner, Step};
use super::{Source, Stop};
use crate::model::{Catalog, EventId, Interval, LastSeen, Observation};
use crate::server::meter::Meter;
use std::sync::Arc;
use std::time::Duration;

/// How long collectors may take for the first reading of all, before anything is shown.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);

/// How long they may take in a tick, if half the interval is not shorter.
const LONGEST_PATIENCE: Duration = Duration::from_millis(400);

pub struct SystemSource {
    crew: Crew,
    board: Board,
    interval: Interval,
    /// For the collectors in a tick.
    patience: Duration,
    clock: Arc<dyn Clock>,
    meter: Arc<Meter>,
    last: Option<LastSeen>,
}

impl SystemSource {
    /// Starts the collectors and takes the first reading, from which the first tick's rates are measured.
    pub fn open(
        jobs: Vec<Job>,
        interval: Interval,
        clock: Arc<dyn Clock>,
        meter: Arc<Meter>,
    ) -> std::io::Result<(Self, Arc<Catalog>)> {
        let mut crew = Crew::start(jobs, &clock)?;
        let mut board = Board::default();
        board.learn(&crew.collect(None, FIRST_PATIENCE));
        let catalog = Arc::clone(board.catalog());
        let patience = (interval.as_duration() / 2).min(LONGEST_PATIENCE);
        Ok((Self { crew, board, interval, patience, clock, meter, last: None }, catalog))
    }

    fn tick(&mut self, id: EventId, sink: &mut dyn FnMut(Observation)) {
        let mut outcomes = self.crew.collect(Some(id.t), self.patience);
        if self.board.learn(&outcomes) {
            sink(Observation::Catalog(Arc::clone(self.board.catalog())));
        }
        let sample = self.board.sample(id.t, &mut outcomes);
        let late_us = self.clock.now().wall_us.saturating_sub(id.t.0.saturating_mul(1_000));
        self.meter.set_lateness_us(u64::try_from(late_us).unwrap_or(0));
        sink(Observation::Sample { id, sample: Arc::new(sample) });
    }
}

impl Source for SystemSource {
    fn resume(&mut self, last: LastSeen) {
        self.last = Some(last);
    }

    fn run(mut self: Box<Self>, stop: &Stop, sink: &mut dyn FnMut(Observation)) {
        let now = self.clock.now();
        let mut planner = match self.last {
            Some(last) => Planner::resuming(self.interval, last, now),
            None => Planner::new(self.interval, now),
        };
        while !stop.is_stopped() {
            match planner.next(self.clock.now()) {
                Step::Wait(time) => {
                    self.clock.wait(stop, time);
                }
                Step::Tick { id, gap } => {
                    if let Some(gap) = gap {
                        sink(Observation::Gap(gap));
                    }
                    self.tick(id, sink);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, Sample, Unit};
    use crate::server::sampler::clock::fake::FakeClock;
    use crate::server::sampler::collector::{Collector, Reading};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    /// A collector of one family that does as it is told in each turn.
    struct Fake<F> {
        family: Arc<Family>,
        turn: Arc<AtomicUsize>,
        act: F,
    }

    impl<F: Fn(usize) -> anyhow::Result<f64> + Send> Collector for Fake<F> {
        fn collect(&mut self, _: &dyn Clock) -> anyhow::Result<Vec<Reading>> {
            let value = (self.act)(self.turn.fetch_add(1, Ordering::SeqCst))?;
            Ok(vec![Reading::new(&self.family, [Some(value)])])
        }
    }

    fn job(name: &'static str, act: impl Fn(usize) -> anyhow::Result<f64> + Clone + Send + 'static) -> Job {
        let family = Arc::new(Family::new(name, name, Unit::Count, Interval::SECOND, &[("value", "value")]));
        let turn = Arc::new(AtomicUsize::new(0));
        Job::new(name, Interval::SECOND, move || Fake {
            family: Arc::clone(&family),
            turn: Arc::clone(&turn),
            act: act.clone(),
        })
    }

    /// The samples of the first `count` ticks by a clock that is turned by hand.
    fn run(jobs: Vec<Job>, count: usize) -> anyhow::Result<Vec<Arc<Sample>>> {
        let clock = Arc::new(FakeClock::at(10_000));
        let (mut source, _) = SystemSource::open(jobs, Interval::SECOND, clock, Arc::default())?;
        // The one that hangs costs it once; the others must not be missed on a busy machine.
        source.patience = Duration::from_secs(5);
        let stop = Stop::new();
        let mut samples = Vec::new();
        Box::new(source).run(&stop, &mut |observation| {
            if let Observation::Sample { sample, .. } = observation {
                samples.push(sample);
                if samples.len() == count {
                    stop.stop();
                }
            }
        });
        Ok(samples)
    }

    #[test]
    fn a_collector_in_trouble_costs_the_others_nothing() -> anyhow::Result<()> {
        // Held by the test: the hanging collector waits for it from its second turn on.
        let (_release, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let samples = run(
            vec![
                job("hangs", move |turn| {
                    if turn == 1
                        && let Ok(gate) = gate.lock()
                    {
                        let _ = gate.recv();
                    }
                    Ok(1.0)
                }),
                job("fails", |turn| if turn == 2 { anyhow::bail!("no such device") } else { Ok(2.0) }),
                job("panics", |turn| if turn == 2 { panic!("broken") } else { Ok(3.0) }),
                job("works", |turn| Ok(turn as f64)),
            ],
            4,
        )?;
        let times: Vec<i64> = samples.iter().map(|sample| sample.t.0).collect();
        assert_eq!(times, [11_000, 12_000, 13_000, 14_000], "no tick is lost");
        for (index, sample) in samples.iter().enumerate() {
            let well = |value| Some([Some(value)]);
            let trouble = (index == 1).then_some([None]);
            let seen = |family| sample.values(family).and_then(|values| <[Option<f64>; 1]>::try_from(values).ok());
            assert_eq!(seen("hangs"), None, "absent while it hangs, tick {index}");
            assert_eq!(seen("fails"), trouble.or(well(2.0)), "null once, tick {index}");
            assert_eq!(seen("panics"), trouble.or(well(3.0)), "null once, then made again, tick {index}");
            assert_eq!(seen("works"), well(index as f64 + 1.0), "tick {index}");
        }
        Ok(())
    }

    #[test]
    fn a_family_that_appears_is_announced_before_its_first_sample() -> anyhow::Result<()> {
        let clock = Arc::new(FakeClock::at(10_000));
        let late = job("late", |turn| if turn == 0 { anyhow::bail!("not yet") } else { Ok(1.0) });
        let meter = Arc::new(Meter::default());
        let (mut source, catalog) = SystemSource::open(vec![late], Interval::SECOND, clock, Arc::clone(&meter))?;
        source.patience = Duration::from_secs(20);
        assert_eq!(catalog.iter().count(), 0);
        let stop = Stop::new();
        let mut seen = Vec::new();
        Box::new(source).run(&stop, &mut |observation| {
            seen.push(match observation {
                Observation::Catalog(catalog) => format!("catalog of {}", catalog.iter().count()),
                Observation::Sample { id, sample } => format!("{id} with {}", sample.families.len()),
                Observation::Gap(_) => "gap".to_owned(),
            });
            if seen.len() == 3 {
                stop.stop();
            }
        });
        assert_eq!(seen, ["catalog of 1", "0-11000 with 1", "0-12000 with 1"]);
        Ok(())
    }
}
