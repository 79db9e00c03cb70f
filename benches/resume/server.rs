//! The server as people run it, with a tape for a source, stopped and killed and started again at one address.

use crate::Result;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use telltale::model::HostFacts;

pub(crate) const INTERVAL_MS: i64 = 250;
/// Longer than the benchmark: each sample has a value of its own.
const TICKS: i64 = 4_000;

/// Killed when it is dropped; what it has kept goes as well.
pub(crate) struct Server {
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join(format!("target/tmp/bench-resume-{}", std::process::id()));
        fs::create_dir_all(folder.join("telltale"))?;
        fs::write(folder.join("telltale/telltale.toml"), "")?;
        fs::write(folder.join("tape.jsonl"), tape()?)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = spawn(&folder, port)?;
        Ok(Self { folder, port, child })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn start_again(&mut self) -> Result {
        self.child = spawn(&self.folder, self.port)?;
        Ok(())
    }

    pub(crate) fn stop(&mut self) -> Result {
        let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("the server has a number")?;
        kill_process(process, Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status} after SIGTERM").into()) }
    }

    pub(crate) fn kill(&mut self) -> Result {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is left of it is cargo's to sweep.
        drop(self.kill());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Until it listens.
fn spawn(folder: &Path, port: u16) -> Result<Child> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/telltale");
    let binary = std::env::var_os("TELLTALE_BIN").map_or(usual, PathBuf::from);
    let mut command = Command::new(&binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TELLTALE_") {
            command.env_remove(&name);
        }
    }
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        command.env(name, folder);
    }
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--interval", &format!("{INTERVAL_MS}ms")]);
    command.arg("--data-dir").arg(folder.join("data"));
    command.args(["--source", &format!("replay:{}", folder.join("tape.jsonl").to_string_lossy())]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.map_err(|error| format!("{}: {error}; ./dev build makes it", binary.display()))?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("the server has an output")?).read_line(&mut line)?;
    if line.starts_with("listening") { Ok(child) } else { Err(format!("the server said {line:?}").into()) }
}

fn tape() -> Result<String> {
    let catalog = json!([{
        "id": "load", "title": "Load", "unit": "", "stacked": false, "interval_ms": INTERVAL_MS,
        "dimensions": [{"id": "load1", "label": "1 min"}, {"id": "load5", "label": "5 min"}],
    }]);
    let host = serde_json::to_value(HostFacts { name: "taped".to_owned(), ..HostFacts::default() })?;
    let mut lines = vec![json!({"host": host, "catalog": catalog})];
    lines.extend((0..TICKS).map(|tick| json!({"t": 1_795_233_600_000 + tick * INTERVAL_MS, "load": [tick, null]})));
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}
