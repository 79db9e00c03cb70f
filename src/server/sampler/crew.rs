//! The collectors at work: each on its own thread, all asked at once, none waited for beyond the deadline.

use super::clock::Clock;
use super::collector::{Collector, Job, Reading};
use crate::model::UnixMs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Collectors parse a few kilobytes; they need no 2 MB.
const STACK_BYTES: usize = 256 * 1024;

/// What became of one collector in one tick.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is not its turn.
    NotDue,
    /// It has not answered in time, or is still busy with an earlier tick.
    Late,
    /// It answered that it could not, or panicked.
    Failed,
    Read(Vec<Reading>),
}

pub struct Crew {
    workers: Vec<Worker>,
    answers: Receiver<Answer>,
    /// The number of the current tick; answers to earlier ones are dropped.
    turn: u64,
}

struct Worker {
    job: JobFacts,
    /// Absent once the crew goes, so that the thread ends.
    ask: Option<Sender<u64>>,
    busy: bool,
    trouble: Option<Trouble>,
    thread: Option<JoinHandle<()>>,
}

struct JobFacts {
    name: &'static str,
    interval: crate::model::Interval,
}

/// What was logged last about a worker: once, until it recovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Late,
    Failed,
}

struct Answer {
    worker: usize,
    turn: u64,
    result: Result<Vec<Reading>, String>,
}

impl Crew {
    pub fn start(jobs: Vec<Job>, clock: &Arc<dyn Clock>) -> std::io::Result<Self> {
        let (answer, answers) = mpsc::channel();
        let workers = jobs
            .into_iter()
            .enumerate()
            .map(|(index, job)| Worker::start(index, job, clock, &answer))
            .collect::<std::io::Result<_>>()?;
        Ok(Self { workers, answers, turn: 0 })
    }

    /// One outcome a worker, in the order of the jobs; `t` is `None` for the first reading of all.
    pub fn collect(&mut self, t: Option<UnixMs>, patience: Duration) -> Vec<Outcome> {
        let deadline = Instant::now() + patience;
        self.turn += 1;
        // What came too late for earlier ticks only tells that its worker is free again.
        while let Ok(late) = self.answers.try_recv() {
            self.workers[late.worker].busy = false;
        }
        let (mut outcomes, mut waiting) = (Vec::with_capacity(self.workers.len()), 0);
        for worker in &mut self.workers {
            let due = t.is_none_or(|t| t.is_tick_of(worker.job.interval));
            if due && !worker.busy && worker.ask.as_ref().is_some_and(|ask| ask.send(self.turn).is_ok()) {
                worker.busy = true;
                waiting += 1;
            }
            outcomes.push(if due { Outcome::Late } else { Outcome::NotDue });
        }
        while waiting > 0 {
            let Ok(answer) = self.answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) else {
                break;
            };
            let worker = &mut self.workers[answer.worker];
            worker.busy = false;
            if answer.turn == self.turn {
                waiting -= 1;
                outcomes[answer.worker] = worker.judge(answer.result);
            }
        }
        for (worker, outcome) in self.workers.iter_mut().zip(&outcomes) {
            if *outcome == Outcome::Late {
                worker.log_once(Trouble::Late, "still busy at the deadline");
            }
        }
        outcomes
    }
}

impl Worker {
    fn start(index: usize, job: Job, clock: &Arc<dyn Clock>, answer: &Sender<Answer>) -> std::io::Result<Self> {
        let (ask, asked) = mpsc::channel();
        let (clock, answer) = (Arc::clone(clock), answer.clone());
        let facts = JobFacts { name: job.name, interval: job.interval };
        let thread = std::thread::Builder::new()
            .name(format!("collect-{}", job.name))
            .stack_size(STACK_BYTES)
            .spawn(move || work(index, &job, &*clock, &asked, &answer))?;
        Ok(Self { job: facts, ask: Some(ask), busy: false, trouble: None, thread: Some(thread) })
    }

    fn judge(&mut self, result: Result<Vec<Reading>, String>) -> Outcome {
        match result {
            Ok(readings) => {
                if self.trouble.take().is_some() {
                    tracing::info!(collector = self.job.name, "the collector recovered");
                }
                Outcome::Read(readings)
            }
            Err(error) => {
                self.log_once(Trouble::Failed, &error);
                Outcome::Failed
            }
        }
    }

    fn log_once(&mut self, trouble: Trouble, error: &str) {
        if self.trouble.replace(trouble) != Some(trouble) {
            tracing::warn!(collector = self.job.name, error, "the collector has no values; it is tried again");
        }
    }
}

impl Drop for Crew {
    /// Idle threads end at once and are waited for; one that hangs in the kernel ends when the kernel
    /// lets it, or with the process.
    fn drop(&mut self) {
        while let Ok(answer) = self.answers.try_recv() {
            self.workers[answer.worker].busy = false;
        }
        for worker in &mut self.workers {
            worker.ask = None;
        }
        for worker in self.workers.iter_mut().filter(|worker| !worker.busy) {
            if let Some(Err(_)) = worker.thread.take().map(JoinHandle::join) {
                tracing::warn!(collector = worker.job.name, "the collector's thread ended in a panic");
            }
        }
    }
}

/// The life of one worker: a question, an answer, until nobody asks any more.
fn work(worker: usize, job: &Job, clock: &dyn Clock, asked: &Receiver<u64>, answer: &Sender<Answer>) {
    let mut collector: Option<Box<dyn Collector>> = None;
    while let Ok(turn) = asked.recv() {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let collector = match &mut collector {
                Some(collector) => collector,
                none => none.insert((job.make)()?),
            };
            collector.collect(clock)
        }))
        .map(|result| result.map_err(|error| format!("{error:#}")))
        .unwrap_or_else(|panic| {
            // What the panic left behind is not trusted; the next turn begins with a new collector.
            let broken = std::mem::take(&mut collector);
            let _ = catch_unwind(AssertUnwindSafe(|| drop(broken)));
            Err(format!("panicked: {}", panic_text(&*panic)))
        });
        if answer.send(Answer { worker, turn, result }).is_err() {
            break;
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
