//! What is usual on a machine, learned from its samples, and which samples are not.

use super::Headline;
use crate::model::family::Catalog;
use crate::model::sample::Sample;
use crate::model::series::Series;
use crate::model::time::{Interval, UnixMs};

/// What is watched: who is busy, how full the memory is and who waits.
const WATCHED: [Headline; 3] = [Headline::Cpu, Headline::Memory, Headline::Pressure];

/// Until there is so much to learn from, only what is high by itself is abnormal.
const FIRST_MS: f64 = 60_000.0;

/// How far back the usual looks.
const MEMORY_MS: f64 = 300_000.0;

/// The same for what is abnormal: a step to another level is abnormal for an hour, and then it is the usual.
const MEMORY_OF_ABNORMAL_MS: f64 = 4.0 * 3_600_000.0;

/// This far above the mean is above the usual, or so many deviations if that is more.
const MARGIN: f64 = 20.0;
const DEVIATIONS: f64 = 4.0;

/// The margin of what is high by itself: a memory that is always nearly full is usual, too.
const MARGIN_OF_HIGH: f64 = 2.0;

/// Learns from every sample and says which are abnormal.
#[derive(Clone, Debug, Default)]
pub struct Usual {
    watched: Vec<Watched>,
    newest: Option<UnixMs>,
}

#[derive(Clone, Debug)]
struct Watched {
    name: String,
    series: Series,
    /// From here on it is high by itself.
    high: f64,
    learned: Learned,
}

/// Exponential means over time.
#[derive(Clone, Copy, Debug, Default)]
struct Learned {
    mean: f64,
    deviation: f64,
    /// How much time there was to learn from.
    seen_ms: f64,
}

impl Usual {
    /// What is watched from now on. What was learned of series that stay is kept.
    pub fn set_catalog(&mut self, catalog: &Catalog) {
        let before = std::mem::take(&mut self.watched);
        for headline in WATCHED {
            let (high, _) = headline.limits();
            for name in headline.candidates(catalog) {
                let Some(series) = Series::resolve(&name, catalog) else { continue };
                let known = before.iter().find(|watched| watched.name == name);
                let learned = known.map(|watched| watched.learned).unwrap_or_default();
                self.watched.push(Watched { name, series, high, learned });
            }
        }
    }

    /// Whether a sample is abnormal; learns from it.
    pub fn is_abnormal(&mut self, sample: &Sample) -> bool {
        let passed_ms = self.newest.map_or(Interval::SECOND.ms(), |newest| sample.t.0.saturating_sub(newest.0));
        let passed_ms = passed_ms.clamp(1, Interval::MINUTE.ms()) as f64;
        self.newest = Some(sample.t);
        let mut is_abnormal = false;
        for watched in &mut self.watched {
            if let Some(value) = watched.series.value(sample) {
                is_abnormal |= watched.learned.judge(value, watched.high, passed_ms);
            }
        }
        is_abnormal
    }
}

impl Learned {
    /// Whether a value is above the usual; learns from it.
    fn judge(&mut self, value: f64, high: f64, passed_ms: f64) -> bool {
        self.seen_ms += passed_ms;
        if self.seen_ms <= FIRST_MS {
            // Whoever starts in the midst of trouble is not to take it for the usual.
            self.learn(value.min(high), passed_ms / self.seen_ms);
            return value > high + MARGIN_OF_HIGH;
        }
        let margin = if value >= high { MARGIN_OF_HIGH } else { MARGIN };
        let is_abnormal = value > self.mean + margin.max(DEVIATIONS * self.deviation);
        let memory_ms = if is_abnormal { MEMORY_OF_ABNORMAL_MS } else { MEMORY_MS };
        self.learn(value, passed_ms / memory_ms);
        is_abnormal
    }

    fn learn(&mut self, value: f64, share: f64) {
        let share = share.min(1.0);
        // The first value of all has nothing to deviate from.
        let distance = if share < 1.0 { (value - self.mean).abs() } else { 0.0 };
        self.deviation += (distance - self.deviation) * share;
        self.mean += (value - self.mean) * share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::FamilyValues;
    use crate::model::{Family, Unit};
    use proptest::prelude::*;

    const MINUTE: usize = 60;
    const HOUR: usize = 60 * MINUTE;

    fn catalog() -> Catalog {
        let of =
            |id: &str, dimensions: &[(&str, &str)]| Family::new(id, id, Unit::Percent, Interval::SECOND, dimensions);
        let pressure = [("some", ""), ("full", "")];
        Catalog(vec![
            of("cpu", &[("user", ""), ("iowait", "")]),
            of("memory", &[("used", ""), ("free", "")]),
            of("memory.available", &[("available", "")]),
            of("pressure.io", &pressure),
        ])
    }

    /// One sample a second.
    struct Machine {
        usual: Usual,
        second: i64,
    }

    impl Machine {
        fn new() -> Self {
            let mut usual = Usual::default();
            usual.set_catalog(&catalog());
            Self { usual, second: 0 }
        }

        fn second(&mut self, cpu: f64, memory: f64, pressure: f64) -> bool {
            self.second += 1;
            let of = |family: &str, values: &[f64]| FamilyValues {
                family: family.into(),
                values: values.iter().map(|value| Some(*value)).collect(),
            };
            let families = vec![
                of("cpu", &[cpu, 99.0]),
                of("memory", &[memory, 100.0 - memory]),
                of("memory.available", &[100.0 - memory]),
                of("pressure.io", &[pressure, 0.0]),
            ];
            self.usual.is_abnormal(&Sample { t: UnixMs(self.second * 1_000), families })
        }

        /// How many of so many seconds are abnormal.
        fn seconds(&mut self, count: usize, cpu: f64, memory: f64, pressure: f64) -> usize {
            (0..count).filter(|_| self.second(cpu, memory, pressure)).count()
        }
    }

    #[test]
    fn what_is_clearly_above_the_usual_is_abnormal() {
        for (usual, then, expected) in [
            ((10.0, 40.0, 0.0), (29.0, 59.0, 19.0), false),
            ((10.0, 40.0, 0.0), (31.0, 40.0, 0.0), true),
            ((10.0, 40.0, 0.0), (10.0, 61.0, 0.0), true),
            ((10.0, 40.0, 0.0), (10.0, 40.0, 20.5), true),
            ((70.0, 40.0, 0.0), (85.0, 40.0, 0.0), true),
            ((70.0, 40.0, 0.0), (79.0, 40.0, 0.0), false),
            ((70.0, 40.0, 0.0), (2.0, 5.0, 0.0), false),
        ] {
            let mut machine = Machine::new();
            assert_eq!(machine.seconds(5 * MINUTE, usual.0, usual.1, usual.2), 0, "{usual:?}");
            assert_eq!(machine.second(then.0, then.1, then.2), expected, "{usual:?} and then {then:?}");
            assert!(!machine.second(usual.0, usual.1, usual.2), "over at once");
        }
    }

    #[test]
    fn what_lasts_becomes_the_usual_within_hours() {
        let mut machine = Machine::new();
        machine.seconds(5 * MINUTE, 5.0, 40.0, 0.0);
        let abnormal = machine.seconds(6 * HOUR, 100.0, 40.0, 0.0);
        assert!((HOUR / 2..2 * HOUR).contains(&abnormal), "{abnormal} s");
        assert_eq!(machine.seconds(HOUR, 100.0, 40.0, 0.0), 0);
    }

    #[test]
    fn trouble_at_the_start_is_seen_and_a_memory_that_is_always_full_is_not_seen_for_ever() {
        let mut machine = Machine::new();
        assert_eq!(machine.seconds(MINUTE, 100.0, 40.0, 0.0), MINUTE);
        let mut machine = Machine::new();
        let abnormal = machine.seconds(4 * HOUR, 5.0, 88.0, 0.0);
        assert!(abnormal > MINUTE && abnormal < 2 * HOUR, "{abnormal} s");
        assert_eq!(machine.seconds(HOUR, 5.0, 88.0, 0.0), 0);
    }

    #[test]
    fn values_that_are_missing_and_clocks_that_jump_say_nothing() {
        let mut machine = Machine::new();
        machine.seconds(5 * MINUTE, 5.0, 40.0, 0.0);
        let none = Sample { t: UnixMs(0), families: Vec::new() };
        assert!(!machine.usual.is_abnormal(&none));
        for second in [-5_000, 900_000_000] {
            machine.second = second;
            assert!(!machine.second(5.0, 40.0, 0.0));
        }
        machine.usual.set_catalog(&Catalog(Vec::new()));
        assert!(!machine.second(100.0, 100.0, 100.0), "nothing is watched");
    }

    proptest! {
        #[test]
        fn noise_is_usual_and_a_spike_is_not(base in 0.0..60.0_f64, noise in prop::collection::vec(-6.0..6.0_f64, 120..900)) {
            let mut machine = Machine::new();
            for noise in noise {
                prop_assert!(!machine.second(base + noise, 40.0, 0.0));
            }
            prop_assert!(machine.second(base + 40.0, 40.0, 0.0));
            prop_assert!(!machine.second(base, 40.0, 0.0));
        }
    }
}
