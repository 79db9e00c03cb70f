//! Settings by their strength: what flag, environment and file say about a key, and which of them counts.

use super::keys::{self, Key, Kind};
use super::problem::Problem;
use std::path::PathBuf;

/// One value or list, and where it stands.
pub(super) struct Setting {
    pub(super) key: &'static Key,
    pub(super) values: Vec<String>,
    pub(super) place: Place,
}

impl Setting {
    pub(super) fn from_flag((key, values): &(&'static Key, Vec<String>)) -> Self {
        let values = values.iter().flat_map(|text| split(key, text)).collect();
        Self { key, values, place: Place::new(format!("--{}", key.flag.unwrap_or(key.path))) }
    }
}

/// Where a setting stands, as people look for it: `--listen`, `TELLTALE_LISTEN`, `telltale.toml:3: listen`.
pub(super) struct Place(String);

impl Place {
    pub(super) fn new(place: String) -> Self {
        Self(place)
    }
}

/// All settings, the weakest first, and what is wrong with them.
#[derive(Default)]
pub(super) struct Settings {
    settings: Vec<Setting>,
    pub(super) problems: Vec<Problem>,
}

impl Settings {
    pub(super) fn add(&mut self, (settings, problems): (Vec<Setting>, Vec<Problem>)) {
        self.settings.extend(settings);
        self.problems.extend(problems);
    }

    /// What `cargo leptos` would have any program listen on; it counts only where nothing of ours is said.
    pub(super) fn add_site_address(&mut self, address: Option<PathBuf>) {
        let said = self.settings.iter().any(|setting| setting.key.path == keys::LISTEN.path);
        if let Some(address) = address.filter(|_| !said) {
            self.settings.push(Setting {
                key: &keys::LISTEN,
                values: vec![address.to_string_lossy().into_owned()],
                place: Place::new("LEPTOS_SITE_ADDR".to_owned()),
            });
        }
    }

    pub(super) fn one<T>(&mut self, key: &Key, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        self.list_of_the_strongest(key, parse).into_iter().flatten().next_back()
    }

    pub(super) fn list<T>(&mut self, key: &Key, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        self.list_of_the_strongest(key, parse).unwrap_or_default()
    }

    fn list_of_the_strongest<T>(&mut self, key: &Key, parse: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let mut strongest = None;
        for setting in self.settings.iter().filter(|setting| setting.key.path == key.path) {
            let mut values = Vec::with_capacity(setting.values.len());
            for text in &setting.values {
                match parse(text.trim()) {
                    Ok(value) => values.push(value),
                    Err(wrong) => self.problems.push(Problem::new(format!("{}: {wrong}", setting.place.0))),
                }
            }
            strongest = Some(values);
        }
        strongest
    }
}

/// The values within one text: several, separated by commas, where the key takes a list.
pub(super) fn split(key: &Key, text: &str) -> Vec<String> {
    if key.kind == Kind::List {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    } else {
        vec![text.to_owned()]
    }
}
