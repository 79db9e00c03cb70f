//! The command line: one file a command, and what they share. Whatever stops a command is one line on stderr.

mod check;
mod export;
mod flags;
mod log;
mod record;
mod serve;

use crate::server::config::{Config, ConfigError, Flags, one_line};
use crate::server::history::OpenError;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// A live dashboard for this machine: start it and open the address it prints in a browser.
#[derive(Parser, Debug)]
#[command(name = "telltale", version, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
#[command(after_help = "Examples:
  telltale                             the dashboard on http://127.0.0.1:3000
  telltale --listen 127.0.0.1:8080     the same on another port
  telltale check                       is the configuration right?
  telltale record hour.jsonl --for 1h  a recording of this machine
  telltale export --family cpu         its last hour, for a spreadsheet

Each command has a --help of its own.")]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Flags,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Serve the dashboard; what a bare `telltale` does
    #[command(after_help = serve::EXAMPLE)]
    Serve(Flags),
    /// Read the configuration and say what is wrong with it; exit code 0 or 2
    #[command(after_help = check::EXAMPLE)]
    Check(Flags),
    /// Write what is sampled on this machine to a file, to be replayed
    #[command(after_help = record::EXAMPLE)]
    Record(record::Arguments),
    /// Write what is kept of the past, as CSV or JSON, to stdout
    #[command(after_help = export::EXAMPLE)]
    Export(export::Arguments),
}

/// Why a command ended before its time, as the line to be said.
#[derive(Debug)]
pub enum Failure {
    /// Something that was asked for is wrong or can't be had; nothing was started.
    Refused(String),
    /// Something broke later.
    Broken(anyhow::Error),
}

/// What clap has to say instead of a command: help, a version, or an error.
#[derive(Debug)]
pub struct Said(clap::Error);

pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Said> {
    let matches = CommandLine::command().try_get_matches_from(arguments).map_err(Said)?;
    let parsed = CommandLine::from_arg_matches(&matches).map_err(Said)?;
    Ok(parsed.command.unwrap_or(Command::Serve(parsed.serve)))
}

pub fn run(command: Command) -> ExitCode {
    let ended = match command {
        Command::Serve(flags) => serve::run(&flags),
        Command::Check(flags) => check::run(&flags),
        Command::Record(arguments) => record::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit_code(),
    }
}

impl Failure {
    fn exit_code(self) -> ExitCode {
        match self {
            Self::Refused(line) => {
                complain(&line);
                ExitCode::from(2)
            }
            Self::Broken(error) => {
                complain(&format!("{error:#}"));
                ExitCode::FAILURE
            }
        }
    }
}

/// A history that can't be opened, and the mend.
fn no_store(error: &OpenError) -> Failure {
    Failure::Refused(format!("data_dir: {error}"))
}

/// A source that can't be opened, and the mend.
fn no_source(error: anyhow::Error) -> Failure {
    Failure::Refused(format!("source: {error:#}; choose another with --source"))
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl Said {
    /// Help and version are printed as they are; an error is cut down to its one line.
    pub fn exit_code(self) -> ExitCode {
        if self.0.use_stderr() {
            complain(&self.line());
            return ExitCode::from(2);
        }
        // Nobody is left to hear it when the output is closed.
        let _ = self.0.print();
        ExitCode::SUCCESS
    }

    /// clap writes a paragraph: the error, its tips, the usage. The first two are what is wrong and the mend.
    fn line(&self) -> String {
        let paragraph = self.0.render().to_string();
        let parts: Vec<&str> = paragraph
            .lines()
            .map(str::trim)
            .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
            .filter(|line| !line.is_empty())
            .map(|line| line.trim_start_matches("error: ").trim_start_matches("tip: ").trim_end_matches(':'))
            .collect();
        format!("{}; see `telltale --help`", parts.join("; "))
    }
}

/// The configuration as it is on this machine, its warnings logged.
fn load(flags: &Flags) -> Result<Config, ConfigError> {
    let environment: Vec<_> = std::env::vars_os().collect();
    let (config, warnings) = Config::load(flags, &environment, |path| std::fs::read_to_string(path))?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
}

fn complain(line: &str) {
    // Nobody is left to hear it when the output is closed.
    let _ = writeln!(io::stderr(), "telltale: {}", one_line(line));
}

/// For programs that read it: flushed at once, whole lines only.
fn say(line: &str) {
    let mut output = io::stdout().lock();
    // Nobody is left to hear it when the output is closed; the exit code says the rest.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::keys;
    use std::time::Duration;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_bare_telltale_serves_and_so_does_one_with_options() {
        for line in [
            "telltale --listen 127.0.0.1:1 --allow-host a --allow-host b --memory-only",
            "telltale serve --memory-only=true --allow-host a --listen=127.0.0.1:1 --allow-host b",
        ] {
            let flags = match parse(words(line)) {
                Ok(Command::Serve(flags)) => flags.given,
                other => panic!("{line}: {other:?}"),
            };
            let given: Vec<_> = flags.iter().map(|(key, values)| (key.path, values.join(" "))).collect();
            let expected = [("listen", "127.0.0.1:1"), ("memory_only", "true"), ("allowed_hosts", "a b")];
            assert_eq!(given, expected.map(|(path, values)| (path, values.to_owned())), "{line}");
        }
        assert!(matches!(parse(words("telltale")), Ok(Command::Serve(flags)) if flags.given.is_empty()));
    }

    #[test]
    fn commands_take_their_own_options() {
        let Ok(Command::Record(arguments)) = parse(words("telltale record day.jsonl --for 1h --interval 250ms")) else {
            panic!("a recording was asked for");
        };
        assert_eq!(arguments.time, Duration::from_secs(3_600));
        let given = arguments.flags().given;
        let given = given.iter().map(|(key, _)| key.path).collect::<Vec<_>>();
        assert_eq!(given, [keys::INTERVAL.path]);
        assert!(matches!(
            parse(words("telltale check --config a.toml")),
            Ok(Command::Check(flags)) if flags.config.as_deref() == Some("a.toml".as_ref())
        ));
    }

    #[test]
    fn a_wrong_command_line_is_one_line_with_the_mend() {
        for (line, expected) in [
            ("--lisen x", "unexpected argument '--lisen' found; a similar argument exists: '--listen'; "),
            ("serv", "unrecognized subcommand 'serv'; "),
            ("--listen", "a value is required for '--listen <ADDR>' but none was supplied; "),
            ("record day.jsonl", "the following required arguments were not provided; --for <TIME>; "),
            ("record day.jsonl --for ever", "invalid value 'ever' for '--for <TIME>': \"ever\" is not a time; write "),
            ("record day.jsonl --for 1h --listen x", "unexpected argument '--listen' found; "),
            ("export --from -1h", "the following required arguments were not provided; --family <ID>; "),
            ("export --family a --series a.b", "the argument '--family <ID>' cannot be used with '--series <NAME>'; "),
            ("export --family a --points 0", "invalid value '0' for '--points <NUMBER>': 0 is not in 1..=10000; "),
            ("--listen a --listen b", "the argument '--listen <ADDR>' cannot be used multiple times; "),
            ("--listen a serve", "the subcommand 'serve' cannot be used with '--listen <ADDR>'; "),
        ] {
            let said = parse(words(&format!("telltale {line}"))).err();
            let said = said.map(|said| said.line()).unwrap_or_default();
            assert!(said.starts_with(expected), "{line}\n{said}");
            assert!(said.ends_with("see `telltale --help`") && !said.contains('\n'), "{said}");
        }
    }

    #[test]
    fn every_option_has_help_and_every_command_an_example() {
        let root = CommandLine::command();
        for command in root.get_subcommands().chain([&root]) {
            assert!(
                command.get_after_help().is_some_and(|help| help.to_string().contains("telltale ")),
                "{}",
                command.get_name()
            );
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }
}
