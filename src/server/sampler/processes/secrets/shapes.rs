//! Secrets that are known by how they look, whatever stands before them.

use super::BLANK;

/// How tokens of known makers begin.
const BEGINNINGS: [&str; 22] = [
    "AIza",
    "AKIA",
    "ASIA",
    "SG.",
    "dop_v1_",
    "eyJ",
    "gho_",
    "ghp_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hvs.",
    "npm_",
    "pypi-",
    "rk_live_",
    "rk_test_",
    "sk-",
    "sk_live_",
    "sk_test_",
    "xox",
];

/// A token of a known maker has at least so many characters.
const SHORTEST_KNOWN: usize = 16;

/// A random text that is long enough to be a secret.
const SHORTEST: usize = 32;

/// `scheme://user:password@host`, also without the scheme. The last `@` counts: a password may hold others.
pub(super) fn without_password(word: &str) -> String {
    let blanked = word.rfind('@').and_then(|at| {
        let before = &word[..at];
        let scheme = before.find("://").map(|scheme| scheme + 3);
        let begin = scheme.or_else(|| before.find('=').map(|sign| sign + 1)).unwrap_or(0);
        let colon = begin + before[begin..].find(':')?;
        (colon + 1 < at).then(|| format!("{}{BLANK}{}", &word[..=colon], &word[at..]))
    });
    blanked.unwrap_or_else(|| word.to_owned())
}

/// Each run of characters that tokens are made of is looked at for itself.
pub(super) fn without_tokens(word: &str) -> String {
    if is_base64(word.trim_matches(['"', '\''])) {
        return BLANK.to_owned();
    }
    // A digest in a path is a place, not a secret.
    let is_path = word.starts_with('/');
    let mut clean = String::with_capacity(word.len());
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_token_char(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let is_token = is_known(run.trim_start_matches('-')) || !is_path && is_random(run);
        clean.push_str(if is_token { BLANK } else { run });
        let separator = after.chars().next().map_or(0, char::len_utf8);
        clean.push_str(&after[..separator]);
        rest = &after[separator..];
    }
    clean
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+')
}

fn is_known(run: &str) -> bool {
    run.len() >= SHORTEST_KNOWN && digits(run) > 0 && BEGINNINGS.iter().any(|beginning| run.starts_with(beginning))
}

/// Letters and digits that are no words: many of both without a break, or all kinds mixed.
fn is_random(run: &str) -> bool {
    let pieces = || run.split(|c: char| !c.is_ascii_alphanumeric());
    pieces().any(|piece| piece.len() >= SHORTEST && digits(piece) >= 4 && piece.len() - digits(piece) >= 4)
        || run.len() >= SHORTEST && pieces().any(|piece| piece.len() >= SHORTEST / 2 && has_all_kinds(piece))
}

/// A word that is nothing but base64.
fn is_base64(word: &str) -> bool {
    let text = word.trim_end_matches('=');
    text.len() >= SHORTEST
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-'))
        && !text.starts_with(['/', '-'])
        && has_all_kinds(text)
}

fn has_all_kinds(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}
