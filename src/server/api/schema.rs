//! The shapes of answers, for the OpenAPI document only: what travels stays free of it. A test compares
//! these with what is really answered.

use std::collections::BTreeMap;
use utoipa::ToSchema;

#[derive(ToSchema)]
pub struct Host {
    pub name: String,
    /// For example `Debian GNU/Linux 12 (bookworm)`.
    pub os: Option<String>,
    /// For example `6.18.44`.
    pub kernel: Option<String>,
    /// For example `x86_64`.
    pub architecture: String,
    pub cpu_model: Option<String>,
    pub cpu_count: usize,
    pub memory_bytes: u64,
    /// Milliseconds since the epoch.
    pub booted_at: Option<i64>,
    /// What a container or a control group leaves of the machine.
    pub limits: Option<Limits>,
}

/// Percentages are of these where they are set.
#[derive(ToSchema)]
pub struct Limits {
    /// How many cores' worth of time, 1.5 say.
    pub cpu_cores: Option<f64>,
    pub memory_bytes: Option<u64>,
}

/// What one chart shows.
#[derive(ToSchema)]
pub struct Family {
    /// For example `disk.sda.io`.
    pub id: String,
    pub title: String,
    /// `%`, `bytes`, `bytes/s`, `/s`, `ms`, `°C`, or empty for a plain number.
    pub unit: String,
    /// Whether the dimensions add up to something.
    pub stacked: bool,
    /// The family is in the samples whose `t` is a multiple of this.
    pub interval_ms: u32,
    pub dimensions: Vec<Dimension>,
}

#[derive(ToSchema)]
pub struct Dimension {
    pub id: String,
    pub label: String,
}

#[derive(ToSchema)]
pub struct IdentifiedSample {
    /// The stream goes on after this id.
    pub id: String,
    pub data: Sample,
}

/// One tick.
#[derive(ToSchema)]
pub struct Sample {
    /// Milliseconds since the epoch.
    pub t: i64,
    /// For each family that was due, its values in the order of the catalog; null could not be read.
    #[schema(inline)]
    #[serde(flatten)]
    pub families: BTreeMap<String, Vec<Option<f64>>>,
}

/// The past of a family or of series.
#[derive(ToSchema)]
pub struct Course {
    /// Null where series of several families were asked for.
    pub family: Option<String>,
    /// The length of a bucket, or the time from one sample to the next.
    pub step_ms: i64,
    /// Where each bucket begins, or when each sample was taken: milliseconds since the epoch.
    pub t: Vec<i64>,
    /// By the dimension's id, or by the name of the series.
    pub dimensions: BTreeMap<String, Values>,
    /// What is missing, oldest first, each with its reason: beside buckets only what is at least as long as one, and of
    /// what is missing everywhere the longest 1 000.
    pub gaps: Vec<Gap>,
}

/// As long as `t`; null is a value that could not be read. Of single samples all three are the same.
#[derive(ToSchema)]
pub struct Values {
    pub min: Vec<Option<f64>>,
    pub mean: Vec<Option<f64>>,
    pub max: Vec<Option<f64>>,
}

/// Ticks that do not exist, from the first to the last one.
#[derive(ToSchema)]
pub struct Gap {
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// `not_running`, `suspended`, `clock`, `late`, `expired` or `unknown`.
    pub reason: String,
}

#[derive(ToSchema)]
pub struct Events {
    pub events: Vec<Event>,
    /// What to ask for next as `after`; null as long as there was no sample.
    pub next: Option<String>,
}

#[derive(ToSchema)]
pub struct Event {
    /// `sample`, `gap` or `catalog`.
    pub event: String,
    /// Of samples only.
    pub id: Option<String>,
    /// The same as on the stream.
    #[schema(value_type = Object)]
    pub data: (),
}

/// Those of now, or with `at` those of the past.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum ProcessesAnswer {
    Now(Processes),
    Then(PastProcesses),
}

/// The processes of this moment, the heaviest first.
#[derive(ToSchema)]
pub struct Processes {
    /// Milliseconds since the epoch.
    pub at: i64,
    /// How many there are in all.
    pub total: usize,
    /// How many a search found, also when not all are listed.
    pub found: usize,
    pub processes: Vec<Process>,
}

/// The heaviest processes of an instant of the past; none where nothing is kept of it.
#[derive(ToSchema)]
pub struct PastProcesses {
    /// Milliseconds since the epoch: when they were scanned, or where their minute begins.
    pub at: i64,
    /// Of how much time they are: 1000 or 60000, and then the highest figures of that minute. Null when nothing is kept.
    pub span_ms: Option<u32>,
    /// The heaviest five in words: `cc1plus 97.0% CPU, 1.20 GiB; postgres writes 3.00 MiB/s`.
    pub words: String,
    /// Up to five by CPU, by memory and by I/O, each once, without arguments.
    pub processes: Vec<Process>,
}

/// What could not be read, because it belongs to somebody else say, is null.
#[derive(ToSchema)]
pub struct Process {
    pub pid: u32,
    pub name: String,
    pub user: Option<String>,
    /// 100 is one core.
    pub cpu_percent: Option<f64>,
    /// Resident.
    pub memory_bytes: Option<u64>,
    pub read_bytes_per_s: Option<u64>,
    pub written_bytes_per_s: Option<u64>,
    pub threads: Option<u32>,
    /// Milliseconds since the epoch.
    pub started_at: Option<i64>,
    /// The command line, with what looks like a secret blanked. Only when `[processes] arguments` is set.
    pub arguments: Option<String>,
}
