//! A recording as a source: played back in a loop at the pace it was taken, shifted to now.

mod capped;
mod harmless;
mod header;
mod processes;
mod tape;

pub use self::processes::ReplayedProcesses;
pub use capped::Capped;
pub use tape::{Tape, TapeError};

use super::clock::Clock;
use super::plan::{Planner, Step};
use super::{Source, Stop};
use crate::model::sample::FamilyValues;
use crate::model::{Catalog, EventId, Gap, GapReason, LastSeen, Observation, Sample, UnixMs};
use crate::server::meter::Meter;
use processes::Playing;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tape::Entry;

pub struct ReplaySource {
    player: Player,
    lead: Duration,
    last: Option<LastSeen>,
    clock: Arc<dyn Clock>,
    meter: Arc<Meter>,
}

impl ReplaySource {
    pub fn new(tape: Tape, lead: Duration, clock: Arc<dyn Clock>, meter: Arc<Meter>) -> Self {
        Self { player: Player::new(tape), lead, last: None, clock, meter }
    }

    /// The processes at the instant that is being played.
    pub fn processes(&self, with_arguments: bool) -> ReplayedProcesses {
        self.player.playing.scan(with_arguments)
    }
}

impl Source for ReplaySource {
    fn resume(&mut self, last: LastSeen) {
        self.last = Some(last);
    }

    fn run(mut self: Box<Self>, stop: &Stop, sink: &mut dyn FnMut(Observation)) {
        let interval = self.player.tape.interval();
        let number = |now: UnixMs| now.0.div_euclid(interval.ms());
        let start = self.clock.now();
        let mut planner = match self.last {
            Some(last) => Planner::resuming(interval, last, start),
            None => Planner::new(interval, start),
        };
        let mut era = planner.era();
        let now = number(start.wall());
        let begin = now - self.player.tape.ticks(self.lead);
        self.player.start(begin);
        if let Some(last) = self.last {
            let played = number(last.id.t);
            // Of what has passed nothing may be told where another run may have told it.
            let first = if era == last.id.era { begin.max(played + 1) } else { now + 1 };
            self.player.go_on_after(played, first);
        }
        // What would have been played by now, had it been running.
        let mut newest = None;
        while self.player.next_tick() <= number(self.clock.now().wall()) && !stop.is_stopped() {
            newest = self.player.play(era, self.player.next_tick(), sink).or(newest);
        }
        if let Some(newest) = newest {
            planner = Planner::after(interval, newest, self.clock.now());
        }
        while !stop.is_stopped() {
            match planner.next(self.clock.now()) {
                Step::Wait(time) => {
                    self.clock.wait(stop, time);
                }
                Step::Tick { id, gap } => {
                    if id.era != era {
                        era = id.era;
                        self.player.continue_at(number(id.t));
                    }
                    if let Some(gap) = gap {
                        self.player.reason = gap.reason;
                    }
                    self.player.play(era, number(id.t), sink);
                    let late_us = self.clock.now().wall_us.saturating_sub(id.t.0.saturating_mul(1_000));
                    self.meter.set_lateness_us(u64::try_from(late_us).unwrap_or(0));
                }
            }
        }
    }
}

/// Which sample of the tape belongs to which tick. Ticks are counted in intervals since the epoch.
struct Player {
    tape: Tape,
    /// The entry to be played next.
    position: usize,
    /// Its tick.
    tick: i64,
    /// The newest tick played, by an earlier run at first.
    played: Option<i64>,
    /// Why ticks are missing before the one that is played next, other than that the tape has none.
    reason: GapReason,
    catalog: Arc<Catalog>,
    /// Values of slower families, until their tick: past the seam of the loop those of the recording and
    /// those of the replay may part.
    held: HashMap<Arc<str>, Vec<Option<f64>>>,
    playing: Playing,
}

impl Player {
    fn new(tape: Tape) -> Self {
        let catalog = tape.first_catalog();
        Self {
            tape,
            position: 0,
            tick: 0,
            played: None,
            reason: GapReason::Late,
            catalog,
            held: HashMap::new(),
            playing: Playing::default(),
        }
    }

    /// The first sample comes at `tick` or a little before it: where the slow families of the recording
    /// have their ticks, there they have them in the replay.
    fn start(&mut self, tick: i64) {
        self.tick = tick - (tick - self.tape.first_tick()).rem_euclid(self.tape.period());
    }

    fn next_tick(&self) -> i64 {
        self.tick
    }

    fn time(&self, tick: i64) -> UnixMs {
        UnixMs(tick.saturating_mul(self.tape.interval().ms()))
    }

    /// What an earlier run played is not played again; what it would have played until `first` is missing.
    fn go_on_after(&mut self, played: i64, first: i64) {
        (self.played, self.reason) = (Some(played), GapReason::NotRunning);
        self.skip_to(first);
    }

    /// After the clock was set: what comes next on the tape comes now.
    fn continue_at(&mut self, tick: i64) {
        self.tick = tick;
    }

    /// Emits the sample of `tick`, if the tape has one, after what changed and what is missing before it.
    fn play(&mut self, era: u32, tick: i64, sink: &mut dyn FnMut(Observation)) -> Option<EventId> {
        self.skip_to(tick);
        if self.tick > tick {
            return None;
        }
        // Where the clock was set back there are none.
        if let Some(missing) = self.played.map(|played| played + 1).filter(|missing| *missing < tick) {
            let (from, to) = (Some(self.time(missing)), Some(self.time(tick - 1)));
            sink(Observation::Gap(Gap { from, to, reason: self.reason }));
        }
        let Entry { catalog, sample, processes, .. } = self.tape.entry(self.position);
        if *catalog != self.catalog {
            self.catalog = Arc::clone(catalog);
            self.held.clear();
            sink(Observation::Catalog(Arc::clone(catalog)));
        }
        let t = self.time(tick);
        self.playing.set(processes.as_ref(), sample.t, t);
        let sample = at(sample, t, &self.catalog, &mut self.held);
        let id = EventId { era, t, n: 0 };
        sink(Observation::Sample { id, sample: Arc::new(sample) });
        (self.played, self.reason) = (Some(tick), GapReason::Late);
        self.step();
        Some(id)
    }

    /// Leaves out what should have been played before `tick`.
    fn skip_to(&mut self, tick: i64) {
        let loops = (tick - self.tick).max(0) / self.tape.loop_ticks();
        self.tick += loops * self.tape.loop_ticks();
        while self.tick < tick {
            self.step();
        }
    }

    fn step(&mut self) {
        self.position = (self.position + 1) % self.tape.sample_count();
        self.tick += self.tape.entry(self.position).distance;
    }
}

/// The sample at its new time, with the families that are due then.
fn at(sample: &Sample, t: UnixMs, catalog: &Catalog, held: &mut HashMap<Arc<str>, Vec<Option<f64>>>) -> Sample {
    let mut families = Vec::with_capacity(sample.families.len());
    for family in catalog.iter() {
        let values = sample.values(&family.id).map(<[_]>::to_vec);
        let values = if family.is_due(t) {
            values.or_else(|| held.remove(&family.id))
        } else {
            values.and_then(|values| {
                held.insert(Arc::clone(&family.id), values);
                None
            })
        };
        families.extend(values.map(|values| FamilyValues { family: Arc::clone(&family.id), values }));
    }
    Sample { t, families }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::sampler::Recorder;
    use crate::server::sampler::clock::fake::FakeClock;

    /// Three seconds, a hole of two, two seconds more; the slow family has its ticks at 10 s and at 15 s.
    pub(super) const RECORDING: &str = concat!(
        r#"{"host":{"name":"box","os":null,"kernel":null,"architecture":"x86_64","cpu_model":null,"cpu_count":1,"memory_bytes":1,"booted_at":null,"limits":null},"#,
        r#""catalog":[{"id":"load","title":"Load","unit":"","stacked":false,"interval_ms":1000,"dimensions":[{"id":"load1","label":"1 min"}]},"#,
        r#"{"id":"fs./.space","title":"Space","unit":"bytes","stacked":true,"interval_ms":5000,"dimensions":[{"id":"used","label":"used"}]}]}"#,
        "\n",
        r#"{"t":10000,"load":[1],"fs./.space":[100]}"#,
        "\n",
        r#"{"t":11000,"load":[2]}"#,
        "\n",
        r#"{"t":12000,"load":[null]}"#,
        "\n",
        r#"{"t":15000,"load":[4],"fs./.space":[200]}"#,
        "\n",
        r#"{"t":16000,"load":[5]}"#,
        "\n",
    );

    /// The first `count` observations, from `now` on, as text.
    fn play(text: &str, speed: f64, lead_s: u64, now: i64, count: usize) -> anyhow::Result<Vec<String>> {
        let tape = Tape::parse(text.as_bytes(), "recording".as_ref(), speed)?;
        let clock = Arc::new(FakeClock::at(now));
        let source = ReplaySource::new(tape, Duration::from_secs(lead_s), clock, Arc::default());
        let (stop, mut seen) = (Stop::new(), Vec::new());
        Box::new(source).run(&stop, &mut |observation| {
            if seen.len() < count {
                seen.push(match observation {
                    Observation::Catalog(catalog) => format!("catalog of {}", catalog.iter().count()),
                    Observation::Gap(Gap { from, to, .. }) => {
                        format!("gap {}-{}", from.map_or(0, |t| t.0), to.map_or(0, |t| t.0))
                    }
                    Observation::Sample { sample, .. } => serde_json::to_string(&*sample).unwrap_or_default(),
                });
            }
            if seen.len() == count {
                stop.stop();
            }
        });
        Ok(seen)
    }

    #[test]
    fn a_recording_is_played_at_its_pace_and_looped() -> anyhow::Result<()> {
        let seen = play(RECORDING, 1.0, 0, 100_300, 9)?;
        let expected = [
            r#"{"t":100000,"load":[1],"fs./.space":[100]}"#,
            r#"{"t":101000,"load":[2]}"#,
            r#"{"t":102000,"load":[null]}"#,
            "gap 103000-104000",
            r#"{"t":105000,"load":[4],"fs./.space":[200]}"#,
            r#"{"t":106000,"load":[5]}"#,
            r#"{"t":107000,"load":[1]}"#,
            r#"{"t":108000,"load":[2]}"#,
            r#"{"t":109000,"load":[null]}"#,
        ];
        assert_eq!(seen, expected);
        Ok(())
    }

    #[test]
    fn slow_families_keep_to_their_own_ticks_past_the_seam() -> anyhow::Result<()> {
        let seen = play(RECORDING, 1.0, 0, 100_300, 11)?;
        assert_eq!(seen[9], "gap 110000-111000");
        assert_eq!(seen[10], r#"{"t":112000,"load":[4]}"#);
        Ok(())
    }

    #[test]
    fn speed_scales_all_times_and_lead_begins_in_the_past() -> anyhow::Result<()> {
        let seen = play(RECORDING, 10.0, 0, 100_030, 3)?;
        assert_eq!(seen[..2], [r#"{"t":100000,"load":[1],"fs./.space":[100]}"#, r#"{"t":100100,"load":[2]}"#]);
        let seen = play(RECORDING, 1.0, 20, 100_300, 2)?;
        assert_eq!(seen[0], r#"{"t":80000,"load":[1],"fs./.space":[100]}"#);
        Ok(())
    }

    #[test]
    fn a_replay_goes_on_after_an_earlier_one() -> anyhow::Result<()> {
        for (last, is_end, lead_s, era, expected) in [
            (97_000, true, 0, 2, "gap 98000-99000"),
            // Its own hole is there.
            (97_000, true, 20, 2, "gap 98000-98000"),
            (99_000, true, 0, 2, r#"{"t":100000,"load":[1],"fs./.space":[100]}"#),
            (100_000, true, 0, 2, r#"{"t":101000,"load":[2]}"#),
            // What it may have told by now is not told otherwise.
            (97_000, false, 20, 3, "gap 98000-100000"),
            (100_000, false, 0, 3, r#"{"t":101000,"load":[2]}"#),
            (200_000, true, 0, 3, r#"{"t":101000,"load":[2]}"#),
        ] {
            let tape = Tape::parse(RECORDING.as_bytes(), "recording".as_ref(), 1.0)?;
            let clock = Arc::new(FakeClock::at(100_300));
            let mut source = ReplaySource::new(tape, Duration::from_secs(lead_s), clock, Arc::default());
            source.resume(LastSeen { id: EventId { era: 2, t: UnixMs(last), n: 0 }, is_end });
            let (stop, mut first, mut seen_era) = (Stop::new(), None, None);
            Box::new(source).run(&stop, &mut |observation| match observation {
                Observation::Gap(Gap { from, to, reason }) if first.is_none() => {
                    assert_eq!(reason, GapReason::NotRunning);
                    first = Some(format!("gap {}-{}", from.map_or(0, |t| t.0), to.map_or(0, |t| t.0)));
                }
                Observation::Sample { id, sample } => {
                    first.get_or_insert_with(|| serde_json::to_string(&*sample).unwrap_or_default());
                    seen_era.get_or_insert(id.era);
                    stop.stop();
                }
                _ => {}
            });
            assert_eq!((first.as_deref(), seen_era), (Some(expected), Some(era)), "after {last}");
        }
        Ok(())
    }

    /// The ids that one run gives out: at least so many, and at least until now.
    fn run(lead_s: u64, last: Option<LastSeen>, clock: &Arc<FakeClock>, count: usize) -> anyhow::Result<Vec<EventId>> {
        let tape = Tape::parse(RECORDING.as_bytes(), "recording".as_ref(), 4.0)?;
        let shared = Arc::clone(clock) as Arc<dyn Clock>;
        let mut source = ReplaySource::new(tape, Duration::from_secs(lead_s), shared, Arc::default());
        last.into_iter().for_each(|last| source.resume(last));
        let (stop, mut given) = (Stop::new(), Vec::new());
        let begin = clock.now().wall().floor_to(source.player.tape.interval());
        Box::new(source).run(&stop, &mut |observation| {
            if let Observation::Sample { id, .. } = observation {
                given.push(id);
                if given.len() >= count && id.t >= begin {
                    stop.stop();
                }
            }
        });
        Ok(given)
    }

    #[test]
    fn no_id_is_given_out_twice_however_runs_end() -> anyhow::Result<()> {
        // How many samples are given out, how many of them are remembered if the run is cut off, and for how many
        // milliseconds nothing runs then: ticks are 250 ms apart.
        let begin = (9, Some(6), 10);
        let runs = [
            (4, Some(0), 0),
            (3, None, 90),
            (2, Some(0), 0),
            (5, Some(0), 300),
            (6, Some(0), 7_000),
            (3, None, 60_000),
            (7, Some(5), 20_000),
            (2, Some(0), 600),
        ];
        for (case, lead_s) in (0..runs.len()).flat_map(|case| [0, 2, 60].map(|lead_s| (case, lead_s))) {
            let clock = Arc::new(FakeClock::at(100_030));
            let (mut given, mut last) = (Vec::new(), None);
            let in_turn = runs.into_iter().cycle().skip(case).take(2 * runs.len());
            for (count, remembered, away_ms) in [begin].into_iter().chain(in_turn) {
                let own = run(lead_s, last, &clock, count)?;
                let known = own[..remembered.unwrap_or(own.len())].last().copied();
                let id = known.or(last.map(|last| last.id)).unwrap_or(own[0]);
                last = Some(LastSeen { id, is_end: remembered.is_none() });
                given.extend(own);
                clock.advance(Duration::from_millis(away_ms));
            }
            let place = given.windows(2).position(|pair| pair[0] >= pair[1]);
            assert_eq!(place.map(|place| &given[..place + 2]), None, "case {case}, lead {lead_s} s");
        }
        Ok(())
    }

    #[test]
    fn what_is_recorded_can_be_replayed() -> anyhow::Result<()> {
        let tape = Tape::parse(RECORDING.as_bytes(), "recording".as_ref(), 1.0)?;
        let mut recorder = Recorder::new(tape.host().clone(), &tape.first_catalog(), Vec::new())?;
        for index in 0..tape.sample_count() {
            let sample = Arc::clone(&tape.entry(index).sample);
            recorder.record(&Observation::Sample { id: EventId { era: 0, t: sample.t, n: 0 }, sample })?;
        }
        assert_eq!(String::from_utf8(recorder.into_inner())?, RECORDING);
        Ok(())
    }
}
