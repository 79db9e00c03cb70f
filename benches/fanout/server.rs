//! The servers that are compared, started and told to publish each in its way.

use crate::feed::json_around_stamp;
use crate::rig::{Core, Folder, Process};
use crate::{Result, nchan, usage};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Telltale,
    Nchan,
    /// nginx as it listens when it is not told otherwise: with a backlog of 511 and one accept at a time.
    NchanByDefault,
    Node,
    Floor,
}

/// A server that runs, killed when it is dropped.
pub(crate) struct Server {
    /// Ends before the server that it publishes to.
    publisher: Option<Process>,
    pub(crate) process: Process,
    pub(crate) port: u16,
    kind: Kind,
    _folder: Option<Folder>,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Telltale, Self::Nchan, Self::NchanByDefault, Self::Node, Self::Floor];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Telltale => "telltale",
            Self::Nchan => "nchan",
            Self::NchanByDefault => "nchan-default",
            Self::Node => "node",
            Self::Floor => "floor",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        if self == Self::Telltale { "/api/v1/stream" } else { "/stream" }
    }

    /// Why it can't take part.
    pub(crate) fn lacks(self) -> Option<&'static str> {
        match self {
            Self::Nchan | Self::NchanByDefault if !nchan::install() => Some("apt-get install nginx libnginx-mod-nchan"),
            Self::Node if Command::new("node").arg("--version").output().is_err() => Some("install Node.js"),
            _ => None,
        }
    }

    pub(crate) fn start(self) -> Result<Server> {
        let (mut folder, mut port) = (None, None);
        let mut process = match self {
            Self::Telltale => Process::own(Core::Server, &["serve-telltale", "stamped"])?,
            Self::Floor => Process::own(Core::Server, &["serve-floor"])?,
            Self::Node => {
                let (head, tail) = json_around_stamp()?;
                let file = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/fanout/node.mjs");
                Process::start(Core::Server, Command::new("node").args([file, &head, &tail]))?
            }
            Self::Nchan | Self::NchanByDefault => {
                let own = folder.insert(Folder::new()?);
                let (command, free) = nchan::command(own, self == Self::Nchan)?;
                port = Some(free);
                Process::start(Core::Server, &command)?
            }
        };
        let port = match port {
            Some(port) => {
                wait_for(port)?;
                wait_for_worker(process.id())?;
                port
            }
            None => process.hear("listening")?.parse()?,
        };
        Ok(Server { process, port, kind: self, publisher: None, _folder: folder })
    }
}

impl Server {
    /// All its processes.
    pub(crate) fn processes(&self) -> Result<Vec<u32>> {
        usage::family_of(self.process.id())
    }

    /// From now on until it ends.
    pub(crate) fn publish(&mut self, rate: u32) -> Result {
        if matches!(self.kind, Kind::Nchan | Kind::NchanByDefault) {
            let words = ["publish", &self.port.to_string(), &rate.to_string()];
            self.publisher = Some(Process::own(Core::Clients, &words)?);
            return Ok(());
        }
        self.process.say(&format!("{rate} {}", u32::MAX))
    }
}

/// nginx listens before it has anybody who serves.
fn wait_for_worker(master: u32) -> Result {
    let began = Instant::now();
    while usage::family_of(master)?.len() < 2 {
        if began.elapsed() > START {
            return Err("nginx has no worker".into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn wait_for(port: u16) -> Result {
    let began = Instant::now();
    while let Err(error) = TcpStream::connect(("127.0.0.1", port)) {
        if began.elapsed() > START {
            return Err(error.into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
