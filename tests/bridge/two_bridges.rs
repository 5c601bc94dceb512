//! Several bridges on one broker.

use std::time::Duration;

use serde_json::{Value, json};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::RequestKind;

use crate::support::{Home, Rig, Seen, Setup, toy};

const LUSH: &str = "f082c00246fa";
const EDGE: &str = "e01a2b3c4d5e";
const INFO: &str = "toy2mqtt/bridge/info";

fn instance(seen: &Seen) -> Value {
    seen.json()["instance"].clone()
}

#[tokio::test]
async fn different_base_topics_do_not_disturb_one_another() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    let base = "other/house";
    let (mut other, _) = rig.start_another_on(base);
    rig.home.says("other/house/bridge/state", "online").await;
    let availability = format!("{base}/{}/availability", toy(LUSH));
    rig.home.says(&availability, "online").await;
    let devices: Vec<String> = (rig.home.after(0).into_iter())
        .filter(|seen| seen.topic.starts_with("homeassistant/device/"))
        .map(|seen| seen.topic)
        .collect();
    let bridges = devices
        .iter()
        .filter(|topic| topic.ends_with("_bridge/config"));
    let mut bridges: Vec<_> = bridges.collect();
    bridges.sort();
    bridges.dedup();
    assert_eq!(bridges.len(), 2, "{devices:?}");
    // Commands and stops reach only their own.
    let mark = rig.home.mark();
    rig.set(LUSH, json!({"vibrate": 50})).await;
    rig.home.publish("other/house/bridge/quiet/set", "ON");
    rig.home.says("other/house/bridge/quiet/state", "ON").await;
    let refused = format!("{base}/{}/set", toy(LUSH));
    rig.home.publish(&refused, r#"{"vibrate": 10}"#);
    let result = format!("{base}/{}/result", toy(LUSH));
    let result = rig.home.next(mark, &result, |_| true).await.json();
    assert_eq!(result["error"]["code"], "quiet");
    let quiet = rig.home.newest(&rig.bridge_topic("quiet/state")).unwrap();
    assert_eq!(quiet.text(), "OFF");
    other.terminate();
    assert_eq!(other.ended().await.code(), Some(0));
    rig.home.says("other/house/bridge/state", "stopped").await;
    rig.home.synced().await;
    let state = rig.home.newest(&rig.bridge_topic("state")).unwrap();
    assert_eq!(state.text(), "online");
}

#[tokio::test]
async fn the_second_under_one_base_topic_keeps_out_until_the_first_is_gone() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .start()
        .await;
    let first = instance(&rig.home.newest(INFO).unwrap());
    rig.set(LUSH, json!({"vibrate": 50})).await;
    let mark = rig.home.mark();
    let (second, _) = rig.start_another("second");
    second
        .logged("another bridge uses the same base topic")
        .await;
    // It says nothing, drives nothing, and answers nothing.
    let posts = rig.app.counts().of(RequestKind::Stop);
    rig.set(LUSH, json!({"vibrate": 25})).await;
    let functions = rig.app.requests().into_iter();
    let fives = functions.filter(|request| request.json()["action"] == "Vibrate:5");
    assert_eq!(fives.count(), 1);
    rig.request("toys", json!({})).await;
    rig.home.synced().await;
    let after = rig.home.after(mark);
    let answers = after
        .iter()
        .filter(|seen| seen.topic.ends_with("/response/toys"));
    assert_eq!(answers.count(), 2, "one for the second bridge, one for us");
    let infos = after.iter().filter(|seen| seen.topic == INFO);
    assert!(infos.map(instance).all(|instance| instance == first));
    let states = after
        .iter()
        .filter(|seen| seen.topic == rig.bridge_topic("state"));
    assert!(
        states.clone().all(|seen| seen.text() == "online"),
        "never flapping"
    );
    assert_eq!(rig.app.counts().of(RequestKind::Stop), posts);

    // The first is killed, and the second takes over.
    let mark = rig.home.mark();
    rig.bridge.kill().await;
    let info = rig
        .home
        .next(mark, INFO, |seen| instance(seen) != first)
        .await;
    rig.home
        .next(mark, &rig.bridge_topic("state"), |seen| {
            seen.text() == "online"
        })
        .await;
    second.logged("taking over").await;
    rig.set(EDGE, json!({"vibrate_1": 50})).await;

    // The first comes back, and now it is the one that keeps out.
    let mark = rig.home.mark();
    let old = crate::support::Bridge::start(&rig.config);
    old.logged("another bridge uses the same base topic").await;
    rig.set(EDGE, json!({"vibrate_1": 10})).await;
    let infos = rig
        .home
        .after(mark)
        .into_iter()
        .filter(|seen| seen.topic == INFO);
    assert!(
        infos
            .map(|seen| instance(&seen))
            .all(|found| found == instance(&info))
    );
    rig.bridge = old;
}

#[tokio::test]
async fn of_two_that_start_together_one_stays() {
    let prepared = Setup::toys(&[("Lush 3", LUSH)]).prepare().await;
    let rig: Rig = prepared.launch();
    let (other, _) = rig.start_another("other");
    let keeps_out = "another bridge uses the same base topic";
    let loser = tokio::select! {
        () = rig.bridge.logged(keeps_out) => &rig.bridge,
        () = other.logged(keeps_out) => &other,
    };
    let winner = if std::ptr::eq(loser, &other) {
        &rig.bridge
    } else {
        &other
    };
    rig.ready(0).await;
    rig.home
        .wait("the winner's toys", |seen| {
            let last = |topic: String| seen.iter().rev().find(move |seen| seen.topic == topic);
            let there = last(rig.topic(LUSH, "availability"))?.text() == "online";
            let online = last(rig.bridge_topic("state"))?.text() == "online";
            (there && online).then_some(())
        })
        .await;
    let result = rig.set(LUSH, json!({"vibrate": 50})).await;
    assert_eq!(result["ok"], true);
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 10);
    assert!(!winner.log().contains(keeps_out));
}

#[tokio::test]
async fn remains_of_a_dead_instance_are_taken_over() {
    let mut prepared = Setup::toys(&[("Lush 3", LUSH)]).prepare().await;
    prepared
        .home
        .retain(INFO, r#"{"instance":"0000000000000000"}"#);
    prepared.home.retain("toy2mqtt/bridge/state", "online");
    prepared.home.synced().await;
    prepared.home = Home::connect(prepared.broker.addr).await;
    let from = prepared.apps[0].now();
    let rig = prepared.launch();
    rig.home
        .until(INFO, |seen| instance(seen) != "0000000000000000")
        .await;
    let took = rig.app.now() - from;
    let expected = Duration::from_secs(2)..Duration::from_secs(5);
    assert!(expected.contains(&took), "{took:?}");
    rig.home
        .says(&rig.topic(LUSH, "availability"), "online")
        .await;
    rig.set(LUSH, json!({"vibrate": 50})).await;
}
