//! The environment as settings. Names that are not ours pass; `TELLTALE_*` that we do not know is a warning.

use super::keys;
use super::nearest::nearest;
use super::problem::{Problem, Warning};
use super::settings::{Place, Setting, split};
use std::ffi::OsString;

const PREFIX: &str = "TELLTALE_";

/// Variables that are ours and no keys.
const OTHERS: [&str; 2] = ["TELLTALE_CONFIG", "TELLTALE_LOG"];

#[derive(Default)]
pub(super) struct Read {
    pub(super) settings: Vec<Setting>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

/// An empty variable counts as not set: what `NAME=${NAME}` in a service file leaves behind.
pub(super) fn read(environment: &[(OsString, OsString)]) -> Read {
    let mut read = Read::default();
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX) && !OTHERS.contains(name)) else {
            continue;
        };
        let Some(key) = keys::ALL.iter().copied().find(|key| key.variable() == name) else {
            read.warnings.push(unknown(name));
            continue;
        };
        match value.to_str() {
            Some("") => {}
            Some(text) => {
                read.settings.push(Setting { key, values: split(key, text), place: Place::new(name.to_owned()) })
            }
            None => read.problems.push(Problem::new(format!("{name}: the value is not UTF-8; write it in UTF-8"))),
        }
    }
    read
}

fn unknown(name: &str) -> Warning {
    let known = keys::ALL.iter().map(|key| key.variable()).chain(OTHERS.map(str::to_owned));
    let endings = known.filter_map(|name| name.strip_prefix(PREFIX).map(str::to_owned));
    let ending = name.strip_prefix(PREFIX).unwrap_or(name);
    let mend = match nearest(ending, endings) {
        Some(meant) => format!("did you mean {PREFIX}{meant}?"),
        None => "it is ignored".to_owned(),
    };
    Warning::new(format!("unknown variable {name}; {mend}"))
}
