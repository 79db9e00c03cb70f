//! Values in words: a number and its unit, as people read them. Units are always shown.

use super::family::Unit;

/// A value made readable: `("14.2", "GiB")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub number: String,
    pub unit: &'static str,
}

impl Shown {
    /// Number and unit as one text; a percent sign stands close.
    pub fn text(&self) -> String {
        match self.unit {
            "" => self.number.clone(),
            "%" => format!("{}%", self.number),
            unit => format!("{} {unit}", self.number),
        }
    }
}

/// A step of a prefix: what one of it is worth, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prefix {
    pub worth: f64,
    pub unit: &'static str,
}

const BYTES: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const BYTES_PER_SECOND: [&str; 6] = ["B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s", "PiB/s"];
const PER_SECOND: [&str; 4] = ["/s", "k/s", "M/s", "G/s"];
const HERTZ: [&str; 4] = ["Hz", "kHz", "MHz", "GHz"];
const COUNT: [&str; 4] = ["", "k", "M", "G"];

impl Unit {
    /// The prefix in which a value of this size reads best.
    pub fn prefix(self, value: f64) -> Prefix {
        match self {
            Self::Percent => Prefix { worth: 1.0, unit: "%" },
            Self::Milliseconds if value.abs() >= 1_000.0 => Prefix { worth: 1_000.0, unit: "s" },
            Self::Milliseconds => Prefix { worth: 1.0, unit: "ms" },
            Self::Celsius => Prefix { worth: 1.0, unit: "°C" },
            Self::Bytes => scaled(value, 1024.0, &BYTES),
            Self::BytesPerSecond => scaled(value, 1024.0, &BYTES_PER_SECOND),
            Self::PerSecond => scaled(value, 1000.0, &PER_SECOND),
            Self::Hertz => scaled(value, 1000.0, &HERTZ),
            Self::Count => scaled(value, 1000.0, &COUNT),
        }
    }

    /// A value to be read: three digits that mean something, never more.
    pub fn show(self, value: f64) -> Shown {
        let prefix = self.prefix(value);
        let number = value / prefix.worth;
        // What rounds up to the next prefix is shown in it: 1 MiB, not 1024 KiB.
        let next = self.prefix(value.abs() + prefix.worth / 2.0);
        let prefix = if number.abs() >= 999.5 { next } else { prefix };
        let number = value / prefix.worth;
        let decimals = match number.abs() {
            n if prefix.worth == 1.0 && matches!(self, Self::Bytes | Self::BytesPerSecond) && n == n.round() => 0,
            n if n >= 99.95 => 0,
            n if n >= 9.995 || self == Self::Percent => 1,
            _ if number == 0.0 => 0,
            _ => 2,
        };
        Shown { number: fixed(number, decimals), unit: prefix.unit }
    }
}

/// A value that may be missing, as text.
pub fn show(unit: Unit, value: Option<f64>) -> Shown {
    value.map_or(Shown { number: "–".to_owned(), unit: "" }, |value| unit.show(value))
}

fn scaled(value: f64, base: f64, units: &[&'static str]) -> Prefix {
    let mut prefix = Prefix { worth: 1.0, unit: units[0] };
    for unit in &units[1..] {
        if value.abs() < prefix.worth * base {
            break;
        }
        prefix = Prefix { worth: prefix.worth * base, unit };
    }
    prefix
}

/// A number with so many decimals. Written by hand because the formatting of floating-point numbers is a
/// heavy thing to carry into a browser.
pub fn fixed(number: f64, decimals: usize) -> String {
    let scale = [1, 10, 100, 1000][decimals.min(3)];
    let scaled = (number * scale as f64).round();
    let (whole, rest) = (scaled.abs() as u64 / scale, scaled.abs() as u64 % scale);
    let sign = if scaled < 0.0 { "-" } else { "" };
    match decimals.min(3) {
        0 => format!("{sign}{whole}"),
        decimals => format!("{sign}{whole}.{rest:0decimals$}"),
    }
}

/// Keeps a number between two others, and makes zero of what is none. Unlike the method of that name it can't
/// panic, and so needs nothing to print numbers with.
pub fn between(number: f64, least: f64, greatest: f64) -> f64 {
    if number.is_nan() { least } else { number.max(least).min(greatest) }
}

/// A length of time as people say it: `3 d 4 h`, `12 min`, `5 s`.
pub fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        for (unit, value, text) in [
            (Unit::Percent, 0.0, "0.0%"),
            (Unit::Percent, 12.34, "12.3%"),
            (Unit::Percent, 99.96, "100%"),
            (Unit::Percent, -0.01, "0.0%"),
            (Unit::Bytes, 0.0, "0 B"),
            (Unit::Bytes, 512.0, "512 B"),
            (Unit::Bytes, 1023.9 * 1024.0, "1.00 MiB"),
            (Unit::Bytes, 15.25 * 1024.0 * 1024.0 * 1024.0, "15.3 GiB"),
            (Unit::BytesPerSecond, 2048.0, "2.00 KiB/s"),
            (Unit::PerSecond, 5.0, "5.00 /s"),
            (Unit::PerSecond, 12_345.0, "12.3 k/s"),
            (Unit::Milliseconds, 0.4, "0.40 ms"),
            (Unit::Milliseconds, 1_500.0, "1.50 s"),
            (Unit::Hertz, 3_600_000_000.0, "3.60 GHz"),
            (Unit::Count, 0.42, "0.42"),
            (Unit::Count, 3.0, "3.00"),
        ] {
            assert_eq!(unit.show(value).text(), text, "{value} {unit:?}");
        }
    }

    #[test]
    fn durations_read_well() {
        for (seconds, text) in [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_720, "1 h 2 min"), (273_600, "3 d 4 h")] {
            assert_eq!(duration(seconds), text);
        }
    }
}
