//! The binary, killed and started again: what was on its charts is on them again, and the time between is a gap.

use crate::binary::{Home, Telltale, rest, stream, until_named};
use crate::client::open;
use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use telltale::model::HostFacts;

const INTERVAL_MS: i64 = 250;

/// What a crash may cost.
const LOST_MS: i64 = 5_000;

const KILLS: usize = 3;

/// So much is sampled before each kill: four seconds' worth of it must be back afterwards.
const SAMPLED_MS: i64 = LOST_MS + 4_000;

#[tokio::test]
async fn what_was_there_five_seconds_before_a_kill_is_there_after_it() -> io::Result<()> {
    let home = Home::new()?;
    let source = format!("replay:{}", home.write("tape.jsonl", &tape()?)?);
    let data = home.path("data");
    let mut before = BTreeMap::new();
    for kill in 0..=KILLS {
        let arguments = ["--listen", "127.0.0.1:0", "--interval", "250ms", "--data-dir", &data, "--source", &source];
        let start = Timestamp::now().as_millisecond();
        let mut telltale = Telltale::start(&mut home.command(arguments))?;
        let address = telltale.address()?;
        let mut events = stream(address).await?;
        // The first sample told may be what the killed one left.
        let (values, gaps, own) = loop {
            until_named(&mut events, "sample").await?;
            let (values, gaps) = history(address).await?;
            if let Some(own) = values.keys().next_back().copied().filter(|newest| *newest >= start) {
                break (values, gaps, own);
            }
        };
        let newest = before.keys().next_back().copied().unwrap_or_default();
        for (t, value) in before.range(..=newest - LOST_MS) {
            assert_eq!(values.get(t), Some(value), "{t} of {newest}, kill {kill}");
        }
        let told: Vec<(i64, i64)> =
            gaps.iter().filter_map(|gap| gap["from"].as_i64().zip(gap["to"].as_i64())).collect();
        assert_eq!(told, holes(&values), "exactly what is missing, kill {kill}");
        // A busy machine may be late with a sample now and then.
        let not_running = gaps.iter().filter(|gap| gap["reason"] == "not_running").count();
        assert_eq!(not_running, kill, "one a kill: {gaps:?}");
        loop {
            until_named(&mut events, "sample").await?;
            before = history(address).await?.0;
            if before.keys().next_back().is_some_and(|newest| *newest >= own + SAMPLED_MS) {
                break;
            }
        }
        telltale.signal(Signal::KILL).await?;
        // However fast a start is, a tick is missing.
        tokio::time::sleep(Duration::from_millis(2 * INTERVAL_MS.unsigned_abs())).await;
    }
    let mut export =
        Telltale::start(home.command(["export", "--family", "load", "--from", "-9m"]).args(["--data-dir", &data]))?;
    let code = export.ended().await?.code();
    let exported = rest(&export.stdout)?.len();
    let newest = before.keys().next_back().copied().unwrap_or_default();
    assert_eq!(code, Some(0), "{:?}", rest(&export.stderr));
    assert!(exported > before.range(..=newest - LOST_MS).count(), "{exported} lines of what a killed one left");
    Ok(())
}

/// A minute of one family.
fn tape() -> io::Result<String> {
    let catalog = json!([{
        "id": "load", "title": "Load", "unit": "", "stacked": false, "interval_ms": INTERVAL_MS,
        "dimensions": [{"id": "load1", "label": "1 min"}, {"id": "load5", "label": "5 min"}],
    }]);
    let host = serde_json::to_value(HostFacts { name: "taped".to_owned(), ..HostFacts::default() })?;
    let mut lines = vec![json!({"host": host, "catalog": catalog})];
    lines.extend((0..240).map(|tick| json!({"t": 1_795_233_600_000 + tick * INTERVAL_MS, "load": [tick, null]})));
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

/// Every sample there is, and the gaps between them.
async fn history(address: SocketAddr) -> io::Result<(BTreeMap<i64, Value>, Vec<Value>)> {
    let path = "/api/v1/history?family=load&from=-9m&points=10000";
    let answer = open(address, "GET", path, &[]).await?.whole().await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let t = list(&answer["t"]);
    let values: BTreeMap<i64, Value> =
        t.iter().filter_map(Value::as_i64).zip(list(&answer["dimensions"]["load1"]["mean"])).collect();
    assert_eq!(values.len(), t.len(), "no instant is there twice");
    Ok((values, list(&answer["gaps"])))
}

/// The first and the last tick of what is missing between samples that are there.
fn holes(values: &BTreeMap<i64, Value>) -> Vec<(i64, i64)> {
    let pairs = values.keys().zip(values.keys().skip(1));
    pairs.map(|(before, after)| (before + INTERVAL_MS, after - INTERVAL_MS)).filter(|(from, to)| from <= to).collect()
}
