//! Quiet, pulses, and what happens when the bridge is killed.

use std::time::Duration;

use serde_json::json;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppHandle, RequestKind};

use crate::support::{Rig, Setup};

const LUSH: &str = "f082c00246fa";
const EDGE: &str = "e01a2b3c4d5e";
const NORA: &str = "a1b2c3d4e5f6";

/// Toys stop by themselves this long after the bridge is gone…
const LEASE: &str = "lease = \"2s\"";
/// …which the simulated app does on time, but the machine may be busy.
const LEASE_ENDS: Duration = Duration::from_millis(2_500);

#[tokio::test]
async fn quiet_stops_refuses_and_outlives_the_bridge() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    rig.set(LUSH, json!({"vibrate": 50})).await;
    let (set, state) = (
        rig.bridge_topic("quiet/set"),
        rig.bridge_topic("quiet/state"),
    );
    rig.home.publish(&set, "ON");
    rig.home.says(&state, "ON").await;
    // Whoever reads that it is on may rely on it, whatever happens next.
    rig.bridge.kill().await;
    rig.app_until("the stop", AppHandle::all_zero).await;

    let mark = rig.home.mark();
    rig.start_again().await;
    rig.home
        .next(mark, &state, |seen| seen.text() == "ON")
        .await;
    for payload in [
        json!({"vibrate": 10}),
        json!({"state": "ON"}),
        json!({"effect": "Wave"}),
    ] {
        let result = rig.ask(LUSH, "set", payload).await;
        assert_eq!(result["error"]["code"], "quiet", "{result}");
    }
    assert!(rig.app.all_zero());

    rig.home.publish(&set, "OFF");
    rig.home.says(&state, "OFF").await;
    rig.set(LUSH, json!({"vibrate": 10})).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 2);
}

#[tokio::test]
async fn pulses_end_by_themselves() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    let pulses = json!({"level": 30, "for": "1s", "repeat": 2, "pause": "500ms"});
    let result = rig.ask(LUSH, "vibrate/set", pulses).await;
    assert_eq!(result["ok"], true, "{result}");
    rig.state_until(LUSH, |state| state["vibrate"] == 30).await;
    rig.state_until(LUSH, |state| state["state"] == "OFF").await;
    rig.app_until("the second pulse and its end", |app| {
        app.timeline(LUSH).runs().len() == 2 && app.all_zero()
    })
    .await;
    let timeline = rig.app.timeline(LUSH);
    for run in timeline.runs() {
        let took = run.until.unwrap() - run.from;
        let right = Duration::from_millis(800)..Duration::from_millis(1_600);
        assert!(right.contains(&took), "{took:?}");
    }
    assert_eq!(timeline.max(Function::Vibrate), 6);
}

#[tokio::test]
async fn a_killed_bridge_leaves_no_toy_running_and_resumes_nothing() {
    let toys = [("Lush 3", LUSH), ("Edge 2", EDGE), ("Nora", NORA)];
    let mut rig = Setup::toys(&toys).lan(LEASE).start().await;
    let pulses = json!({"level": 30, "for": "5s", "repeat": 3, "pause": "500ms"});
    rig.ask(LUSH, "vibrate/set", pulses).await;
    rig.set(EDGE, json!({"vibrate_1": 75, "vibrate_2": 20}))
        .await;
    rig.set(NORA, json!({"effect": "Wave"})).await;
    rig.app_until("all three running", |app| {
        app.toys().iter().all(|toy| toy.is_running())
    })
    .await;
    rig.bridge.kill().await;
    let killed = rig.app.now();
    rig.home.says(&rig.bridge_topic("state"), "offline").await;
    rig.app_until("the end of the leases", AppHandle::all_zero)
        .await;
    for hardware in [LUSH, EDGE, NORA] {
        let timeline = rig.app.timeline(hardware);
        let end = timeline.runs().last().unwrap().until.unwrap();
        assert!(end < killed + LEASE_ENDS, "{:?}", end - killed);
    }

    // What may have been left running is stopped before anything else, and nothing is resumed.
    let before = rig.app.requests().last().unwrap().number;
    rig.start_again().await;
    stops_for(&rig, before, &[LUSH, EDGE, NORA]).await;
    let state = rig.state(EDGE);
    assert_eq!(
        (&state["state"], &state["vibrate_1"]),
        (&json!("OFF"), &json!(0))
    );
    let driven = rig
        .app
        .requests()
        .into_iter()
        .filter(|request| request.number > before);
    assert_eq!(
        driven
            .filter(|request| request.kind == RequestKind::Function)
            .count(),
        0
    );

    // After an orderly end there is nothing to stop.
    rig.bridge.terminate();
    assert_eq!(rig.bridge.ended().await.code(), Some(0));
    let before = rig.app.requests().last().unwrap().number;
    rig.start_again().await;
    rig.set(EDGE, json!({"vibrate_1": 5})).await;
    let since = rig
        .app
        .requests()
        .into_iter()
        .filter(|request| request.number > before);
    assert_eq!(
        since
            .filter(|request| request.kind == RequestKind::Stop)
            .count(),
        0
    );
}

/// Waits for a stop for each of these toys after request `before`.
async fn stops_for(rig: &Rig, before: u64, toys: &[&str]) {
    rig.app_until("a stop for each toy", |app| {
        let stops: Vec<_> = app
            .requests()
            .into_iter()
            .filter(|request| request.number > before && request.kind == RequestKind::Stop)
            .map(|request| request.json()["toy"].clone())
            .collect();
        toys.iter().all(|toy| stops.iter().any(|stop| stop == toy))
    })
    .await;
}

#[tokio::test]
async fn told_to_end_it_stops_says_goodbye_and_ends() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .start()
        .await;
    rig.set(LUSH, json!({"vibrate": 75})).await;
    rig.set(EDGE, json!({"vibrate_1": 75})).await;
    let before = rig.app.requests().last().unwrap().number;
    let told = rig.app.now();
    rig.bridge.terminate();
    let status = rig.bridge.ended().await;
    let took = rig.app.now() - told;
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(rig.app.all_zero());
    stops_for(&rig, before, &[LUSH, EDGE]).await;
    rig.home.says(&rig.bridge_topic("state"), "stopped").await;
    rig.home.synced().await;
    for hardware in [LUSH, EDGE] {
        let availability = rig.home.newest(&rig.topic(hardware, "availability"));
        assert_eq!(availability.unwrap().text(), "offline");
    }
    let state = rig.home.newest(&rig.bridge_topic("state")).unwrap();
    assert_eq!(state.text(), "stopped", "no will after a goodbye");
}

#[tokio::test]
async fn a_hanging_app_does_not_hold_up_the_end() {
    use toy2mqtt::sim::lovense_app::{AnswerFault, Wrong};
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    rig.set(LUSH, json!({"vibrate": 75})).await;
    rig.app
        .change_faults(|faults| faults.answer = Some(AnswerFault::new(Wrong::Hang)));
    let told = rig.app.now();
    rig.bridge.terminate();
    let status = rig.bridge.ended().await;
    let took = rig.app.now() - told;
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(3), "{took:?}");
    rig.home.says(&rig.bridge_topic("state"), "stopped").await;
}
