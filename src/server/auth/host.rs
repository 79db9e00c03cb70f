//! The name in `Host` and in `Origin`, read strictly: what is not clearly a name or an address is neither.

use std::net::{Ipv4Addr, Ipv6Addr};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// In lower case, without the dot at the end and without brackets.
    name: String,
    port: Option<u16>,
    is_ip: bool,
}

/// Where a page comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) host: Host,
    /// The port of an address that names none.
    default_port: u16,
}

impl Host {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, port, is_ip) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                let address: Ipv6Addr = address.parse().ok()?;
                (address.to_string(), port, true)
            }
            None => {
                let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                let name = without_dot(name).to_ascii_lowercase();
                let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
                if name.is_empty() || !is_plain {
                    return None;
                }
                let is_ip = name.parse::<Ipv4Addr>().is_ok();
                (name, port, is_ip)
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
        };
        Some(Self { name, port, is_ip })
    }

    pub(super) fn is_ip(&self) -> bool {
        self.is_ip
    }

    /// `name` as people write it into a configuration, a port and a dot at the end included.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        !name.is_empty() && self.name.eq_ignore_ascii_case(without_dot(name))
    }
}

impl Origin {
    /// `null` and everything that is no page of the web is no origin of anybody.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, host) = text.split_once("://")?;
        let default_port = match scheme.to_ascii_lowercase().as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        Some(Self { host: Host::parse(host)?, default_port })
    }

    /// Whether a page from here is one of `host`. The scheme is the proxy's business: behind one that
    /// speaks TLS we are asked in plain HTTP.
    pub(super) fn is_of(&self, host: &Host) -> bool {
        let port = |host: &Host| host.port.unwrap_or(self.default_port);
        self.host.name == host.name && port(&self.host) == port(host)
    }
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
