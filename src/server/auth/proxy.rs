//! Whom a trusted proxy speaks for.

use crate::server::subscribers::ClientAddress;
use axum::http::{HeaderMap, header};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// An address, or all that begin like it: `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address or a network such as 10.0.0.1, 10.0.0.0/8 or fd00::/8")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let longest = width(address);
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| NotANetwork)?;
        if prefix > longest { Err(NotANetwork) } else { Ok(Self { address, prefix }) }
    }
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let differing = bits(self.address) ^ bits(address);
        // A shift by the whole width leaves nothing to differ.
        let beyond = u32::from(width(address) - self.prefix.min(width(address)));
        self.address.is_ipv4() == address.is_ipv4() && differing.checked_shr(beyond).unwrap_or(0) == 0
    }
}

pub(super) fn is_trusted(trusted: &[Network], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// Proxies add whom they were asked by at the end, so the last one who is not trusted is the client; what
/// stands before it is hearsay. A proxy that says nothing hides its clients.
pub(super) fn client_address(trusted: &[Network], peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
    let peer = peer.to_canonical();
    let is_trusted = |address| is_trusted(trusted, address);
    if !is_trusted(peer) {
        return ClientAddress { address: peer, is_limited: true };
    }
    let forwarded = forwarded(headers);
    // The last one we can't read is not trusted either, and tells us nothing.
    let client = match forwarded.iter().rev().find(|address| !address.is_some_and(is_trusted)) {
        Some(address) => *address,
        None => forwarded.first().copied().flatten(),
    };
    ClientAddress { address: client.unwrap_or(peer), is_limited: client.is_some() }
}

/// The chain of clients as the proxies tell it, in the first of the headers they use for it.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let entries = |name: &str| -> Vec<String> {
        let lines = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
        lines.flat_map(|line| line.split(',').map(|entry| entry.trim().to_owned()).collect::<Vec<_>>()).collect()
    };
    if headers.contains_key("x-forwarded-for") {
        entries("x-forwarded-for").iter().map(|entry| parse_address(entry)).collect()
    } else if headers.contains_key(header::FORWARDED) {
        entries("forwarded").iter().map(|entry| parse_address(forwarded_for(entry)?)).collect()
    } else {
        entries("x-real-ip").iter().map(|entry| parse_address(entry)).collect()
    }
}

/// The `for` of `for=192.0.2.1;proto=https`.
fn forwarded_for(entry: &str) -> Option<&str> {
    entry.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

/// With or without a port, with or without brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}
