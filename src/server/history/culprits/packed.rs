//! Entries as bytes: each process once, then who was how heavy when; deflated, with a checksum behind.

use crate::model::{Culprits, Interval, Process, UnixMs};
use crate::server::history::bytes::{Damaged, Reader, put, put_part, put_signed, seal, unseal};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;

/// An hour of seconds is far smaller.
const MOST_BYTES: u64 = 64 << 20;

/// The figures of a process in an entry, and what tells it from others, are at least so many bytes.
const LEAST_FIGURES: usize = 6;
const LEAST_IDENTITY: usize = 4;

/// Who a process is: the same for as long as it lives.
type Identity<'a> = (u32, &'a str, Option<&'a str>, Option<UnixMs>);

pub(super) fn encode<'a>(entries: impl IntoIterator<Item = &'a Culprits>) -> Vec<u8> {
    let (mut known, mut identities, mut figures) = (HashMap::new(), Vec::new(), Vec::new());
    let (mut count, mut before) = (0, 0);
    for entry in entries {
        count += 1;
        put_signed(&mut figures, entry.at.0.wrapping_sub(before));
        before = entry.at.0;
        put(&mut figures, entry.processes.len() as u64);
        for process in &entry.processes {
            let next = known.len() as u64;
            let number = *known.entry(identity(process)).or_insert_with(|| {
                put_identity(&mut identities, process);
                next
            });
            put(&mut figures, number);
            put_figures(&mut figures, process);
        }
    }
    let mut plain = Vec::new();
    put(&mut plain, known.len() as u64);
    plain.extend(identities);
    put(&mut plain, count);
    plain.extend(figures);
    let mut bytes = deflate(&plain);
    seal(&mut bytes);
    bytes
}

/// All entries span the same time.
pub(super) fn decode(bytes: &[u8], span_ms: Interval) -> Result<Vec<Culprits>, Damaged> {
    let plain = inflate(unseal(bytes)?)?;
    let mut reader = Reader(&plain);
    let count = reader.count(LEAST_IDENTITY)?;
    let identities = (0..count).map(|_| read_identity(&mut reader)).collect::<Result<Vec<_>, _>>()?;
    let count = reader.count(2)?;
    let mut before = 0_i64;
    let entry = |_| {
        before = before.wrapping_add(reader.signed()?);
        let count = reader.count(LEAST_FIGURES)?;
        let processes = (0..count).map(|_| read_figures(&mut reader, &identities)).collect::<Result<_, _>>()?;
        Ok(Culprits { at: UnixMs(before), span_ms, processes })
    };
    (0..count).map(entry).collect()
}

fn identity(process: &Process) -> Identity<'_> {
    (process.pid, &process.name, process.user.as_deref(), process.started_at)
}

fn put_identity(to: &mut Vec<u8>, process: &Process) {
    put(to, u64::from(process.pid));
    put_part(to, process.name.as_bytes());
    put(to, u64::from(process.user.is_some()));
    process.user.iter().for_each(|user| put_part(to, user.as_bytes()));
    put(to, u64::from(process.started_at.is_some()));
    process.started_at.iter().for_each(|at| put_signed(to, at.0));
}

fn read_identity(reader: &mut Reader<'_>) -> Result<Process, Damaged> {
    let pid = u32::try_from(reader.number()?).map_err(|_| Damaged)?;
    let name = read_text(reader)?;
    let user = if reader.at_most(1)? == 1 { Some(read_text(reader)?) } else { None };
    let started_at = if reader.at_most(1)? == 1 { Some(UnixMs(reader.signed()?)) } else { None };
    Ok(Process { pid, name, user, started_at, ..Process::default() })
}

fn read_text(reader: &mut Reader<'_>) -> Result<Arc<str>, Damaged> {
    std::str::from_utf8(reader.part()?.0).map(Arc::from).map_err(|_| Damaged)
}

/// CPU in tenths of a percent, as it is scanned; what could not be read is zero, and everything else one more.
fn put_figures(to: &mut Vec<u8>, process: &Process) {
    let tenths = process.cpu_percent.map(|percent| (percent * 10.0).round() as u64);
    let figures = [
        tenths,
        process.memory_bytes,
        process.read_bytes_per_s,
        process.written_bytes_per_s,
        process.threads.map(u64::from),
    ];
    figures.iter().for_each(|figure| put(to, figure.map_or(0, |figure| figure.saturating_add(1))));
}

fn read_figures(reader: &mut Reader<'_>, identities: &[Process]) -> Result<Process, Damaged> {
    let process = identities.get(reader.at_most(usize::MAX)?).ok_or(Damaged)?;
    let mut figure = || Ok(reader.number()?.checked_sub(1));
    Ok(Process {
        cpu_percent: figure()?.map(|tenths| tenths as f64 / 10.0),
        memory_bytes: figure()?,
        read_bytes_per_s: figure()?,
        written_bytes_per_s: figure()?,
        threads: figure()?.map(|threads| u32::try_from(threads).map_err(|_| Damaged)).transpose()?,
        ..process.clone()
    })
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    // Memory takes whatever is written to it.
    drop(packer.write_all(plain));
    packer.finish().unwrap_or_default()
}

fn inflate(packed: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut plain = Vec::new();
    DeflateDecoder::new(packed).take(MOST_BYTES).read_to_end(&mut plain).map_err(|_| Damaged)?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn process() -> impl Strategy<Value = Process> {
        let optional = || prop::option::of(0_u64..1 << 50);
        let who = (0_u32..20, "[a-zä ]{0,9}", prop::option::of("[a-z]{1,4}"), prop::option::of(any::<i64>()));
        let figures =
            (prop::option::of(0_u32..99_999), optional(), optional(), optional(), prop::option::of(0_u32..99));
        (who, figures).prop_map(|((pid, name, user, started), (tenths, memory, read, written, threads))| Process {
            pid,
            name: name.into(),
            user: user.map(Into::into),
            started_at: started.map(UnixMs),
            cpu_percent: tenths.map(|tenths| f64::from(tenths) / 10.0),
            memory_bytes: memory,
            read_bytes_per_s: read,
            written_bytes_per_s: written,
            threads,
            arguments: None,
        })
    }

    proptest! {
        #[test]
        fn entries_read_back_and_damage_is_noticed(
            entries in prop::collection::vec((any::<i64>(), prop::collection::vec(process(), 0..9)), 0..9),
            bit in any::<usize>(),
        ) {
            let span_ms = Interval::SECOND;
            let entries: Vec<Culprits> =
                entries.into_iter().map(|(at, processes)| Culprits { at: UnixMs(at), span_ms, processes }).collect();
            let mut bytes = encode(&entries);
            prop_assert_eq!(decode(&bytes, span_ms), Ok(entries));
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(decode(&bytes, span_ms), Err(Damaged));
        }

        #[test]
        fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), is_deflated in any::<bool>()) {
            if is_deflated {
                bytes = deflate(&bytes);
            }
            seal(&mut bytes);
            drop(decode(&bytes, Interval::SECOND));
        }
    }
}
