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

#[cfg(test)]
mod tests {
    use super::*;

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
