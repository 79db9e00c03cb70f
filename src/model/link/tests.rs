use super::*;

const T: UnixMs = UnixMs(1_000_000);

fn live_at(now: i64) -> Watchdog {
    let mut watchdog = Watchdog::new(Interval::SECOND, Some(T), now);
    watchdog.opened(now);
    watchdog.sampled(T, now);
    watchdog
}

#[test]
fn a_connection_that_opens_and_speaks_is_live() {
    let mut watchdog = Watchdog::new(Interval::SECOND, None, 0);
    assert_eq!(watchdog.link(0), Link::Connecting);
    watchdog.opened(100);
    assert_eq!(watchdog.link(100), Link::Live);
    assert_eq!(watchdog.poll(1_000, 0.5), None);
}

#[test]
fn silence_is_stale_first_and_then_a_lost_connection() {
    let mut watchdog = live_at(0);
    assert_eq!(watchdog.link(4_000), Link::Live);
    assert_eq!(watchdog.link(5_000), Link::Stale { since: T });
    assert_eq!(watchdog.poll(14_999, 0.5), Some(Action::Ask));
    assert_eq!(watchdog.poll(15_000, 0.5), Some(Action::Disconnect));
    assert_eq!(watchdog.link(15_000), Link::Reconnecting { attempt: 1, seconds: 1 });
    assert_eq!(watchdog.poll(16_000, 0.5), Some(Action::Connect));
}

#[test]
fn pings_keep_a_connection_but_not_the_samples_fresh() {
    let mut watchdog = live_at(0);
    watchdog.heard(10_000);
    assert_eq!(watchdog.poll(20_000, 0.5), Some(Action::Ask));
    assert_eq!(watchdog.link(20_000), Link::Stale { since: T });
}

#[test]
fn tries_come_further_apart_but_never_end() {
    let mut watchdog = live_at(0);
    let (mut now, mut longest) = (0, 0);
    for attempt in 1..=60 {
        watchdog.failed(now, 1.0);
        assert!(matches!(watchdog.link(now), Link::Reconnecting { attempt: shown, .. } if shown == attempt));
        let began = now;
        while watchdog.poll(now, 1.0) != Some(Action::Connect) {
            now += 250;
            assert!(now - began < 60_000, "try {attempt} never came");
        }
        longest = longest.max(now - began);
    }
    assert!(longest <= LONGEST_RETRY_MS * 3 / 2);
    watchdog.heard(now);
    watchdog.failed(now, 0.5);
    assert_eq!(watchdog.link(now), Link::Reconnecting { attempt: 1, seconds: 1 });
}

#[test]
fn a_goodbye_names_the_time_to_come_back() {
    let mut watchdog = live_at(0);
    watchdog.goodbye(3_000, 0);
    watchdog.failed(10, 0.5);
    assert_eq!(watchdog.link(500), Link::Stopping { seconds: 3 });
    assert_eq!(watchdog.poll(2_000, 0.5), None);
    assert_eq!(watchdog.poll(3_000, 0.5), Some(Action::Connect));
    watchdog.failed(3_100, 0.5);
    assert!(matches!(watchdog.link(3_100), Link::Reconnecting { attempt: 1, .. }));
}

#[test]
fn an_opening_that_hangs_is_given_up_and_a_network_that_returns_is_used_at_once() {
    let mut watchdog = Watchdog::new(Interval::SECOND, None, 0);
    assert_eq!(watchdog.poll(9_999, 0.5), Some(Action::Ask));
    assert_eq!(watchdog.poll(10_000, 0.5), Some(Action::Disconnect));
    assert_eq!(watchdog.hurry(10_001), Some(Action::Connect));
    assert_eq!(watchdog.hurry(10_002), None);
}

/// Lets time pass in steps of a quarter of a second until something is due.
fn next(watchdog: &mut Watchdog, now: &mut i64) -> Action {
    for _ in 0..1_000 {
        *now += 250;
        if let Some(action) = watchdog.poll(*now, 0.5) {
            return action;
        }
    }
    panic!("nothing is due for minutes");
}

#[test]
fn a_silent_stream_that_answers_overtake_is_opened_anew_and_then_no_longer_relied_on() {
    let (mut watchdog, mut now) = (live_at(0), 0);
    assert_eq!(next(&mut watchdog, &mut now), Action::Ask);
    assert_eq!(now, 3_500, "before the page says that it is stale");
    assert_eq!(watchdog.answered(3, now + 50), Some(Action::Connect));
    watchdog.sampled(T, now);
    assert_eq!(watchdog.link(now), Link::Live);
    assert_eq!(next(&mut watchdog, &mut now), Action::Ask);
    assert_eq!(watchdog.answered(3, now + 50), Some(Action::Poll));
    watchdog.sampled(T, now);
    assert_eq!(watchdog.link(now), Link::Polling);
}

#[test]
fn answers_that_prove_nothing_change_nothing() {
    for (what, samples, after, streamed) in [
        ("the server has nothing", 0, 50, false),
        ("the answer was as slow as the stream", 5, 1_500, false),
        ("the stream came as well", 5, 50, true),
    ] {
        let (mut watchdog, mut now) = (live_at(0), 0);
        assert_eq!(next(&mut watchdog, &mut now), Action::Ask);
        now += after;
        if streamed {
            assert_eq!(watchdog.streamed(T, now), None, "{what}");
        }
        assert_eq!(watchdog.answered(samples, now), None, "{what}");
    }
}

#[test]
fn while_samples_are_asked_for_the_stream_is_tried_until_it_comes_in_time() {
    let (mut watchdog, mut now) = (live_at(0), 0);
    watchdog.asking(now);
    assert_eq!(watchdog.link(now), Link::Polling);
    let mut pass = |watchdog: &mut Watchdog, until: i64| {
        while now < until {
            now += 250;
            watchdog.sampled(UnixMs(now), now);
            let due = watchdog.poll(now, 0.5);
            if due.is_some() {
                return due.map(|action| (action, now));
            }
        }
        None
    };
    for (tried, given_up) in
        [(4_000, 14_000), (22_000, 32_000), (48_000, 58_000), (90_000, 100_000), (160_000, 170_000)]
    {
        assert_eq!(pass(&mut watchdog, 300_000), Some((Action::Try, tried)));
        assert_eq!(pass(&mut watchdog, 300_000), Some((Action::Poll, given_up)), "nothing came over it");
    }
    let begin = 170_000;
    assert_eq!(watchdog.hurry(begin), Some(Action::Try), "another network may be better");
    for (after, expected) in [(0, None), (1_000, None), (2_000, Some(Action::Stream))] {
        let t = begin + after;
        assert_eq!(pass(&mut watchdog, t), None);
        assert_eq!(watchdog.link(t), Link::Polling);
        assert_eq!(watchdog.streamed(UnixMs(t), t), expected);
    }
    assert_eq!(watchdog.link(begin + 2_000), Link::Live);
}

#[test]
fn an_answer_that_waits_for_a_sample_is_no_silence() {
    for (asks, lost_at) in [(false, 15_000), (true, 25_000)] {
        let (mut watchdog, mut now) = (live_at(0), 0);
        if asks {
            watchdog.asking(0);
        }
        while next(&mut watchdog, &mut now) != Action::Disconnect {}
        assert_eq!(now, lost_at);
    }
}

#[test]
fn a_lost_connection_is_looked_for_in_the_same_way_however_samples_came() {
    let mut watchdog = live_at(0);
    watchdog.asking(0);
    watchdog.failed(0, 0.5);
    assert_eq!(watchdog.link(0), Link::Reconnecting { attempt: 1, seconds: 1 });
    assert_eq!(watchdog.answered(9, 10), None);
    assert_eq!(watchdog.poll(1_000, 0.5), Some(Action::Connect));
    watchdog.opened(1_100);
    assert_eq!(watchdog.link(1_100), Link::Live);
}
