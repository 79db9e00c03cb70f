//! The edges between modules, as ARCHITECTURE.md draws them: any other `use` fails here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may use whom, below `crate::`.
const EDGES: [(&str, &[&str]); 6] = [
    ("model", &["model"]),
    ("chart", &["chart", "model"]),
    ("client", &["client", "chart", "model"]),
    ("ui", &["ui", "chart", "model"]),
    ("server", &["server", "model"]),
    ("cli", &["cli", "server", "model"]),
];

/// The named seams: one file that may do what its module may not.
const SEAMS: [(&str, &str); 3] = [
    // Where the views find what they show.
    ("ui/live.rs", "client"),
    // Where pages are rendered.
    ("server/pages.rs", "ui client chart"),
    // What they are made of where it is the past.
    ("server/pages/past.rs", "client chart"),
];

/// Inside `server` a stage uses only those before it.
const STAGES: [&str; 20] = [
    "meter",
    "problem",
    "negotiate",
    "query",
    "sampler",
    "processes",
    "forensics",
    "history",
    "hub",
    "subscribers",
    "sse",
    "shutdown",
    "auth",
    "base_path",
    "config",
    "assets",
    "api",
    "pages",
    "router",
    "serve",
];

fn sources() -> std::io::Result<BTreeMap<String, String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut sources) = (vec![root.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                sources.insert(name, fs::read_to_string(&path)?);
            }
        }
    }
    Ok(sources)
}

/// What follows each `crate::` in a source, as far as the next two names.
fn used(source: &str) -> impl Iterator<Item = (&str, &str)> {
    let name_end = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(move |rest| {
            let (first, rest) = rest.split_at(name_end(rest));
            let rest = rest.strip_prefix("::").unwrap_or_default();
            (first, &rest[..name_end(rest)])
        })
}

fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or(file)
}

#[test]
fn modules_use_only_what_they_may() -> std::io::Result<()> {
    let mut wrong = Vec::new();
    for (file, source) in sources()? {
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == module(&file)) else { continue };
        for (used, _) in used(&source) {
            let seam = SEAMS.iter().any(|(at, what)| *at == file && what.split(' ').any(|what| what == used));
            if !allowed.contains(&used) && !seam {
                wrong.push(format!("src/{file} uses crate::{used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "edges that ARCHITECTURE.md forbids:\n{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn a_stage_uses_only_stages_before_it() -> std::io::Result<()> {
    let rank = |stage: &str| STAGES.iter().position(|known| *known == stage);
    let mut wrong = Vec::new();
    for (file, source) in sources()?.iter().filter(|(file, _)| file.starts_with("server/")) {
        let Some(own) = file.split(['/', '.']).nth(1).and_then(rank) else { continue };
        let across = used(source).filter(|(first, _)| *first == "server").map(|(_, second)| second.to_owned());
        let above = source
            .split("super::")
            .skip(1)
            .filter(|_| file.matches('/').count() == 1)
            .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>());
        for stage in across.chain(above) {
            if rank(&stage).is_some_and(|other| other > own) {
                wrong.push(format!("src/{file} uses the later stage {stage}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn the_pure_modules_know_no_framework() -> std::io::Result<()> {
    let mut wrong = Vec::new();
    for (file, source) in sources()?.iter().filter(|(file, _)| matches!(module(file), "model" | "chart")) {
        for name in ["leptos", "tokio", "axum", "web_sys", "wasm_bindgen", "cfg(feature"] {
            if source.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| line.contains(name)) {
                wrong.push(format!("src/{file} mentions {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
