//! The binary itself, run as people do: its first line, its refusals, its end.

use crate::client::{Events, open};
use crate::fixture::{DEADLINE, until, within};
use crate::processes::open_with_table;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use telltale::server::serve::Patience;

/// In how much time a signal must have ended it.
const END: Duration = Duration::from_secs(2);

/// A directory of the test's own, removed when it ends.
pub(crate) struct Home(PathBuf);

/// A running binary, killed when the test lets it go.
pub(crate) struct Telltale {
    child: Mutex<Child>,
    pub(crate) stdout: Receiver<String>,
    pub(crate) stderr: Receiver<String>,
}

#[tokio::test]
async fn sigterm_ends_it_and_twenty_streams_are_told() -> io::Result<()> {
    within(END, || end(Signal::TERM, 20)).await
}

#[tokio::test]
async fn sigint_ends_it_as_well() -> io::Result<()> {
    within(END, || end(Signal::INT, 1)).await
}

#[tokio::test]
async fn refusals_are_one_line_that_names_the_thing() -> io::Result<()> {
    let home = Home::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let taken = listener.local_addr()?.to_string();
    let unknown_key = home.write("unknown.toml", "interval = \"1s\"\nintervall = \"2s\"\n")?;
    let below_a_file = format!("{}/data", home.write("file", "")?);
    let (missing, replay) = (home.path("missing.toml"), home.path("missing.jsonl"));
    let source = format!("replay:{replay}");
    let free = "127.0.0.1:0";
    for (arguments, named) in [
        (&["--listen", &taken][..], [taken.as_str(), "in use"]),
        (&["--listen", free, "--lisen", "x"], ["'--lisen'", "'--listen'"]),
        (&["--listen", free, "--config", &unknown_key], [&unknown_key, "\"intervall\""]),
        (&["--listen", free, "--interval", "1y"], ["--interval", "\"1y\""]),
        (&["--listen", free, "--base-path", "telltale"], ["--base-path", "/telltale"]),
        (&["--listen", "0.0.0.0:0"], ["0.0.0.0", "--no-auth"]),
        (&["--listen", free, "--data-dir", &below_a_file], [&below_a_file, "data_dir"]),
        (&["--listen", free, "--config", &missing], [&missing, "--config"]),
        (&["--listen", free, "--source", &source], [&replay, "--source"]),
    ] {
        check_refusal(&home, arguments, named).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_variable_is_one_warning() -> io::Result<()> {
    let home = Home::new()?;
    let mut telltale = Telltale::start(home.command(["--listen", "127.0.0.1:0"]).env("TELLTALE_X", "1"))?;
    telltale.address()?;
    assert_eq!(telltale.signal(Signal::TERM).await?.code(), Some(0));
    let log = rest(&telltale.stderr)?;
    let warnings: Vec<_> = log.iter().filter(|line| line.contains("TELLTALE_X")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("WARN"), "{log:?}");
    Ok(())
}

#[tokio::test]
async fn what_record_writes_is_served_by_replay() -> io::Result<()> {
    let home = Home::new()?;
    let file = home.path("day.jsonl");
    let mut recording = Telltale::start(&mut home.command(["record", &file, "--for", "6s", "--with-processes"]))?;
    assert_eq!(recording.ended().await?.code(), Some(0), "{:?}", rest(&recording.stderr));
    let text = std::fs::read_to_string(&file)?;
    let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let [header, rest @ ..] = lines.as_slice() else { panic!("nothing was recorded") };
    assert!(header["host"].is_object() && header["catalog"].is_array(), "{header}");
    let (tables, others): (Vec<_>, Vec<_>) = rest.iter().partition(|line| line["processes"].is_object());
    // On a busy machine a family may appear late, which is a line like the first.
    let (headers, samples): (Vec<_>, Vec<_>) = others.into_iter().partition(|line| line["host"].is_object());
    assert!(!samples.is_empty() && samples.iter().all(|sample| sample["t"].is_i64()), "{text}");
    let totals: Vec<_> = tables.iter().map(|table| &table["processes"]["total"]).collect();
    assert!(!totals.is_empty() && totals.iter().all(|total| total.as_u64() > Some(0)), "{text}");

    let source = format!("replay:{file}");
    let mut telltale = Telltale::start(&mut home.command(["--listen", "127.0.0.1:0", "--source", &source]))?;
    let address = telltale.address()?;
    let mut events = stream(address).await?;
    let hello: Value = serde_json::from_str(&events.expect("hello").await?.data)?;
    assert_eq!(hello["host"], header["host"]);
    assert!([header].into_iter().chain(headers).any(|header| header["catalog"] == hello["catalog"]), "{hello}");
    until_named(&mut events, "sample").await?;
    let processes = open_with_table(address, "GET", "/api/v1/processes").await?.whole().await?.json();
    assert!(totals.contains(&&processes["total"]), "those that ran then: {}, {totals:?}", processes["total"]);
    assert_eq!(telltale.signal(Signal::TERM).await?.code(), Some(0));
    Ok(())
}

/// How long it takes to end after a signal.
async fn end(signal: Signal, streams: usize) -> io::Result<Duration> {
    let home = Home::new()?;
    let mut telltale = Telltale::start(&mut home.command(["--listen", "127.0.0.1:0"]))?;
    let address = telltale.address()?;
    let mut open_streams = Vec::new();
    for _ in 0..streams {
        let mut events = stream(address).await?;
        events.expect("hello").await?;
        open_streams.push(events);
    }
    let began = Instant::now();
    let status = telltale.signal(signal).await?;
    let taken = began.elapsed();
    assert_eq!(status.code(), Some(0), "{status}");
    match tell_goodbye(open_streams).await {
        // What has not heard of it by then is cut off.
        Err(_) if taken >= Patience::default().stop => Ok(END),
        told => told.map(|()| taken),
    }
}

async fn tell_goodbye(streams: Vec<Events>) -> io::Result<()> {
    for mut events in streams {
        until_named(&mut events, "bye").await?;
        assert!(events.next().await?.is_none(), "the body ends as it should");
    }
    Ok(())
}

async fn check_refusal(home: &Home, arguments: &[&str], named: [&str; 2]) -> io::Result<()> {
    let mut telltale = Telltale::start(&mut home.command(arguments))?;
    let status = telltale.ended().await?;
    let (said, complaints) = (rest(&telltale.stdout)?, rest(&telltale.stderr)?);
    assert_eq!(status.code(), Some(2), "{arguments:?} {complaints:?}");
    assert!(said.is_empty(), "{arguments:?} {said:?}");
    assert_eq!(complaints.len(), 1, "{arguments:?} {complaints:?}");
    assert!(named.iter().all(|name| complaints[0].contains(name)), "{arguments:?} {complaints:?}");
    Ok(())
}

/// The stream over a connection of its own.
pub(crate) async fn stream(address: SocketAddr) -> io::Result<Events> {
    let incoming = open(address, "GET", "/api/v1/stream", &[]).await?;
    assert_eq!(incoming.status, 200);
    Ok(incoming.events())
}

pub(crate) async fn until_named(events: &mut Events, name: &str) -> io::Result<()> {
    while let Some(event) = events.next().await? {
        if event.event == name {
            return Ok(());
        }
    }
    Err(io::Error::other(format!("the stream ended without {name}")))
}

impl Home {
    pub(crate) fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("binary-{}-{number}", std::process::id()));
        let home = Self(root);
        // A configuration of its own, or that of the machine would be read.
        std::fs::create_dir_all(home.0.join("telltale"))?;
        home.write("telltale/telltale.toml", "")?;
        Ok(home)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn write(&self, name: &str, contents: &str) -> io::Result<String> {
        std::fs::write(self.0.join(name), contents)?;
        Ok(self.path(name))
    }

    /// The binary with these arguments, deaf to the environment the tests run in.
    pub(crate) fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_telltale"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("TELLTALE_") || text.starts_with("LEPTOS_") || text == "RUST_LOG" {
                command.env_remove(&name);
            }
        }
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
            command.env(name, &self.0);
        }
        command.args(arguments);
        command
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What is left in the target directory harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Telltale {
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().map(lines).ok_or(io::ErrorKind::BrokenPipe)?;
        let stderr = child.stderr.take().map(lines).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { child: Mutex::new(child), stdout, stderr })
    }

    /// What its first line says.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        let line = self.stdout.recv_timeout(DEADLINE).map_err(io::Error::other)?;
        let address = line.strip_prefix("listening on http://127.0.0.1:").and_then(|port| port.parse().ok());
        let port: u16 = address.ok_or_else(|| io::Error::other(format!("the first line is {line:?}")))?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    pub(crate) async fn signal(&mut self, signal: Signal) -> io::Result<ExitStatus> {
        kill_process(Pid::from_child(self.child()?), signal)?;
        self.ended().await
    }

    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        until(|| self.child.lock().is_ok_and(|mut child| !matches!(child.try_wait(), Ok(None)))).await?;
        self.child()?.wait()
    }

    fn child(&mut self) -> io::Result<&mut Child> {
        self.child.get_mut().map_err(|_| io::Error::other("the test has failed before"))
    }
}

impl Drop for Telltale {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child().and_then(|child| child.kill().and_then(|()| child.wait()));
    }
}

/// Lines as they are written, read by a thread so that waiting for one can have a deadline.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody may be there any more to read them.
        BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

/// The lines up to the end of the output, which must come.
pub(crate) fn rest(output: &Receiver<String>) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        match output.recv_timeout(DEADLINE) {
            Ok(line) => lines.push(line),
            Err(RecvTimeoutError::Disconnected) => return Ok(lines),
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}
