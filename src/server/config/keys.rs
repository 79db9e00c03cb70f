//! The keys of the configuration: one table from which the flags, the environment's names, the check for
//! unknown keys, the help and the README's options are made.

/// One thing that can be configured. Its name in the environment follows from its path.
#[derive(Debug)]
pub struct Key {
    /// As in the file, tables joined by a dot: `stream.max_per_address`.
    pub path: &'static str,
    /// Without the dashes. Keys without a flag are set in the file or the environment.
    pub flag: Option<&'static str>,
    pub kind: Kind,
    /// What stands for the value in the help: `ADDR`.
    pub value_name: &'static str,
    /// In words, for people; the value itself stands where the configuration is read.
    pub default: &'static str,
    /// One sentence.
    pub help: &'static str,
}

/// How many values a key takes, and whether its flag may stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    One,
    /// On or off; the bare flag is on.
    Switch,
    /// Separated by commas where it is one text; the flag may be repeated.
    List,
}

impl Key {
    /// Its name in the environment: `TELLTALE_STREAM_MAX_PER_ADDRESS`.
    pub fn variable(&self) -> String {
        format!("TELLTALE_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// Its name in the file, as one writes about it: `[stream] max_per_address`.
    pub fn in_file(&self) -> String {
        match self.path.rsplit_once('.') {
            Some((table, name)) => format!("[{table}] {name}"),
            None => self.path.to_owned(),
        }
    }

    /// The flag as it is typed, with its value: `--listen ADDR`.
    pub fn usage(&self) -> Option<String> {
        let flag = self.flag?;
        Some(if self.kind == Kind::Switch { format!("--{flag}") } else { format!("--{flag} {}", self.value_name) })
    }
}

pub fn by_path(path: &str) -> Option<&'static Key> {
    ALL.iter().copied().find(|key| key.path == path)
}

pub static LISTEN: Key = Key {
    path: "listen",
    flag: Some("listen"),
    kind: Kind::One,
    value_name: "ADDR",
    default: "127.0.0.1:3000",
    help: "Address and port to listen on; port 0 picks a free one",
};

pub static DATA_DIR: Key = Key {
    path: "data_dir",
    flag: Some("data-dir"),
    kind: Kind::One,
    value_name: "DIR",
    default: "`$XDG_STATE_HOME/telltale`, or `~/.local/state/telltale`; `/var/lib/telltale` under systemd",
    help: "Directory for what is kept on disk; made when missing. A replay keeps nothing unless one is named",
};

pub static MEMORY_ONLY: Key = Key {
    path: "memory_only",
    flag: Some("memory-only"),
    kind: Kind::Switch,
    value_name: "true|false",
    default: "false",
    help: "Keep an hour of history in memory and nothing on disk",
};

pub static INTERVAL: Key = Key {
    path: "interval",
    flag: Some("interval"),
    kind: Kind::One,
    value_name: "TIME",
    default: "1s",
    help: "Time between two samples, from 250ms to 60s",
};

pub static BASE_PATH: Key = Key {
    path: "base_path",
    flag: Some("base-path"),
    kind: Kind::One,
    value_name: "PATH",
    default: "/",
    help: "Path below which everything is served, for a proxy that keeps it: /telltale",
};

pub static ALLOWED_HOSTS: Key = Key {
    path: "allowed_hosts",
    flag: Some("allow-host"),
    kind: Kind::List,
    value_name: "NAME",
    default: "none beyond IP addresses, localhost and the machine's own name",
    help: "Another name under which browsers may ask for the page; may be repeated",
};

pub static SOURCE: Key = Key {
    path: "source",
    flag: Some("source"),
    kind: Kind::One,
    value_name: "system|replay:FILE",
    default: "system",
    help: "Where samples come from: this machine, or a file that `telltale record` wrote",
};

pub static NO_AUTH: Key = Key {
    path: "no_auth",
    flag: Some("no-auth"),
    kind: Kind::Switch,
    value_name: "true|false",
    default: "false",
    help: "Let everyone in who reaches the address, also from other machines",
};

pub static CATALOG_MAX_DEVICES: Key = Key {
    path: "catalog.max_devices",
    flag: None,
    kind: Kind::One,
    value_name: "COUNT",
    default: "512",
    help: "Devices of one kind that are measured: disks, mounts, interfaces, services and containers",
};

pub static PROCESSES_ARGUMENTS: Key = Key {
    path: "processes.arguments",
    flag: None,
    kind: Kind::Switch,
    value_name: "true|false",
    default: "false",
    help: "Show the arguments of processes, with what looks like a secret blanked",
};

pub static HISTORY_SECONDS: Key = Key {
    path: "history.seconds",
    flag: None,
    kind: Kind::One,
    value_name: "TIME",
    default: "14d",
    help: "How long every sample is kept",
};

pub static HISTORY_MINUTES: Key = Key {
    path: "history.minutes",
    flag: None,
    kind: Kind::One,
    value_name: "TIME",
    default: "91d",
    help: "How long least, mean and greatest value of each minute are kept",
};

pub static HISTORY_HOURS: Key = Key {
    path: "history.hours",
    flag: None,
    kind: Kind::One,
    value_name: "TIME",
    default: "731d",
    help: "The same of each hour",
};

pub static HISTORY_MAX_SIZE: Key = Key {
    path: "history.max_size",
    flag: None,
    kind: Kind::One,
    value_name: "SIZE",
    default: "2GiB",
    help: "How large the history may become; the oldest samples make room for newer ones",
};

pub static STREAM_MAX_CONNECTIONS: Key = Key {
    path: "stream.max_connections",
    flag: None,
    kind: Kind::One,
    value_name: "COUNT",
    default: "20000, or what the descriptor limit allows",
    help: "Streams open at the same time",
};

pub static STREAM_MAX_PER_ADDRESS: Key = Key {
    path: "stream.max_per_address",
    flag: None,
    kind: Kind::One,
    value_name: "COUNT",
    default: "256",
    help: "Streams open at the same time from one address",
};

pub static STREAM_REACTORS: Key = Key {
    path: "stream.reactors",
    flag: None,
    kind: Kind::One,
    value_name: "COUNT",
    default: "1, or 2 where there is more than one core",
    help: "Threads that send to all streams; 0 sends each as an ordinary answer",
};

pub static STREAM_TRUSTED_PROXIES: Key = Key {
    path: "stream.trusted_proxies",
    flag: None,
    kind: Kind::List,
    value_name: "ADDR",
    default: "none",
    help: "Proxies, as addresses or networks, whose word on the client's address is believed",
};

/// In the order of the help.
pub static ALL: [&Key; 18] = [
    &LISTEN,
    &DATA_DIR,
    &MEMORY_ONLY,
    &INTERVAL,
    &BASE_PATH,
    &ALLOWED_HOSTS,
    &SOURCE,
    &NO_AUTH,
    &CATALOG_MAX_DEVICES,
    &PROCESSES_ARGUMENTS,
    &HISTORY_SECONDS,
    &HISTORY_MINUTES,
    &HISTORY_HOURS,
    &HISTORY_MAX_SIZE,
    &STREAM_MAX_CONNECTIONS,
    &STREAM_MAX_PER_ADDRESS,
    &STREAM_REACTORS,
    &STREAM_TRUSTED_PROXIES,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_key_has_names_of_its_own() {
        let paths: BTreeSet<_> = ALL.iter().map(|key| key.path).collect();
        let variables: BTreeSet<_> = ALL.iter().map(|key| key.variable()).collect();
        assert_eq!((paths.len(), variables.len()), (ALL.len(), ALL.len()));
        assert_eq!(STREAM_MAX_PER_ADDRESS.variable(), "TELLTALE_STREAM_MAX_PER_ADDRESS");
        assert_eq!(STREAM_MAX_PER_ADDRESS.in_file(), "[stream] max_per_address");
        assert_eq!(ALLOWED_HOSTS.variable(), "TELLTALE_ALLOWED_HOSTS");
    }

    #[test]
    fn the_readme_lists_every_option() -> std::io::Result<()> {
        let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"))?;
        let mut table = String::from("| option | environment | file | default | |\n|---|---|---|---|---|\n");
        for key in ALL {
            let flag = key.usage().map_or_else(String::new, |usage| format!("`{}`", usage.replace('|', "\\|")));
            let names = format!("{flag} | `{}` | `{}`", key.variable(), key.in_file());
            table.push_str(&format!("| {names} | {} | {} |\n", key.default, key.help));
        }
        assert!(readme.contains(&table), "README.md lacks this table:\n\n{table}");
        Ok(())
    }
}
