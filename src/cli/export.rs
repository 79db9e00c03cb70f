//! `telltale export`: the past of a family or of series, as CSV or JSON on stdout.

mod writing;

use super::{Failure, load, log, no_store};
use crate::model::series::{HEIGHT, Series};
use crate::model::{Catalog, Family, UnixMs};
use crate::server::config::keys::{DATA_DIR, Key};
use crate::server::config::{Flags, nearest};
use crate::server::history::{Archive, Detail, NoSeries, Question, Table, Tier, Wanted};
use crate::server::query::instant;
use anyhow::Context;
use clap::ValueEnum;
use jiff::Timestamp;
use std::io::{self, BufWriter};
use std::path::PathBuf;
use std::sync::Arc;
use writing::{Export, Range};

pub(super) const EXAMPLE: &str = "Examples:
  telltale export --family cpu --from -1h > hour.csv
  telltale export --series cpu.busy --series memory.used_percent --from 2026-11-21T00:00:00Z --format json
  telltale export --family disk.sda.io --from -30d --points 1000

A server may run meanwhile. What it keeps in memory, the newest five seconds at most, is not there yet.";

/// As many as the API tells; without a number there is no limit.
const MOST_POINTS: i64 = 10_000;

#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Family to write, for example cpu or disk.sda.io
    #[arg(long, value_name = "ID", required_unless_present = "series", conflicts_with = "series")]
    family: Option<String>,
    /// Series to write instead, for example cpu.busy; may be repeated
    #[arg(long, value_name = "NAME")]
    series: Vec<String>,
    /// Where to begin: -1h, 2026-11-21T14:00:00Z, or milliseconds since the epoch
    #[arg(long, value_name = "TIME", default_value = "-1h", allow_hyphen_values = true)]
    from: String,
    /// Where to end, written like --from; both ends count
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    to: String,
    /// At most so many points, each with least, mean and greatest value; every sample without it
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=MOST_POINTS))]
    points: Option<u32>,
    /// A line an instant, or the JSON of /api/v1/history
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Directory that holds the history, where it is not the server's usual one
    #[arg(long, value_name = DATA_DIR.value_name)]
    data_dir: Option<String>,
    /// Configuration file, of which only the directory counts here
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    log::start()?;
    let directory = arguments.directory()?;
    let range = arguments.range(UnixMs(Timestamp::now().as_millisecond()))?;
    let mut archive = Archive::open(&directory).map_err(|error| no_store(&error))?;
    let families = arguments.families(&archive.catalog())?;
    arguments.check_series(&mut archive, &families)?;
    if arguments.points.is_none() {
        warn_of_what_is_folded(&archive, range);
    }
    let output = BufWriter::new(io::stdout().lock());
    let export = Export::new(&mut archive, families, arguments.series.clone(), output);
    let written = match (arguments.points, arguments.format) {
        (Some(points), Format::Csv) => export.points_as_csv(range, points as usize),
        (Some(points), Format::Json) => export.points_as_json(range, points as usize),
        (None, Format::Csv) => export.samples_as_csv(range),
        (None, Format::Json) => export.samples_as_json(range),
    };
    match written {
        // Whoever read it has had enough.
        Err(error) if is_closed_pipe(&error) => Ok(()),
        written => written.context("the history can't be written out").map_err(Failure::Broken),
    }
}

impl Arguments {
    fn flags(&self) -> Flags {
        let given: Option<(&'static Key, _)> = self.data_dir.clone().map(|text| (&DATA_DIR, vec![text]));
        Flags { config: self.config.clone(), given: given.into_iter().collect() }
    }

    fn directory(&self) -> Result<PathBuf, Failure> {
        let config = load(&self.flags())?;
        let directory = match &self.data_dir {
            // It is there, whatever the server of this configuration keeps.
            Some(_) => config.data_dir,
            None => config.store(String::new())?.directory,
        };
        directory.ok_or_else(|| {
            let line = "data_dir: with memory_only, and of a replay, nothing is kept on disk; name the directory of \
                        another history with --data-dir";
            Failure::Refused(line.to_owned())
        })
    }

    fn range(&self, now: UnixMs) -> Result<Range, Failure> {
        let read = |name: &str, text: &str| {
            let mend = "write for example -1h, now, 2026-11-21T14:00:00Z or 1795235686000";
            instant(text, now).ok_or_else(|| Failure::Refused(format!("--{name}: {text:?} is no instant; {mend}")))
        };
        let range = Range { from: read("from", &self.from)?, to: read("to", &self.to)? };
        if range.from > range.to {
            return Err(Failure::Refused("--from: it is after --to; say an earlier time".to_owned()));
        }
        Ok(range)
    }

    /// The families that are read.
    fn families(&self, catalog: &Catalog) -> Result<Vec<Arc<str>>, Failure> {
        if let Some(id) = &self.family {
            let known = catalog.family(id).ok_or_else(|| Failure::Refused(no_family(id, catalog)))?;
            return Ok(vec![Arc::clone(&known.id)]);
        }
        let mut families: Vec<Arc<str>> = Vec::new();
        for name in &self.series {
            let known = name.rsplit_once('.').and_then(|(family, _)| catalog.family(family));
            let known = known.ok_or_else(|| Failure::Refused(no_series(name, catalog)))?;
            if !families.contains(&known.id) {
                families.push(Arc::clone(&known.id));
            }
        }
        Ok(families)
    }

    /// Before anything is written: a question about no time at all already tells the columns.
    fn check_series(&self, archive: &mut Archive, families: &[Arc<str>]) -> Result<(), Failure> {
        let families = Wanted::These(families.to_vec());
        let question = Question { families, from: UnixMs(0), to: UnixMs(0), detail: Detail::Ticks };
        let answer = archive.ask(&question).map_err(|error| no_store(&error))?;
        match Table::of(&answer, &self.series) {
            Ok(_) => Ok(()),
            Err(NoSeries(name)) => Err(Failure::Refused(no_series(&name, &archive.catalog()))),
        }
    }
}

/// Of what is too old only the folds are kept: who asks for samples is told so.
fn warn_of_what_is_folded(archive: &Archive, range: Range) {
    let (ticks, minutes) = (archive.oldest(Tier::Ticks), archive.oldest(Tier::Minutes));
    if let (Some(ticks), Some(minutes)) = (ticks, minutes)
        && range.from < ticks
        && minutes < ticks
        && let Ok(since) = Timestamp::from_millisecond(ticks.0)
    {
        tracing::warn!("samples are kept since {since}; --points also tells of the time before");
    }
}

fn no_family(id: &str, catalog: &Catalog) -> String {
    let ids = || catalog.iter().map(|family| family.id.to_string());
    format!("--family: there is no family {id}; {}", meant(nearest(id, ids()), &ids().collect::<Vec<_>>()))
}

fn no_series(name: &str, catalog: &Catalog) -> String {
    let family = name.rsplit_once('.').and_then(|(family, _)| catalog.family(family));
    let beside: Vec<String> = match family {
        Some(family) => series_of(family, catalog),
        None => catalog.iter().flat_map(|family| series_of(family, catalog)).collect(),
    };
    format!("--series: there is no series {name}; {}", meant(nearest(name, beside.clone()), &beside))
}

fn series_of(family: &Family, catalog: &Catalog) -> Vec<String> {
    let dimensions = family.dimensions.iter().map(|dimension| &*dimension.id);
    let derived = Series::derived_of(family, catalog).into_iter().map(|(name, _)| name).filter(|name| *name != HEIGHT);
    dimensions.chain(derived).map(|name| format!("{}.{name}", family.id)).collect()
}

/// The one that was probably meant, or the first few of those there are.
fn meant(nearest: Option<String>, all: &[String]) -> String {
    const TOLD: usize = 12;
    match nearest {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => {
            let more = if all.len() > TOLD { " …" } else { "" };
            format!("there are {}{more}", all[..all.len().min(TOLD)].join(", "))
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
