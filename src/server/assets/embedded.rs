//! The files that the build script put into the binary: all of the page in a release build, none in others.

use super::{File, content_type};
use bytes::Bytes;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What the build script writes for each file.
#[derive(Debug)]
pub(super) struct Asset {
    /// As in the site folder.
    name: &'static str,
    /// As it is served: with a hash in the name where the name may change with what is in it.
    path: &'static str,
    tag: &'static str,
    hashed: bool,
    identity: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

pub(super) fn is_empty() -> bool {
    ASSETS.is_empty()
}

pub(super) fn link(name: &str) -> Option<String> {
    ASSETS.iter().find(|asset| asset.name == name).map(|asset| format!("./{}", asset.path))
}

pub(super) fn text(name: &str) -> Option<&'static str> {
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    std::str::from_utf8(asset.identity).ok()
}

pub(super) fn find(path: &str) -> Option<File> {
    ASSETS.iter().find(|asset| asset.path == path).map(Asset::file)
}

impl Asset {
    fn file(&self) -> File {
        File {
            content_type: content_type(self.path),
            cache_control: if self.hashed { "public, max-age=31536000, immutable" } else { "public, max-age=300" },
            tag: self.tag.to_owned(),
            identity: Bytes::from_static(self.identity),
            brotli: self.brotli.map(Bytes::from_static),
            gzip: self.gzip.map(Bytes::from_static),
        }
    }
}
