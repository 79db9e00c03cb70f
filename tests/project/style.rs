//! `style/main.css`, which cargo-leptos serves, is its parts in the order of `style/order`.

use std::fs;
use std::path::Path;

#[test]
fn the_style_sheet_is_its_parts() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("style");
    let mut parts = String::new();
    for part in fs::read_to_string(folder.join("order"))?.lines() {
        parts.push_str(&fs::read_to_string(folder.join(part))?);
    }
    assert!(fs::read_to_string(folder.join("main.css"))? == parts, "style/main.css is old: run ./dev style");
    Ok(())
}
