//! Which of flag, environment and file counts, and what is said of each mistake.

use super::*;

/// Flags, environment and files of one case, written as people would write them.
#[derive(Clone, Copy, Default)]
struct Given<'a> {
    flags: &'a [(&'a Key, &'a str)],
    environment: &'a [(&'a str, &'a str)],
    config_flag: Option<&'a str>,
    files: &'a [(&'a str, &'a str)],
}

const ETC: &str = "/etc/telltale/telltale.toml";

fn load(given: Given<'_>) -> Result<(Config, Vec<Warning>), ConfigError> {
    let key = |path: &str| keys::ALL.iter().copied().find(|key| key.path == path);
    let flags = Flags {
        config: given.config_flag.map(PathBuf::from),
        given: given
            .flags
            .iter()
            .filter_map(|(flag, text)| Some((key(flag.path)?, text.split(' ').map(str::to_owned).collect())))
            .collect(),
    };
    let environment: Vec<_> =
        given.environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
    Config::load(&flags, &environment, |path| {
        let found = given.files.iter().find(|(name, _)| Path::new(name) == path);
        match found {
            Some((_, "unreadable")) => Err(io::ErrorKind::PermissionDenied.into()),
            Some((_, text)) => Ok((*text).to_owned()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    })
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() -> Result<(), ConfigError> {
    let flags: &[(&Key, &str)] = &[
        (&keys::LISTEN, "127.0.0.1:1"),
        (&keys::INTERVAL, "2s"),
        (&keys::MEMORY_ONLY, "false"),
        (&keys::ALLOWED_HOSTS, "flag-a flag-b"),
    ];
    let environment = &[
        ("TELLTALE_LISTEN", "127.0.0.1:2"),
        ("TELLTALE_INTERVAL", "3s"),
        ("TELLTALE_MEMORY_ONLY", "true"),
        ("TELLTALE_ALLOWED_HOSTS", "env-a, env-b,"),
        ("TELLTALE_STREAM_MAX_PER_ADDRESS", "20"),
        ("LEPTOS_SITE_ADDR", "127.0.0.1:4"),
    ];
    let text = "listen = '127.0.0.1:3'\ninterval = '4s'\nallowed_hosts = ['file']\n[stream]\nmax_per_address = 30\n";
    let files = &[(ETC, text)];
    for (given, listen, seconds, memory_only, hosts, per_address) in [
        (Given { flags, environment, files, ..Given::default() }, 1, 2, false, "flag-a flag-b", 20),
        (Given { environment, files, ..Given::default() }, 2, 3, true, "env-a env-b", 20),
        (Given { files, environment: &environment[5..], ..Given::default() }, 3, 4, false, "file", 30),
        (Given { environment: &environment[5..], ..Given::default() }, 4, 1, false, "", 256),
        (Given::default(), 3000, 1, false, "", 256),
        (Given { environment: &[("TELLTALE_LISTEN", "")], files, ..Given::default() }, 3, 4, false, "file", 30),
    ] {
        let (config, warnings) = load(given)?;
        assert_eq!(config.listen, SocketAddr::from(([127, 0, 0, 1], listen)));
        assert_eq!(config.interval.ms(), seconds * 1_000, "{listen}");
        assert_eq!(config.memory_only, memory_only, "{listen}");
        assert_eq!(config.allowed_hosts.join(" "), hosts, "{listen}");
        assert_eq!(config.stream.limits.max_per_address, per_address, "{listen}");
        assert_eq!(warnings, [], "{listen}");
    }
    Ok(())
}

#[test]
fn the_first_file_that_exists_counts_and_a_named_one_before_it() -> Result<(), ConfigError> {
    let files = &[
        ("/xdg/telltale/telltale.toml", "listen = '127.0.0.1:1'"),
        ("/home/me/.config/telltale/telltale.toml", "listen = '127.0.0.1:2'"),
        (ETC, "listen = '127.0.0.1:3'"),
        ("named.toml", "listen = '127.0.0.1:4'"),
        ("other.toml", "listen = '127.0.0.1:5'"),
    ];
    for (environment, config_flag, port) in [
        (&[("XDG_CONFIG_HOME", "/xdg"), ("HOME", "/home/me")][..], None, 1),
        (&[("XDG_CONFIG_HOME", "relative"), ("HOME", "/home/me")], None, 2),
        (&[("XDG_CONFIG_HOME", "/empty"), ("HOME", "/home/me")], None, 3),
        (&[("HOME", "/home/me")], None, 2),
        (&[], None, 3),
        (&[("TELLTALE_CONFIG", "named.toml"), ("HOME", "/home/me")], None, 4),
        (&[("TELLTALE_CONFIG", "named.toml")], Some("other.toml"), 5),
        (&[("TELLTALE_CONFIG", "")], None, 3),
    ] {
        let (config, _) = load(Given { environment, config_flag, files, ..Given::default() })?;
        assert_eq!(config.listen.port(), port, "{environment:?} {config_flag:?}");
    }
    Ok(())
}

#[test]
fn each_mistake_is_one_line_that_names_it_and_the_mend() {
    let file = |text| Given { files: &[], environment: &[], flags: &[], config_flag: Some(text) };
    for (text, line) in [
        ("lisen = 'x'", "f.toml:1: unknown key \"lisen\"; did you mean listen?"),
        (
            "\n\nmax_per_address = 1",
            "f.toml:3: unknown key \"max_per_address\"; did you mean [stream] max_per_address?",
        ),
        (
            "[stream]\nmax_per_adress = 1",
            "f.toml:2: unknown key \"stream.max_per_adress\"; did you mean stream.max_per_address?",
        ),
        ("[streem]\nmax_per_address = 1", "f.toml:1: unknown key \"streem\"; did you mean stream?"),
        ("zzz = 1", "f.toml:1: unknown key \"zzz\"; remove it, or see `telltale serve --help` for the keys there are"),
        ("stream = 1", "f.toml:1: stream is a table; write [stream] above its keys"),
        (
            "listen = 3000",
            "f.toml:1: listen: \"3000\" is not an address and port; write for example 127.0.0.1:3000, or [::]:3000 for all addresses",
        ),
        (
            "interval = 1",
            "f.toml:1: interval: \"1\" is not a time; write a whole number and its unit, for example 250ms, 1s, 5m or 1h",
        ),
        (
            "base_path = '/a/../b'",
            "f.toml:1: base_path: \"/a/../b\" is not a path such as /telltale, of letters, digits and - . _ ~ between slashes; write / for none",
        ),
        ("interval = '2m'", "f.toml:1: interval: \"2m\" is out of range; write a time from 250ms to 60s"),
        ("interval = 1.5", "f.toml:1: interval: a float does not belong here; write a text in quotes"),
        ("listen = ['a']", "f.toml:1: listen: a list, where one value belongs; write it without brackets"),
        ("no_auth = 'perhaps'", "f.toml:1: no_auth: \"perhaps\" is neither true nor false; write one of the two"),
        (
            "allowed_hosts = ['ok', 'http://x']",
            "f.toml:1: allowed_hosts: \"http://x\" is not a host name; write the name alone, for example dash.example.com",
        ),
        (
            "[stream]\ntrusted_proxies = ['proxy']",
            "f.toml:2: stream.trusted_proxies: \"proxy\" is neither an address nor a network; write for example 10.0.0.2 or 10.0.0.0/8",
        ),
        (
            "[stream]\nmax_connections = 0",
            "f.toml:2: stream.max_connections: \"0\" is not a whole number from 1 to 1000000",
        ),
        (
            "interval = \"1\\n2\"",
            "f.toml:1: interval: \"1\\n2\" is not a time; write a whole number and its unit, for example 250ms, 1s, 5m or 1h",
        ),
    ] {
        let files = &[("f.toml", text)];
        check(Given { files, ..file("f.toml") }, line);
    }
    check(
        Given { flags: &[(&keys::INTERVAL, "5")], ..Given::default() },
        "--interval: \"5\" is not a time; write a whole number and its unit, for example 250ms, 1s, 5m or 1h",
    );
    check(
        Given { environment: &[("TELLTALE_DATA_DIR", "~/data")], ..Given::default() },
        "TELLTALE_DATA_DIR: \"~/data\" begins with ~; write the path out",
    );
    check(
        Given { environment: &[("LEPTOS_SITE_ADDR", "here")], ..Given::default() },
        "LEPTOS_SITE_ADDR: \"here\" is not an address and port; write for example 127.0.0.1:3000, or [::]:3000 for all addresses",
    );
    check(
        file("missing.toml"),
        "--config: cannot read missing.toml: there is no such file or directory; name a file that can be read",
    );
    check(
        Given { environment: &[("TELLTALE_CONFIG", "missing\n.toml")], ..Given::default() },
        "TELLTALE_CONFIG: cannot read missing\u{fffd}.toml: there is no such file or directory; name a file that can be read",
    );
    check(
        Given { files: &[(ETC, "unreadable")], ..Given::default() },
        "cannot read /etc/telltale/telltale.toml: permission denied; let this user read it, or name another with --config",
    );
    check(
        Given { files: &[(ETC, "a = 1\nb = 2\nlisten = 1")], ..Given::default() },
        "/etc/telltale/telltale.toml:1: unknown key \"a\"; remove it, or see `telltale serve --help` for the keys there are (and 2 more; `telltale check` lists them)",
    );
}

fn check(given: Given<'_>, line: &str) {
    assert_eq!(load(given).err().map(|error| error.to_string()).as_deref(), Some(line));
}

#[test]
fn what_is_no_toml_is_named_with_its_line() {
    let files = &[(ETC, "listen = '127.0.0.1:1'\ninterval =\n")];
    let line = load(Given { files, ..Given::default() }).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(line.starts_with("/etc/telltale/telltale.toml:2: this is not TOML: "), "{line}");
    assert!(!line.contains('\n'), "{line}");
}

#[test]
fn a_bad_value_is_an_error_even_where_another_overrides_it() {
    let given =
        Given { flags: &[(&keys::INTERVAL, "1s")], environment: &[("TELLTALE_INTERVAL", "never")], ..Given::default() };
    assert!(load(given).is_err());
}

#[test]
fn unknown_variables_are_warnings() -> Result<(), ConfigError> {
    for (name, expected) in [
        ("TELLTALE_LISTN", "unknown variable TELLTALE_LISTN; did you mean TELLTALE_LISTEN?"),
        ("TELLTALE_BIN", "unknown variable TELLTALE_BIN; it is ignored"),
        ("TELLTALE_LOG", ""),
        ("TELLTALE_CONFIG", ""),
        ("TELLTALETELLER", ""),
        ("LISTEN", ""),
    ] {
        let (_, warnings) = load(Given { environment: &[(name, "")], ..Given::default() })?;
        assert_eq!(warnings.iter().map(Warning::to_string).collect::<String>(), expected, "{name}");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn values_that_are_not_utf_8_are_refused() {
    use std::os::unix::ffi::OsStringExt;
    let environment = [("TELLTALE_DATA_DIR".into(), OsString::from_vec(vec![b'/', 0xff]))];
    let error = Config::load(&Flags::default(), &environment, |_| Err(io::ErrorKind::NotFound.into())).err();
    let expected = "TELLTALE_DATA_DIR: the value is not UTF-8; write it in UTF-8";
    assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
}

#[test]
fn other_machines_are_let_in_only_when_that_was_said() -> Result<(), ConfigError> {
    for (environment, is_refused) in [
        (&[("TELLTALE_LISTEN", "127.0.0.1:0")][..], false),
        (&[("TELLTALE_LISTEN", "[::1]:0")], false),
        (&[("TELLTALE_LISTEN", "0.0.0.0:0")], true),
        (&[("TELLTALE_LISTEN", "[::]:0")], true),
        (&[("TELLTALE_ALLOWED_HOSTS", "dash.example.com")], true),
        (&[("TELLTALE_STREAM_TRUSTED_PROXIES", "127.0.0.1")], true),
        (&[("TELLTALE_LISTEN", "0.0.0.0:0"), ("TELLTALE_NO_AUTH", "1")], false),
    ] {
        let (config, _) = load(Given { environment, ..Given::default() })?;
        let line = config.access("nas".to_owned()).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(line.contains("--no-auth"), is_refused, "{environment:?} {line}");
    }
    Ok(())
}

#[test]
fn what_is_kept_stands_where_it_belongs() -> Result<(), ConfigError> {
    let own_pid = std::process::id().to_string();
    let home = &[("HOME", "/home/me")][..];
    let service = &[("HOME", "/root"), ("SYSTEMD_EXEC_PID", &*own_pid)][..];
    let replay: &[(&Key, &str)] = &[(&keys::SOURCE, "replay:day.jsonl")];
    let named: &[(&Key, &str)] = &[(&keys::SOURCE, "replay:day.jsonl"), (&keys::DATA_DIR, "/srv/t")];
    for (environment, flags, expected) in [
        (home, &[][..], Some("/home/me/.local/state/telltale")),
        (&[("HOME", "/home/me"), ("XDG_STATE_HOME", "/state")], &[], Some("/state/telltale")),
        (&[("HOME", "/home/me"), ("XDG_STATE_HOME", "state")], &[], Some("/home/me/.local/state/telltale")),
        (service, &[], Some("/var/lib/telltale")),
        (&[("HOME", "/home/me"), ("SYSTEMD_EXEC_PID", "1")], &[], Some("/home/me/.local/state/telltale")),
        (&[("HOME", "/home/me"), ("TELLTALE_DATA_DIR", "data")], &[], Some("data")),
        (home, &[(&keys::MEMORY_ONLY, "true")], None),
        (home, replay, None),
        (home, named, Some("/srv/t")),
    ] {
        let (config, _) = load(Given { environment, flags, ..Given::default() })?;
        let directory = config.store(String::new())?.directory;
        assert_eq!(directory.as_deref(), expected.map(Path::new), "{environment:?}");
    }
    let (homeless, _) = load(Given::default())?;
    let line = homeless.store(String::new()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(line.starts_with("data_dir: there is no home directory") && line.contains("--memory-only"), "{line}");
    Ok(())
}
