//! Command lines without their secrets: what looks like one is blanked, and what is not sure to be none as well.
//! Pure.

mod names;
mod shapes;

use crate::model::label;
use names::{is_secret, is_secret_when_assigned};
use shapes::{without_password, without_tokens};

const BLANK: &str = "***";

/// The longest line, in bytes.
const LONGEST: usize = 512;

/// Programs, by the beginning of their names, and which of their short options is followed by a secret, with
/// or without a space between.
const PROGRAMS: [(&str, &str); 21] = [
    ("7z", "-p"),
    ("ipmitool", "-P"),
    ("ldap", "-w"),
    ("mariadb", "-p"),
    ("mongo", "-p"),
    ("mosquitto_", "-P"),
    ("mysql", "-p"),
    ("openssl", "-k"),
    ("openssl", "-K"),
    ("rdesktop", "-p"),
    ("redis-", "-a"),
    ("snmp", "-A"),
    ("snmp", "-X"),
    ("snmp", "-c"),
    ("sqlcmd", "-P"),
    ("sshpass", "-p"),
    ("tigervnc", "-p"),
    ("unzip", "-P"),
    ("useradd", "-p"),
    ("usermod", "-p"),
    ("zip", "-P"),
];

/// Options whose value is `NAME:SECRET` or `NAME%SECRET`.
const PAIRS: [&str; 4] = ["-u", "-U", "--user", "--proxy-user"];

/// The arguments on one line.
pub fn command_line<'a>(arguments: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut blanker = Blanker::default();
    for argument in arguments {
        blanker.argument(&String::from_utf8_lossy(argument));
        if blanker.line.len() > LONGEST {
            break;
        }
    }
    shortened(blanker.line.chars().map(|c| if c.is_whitespace() { ' ' } else { label::harmless(c) }).collect())
}

fn shortened(mut line: String) -> String {
    const ELLIPSIS: char = '…';
    if line.len() > LONGEST {
        let mut end = LONGEST - ELLIPSIS.len_utf8();
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push(ELLIPSIS);
    }
    line
}

#[derive(Default)]
struct Blanker {
    line: String,
    next: Next,
    /// Short options of the programs named so far.
    options: Vec<&'static str>,
}

/// What is expected next.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Anything,
    Secret,
    Pair,
}

impl Blanker {
    /// An argument may be a command line itself, as in `sh -c`, or all of one, where a process wrote its own title.
    fn argument(&mut self, argument: &str) {
        if self.is_secret(argument) {
            return self.push(BLANK);
        }
        let (argument, has_key) = match argument.split_once("-----BEGIN") {
            Some((before, _)) => (before, true),
            None => (argument, false),
        };
        match assignment(argument).filter(|(start, _)| is_at_start(argument, *start)) {
            // Its value may hold spaces: all of it is the secret.
            Some((_, end)) => self.push_assigned(argument, end),
            None => words(argument).into_iter().for_each(|word| self.word(word)),
        }
        if has_key {
            self.push(BLANK);
        }
    }

    fn word(&mut self, word: &str) {
        if self.is_secret(word) {
            return self.push(BLANK);
        }
        let next = std::mem::take(&mut self.next);
        let plain = word.trim_matches(['"', '\'']);
        if let Some(option) = self.options.iter().find(|option| plain.starts_with(**option)) {
            if plain == *option {
                self.next = Next::Secret;
                return self.push(word);
            }
            return self.push(&format!("{option}{BLANK}"));
        }
        self.note_program(plain);
        if PAIRS.contains(&plain) {
            self.next = Next::Pair;
            return self.push(word);
        }
        let is_option = plain.starts_with('-') && plain.bytes().all(names::is_name_byte);
        if is_scheme(plain) || is_option && is_secret(plain) {
            self.next = Next::Secret;
            return self.push(word);
        }
        if (next == Next::Pair || PAIRS.iter().any(|pair| word.starts_with(pair)))
            && let Some(colon) = word.find([':', '%'])
        {
            return self.push(&format!("{}{BLANK}", &word[..=colon]));
        }
        let word = without_password(word);
        match assignment(&word) {
            Some((_, end)) => self.push_assigned(&word, end),
            None => self.push(&without_tokens(&word)),
        }
    }

    /// Whether this is the secret that was expected. What names the scheme of a secret comes before it.
    fn is_secret(&mut self, text: &str) -> bool {
        let is_secret = self.next == Next::Secret && !is_option(text);
        if is_secret && !is_scheme(text) {
            self.next = Next::Anything;
        }
        is_secret
    }

    /// A name and what is assigned to it, which begins at `end`; where nothing is, it comes next.
    fn push_assigned(&mut self, text: &str, end: usize) {
        let (name, value) = text.split_at(end);
        if value.trim_matches([' ', '"', '\'']).is_empty() {
            self.next = Next::Secret;
            self.push(&without_tokens(name));
        } else {
            self.push(&format!("{}{BLANK}", without_tokens(name)));
        }
    }

    fn note_program(&mut self, word: &str) {
        let name = word.rsplit('/').next().unwrap_or(word);
        let options = PROGRAMS.iter().filter(|(program, _)| name.starts_with(program)).map(|(_, option)| *option);
        self.options.extend(options);
        self.options.dedup();
    }

    fn push(&mut self, text: &str) {
        if !self.line.is_empty() {
            self.line.push(' ');
        }
        self.line.push_str(text);
    }
}

/// `--verbose`, `-v`, `-Dname=value`, but not `-5ecret`.
fn is_option(text: &str) -> bool {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    match text.as_bytes() {
        [b'-', b'-', rest @ ..] => is_letter(rest.first()),
        [b'-', rest @ ..] => is_letter(rest.first()) && (rest.len() == 1 || rest.contains(&b'=')),
        _ => false,
    }
}

/// The word before a secret in a header.
fn is_scheme(text: &str) -> bool {
    ["bearer", "basic"].iter().any(|scheme| text.trim_matches(['"', '\'']).eq_ignore_ascii_case(scheme))
}

/// Where the first name stands to which a secret is assigned, and where the secret begins.
fn assignment(text: &str) -> Option<(usize, usize)> {
    text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'=' | b':')).find_map(|(sign, byte)| {
        let before = text[..sign].trim_end_matches([' ', '"', '\'', '\\']);
        let start = before.bytes().rposition(|byte| !names::is_name_byte(byte)).map_or(0, |last| last + 1);
        let name = &before[start..];
        let is_found = match byte {
            b'=' => is_secret_when_assigned(name),
            _ => is_secret(name) && !text[sign..].starts_with("://"),
        };
        is_found.then_some((start, sign + 1))
    })
}

fn is_at_start(text: &str, start: usize) -> bool {
    text[..start].trim_matches(|c: char| c.is_whitespace() || ['"', '\''].contains(&c)).is_empty()
}

/// What stands between blanks. A quotation is one word, with what it is glued to.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut start, mut quote, mut last) = (Vec::new(), None, None, ' ');
    for (index, c) in text.char_indices() {
        if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && c.is_whitespace() {
            words.extend(start.take().map(|start| &text[start..index]));
        } else {
            start.get_or_insert(index);
            // An apostrophe inside a word, or one that is never closed, quotes nothing.
            let opens = matches!(c, '"' | '\'') && !last.is_alphanumeric();
            if quote.is_none() && opens && text[index + 1..].contains(c) {
                quote = Some(c);
            }
        }
        last = c;
    }
    words.extend(start.map(|start| &text[start..]));
    words
}

#[cfg(test)]
mod tests;
