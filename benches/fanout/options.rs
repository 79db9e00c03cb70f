//! What the comparison is asked to run.

use crate::Result;
use crate::load::{LOADS, Load};
use crate::server::Kind;

const USAGE: &str =
    "fanout [--runs N] [--seconds S] [--only telltale,nchan,nchan-default,node,floor] [--load 1000x10,connect,wire]";

pub(crate) struct Options {
    pub(crate) runs: usize,
    pub(crate) seconds: f64,
    pub(crate) servers: Vec<Kind>,
    pub(crate) loads: Vec<&'static Load>,
    pub(crate) wants_wire: bool,
}

impl Options {
    pub(crate) fn read(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            runs: 5,
            seconds: 5.0,
            servers: Kind::ALL.to_vec(),
            loads: LOADS.iter().collect(),
            wants_wire: true,
        };
        for pair in words.chunks(2) {
            match pair {
                ["--runs", count] => options.runs = count.parse::<usize>()?.max(1),
                ["--seconds", count] => options.seconds = count.parse()?,
                ["--only", names] => options.servers = servers(names)?,
                ["--load", names] => {
                    let names: Vec<&str> = names.split(',').collect();
                    options.loads = LOADS.iter().filter(|load| names.contains(&load.name)).collect();
                    options.wants_wire = names.contains(&"wire");
                    if options.loads.len() + usize::from(options.wants_wire) != names.len() {
                        return Err(
                            format!("a load is one of {}, wire", list(LOADS.iter().map(|load| load.name))).into()
                        );
                    }
                }
                _ => return Err(format!("{pair:?}? {USAGE}").into()),
            }
        }
        Ok(options)
    }
}

fn servers(names: &str) -> Result<Vec<Kind>> {
    let find = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name() == name);
    let all: Option<Vec<Kind>> = names.split(',').map(find).collect();
    all.ok_or_else(|| format!("a server is one of {}", list(Kind::ALL.into_iter().map(Kind::name))).into())
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
