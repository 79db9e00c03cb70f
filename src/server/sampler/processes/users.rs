//! Who a user number is, as the file of users says.

use crate::model::label;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// Of a longer file the rest is left unread.
const LONGEST_FILE: u64 = 1024 * 1024;

#[derive(Debug)]
pub struct Users {
    file: PathBuf,
    changed: Option<SystemTime>,
    /// Also those without a name that were asked for.
    names: HashMap<u32, Arc<str>>,
}

impl Users {
    pub fn new(file: PathBuf) -> Self {
        Self { file, changed: None, names: HashMap::new() }
    }

    /// Reads the file again if it changed.
    pub fn refresh(&mut self) {
        let changed = self.file.metadata().and_then(|metadata| metadata.modified()).ok();
        if changed == self.changed && changed.is_some() {
            return;
        }
        self.changed = changed;
        let mut text = Vec::new();
        // What can't be read names nobody: numbers are shown then.
        let _ = File::open(&self.file).map(|file| file.take(LONGEST_FILE).read_to_end(&mut text));
        self.names = names(&text);
    }

    /// The name, or the number where it has none.
    pub fn name(&mut self, number: u32) -> Arc<str> {
        Arc::clone(self.names.entry(number).or_insert_with(|| number.to_string().into()))
    }

    pub fn forget(&mut self) {
        (self.changed, self.names) = (None, HashMap::new());
    }
}

/// The users of a file with lines such as `www-data:x:33:33:…`.
pub fn users(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    text.split(|&byte| byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|&byte| byte == b':');
        let (name, number) = (fields.next()?, std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?);
        (!name.is_empty()).then_some((number, name))
    })
}

/// Of several names of a number the first one counts.
fn names(text: &[u8]) -> HashMap<u32, Arc<str>> {
    let mut names = HashMap::new();
    for (number, name) in users(text) {
        names.entry(number).or_insert_with(|| label::text(name).into());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_names_as_the_file_says() {
        let text =
            b"root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:\n\n:x:5:5\nbroken\n<b>\x1b:x:7:7\nx:y:-1:0\nann:x:1000";
        let names = names(text);
        for (number, expected) in [(0, Some("root")), (5, None), (7, Some("<b>\u{fffd}")), (1_000, Some("ann"))] {
            assert_eq!(names.get(&number).map(|name| &**name), expected, "{number}");
        }
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn a_file_that_changes_is_read_again() -> std::io::Result<()> {
        let file = std::env::temp_dir().join(format!("telltale-passwd-{}", std::process::id()));
        let mut users = Users::new(file.clone());
        users.refresh();
        assert_eq!(&*users.name(33), "33", "there is no such file");
        for (second, text, expected) in [(1, "www:x:33:33", "www"), (2, "web:x:33:33", "web"), (2, "x:x:33:33", "web")]
        {
            std::fs::write(&file, text)?;
            let changed = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second);
            File::options().write(true).open(&file)?.set_modified(changed)?;
            users.refresh();
            assert_eq!(&*users.name(33), expected);
        }
        std::fs::remove_file(&file)
    }
}
