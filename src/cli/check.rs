//! `telltale check`: what the configuration is, or everything that is wrong with it.

use super::{Failure, complain, load, log, say};
use crate::server::config::{ConfigError, Flags};
use crate::server::sampler::{self, SourceKind};
use std::sync::Arc;

pub(super) const EXAMPLE: &str = "Example:
  telltale check --config /etc/telltale/telltale.toml";

pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    log::start()?;
    let config = load(flags).map_err(all_but_the_last_said)?;
    config.access(String::new())?;
    if matches!(config.source, SourceKind::Replay { .. }) {
        sampler::open(&config.sampling(), Arc::default()).map_err(super::no_source)?;
    }
    let below = if config.base_path.is_root() { String::new() } else { format!(", below {}", config.base_path) };
    say(&format!("the configuration is right; it listens on {}{below}", config.listen));
    Ok(())
}

/// Each problem is a line of its own; the last is left to be said like that of any other command.
fn all_but_the_last_said(error: ConfigError) -> Failure {
    let mut lines: Vec<String> = error.problems().map(ToString::to_string).collect();
    let last = lines.pop().unwrap_or_default();
    lines.iter().for_each(|line| complain(line));
    Failure::Refused(last)
}
