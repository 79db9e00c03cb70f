//! The history of a directory, for who only reads it: no lock is taken, so a server may write there meanwhile.

use super::beginnings::Beginnings;
use super::course::{Answer, Question};
use super::damages::Damages;
use super::database::{Database, FILE, OpenError, plain};
use super::paces::Paces;
use super::reader;
use super::tier::Tier;
use super::told;
use crate::model::{Catalog, Gap, GapReason, UnixMs};
use std::io;
use std::path::{Path, PathBuf};

/// Families that come after it was opened are not in it.
#[derive(Debug)]
pub struct Archive {
    file: PathBuf,
    database: Database,
    damages: Damages,
}

impl Archive {
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let file = directory.join(FILE);
        let missing = || OpenError::Missing { directory: directory.into() };
        match std::fs::metadata(&file) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(missing());
            }
            Err(error) => return Err(OpenError::Unreadable { file, reason: plain(&error) }),
        }
        let database = Database::read(directory).map_err(|error| match error {
            OpenError::Database { file, error } => unreadable(&file, &error),
            other => other,
        })?;
        if database.is_of_nothing() {
            return Err(missing());
        }
        Ok(Self { file, database, damages: Damages::default() })
    }

    /// The families there ever were, as they were last.
    pub fn catalog(&self) -> Catalog {
        self.database.shapes.newest()
    }

    /// Where a tier begins; `None` where it is empty.
    pub fn oldest(&self, tier: Tier) -> Option<UnixMs> {
        Beginnings::find(&self.database.connection).ok()?.of(tier).map(UnixMs)
    }

    /// Where everything ends for now.
    pub fn newest(&self) -> Option<UnixMs> {
        reader::newest(&self.database.connection).map(UnixMs)
    }

    pub fn ask(&mut self, question: &Question) -> Result<Answer, OpenError> {
        let answered = reader::answer_of_known(&mut self.database, &mut self.damages, question);
        answered.map_err(|error| unreadable(&self.file, &error))
    }

    /// The ticks that are missing between instants of a family, but for those that are known to be.
    pub fn holes(instants: &[i64], interval_ms: i64, known: &[Gap]) -> Vec<Gap> {
        told::holes(instants, &Paces::steady(interval_ms), known, GapReason::Late)
    }
}

fn unreadable(file: &Path, error: &rusqlite::Error) -> OpenError {
    OpenError::Unreadable { file: file.into(), reason: error.to_string() }
}
