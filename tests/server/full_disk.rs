//! A disk that is full: what is live goes on, and once there is room again nothing of the time between is missing.
//!
//! Only who may mount can make a disk so small: for everybody else these tests say that they are skipped.

use crate::binary::{Home, Telltale, rest};
use crate::fixture::{Options, Server, skip, until};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;
use telltale::server::history::{Retention, StoreSettings};
use tokio::time::{Duration, sleep};

/// A file system in memory, gone when the test ends.
struct SmallDisk {
    home: Home,
    path: String,
}

#[tokio::test]
async fn a_full_disk_stops_nothing_but_storing_and_loses_nothing() -> io::Result<()> {
    let Some(disk) = SmallDisk::new()? else { return Ok(()) };
    let server = Server::start_with(Options { store: disk.store(), ..Options::default() })?;
    let mut newest = record_until(&server, 1, || server.state.history.flush(Duration::from_secs(20))).await?;
    assert_eq!(server.get("/readyz", &[]).await?.status, 200);
    disk.fill()?;
    newest = record_until(&server, newest + 1, || server.state.history.trouble().is_some()).await?;

    let refused = server.get("/readyz", &[]).await?;
    let problem = refused.json();
    assert_eq!((refused.status, problem["code"].as_str()), (503, Some("storing_stalled")), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("the disk is full")), "{problem}");
    let mut events = server.open("/api/v1/stream", &[]).await?.events();
    events.expect("hello").await?;
    events.expect("sample").await?;
    for _ in 0..100 {
        newest += 1;
        server.tick(newest);
        let live = events.expect("sample").await?;
        assert_eq!(live.id, format!("0-{}", newest * 1_000), "the stream goes on");
    }
    assert_eq!(seconds(&server).await?, (1..=newest).collect::<Vec<_>>(), "what waits is told as well");

    disk.make_room()?;
    until(|| server.state.history.trouble().is_none()).await?;
    // It was tried again after as long as samples may be missing.
    newest += 1;
    server.tick(newest);
    assert_eq!(server.get("/readyz", &[]).await?.text(), "ok");
    drop(events);
    server.stop().await?;
    let server = Server::start_with(Options { store: disk.store(), ..Options::default() })?;
    assert_eq!(seconds(&server).await?, (1..=newest).collect::<Vec<_>>(), "all of it is on the disk now");
    server.stop().await
}

#[tokio::test]
async fn a_start_on_a_full_disk_goes_on_with_what_is_there_and_stores_once_there_is_room() -> io::Result<()> {
    for (is_killed, has_files_left) in [(false, true), (true, true), (false, false)] {
        let Some(disk) = SmallDisk::new()? else { return Ok(()) };
        let server = Server::start_with(Options { store: disk.store(), ..Options::default() })?;
        (1..=20).for_each(|second| server.tick(second));
        assert!(server.state.history.flush(Duration::from_secs(20)));
        // What a kill leaves is copied, and put back after the end; what readers share has to be made anew.
        let mut left = if is_killed { disk.files()? } else { Vec::new() };
        left.retain(|(path, _)| !path.to_string_lossy().ends_with("-shm"));
        server.stop().await?;
        left.iter().try_for_each(|(path, bytes)| fs::write(path, bytes))?;
        if has_files_left {
            disk.fill()?
        } else {
            disk.use_up_files()?
        }

        let server = Server::start_with(Options { store: disk.store(), ..Options::default() })?;
        assert_eq!(server.state.history.newest().map(|(id, _)| id.t.0), Some(20_000), "the last minutes are there");
        server.tick(26);
        until(|| server.state.history.trouble().is_some()).await?;
        // It has waited for nearly as long as samples may be missing.
        server.tick(27);
        let problem = server.get("/readyz", &[]).await?.json();
        assert_eq!(problem["code"].as_str(), Some("storing_stalled"), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("the disk is full")), "{problem}");
        (28..=30).for_each(|second| server.tick(second));
        assert!(!server.state.history.flush(Duration::from_secs(1)), "it is tried again");
        let words = server.state.history.trouble().map(|trouble| trouble.words);
        assert_eq!(words.as_deref(), Some("the disk is full"), "killed: {is_killed}, files: {has_files_left}");
        let all: Vec<i64> = (1..=20).chain(26..=30).collect();
        assert_eq!(seconds(&server).await?, all, "before there is room; killed: {is_killed}");
        let mut export = Telltale::start(&mut disk.home.command(disk.export("20000")))?;
        assert_eq!((export.ended().await?.code(), rest(&export.stderr)?), (Some(0), vec![]), "it is read all the same");
        assert!(rest(&export.stdout)?.last().is_some_and(|line| line.starts_with("20000,")));
        disk.make_room()?;
        until(|| server.state.history.trouble().is_none()).await?;
        assert_eq!(seconds(&server).await?, all, "killed: {is_killed}");
        server.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_disk_that_is_read_only_is_refused_in_one_line() -> io::Result<()> {
    let Some(disk) = SmallDisk::new()? else { return Ok(()) };
    mount(&["-o", "remount,ro", &disk.path])?;
    let mut telltale = Telltale::start(&mut disk.home.command(["--listen", "127.0.0.1:0", "--data-dir", &disk.path]))?;
    let (code, complaints) = (telltale.ended().await?.code(), rest(&telltale.stderr)?);
    assert_eq!((code, complaints.len()), (Some(2), 1), "{complaints:?}");
    assert!(
        ["data_dir", "read-only", "--memory-only"].iter().all(|part| complaints[0].contains(part)),
        "{complaints:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_history_on_a_read_only_disk_can_be_exported() -> io::Result<()> {
    let Some(disk) = SmallDisk::new()? else { return Ok(()) };
    let server = Server::start_with(Options { store: disk.store(), ..Options::default() })?;
    (1..=3).for_each(|second| server.tick(second));
    server.stop().await?;
    mount(&["-o", "remount,ro", &disk.path])?;
    let mut telltale = Telltale::start(&mut disk.home.command(disk.export("1000")))?;
    assert_eq!((telltale.ended().await?.code(), rest(&telltale.stderr)?), (Some(0), vec![]));
    let lines = rest(&telltale.stdout)?;
    assert_eq!(lines.last().map(String::as_str), Some("3000,1970-01-01T00:00:03Z,0.75"), "{lines:?}");
    Ok(())
}

/// Samples second after second until something is so; the newest of them.
async fn record_until(server: &Server, first: i64, is_so: impl Fn() -> bool) -> io::Result<i64> {
    for second in first..first + 4_500 {
        server.tick(second);
        if second % 100 == 0 {
            // The one who writes is given time to notice.
            sleep(Duration::from_millis(10)).await;
            if is_so() {
                return Ok(second);
            }
        }
    }
    // A busy machine may not have let it notice yet.
    until(is_so).await?;
    Ok(first + 4_499)
}

/// Those of which there is a sample.
async fn seconds(server: &Server) -> io::Result<Vec<i64>> {
    let answer = server.get("/api/v1/history?family=load&from=1000&to=9999000&points=10000", &[]).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let t = answer["t"].as_array().into_iter().flatten();
    Ok(t.filter_map(Value::as_i64).map(|t| t / 1_000).collect())
}

impl SmallDisk {
    /// `None` where it can't be made.
    fn new() -> io::Result<Option<Self>> {
        let home = Home::new()?;
        let path = home.path("disk");
        fs::create_dir(&path)?;
        match mount(&["-t", "tmpfs", "-o", "size=512k", "tmpfs", &path]) {
            Ok(()) => Ok(Some(Self { home, path })),
            Err(error) => skip(format!("no small disk can be mounted: {error}")).map(|()| None),
        }
    }

    fn store(&self) -> StoreSettings {
        let directory = Some(PathBuf::from(&self.path));
        StoreSettings { directory, retention: Retention::default(), owner: "a test".to_owned() }
    }

    /// What stands on it now.
    fn files(&self) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
        let files = fs::read_dir(&self.path)?.map(|entry| entry.map(|entry| entry.path()));
        files.map(|path| path.and_then(|path| fs::read(&path).map(|bytes| (path, bytes)))).collect()
    }

    /// What writes all of it from an instant on.
    fn export<'a>(&'a self, from: &'a str) -> [&'a str; 7] {
        ["export", "--data-dir", &self.path, "--series", "load.load1", "--from", from]
    }

    /// There is room, but for no file more.
    fn use_up_files(&self) -> io::Result<()> {
        mount(&["-o", "remount,nr_inodes=16", &self.path])?;
        for number in 0..16 {
            match File::create(format!("{}/file-{number}", self.path)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("there were always files left"))
    }

    /// To the last byte.
    fn fill(&self) -> io::Result<()> {
        let mut file = File::create(format!("{}/filler", self.path))?;
        loop {
            match file.write_all(&[1; 1_024]) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn make_room(&self) -> io::Result<()> {
        mount(&["-o", "remount,size=64m,nr_inodes=1k", &self.path])
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It goes with the machine at the latest.
        let _ = Command::new("umount").args(["-l", &self.path]).status();
    }
}

fn mount(arguments: &[&str]) -> io::Result<()> {
    let output = Command::new("mount").args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(io::Error::other(said)) }
}
