//! What the machine is, as far as it does not change from second to second.

use super::platform;
use crate::model::{HostFacts, UnixMs, label};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

pub fn read() -> HostFacts {
    let kinds =
        RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()).with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(kinds).ok();
    let cpus = system.as_ref().map_or(&[][..], System::cpus);
    let boot_seconds = System::boot_time().ok().and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0);
    HostFacts {
        name: harmless(System::host_name().ok()).unwrap_or_else(|| "localhost".to_owned()),
        os: harmless(os_name()),
        kernel: harmless(System::kernel_version().ok()),
        architecture: label::text(System::cpu_arch().as_bytes()),
        cpu_model: harmless(cpus.first().map(|cpu| cpu.brand().to_owned())),
        cpu_count: cpus.len(),
        memory_bytes: system.as_ref().map_or(0, System::total_memory),
        booted_at: (boot_seconds > 0).then(|| UnixMs(boot_seconds.saturating_mul(1_000))),
        limits: platform::limits(),
    }
}

/// Text for people, or nothing where there is none.
fn harmless(text: Option<String>) -> Option<String> {
    text.map(|text| label::text(text.trim().as_bytes())).filter(|text| !text.is_empty())
}

fn os_name() -> Option<String> {
    let release = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| std::fs::read_to_string(path).ok());
    release
        .as_deref()
        .and_then(pretty_name)
        .or_else(|| Some(format!("{} {}", System::name().ok()?, System::os_version().ok()?)))
}

/// `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"` without its quotes.
fn pretty_name(release: &str) -> Option<String> {
    let value = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_names_the_system() {
        for (release, expected) in [
            ("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n", Some("Debian GNU/Linux 12 (bookworm)")),
            ("PRETTY_NAME=Arch\n", Some("Arch")),
            ("NAME=x\n", None),
            ("", None),
        ] {
            assert_eq!(pretty_name(release).as_deref(), expected, "{release:?}");
        }
    }

    #[test]
    fn this_machine_has_a_name_and_memory() {
        let host = read();
        assert!(!host.name.is_empty() && host.memory_bytes > 0 && host.cpu_count > 0, "{host:?}");
    }
}
