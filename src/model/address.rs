//! Text as it may stand in the query of an address.

/// What an address takes for something else, and what is not ASCII, is written in percent.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'~' | b'-' | b'/' | b':' | b'@' => {
                encoded.push(char::from(byte));
            }
            _ => {
                encoded.push('%');
                encoded.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
            }
        }
    }
    encoded
}

/// An address whose query says this of a field, or nothing; what stands behind a `#` is dropped.
pub fn with(address: &str, name: &str, value: Option<&str>) -> String {
    let address = address.split('#').next().unwrap_or_default();
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut changed = path.to_owned();
    let mut between = '?';
    let mut add = |field: &str, value: &str| {
        changed.push(between);
        changed.push_str(field);
        changed.push_str(value);
        between = '&';
    };
    for field in query.split('&') {
        if !field.is_empty() && field.split('=').next() != Some(name) {
            add(field, "");
        }
    }
    if let Some(value) = value {
        add(name, &format!("={}", encoded(value)));
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_set_changed_or_taken_out() {
        for (address, name, value, expected) in [
            ("/", "at", Some("5"), "/?at=5"),
            ("/?at=5", "at", None, "/"),
            ("http://a:3000/?from=1&to=2&at=3#main", "at", Some("4"), "http://a:3000/?from=1&to=2&at=4"),
            ("?at=3&from=1", "at", None, "?from=1"),
            ("/p?sort=cpu&", "search", Some("a&b #"), "/p?sort=cpu&search=a%26b%20%23"),
            ("/p?search=x&sort=cpu&search=y", "search", Some(""), "/p?sort=cpu&search="),
            ("?cat=1&at=2", "at", None, "?cat=1"),
            ("", "at", None, ""),
        ] {
            assert_eq!(with(address, name, value), expected, "{address}");
        }
    }

    #[test]
    fn only_what_means_itself_stays() {
        for (text, expected) in [
            ("", ""),
            ("fs./var:x@y", "fs./var:x@y"),
            ("a b&c=d+é", "a%20b%26c%3Dd%2B%C3%A9"),
            ("<%#?>", "%3C%25%23%3F%3E"),
        ] {
            assert_eq!(encoded(text), expected);
        }
    }
}
