//! The log: compact lines on stderr, in colour only on a terminal.

use super::Failure;
use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// What is logged: `TELLTALE_LOG`, else `RUST_LOG`, else everything from `info` up.
pub(super) fn start() -> Result<(), Failure> {
    let variable = |name: &str| Some((name.to_owned(), std::env::var(name).ok().filter(|text| !text.is_empty())?));
    let filter = match variable("TELLTALE_LOG").or_else(|| variable("RUST_LOG")) {
        Some((name, text)) => EnvFilter::try_new(&text).map_err(|error| {
            Failure::Refused(format!(
                "{name}: {text:?} is no filter: {error}; write for example info or telltale=debug"
            ))
        })?,
        None => EnvFilter::new("info"),
    };
    let wants_colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // Whoever read the log may be gone; that is no reason to go, too.
    tracing_subscriber::fmt()
        .compact()
        .with_env_filter(filter)
        .with_ansi(wants_colour)
        .with_writer(io::stderr)
        .log_internal_errors(false)
        .init();
    Ok(())
}
