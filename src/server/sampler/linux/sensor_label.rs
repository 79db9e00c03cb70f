//! What a temperature is called on the page: what it is the temperature of, where that can be told.

use super::sensors::Chip;
use crate::model::label::text;

/// `said` is the driver's own label, or empty.
pub fn label(chip: &Chip, number: u32, said: &[u8]) -> String {
    let said = text(said);
    if let Some(drive) = &chip.drive {
        let drive = text(drive);
        return if number == 1 { drive } else { with(&drive, &said, number) };
    }
    let several =
        |name: &str, which: &str| if chip.is_one_of_several { format!("{name} {which}") } else { name.to_owned() };
    match chip.name.as_slice() {
        b"coretemp" => {
            // `coretemp.1` sits on the second package.
            let cpu = several("CPU", text(&chip.device).trim_start_matches("coretemp."));
            match said.strip_prefix("Core ") {
                Some(core) => format!("{cpu} core {core}"),
                None if said.starts_with("Package id") => format!("{cpu} package"),
                None => with(&cpu, &said, number),
            }
        }
        b"k10temp" | b"zenpower" => with(&several("CPU", &text(&chip.device)), &said, number),
        b"x86_pkg_temp" => several("CPU package", &text(&chip.device)),
        b"cpu_thermal" | b"cpu-thermal" => several("CPU", &text(&chip.device)),
        b"amdgpu" | b"radeon" | b"nouveau" => with(&several("GPU", &text(&chip.device)), &said, number),
        name => with(&several(&text(name), &text(&chip.device)), &said, number),
    }
}

/// What a chip measures first and does not name is the chip's temperature.
fn with(chip: &str, said: &str, number: u32) -> String {
    match (said, number) {
        ("", 1) => chip.to_owned(),
        ("", number) => format!("{chip} {number}"),
        (said, _) => format!("{chip} {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_what_is_hot() {
        for (name, device, several, drive, number, said, expected) in [
            ("coretemp", "coretemp.0", false, None, 1, "Package id 0", "CPU package"),
            ("coretemp", "coretemp.1", true, None, 1, "Package id 1", "CPU 1 package"),
            ("coretemp", "coretemp.1", true, None, 3, "Core 1", "CPU 1 core 1"),
            ("k10temp", "0000:00:18.3", false, None, 1, "Tctl", "CPU Tctl"),
            ("cpu_thermal", "thermal_zone0", false, None, 1, "", "CPU"),
            ("amdgpu", "0000:03:00.0", false, None, 2, "junction", "GPU junction"),
            ("nvme", "nvme1", true, Some("nvme1"), 1, "Composite", "nvme1"),
            ("nvme", "nvme1", true, Some("nvme1"), 3, "Sensor 2", "nvme1 Sensor 2"),
            ("drivetemp", "2:0:0:0", false, Some("sda"), 1, "", "sda"),
            ("nct6798", "nct6775.656", false, None, 1, "SYSTIN", "nct6798 SYSTIN"),
            ("iwlwifi_1", "phy0", false, None, 1, "", "iwlwifi_1"),
            ("acpitz", "thermal_zone0", false, None, 2, "", "acpitz 2"),
            ("a\u{1b}b", "x", false, None, 1, "c\u{202e}d", "a\u{fffd}b c\u{fffd}d"),
        ] {
            let chip = Chip::named(name, device, drive, several);
            assert_eq!(label(&chip, number, said.as_bytes()), expected, "{name} {said}");
        }
    }
}
