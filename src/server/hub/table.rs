//! A table of processes as it is sent: made once, when the first reader wants it.

use super::frame::Frame;
use crate::model::{EventName, ProcessTable};
use crate::server::processes::{MOST_TOLD, heaviest};
use std::sync::{Arc, OnceLock};

/// Only the newest one is held, and it is in no ring: a reader that was away is not told what ran meanwhile.
#[derive(Debug)]
pub(super) struct Table {
    table: Arc<ProcessTable>,
    frame: OnceLock<Arc<Frame>>,
}

impl Table {
    pub(super) fn new(table: Arc<ProcessTable>) -> Self {
        Self { table, frame: OnceLock::new() }
    }

    /// The event `processes`.
    pub(super) fn frame(&self) -> &Arc<Frame> {
        let make = || Arc::new(Frame::new(EventName::Processes, None, &*heaviest(&self.table, MOST_TOLD)));
        self.frame.get_or_init(make)
    }
}
