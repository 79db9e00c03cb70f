//! The line `/proc/<pid>/stat`. The name in it may hold anything, also what looks like the rest of the line.

use crate::server::sampler::linux::bytes::{fields, number};

/// The kernel cuts a name here.
const NAME_LIMIT: usize = 15;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) comm: Vec<u8>,
    /// Spent in the process and, for it, in the kernel.
    pub(super) cpu_ticks: u64,
    pub(super) threads: Option<u32>,
    /// Since the boot.
    pub(super) started_ticks: u64,
    pub(super) resident_pages: Option<u64>,
}

impl Stat {
    /// `None` for what is not such a line.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let open = line.iter().position(|&byte| byte == b'(')?;
        // Behind the last one there are only numbers and the letter of the state.
        let close = line.iter().rposition(|&byte| byte == b')').filter(|close| *close > open)?;
        let comm = line[open + 1..close].to_vec();
        // Numbered as in proc(5), where the state is the third.
        let mut values = fields(line[close + 1..].trim_ascii_end()).zip(3..);
        let mut field = |wanted: usize| values.find(|(_, index)| *index == wanted).map(|(value, _)| value);
        let user = field(14).and_then(number)?;
        let system = field(15).and_then(number)?;
        let threads = field(20).and_then(number).and_then(|count| u32::try_from(count).ok());
        let started_ticks = field(22).and_then(number)?;
        let resident_pages = field(24).and_then(number);
        Some(Self { comm, cpu_ticks: user.saturating_add(system), threads, started_ticks, resident_pages })
    }

    /// Whether the name may be longer than the kernel keeps it.
    pub(super) fn is_cut(&self) -> bool {
        self.comm.len() == NAME_LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "R 1 1 1 0 -1 4194304 98 0 0 0 700 300 0 0 20 0 12 0 248644 3133440 362 184467 1 1\n";

    fn stat(comm: &[u8]) -> Option<Stat> {
        let (cpu_ticks, threads, started_ticks) = (1_000, Some(12), 248_644);
        Some(Stat { comm: comm.to_vec(), cpu_ticks, threads, started_ticks, resident_pages: Some(362) })
    }

    #[test]
    fn names_may_hold_anything() {
        for name in [
            &b"bash"[..],
            b"a b",
            b"",
            b")",
            b"(",
            b") R 1 1",
            b"a) S 9 9 9 (b",
            b"Web Content (1)",
            b"\xff\n\0\x1b",
            b"kworker/0:1-events_unbound",
        ] {
            let line = [b"16086 (", name, b") ", REST.as_bytes()].concat();
            assert_eq!(Stat::parse(&line), stat(name), "{name:?}");
        }
    }

    #[test]
    fn what_is_no_such_line_is_left_out() {
        for line in
            ["", "1", "1 (a", "1 )a(", "1 (a)", "1 (a) R 1 2 3", "(a) R x 1 1 0 -1 4 9 0 0 0 x 3 0 0 20 0 1 0 2 3 3"]
        {
            assert_eq!(Stat::parse(line.as_bytes()), None, "{line:?}");
        }
        let negative = format!("1 (a) {REST}").replace(" 362 ", " -1 ");
        assert_eq!(Stat::parse(negative.as_bytes()).map(|stat| stat.resident_pages), Some(None));
    }
}
