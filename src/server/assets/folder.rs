//! Files read from the site folder on each request, for those who work on the page.

use super::digest::{digest, short};
use super::{File, content_type};
use std::fs;
use std::path::{Path, PathBuf};

/// `path` is plain, so it names nothing outside the folder; a link that leads out of it is not followed.
pub(super) async fn find(folder: PathBuf, path: String) -> Option<File> {
    tokio::task::spawn_blocking(move || read(&folder, &path)).await.ok()?
}

fn read(folder: &Path, path: &str) -> Option<File> {
    let folder = folder.canonicalize().ok()?;
    let real = folder.join(path).canonicalize().ok()?;
    if !real.starts_with(&folder) || !real.is_file() {
        return None;
    }
    let bytes = fs::read(&real).ok()?;
    Some(File {
        content_type: content_type(path),
        cache_control: "no-cache",
        tag: short(digest([bytes.as_slice()])),
        identity: bytes.into(),
        brotli: None,
        gzip: None,
    })
}

pub(super) fn build(folder: &Path) -> String {
    let files = ["js", "wasm", "css"].map(|ending| fs::read(folder.join("pkg/telltale").with_extension(ending)));
    short(digest(files.iter().map(|file| file.as_deref().unwrap_or_default())))
}
