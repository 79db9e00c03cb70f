//! Puts the page into the release binary: reads the site folder that cargo-leptos filled just before,
//! compresses each file for good, gives the page's own files hashed names, and writes them as a table.

#[path = "src/server/assets/digest.rs"]
mod digest;

use digest::{digest, short};
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What cargo-leptos puts into the folder `pkg`; what else lies there is left over from another build.
const PAGE: [&str; 3] = ["pkg/telltale.js", "pkg/telltale.wasm", "pkg/telltale.css"];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/server/assets/digest.rs");
    println!("cargo::rerun-if-env-changed=LEPTOS_SITE_ROOT");
    println!("cargo::rustc-check-cfg=cfg(linux_depth)");
    let is_set = |name: &str, value: &str| env::var(name).is_ok_and(|set| set == value);
    if env::var_os("CARGO_FEATURE_SSR").is_none() || is_set("CARGO_CFG_TARGET_ARCH", "wasm32") {
        return Ok(());
    }

    if is_set("CARGO_CFG_TARGET_OS", "linux") && env::var_os("CARGO_FEATURE_PORTABLE").is_none() {
        println!("cargo::rustc-cfg=linux_depth");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let mut files = Vec::new();
    if is_set("PROFILE", "release") {
        let root = env::var_os("LEPTOS_SITE_ROOT").map_or_else(|| PathBuf::from("target/site"), PathBuf::from);
        println!("cargo::rerun-if-changed={}", root.display());
        if root.is_dir() {
            collect(&root, &root, &mut files)?;
        }
    }
    // The order of a folder's entries is nobody's promise; the same site must give the same binary.
    files.sort();
    fs::write(out.join("assets.rs"), table(&files, &out)?)?;
    Ok(())
}

/// A file of the site: its path there, with slashes, and what is in it.
type SiteFile = (String, Vec<u8>);

fn collect(root: &Path, folder: &Path, files: &mut Vec<SiteFile>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
            continue;
        }
        let name = path.strip_prefix(root)?.to_str().ok_or("a file of the site has a name that is not UTF-8")?;
        if is_served(name) {
            files.push((name.to_owned(), fs::read(&path)?));
        }
    }
    Ok(())
}

fn is_served(name: &str) -> bool {
    let is_hidden = name.split('/').any(|part| part.starts_with('.'));
    let is_left_over = name.starts_with("pkg/") && !name.starts_with("pkg/snippets/") && !PAGE.contains(&name);
    let is_compressed = name.ends_with(".br") || name.ends_with(".gz");
    !is_hidden && !is_left_over && !is_compressed
}

/// The Rust source of the table; the files themselves are put beside it.
fn table(files: &[SiteFile], out: &Path) -> Result<String> {
    let version = env::var("CARGO_PKG_VERSION")?;
    let whole = files.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]).chain([version.as_bytes()]);
    let mut table = String::new();
    writeln!(table, "pub(super) static PAGE_BUILD: &str = {:?};", short(digest(whole)))?;
    writeln!(table, "pub(super) static ASSETS: &[Asset] = &[")?;
    for (index, (name, bytes)) in files.iter().enumerate() {
        let tag = short(digest([bytes.as_slice()]));
        let is_hashed = PAGE.contains(&name.as_str());
        let path = match name.rsplit_once('.') {
            Some((stem, extension)) if is_hashed => format!("{stem}.{tag}.{extension}"),
            _ => name.clone(),
        };
        writeln!(table, "    Asset {{ name: {name:?}, path: {path:?}, tag: {tag:?}, hashed: {is_hashed},")?;
        for (field, ending, variant) in
            [("identity", "raw", Some(bytes.clone())), ("brotli", "br", brotli(bytes)?), ("gzip", "gz", gzip(bytes)?)]
        {
            let file = format!("asset-{index}.{ending}");
            let included = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\"))");
            match variant {
                Some(variant) => {
                    fs::write(out.join(&file), variant)?;
                    let value = if field == "identity" { included } else { format!("Some({included})") };
                    writeln!(table, "        {field}: {value},")?;
                }
                None => writeln!(table, "        {field}: None,")?,
            }
        }
        writeln!(table, "    }},")?;
    }
    writeln!(table, "];")?;
    Ok(table)
}

fn brotli(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    // Browsers refuse the large window, which is off by default.
    let parameters =
        brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: bytes.len(), ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters)?;
    Ok(smaller(compressed, bytes))
}

fn gzip(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(smaller(encoder.finish()?, bytes))
}

fn smaller(compressed: Vec<u8>, bytes: &[u8]) -> Option<Vec<u8>> {
    (compressed.len() < bytes.len()).then_some(compressed)
}
