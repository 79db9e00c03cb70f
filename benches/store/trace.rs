//! The recording of a real host's counters, made into what a sampler would have sampled there.

use flate2::read::GzDecoder;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use telltale::model::{Dimension, Family, Interval, Unit};

/// A column of the recording, or of a family: a value a row.
type Column = Vec<Option<f64>>;

pub(crate) struct Recording {
    /// Unix milliseconds on whole seconds, strictly increasing.
    pub(crate) t: Vec<i64>,
    pub(crate) families: Vec<RecordedFamily>,
}

pub(crate) struct RecordedFamily {
    pub(crate) id: String,
    pub(crate) unit: RecordedUnit,
    pub(crate) stacked: bool,
    pub(crate) dimensions: Vec<String>,
    /// One a dimension, each with a value for every instant; `None` where it can't be known.
    pub(crate) columns: Vec<Column>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordedUnit {
    Percent,
    Bytes,
    BytesPerSecond,
    PerSecond,
    Milliseconds,
    Count,
}

impl RecordedFamily {
    /// As a catalog has it.
    pub(crate) fn family(&self) -> Family {
        let unit = match self.unit {
            RecordedUnit::Percent => Unit::Percent,
            RecordedUnit::Bytes => Unit::Bytes,
            RecordedUnit::BytesPerSecond => Unit::BytesPerSecond,
            RecordedUnit::PerSecond => Unit::PerSecond,
            RecordedUnit::Milliseconds => Unit::Milliseconds,
            RecordedUnit::Count => Unit::Count,
        };
        let dimension = |id: &String| Dimension { id: id.as_str().into(), label: id.as_str().into(), unit: None };
        Family {
            stacked: self.stacked,
            dimensions: self.dimensions.iter().map(dimension).collect(),
            ..Family::new(&self.id, &self.id, unit, Interval::SECOND, &[])
        }
    }
}

pub(crate) fn read(path: &Path) -> Result<Recording, Box<dyn Error>> {
    let mut text = String::new();
    GzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
    parse(&text)
}

/// How a column's numbers become values.
#[derive(Clone, Copy)]
enum How {
    /// A gauge, times this.
    Gauge(f64),
    /// By how much a counter grew in a second, times this.
    Rate(f64),
    /// A counter of microseconds, as percent of the time that passed.
    Time,
    /// Its part of what all counters of the group grew by, in percent.
    Share,
}

/// Columns that belong together. The star in `family` and in `prefix` is the device, if there is one.
struct Case {
    family: &'static str,
    unit: RecordedUnit,
    how: How,
    prefix: &'static str,
    /// What follows the prefix; after a `=`, the dimension's name, where it is another.
    columns: &'static str,
}

/// A column of the recording as one of a case's.
struct Member<'a> {
    device: &'a str,
    dimension: &'static str,
    column: &'a Column,
}

const KIB: How = How::Gauge(1024.0);
const AS_IS: How = How::Gauge(1.0);
const PER_SECOND: How = How::Rate(1.0);
const SECTORS: How = How::Rate(512.0);

#[rustfmt::skip]
const CASES: &[Case] = {
    use RecordedUnit::{Bytes, BytesPerSecond, Count, Milliseconds, Percent, PerSecond};
    &[
        Case { family: "cpu*", unit: Percent, how: How::Share, prefix: "cpu*.", columns: "user nice system idle iowait irq softirq steal" },
        Case { family: "kernel", unit: PerSecond, how: PER_SECOND, prefix: "", columns: "intr ctxt processes softirq" },
        Case { family: "tasks", unit: Count, how: AS_IS, prefix: "procs_", columns: "running blocked" },
        Case { family: "load", unit: Count, how: AS_IS, prefix: "load.", columns: "0=load1 1=load5 2=load15" },
        Case { family: "memory.use", unit: Bytes, how: KIB, prefix: "mem.", columns: "MemTotal MemFree MemAvailable Buffers Cached AnonPages Mapped Shmem CommitLimit Committed_AS" },
        Case { family: "memory.lists", unit: Bytes, how: KIB, prefix: "mem.", columns: "Active Inactive Active(anon)=Active_anon Inactive(anon)=Inactive_anon Active(file)=Active_file Inactive(file)=Inactive_file Unevictable Mlocked" },
        Case { family: "memory.swap", unit: Bytes, how: KIB, prefix: "mem.", columns: "SwapCached SwapTotal SwapFree Zswap Zswapped" },
        Case { family: "memory.writing", unit: Bytes, how: KIB, prefix: "mem.", columns: "Dirty Writeback WritebackTmp NFS_Unstable Bounce" },
        Case { family: "memory.kernel", unit: Bytes, how: KIB, prefix: "mem.", columns: "KReclaimable Slab SReclaimable SUnreclaim KernelStack PageTables SecPageTables VmallocTotal VmallocUsed VmallocChunk Percpu Balloon" },
        Case { family: "memory.huge", unit: Bytes, how: KIB, prefix: "mem.", columns: "AnonHugePages ShmemHugePages ShmemPmdMapped FileHugePages FilePmdMapped Hugepagesize Hugetlb" },
        Case { family: "memory.huge.pages", unit: Count, how: AS_IS, prefix: "mem.HugePages_", columns: "Total Free Rsvd Surp" },
        Case { family: "memory.direct", unit: Bytes, how: KIB, prefix: "mem.DirectMap", columns: "4k 2M 1G" },
        Case { family: "disk.*.ops", unit: PerSecond, how: PER_SECOND, prefix: "disk.*.", columns: "0=reads 1=reads_merged 4=writes 5=writes_merged" },
        Case { family: "disk.*.io", unit: BytesPerSecond, how: SECTORS, prefix: "disk.*.", columns: "2=read 6=written" },
        Case { family: "disk.*.time", unit: Milliseconds, how: PER_SECOND, prefix: "disk.*.", columns: "3=reading 7=writing 9=busy 10=waiting" },
        Case { family: "disk.*.queue", unit: Count, how: AS_IS, prefix: "disk.*.", columns: "8=in_flight" },
        Case { family: "net.*.io", unit: BytesPerSecond, how: PER_SECOND, prefix: "net.*.", columns: "0=received 8=sent" },
        Case { family: "net.*.packets", unit: PerSecond, how: PER_SECOND, prefix: "net.*.", columns: "1=received 9=sent" },
        Case { family: "net.*.errors", unit: PerSecond, how: PER_SECOND, prefix: "net.*.", columns: "2=receive 3=receive_dropped 10=send 11=send_dropped" },
        Case { family: "pressure.*", unit: Percent, how: AS_IS, prefix: "psi.*.", columns: "some.avg10 some.avg60 some.avg300 full.avg10 full.avg60 full.avg300" },
        Case { family: "pressure.*", unit: Percent, how: How::Time, prefix: "psi.*.", columns: "some.total full.total" },
        Case { family: "vm.paging", unit: PerSecond, how: PER_SECOND, prefix: "vm.", columns: "pgpgin pgpgout pswpin pswpout pgfault pgmajfault oom_kill" },
        Case { family: "vm.steal", unit: PerSecond, how: PER_SECOND, prefix: "vm.pgsteal_", columns: "kswapd direct khugepaged proactive anon file" },
        Case { family: "vm.scan", unit: PerSecond, how: PER_SECOND, prefix: "vm.pgscan_", columns: "kswapd direct khugepaged proactive direct_throttle anon file" },
    ]
};

fn parse(text: &str) -> Result<Recording, Box<dyn Error>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().ok_or("the recording is empty")?.split(',').skip(1).collect();
    let (mut times, mut columns) = (Vec::<i64>::new(), vec![Column::new(); names.len()]);
    for line in lines {
        let (time, values) = line.split_once(',').ok_or_else(|| format!("not a row: {line}"))?;
        let time: i64 = time.parse()?;
        if times.last().is_some_and(|last| time.div_euclid(1_000) <= last.div_euclid(1_000)) {
            continue;
        }
        times.push(time);
        let mut values = values.split(',');
        columns.iter_mut().for_each(|column| column.push(values.next().and_then(|value| value.parse().ok())));
    }
    let mut families: Vec<RecordedFamily> = Vec::new();
    let mut unused = names.clone();
    for case in CASES {
        let named = names.iter().zip(&columns);
        let members: Vec<Member> = named.filter_map(|(name, column)| case.member(name, column)).collect();
        unused.retain(|name| case.member(name, &columns[0]).is_none());
        for group in members.chunk_by(|one, other| one.device == other.device) {
            let family = family(&mut families, case, case.family.replace('*', group[0].device));
            family.dimensions.extend(group.iter().map(|member| member.dimension.to_owned()));
            family.columns.extend(sampled(case, &times, group));
        }
    }
    if !unused.is_empty() {
        return Err(format!("no case for the columns {}", unused.join(" ")).into());
    }
    // What a counter grew by before the first row is unknown.
    let t = times.iter().skip(1).map(|time| time.div_euclid(1_000) * 1_000).collect();
    Ok(Recording { t, families })
}

/// The family of this id, which two cases may share.
fn family<'a>(families: &'a mut Vec<RecordedFamily>, case: &Case, id: String) -> &'a mut RecordedFamily {
    let at = families.iter().position(|family| family.id == id).unwrap_or_else(|| {
        let stacked = matches!(case.how, How::Share);
        families.push(RecordedFamily { id, unit: case.unit, stacked, dimensions: Vec::new(), columns: Vec::new() });
        families.len() - 1
    });
    &mut families[at]
}

impl Case {
    /// What a column is here, if it belongs here. Devices may have dots in their names.
    fn member<'a>(&self, name: &'a str, column: &'a Column) -> Option<Member<'a>> {
        let (start, end) = self.prefix.split_once('*').unwrap_or((self.prefix, ""));
        let rest = name.strip_prefix(start)?;
        self.columns.split(' ').find_map(|entry| {
            let (ending, dimension) = entry.split_once('=').unwrap_or((entry, entry));
            let device = rest.strip_suffix(ending)?.strip_suffix(end)?;
            (device.is_empty() || self.prefix.contains('*')).then_some(Member { device, dimension, column })
        })
    }
}

/// The values of all rows but the first.
fn sampled(case: &Case, times: &[i64], group: &[Member]) -> Vec<Column> {
    let growth = |column: &Column, row: usize| Some(column[row]? - column[row - 1]?).filter(|growth| *growth >= 0.0);
    let value = |column: &Column, row: usize| {
        let seconds = (times[row] - times[row - 1]) as f64 / 1_000.0;
        match case.how {
            How::Gauge(factor) => column[row].map(|value| value * factor),
            How::Rate(factor) => Some(growth(column, row)? / seconds * factor),
            How::Time => Some((growth(column, row)? / seconds / 10_000.0).min(100.0)),
            How::Share => {
                let all = group.iter().map(|member| growth(member.column, row)).sum::<Option<f64>>()?;
                growth(column, row).map(|growth| growth / all * 100.0).filter(|share| share.is_finite())
            }
        }
    };
    let scale = match case.unit {
        RecordedUnit::Bytes | RecordedUnit::BytesPerSecond => 1.0,
        _ => 100.0,
    };
    let rounded = |value: f64| (value * scale).round() / scale;
    let whole = |column: &Column| (1..times.len()).map(|row| value(column, row).map(rounded)).collect();
    group.iter().map(|member| whole(member.column)).collect()
}
