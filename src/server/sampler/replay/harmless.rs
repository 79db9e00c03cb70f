//! A recording comes from anywhere; its names are as hostile as the kernel's.

use super::header::Pace;
use crate::model::{Dimension, Family, HostFacts, Process, ProcessTable, label};
use crate::server::sampler::processes::MOST_PROCESSES;
use crate::server::sampler::processes::secrets::command_line;
use std::collections::HashSet;
use std::sync::Arc;

pub(super) fn host(host: HostFacts) -> HostFacts {
    let text = |text: String| label::text(text.as_bytes());
    HostFacts {
        name: text(host.name),
        os: host.os.map(text),
        kernel: host.kernel.map(text),
        architecture: text(host.architecture),
        cpu_model: host.cpu_model.map(text),
        ..host
    }
}

pub(super) fn family(family: Family, pace: Pace) -> Family {
    let dimensions = family.dimensions.into_iter().map(|dimension| Dimension {
        // A dot would part the series at the wrong place.
        id: id(&dimension.id, label::id_part).replace('.', "_").into(),
        label: label::text(dimension.label.as_bytes()).into(),
        unit: dimension.unit,
    });
    Family {
        id: id(&family.id, family_id).into(),
        title: label::text(family.title.as_bytes()).into(),
        interval_ms: pace.scale(family.interval_ms),
        dimensions: dimensions.collect(),
        ..family
    }
}

/// What the sampler itself would have written stays as it is: the digest it may end in is no part of a name.
fn id(id: &str, mend: impl Fn(&[u8]) -> String) -> String {
    const LONGEST: usize = 96;
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"_/:@+-.~".contains(&byte);
    if !id.is_empty() && id.len() <= LONGEST && id.bytes().all(is_harmless) {
        id.to_owned()
    } else {
        mend(id.as_bytes())
    }
}

/// Kind and end of a device's family stay, so that it is still known as one.
fn family_id(id: &[u8]) -> String {
    let first = id.iter().position(|&byte| byte == b'.');
    let last = id.iter().rposition(|&byte| byte == b'.');
    match (first, last) {
        (Some(first), Some(last)) if first < last => {
            let part = |bytes| label::id_part(bytes);
            format!("{}.{}.{}", part(&id[..first]), part(&id[first + 1..last]), part(&id[last + 1..]))
        }
        _ => label::id_part(id),
    }
}

/// `known` are the texts of the tables before: most of them come again.
pub(super) fn table(mut table: ProcessTable, known: &mut HashSet<Arc<str>>) -> ProcessTable {
    table.processes.truncate(MOST_PROCESSES);
    table.total = table.total.max(table.processes.len());
    for process in &mut table.processes {
        let Process { name, user, cpu_percent, arguments, .. } = process;
        *name = kept(label::text(name.as_bytes()), known);
        *user = user.take().map(|user| kept(label::text(user.as_bytes()), known));
        *arguments = arguments.take().map(|line| kept(command_line([line.as_bytes()]), known));
        *cpu_percent = cpu_percent.filter(|percent| *percent >= 0.0);
    }
    table
}

fn kept(text: String, known: &mut HashSet<Arc<str>>) -> Arc<str> {
    match known.get(text.as_str()) {
        Some(same) => Arc::clone(same),
        None => {
            let text: Arc<str> = text.into();
            known.insert(Arc::clone(&text));
            text
        }
    }
}
