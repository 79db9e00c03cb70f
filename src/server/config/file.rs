//! The configuration file: where it is looked for, and its keys with their lines.

use super::keys::{self, Key, Kind};
use super::nearest::nearest;
use super::problem::Problem;
use super::settings::{Place, Setting, split};
use std::io;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// A file that was found and its text.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// A file that is named must be there; else the first that exists of the user's own and the machine's.
pub(super) fn find(
    named: Option<(PathBuf, String)>,
    variable: impl Fn(&str) -> Option<PathBuf>,
    read_file: impl Fn(&Path) -> io::Result<String>,
) -> Result<Option<Found>, Problem> {
    if let Some((path, place)) = named {
        return match read_file(&path) {
            Ok(text) => Ok(Some(Found { path, text })),
            Err(error) => Err(Problem::new(format!(
                "{place}: cannot read {}: {}; name a file that can be read",
                path.display(),
                words(&error)
            ))),
        };
    }
    for path in usual_paths(variable) {
        match read_file(&path) {
            Ok(text) => return Ok(Some(Found { path, text })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => {
                return Err(Problem::new(format!(
                    "cannot read {}: {}; let this user read it, or name another with --config",
                    path.display(),
                    words(&error)
                )));
            }
        }
    }
    Ok(None)
}

fn usual_paths(variable: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    // The XDG base directory specification: a path that is not absolute is to be ignored.
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let of_the_user = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    of_the_user
        .map(|directory| directory.join("telltale/telltale.toml"))
        .into_iter()
        .chain([PathBuf::from("/etc/telltale/telltale.toml")])
        .collect()
}

/// Where what is kept belongs on this machine, if nobody names another place.
pub(super) fn state_directory(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // systemd says so to the process that it starts itself, and to nobody that is started by that one.
    let is_service = variable("SYSTEMD_EXEC_PID").is_some_and(|pid| pid == Path::new(&std::process::id().to_string()));
    if is_service {
        return Some(PathBuf::from("/var/lib/telltale"));
    }
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let of_the_user = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    of_the_user.map(|directory| directory.join("telltale"))
}

/// What went wrong with a file or directory, without the number of the error.
pub(super) fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// The settings of a file, and what is wrong with it.
pub(super) fn read(found: &Found) -> (Vec<Setting>, Vec<Problem>) {
    let mut reading = Reading { found, settings: Vec::new(), problems: Vec::new() };
    match DeTable::parse(&found.text) {
        Ok(table) => reading.table("", table.get_ref()),
        Err(error) => {
            let at = reading.at(error.span().map_or(0, |span| span.start));
            let message = error.message().lines().next().unwrap_or_default();
            reading.problems.push(Problem::new(format!("{at}: this is not TOML: {message}")));
        }
    }
    (reading.settings, reading.problems)
}

struct Reading<'a> {
    found: &'a Found,
    settings: Vec<Setting>,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let path = format!("{prefix}{}", name.get_ref());
            let at = self.at(name.span().start);
            match (keys::by_path(&path), value.get_ref()) {
                (Some(key), value) => match texts(key, value) {
                    Ok(values) => {
                        self.settings.push(Setting { key, values, place: Place::new(format!("{at}: {}", key.path)) });
                    }
                    Err(wrong) => self.problems.push(Problem::new(format!("{at}: {}: {wrong}", key.path))),
                },
                (None, DeValue::Table(table)) if is_table(&path) => self.table(&format!("{path}."), table),
                (None, _) if is_table(&path) => {
                    self.problems.push(Problem::new(format!("{at}: {path} is a table; write [{path}] above its keys")));
                }
                (None, _) => self.problems.push(Problem::new(format!("{at}: unknown key {path:?}; {}", mend(&path)))),
            }
        }
    }

    fn at(&self, offset: usize) -> String {
        let before = self.found.text.as_bytes().iter().take(offset);
        let line = 1 + before.filter(|&&byte| byte == b'\n').count();
        format!("{}:{line}", self.found.path.display())
    }
}

fn is_table(path: &str) -> bool {
    keys::ALL.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// A key in the wrong table is meant as often as one that is misspelt.
fn mend(path: &str) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    let elsewhere = keys::ALL.iter().find(|key| key.path.rsplit('.').next() == Some(name)).map(|key| key.in_file());
    let tables = keys::ALL.iter().filter_map(|key| key.path.rsplit_once('.')).map(|(table, _)| table.to_owned());
    match elsewhere.or_else(|| nearest(path, keys::ALL.iter().map(|key| key.path.to_owned()).chain(tables))) {
        Some(meant) => format!("did you mean {meant}?"),
        None => "remove it, or see `telltale serve --help` for the keys there are".to_owned(),
    }
}

/// A value of the file as the texts that flags and environment would give.
fn texts(key: &Key, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    match value {
        DeValue::Array(values) if key.kind == Kind::List => {
            values.iter().map(|value| scalar(value.get_ref())).collect()
        }
        DeValue::Array(_) => Err("a list, where one value belongs; write it without brackets".to_owned()),
        value => Ok(split(key, &scalar(value)?)),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.as_ref().to_owned()),
        DeValue::Integer(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(value) => Ok(value.to_string()),
        other => Err(format!("a {} does not belong here; write a text in quotes", other.type_str())),
    }
}
