//! One subscriber of a reactor: a socket, a place, and what its kernel would not take yet.

use super::views::Views;
use crate::model::event::ByeReason;
use crate::server::hub::{Cursor, Next};
use crate::server::sse::handover::Seat;
use crate::server::sse::lag::Lag;
use crate::server::sse::session::Session;
use crate::server::sse::{SEND_BUFFER, Terms};
use bytes::{Buf, Bytes};
use mio::net::TcpStream;
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::time::Instant;

/// So many events are handed to the kernel at once, and no more bytes than this before the last of them: if it does not
/// take them, they are to fit into its buffer with a goodbye behind them.
const TOGETHER: usize = 16;
const TOGETHER_BYTES: usize = 32 * 1024;
/// A client has nothing to say any more: what it says all the same is read and dropped, up to here.
const MOST_HEARD: usize = 64 * 1024;
/// What it may hold beyond that, to be told goodbye.
const LAST_BUFFER: usize = 2 * SEND_BUFFER;

/// What is left of a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It has been sent all there is, or its kernel takes no more.
    Open,
    /// There is more, but others are to be served as well.
    Hungry,
    Gone,
}

pub(super) struct Subscriber {
    socket: TcpStream,
    cursor: Cursor,
    session: Session,
    /// Made and not taken by the kernel.
    unsent: Vec<Bytes>,
    /// So many bytes of what is sent next were counted before.
    counted: usize,
    /// Since when the kernel takes nothing.
    blocked: Option<Instant>,
    /// Whether it is behind and its turn will come.
    is_hungry: bool,
    lag: Lag,
    has_ended: bool,
    heard: usize,
    spoken: Instant,
}

impl Subscriber {
    pub(super) fn new(socket: TcpStream, seat: Seat) -> Self {
        let Seat { cursor, session, outbox, counted } = seat;
        Self {
            socket,
            cursor,
            session,
            unsent: outbox,
            counted,
            blocked: None,
            is_hungry: false,
            lag: Lag::default(),
            has_ended: false,
            heard: 0,
            spoken: Instant::now(),
        }
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// Whether it takes what is new at once.
    pub(super) fn is_ready(&self) -> bool {
        self.blocked.is_none() && !self.is_hungry
    }

    pub(super) fn take_turn(&mut self) {
        self.is_hungry = false;
    }

    /// How many events it is behind.
    pub(super) fn behind(&self, head: u64) -> u64 {
        head.saturating_sub(self.cursor.passed())
    }

    /// Takes note of what the client says, which is nothing that matters, and of its end.
    pub(super) fn listen(&mut self) -> After {
        let mut dropped = [0; 4_096];
        loop {
            match self.socket.read(&mut dropped) {
                Ok(0) => return After::Gone,
                Ok(count) => {
                    self.heard += count;
                    if self.heard > MOST_HEARD {
                        return After::Gone;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return After::Open,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return After::Gone,
            }
        }
    }

    /// Sends some of what there is. `made` is room that all subscribers use in turn.
    pub(super) fn advance(&mut self, views: &mut Views, made: &mut Vec<Bytes>) -> After {
        made.clear();
        made.append(&mut self.unsent);
        let mut is_all = self.has_ended;
        while made.len() < TOGETHER && made.iter().map(Bytes::len).sum::<usize>() < TOGETHER_BYTES && !is_all {
            match views.next(&mut self.cursor) {
                Some(Next::Nothing) => is_all = true,
                Some(next) => {
                    self.has_ended = self.session.tell(&next, made);
                    is_all = self.has_ended;
                }
                // So slow that memory has let go of what it should read next: the store tells it, when it comes back.
                None => return self.send_away(made),
            }
        }
        self.session.subscription().at(self.cursor.passed());
        match self.send(made) {
            Ok(true) if self.has_ended => self.part(),
            Ok(true) if is_all => {
                self.lag.caught_up();
                After::Open
            }
            Ok(true) => {
                self.is_hungry = true;
                After::Hungry
            }
            Ok(false) => {
                self.keep(made);
                After::Open
            }
            Err(_) => After::Gone,
        }
    }

    /// To be called now and then: breaks the silence, and parts with who can't keep up.
    pub(super) fn look_after(&mut self, terms: &Terms, views: &Views, made: &mut Vec<Bytes>) -> After {
        let now = Instant::now();
        made.clear();
        match self.blocked {
            None if now.duration_since(self.spoken) < terms.silence || self.has_ended => After::Open,
            None => {
                self.session.ping(made);
                match self.send(made) {
                    Ok(_) => {
                        self.keep(made);
                        After::Open
                    }
                    Err(_) => After::Gone,
                }
            }
            Some(since) => {
                let stuck = now.duration_since(since);
                if !self.lag.is_too_far(terms, now, stuck, || views.bytes_behind(&self.cursor)) {
                    return After::Open;
                }
                made.append(&mut self.unsent);
                self.send_away(made)
            }
        }
    }

    /// To the measure: what is kept for one is not much.
    fn keep(&mut self, made: &mut Vec<Bytes>) {
        self.unsent = made.to_vec();
        made.clear();
    }

    /// What the kernel takes beyond its measure is the rest of what was begun, and the reason: it delivers it as long as
    /// the client can still be reached.
    fn send_away(&mut self, made: &mut Vec<Bytes>) -> After {
        if !self.has_ended {
            self.session.leave(ByeReason::Slow, made);
        }
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&self.socket, LAST_BUFFER);
        match self.send(made) {
            Ok(true) => self.part(),
            _ => After::Gone,
        }
    }

    /// All has been taken; what the client may still say is no reason to reset what it has not read.
    fn part(&mut self) -> After {
        let _ = self.socket.shutdown(Shutdown::Write);
        let _ = self.listen();
        After::Gone
    }

    /// Whether the kernel has taken everything.
    fn send(&mut self, made: &mut Vec<Bytes>) -> io::Result<bool> {
        while !made.is_empty() {
            let written = if let [one] = made.as_slice() {
                self.socket.write(one)
            } else {
                let mut slices = [IoSlice::new(&[]); 2 * TOGETHER];
                let count = made.len().min(slices.len());
                slices.iter_mut().zip(made.iter()).for_each(|(slice, bytes)| *slice = IoSlice::new(bytes));
                self.socket.write_vectored(&slices[..count])
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    let known = self.counted.min(written);
                    self.counted -= known;
                    self.session.subscription().count_sent_bytes((written - known) as u64);
                    take_off(made, written);
                    self.spoken = Instant::now();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let now = Instant::now();
                    self.blocked = Some(now);
                    self.lag.fell_behind(now);
                    return Ok(false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.blocked = None;
        Ok(true)
    }
}

/// The first so many bytes.
fn take_off(made: &mut Vec<Bytes>, mut count: usize) {
    let whole = made.iter().take_while(|bytes| {
        let is_whole = bytes.len() <= count;
        count -= if is_whole { bytes.len() } else { 0 };
        is_whole
    });
    let whole = whole.count();
    made.drain(..whole);
    if let Some(first) = made.first_mut() {
        first.advance(count);
    }
}
