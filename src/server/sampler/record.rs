//! Writing what is sampled to a file that can be replayed.

use crate::model::{Catalog, HostFacts, Observation, ProcessTable};
use serde::Serialize;
use std::io::{self, Write};

/// Writes a line for the host and its catalog, then one a sample; a change of the catalog is a line like
/// the first. Gaps are not written: they show in the times of the samples.
pub struct Recorder<W: Write> {
    host: HostFacts,
    writer: W,
}

#[derive(Serialize)]
struct Header<'a> {
    host: &'a HostFacts,
    catalog: &'a Catalog,
}

#[derive(Serialize)]
struct Table<'a> {
    processes: &'a ProcessTable,
}

impl<W: Write> Recorder<W> {
    pub fn new(host: HostFacts, catalog: &Catalog, writer: W) -> io::Result<Self> {
        let mut recorder = Self { host, writer };
        recorder.header(catalog)?;
        Ok(recorder)
    }

    /// Whole lines only, handed on at once: a recording that ends at any moment can be read.
    pub fn record(&mut self, observation: &Observation) -> io::Result<()> {
        match observation {
            Observation::Catalog(catalog) => self.header(catalog),
            Observation::Sample { sample, .. } => self.line(&**sample),
            Observation::Gap(_) => Ok(()),
        }
    }

    /// The processes as of now.
    pub fn record_processes(&mut self, processes: &ProcessTable) -> io::Result<()> {
        self.line(&Table { processes })
    }

    pub fn into_inner(self) -> W {
        self.writer
    }

    fn header(&mut self, catalog: &Catalog) -> io::Result<()> {
        let line = serde_json::to_vec(&Header { host: &self.host, catalog })?;
        self.write(line)
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.write(serde_json::to_vec(value)?)
    }

    fn write(&mut self, mut line: Vec<u8>) -> io::Result<()> {
        line.push(b'\n');
        self.writer.write_all(&line)?;
        self.writer.flush()
    }
}
