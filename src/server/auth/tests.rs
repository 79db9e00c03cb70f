use super::*;
use axum::http::{HeaderName, HeaderValue};
use std::str::FromStr;

fn access() -> Access {
    Access {
        allowed_hosts: vec!["Dash.Example.com".into(), "other.example:8443".into()],
        trusted_proxies: ["10.0.0.0/8", "127.0.0.1", "fd00::/8"].iter().flat_map(|text| text.parse()).collect(),
        no_auth: false,
        own_name: "Tower.lan".into(),
    }
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    lines
        .iter()
        .filter_map(|(name, value)| Some((HeaderName::from_str(name).ok()?, HeaderValue::from_str(value).ok()?)))
        .collect()
}

fn status(method: Method, path: &str, lines: &[(&str, &str)]) -> u16 {
    let uri = Uri::from_str(path).unwrap_or_default();
    let checked = access().check(&method, &uri, Version::HTTP_11, &headers(lines));
    checked.map_or_else(|problem| problem.status(), |()| 200)
}

#[test]
fn only_names_of_ours_are_answered_to() {
    for (host, expected) in [
        ("127.0.0.1:3000", 200),
        ("192.0.2.7", 200),
        ("[::1]:3000", 200),
        ("[2001:db8::1]", 200),
        ("localhost", 200),
        ("LocalHost.:3000", 200),
        ("tower.lan", 200),
        ("TOWER:3000", 200),
        ("dash.example.com", 200),
        ("dash.example.com.:443", 200),
        ("other.example", 200),
        ("evil.example", 421),
        ("dash.example.com.evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil.example:3000@127.0.0.1", 421),
        ("127.0.0.1.evil.example", 421),
        ("127.1", 421),
        ("[::1", 421),
        ("[::1]x", 421),
        ("localhost:x", 421),
        ("localhost:99999", 421),
        ("::1", 421),
        (".", 421),
        ("", 421),
    ] {
        assert_eq!(status(Method::GET, "/", &[("host", host)]), expected, "{host:?}");
    }
    assert_eq!(status(Method::GET, "/", &[]), 421, "HTTP/1.1 names a host");
    assert_eq!(status(Method::GET, "/", &[("host", "localhost"), ("host", "localhost")]), 421, "two hosts are none");
    assert_eq!(status(Method::GET, "http://evil.example/", &[("host", "localhost")]), 421, "the address wins");
    let old = access().check(&Method::GET, &Uri::default(), Version::HTTP_10, &HeaderMap::new());
    assert!(old.is_ok(), "HTTP/1.0 need not");
}

#[test]
fn pages_of_other_sites_are_kept_out_but_links_open() {
    const LINK: [(&str, &str); 2] = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let link = |site| [LINK[0], LINK[1], ("sec-fetch-site", site)];
    for (method, path, lines, expected) in [
        (Method::GET, "/", &[][..], 200),
        (Method::GET, "/api/v1/host", &[("sec-fetch-site", "same-origin")], 200),
        (Method::GET, "/api/v1/host", &[("sec-fetch-site", "none")], 200),
        (Method::GET, "/api/v1/host", &[("sec-fetch-site", "same-site")], 403),
        (Method::GET, "/api/v1/host", &[("sec-fetch-site", "cross-site")], 403),
        (Method::GET, "/", &[("sec-fetch-site", "cross-site")], 403),
        (Method::GET, "/", &link("cross-site"), 200),
        (Method::GET, "/processes?a=1", &link("same-site"), 200),
        (Method::POST, "/", &link("cross-site"), 403),
        (Method::GET, "/api/v1/stream", &link("cross-site"), 403),
        (Method::GET, "/api", &link("cross-site"), 403),
        (Method::GET, "/", &[LINK[0], ("sec-fetch-dest", "iframe"), ("sec-fetch-site", "cross-site")], 403),
        (Method::GET, "/api/v1/host", &[("origin", "http://localhost:3000")], 200),
        (Method::GET, "/api/v1/host", &[("origin", "https://localhost:3000")], 200),
        (Method::GET, "/api/v1/host", &[("origin", "http://LOCALHOST.:3000")], 200),
        (Method::GET, "/api/v1/host", &[("origin", "http://localhost")], 403),
        (Method::GET, "/api/v1/host", &[("origin", "http://localhost:3001")], 403),
        (Method::GET, "/api/v1/host", &[("origin", "http://127.0.0.1:3000")], 403),
        (Method::GET, "/api/v1/host", &[("origin", "http://evil.example")], 403),
        (Method::GET, "/api/v1/host", &[("origin", "null")], 403),
        (Method::POST, "/", &[("origin", "null")], 403),
        (Method::GET, "/api/v1/host", &[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")], 403),
    ] {
        let all = [&[("host", "localhost:3000")], lines].concat();
        assert_eq!(status(method.clone(), path, &all), expected, "{method} {path} {lines:?}");
    }
}

#[test]
fn ports_that_go_without_saying_are_compared() {
    for (host, origin, expected) in [
        ("dash.example.com", "https://dash.example.com", 200),
        ("dash.example.com:443", "https://dash.example.com", 200),
        ("dash.example.com", "http://dash.example.com:80", 200),
        ("dash.example.com", "https://dash.example.com:80", 403),
        ("[::1]:3000", "http://[::1]:3000", 200),
        ("[0:0::1]:3000", "http://[::1]:3000", 200),
    ] {
        assert_eq!(status(Method::POST, "/", &[("host", host), ("origin", origin)]), expected, "{host} {origin}");
    }
}

#[test]
fn clients_are_seen_through_trusted_proxies_only() {
    for (peer, lines, address, is_limited) in [
        ("192.0.2.1", &[("x-forwarded-for", "203.0.113.9")][..], "192.0.2.1", true),
        ("::ffff:192.0.2.1", &[], "192.0.2.1", true),
        ("127.0.0.1", &[], "127.0.0.1", false),
        ("::ffff:127.0.0.1", &[("x-forwarded-for", "203.0.113.9")], "203.0.113.9", true),
        ("127.0.0.1", &[("x-forwarded-for", "198.51.100.1, 203.0.113.9, 10.1.2.3")], "203.0.113.9", true),
        ("10.9.9.9", &[("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.9")], "203.0.113.9", true),
        ("127.0.0.1", &[("x-forwarded-for", "10.0.0.7, 10.0.0.8")], "10.0.0.7", true),
        ("127.0.0.1", &[("x-forwarded-for", "203.0.113.9:4711")], "203.0.113.9", true),
        ("127.0.0.1", &[("x-forwarded-for", "203.0.113.9, unknown")], "127.0.0.1", false),
        ("127.0.0.1", &[("x-forwarded-for", "")], "127.0.0.1", false),
        ("fd12::1", &[("forwarded", "for=198.51.100.1, For=\"[2001:db8::9]:80\";proto=https")], "2001:db8::9", true),
        ("127.0.0.1", &[("forwarded", "proto=https")], "127.0.0.1", false),
        ("127.0.0.1", &[("x-real-ip", "::ffff:203.0.113.9")], "203.0.113.9", true),
        (
            "127.0.0.1",
            &[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=198.51.100.1"), ("x-real-ip", "198.51.100.2")],
            "203.0.113.9",
            true,
        ),
    ] {
        let client = peer.parse().map(|peer| access().client_address(peer, &headers(lines)));
        let expected = address.parse().map(|address| ClientAddress { address, is_limited });
        assert_eq!(client, expected, "{peer} {lines:?}");
    }
}

#[test]
fn networks_are_read_and_compared_by_their_prefix() {
    for (network, address, expected) in [
        ("10.0.0.0/8", "10.255.0.1", Ok(true)),
        ("10.0.0.0/8", "11.0.0.1", Ok(false)),
        ("0.0.0.0/0", "203.0.113.9", Ok(true)),
        ("0.0.0.0/0", "2001:db8::1", Ok(false)),
        ("::/0", "2001:db8::1", Ok(true)),
        ("192.0.2.1/32", "192.0.2.1", Ok(true)),
        ("192.0.2.1", "192.0.2.2", Ok(false)),
        ("192.0.2.1", "::ffff:192.0.2.1", Ok(true)),
        ("10.0.0.0/33", "10.0.0.1", Err(NotANetwork)),
        ("proxy.lan", "10.0.0.1", Err(NotANetwork)),
        ("10.0.0.0/", "10.0.0.1", Err(NotANetwork)),
    ] {
        let contains = network.parse().map(|network: Network| address.parse().is_ok_and(|a| network.contains(a)));
        assert_eq!(contains, expected, "{network} {address}");
    }
}

#[test]
fn without_a_login_only_this_machine_is_let_in() {
    let closed = Access { own_name: "tower".into(), ..Access::default() };
    let named = Access { allowed_hosts: vec!["dash.example.com".into()], ..closed.clone() };
    let proxied = Access { trusted_proxies: "127.0.0.1".parse().into_iter().collect(), ..closed.clone() };
    let open = Access { no_auth: true, ..access() };
    for (access, address, is_allowed) in [
        (&closed, "127.0.0.1", true),
        (&closed, "127.5.5.5", true),
        (&closed, "::1", true),
        (&closed, "0.0.0.0", false),
        (&closed, "::", false),
        (&closed, "192.0.2.1", false),
        (&named, "127.0.0.1", false),
        (&proxied, "127.0.0.1", false),
        (&open, "0.0.0.0", true),
    ] {
        let refused = address.parse().map(|address| access.may_listen_on(address).err());
        assert_eq!(refused.as_ref().map(Option::is_none), Ok(is_allowed), "{address}");
        if let Ok(Some(refused)) = refused {
            assert!(refused.to_string().contains("--no-auth"), "{refused}");
        }
    }
}
