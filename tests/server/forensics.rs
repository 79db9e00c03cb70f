//! Who was heaviest at an instant of the past: of each minute, and of the seconds of a spike.

use crate::fixture::{DEADLINE, Options, Server};
use crate::processes::FakeScan;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use telltale::model::sample::FamilyValues;
use telltale::model::{Catalog, EventId, Family, Interval, Observation, Sample, Unit, UnixMs};
use tokio::time::{sleep, timeout};

/// A server whose samples and scans have their times from the test.
struct Machine {
    server: Server,
    scanned_at: Arc<AtomicI64>,
}

impl Machine {
    fn start() -> io::Result<Self> {
        let cpu = Family::new("cpu", "CPU", Unit::Percent, Interval::SECOND, &[("user", "user")]);
        let scanned_at = Arc::new(AtomicI64::new(0));
        let scan = FakeScan::at(Arc::clone(&scanned_at));
        let server = Server::start_with(Options { scan, catalog: Arc::new(Catalog(vec![cpu])), ..Options::default() })?;
        Ok(Self { server, scanned_at })
    }

    fn seconds(&self, seconds: impl IntoIterator<Item = i64>, busy: f64) {
        for second in seconds {
            let t = UnixMs(second * 1_000);
            let families = vec![FamilyValues { family: "cpu".into(), values: vec![Some(busy)] }];
            let sample = Arc::new(Sample { t, families });
            self.server.observe(&Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample });
        }
    }

    async fn at(&self, at: &str) -> io::Result<Value> {
        Ok(self.server.get(&format!("/api/v1/processes?at={at}"), &[]).await?.json())
    }

    /// As soon as something is kept of that instant.
    async fn told(&self, at: &str) -> io::Result<Value> {
        let poll = async {
            loop {
                let told = self.at(at).await?;
                if told["processes"] != json!([]) {
                    return Ok(told);
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(DEADLINE, poll).await?
    }
}

fn pids(told: &Value) -> Vec<&Value> {
    told["processes"].as_array().into_iter().flatten().map(|process| &process["pid"]).collect()
}

#[tokio::test]
async fn a_minute_and_the_seconds_of_a_spike_are_told_and_nothing_else() -> io::Result<()> {
    let machine = Machine::start()?;
    machine.scanned_at.store(120_003, Ordering::SeqCst);
    machine.seconds(61..=119, 5.0);
    let minute = machine.told("90000").await?;
    assert_eq!((&minute["at"], &minute["span_ms"]), (&json!(60_000), &json!(60_000)));

    machine.scanned_at.store(130_300, Ordering::SeqCst);
    machine.seconds(120..=129, 5.0);
    assert_eq!(machine.at("130000").await?["processes"], json!([]), "nothing is abnormal yet");
    machine.seconds([130], 99.0);
    let second = machine.told("130000").await?;
    let browser = json!({
        "pid": 2, "name": "Browser", "user": "ann", "cpu_percent": 90.0, "memory_bytes": 400,
        "read_bytes_per_s": null, "written_bytes_per_s": 2, "threads": 1, "started_at": 1000,
    });
    let words = "Heaviest: Browser 90.0% CPU, 400 B, writes 2 B/s; backup 20 B, writes 9 B/s";
    assert_eq!(
        (&second["at"], &second["span_ms"], &second["words"], &second["processes"][0]),
        (&json!(130_300), &json!(1_000), &json!(words), &browser)
    );
    assert_eq!(pids(&second), [2, 1, 3]);
    assert_eq!(pids(&machine.at("130000&sort=io&limit=1").await?), [3]);

    for (at, span_ms) in [("1970-01-01T00:01:30Z", 60_000), ("119999", 60_000), ("131800", 1_000)] {
        assert_eq!(machine.at(at).await?["span_ms"], span_ms, "{at}");
    }
    for at in ["59999", "0", "200000", "now"] {
        let nothing = machine.at(at).await?;
        assert_eq!(
            (&nothing["span_ms"], &nothing["words"], &nothing["processes"]),
            (&Value::Null, &json!(""), &json!([])),
            "{at}"
        );
    }
    machine.server.stop().await
}

#[tokio::test]
async fn what_is_no_instant_is_refused() -> io::Result<()> {
    let machine = Machine::start()?;
    for at in ["soon", "", "-1"] {
        let told = machine.at(at).await?;
        assert_eq!((&told["status"], &told["field"]), (&json!(400), &json!("at")), "{at:?}");
    }
    machine.server.stop().await
}
