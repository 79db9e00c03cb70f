//! The same rows in other databases, and what they weigh there when all is flushed and merged.
//! `apt-get install` brings both; without one, its function says so.

use serde_json::{Value, json};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// So many rows in a line of an import: the length of lines is limited.
const ROWS_A_LINE: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);

pub(crate) struct SeriesRows {
    /// For example `cpu.user`.
    pub(crate) name: String,
    /// Unix milliseconds and values, in order of time.
    pub(crate) rows: Vec<(i64, f64)>,
}

/// Bytes of files that stay.
pub(crate) struct Weight {
    pub(crate) all: u64,
    /// Without indexes of series and without caches: times and values, and what finds them in their files.
    pub(crate) data: u64,
}

/// Each month's partition is merged into one part, as it would be when the month is over. Note that repeated rows weigh
/// little there: blocks of up to 8192 rows of a series are packed by zstd.
pub(crate) fn victoria_metrics(series: &[SeriesRows], folder: &Path) -> Result<Weight, Box<dyn Error>> {
    let storage = folder.join("victoria-metrics");
    let (mut server, address) = start(&storage)?;
    for series in series {
        for rows in series.rows.chunks(ROWS_A_LINE) {
            let (times, values): (Vec<i64>, Vec<f64>) = rows.iter().copied().unzip();
            let line = json!({ "metric": { "__name__": series.name }, "timestamps": times, "values": values });
            request(address, "POST", "/api/v1/import", &line.to_string())?;
        }
    }
    request(address, "GET", "/internal/force_flush", "")?;
    wait_until("VictoriaMetrics merged its parts", || is_merged(address, &storage))?;
    let stored = stored_by_victoria_metrics(address, series)?;
    stop(&mut server)?;
    same(sent(series), stored)?;
    let [small, big] = ["small", "big"].map(|size| weigh(&storage.join("data").join(size), &|_| true));
    Ok(Weight { all: weigh(&storage, &|_| true)?, data: small? + big? })
}

/// Blocks of two hours, as Prometheus writes them; the log it would keep beside them is not counted.
pub(crate) fn prometheus(series: &[SeriesRows], folder: &Path) -> Result<Weight, Box<dyn Error>> {
    let (text, blocks) = (folder.join("openmetrics.txt"), folder.join("prometheus"));
    let mut file = BufWriter::new(File::create(&text)?);
    for series in series {
        for (time, value) in &series.rows {
            let (seconds, ms) = (time.div_euclid(1_000), time.rem_euclid(1_000));
            writeln!(file, "value{{series=\"{}\"}} {value} {seconds}.{ms:03}", series.name)?;
        }
    }
    writeln!(file, "# EOF")?;
    file.into_inner()?.sync_all()?;
    let mut promtool = Command::new("promtool");
    promtool.args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"]).arg(&text).arg(&blocks);
    let child = promtool.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let output = child.map_err(|error| missing(error, "promtool", "prometheus"))?.wait_with_output()?;
    fs::remove_file(&text)?;
    if !output.status.success() {
        return Err(format!("promtool: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut stored = 0;
    for block in fs::read_dir(&blocks)? {
        let meta: Value = serde_json::from_reader(File::open(block?.path().join("meta.json"))?)?;
        stored += meta["stats"]["numSamples"].as_u64().ok_or("a block doesn't say how many samples it has")?;
    }
    same(sent(series), stored)?;
    let in_chunks = |path: &Path| path.parent().is_some_and(|parent| parent.ends_with("chunks"));
    Ok(Weight { all: weigh(&blocks, &|_| true)?, data: weigh(&blocks, &in_chunks)? })
}

/// A program of ours, which doesn't outlive the benchmark.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already when all went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(storage: &Path) -> Result<(Running, SocketAddr), Box<dyn Error>> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let mut command = Command::new("victoria-metrics");
    command.arg(format!("-storageDataPath={}", storage.display())).arg(format!("-httpListenAddr={address}"));
    command.args(["-retentionPeriod=100y", "-loggerLevel=ERROR"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn();
    let mut server = Running(child.map_err(|error| missing(error, "victoria-metrics", "victoria-metrics"))?);
    wait_until("VictoriaMetrics started", || match server.0.try_wait()? {
        Some(status) => Err(format!("VictoriaMetrics ended at once: {status}").into()),
        None => Ok(request(address, "GET", "/health", "").is_ok()),
    })?;
    Ok((server, address))
}

/// By a signal, so that it writes what it still has; a shell sends it, for there is none in the standard library.
fn stop(server: &mut Running) -> Result<(), Box<dyn Error>> {
    Command::new("sh").args(["-c", &format!("kill -TERM {}", server.0.id())]).status()?;
    wait_until("VictoriaMetrics ended", || Ok(server.0.try_wait()?.is_some()))
}

fn missing(error: io::Error, program: &str, package: &str) -> Box<dyn Error> {
    match error.kind() {
        ErrorKind::NotFound => {
            format!("{program} is missing: apt-get install --no-install-recommends {package}").into()
        }
        _ => format!("{program}: {error}").into(),
    }
}

/// The body of the answer. HTTP/1.0 has the server close the connection, so that the end is the end.
fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("an answer without a head")?;
    match head.split(' ').nth(1) {
        Some(status) if status.starts_with('2') => Ok(body.to_owned()),
        _ => Err(format!("{method} {path}: {answer}").into()),
    }
}

/// Whether each month has one part. Asks for a merge as often as needed: one leaves out what another has taken.
fn is_merged(address: SocketAddr, storage: &Path) -> Result<bool, Box<dyn Error>> {
    let metrics = request(address, "GET", "/metrics", "")?;
    let sum = |name| metrics.lines().filter_map(|line| number(line, name)).sum::<usize>();
    if sum("vm_active_force_merges") + sum("vm_active_merges") > 0 {
        return Ok(false);
    }
    let mut months = 0;
    for entry in fs::read_dir(storage.join("data/small"))? {
        months += usize::from(entry?.file_name() != "snapshots");
    }
    let is_merged = sum("vm_parts{type=\"storage/") == months;
    if !is_merged {
        request(address, "GET", "/internal/force_merge", "")?;
    }
    Ok(is_merged)
}

fn number(line: &str, name: &str) -> Option<usize> {
    line.strip_prefix(name)?.split(' ').next_back()?.parse().ok()
}

fn stored_by_victoria_metrics(address: SocketAddr, series: &[SeriesRows]) -> Result<u64, Box<dyn Error>> {
    let times = || series.iter().flat_map(|series| &series.rows).map(|row| row.0);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(0) };
    let (end, window) = (last + 1_000, last - first + 2_000);
    // Percent signs stand for braces and quotes, which no address may hold.
    let query = format!("sum(count_over_time(%7B__name__!=%22%22%7D[{window}ms]))&time={}&nocache=1", end as f64 / 1e3);
    let answer: Value = serde_json::from_str(&request(address, "GET", &format!("/api/v1/query?query={query}"), "")?)?;
    let count = answer["data"]["result"][0]["value"][1].as_str().ok_or_else(|| format!("no count in {answer}"))?;
    Ok(count.parse::<f64>()? as u64)
}

fn sent(series: &[SeriesRows]) -> u64 {
    series.iter().map(|series| series.rows.len() as u64).sum()
}

fn same(sent: u64, stored: u64) -> Result<(), Box<dyn Error>> {
    if sent == stored { Ok(()) } else { Err(format!("{sent} samples were sent, {stored} are stored").into()) }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> Result<bool, Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    while !is_so()? {
        if began.elapsed() > PATIENCE {
            return Err(format!("waited in vain until {what}").into());
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// The lengths of all files in a folder and those within it that count.
fn weigh(folder: &Path, counts: &dyn Fn(&Path) -> bool) -> io::Result<u64> {
    let mut all = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        all += match entry.file_type()? {
            kind if kind.is_dir() => weigh(&path, counts)?,
            kind if kind.is_file() && counts(&path) => entry.metadata()?.len(),
            _ => 0,
        };
    }
    Ok(all)
}
