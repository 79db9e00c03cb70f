//! In a control group with limits the figures are of the limits: the binary itself, in a real group that the test
//! makes where it may, and removes.

#![cfg(linux_depth)]

use crate::binary::{Home, Telltale, stream};
use crate::client::open;
use serde_json::Value;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const ROOT: &str = "/sys/fs/cgroup";
const CORES: f64 = 0.5;
const MEMORY: u64 = 256 << 20;
const HELD: u64 = 64 << 20;
/// So many samples are looked at.
const SAMPLES: usize = 6;

/// A group with limits, in one hierarchy or, of version 1, in several; removed when the test lets it go.
struct Group {
    folders: Vec<PathBuf>,
    /// The file of the CPU's limit, and what it holds where there is none.
    unlimited_cpu: (PathBuf, &'static str),
}

/// A process that ends with the test.
struct Running(Child);

#[tokio::test]
async fn in_a_group_with_limits_figures_are_of_the_limits() -> io::Result<()> {
    let group = match Group::make() {
        Ok(group) => group,
        Err(error) => {
            // Past the test's own capture of what is printed: a test that was left out must be seen to be.
            return writeln!(io::stderr(), "skipped, no control group with limits can be made here: {error}");
        }
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
    for (family, expected) in [
        ("cpu", "CPU (of the limit)"),
        ("cpu.throttled", "CPU: held back by the limit"),
        ("cpu.host", "CPU of the host"),
        ("cpu.cores", "CPU cores of the host"),
        ("memory", "Memory (of the limit)"),
        ("memory.available", "Memory: available (of the limit)"),
        ("memory.host", "Memory of the host"),
    ] {
        assert_eq!(title(&hello["catalog"], family), Some(expected), "{family}");
    }

    let (mut samples, mut stat) = (Vec::new(), Vec::new());
    while samples.len() < SAMPLES {
        let event = events.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if event.event == "sample" {
            samples.push(serde_json::from_str::<Value>(&event.data)?);
            stat.push(busy_and_all()?);
        }
    }
    check(&samples[1..], stat[SAMPLES - 1].0 - stat[0].0, stat[SAMPLES - 1].1 - stat[0].1, &hello["host"]);

    let page = open(address, "GET", "/", &[]).await?.whole().await?.text();
    assert!(page.contains(">0.5 of ") && page.contains(">256 MiB of "), "the page names what is left");
    assert!(page.contains("CPU (of the limit)") && page.contains("Memory (of the limit)"));
    assert_eq!(page.matches(">of the limit · host ").count(), 2, "in the tiles of CPU and memory");

    fs::write(&group.unlimited_cpu.0, group.unlimited_cpu.1)?;
    let catalog = loop {
        let event = events.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if event.event == "catalog" {
            break serde_json::from_str::<Value>(&event.data)?;
        }
    };
    assert_eq!((title(&catalog, "cpu"), title(&catalog, "cpu.host")), (Some("CPU"), None), "the limit is gone");
    assert_eq!(title(&catalog, "memory"), Some("Memory (of the limit)"), "the other is not");
    Ok(())
}

/// `busy` and `all` are what the kernel counted for the machine over the same time.
fn check(samples: &[Value], busy: f64, all: f64, host: &Value) {
    let sum = |sample: &Value, family: &str| {
        let values = sample[family].as_array().into_iter().flatten();
        values.map(|value| value.as_f64().unwrap_or(f64::NAN)).sum::<f64>()
    };
    let mean = |family| samples.iter().map(|sample| sum(sample, family)).sum::<f64>() / samples.len() as f64;
    let (cpu, throttled) = (mean("cpu"), mean("cpu.throttled"));
    assert!((85.0..=100.5).contains(&cpu), "all of the limit is used: {cpu} {samples:?}");
    assert!((15.0..=100.0).contains(&throttled), "and more is wanted: {throttled} {samples:?}");
    // Column 3 is the time that waits for disks.
    let waiting = samples.iter().filter_map(|sample| sample["cpu.host"][3].as_f64()).sum::<f64>();
    let of_host = mean("cpu.host") - waiting / samples.len() as f64;
    let expected = busy / all * 100.0;
    assert!((of_host - expected).abs() < 20.0, "the host's is the host's: {of_host}, {expected} in /proc/stat");
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

/// Of all the machine's processors, in ticks.
fn busy_and_all() -> io::Result<(f64, f64)> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let times: Vec<f64> = line.split_whitespace().skip(1).take(8).filter_map(|word| word.parse().ok()).collect();
    let all = times.iter().sum::<f64>();
    Ok((all - times[3] - times[4], all))
}

impl Group {
    /// Of version 1 where its controllers are mounted, else of version 2 where its root hands them on.
    fn make() -> io::Result<Self> {
        let name = format!("telltale-limits-{}", std::process::id());
        let (root, memory) = (Path::new(ROOT), MEMORY.to_string());
        // Much of the processor's time for the group, or on a busy machine it would never reach its limit.
        if root.join("memory/tasks").is_file() {
            let folders = ["cpu", "cpuacct", "memory"].map(|controller| root.join(controller).join(&name));
            let [cpu, _, of_memory] = folders.clone();
            let group = Self { folders: folders.into(), unlimited_cpu: (cpu.join("cpu.cfs_quota_us"), "-1") };
            // Two of them may be one under two names.
            group.folders.iter().try_for_each(fs::create_dir_all)?;
            fs::write(cpu.join("cpu.shares"), "200000")?;
            fs::write(cpu.join("cpu.cfs_period_us"), "100000")?;
            fs::write(cpu.join("cpu.cfs_quota_us"), "50000")?;
            fs::write(of_memory.join("memory.limit_in_bytes"), memory)?;
            return Ok(group);
        }
        let folder = root.join(&name);
        let group = Self { folders: vec![folder.clone()], unlimited_cpu: (folder.join("cpu.max"), "max 100000") };
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
