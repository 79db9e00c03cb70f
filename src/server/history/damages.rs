//! What was found damaged so far: the log is told of it once.

use super::place::Place;
use std::collections::HashSet;

#[derive(Debug, Default)]
pub(super) struct Damages {
    pub(super) known: HashSet<Place>,
    pub(super) hot: HashSet<Place>,
    culprits: HashSet<Place>,
    /// Whether reasons of gaps are among it.
    gaps: bool,
}

impl Damages {
    /// Why something is missing is not known where that can't be read.
    pub(super) fn tell_gaps(&mut self) {
        if !std::mem::replace(&mut self.gaps, true) {
            tracing::warn!("why some of the history is missing can't be read");
        }
    }

    /// Who was heaviest is not known where these stand.
    pub(super) fn tell_culprits(&mut self, damaged: &[Place]) {
        for place in damaged {
            if self.culprits.insert(*place) {
                tracing::warn!(first = place.first(), "some of the heaviest processes in the history are damaged");
            }
        }
    }
}
