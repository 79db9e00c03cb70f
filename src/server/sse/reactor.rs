//! A few threads that send to all subscribers: each of those is a socket and a cursor, with no task, queue or timer of
//! its own. What is published wakes each thread once.

mod mailbox;
mod subscriber;
mod views;

use super::Terms;
use super::handover::Seat;
use crate::server::hub::Hub;
use crate::server::meter::Meter;
use bytes::Bytes;
use mailbox::Mailbox;
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use subscriber::{After, Subscriber};
use views::Views;

const WAKE: Token = Token(usize::MAX);
/// How often those are looked at who are silent or behind.
const SWEEP: Duration = Duration::from_secs(1);
/// So many of those who are behind have a turn before it is looked whether there is something new for all.
const TURNS: usize = 64;
const EVENTS: usize = 1_024;

/// The threads, and the way to them.
pub struct Reactors {
    mailboxes: Vec<Arc<Mailbox>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    next: AtomicUsize,
}

struct Reactor {
    poll: Poll,
    mailbox: Arc<Mailbox>,
    meter: Arc<Meter>,
    terms: Terms,
    subscribers: Vec<Option<Box<Subscriber>>>,
    free: Vec<usize>,
    /// Who is behind and takes what there is, each in turn.
    hungry: VecDeque<usize>,
    views: Views,
    /// What is made for one subscriber at a time.
    made: Vec<Bytes>,
}

impl Reactors {
    pub fn start(threads: usize, hub: &Arc<Hub>, meter: &Arc<Meter>, terms: Terms) -> io::Result<Self> {
        let (mut mailboxes, mut handles) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let poll = Poll::new()?;
            let mailbox = Arc::new(Mailbox::new(Waker::new(poll.registry(), WAKE)?));
            let reactor = Reactor {
                poll,
                mailbox: Arc::clone(&mailbox),
                meter: Arc::clone(meter),
                terms,
                subscribers: Vec::new(),
                free: Vec::new(),
                hungry: VecDeque::new(),
                views: Views::new(Arc::clone(hub)),
                made: Vec::new(),
            };
            handles.push(std::thread::Builder::new().name("stream".to_owned()).spawn(move || reactor.run())?);
            let woken = Arc::downgrade(&mailbox);
            hub.on_publication(move || {
                if let Some(mailbox) = woken.upgrade() {
                    mailbox.wake(&mailbox.has_published);
                }
            });
            mailboxes.push(mailbox);
        }
        meter.set_fanned_out(threads > 0);
        Ok(Self { mailboxes, threads: Mutex::new(handles), next: AtomicUsize::new(0) })
    }

    /// As many as there are cores to run on, and not more than two. None on other platforms than Linux, where nobody has
    /// seen it work.
    pub fn usual_number() -> usize {
        let is_known = cfg!(target_os = "linux") && !cfg!(feature = "portable");
        if is_known { std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2)) } else { 0 }
    }

    /// Whether there is a thread that sends.
    pub fn are_there(&self) -> bool {
        self.mailboxes.iter().any(|mailbox| mailbox.is_alive())
    }

    /// Each in turn; not one whose thread has ended.
    fn next(&self) -> Option<&Arc<Mailbox>> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.mailboxes.len().max(1);
        let (before, behind) = self.mailboxes.split_at_checked(next)?;
        behind.iter().chain(before).find(|mailbox| mailbox.is_alive())
    }

    /// Sends to a subscriber from now on. Who else is about to come goes first, so that the thread is woken once for many.
    pub async fn adopt(&self, socket: std::net::TcpStream, seat: Seat) {
        // Who is asked for in vain comes back and is sent to by somebody else.
        let Some(mailbox) = self.next() else { return };
        if mailbox.take_in(socket, seat) {
            tokio::task::yield_now().await;
            mailbox.call();
        }
    }

    /// How many subscribers there are.
    pub fn count(&self) -> usize {
        self.mailboxes.iter().map(|mailbox| mailbox.open.load(Ordering::Relaxed)).sum()
    }

    /// Blocks until everybody has left, or [`Self::end`] is called.
    pub fn drain(&self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.wake(&mailbox.is_draining));
        for thread in std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner)) {
            if thread.join().is_err() {
                tracing::error!("a thread of the stream failed");
            }
        }
    }

    /// Drops who is still there.
    pub fn end(&self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.wake(&mailbox.is_ending));
    }
}

impl Drop for Reactors {
    fn drop(&mut self) {
        self.end();
        self.drain();
    }
}

impl Reactor {
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut swept = Instant::now();
        loop {
            let patience = match self.is_idle() {
                true => None,
                false if self.hungry.is_empty() => Some(self.pace().saturating_sub(swept.elapsed())),
                false => Some(Duration::ZERO),
            };
            match self.poll.poll(&mut events, patience) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    tracing::error!(%error, "subscribers can't be waited for");
                    return;
                }
                _ => {}
            }
            if self.mailbox.is_ending.load(Ordering::Acquire) {
                return;
            }
            for event in &events {
                if event.token() != WAKE {
                    let is_gone = event.is_error() || event.is_read_closed() || event.is_readable();
                    self.attend(event.token().0, is_gone, event.is_writable());
                }
            }
            self.welcome();
            if self.mailbox.has_published.swap(false, Ordering::AcqRel) {
                self.fan_out();
            }
            self.feed();
            if swept.elapsed() >= self.pace() {
                self.sweep();
                swept = Instant::now();
            }
            // Also none who has been sent here and was not welcomed yet.
            let is_left_alone = self.mailbox.open.load(Ordering::Relaxed) == 0;
            if is_left_alone && self.mailbox.is_draining.load(Ordering::Acquire) {
                return;
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.free.len() == self.subscribers.len()
    }

    fn pace(&self) -> Duration {
        SWEEP.min(self.terms.silence / 2).min(self.terms.lag / 2)
    }

    fn welcome(&mut self) {
        let newcomers = self.mailbox.newcomers().as_mut().map(std::mem::take).unwrap_or_default();
        for (mut socket, seat) in newcomers {
            let place = self.free.pop().unwrap_or(self.subscribers.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            if let Err(error) = self.poll.registry().register(&mut socket, Token(place), interest) {
                tracing::warn!(%error, "a subscriber can't be waited for");
                self.mailbox.open.fetch_sub(1, Ordering::Relaxed);
                if place < self.subscribers.len() {
                    self.free.push(place);
                }
                continue;
            }
            if place == self.subscribers.len() {
                self.subscribers.push(None);
            }
            self.subscribers[place] = Some(Box::new(Subscriber::new(socket, seat)));
            self.go_on(place);
        }
    }

    /// Something happened at one subscriber's socket.
    fn attend(&mut self, place: usize, is_readable: bool, is_writable: bool) {
        let Some(subscriber) = self.subscribers.get_mut(place).and_then(Option::as_deref_mut) else { return };
        let mut after = if is_readable { subscriber.listen() } else { After::Open };
        if is_writable && subscriber.is_blocked() && after == After::Open {
            after = subscriber.advance(&mut self.views, &mut self.made);
        }
        self.settle(place, after);
    }

    /// One subscriber is sent some of what there is, if its kernel takes it.
    fn go_on(&mut self, place: usize) {
        let Some(subscriber) = self.subscribers.get_mut(place).and_then(Option::as_deref_mut) else { return };
        if subscriber.is_ready() {
            let after = subscriber.advance(&mut self.views, &mut self.made);
            self.settle(place, after);
        }
    }

    /// Those who are behind go on, a few of them.
    fn feed(&mut self) {
        for _ in 0..self.hungry.len().min(TURNS) {
            let Some(place) = self.hungry.pop_front() else { return };
            if let Some(subscriber) = &mut self.subscribers[place] {
                subscriber.take_turn();
            }
            self.go_on(place);
        }
    }

    /// Everybody who has taken all there was before takes what is new.
    fn fan_out(&mut self) {
        let began = Instant::now();
        self.views.go_on();
        (0..self.subscribers.len()).for_each(|place| self.go_on(place));
        self.meter.note_fan_out_us(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
    }

    fn sweep(&mut self) {
        let mut furthest = 0;
        for place in 0..self.subscribers.len() {
            let Some(subscriber) = self.subscribers[place].as_deref_mut() else { continue };
            furthest = furthest.max(subscriber.behind(self.views.head()));
            let after = subscriber.look_after(&self.terms, &self.views, &mut self.made);
            self.settle(place, after);
        }
        self.meter.note_lag(furthest);
    }

    fn settle(&mut self, place: usize, after: After) {
        match after {
            After::Open => {}
            After::Hungry => self.hungry.push_back(place),
            After::Gone => {
                self.subscribers[place] = None;
                self.free.push(place);
                self.mailbox.open.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Reactor {
    /// Whoever comes too late for this thread is gone with it.
    fn drop(&mut self) {
        self.mailbox.is_ending.store(true, Ordering::Release);
        *self.mailbox.newcomers() = None;
        self.mailbox.open.store(0, Ordering::Relaxed);
    }
}
