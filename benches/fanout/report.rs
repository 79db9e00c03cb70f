//! What is printed: medians, and how they stand to nchan's, to the floor's and to what must be reached.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use crate::load::{Limit, Load, MEMORY_LIMIT, STOP_LIMIT};
use crate::server::Kind;

/// Below this part of what was published, a server does not keep up.
const KEPT_UP: f64 = 0.95;

/// Of one run.
#[derive(Clone, Default)]
pub(crate) struct Figures {
    /// Until all clients have had their first event, in seconds.
    pub(crate) connecting: f64,
    /// Bytes a subscriber.
    pub(crate) memory: f64,
    /// Microseconds a delivery.
    pub(crate) cpu: f64,
    /// From publishing to receipt, in milliseconds, like the next two.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
    /// What part of what should have been published was received.
    pub(crate) received: f64,
    /// Connections that the server ended.
    pub(crate) lost: f64,
    pub(crate) stop: Option<Stop>,
}

/// The end with all streams open.
#[derive(Clone, Copy)]
pub(crate) struct Stop {
    pub(crate) is_clean: bool,
    pub(crate) seconds: f64,
}

/// The servers' figures under one load, of all runs.
pub(crate) fn print(load: &Load, servers: &[(Kind, &[Figures])]) {
    println!("\n{} (medians of {})", load.title, servers.iter().map(|(_, seen)| seen.len()).max().unwrap_or(0));
    if load.rate.is_some() {
        println!(
            "  {:<10}{:>12}{:>11}{:>11}{:>11}{:>14}{:>11}",
            "", "CPU/delivery", "p50", "p99", "max", "memory", "connect"
        );
    }
    for (kind, seen) in servers.iter().filter(|(_, seen)| !seen.is_empty()) {
        let of = |figure: fn(&Figures) -> f64| median(seen, figure);
        let connecting = of(|figures| figures.connecting);
        if load.rate.is_none() {
            println!("  {:<14}{connecting:>9.2} s", kind.name());
            continue;
        }
        let mut notes = String::new();
        let received = of(|figures| figures.received);
        if received < KEPT_UP {
            notes += &format!("  does not keep up: {:.0} % received", received * 100.0);
        }
        let lost = of(|figures| figures.lost);
        if lost > 0.0 {
            notes += &format!("  {lost} connections lost");
        }
        println!(
            "  {:<10}{:>9.2} µs{:>8.2} ms{:>8.2} ms{:>8.2} ms{:>12.0} B{connecting:>9.2} s{notes}",
            kind.name(),
            of(|figures| figures.cpu),
            of(|figures| figures.p50),
            of(|figures| figures.p99),
            of(|figures| figures.max),
            of(|figures| figures.memory),
        );
    }
    let figures_of =
        |kind| servers.iter().find(|(other, seen)| *other == kind && !seen.is_empty()).map(|(_, seen)| *seen);
    let Some(own) = figures_of(Kind::Telltale) else { return };
    let (nchan, floor) = (figures_of(Kind::Nchan), figures_of(Kind::Floor));
    let compare = |what: &str, limit: Option<Limit>, figure: fn(&Figures) -> f64| {
        let to = |seen: &[Figures]| median(own, figure) / median(seen, figure);
        ratio(what, limit, nchan.map(to), floor.map(to));
    };
    if load.rate.is_some() {
        compare("CPU a delivery", load.cpu, |figures| figures.cpu);
        compare("p99", load.p99, |figures| figures.p99);
    } else {
        // The limit is from nchan as it is installed; what it could do is told as well.
        let to = |other: Option<&[Figures]>| {
            let connecting = |figures: &Figures| figures.connecting;
            other.map(|other| median(own, connecting) / median(other, connecting))
        };
        ratio(
            "connecting, nginx as it listens by default",
            load.connecting,
            to(figures_of(Kind::NchanByDefault)),
            to(floor),
        );
        ratio("connecting, nginx told to accept as many at once", None, to(nchan), to(floor));
    }
    if load.is_largest {
        let memory = median(own, |figures| figures.memory);
        println!(
            "  memory a subscriber: {memory:.0} B, must reach ≤ {MEMORY_LIMIT:.0} B: {}",
            word(memory <= MEMORY_LIMIT)
        );
        stop(own);
    }
}

fn ratio(what: &str, limit: Option<Limit>, to_nchan: Option<f64>, to_floor: Option<f64>) {
    let told = |ratio: Option<f64>, name: &str| {
        ratio.map_or_else(|| format!("{name} not run"), |ratio| format!("{ratio:.2} × {name}"))
    };
    let ratios = format!("  {what}: {}, {}", told(to_nchan, "nchan"), told(to_floor, "floor"));
    let Some(limit) = limit else { return println!("{ratios}") };
    let by_nchan = to_nchan.map(|ratio| ratio <= limit.to_nchan);
    let by_floor = limit.to_floor.map(|most| to_floor.map(|ratio| ratio <= most));
    let verdict = match (by_nchan, by_floor) {
        (Some(true), _) | (_, Some(Some(true))) => "reached",
        (Some(false), None | Some(Some(false))) => "MISSED",
        _ => "unknown",
    };
    let or_floor = limit.to_floor.map(|most| format!(" or ≤ {most} × floor")).unwrap_or_default();
    println!("{ratios}, must reach ≤ {} × nchan{or_floor}: {verdict}", limit.to_nchan);
}

fn stop(own: &[Figures]) {
    let stops: Vec<Stop> = own.iter().filter_map(|figures| figures.stop).collect();
    let seconds = median_of(stops.iter().map(|stop| stop.seconds).collect());
    let is_clean = stops.iter().all(|stop| stop.is_clean);
    let how = if is_clean { "exit 0" } else { "not with exit 0" };
    println!(
        "  stop with all streams open: {seconds:.2} s, {how}, must reach ≤ {STOP_LIMIT} s, exit 0: {}",
        word(is_clean && seconds <= STOP_LIMIT)
    );
}

pub(crate) fn word(is_reached: bool) -> &'static str {
    if is_reached { "reached" } else { "MISSED" }
}

fn median(seen: &[Figures], figure: fn(&Figures) -> f64) -> f64 {
    median_of(seen.iter().map(figure).collect())
}

fn median_of(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    values.get(low).zip(values.get(high)).map_or(f64::NAN, |(low, high)| f64::midpoint(*low, *high))
}
