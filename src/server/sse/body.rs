//! A stream as the body of an answer: for what a reactor can't send, and until it can.

use super::Terms;
use super::handover::{Handover, Seat};
use super::lag::Lag;
use super::line::Line;
use super::session::Session;
use crate::model::event::ByeReason;
use crate::server::hub::{Next, Reader};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// So much is made before it is sent.
const TOGETHER: usize = 16;

/// Who speaks: until the end, or until somebody else goes on.
pub(super) struct Speaker {
    turn: Option<Turn>,
    /// Who sends the rest, once all of it is in memory.
    handover: Option<Arc<Handover>>,
    line: Arc<Line>,
    terms: Terms,
}

struct Turn {
    reader: Reader,
    session: Session,
    /// Made and not yet sent.
    outbox: Vec<Bytes>,
    has_ended: bool,
    lag: Lag,
    spoken: Instant,
}

impl Speaker {
    /// Of which nothing was sent yet.
    pub(super) fn new(
        reader: Reader,
        mut session: Session,
        handover: Option<Arc<Handover>>,
        line: Arc<Line>,
        terms: Terms,
    ) -> Self {
        let mut outbox = Vec::new();
        // What is said first is sent by whoever sends what follows.
        if handover.is_some() && reader.is_well_in_memory() {
            session.frame();
        }
        if let Some(edition) = reader.cursor().edition() {
            session.greet(&Arc::clone(edition), &mut outbox);
        }
        let turn = Turn { reader, session, outbox, has_ended: false, lag: Lag::default(), spoken: Instant::now() };
        Self { turn: Some(turn), handover, line, terms }
    }

    pub(super) fn into_chunks(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        stream::unfold(self, |mut speaker| async {
            speaker.chunk().await.map(|chunk| (Ok::<_, Infallible>(chunk), speaker))
        })
    }

    /// The next bytes to send; `None` at the end. Never ends once somebody else sends the rest.
    async fn chunk(&mut self) -> Option<Bytes> {
        loop {
            if let Some(handover) = &self.handover
                && let Some(turn) = self.turn.take_if(|turn| turn.can_be_passed_on())
            {
                handover.offer(turn.pass_on());
                std::future::pending::<()>().await;
            }
            let turn = self.turn.as_mut()?;
            turn.make(&self.terms, &self.line, self.handover.is_some()).await;
            if !turn.outbox.is_empty() {
                return Some(turn.take());
            }
            if turn.has_ended {
                return None;
            }
        }
    }
}

impl Turn {
    /// What was made is framed for whoever goes on, who can; or it was sent, and all that follows is in memory.
    fn can_be_passed_on(&self) -> bool {
        let is_sent = self.outbox.is_empty() && self.reader.is_well_in_memory();
        !self.has_ended && (self.session.is_framed() || is_sent)
    }

    fn pass_on(self) -> Seat {
        let Self { reader, mut session, outbox, .. } = self;
        session.frame();
        Seat { cursor: reader.into_cursor(), session, outbox, counted: 0 }
    }

    /// Makes what comes next; if nothing is made yet, waits for it. Where somebody else will go on once all is in memory,
    /// that is not waited for.
    async fn make(&mut self, terms: &Terms, line: &Line, is_passed_on: bool) {
        // Who takes nothing at all is the connection's to part with.
        let stuck = Duration::ZERO;
        let is_to_be_made = !self.has_ended && self.outbox.is_empty();
        if is_to_be_made && self.lag.is_too_far(terms, Instant::now(), stuck, || self.reader.bytes_behind()) {
            self.session.leave(ByeReason::Slow, &mut self.outbox);
            line.leave();
            self.has_ended = true;
        }
        while !self.has_ended && self.outbox.len() < TOGETHER {
            let next = self.reader.ready();
            match next {
                Some(Next::Nothing) | None => {
                    if next.is_some() {
                        self.lag.caught_up();
                    }
                    if !self.outbox.is_empty() || (is_passed_on && self.reader.is_well_in_memory()) {
                        break;
                    }
                    let quiet_until = (self.spoken + terms.silence).into();
                    if timeout_at(quiet_until, self.reader.changed()).await.is_err() {
                        self.session.ping(&mut self.outbox);
                    }
                }
                Some(next) => self.has_ended = self.session.tell(&next, &mut self.outbox),
            }
        }
        self.session.subscription().at(self.reader.passed());
    }

    fn take(&mut self) -> Bytes {
        let chunk = match self.outbox.as_slice() {
            [one] => one.clone(),
            several => several.concat().into(),
        };
        self.outbox.clear();
        self.spoken = Instant::now();
        // Until it comes for more.
        self.lag.fell_behind(self.spoken);
        self.session.subscription().count_sent_bytes(chunk.len() as u64);
        chunk
    }
}
