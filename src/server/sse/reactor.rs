//! A few threads that send to all subscribers: each of those is a socket and a cursor, with no task, queue or timer of
//! its own. What is published wakes each thread once.

mod subscriber;

use super::Terms;
use super::handover::Seat;
use crate::server::hub::{Hub, View};
use crate::server::meter::Meter;
use bytes::Bytes;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use subscriber::{After, Subscriber};

const WAKE: Token = Token(usize::MAX);
/// How often those are looked at who are silent or behind.
const SWEEP: Duration = Duration::from_secs(1);
/// So many slots are taken from the hub at once.
const LOOK: usize = 16;
const EVENTS: usize = 1_024;

/// The threads, and the way to them.
pub struct Reactors {
    mailboxes: Vec<Arc<Mailbox>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    next: AtomicUsize,
}

struct Mailbox {
    waker: Waker,
    newcomers: Mutex<Vec<(TcpStream, Seat)>>,
    has_published: AtomicBool,
    /// Whether the thread ends as soon as nobody is there any more, and whether it ends at once.
    is_draining: AtomicBool,
    is_ending: AtomicBool,
    open: AtomicUsize,
}

struct Reactor {
    poll: Poll,
    mailbox: Arc<Mailbox>,
    hub: Arc<Hub>,
    meter: Arc<Meter>,
    terms: Terms,
    subscribers: Vec<Option<Box<Subscriber>>>,
    free: Vec<usize>,
    /// Whose turn is not over.
    hungry: Vec<usize>,
    view: View,
    /// What is made for one subscriber at a time.
    made: Vec<Bytes>,
}

impl Reactors {
    pub fn start(threads: usize, hub: &Arc<Hub>, meter: &Arc<Meter>, terms: Terms) -> io::Result<Self> {
        let (mut mailboxes, mut handles) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let poll = Poll::new()?;
            let mailbox = Arc::new(Mailbox {
                waker: Waker::new(poll.registry(), WAKE)?,
                newcomers: Mutex::default(),
                has_published: AtomicBool::new(false),
                is_draining: AtomicBool::new(false),
                is_ending: AtomicBool::new(false),
                open: AtomicUsize::new(0),
            });
            let reactor = Reactor {
                poll,
                mailbox: Arc::clone(&mailbox),
                hub: Arc::clone(hub),
                meter: Arc::clone(meter),
                terms,
                subscribers: Vec::new(),
                free: Vec::new(),
                hungry: Vec::new(),
                view: hub.view(0, 0),
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
        Ok(Self { mailboxes, threads: Mutex::new(handles), next: AtomicUsize::new(0) })
    }

    /// As many as there are cores to run on, and not more than two. None on other platforms than Linux, where nobody has
    /// seen it work.
    pub fn usual_number() -> usize {
        let is_known = cfg!(target_os = "linux") && !cfg!(feature = "portable");
        if is_known { std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2)) } else { 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.mailboxes.is_empty()
    }

    /// Sends to a subscriber from now on. Who else is about to come goes first, so that the thread is woken once for many.
    pub async fn adopt(&self, socket: std::net::TcpStream, seat: Seat) {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.mailboxes.len().max(1);
        let Some(mailbox) = self.mailboxes.get(next).filter(|mailbox| !mailbox.is_ending.load(Ordering::Acquire))
        else {
            return;
        };
        mailbox.open.fetch_add(1, Ordering::Relaxed);
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

impl Mailbox {
    /// Whether it is the first of those that were not heard of yet.
    fn take_in(&self, socket: std::net::TcpStream, seat: Seat) -> bool {
        let mut newcomers = self.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        newcomers.push((TcpStream::from_std(socket), seat));
        newcomers.len() == 1
    }

    /// Once until it is heard.
    fn wake(&self, reason: &AtomicBool) {
        if !reason.swap(true, Ordering::AcqRel) {
            self.call();
        }
    }

    fn call(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "a thread of the stream can't be woken");
        }
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
            for place in std::mem::take(&mut self.hungry) {
                self.go_on(place);
            }
            if swept.elapsed() >= self.pace() {
                self.sweep();
                swept = Instant::now();
            }
            if self.is_idle() && self.mailbox.is_draining.load(Ordering::Acquire) {
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
        let newcomers = std::mem::take(&mut *self.mailbox.newcomers.lock().unwrap_or_else(PoisonError::into_inner));
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
            after = subscriber.unblock(&self.hub, &mut self.view, &mut self.made);
        }
        self.settle(place, after);
    }

    /// One subscriber is sent what there is, if its kernel takes it.
    fn go_on(&mut self, place: usize) {
        let Some(subscriber) = self.subscribers.get_mut(place).and_then(Option::as_deref_mut) else { return };
        if !subscriber.is_blocked() {
            let after = subscriber.advance(&self.hub, &mut self.view, &mut self.made);
            self.settle(place, after);
        }
    }

    /// Everybody who has taken all there was before takes what is new.
    fn fan_out(&mut self) {
        let began = Instant::now();
        self.view = self.hub.view(self.view.head(), LOOK);
        (0..self.subscribers.len()).for_each(|place| self.go_on(place));
        self.meter.note_fan_out_us(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
    }

    fn sweep(&mut self) {
        self.view = self.hub.view(self.view.head(), LOOK);
        let mut furthest = 0;
        for place in 0..self.subscribers.len() {
            let Some(subscriber) = self.subscribers[place].as_deref_mut() else { continue };
            furthest = furthest.max(subscriber.behind(&self.view));
            let after = subscriber.look_after(&self.terms, &self.hub, &mut self.made);
            self.settle(place, after);
        }
        self.meter.note_lag(furthest);
    }

    fn settle(&mut self, place: usize, after: After) {
        match after {
            After::Open => {}
            After::Hungry => self.hungry.push(place),
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
        self.mailbox.newcomers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.mailbox.open.store(0, Ordering::Relaxed);
    }
}
