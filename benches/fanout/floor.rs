//! The floor: one thread, epoll, and one `write` a subscriber of a frame made once. No server can do with less.

use crate::Result;
use crate::feed::{Pace, json_around_stamp};
use crate::socket::{listener, make_room, read};
use crate::stamp;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};
use rustix::stdio::stdin;
use rustix::time::Timespec;
use std::time::{Duration, Instant};

const LISTENER: u64 = u64::MAX;
const INPUT: u64 = u64::MAX - 1;
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n: hi\n\n";
const MOST_SUBSCRIBERS: usize = 20_000;

#[expect(clippy::print_stdout, reason = "the first line says where it listens")]
pub(crate) fn run() -> Result {
    // As many as there may be; who needs more than there are says so itself.
    let _ = make_room(MOST_SUBSCRIBERS);
    let (listener, port) = listener()?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    epoll::add(&epoll, stdin(), EventData::new_u64(INPUT), EventFlags::IN)?;
    println!("listening {port}");
    let mut floor = Floor { epoll, listener, subscribers: Vec::new() };
    let (head, tail) = json_around_stamp()?;
    let mut ticks: Option<(Instant, Duration)> = None;
    let mut events = Vec::with_capacity(1_024);
    let mut number = 0;
    loop {
        let wait = ticks.map(|(due, _)| due.saturating_duration_since(Instant::now()));
        let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
        match epoll::wait(&floor.epoll, spare_capacity(&mut events), wait.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events.drain(..) {
            match event.data.u64() {
                LISTENER => floor.accept()?,
                INPUT => match command()? {
                    Some(pace) => ticks = Some((Instant::now(), pace.period())),
                    None => return Ok(()),
                },
                key => floor.hear(key)?,
            }
        }
        if let Some((due, period)) = &mut ticks
            && *due <= Instant::now()
        {
            number += 1;
            let frame = format!("id: {number}\nevent: sample\ndata: {head}{}{tail}\n\n", stamp::now());
            floor.tell(frame.as_bytes());
            *due += *period;
        }
    }
}

struct Floor {
    epoll: OwnedFd,
    listener: OwnedFd,
    /// By key; the place of one that has left stays empty.
    subscribers: Vec<Option<OwnedFd>>,
}

impl Floor {
    fn accept(&mut self) -> Result {
        while let Ok(socket) = accept_with(&self.listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            let key = EventData::new_u64(self.subscribers.len() as u64);
            epoll::add(&self.epoll, &socket, key, EventFlags::IN)?;
            self.subscribers.push(Some(socket));
        }
        Ok(())
    }

    /// A request, which is taken to be whole, or the end.
    fn hear(&mut self, key: u64) -> Result {
        let Some(slot) = self.subscribers.get_mut(usize::try_from(key)?) else { return Ok(()) };
        let Some(socket) = slot else { return Ok(()) };
        match read(&*socket, &mut [0; 1_024]) {
            Ok(None) => {}
            Ok(Some(1..)) if rustix::io::write(&*socket, HEAD).is_ok() => {}
            _ => *slot = None,
        }
        Ok(())
    }

    /// Who has no room for a whole frame is let go.
    fn tell(&mut self, frame: &[u8]) {
        for slot in &mut self.subscribers {
            if let Some(socket) = slot
                && rustix::io::write(&*socket, frame) != Ok(frame.len())
            {
                *slot = None;
            }
        }
    }
}

/// What the line on the standard input says; `None` at its end.
fn command() -> Result<Option<Pace>> {
    let mut line = [0; 64];
    let len = rustix::io::read(stdin(), &mut line)?;
    Ok(Pace::read(std::str::from_utf8(&line[..len])?))
}
