//! Which names are those of secrets.

/// Wherever they stand in a name that is written without its separators.
const TELLING: [&str; 16] = [
    "accesskey",
    "accountkey",
    "apikey",
    "cookie",
    "credential",
    "encryptionkey",
    "masterkey",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "sharedkey",
    "signingkey",
    "token",
];

/// As one of the words of a name.
const WORDS: [&str; 7] = ["cred", "creds", "pass", "passin", "passout", "pgpass", "pw"];

/// As the end of a name.
const ENDS: [&str; 5] = ["auth", "authorization", "bearer", "pass", "pwd"];

/// What ends so and is no secret.
const HARMLESS: [&str; 5] = ["bypass", "compass", "noauth", "oldpwd", "pwd"];

/// At the end of a name to which something is assigned.
const WHEN_ASSIGNED: [&str; 5] = ["key", "keys", "sid", "sig", "signature"];

/// What names an option or a variable.
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The name of an option or variable, with its dashes or without.
pub(super) fn is_secret(name: &str) -> bool {
    let words = words(name);
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
    // Where a secret is, or that there is none, is no secret.
    if first == "no" || matches!(last.as_str(), "file" | "path" | "dir") {
        return false;
    }
    let whole = words.concat();
    TELLING.iter().any(|telling| whole.contains(telling))
        || words.iter().any(|word| WORDS.contains(&word.as_str()))
        || ENDS.iter().any(|end| whole.ends_with(end)) && !HARMLESS.contains(&whole.as_str())
}

/// `sort --key 2` sorts, `key=…` opens.
pub(super) fn is_secret_when_assigned(name: &str) -> bool {
    is_secret(name) || words(name).last().is_some_and(|last| WHEN_ASSIGNED.contains(&last.as_str()))
}

/// `--db-userPassword` is `db`, `user` and `password`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for byte in name.bytes() {
        let begins = !byte.is_ascii_alphanumeric() || byte.is_ascii_uppercase() && was_lower;
        if begins {
            words.push(String::new());
        }
        if let (true, Some(word)) = (byte.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        was_lower = byte.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known() {
        for (names, expected) in [
            ("--password -passin passwd DB_PASS MYSQL_PWD dbPassword keyStorePassword requirepass --pw", (true, true)),
            (
                "--token GITHUB_TOKEN accessToken x-auth-token --secret client_secret AWS_SECRET_ACCESS_KEY",
                (true, true),
            ),
            (
                "--api-key apikey APIKey api.key private_key --auth --basic-auth Authorization --masterauth",
                (true, true),
            ),
            ("--credentials creds Cookie", (true, true)),
            ("key --key license-key hostKeys sig X-Amz-Signature connect.sid", (false, true)),
            ("--password-file tokenPath --secrets-dir --no-auth --noauth --no-password PWD OLDPWD", (false, false)),
            (
                "--author --authority --auth-type --keyring --monkey --bypass --port -p --compass path user",
                (false, false),
            ),
            ("", (false, false)),
        ] {
            for name in names.split(" ") {
                assert_eq!((is_secret(name), is_secret_when_assigned(name)), expected, "{name}");
            }
        }
    }
}
