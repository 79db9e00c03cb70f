use super::*;
use crate::model::{Catalog, HostFacts, Interval};
use crate::server::hub::HelloFacts;
use crate::server::subscribers::Limits;
use http_body_util::BodyExt;
use std::net::Ipv4Addr;

fn streams() -> Streams {
    let facts = HelloFacts {
        server_version: "0".into(),
        page_build: "0".into(),
        host: Arc::new(HostFacts::default()),
        interval: Interval::SECOND,
    };
    let meter = Arc::new(Meter::default());
    Streams {
        hub: Arc::new(Hub::new(facts, Arc::new(Catalog::default()))),
        subscribers: Arc::new(Subscribers::new(Limits::default(), Arc::clone(&meter))),
        meter,
        terms: Terms { silence: Duration::from_millis(1), ..Terms::default() },
    }
}

#[tokio::test]
async fn silence_is_broken_by_pings() {
    let streams = streams();
    let address = ClientAddress { address: Ipv4Addr::LOCALHOST.into(), is_limited: true };
    let answer =
        stream(State(streams.clone()), Extension(address), None, None, HeaderMap::new(), Fields::default()).await;
    let mut body = answer.into_response().into_body();
    let mut text = String::new();
    while text.matches("event: ping\ndata: {\"t\":").count() < 2 {
        let Some(Ok(frame)) = body.frame().await else { break };
        text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
    }
    assert!(text.ends_with("}\n\n"), "{text}");
    // The place in the registry goes with the body, before anything else happens.
    assert_eq!(streams.subscribers.count(), 1);
    drop(body);
    assert_eq!((streams.subscribers.count(), streams.meter.streams()), (0, 0));
}
