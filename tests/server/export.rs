//! `telltale export`, run as people run it: beside a server that has the directory, and into pipes.

use crate::binary::{Home, Telltale, rest};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use telltale::model::sample::FamilyValues;
use telltale::model::{Catalog, EventId, Family, Gap, GapReason, Interval, Observation, Sample, Unit, UnixMs};
use telltale::server::history::{Detail, History, KEPT, Opened, Question, Retention, StoreSettings, Table, Wanted};

/// 2026-11-21T06:00:00Z, where one stretch of an export ends and the next begins.
const SEAM_S: i64 = 1_795_240_800;

const FROM: &str = "2026-11-21T04:50:00Z";
const TO: &str = "2026-11-21T06:10:00Z";

/// With a store in its `data`, which is open as that of a running server would be.
async fn store(home: &Home) -> io::Result<History> {
    let settings = StoreSettings {
        directory: Some(PathBuf::from(home.path("data"))),
        retention: Retention::default(),
        owner: "a test".to_owned(),
    };
    let cpu = [("user", "user"), ("system", "system"), ("iowait", "iowait")];
    let catalog = Arc::new(Catalog(vec![
        Family::new("cpu", "CPU", Unit::Percent, Interval::SECOND, &cpu).stacked(),
        Family::new("mounts", "Mounts", Unit::Count, Interval::SECOND.times(10), &[("count", "count")]),
    ]));
    let history = History::start(Opened::open(&settings, KEPT).map_err(io::Error::other)?, catalog, Arc::default())?;
    for second in -4_200..=600 {
        match second {
            -700..-600 => {}
            // A hole across the seam that nobody told of.
            -2..=2 => {}
            _ => history.record(&observation(SEAM_S + second)),
        }
        if second == -600 {
            let [from, to] = [SEAM_S - 700, SEAM_S - 601].map(|second| Some(UnixMs(second * 1_000)));
            history.record(&Observation::Gap(Gap { from, to, reason: GapReason::Suspended }));
        }
    }
    assert!(history.flush(Duration::from_secs(20)));
    Ok(history)
}

fn observation(second: i64) -> Observation {
    let t = UnixMs(second * 1_000);
    let value = (second % 100) as f64;
    let cpu = vec![Some(value), Some(0.25).filter(|_| second % 7 != 0), Some(1.0)];
    let mut families = vec![FamilyValues { family: "cpu".into(), values: cpu }];
    families.extend((second % 10 == 0).then(|| FamilyValues { family: "mounts".into(), values: vec![Some(value)] }));
    Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample: Arc::new(Sample { t, families }) }
}

/// What an export says, line by line, when it succeeds.
async fn export(home: &Home, arguments: &[&str]) -> io::Result<Vec<String>> {
    let data = home.path("data");
    let mut telltale = Telltale::start(home.command(["export", "--data-dir", &data]).args(arguments))?;
    let code = telltale.ended().await?.code();
    assert_eq!((code, rest(&telltale.stderr)?), (Some(0), vec![]), "{arguments:?}");
    rest(&telltale.stdout)
}

#[tokio::test]
async fn every_sample_comes_out_as_it_went_in() -> io::Result<()> {
    let home = Home::new()?;
    let history = store(&home).await?;
    let lines = export(&home, &["--family", "cpu", "--from", FROM, "--to", TO]).await?;
    assert_eq!(lines.len(), 1 + 4_801 - 100 - 5);
    assert_eq!(lines[0], "t,time,user,system,iowait");
    assert_eq!(lines[1], "1795236600000,2026-11-21T04:50:00Z,0,0.25,1");
    assert_eq!(lines[5], "1795236604000,2026-11-21T04:50:04Z,4,,1", "what could not be read is empty");
    for (series, families) in [(&["cpu.busy", "mounts.count"][..], &["cpu", "mounts"][..]), (&[], &["cpu"])] {
        let named: Vec<&str> = series.iter().flat_map(|name| ["--series", name]).collect();
        let asked = if named.is_empty() { vec!["--family", "cpu"] } else { named };
        for (points, detail) in [(&[][..], Detail::Ticks), (&["--points", "100"], Detail::Points(100))] {
            let question = Question {
                families: Wanted::These(families.iter().map(|id| Arc::from(*id)).collect()),
                from: UnixMs((SEAM_S - 4_200) * 1_000),
                to: UnixMs((SEAM_S + 600) * 1_000),
                detail,
            };
            let answer = history.ask(question).await.map_err(|why| io::Error::other(format!("{why:?}")))?;
            let series: Vec<String> = series.iter().map(|name| (*name).to_owned()).collect();
            let table = Table::of(&answer, &series).map_err(io::Error::other)?;
            let arguments = [&asked, points, &["--from", FROM, "--to", TO, "--format"]].concat();
            let csv = export(&home, &[&arguments[..], &["csv"]].concat()).await?;
            assert!(csv.iter().map(String::as_str).eq(table.csv().lines()), "{arguments:?}");
            let json = export(&home, &[&arguments[..], &["json"]].concat()).await?;
            let told: Value = serde_json::from_str(&json.concat())?;
            let expected: Value = serde_json::from_str(&table.json())?;
            assert_eq!(told["gaps"], expected["gaps"], "{arguments:?}");
            assert!(told == expected, "{arguments:?}: as the API tells it");
        }
    }
    let gap = |from: i64, to: i64, reason| json!({"from": (SEAM_S + from) * 1_000, "to": (SEAM_S + to) * 1_000, "reason": reason});
    let json = export(&home, &["--family", "cpu", "--from", FROM, "--to", TO, "--format", "json"]).await?;
    let told: Value = serde_json::from_str(&json.concat())?;
    assert_eq!(told["gaps"], json!([gap(-700, -601, "suspended"), gap(-2, 2, "late")]));
    Ok(())
}

#[tokio::test]
async fn where_there_is_nothing_only_the_names_come_out() -> io::Result<()> {
    let home = Home::new()?;
    let _history = store(&home).await?;
    for range in [&[][..], &["--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z"]] {
        let lines = export(&home, &[&["--family", "mounts"], range].concat()).await?;
        assert_eq!(lines, ["t,time,count"], "{range:?}");
        let lines = export(&home, &[&["--family", "mounts", "--format", "json"], range].concat()).await?;
        let told: Value = serde_json::from_str(&lines.concat())?;
        let nothing = json!({"min": [], "mean": [], "max": []});
        let expected = json!({
            "family": "mounts", "step_ms": 10_000, "t": [], "dimensions": {"count": nothing}, "gaps": [],
        });
        assert_eq!(told, expected, "{range:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_closed_pipe_ends_it_quietly() -> io::Result<()> {
    let home = Home::new()?;
    let _history = store(&home).await?;
    for format in ["csv", "json"] {
        let arguments = ["export", "--data-dir", &home.path("data"), "--family", "cpu", "--from", FROM, "--to", TO];
        let mut command = home.command(arguments);
        command.args(["--format", format]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        // Like `head -c 1`: what it writes is more than a pipe holds.
        let mut output = BufReader::with_capacity(1, child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        assert_eq!(output.fill_buf()?.len(), 1);
        drop(output);
        let ended = child.wait_with_output()?;
        assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""), "{format}");
    }
    Ok(())
}

#[tokio::test]
async fn mistakes_are_one_line_with_the_mend() -> io::Result<()> {
    let home = Home::new()?;
    let _history = store(&home).await?;
    let (data, nowhere) = (home.path("data"), home.path("nowhere"));
    std::fs::create_dir(home.path("foreign"))?;
    home.write("foreign/history.db", &"no database ".repeat(1_000))?;
    let foreign = home.path("foreign");
    let in_memory = home.write("memory.toml", "memory_only = true\n")?;
    for (arguments, named) in [
        (&["--data-dir", &data][..], ["--family", "--help"]),
        (&["--data-dir", &data, "--family", "cpuu"], ["cpuu", "did you mean cpu?"]),
        (&["--data-dir", &data, "--family", "gpu.temperature"], ["gpu.temperature", "there are cpu, mounts"]),
        (&["--data-dir", &data, "--series", "cpu.usr"], ["cpu.usr", "did you mean cpu.user?"]),
        (&["--data-dir", &data, "--series", "cpu.buzy"], ["cpu.buzy", "did you mean cpu.busy?"]),
        (&["--data-dir", &data, "--series", "cpu"], ["cpu", "cpu.user"]),
        (&["--data-dir", &data, "--series", "cpu.user", "--family", "cpu"], ["--family", "cannot be used with"]),
        (&["--data-dir", &data, "--family", "cpu", "--from", "soon"], ["--from", "-1h"]),
        (&["--data-dir", &data, "--family", "cpu", "--to", "-2h"], ["--from", "earlier"]),
        (&["--data-dir", &data, "--family", "cpu", "--points", "10001"], ["--points", "10000"]),
        (&["--data-dir", &data, "--family", "cpu", "--format", "xml"], ["--format", "csv"]),
        (&["--data-dir", &nowhere, "--family", "cpu"], [&nowhere, "no history"]),
        (&["--data-dir", &foreign, "--family", "cpu"], [&foreign, "--data-dir"]),
        (&["--config", &in_memory, "--family", "cpu"], ["memory_only", "--data-dir"]),
        (&["--family", "cpu"], ["no history", "--data-dir"]),
    ] {
        let mut telltale = Telltale::start(home.command(["export"]).args(arguments))?;
        let code = telltale.ended().await?.code();
        let (said, complaints) = (rest(&telltale.stdout)?, rest(&telltale.stderr)?);
        assert_eq!((code, said.len(), complaints.len()), (Some(2), 0, 1), "{arguments:?} {complaints:?}");
        assert!(named.iter().all(|name| complaints[0].contains(name)), "{arguments:?} {complaints:?}");
    }
    Ok(())
}
