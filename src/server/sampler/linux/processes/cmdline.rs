//! `/proc/<pid>/cmdline`: the arguments, as the process wants them to be seen.

use super::folder::LONGEST;
use crate::server::sampler::processes::secrets::command_line;

/// Where a process may be named in full: a script comes after its interpreter and that one's option.
const NAMING: usize = 3;

/// The name of which the kernel kept only the beginning, if the arguments tell.
pub(super) fn full_name<'a>(cmdline: &'a [u8], cut: &[u8]) -> Option<&'a [u8]> {
    let arguments = cmdline.split(|&byte| byte == 0).take(NAMING);
    arguments.filter_map(|argument| argument.rsplit(|&byte| byte == b'/').next()).find_map(|base| {
        // A process that wrote its own title has its arguments behind the name.
        let rest = base.strip_prefix(cut)?;
        let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
        Some(&base[..cut.len() + end])
    })
}

/// The whole line with secrets blanked; `None` where there is none, as for threads of the kernel.
pub(super) fn shown(cmdline: &[u8]) -> Option<String> {
    // Half an argument might be half a secret, which does not look like one any more.
    let (whole, is_cut) = match cmdline.len() {
        LONGEST.. => (&cmdline[..cmdline.iter().rposition(|&byte| byte == 0).unwrap_or(0)], true),
        _ => (cmdline, false),
    };
    let end = whole.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let arguments = whole[..end].split(|&byte| byte == 0).chain(is_cut.then_some("…".as_bytes()));
    (end > 0 || is_cut).then(|| command_line(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_were_cut_are_found_whole() {
        for (cmdline, cut, expected) in [
            ("/usr/lib/systemd/systemd-journald\0", "systemd-journal", Some("systemd-journald")),
            ("systemd-journald -x\0", "systemd-journal", Some("systemd-journald")),
            ("/usr/bin/python3\0-u\0/opt/unattended-upgrades\0", "unattended-upgr", Some("unattended-upgrades")),
            ("/opt/a b/fifteen letters x/fifteen-letters\0", "fifteen-letters", Some("fifteen-letters")),
            ("/usr/lib/firefox/firefox\0-contentproc\0", "Isolated Web Co", None),
            ("a\0b\0c\0systemd-journald\0", "systemd-journal", None),
            ("", "systemd-journal", None),
        ] {
            let name = full_name(cmdline.as_bytes(), cut.as_bytes());
            assert_eq!(name, expected.map(str::as_bytes), "{cmdline:?}");
        }
    }

    #[test]
    fn arguments_are_shown_without_secrets_and_without_halves() {
        let long = format!("app\0--password=x\0{}", "y".repeat(LONGEST));
        for (cmdline, expected) in [
            ("app\0-v\0--token\0abc\0", Some("app -v --token ***")),
            ("title: all in one\0\0\0\0", Some("title: all in one")),
            ("a\0\0b\0", Some("a b")),
            ("", None),
            ("\0\0", None),
            (&long[..LONGEST], Some("app --password=*** …")),
            (&"z".repeat(LONGEST), Some("…")),
        ] {
            assert_eq!(shown(cmdline.as_bytes()).as_deref(), expected, "{cmdline:.40?}");
        }
    }
}
