//! What is wrong with a configuration, each in one line: the thing, where it stands, and the mend.

use std::fmt;

/// One line: the thing that is wrong, where it stands, and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(String);

impl Problem {
    pub(super) fn new(line: String) -> Self {
        Self(one_line(&line))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Something that does not stop us and should be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(String);

impl Warning {
    pub(super) fn new(line: String) -> Self {
        Self(one_line(&line))
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What is wrong with the configuration: one problem or more. In one line it is the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    first: Problem,
    others: Vec<Problem>,
}

impl ConfigError {
    pub(super) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        let mut problems = problems.into_iter();
        match problems.next() {
            Some(first) => Err(Self { first, others: problems.collect() }),
            None => Ok(()),
        }
    }

    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl From<Problem> for ConfigError {
    fn from(first: Problem) -> Self {
        Self { first, others: Vec::new() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.others.len() {
            0 => write!(formatter, "{}", self.first),
            more => write!(formatter, "{} (and {more} more; `telltale check` lists them)", self.first),
        }
    }
}

/// Paths and values come from elsewhere: control characters in them must not forge a second line.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
