//! The past over HTTP: what scripts are told of it, and how they are told what they asked wrongly.

use crate::client::Answer;
use crate::fixture::Server;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use telltale::model::sample::FamilyValues;
use telltale::model::{Catalog, EventId, Family, GapReason, Interval, Observation, Sample, Unit, UnixMs};

/// A full hour: 2026-11-21T04:00:00Z.
const BEGIN_S: i64 = 1_795_233_600;

fn catalog() -> Arc<Catalog> {
    let second = Interval::SECOND;
    let cpu = [("user", "user"), ("system", "system"), ("iowait", "iowait")];
    Arc::new(Catalog(vec![
        Family::new("cpu", "CPU", Unit::Percent, second, &cpu).stacked(),
        Family::new("memory", "Memory", Unit::Bytes, second, &[("used", "used"), ("free", "free")]),
        Family::new("memory.available", "Available", Unit::Bytes, second, &[("available", "available")]),
        Family::new("mounts", "Mounts", Unit::Count, second.times(10), &[("a,b", "a,b")]),
        Family::new("idle", "Idle", Unit::Count, second, &[("none", "none")]),
    ]))
}

/// With samples of these seconds after the full hour: `cpu.system` is missing in every other one.
fn start(seconds: impl IntoIterator<Item = i64>) -> io::Result<Server> {
    let server = Server::start()?;
    server.observe(&Observation::Catalog(catalog()));
    seconds.into_iter().for_each(|second| tick(&server, BEGIN_S + second));
    Ok(server)
}

fn tick(server: &Server, second: i64) {
    let t = UnixMs(second * 1_000);
    let value = (second - BEGIN_S) as f64;
    let of = |family: &str, values: &[Option<f64>]| FamilyValues { family: family.into(), values: values.to_vec() };
    let mut families = vec![
        of("cpu", &[Some(value / 4.0), Some(1.0).filter(|_| second % 2 == 0), Some(0.5)]),
        of("memory", &[Some(3_000_000_000.0), Some(1_000_000_000.0)]),
        of("memory.available", &[Some(1_600_000_000.0)]),
    ];
    families.extend((second % 10 == 0).then(|| of("mounts", &[Some(value)])));
    server.observe(&Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample: Arc::new(Sample { t, families }) });
}

fn ms(second: i64) -> i64 {
    (BEGIN_S + second) * 1_000
}

async fn ask(server: &Server, query: &str) -> io::Result<Answer> {
    server.get(&format!("/api/v1/history?{query}"), &[]).await
}

/// The seconds of which there is something.
async fn seconds(server: &Server, query: &str) -> io::Result<Vec<i64>> {
    let answer = ask(server, query).await?;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let answer = answer.json();
    let t = answer["t"].as_array().into_iter().flatten().filter_map(Value::as_i64);
    Ok(t.map(|t| t / 1_000 - BEGIN_S).collect())
}

#[tokio::test]
async fn few_samples_are_told_each_and_many_in_buckets() -> io::Result<()> {
    let server = start(0..120)?;
    let answer = ask(&server, &format!("family=cpu&from={}&to={}", ms(2), ms(4))).await?;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let all = |values: Value| json!({"min": values, "mean": values, "max": values});
    let expected = json!({
        "family": "cpu",
        "step_ms": 1_000,
        "t": [ms(2), ms(3), ms(4)],
        "dimensions": {
            "user": all(json!([0.5, 0.75, 1])),
            "system": all(json!([1, null, 1])),
            "iowait": all(json!([0.5, 0.5, 0.5])),
        },
        "gaps": [],
    });
    assert_eq!(answer.json(), expected);

    let answer = ask(&server, &format!("series=cpu.user&from={}&to={}&points=4", ms(0), ms(119))).await?.json();
    let expected = json!({
        "family": "cpu",
        "step_ms": 60_000,
        "t": [ms(0), ms(60)],
        "dimensions": {"cpu.user": {"min": [0, 15], "mean": [7.38, 22.38], "max": [14.75, 29.75]}},
        "gaps": [],
    });
    assert_eq!(answer, expected);
    server.stop().await
}

#[tokio::test]
async fn both_ends_count_however_they_are_written() -> io::Result<()> {
    let server = start(0..30)?;
    let (from, to) = (ms(10), ms(12));
    for (range, expected) in [
        (format!("from={from}&to={to}"), vec![10, 11, 12]),
        (format!("from={}&to={}", from + 1, to - 1), vec![11]),
        (format!("from={from}&to={from}"), vec![10]),
        ("from=2026-11-21T04:00:10Z&to=2026-11-21T04:00:12Z".to_owned(), vec![10, 11, 12]),
        ("from=2026-11-21T05:00:10%2B01:00&to=2026-11-21T03:30:10.5-00:30".to_owned(), vec![10]),
        ("from=2026-11-21T05:00:10+01:00&to=2026-11-21T04:00:11Z".to_owned(), vec![10, 11]),
        (format!("from={}&to={}", ms(-9_000), ms(0)), vec![0]),
        (format!("from={}&to={}", ms(30), ms(3_000)), vec![]),
    ] {
        assert_eq!(seconds(&server, &format!("family=cpu&points=10000&{range}")).await?, expected, "{range}");
    }
    server.stop().await
}

#[tokio::test]
async fn times_count_back_from_now() -> io::Result<()> {
    let server = start([])?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
    [700, 599, 30, 0].into_iter().for_each(|ago| tick(&server, now - ago));
    let ago = |ago: &[i64]| ago.iter().map(|ago| now - ago - BEGIN_S).collect::<Vec<_>>();
    for (range, expected) in [
        ("", &[30, 0][..]),
        ("from=-2m", &[30, 0]),
        ("from=-2m&to=now", &[30, 0]),
        ("from=-1h&to=-1m", &[700, 599]),
        ("to=-20s", &[599, 30]),
    ] {
        let told = seconds(&server, &format!("family=cpu&points=10000&{range}")).await?;
        // The oldest of ten minutes may have become too old meanwhile.
        let told: Vec<i64> = told.into_iter().filter(|t| !range.is_empty() || *t != now - 599 - BEGIN_S).collect();
        assert_eq!(told, ago(expected), "{range}");
    }
    server.stop().await
}

#[tokio::test]
async fn series_of_several_families_stand_beside_each_other() -> io::Result<()> {
    let server = start(8..=10)?;
    let range = format!("from={}&to={}", ms(0), ms(60));
    let answer = ask(&server, &format!("series=cpu.busy&series=memory.used_percent&series=mounts.a,b&{range}")).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!((&answer["family"], &answer["step_ms"]), (&Value::Null, &json!(1_000)));
    assert_eq!(answer["t"], json!([ms(8), ms(9), ms(10)]));
    let told = |name: &str| answer["dimensions"][name]["max"].clone();
    assert_eq!(told("cpu.busy"), json!([3, null, 3.5]), "what is missing is not taken for nothing");
    assert_eq!(told("memory.used_percent"), json!([60, 60, 60]));
    assert_eq!(told("mounts.a,b"), json!([null, null, 10]), "not due is not zero");
    server.stop().await
}

#[tokio::test]
async fn a_family_without_samples_is_no_mistake() -> io::Result<()> {
    let server = start(0..3)?;
    let nothing = json!({"min": [], "mean": [], "max": []});
    for (family, dimensions) in [("idle", json!({"none": nothing})), ("mounts", json!({"a,b": nothing}))] {
        for points in [1, 10_000] {
            let query = format!("family={family}&from={}&to={}&points={points}", ms(40), ms(50));
            let answer = ask(&server, &query).await?;
            assert_eq!(answer.status, 200, "{query}: {}", answer.text());
            let answer = answer.json();
            assert_eq!((&answer["t"], &answer["dimensions"], &answer["gaps"]), (&json!([]), &dimensions, &json!([])));
        }
    }
    // A device that was pulled out keeps its past.
    server.observe(&Observation::Catalog(Arc::new(Catalog(vec![catalog().0[1].clone()]))));
    assert_eq!(seconds(&server, &format!("family=cpu&from={}&to={}", ms(0), ms(9))).await?, [0, 1, 2]);
    server.stop().await
}

#[tokio::test]
async fn csv_is_for_spreadsheets() -> io::Result<()> {
    let server = start([9, 10])?;
    let range = format!("from={}&to={}&format=csv", ms(0), ms(60));
    for (query, name, expected) in [
        (
            "family=cpu",
            "cpu.csv",
            "t,time,user,system,iowait\r\n\
             1795233609000,2026-11-21T04:00:09Z,2.25,,0.5\r\n\
             1795233610000,2026-11-21T04:00:10Z,2.5,1,0.5\r\n",
        ),
        (
            "series=mounts.a,b&series=cpu.system",
            "mounts.csv",
            "t,time,\"mounts.a,b\",cpu.system\r\n\
             1795233609000,2026-11-21T04:00:09Z,,\r\n\
             1795233610000,2026-11-21T04:00:10Z,10,1\r\n",
        ),
        (
            "series=cpu.user&points=2",
            "cpu.csv",
            "t,time,cpu.user.min,cpu.user.mean,cpu.user.max\r\n\
             1795233600000,2026-11-21T04:00:00Z,2.25,2.38,2.5\r\n",
        ),
        ("family=idle", "idle.csv", "t,time,none\r\n"),
    ] {
        let answer = ask(&server, &format!("{query}&{range}")).await?;
        assert_eq!(answer.text(), expected, "{query}");
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{name}\""));
    }
    server.stop().await
}

#[tokio::test]
async fn what_is_missing_is_a_gap_with_its_reason() -> io::Result<()> {
    let server = start(0..5)?;
    server.gap(BEGIN_S + 5, BEGIN_S + 9, GapReason::Suspended);
    [10, 11, 14].into_iter().for_each(|second| tick(&server, BEGIN_S + second));
    let suspended = json!({"from": ms(5), "to": ms(9), "reason": "suspended"});
    let late = json!({"from": ms(12), "to": ms(13), "reason": "late"});
    for (query, gaps) in [
        (format!("family=cpu&from={}&to={}", ms(0), ms(60)), json!([suspended, late])),
        (format!("family=cpu&from={}&to={}", ms(7), ms(11)), json!([suspended])),
        (format!("family=cpu&from={}&to={}", ms(0), ms(4)), json!([])),
        (format!("family=mounts&from={}&to={}", ms(0), ms(60)), json!([suspended])),
        // Buckets of five seconds, and of an hour: what is shorter can't be seen beside them.
        (format!("family=cpu&from={}&to={}&points=7", ms(0), ms(14)), json!([suspended])),
        (format!("family=cpu&from={}&to={}&points=1", ms(0), ms(60)), json!([])),
    ] {
        assert_eq!(ask(&server, &query).await?.json()["gaps"], gaps, "{query}");
    }
    server.stop().await
}

#[tokio::test]
async fn a_wrong_question_names_its_field() -> io::Result<()> {
    let server = start(0..3)?;
    for (query, field, part) in [
        ("", "family", "/api/v1/catalog"),
        ("family=", "family", "/api/v1/catalog"),
        ("family=disk.sdz.io", "family", "disk.sdz.io"),
        ("family=cpu&series=cpu.user", "series", "not for both"),
        ("series=cpu", "series", "cpu.busy"),
        ("series=cpu.nice", "series", "cpu.nice"),
        ("series=cpu.%2B", "series", "cpu.+"),
        ("series=cpu.user&series=gpu.busy", "series", "gpu"),
        ("family=cpu&points=10001", "points", "10000"),
        ("family=cpu&points=0", "points", "10000"),
        ("family=cpu&points=-1", "points", "10000"),
        ("family=cpu&points=many", "points", "10000"),
        ("family=cpu&from=2000&to=1000", "from", "after"),
        ("family=cpu&from=soon", "from", "-1h"),
        ("family=cpu&to=2026-11-21", "to", "2026-11-21T14:00:00Z"),
        ("family=cpu&format=xml", "format", "csv"),
    ] {
        let answer = ask(&server, query).await?;
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/problem+json"), "{query}");
        let problem = answer.json();
        assert_eq!((&problem["code"], &problem["field"]), (&json!("invalid_parameter"), &json!(field)), "{query}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(part)), "{query}: {problem}");
    }
    assert_eq!(ask(&server, "family=cpu&points=10000").await?.status, 200);
    server.stop().await
}
