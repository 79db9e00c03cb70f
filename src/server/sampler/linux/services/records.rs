//! Names of containers and users, from the files that container engines and the system keep of them. Nobody's
//! daemon is asked: what Telltale may not read it does without.

use crate::server::sampler::linux::Roots;
use crate::server::sampler::processes::users;
use rustix::fs::{Mode, OFlags};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What is longer is cut off, and then most likely understood no more.
const LONGEST: u64 = 8 * 1024 * 1024;
const MOST_LOGS: usize = 16_384;

/// The name of a container of Docker.
pub fn docker(roots: &Roots, id: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Record {
        #[serde(rename = "Name")]
        name: String,
    }
    let text = contents(&roots.other(&format!("var/lib/docker/containers/{id}/config.v2.json")))?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    let name = record.name.trim_start_matches('/');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Names of Podman's containers by their ids.
pub fn podman(roots: &Roots) -> HashMap<String, String> {
    #[derive(Deserialize)]
    struct Record {
        id: String,
        names: Option<Vec<String>>,
    }
    let text = contents(&roots.other("var/lib/containers/storage/overlay-containers/containers.json"));
    let records: Vec<Record> = text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let named = |record: Record| Some((record.id, record.names?.into_iter().find(|name| !name.is_empty())?));
    records.into_iter().filter_map(named).collect()
}

/// Names of containers of Kubernetes by their ids, as `namespace/pod/container`: from the names of their logs,
/// `<pod>_<namespace>_<container>-<id>.log`.
pub fn kubernetes(roots: &Roots) -> HashMap<String, String> {
    let logs = std::fs::read_dir(roots.other("var/log/containers")).into_iter().flatten();
    let named = |log: std::fs::DirEntry| {
        let name = log.file_name().into_string().ok()?;
        let (names, id) = name.strip_suffix(".log")?.rsplit_once('-')?;
        let mut names = names.splitn(3, '_');
        let (pod, namespace, container) = (names.next()?, names.next()?, names.next()?);
        Some((id.to_owned(), format!("{namespace}/{pod}/{container}")))
    };
    logs.take(MOST_LOGS).flatten().filter_map(named).collect()
}

/// Names of users by their numbers.
pub fn users(roots: &Roots) -> HashMap<u32, Vec<u8>> {
    let table = contents(&roots.other("etc/passwd")).unwrap_or_default();
    let mut users = HashMap::new();
    for (number, name) in users::users(&table) {
        users.entry(number).or_insert_with(|| name.to_vec());
    }
    users
}

/// Of an ordinary file and nothing that could be waited for.
fn contents(path: &Path) -> Option<Vec<u8>> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let file = File::from(file);
    let mut contents = Vec::new();
    let is_file = file.metadata().ok()?.is_file();
    (is_file && file.take(LONGEST).read_to_end(&mut contents).is_ok()).then_some(contents)
}
