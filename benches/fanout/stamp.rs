//! The instant in each event: how it is written, and how a client finds it in what it has read.

use rustix::time::{ClockId, clock_gettime};

/// The family that holds it; nothing else of an event looks like this.
pub(crate) const FAMILY: &str = "stamp";
const MARK: &[u8; 9] = b"\"stamp\":[";
/// More than the mark, the digits and the bracket need.
const TAIL: usize = 40;

/// Nanoseconds of a clock that all processes of the machine share.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Finds stamps in the bytes of one connection, however they are cut. It keeps the end of what it has read.
#[derive(Clone, Copy)]
pub(crate) struct Finder {
    tail: [u8; TAIL],
    len: u8,
}

impl Finder {
    /// Bytes that a buffer has before what is read into it, for the tail to be put there.
    pub(crate) const ROOM: usize = TAIL;

    pub(crate) const fn new() -> Self {
        Self { tail: [0; TAIL], len: 0 }
    }

    /// `buffer` begins with [`Self::ROOM`] bytes of no meaning; `read` bytes after them are new.
    pub(crate) fn find(&mut self, buffer: &mut [u8], read: usize, mut found: impl FnMut(u64)) {
        let kept = usize::from(self.len);
        let start = Self::ROOM - kept;
        buffer[start..Self::ROOM].copy_from_slice(&self.tail[..kept]);
        let bytes = &buffer[start..Self::ROOM + read];
        let mut done = 0;
        while let Some(at) = position(&bytes[done..]) {
            let digits = done + at + MARK.len();
            let len = bytes[digits..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits + len == bytes.len() {
                break;
            }
            found(bytes[digits..digits + len].iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
            done = digits + len;
        }
        let rest = &bytes[done.max(bytes.len().saturating_sub(TAIL))..];
        self.tail[..rest.len()].copy_from_slice(rest);
        self.len = rest.len() as u8;
    }
}

/// How far the search may go on when the byte under the mark's end is this one.
const SKIPS: [u8; 256] = {
    let mut skips = [MARK.len() as u8; 256];
    let mut index = 0;
    while index + 1 < MARK.len() {
        skips[MARK[index] as usize] = (MARK.len() - 1 - index) as u8;
        index += 1;
    }
    skips
};

/// Horspool's search: it looks at every ninth byte or so.
fn position(bytes: &[u8]) -> Option<usize> {
    let mut end = MARK.len() - 1;
    while let Some(byte) = bytes.get(end) {
        let start = end + 1 - MARK.len();
        if *byte == MARK[MARK.len() - 1] && bytes[start..=end] == MARK[..] {
            return Some(start);
        }
        end += usize::from(SKIPS[usize::from(*byte)]);
    }
    None
}
