//! In a control group with limits the figures are of the limits: the binary itself, in a real group that the test
//! makes where it may, and removes.

#![cfg(linux_depth)]

use crate::binary::{Home, Telltale, stream};
use crate::client::{Events, open};
use crate::fixture::{DEADLINE, skip};
use serde_json::Value;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::time::timeout;

const ROOT: &str = "/sys/fs/cgroup";
const CORES: f64 = 0.5;
const MEMORY: u64 = 256 << 20;
const HELD: u64 = 64 << 20;
/// So many samples one after another are looked at. What is read every five seconds makes a tick a long one for a group
/// that is held back: so many fit between two of those.
const SAMPLES: usize = 4;
/// What the limits are about.
const FAMILIES: [(&str, &str); 7] = [
    ("cpu", "CPU (of the limit)"),
    ("cpu.throttled", "CPU: held back by the limit"),
    ("cpu.host", "CPU of the host"),
    ("cpu.cores", "CPU cores of the host"),
    ("memory", "Memory (of the limit)"),
    ("memory.available", "Memory: available (of the limit)"),
    ("memory.host", "Memory of the host"),
];

/// A group with limits, in one hierarchy or, of version 1, in several; removed when the test lets it go.
struct Group {
    folders: Vec<PathBuf>,
    /// What its processes have used of the CPU, and for how long they were held back.
    used: Count,
    held_back: Count,
    /// The file of the CPU's limit, and what it holds where there is none.
    unlimited_cpu: (PathBuf, &'static str),
}

/// Where the kernel counts time: the file, the entry of it where it has several, and how much of it is a second.
struct Count(PathBuf, &'static str, f64);

/// What the kernel has counted up to an instant: seconds of the group, and ticks of all the machine's processors.
struct Counters {
    at: Instant,
    used: f64,
    held_back: f64,
    busy: f64,
    all: f64,
}

/// The same of a stretch of time, in percent of one core, of the time and of the machine.
struct Shares {
    used: f64,
    held_back: f64,
    of_host: f64,
}

/// A process that ends with the test.
struct Running(Child);

#[tokio::test]
async fn in_a_group_with_limits_figures_are_of_the_limits() -> io::Result<()> {
    let group = match Group::make() {
        Ok(group) => group,
        Err(error) => return skip(format!("no control group with limits can be made here: {error}")),
    };
    let _holds_memory = group.hold(HELD)?;
    let _burns = group.run(Command::new("sh").args(["-c", "while :; do :; done"]))?;
    let home = Home::new()?;
    let telltale = Telltale::start(&mut group.inside(&home.command(["--listen", "127.0.0.1:0"])))?;
    let address = telltale.address()?;

    let mut events = stream(address).await?;
    let hello: Value = serde_json::from_str(&events.expect("hello").await?.data)?;
    assert_eq!(hello["host"]["limits"]["cpu_cores"], CORES);
    assert_eq!(hello["host"]["limits"]["memory_bytes"], MEMORY);
    let are_there = |catalog: &Value| FAMILIES.iter().all(|(family, name)| title(catalog, family) == Some(name));
    if !are_there(&hello["catalog"]) {
        // On a busy machine some were late.
        until_catalog(&mut events, are_there).await?;
    }

    let (samples, counted) = timeout(DEADLINE * 6, whole_samples(&mut events, &group)).await??;
    check(&samples[1..], &counted, &hello["host"]);

    let page = open(address, "GET", "/", &[]).await?.whole().await?.text();
    assert!(page.contains(">0.5 of ") && page.contains(">256 MiB of "), "the page names what is left");
    assert!(page.contains("CPU (of the limit)") && page.contains("Memory (of the limit)"));
    assert_eq!(page.matches(">of the limit · host ").count(), 2, "in the tiles of CPU and memory");

    fs::write(&group.unlimited_cpu.0, group.unlimited_cpu.1)?;
    let is_gone = |catalog: &Value| (title(catalog, "cpu"), title(catalog, "cpu.host")) == (Some("CPU"), None);
    let catalog = until_catalog(&mut events, is_gone).await?;
    assert_eq!(title(&catalog, "memory"), Some("Memory (of the limit)"), "the other is not");
    Ok(())
}

/// The next catalog that is so; others may come before it.
async fn until_catalog(events: &mut Events, is_so: impl Fn(&Value) -> bool) -> io::Result<Value> {
    let mut newest = Value::Null;
    let search = async {
        while !is_so(&newest) {
            let event = events.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if event.event == "catalog" {
                newest = serde_json::from_str(&event.data)?;
            }
        }
        Ok(())
    };
    let found: io::Result<()> = timeout(DEADLINE, search).await.unwrap_or_else(|late| Err(late.into()));
    found.map_err(|error| io::Error::other(format!("{error}, the newest catalog is {newest}")))?;
    Ok(newest)
}

/// Samples one after another that have all families, and what the kernel counted meanwhile. A busy machine may be late
/// with one or with a part of it: then it begins anew.
async fn whole_samples(events: &mut Events, group: &Group) -> io::Result<(Vec<Value>, Shares)> {
    let mut samples = Vec::new();
    let mut first = Counters::read(group)?;
    while samples.len() < SAMPLES {
        let event = events.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let sample = match event.event.as_str() {
            "sample" => serde_json::from_str::<Value>(&event.data)?,
            "gap" => Value::Null,
            _ => continue,
        };
        if FAMILIES.iter().any(|(family, _)| sample[family].is_null()) {
            samples.clear();
            continue;
        }
        if samples.is_empty() {
            first = Counters::read(group)?;
        }
        samples.push(sample);
    }
    Ok((samples, Counters::read(group)?.since(&first)))
}

/// `counted` is what the kernel counted over the same time.
fn check(samples: &[Value], counted: &Shares, host: &Value) {
    let sum = |sample: &Value, family: &str| {
        let values = sample[family].as_array().into_iter().flatten();
        values.map(|value| value.as_f64().unwrap_or(f64::NAN)).sum::<f64>()
    };
    let mean = |family| samples.iter().map(|sample| sum(sample, family)).sum::<f64>() / samples.len() as f64;
    // Column 3 is the time that waits for disks.
    let waiting = samples.iter().filter_map(|sample| sample["cpu.host"][3].as_f64()).sum::<f64>();
    for (what, ours, kernels, allowed) in [
        ("of the limit", mean("cpu"), counted.used / CORES, 12.0),
        ("held back by the limit", mean("cpu.throttled"), counted.held_back.min(100.0), 15.0),
        ("of the host", mean("cpu.host") - waiting / samples.len() as f64, counted.of_host, 20.0),
    ] {
        assert!((ours - kernels).abs() < allowed, "{what}: {ours}, {kernels} by the kernel's counters, {samples:?}");
    }
    for sample in samples {
        assert_eq!(sum(sample, "memory"), MEMORY as f64, "{sample}");
        assert!(sample["memory"][0].as_f64() >= Some(HELD as f64), "{sample}");
        assert!(sum(sample, "memory.available") <= (MEMORY - HELD) as f64, "{sample}");
        assert_eq!(Some(sum(sample, "memory.host")), host["memory_bytes"].as_f64(), "{sample}");
    }
}

fn title<'a>(catalog: &'a Value, id: &str) -> Option<&'a str> {
    catalog.as_array()?.iter().find(|family| family["id"] == id)?["title"].as_str()
}

impl Counters {
    fn read(group: &Group) -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().unwrap_or_default();
        let times: Vec<f64> = line.split_whitespace().skip(1).take(8).filter_map(|word| word.parse().ok()).collect();
        let all = times.iter().sum::<f64>();
        let (at, used, held_back) = (Instant::now(), group.used.seconds()?, group.held_back.seconds()?);
        Ok(Self { at, used, held_back, busy: all - times[3] - times[4], all })
    }

    fn since(&self, before: &Self) -> Shares {
        let percent = |part: f64| part / (self.at - before.at).as_secs_f64() * 100.0;
        Shares {
            used: percent(self.used - before.used),
            held_back: percent(self.held_back - before.held_back),
            of_host: (self.busy - before.busy) / (self.all - before.all) * 100.0,
        }
    }
}

impl Count {
    fn seconds(&self) -> io::Result<f64> {
        let Self(path, entry, unit) = self;
        let text = fs::read_to_string(path)?;
        let number = text.lines().find_map(|line| line.strip_prefix(entry)?.trim().parse::<f64>().ok());
        number.map(|number| number / unit).ok_or_else(|| io::Error::other(format!("{entry:?} in {text:?}")))
    }
}

impl Group {
    /// Of version 1 where its controllers are mounted, else of version 2 where its root hands them on.
    fn make() -> io::Result<Self> {
        let name = format!("telltale-limits-{}", std::process::id());
        let (root, memory) = (Path::new(ROOT), MEMORY.to_string());
        // Much of the processor's time for the group, or on a busy machine it would never reach its limit.
        if root.join("memory/tasks").is_file() {
            let folders = ["cpu", "cpuacct", "memory"].map(|controller| root.join(controller).join(&name));
            let [cpu, accounts, of_memory] = folders.clone();
            let group = Self {
                folders: folders.into(),
                used: Count(accounts.join("cpuacct.usage"), "", 1e9),
                held_back: Count(cpu.join("cpu.stat"), "throttled_time", 1e9),
                unlimited_cpu: (cpu.join("cpu.cfs_quota_us"), "-1"),
            };
            // Two of them may be one under two names.
            group.folders.iter().try_for_each(fs::create_dir_all)?;
            fs::write(cpu.join("cpu.shares"), "200000")?;
            fs::write(cpu.join("cpu.cfs_period_us"), "100000")?;
            fs::write(cpu.join("cpu.cfs_quota_us"), "50000")?;
            fs::write(of_memory.join("memory.limit_in_bytes"), memory)?;
            return Ok(group);
        }
        let folder = root.join(&name);
        let group = Self {
            folders: vec![folder.clone()],
            used: Count(folder.join("cpu.stat"), "usage_usec", 1e6),
            held_back: Count(folder.join("cpu.stat"), "throttled_usec", 1e6),
            unlimited_cpu: (folder.join("cpu.max"), "max 100000"),
        };
        group.folders.iter().try_for_each(fs::create_dir)?;
        fs::write(folder.join("cpu.weight"), "10000")?;
        fs::write(folder.join("cpu.max"), "50000 100000")?;
        fs::write(folder.join("memory.max"), memory)?;
        Ok(group)
    }

    /// The command, as a shell that joins the group and then becomes it.
    fn inside(&self, command: &Command) -> Command {
        let join = self.folders.iter().map(|folder| format!("echo $$ > {}/cgroup.procs && ", folder.display()));
        let mut shell = Command::new("sh");
        shell.args(["-c", &(join.collect::<String>() + "exec \"$@\""), "sh"]);
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
    }

    fn run(&self, command: &Command) -> io::Result<Running> {
        Ok(Running(self.inside(command).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?))
    }

    /// A process that has so much memory, when it is back.
    fn hold(&self, bytes: u64) -> io::Result<Running> {
        let script = format!("x=$(head -c {bytes} /dev/zero | tr '\\0' x); echo ready; read line");
        let mut running = self.run(Command::new("sh").args(["-c", &script]))?;
        let stdout = running.0.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line == "ready\n" { Ok(running) } else { Err(io::Error::other("no memory could be held")) }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel takes a moment to forget the processes that were in it.
        let began = Instant::now();
        while self.folders.iter().any(|folder| folder.is_dir()) && began.elapsed() < Duration::from_secs(2) {
            self.folders.iter().for_each(|folder| _ = fs::remove_dir(folder));
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}
