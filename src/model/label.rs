//! Names from the kernel and the network are hostile: here they become harmless text.

/// The longest id part and the longest label, in characters. A longer name keeps its beginning and a
/// digest of the whole, so that two long names stay apart.
const ID_LIMIT: usize = 64;
const TEXT_LIMIT: usize = 128;

/// A part of a family's or dimension's id: `[A-Za-z0-9_/:@+.-]` stay, everything else (control
/// characters, spaces, markup, bytes that are no UTF-8) becomes `_`. Where anything was replaced or cut, a
/// digest of the original follows, so that different names never share an id.
pub fn id_part(raw: &[u8]) -> String {
    let mut id: String = raw
        .iter()
        .take(ID_LIMIT)
        .map(|&byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'/' | b':' | b'@' | b'+' | b'-' | b'.' => {
                char::from(byte)
            }
            _ => '_',
        })
        .collect();
    if id.as_bytes() != raw {
        id.push_str(&format!("~{:08x}", digest(DIGEST_OF_NOTHING, raw)));
    }
    id
}

/// Text for people: control characters, bidirectional overrides and other invisible characters become
/// `\u{fffd}`, as do bytes that are no UTF-8; what is too long ends in an ellipsis. Markup is left as
/// it is: escaping is the business of whoever writes HTML or JSON.
pub fn text(raw: &[u8]) -> String {
    let decoded = String::from_utf8_lossy(raw);
    let mut shown: String = decoded.chars().take(TEXT_LIMIT).map(harmless).collect();
    if decoded.chars().nth(TEXT_LIMIT).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// The same for one character.
pub fn harmless(c: char) -> char {
    if is_harmless(c) { c } else { '\u{fffd}' }
}

fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// FNV-1a, 32 bits, of what `before` is of and these bytes: no secret, only a difference.
pub fn digest(before: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(before, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

pub const DIGEST_OF_NOTHING: u32 = 0x811c_9dc5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in ["sda", "nvme0n1", "eth0", "br-1a2b", "/", "/var/lib", "dm-0", "eth0:1", "eth0.100", "wg_home"] {
            assert_eq!(id_part(name.as_bytes()), name);
            assert_eq!(text(name.as_bytes()), name);
        }
    }

    #[test]
    fn hostile_names_become_harmless_and_stay_apart() {
        let long = vec![b'a'; 4096];
        let longer = vec![b'a'; 4097];
        let names: [&[u8]; 9] =
            [b"a\nb", b"a\rb", b"a\0b", b"<script>", b"a b", b"\xff\xfe", "\u{202e}evil".as_bytes(), &long, &longer];
        let ids: std::collections::BTreeSet<_> = names.iter().map(|name| id_part(name)).collect();
        assert_eq!(ids.len(), names.len(), "no two names share an id");
        for id in ids {
            assert!(id.len() <= ID_LIMIT + 9, "{id}");
            assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_/:@+.-~".contains(&b)), "{id}");
        }
        for name in names {
            let shown = text(name);
            assert!(shown.chars().count() <= TEXT_LIMIT && shown.chars().all(is_harmless), "{shown:?}");
        }
    }
}
