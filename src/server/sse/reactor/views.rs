//! What subscribers look at: one view for all who are up to date, and one for whoever is behind.

use crate::server::hub::{Cursor, Hub, Next, View};
use std::sync::Arc;

/// So many slots are taken from the hub at once.
const LOOK: usize = 16;

pub(super) struct Views {
    hub: Arc<Hub>,
    /// What is new.
    live: View,
    /// What is older; never of an older state than that.
    back: View,
}

impl Views {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self { live: hub.view(0, 0), back: hub.view(0, 0), hub }
    }

    /// Looks at what is new since it looked last.
    pub(super) fn go_on(&mut self) {
        self.live = self.hub.view(self.live.head(), LOOK);
    }

    /// The number of slots there were then.
    pub(super) fn head(&self) -> u64 {
        self.live.head()
    }

    pub(super) fn bytes_behind(&self, cursor: &Cursor) -> u64 {
        self.hub.bytes_behind(cursor)
    }

    /// What comes next for a cursor; `None` where it is not in memory.
    pub(super) fn next(&mut self, cursor: &mut Cursor) -> Option<Next> {
        loop {
            let passed = cursor.passed();
            if self.live.first() <= passed {
                return self.hub.next(cursor, &mut self.live, LOOK);
            }
            if self.back.head() < self.live.head() || self.back.slot(passed).is_none() {
                self.back = self.hub.view(passed, LOOK);
            }
            match self.hub.next(cursor, &mut self.back, LOOK) {
                // It has come to where everything is new.
                Some(Next::Nothing) => {}
                next => return next,
            }
        }
    }
}
