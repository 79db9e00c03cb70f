//! What was configured: flags over the environment over the file over the defaults. Pure: environment and
//! files are parameters.

mod environment;
mod file;
pub mod keys;
mod nearest;
mod problem;
mod settings;
#[cfg(test)]
mod tests;
pub mod value;

use self::keys::Key;
use crate::model::time::Interval;
use crate::server::auth::{Access, Network};
use crate::server::base_path::BasePath;
use crate::server::history::{Retention, StoreSettings};
use crate::server::sampler::{self, SourceKind};
use crate::server::sse::Reactors;
use crate::server::subscribers::Limits;
pub use nearest::nearest;
pub use problem::{ConfigError, Problem, Warning, one_line};
use settings::{Setting, Settings};
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub listen: SocketAddr,
    /// Only when one was named.
    pub data_dir: Option<PathBuf>,
    /// Where things are kept on this machine otherwise; `None` for who has no home.
    pub state_dir: Option<PathBuf>,
    pub retention: Retention,
    pub memory_only: bool,
    pub interval: Interval,
    pub base_path: BasePath,
    /// In lower case, without port.
    pub allowed_hosts: Vec<String>,
    pub source: SourceKind,
    /// The most devices of one kind.
    pub max_devices: usize,
    /// Whether processes are told with their arguments.
    pub with_arguments: bool,
    pub no_auth: bool,
    pub stream: StreamConfig,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StreamConfig {
    pub limits: Limits,
    pub reactors: usize,
    pub trusted_proxies: Vec<Network>,
}

/// What was given on the command line, not yet parsed: each value is read by the same code as in the file.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub given: Vec<(&'static Key, Vec<String>)>,
}

impl Config {
    /// Every value is checked, also one that another overrides: what is wrong is said before it matters.
    pub fn load(
        flags: &Flags,
        environment: &[(OsString, OsString)],
        read_file: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        let variable = |name: &str| {
            environment
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| PathBuf::from(value))
                .filter(|value| !value.as_os_str().is_empty())
        };
        let named_by_flag = flags.config.clone().map(|path| (path, "--config".to_owned()));
        let named = named_by_flag.or_else(|| Some((variable("TELLTALE_CONFIG")?, "TELLTALE_CONFIG".to_owned())));

        let mut settings = Settings::default();
        match file::find(named, variable, read_file) {
            Ok(Some(found)) => settings.add(file::read(&found)),
            Ok(None) => {}
            Err(problem) => settings.problems.push(problem),
        }
        let environment::Read { settings: from_environment, problems, warnings } = environment::read(environment);
        settings.add((from_environment, problems));
        settings.add((flags.given.iter().map(Setting::from_flag).collect(), Vec::new()));
        settings.add_site_address(variable("LEPTOS_SITE_ADDR"));

        let sampled = sampler::Settings::default();
        let config = Self {
            listen: settings.one(&keys::LISTEN, value::listen).unwrap_or(value::DEFAULT_LISTEN),
            data_dir: settings.one(&keys::DATA_DIR, value::data_dir),
            state_dir: file::state_directory(variable),
            retention: retention(&mut settings),
            memory_only: settings.one(&keys::MEMORY_ONLY, value::switch).unwrap_or(false),
            interval: settings.one(&keys::INTERVAL, value::interval).unwrap_or(Interval::SECOND),
            base_path: settings.one(&keys::BASE_PATH, value::base_path).unwrap_or_default(),
            allowed_hosts: settings.list(&keys::ALLOWED_HOSTS, value::host_name),
            source: settings.one(&keys::SOURCE, source).unwrap_or(SourceKind::System),
            max_devices: settings.one(&keys::CATALOG_MAX_DEVICES, value::devices).unwrap_or(sampled.max_devices),
            with_arguments: settings.one(&keys::PROCESSES_ARGUMENTS, value::switch).unwrap_or(sampled.with_arguments),
            no_auth: settings.one(&keys::NO_AUTH, value::switch).unwrap_or(false),
            stream: StreamConfig {
                limits: limits(&mut settings),
                reactors: settings.one(&keys::STREAM_REACTORS, value::threads).unwrap_or_else(Reactors::usual_number),
                trusted_proxies: settings.list(&keys::STREAM_TRUSTED_PROXIES, value::network),
            },
        };
        ConfigError::unless_empty(settings.problems)?;
        Ok((config, warnings))
    }

    /// Whom the server lets in, on a machine of this name; an error when that is everybody and nobody said so.
    pub fn access(&self, own_name: String) -> Result<Access, ConfigError> {
        let access = Access {
            allowed_hosts: self.allowed_hosts.clone(),
            trusted_proxies: self.stream.trusted_proxies.clone(),
            no_auth: self.no_auth,
            own_name,
        };
        match access.may_listen_on(self.listen.ip()) {
            Ok(()) => Ok(access),
            Err(refused) => Err(Problem::new(refused.to_string()).into()),
        }
    }

    /// What the sampler is asked for.
    pub fn sampling(&self) -> sampler::Settings {
        sampler::Settings {
            source: self.source.clone(),
            interval: self.interval,
            max_devices: self.max_devices,
            with_arguments: self.with_arguments,
        }
    }

    /// What is kept, and where. `owner` is how another Telltale on the same directory will call this one.
    pub fn store(&self, owner: String) -> Result<StoreSettings, ConfigError> {
        // A replay is not this machine's past: it gets into no history that was not named for it.
        let is_replay = matches!(self.source, SourceKind::Replay { .. });
        let directory = match &self.data_dir {
            _ if self.memory_only => return Ok(StoreSettings::in_memory()),
            None if is_replay => return Ok(StoreSettings::in_memory()),
            Some(named) => named,
            None => self.state_dir.as_ref().ok_or_else(|| {
                let line = "data_dir: there is no home directory to keep the history in; name a directory with \
                            --data-dir, or say --memory-only";
                ConfigError::from(Problem::new(line.to_owned()))
            })?,
        };
        Ok(StoreSettings { directory: Some(directory.clone()), retention: self.retention.clone(), owner })
    }
}

fn retention(settings: &mut Settings) -> Retention {
    let default = Retention::default();
    Retention {
        ticks: settings.one(&keys::HISTORY_SECONDS, value::keeping).unwrap_or(default.ticks),
        minutes: settings.one(&keys::HISTORY_MINUTES, value::keeping).unwrap_or(default.minutes),
        hours: settings.one(&keys::HISTORY_HOURS, value::keeping).unwrap_or(default.hours),
        max_bytes: settings.one(&keys::HISTORY_MAX_SIZE, value::size).unwrap_or(default.max_bytes),
        settled_after: default.settled_after,
    }
}

fn limits(settings: &mut Settings) -> Limits {
    let default = Limits::default();
    Limits {
        max_connections: settings.one(&keys::STREAM_MAX_CONNECTIONS, value::count).unwrap_or(default.max_connections),
        max_per_address: settings.one(&keys::STREAM_MAX_PER_ADDRESS, value::count).unwrap_or(default.max_per_address),
    }
}

fn source(text: &str) -> Result<SourceKind, String> {
    text.parse().map_err(|error| format!("{error}"))
}
