//! Values from their text, alike for flag, environment and file. An error says what is wrong and the mend.

use crate::model::time::{self, Interval};
use crate::server::auth::Network;
use crate::server::base_path::BasePath;
use crate::server::sampler::device_cap::MOST_DEVICES;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// More threads than cores send nothing faster.
const MOST_THREADS: usize = 64;

/// Where one listens who does not say where.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);

const SHORTEST_INTERVAL: Duration = Duration::from_millis(250);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000`; without a port it is 3000.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost").map(|port| format!("{}{port}", Ipv4Addr::LOCALHOST));
    let numeric = numeric.as_deref().unwrap_or(text);
    let with_port = numeric.parse().ok();
    let without_port = || numeric.parse().ok().map(|address: IpAddr| SocketAddr::new(address, DEFAULT_LISTEN.port()));
    with_port.or_else(without_port).ok_or_else(|| {
        format!("{text:?} is not an address and port; write for example 127.0.0.1:3000, or [::]:3000 for all addresses")
    })
}

pub fn data_dir(text: &str) -> Result<PathBuf, String> {
    match text {
        "" => Err("the directory has no name; give a path".to_owned()),
        _ if text.starts_with("~/") || text == "~" => Err(format!("{text:?} begins with ~; write the path out")),
        _ => Ok(PathBuf::from(text)),
    }
}

pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false; write one of the two")),
    }
}

pub fn interval(text: &str) -> Result<Interval, String> {
    let length = duration(text)?;
    if !(SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&length) {
        return Err(format!("{text:?} is out of range; write a time from 250ms to 60s"));
    }
    u32::try_from(length.as_millis()).ok().and_then(Interval::from_ms).ok_or_else(|| format!("{text:?} is too long"))
}

/// A number and its unit: `250ms`, `1.5s`, `5m`, `1h`, `7d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    time::duration(text).ok_or_else(|| {
        format!("{text:?} is not a time; write a whole number and its unit, for example 250ms, 1s, 5m or 1h")
    })
}

/// How long something is kept: an hour at least, or charts would have nothing to show.
pub fn keeping(text: &str) -> Result<Duration, String> {
    let length = duration(text)?;
    if (Duration::from_hours(1)..=Duration::from_hours(24 * 3_660)).contains(&length) {
        Ok(length)
    } else {
        Err(format!("{text:?} is out of range; write a time from 1h to 3660d"))
    }
}

/// A number of bytes as people write it: `500MB`, `2GiB`. Less than ten megabytes would hold next to nothing.
pub fn size(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 10_000_000;
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = match unit.trim() {
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "TiB" => 1 << 40,
        _ => 0,
    };
    let bytes = number.parse().ok().and_then(|number: u64| number.checked_mul(unit)).filter(|bytes| *bytes >= LEAST);
    bytes.ok_or_else(|| format!("{text:?} is not a size of 10 MB or more; write for example 500MB or 2GiB"))
}

/// A limit on connections: at least one, or nobody could ever be served.
pub fn count(text: &str) -> Result<usize, String> {
    up_to(1_000_000, text)
}

/// A limit on devices of one kind.
pub fn devices(text: &str) -> Result<usize, String> {
    up_to(MOST_DEVICES, text)
}

/// Threads; none is a number, too.
pub fn threads(text: &str) -> Result<usize, String> {
    if text == "0" { Ok(0) } else { up_to(MOST_THREADS, text) }
}

fn up_to(most: usize, text: &str) -> Result<usize, String> {
    let number: Option<usize> = text.parse().ok();
    number
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| format!("{text:?} is not a whole number from 1 to {most}"))
}

pub fn base_path(text: &str) -> Result<BasePath, String> {
    text.parse().map_err(|error| format!("{text:?} is {error}; write / for none"))
}

/// A host's name as browsers send it, in lower case and without port.
pub fn host_name(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() <= 253 && name.split('.').all(is_label) {
        Ok(name)
    } else {
        Err(format!("{text:?} is not a host name; write the name alone, for example dash.example.com"))
    }
}

pub fn network(text: &str) -> Result<Network, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is neither an address nor a network; write for example 10.0.0.2 or 10.0.0.0/8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: PartialEq + std::fmt::Debug>(parse: fn(&str) -> Result<T, String>, cases: &[(&str, Option<T>)]) {
        for (text, expected) in cases {
            assert_eq!(parse(text).ok().as_ref(), expected.as_ref(), "{text:?}");
        }
    }

    #[test]
    fn addresses_to_listen_on() {
        let localhost = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
        check(
            listen,
            &[
                ("127.0.0.1:3000", localhost(3000)),
                ("127.0.0.1:0", localhost(0)),
                ("127.0.0.1", localhost(3000)),
                ("localhost:80", localhost(80)),
                ("localhost", localhost(3000)),
                ("[::1]:3000", Some(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 3000)))),
                ("::1", Some(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 3000)))),
                ("", None),
                (":3000", None),
                ("3000", None),
                ("127.0.0.1:99999", None),
                ("localhostess:3000", None),
                ("example.com:3000", None),
            ],
        );
    }

    #[test]
    fn intervals() {
        check(
            |text| interval(text).map(Interval::ms),
            &[
                ("1s", Some(1_000)),
                ("250ms", Some(250)),
                ("60s", Some(60_000)),
                ("1m", Some(60_000)),
                ("249ms", None),
                ("61s", None),
                ("0s", None),
                ("1", None),
                ("1.5s", Some(1_500)),
                ("0.2s", None),
                ("99999999999999999999s", None),
                ("", None),
            ],
        );
    }

    #[test]
    fn switches_counts_directories_and_host_names() {
        check(switch, &[("true", Some(true)), ("ON", Some(true)), ("0", Some(false)), ("maybe", None), ("", None)]);
        check(count, &[("1", Some(1)), ("20000", Some(20_000)), ("0", None), ("-1", None), ("many", None)]);
        check(
            size,
            &[
                ("2GiB", Some(2 << 30)),
                ("10 MB", Some(10_000_000)),
                ("9MB", None),
                ("2", None),
                ("GB", None),
                ("99999999TiB", None),
            ],
        );
        check(keeping, &[("14d", Some(Duration::from_hours(336))), ("59m", None), ("9999d", None)]);
        check(devices, &[("1", Some(1)), ("4096", Some(4_096)), ("4097", None), ("0", None)]);
        check(data_dir, &[("/srv/t", Some(PathBuf::from("/srv/t"))), ("~/t", None), ("", None)]);
        check(
            host_name,
            &[
                ("Dash.Example.com", Some("dash.example.com".to_owned())),
                ("nas", Some("nas".to_owned())),
                ("nas.local.", Some("nas.local".to_owned())),
                ("https://nas", None),
                ("nas:3000", None),
                ("a..b", None),
                ("", None),
                ("*.example.com", None),
            ],
        );
    }
}
