//! What subscribers look at: one view for all who are up to date, and one for whoever is behind.

use crate::server::hub::{Cursor, Hub, Next, View};
use std::sync::Arc;

/// So many slots are taken from the hub at once.
const LOOK: usize = 16;

pub(super) struct Views {
    hub: Arc<Hub>,
    /// What is new.
    live: View,
    /// What is older, and whether that was looked at before what is new.
    back: View,
    is_back_old: bool,
}

impl Views {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self { live: hub.view(0, 0), back: hub.view(0, 0), is_back_old: false, hub }
    }

    /// Looks at what is new since it looked last.
    pub(super) fn go_on(&mut self) {
        self.live = self.hub.view(self.live.head(), LOOK);
        self.is_back_old = true;
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
        // Who has just come knows more.
        if self.live.head() < cursor.passed() {
            self.go_on();
        }
        loop {
            let passed = cursor.passed();
            if self.live.first() <= passed {
                return self.hub.next(cursor, &mut self.live, LOOK);
            }
            if self.is_back_old || self.back.slot(passed).is_none() {
                self.back = self.hub.view(passed, LOOK);
                self.is_back_old = false;
            }
            match self.hub.next(cursor, &mut self.back, LOOK) {
                // It has come to where everything is new.
                Some(Next::Nothing) => {}
                next => return next,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::ByeReason;
    use crate::model::{Catalog, EventId, Observation, Sample, UnixMs};
    use crate::server::hub::{HelloFacts, Resume, Wants};

    fn id(second: i64) -> EventId {
        EventId { era: 0, t: UnixMs(second * 1_000), n: 0 }
    }

    fn publish(hub: &Hub, seconds: impl Iterator<Item = i64>) {
        for id in seconds.map(id) {
            let sample = Arc::new(Sample { t: id.t, families: Vec::new() });
            hub.publish(&Observation::Sample { id, sample });
        }
    }

    /// What a cursor is given until there is nothing more, at most so many.
    fn read(views: &mut Views, cursor: &mut Cursor, most: usize) -> Vec<String> {
        let next = |_| match views.next(cursor) {
            Some(Next::Slot(slot)) => Some((slot.id.t.0 / 1_000).to_string()),
            Some(Next::Nothing) => None,
            other => Some(format!("{other:?}")),
        };
        (0..most).map_while(next).collect()
    }

    #[test]
    fn who_is_behind_catches_up_beside_what_is_new() {
        let facts = HelloFacts::of_nobody();
        let hub = Arc::new(Hub::new(facts, Arc::new(Catalog::default())));
        publish(&hub, 1..=100);
        let mut views = Views::new(Arc::clone(&hub));
        let mut join = |resume| hub.join("me".into(), Wants::default(), resume).into_cursor();
        let [mut live, mut back, mut further] =
            [Resume::Newest, Resume::After(id(3)), Resume::After(id(50))].map(&mut join);
        views.go_on();
        assert_eq!(read(&mut views, &mut live, 9), ["100"]);
        let looked_at = views.live.first();
        assert_eq!(read(&mut views, &mut back, 3), ["4", "5", "6"]);
        assert_eq!(read(&mut views, &mut further, 2), ["51", "52"]);
        assert_eq!(views.live.first(), looked_at, "what is new stays in sight");
        publish(&hub, 101..=103);
        views.go_on();
        assert_eq!(read(&mut views, &mut live, 9), ["101", "102", "103"]);
        let expected = |from: i64| (from..=103).map(|second| second.to_string()).collect::<Vec<_>>();
        assert_eq!(read(&mut views, &mut back, 200), expected(7));
        publish(&hub, 104..=109);
        let mut newcomer = hub.join("me".into(), Wants::default(), Resume::Newest).into_cursor();
        assert_eq!(read(&mut views, &mut newcomer, 9), ["109"], "it comes before this was looked at");
        let expected = |from: i64| (from..=109).map(|second| second.to_string()).collect::<Vec<_>>();
        assert_eq!(read(&mut views, &mut live, 9), expected(104));
        assert_eq!(read(&mut views, &mut back, 9), expected(104));
        hub.close(ByeReason::Shutdown);
        views.go_on();
        let rest = read(&mut views, &mut further, 58);
        assert_eq!((&rest[..57], rest[57].as_str()), (&expected(53)[..], "Some(Closed(Shutdown))"));
        assert_eq!(read(&mut views, &mut back, 1), ["Some(Closed(Shutdown))"]);
    }
}
