//! The comparison: every server under every load in turn, as often as is asked, and the medians of it.

use crate::load::Load;
use crate::options::Options;
use crate::report::{self, Figures, Stop};
use crate::rig::{Core, Process};
use crate::server::Kind;
use crate::{Result, wire};
use std::thread;
use std::time::Duration;

/// No server is waited for longer when it is told to end.
const STOPPING: Duration = Duration::from_secs(30);
/// For the machine to come to rest between two servers.
const REST: Duration = Duration::from_millis(300);

pub(crate) fn run(options: &Options) -> Result {
    let mut servers = options.servers.clone();
    servers.retain(|kind| match kind.lacks() {
        Some(mend) if !options.loads.is_empty() => {
            eprintln!("{} is left out: {mend}", kind.name());
            false
        }
        _ => true,
    });
    let mut figures: Vec<(&Load, Kind, Vec<Figures>)> = Vec::new();
    for load in &options.loads {
        // Once they are connected, how nginx listened makes no difference.
        let taking_part = servers.iter().filter(|kind| load.rate.is_none() || **kind != Kind::NchanByDefault);
        figures.extend(taking_part.map(|kind| (*load, *kind, Vec::new())));
    }
    for run in 1..=options.runs {
        for (load, kind, seen) in &mut figures {
            eprintln!("run {run} of {}: {} {}", options.runs, load.name, kind.name());
            match measure(*kind, load, options.seconds) {
                Ok(figures) => seen.push(figures),
                Err(error) => eprintln!("{} under {}: {error}", kind.name(), load.name),
            }
            thread::sleep(REST);
        }
    }
    for load in &options.loads {
        let of_load = figures.iter().filter(|(other, ..)| other.name == load.name);
        report::print(load, &of_load.map(|(_, kind, seen)| (*kind, seen.as_slice())).collect::<Vec<_>>());
    }
    if options.wants_wire && options.servers.contains(&Kind::Telltale) {
        wire::run()?;
    }
    Ok(())
}

fn measure(kind: Kind, load: &Load, seconds: f64) -> Result<Figures> {
    let mut server = kind.start()?;
    let processes: Vec<String> = server.processes()?.iter().map(u32::to_string).collect();
    let seconds = if load.rate.is_some() { seconds } else { 0.0 };
    let words = [
        "load",
        &server.port.to_string(),
        kind.path(),
        &load.subscribers.to_string(),
        &seconds.to_string(),
        &processes.join(","),
    ];
    let mut clients = Process::own(Core::Clients, &words)?;
    let [connecting, before, after] = numbers(&clients.hear("connected")?)?;
    let subscribers = load.subscribers as f64;
    let mut figures = Figures { connecting, memory: (after - before) / subscribers, ..Figures::default() };
    let Some(rate) = load.rate else { return Ok(figures) };
    server.publish(rate)?;
    let [deliveries, cpu, p50, p99, max, lost] = numbers(&clients.hear("measured")?)?;
    figures.cpu = cpu / 1_000.0 / deliveries;
    [figures.p50, figures.p99, figures.max] = [p50, p99, max].map(|delay| delay / 1_000.0);
    figures.received = deliveries / (subscribers * f64::from(rate) * seconds);
    figures.lost = lost;
    if load.is_largest && kind == Kind::Telltale {
        let ended = server.process.stop(STOPPING)?;
        figures.stop = Some(match ended {
            Some((status, taken)) => Stop { is_clean: status.success(), seconds: taken.as_secs_f64() },
            None => Stop { is_clean: false, seconds: STOPPING.as_secs_f64() },
        });
    }
    Ok(figures)
}

fn numbers<const COUNT: usize>(line: &str) -> Result<[f64; COUNT]> {
    let numbers: std::result::Result<Vec<f64>, _> = line.split(' ').map(str::parse).collect();
    numbers?.try_into().map_err(|_| format!("{COUNT} numbers were expected: {line}").into())
}
