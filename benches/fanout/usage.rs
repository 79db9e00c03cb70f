//! What processes have used, as the kernel tells it.

use crate::Result;
use std::fs;

/// CPU time of all threads of these processes, in nanoseconds.
pub(crate) fn cpu_ns(processes: &[u32]) -> Result<u64> {
    let mut sum = 0;
    for process in processes {
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            // A thread may end while it is looked at.
            let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            sum += text.split(' ').next().ok_or("schedstat is empty")?.parse::<u64>()?;
        }
    }
    Ok(sum)
}

pub(crate) fn resident_bytes(processes: &[u32]) -> Result<u64> {
    let mut sum = 0;
    for process in processes {
        let text = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("the process has no memory")?;
        sum += line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024;
    }
    Ok(sum)
}

/// A process and its children.
pub(crate) fn family_of(process: u32) -> Result<Vec<u32>> {
    let text = fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
    let children: std::result::Result<Vec<u32>, _> = text.split_whitespace().map(str::parse).collect();
    Ok([vec![process], children?].concat())
}
