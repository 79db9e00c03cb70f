//! The flags of the keys, made from their table. Values stay text: the configuration reads them.

use crate::server::config::Flags;
use crate::server::config::keys::{self, Key, Kind};
use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use std::path::PathBuf;

const CONFIG: &str = "config";

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let help = "Configuration file; without it the user's own, then /etc/telltale/telltale.toml";
        let config = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help(help)
            .long_help(format!("{help}\n[environment: TELLTALE_CONFIG]"));
        command.arg(config).args(keys::ALL.iter().filter_map(|key| argument(key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let with_flags = keys::ALL.into_iter().filter(|key| key.flag.is_some());
        let given = with_flags.filter_map(|key| Some((key, matches.get_many(key.path)?.cloned().collect())));
        Ok(Self { config: matches.get_one(CONFIG).cloned(), given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `None` for a key that has no flag.
fn argument(key: &'static Key) -> Option<Arg> {
    let names = format!("[environment: {}] [file: {}] [default: {}]", key.variable(), key.in_file(), key.default);
    let argument = Arg::new(key.path)
        .long(key.flag?)
        .value_name(key.value_name)
        .help(key.help)
        .long_help(format!("{}\n{names}", key.help));
    Some(match key.kind {
        Kind::One => argument.action(ArgAction::Set),
        Kind::List => argument.action(ArgAction::Append),
        // With a value it can also switch off what the environment or the file switched on.
        Kind::Switch => {
            argument.action(ArgAction::Set).num_args(0..=1).require_equals(true).default_missing_value("true")
        }
    })
}
