//! The hub against a simple reference: whatever is published, and whoever comes, lags, leaves and comes back in whatever
//! order, also over restarts, each client is told everything once and in order.

use super::facts;
use crate::model::sample::FamilyValues;
use crate::model::{Catalog, EventId, EventName, Family, Gap, GapReason, Interval, Observation, Sample, Unit, UnixMs};
use crate::server::history::{History, KEPT, Opened, Retention, StoreSettings};
use crate::server::hub::{Frame, HelloFacts, Hub, Next, Reader, Resume, Wants};
use crate::server::meter::Meter;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Memory holds eleven samples.
const INTERVAL: Interval = Interval::MINUTE;
const CLIENTS: usize = 4;
/// So many samples are not stored yet, at most.
const UNSTORED: usize = 3;
/// So many are in memory again after a restart, at most.
const RECALLED: usize = 9;

#[derive(Clone, Debug)]
enum Act {
    /// The next sample, after so many missing ticks.
    Tick(i64),
    /// From now on, samples are of another shape.
    Catalog(usize),
    /// For a client, or for all.
    Notify(Option<usize>),
    /// A client is told so many things, at most.
    Read(usize, usize),
    Leave(usize),
    /// It comes with an id that is not ours.
    Forget(usize),
    /// The server is away for so many ticks; if it was killed, what was not stored is gone.
    Restart(i64, bool),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let client = 0..CLIENTS;
    let act = prop_oneof![
        10 => prop_oneof![4 => Just(0_i64), 1 => 1_i64..4].prop_map(Act::Tick),
        1 => (0..3_usize).prop_map(Act::Catalog),
        3 => prop_oneof![Just(None), client.clone().prop_map(Some)].prop_map(Act::Notify),
        8 => (client.clone(), prop_oneof![1..4_usize, Just(usize::MAX)]).prop_map(|(client, most)| Act::Read(client, most)),
        2 => client.clone().prop_map(Act::Leave),
        1 => client.prop_map(Act::Forget),
        1 => (0_i64..4, any::<bool>()).prop_map(|(away, is_kill)| Act::Restart(away, is_kill)),
    ];
    proptest::collection::vec(act, 1..160)
}

fn catalog(number: usize) -> Arc<Catalog> {
    let family = |id: &str| Family::new(id, "Load", Unit::Count, INTERVAL, &[("one", "1 min")]);
    let all = ["load", "tasks", "tcp"];
    Arc::new(Catalog(all[..=number].iter().map(|id| family(id)).collect()))
}

fn name(client: usize) -> Arc<str> {
    format!("client-{client}").into()
}

/// One of the clients wants no samples.
fn wants(client: usize) -> Wants {
    Wants { samples: client != 0, ..Wants::default() }
}

/// What there is to be told, in the simplest form.
struct World {
    hub: Arc<Hub>,
    history: Arc<History>,
    catalog: usize,
    era: u32,
    tick: i64,
    samples: BTreeMap<EventId, f64>,
    /// Since this run of the server began.
    messages: BTreeMap<EventId, Option<usize>>,
    /// Whether this run has told a sample: behind that, messages can stand.
    has_begun: bool,
    /// Observed, and not stored yet.
    unstored: Vec<Observation>,
    stored: Vec<Observation>,
}

#[derive(Default)]
struct Client {
    reader: Option<Reader>,
    /// The newest thing it was told.
    last: Option<EventId>,
    /// The sample with which it begins that had nothing; none where any may be the first.
    first: Option<EventId>,
    catalog: Option<Arc<Catalog>>,
    /// Ticks it was told are missing since the last sample.
    missing: Vec<i64>,
    /// Since when it knows which are.
    last_sample: Option<EventId>,
}

fn hub(catalog: Arc<Catalog>, history: &Arc<History>) -> Arc<Hub> {
    let facts = HelloFacts { interval: INTERVAL, ..facts() };
    Arc::new(Hub::new(facts, catalog).reaching_back(Arc::clone(history)))
}

impl World {
    fn new() -> std::io::Result<Self> {
        let settings = StoreSettings { retention: Retention::default(), ..StoreSettings::in_memory() };
        let store = Opened::open(&settings, KEPT).map_err(std::io::Error::other)?;
        let history = Arc::new(History::start(store, catalog(0), Arc::new(Meter::default()))?);
        Ok(Self {
            hub: hub(catalog(0), &history),
            history,
            catalog: 0,
            era: 0,
            tick: 1_000_000,
            samples: BTreeMap::new(),
            messages: BTreeMap::new(),
            has_begun: false,
            unstored: Vec::new(),
            stored: Vec::new(),
        })
    }

    fn observe(&mut self, observation: Observation) {
        self.hub.publish(&observation);
        self.unstored.push(observation);
        let is_sample = |observation: &&Observation| matches!(observation, Observation::Sample { .. });
        while self.unstored.iter().filter(is_sample).count() > UNSTORED {
            self.store_one();
        }
    }

    fn store_all(&mut self) {
        while !self.unstored.is_empty() {
            self.store_one();
        }
    }

    fn store_one(&mut self) {
        let observation = self.unstored.remove(0);
        self.history.record(&observation);
        self.stored.push(observation);
    }

    fn tick(&mut self, missing: i64, reason: GapReason) {
        if missing > 0 {
            let [from, to] = [self.tick, self.tick + missing - 1].map(|tick| Some(UnixMs(tick * INTERVAL.ms())));
            self.observe(Observation::Gap(Gap { from, to, reason }));
            self.tick += missing;
        }
        let (t, value) = (UnixMs(self.tick * INTERVAL.ms()), self.tick as f64);
        let id = EventId { era: self.era, t, n: 0 };
        let values = |family: &Family| FamilyValues { family: Arc::clone(&family.id), values: vec![Some(value)] };
        let families = catalog(self.catalog).iter().map(values).collect();
        self.samples.insert(id, value);
        self.observe(Observation::Sample { id, sample: Arc::new(Sample { t, families }) });
        self.tick += 1;
        self.has_begun = true;
    }

    fn change(&mut self, number: usize) {
        self.catalog = number;
        self.observe(Observation::Catalog(catalog(number)));
    }

    fn notify(&mut self, to: Option<usize>) {
        if self.has_begun {
            let id = self.hub.notify(to.map(name), "a message");
            self.messages.extend(id.map(|id| (id, to)));
        }
    }

    /// As `telltale serve` begins: with what the store has of the last minutes.
    fn restart(&mut self, away: i64, is_kill: bool) {
        if is_kill {
            self.unstored.clear();
            let stored = self.stored.iter().filter_map(id_of).collect::<Vec<_>>();
            self.samples.retain(|id, _| stored.contains(id));
            self.era += 1;
        } else {
            self.store_all();
        }
        self.messages.clear();
        self.has_begun = false;
        let is_sample = |(_, observation): &(usize, &Observation)| id_of(observation).is_some();
        let recent = self.stored.iter().enumerate().rev().filter(is_sample).nth(RECALLED - 1);
        let begins = recent.map_or(0, |(index, _)| index);
        let is_catalog = |observation: &&Observation| matches!(observation, Observation::Catalog(_));
        let before = self.stored[..begins].iter().rev().find(is_catalog);
        let then = match before {
            Some(Observation::Catalog(catalog)) => Arc::clone(catalog),
            _ => catalog(0),
        };
        self.hub = hub(catalog(self.catalog), &self.history);
        self.hub.recall(Some(then), &self.stored[begins..]);
        // The store is begun with it.
        self.unstored.push(Observation::Catalog(catalog(self.catalog)));
        // What was lost is missing as well.
        let last = self.samples.last_key_value().map(|(id, _)| id.t.0 / INTERVAL.ms());
        let next = self.tick + away;
        self.tick = last.map_or(next, |last| last + 1);
        self.tick(next - self.tick, GapReason::NotRunning);
    }

    /// From here on, memory has it all.
    fn held_from(&self) -> Option<EventId> {
        self.samples
            .keys()
            .rev()
            .nth(usize::try_from(KEPT.ms() / INTERVAL.ms()).unwrap_or(0))
            .or(self.samples.keys().next())
            .copied()
    }

    fn next_sample(&self, after: EventId) -> Option<EventId> {
        self.samples.keys().find(|id| **id > after).copied()
    }

    /// The next message to a client that can still be had.
    fn next_message(&self, client: usize, after: EventId) -> Option<EventId> {
        let from = after.max(self.held_from()?);
        let is_for = |to: &Option<usize>| to.is_none_or(|to| to == client);
        self.messages.iter().find(|(id, to)| **id > from && is_for(to)).map(|(id, _)| *id)
    }
}

fn id_of(observation: &Observation) -> Option<EventId> {
    match observation {
        Observation::Sample { id, .. } => Some(*id),
        _ => None,
    }
}

impl Client {
    fn join(&mut self, number: usize, world: &World, is_foreign: bool) {
        let resume = match self.last {
            _ if is_foreign => Resume::Foreign,
            Some(last) => Resume::After(last),
            None => Resume::Newest,
        };
        if is_foreign || self.last.is_none() {
            (self.last, self.last_sample) = (None, None);
            self.first = world.samples.keys().next_back().copied();
        }
        let reader = world.hub.join(name(number), wants(number), resume);
        self.catalog = reader.cursor().edition().map(|edition| Arc::clone(edition.catalog()));
        self.missing.clear();
        self.reader = Some(reader);
    }

    async fn read(&mut self, number: usize, most: usize, world: &mut World) -> Result<(), TestCaseError> {
        // The store knows all that it may be asked for.
        if self.last.is_none() || self.last < world.held_from() {
            world.store_all();
        }
        if self.reader.is_none() {
            self.join(number, world, false);
        }
        for _ in 0..most {
            let Some(reader) = &mut self.reader else { break };
            match reader.next().await {
                Next::Nothing => return self.has_all(number, world),
                Next::Closed(reason) => return Err(TestCaseError::fail(format!("{reason:?}"))),
                Next::Gap(gap) => self.take_gap(gap),
                Next::Frame(frame) => self.take(number, &frame, world)?,
                Next::Slot(slot) => self.take(number, &slot.frame, world)?,
            }
        }
        Ok(())
    }

    fn take(&mut self, number: usize, frame: &Frame, world: &World) -> Result<(), TestCaseError> {
        let json = frame.json();
        match (frame.name(), frame.id()) {
            (EventName::Catalog, None) => self.catalog = serde_json::from_slice(&json).ok().map(Arc::new),
            (EventName::Gap, None) => serde_json::from_slice(&json).map(|gap| self.take_gap(gap)).unwrap_or_default(),
            (EventName::Sample, Some(id)) => self.take_sample(number, id, &json, world)?,
            (EventName::Notification, Some(id)) => {
                let to = world.messages.get(&id).copied().flatten();
                prop_assert!(to.is_none_or(|to| to == number), "{id} is for somebody else");
                if let Some(last) = self.last {
                    prop_assert_eq!(world.next_message(number, last), Some(id), "after {}", last);
                    let sample = world.next_sample(last).filter(|_| wants(number).samples);
                    prop_assert!(sample.is_none_or(|sample| sample > id), "{sample:?} comes before {id}");
                }
                self.last = Some(id);
            }
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
        Ok(())
    }

    fn take_gap(&mut self, gap: Gap) {
        if let (Some(from), Some(to)) = (gap.from, gap.to) {
            self.missing.extend(from.0 / INTERVAL.ms()..=to.0 / INTERVAL.ms());
        }
    }

    fn take_sample(&mut self, number: usize, id: EventId, json: &[u8], world: &World) -> Result<(), TestCaseError> {
        prop_assert!(wants(number).samples);
        match self.last {
            Some(last) => {
                prop_assert_eq!(world.next_sample(last), Some(id), "after {}", last);
                let message = world.next_message(number, last);
                prop_assert!(message.is_none_or(|message| message > id), "{message:?} comes before {id}");
            }
            None => prop_assert!(self.first.is_none_or(|first| first == id), "{id} instead of {:?}", self.first),
        }
        if let Some(before) = self.last_sample {
            // Who leaves memory right between a gap and its sample is told of the gap again by the store.
            let told: Vec<i64> = self.missing.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
            let expected: Vec<i64> = (before.t.0 / INTERVAL.ms() + 1..id.t.0 / INTERVAL.ms()).collect();
            prop_assert_eq!(told, expected, "between {} and {}", before, id);
        }
        let sample: serde_json::Value = serde_json::from_slice(json).unwrap_or_default();
        prop_assert_eq!(sample["load"][0].as_f64(), world.samples.get(&id).copied(), "{}", id);
        let known = self.catalog.as_deref().cloned().unwrap_or_default();
        let families = sample.as_object().into_iter().flatten().filter(|(name, _)| *name != "t");
        for (family, values) in families {
            let dimensions = known.iter().find(|known| *known.id == **family).map(|known| known.dimensions.len());
            prop_assert_eq!(dimensions, values.as_array().map(Vec::len), "{} of {}", family, id);
        }
        self.missing.clear();
        (self.last, self.last_sample) = (Some(id), Some(id));
        Ok(())
    }

    /// There is nothing to be told that it was not told.
    fn has_all(&self, number: usize, world: &World) -> Result<(), TestCaseError> {
        match self.last {
            Some(last) => {
                let sample = world.next_sample(last).filter(|_| wants(number).samples);
                prop_assert_eq!((sample, world.next_message(number, last)), (None, None), "after {}", last);
            }
            None => prop_assert!(world.samples.is_empty() || !wants(number).samples, "it was told nothing"),
        }
        Ok(())
    }
}

async fn play(acts: Vec<Act>) -> Result<(), TestCaseError> {
    let mut world = World::new().map_err(|error| TestCaseError::fail(error.to_string()))?;
    let mut clients: [Client; CLIENTS] = Default::default();
    for act in acts {
        match act {
            Act::Tick(missing) => world.tick(missing, GapReason::Late),
            Act::Catalog(number) => world.change(number),
            Act::Notify(to) => world.notify(to),
            Act::Read(client, most) => clients[client].read(client, most, &mut world).await?,
            Act::Leave(client) => clients[client].reader = None,
            Act::Forget(client) => clients[client].join(client, &world, true),
            Act::Restart(away, is_kill) => {
                clients.iter_mut().for_each(|client| client.reader = None);
                world.restart(away, is_kill);
            }
        }
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.read(number, usize::MAX, &mut world).await?;
    }
    Ok(())
}

#[test]
fn each_client_is_told_everything_once_and_in_order() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    let played = proptest::test_runner::TestRunner::new(config).run(&acts(), |acts| runtime.block_on(play(acts)));
    played.map_err(|error| std::io::Error::other(error.to_string()))
}
