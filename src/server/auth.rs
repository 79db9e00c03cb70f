//! Who may do what: one layer in front of pages, answers and streams alike.
//!
//! Until there are logins, it makes sure that what speaks to us is meant for us: a page of another site
//! can neither read nor write here, whatever name it resolves to our address.

mod headers;
mod host;
mod proxy;

pub use proxy::{Network, NotANetwork};

use super::problem::Problem;
use super::subscribers::ClientAddress;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use host::{Host, Origin};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Who is let in.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Names we are called by besides our own.
    pub allowed_hosts: Vec<String>,
    /// Proxies that are believed when they say for whom they speak.
    pub trusted_proxies: Vec<Network>,
    /// Everybody who reaches us may do everything.
    pub no_auth: bool,
    /// The machine's own name.
    pub own_name: String,
}

/// Why the server does not start to listen.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenRefused {
    #[error(
        "listening on {0} opens this machine's dashboard to everybody who can reach that address, without a login: \
         listen on 127.0.0.1 or [::1] instead, or add --no-auth if that is what you want"
    )]
    BeyondLoopback(IpAddr),
    #[error(
        "{0} is set, so requests from other machines are expected, and there is no login: \
         remove it, or add --no-auth if that is what you want"
    )]
    BehindProxy(&'static str),
}

impl Access {
    /// Without a login only this machine is let in, unless that was asked for.
    pub fn may_listen_on(&self, address: IpAddr) -> Result<(), ListenRefused> {
        if self.no_auth {
            Ok(())
        } else if !address.to_canonical().is_loopback() {
            Err(ListenRefused::BeyondLoopback(address))
        } else if !self.allowed_hosts.is_empty() {
            Err(ListenRefused::BehindProxy("allowed_hosts (--allow-host)"))
        } else if !self.trusted_proxies.is_empty() {
            Err(ListenRefused::BehindProxy("trusted_proxies"))
        } else {
            Ok(())
        }
    }

    /// Whether a peer is a proxy that may speak for others.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        proxy::is_trusted(&self.trusted_proxies, peer)
    }

    /// Where a request comes from, seen through the proxies that are trusted.
    pub fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        proxy::client_address(&self.trusted_proxies, peer, headers)
    }

    /// Whether a request is meant for us and comes from nowhere else than a page of ours, or from no page.
    pub fn check(&self, method: &Method, uri: &Uri, version: Version, headers: &HeaderMap) -> Result<(), Problem> {
        let host = self.own_host(uri, version, headers)?;
        let is_foreign = is_from_another_site(headers) || self.has_foreign_origin(headers, host.as_ref());
        if is_foreign && !is_navigation_to_a_page(method, uri, headers) {
            let detail = "this request comes from a page of another site, which may not read or change anything here";
            return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail));
        }
        Ok(())
    }

    /// The name we are called by; `None` for a request of HTTP/1.0 that names none.
    fn own_host(&self, uri: &Uri, version: Version, headers: &HeaderMap) -> Result<Option<Host>, Problem> {
        let mut lines = headers.get_all(header::HOST).iter();
        let host = match (uri.authority(), lines.next(), lines.next()) {
            (Some(authority), ..) => Host::parse(authority.as_str()),
            (None, Some(line), None) => line.to_str().ok().and_then(Host::parse),
            (None, None, _) if version < Version::HTTP_11 => return Ok(None),
            (None, ..) => None,
        };
        host.filter(|host| self.is_ours(host)).map(Some).ok_or_else(|| {
            let detail = "this server is not known by the name in the header Host; start it with --allow-host NAME \
                          (allowed_hosts in the configuration) to let it answer to that name";
            Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", detail)
        })
    }

    /// A proxy may have put its own name into `Host`; then what counts is that the browser calls the request one
    /// of the same origin, and that the origin bears a name of ours.
    fn has_foreign_origin(&self, headers: &HeaderMap, host: Option<&Host>) -> bool {
        let is_same = headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
        headers.get_all(header::ORIGIN).iter().any(|line| {
            let Some(origin) = line.to_str().ok().and_then(Origin::parse) else { return true };
            let is_of_host = host.is_some_and(|host| origin.is_of(host));
            !(is_of_host || is_same && self.is_ours(&origin.host))
        })
    }

    fn is_ours(&self, host: &Host) -> bool {
        let short_name = self.own_name.split('.').next().unwrap_or_default();
        let own = [self.own_name.as_str(), short_name, "localhost"];
        let mut names = own.into_iter().chain(self.allowed_hosts.iter().map(String::as_str));
        host.is_ip() || names.any(|name| host.is_called(name))
    }
}

/// The layer itself. What it refuses carries the same headers as what it lets through.
pub async fn guard(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    let checked = access.check(request.method(), request.uri(), request.version(), request.headers());
    let mut response = match checked {
        Ok(()) => {
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
            let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            let address = access.client_address(peer, request.headers());
            request.extensions_mut().insert(address);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    headers::harden(response.headers_mut());
    response
}

/// What browsers that know of it say themselves.
fn is_from_another_site(headers: &HeaderMap) -> bool {
    headers.get_all("sec-fetch-site").iter().any(|site| site != "same-origin" && site != "none")
}

/// A link in a chat or a mail must open.
fn is_navigation_to_a_page(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|said| said == value);
    let is_page = uri.path() != "/api" && !uri.path().starts_with("/api/");
    method == Method::GET && is_page && says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document")
}

#[cfg(test)]
mod tests;
