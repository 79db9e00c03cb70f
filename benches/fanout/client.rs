//! All subscribers in one thread: they connect, then the instants in what they are sent are read and compared with now.

use crate::socket::{begin_connection, make_room, read};
use crate::stamp::{self, Finder};
use crate::{Result, usage};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::time::Timespec;
use std::time::{Duration, Instant};

/// So many connections are under way where clients do not come all at once.
const UNDER_WAY: usize = 256;
/// Between two looks at what has arrived, where they do.
const BATCH: usize = 64;
const CONNECTING: Duration = Duration::from_secs(90);
/// Until the server's memory is looked at, and before anything is measured.
const SETTLING: Duration = Duration::from_secs(1);
/// How long clients stay at most, once all is measured: the server's end is to be seen with them there.
const STAYING: Duration = Duration::from_secs(60);
const READ_BYTES: usize = 32 * 1024;

/// `PORT PATH COUNT SECONDS PROCESSES`; no seconds: all connect at once and that is all.
pub(crate) struct Plan {
    port: u16,
    path: String,
    count: usize,
    seconds: f64,
    /// The server's.
    processes: Vec<u32>,
}

impl Plan {
    pub(crate) fn read(words: &[&str]) -> Result<Self> {
        let [port, path, count, seconds, processes] = words else { return Err("load: five arguments".into()) };
        let processes: std::result::Result<_, _> = processes.split(',').map(str::parse).collect();
        Ok(Self {
            port: port.parse()?,
            path: (*path).to_owned(),
            count: count.parse()?,
            seconds: seconds.parse()?,
            processes: processes?,
        })
    }
}

/// Prints `connected SECONDS BEFORE AFTER` (resident bytes), then `measured DELIVERIES CPU_NS P50 P99 MAX LOST`
/// (microseconds).
#[expect(clippy::print_stdout, reason = "the comparison reads it")]
pub(crate) fn run(plan: &Plan) -> Result {
    make_room(plan.count)?;
    let before = usage::resident_bytes(&plan.processes)?;
    let mut crowd = Crowd::new(plan)?;
    let taken = crowd.connect(plan)?;
    crowd.attend_until(Instant::now() + SETTLING)?;
    let after = usage::resident_bytes(&plan.processes)?;
    println!("connected {} {before} {after}", taken.as_secs_f64());
    if plan.seconds == 0.0 {
        return Ok(());
    }
    let deadline = Instant::now() + CONNECTING;
    while crowd.deliveries == 0 {
        if Instant::now() > deadline {
            return Err("nothing is published".into());
        }
        crowd.attend(Duration::from_millis(100))?;
    }
    crowd.attend_until(Instant::now() + SETTLING)?;
    crowd.begin_recording();
    let began = usage::cpu_ns(&plan.processes)?;
    crowd.attend_until(Instant::now() + Duration::from_secs_f64(plan.seconds))?;
    let used = usage::cpu_ns(&plan.processes)? - began;
    crowd.is_recording = false;
    let mut delays = std::mem::take(&mut crowd.delays);
    delays.sort_unstable();
    let at = |part: f64| delays.get((delays.len() as f64 * part) as usize).copied().unwrap_or(0);
    let max = delays.last().copied().unwrap_or(0);
    println!("measured {} {used} {} {} {max} {}", delays.len(), at(0.5), at(0.99), crowd.lost);
    let deadline = Instant::now() + STAYING;
    while crowd.lost < plan.count && Instant::now() < deadline {
        crowd.attend(Duration::from_millis(100))?;
    }
    Ok(())
}

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    ToAsk,
    Head,
    FirstEvent,
    Events,
    Ended,
}

struct Subscriber {
    socket: Option<OwnedFd>,
    phase: Phase,
    finder: Finder,
}

struct Crowd {
    epoll: OwnedFd,
    request: String,
    subscribers: Vec<Subscriber>,
    buffer: Vec<u8>,
    ready: Vec<epoll::Event>,
    connected: usize,
    lost: usize,
    deliveries: u64,
    is_recording: bool,
    /// From publishing to reading, in microseconds.
    delays: Vec<u32>,
}

impl Crowd {
    fn new(plan: &Plan) -> Result<Self> {
        let request =
            format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAccept: text/event-stream\r\n\r\n", plan.path, plan.port);
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            request,
            subscribers: Vec::with_capacity(plan.count),
            buffer: vec![0; Finder::ROOM + READ_BYTES],
            ready: Vec::with_capacity(1_024),
            connected: 0,
            lost: 0,
            deliveries: 0,
            is_recording: false,
            delays: Vec::new(),
        })
    }

    /// Until each has had its first event; how long that took.
    fn connect(&mut self, plan: &Plan) -> Result<Duration> {
        let is_at_once = plan.seconds == 0.0;
        let began = Instant::now();
        while self.connected < plan.count {
            while self.subscribers.len() < plan.count
                && (is_at_once || self.subscribers.len() - self.connected < UNDER_WAY)
            {
                self.begin(plan.port)?;
                if self.subscribers.len().is_multiple_of(BATCH) {
                    self.attend(Duration::ZERO)?;
                }
            }
            self.attend(Duration::from_millis(100))?;
            if self.lost > 0 || began.elapsed() > CONNECTING {
                let Self { connected, lost, .. } = self;
                let count = plan.count;
                return Err(format!("{connected} of {count} have connected, {lost} were sent away").into());
            }
        }
        Ok(began.elapsed())
    }

    fn begin(&mut self, port: u16) -> Result {
        let key = self.subscribers.len();
        let socket = begin_connection(port, key)?;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(&self.epoll, &socket, EventData::new_u64(key as u64), flags)?;
        self.subscribers.push(Subscriber { socket: Some(socket), phase: Phase::ToAsk, finder: Finder::new() });
        Ok(())
    }

    fn begin_recording(&mut self) {
        self.delays.clear();
        self.is_recording = true;
    }

    fn attend_until(&mut self, deadline: Instant) -> Result {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.attend(left)?;
        }
    }

    /// Waits once, and reads what has come.
    fn attend(&mut self, wait: Duration) -> Result {
        let mut ready = std::mem::take(&mut self.ready);
        match epoll::wait(&self.epoll, spare_capacity(&mut ready), Some(&Timespec::try_from(wait)?)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in ready.drain(..) {
            self.look_at(usize::try_from(event.data.u64())?, event.flags);
        }
        self.ready = ready;
        Ok(())
    }

    fn look_at(&mut self, key: usize, flags: EventFlags) {
        let Some(Subscriber { socket: Some(socket), phase, .. }) = self.subscribers.get_mut(key) else { return };
        if *phase == Phase::ToAsk && flags.contains(EventFlags::OUT) {
            if rustix::io::write(&*socket, self.request.as_bytes()) != Ok(self.request.len()) {
                return self.lose(key);
            }
            *phase = Phase::Head;
            // To be told of room in the socket would wake us for each acknowledgement.
            let data = EventData::new_u64(key as u64);
            let flags = EventFlags::IN | EventFlags::RDHUP;
            if epoll::modify(&self.epoll, &*socket, data, flags).is_err() {
                return self.lose(key);
            }
        }
        if flags.intersects(EventFlags::IN | EventFlags::ERR | EventFlags::HUP | EventFlags::RDHUP) {
            self.receive(key);
        }
    }

    fn receive(&mut self, key: usize) {
        let Some(Subscriber { socket: Some(socket), phase, finder }) = self.subscribers.get_mut(key) else { return };
        let len = match read(&*socket, &mut self.buffer[Finder::ROOM..]) {
            Ok(Some(len @ 1..)) => len,
            Ok(None) => return,
            _ => return self.lose(key),
        };
        if *phase != Phase::Events {
            let bytes = &self.buffer[Finder::ROOM..Finder::ROOM + len];
            if *phase == Phase::Head && !bytes.starts_with(b"HTTP/1.1 200") {
                return self.lose(key);
            }
            // A head comes in one piece, alone or with what follows it.
            let is_head_alone = *phase == Phase::Head && bytes.ends_with(b"\r\n\r\n") && bytes.len() < 1_024;
            *phase = if is_head_alone { Phase::FirstEvent } else { Phase::Events };
            self.connected += usize::from(*phase == Phase::Events);
        }
        let now = stamp::now();
        let (is_recording, deliveries, delays) = (self.is_recording, &mut self.deliveries, &mut self.delays);
        finder.find(&mut self.buffer, len, |published| {
            *deliveries += 1;
            if is_recording {
                delays.push(u32::try_from(now.saturating_sub(published) / 1_000).unwrap_or(u32::MAX));
            }
        });
    }

    fn lose(&mut self, key: usize) {
        let subscriber = &mut self.subscribers[key];
        if subscriber.phase != Phase::Ended {
            subscriber.phase = Phase::Ended;
            subscriber.socket = None;
            self.lost += 1;
        }
    }
}
