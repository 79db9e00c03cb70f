//! Sockets as a client or a server of very many connections wants them.

use crate::Result;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, getsockname, listen, socket_with, sockopt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

/// Ports of one source address would run out.
const SOURCES: usize = 8;
const BACKLOG: i32 = 4_096;
/// What a process opens besides its connections.
const OTHER_DESCRIPTORS: u64 = 64;

const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// Asks for as many descriptors as there may be, and fails if so many connections are more.
pub(crate) fn make_room(connections: usize) -> Result {
    let limit = getrlimit(Resource::Nofile);
    let wanted = connections as u64 + OTHER_DESCRIPTORS;
    // Only root may have more than the hard limit.
    let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
    if setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    }
    match getrlimit(Resource::Nofile).current {
        Some(current) if current < wanted => {
            Err(format!("{connections} connections need a limit of {wanted} open files, it is {current}: ulimit -Hn")
                .into())
        }
        _ => Ok(()),
    }
}

/// A listener on a free port.
pub(crate) fn listener() -> Result<(OwnedFd, u16)> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, FLAGS, None)?;
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
    listen(&socket, BACKLOG)?;
    let address = SocketAddrV4::try_from(getsockname(&socket)?)?;
    Ok((socket, address.port()))
}

/// A connection that is under way; `number` chooses where it comes from.
pub(crate) fn begin_connection(port: u16, number: usize) -> Result<OwnedFd> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, FLAGS, None)?;
    let source = Ipv4Addr::new(127, 0, 0, u8::try_from(number % SOURCES + 1)?);
    bind(&socket, &SocketAddrV4::new(source, 0))?;
    // Closed without a farewell, or its port would be kept for a minute.
    sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
    match connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// What is not there yet is not an error.
pub(crate) fn read(socket: impl AsFd, buffer: &mut [u8]) -> Result<Option<usize>> {
    match rustix::io::read(socket, buffer) {
        Ok(count) => Ok(Some(count)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
