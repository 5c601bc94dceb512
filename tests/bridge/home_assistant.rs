//! Home Assistant comes and goes.

use std::time::Duration;

use serde_json::{Value, json};
use toy2mqtt::sim::lovense_app::{AppHandle, AppOptions, RequestKind, ToySpec};

use crate::support::{Seen, Setup, toy};

const LUSH: &str = "f082c00246fa";
const EDGE: &str = "e01a2b3c4d5e";
const STATUS: &str = "homeassistant/status";

fn config(hardware: &str) -> String {
    format!("homeassistant/device/toy2mqtt_{}/config", toy(hardware))
}

#[tokio::test]
async fn without_home_assistant_toys_stop() {
    let rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .lan("lease = \"20s\"")
        .more("[safety]\nhome_assistant_lost = \"1s\"\n")
        .start()
        .await;
    rig.set(LUSH, json!({"vibrate": 75})).await;
    rig.set(EDGE, json!({"vibrate_1": 75})).await;
    // Back in time: nothing happens.
    rig.home.publish(STATUS, "offline");
    rig.home.publish(STATUS, "online");
    rig.request("toys", json!({})).await;
    let mark = rig.home.mark();
    let gone = rig.app.now();
    rig.home.publish(STATUS, "offline");
    for hardware in [LUSH, EDGE] {
        let events = rig.bridge_topic("event");
        let expected = json!({
            "event_type": "safety_stop", "toy": toy(hardware), "reason": "home_assistant_lost",
        });
        rig.home
            .next(mark, &events, |seen| seen.json() == expected)
            .await;
    }
    rig.app_until("the stop", AppHandle::all_zero).await;
    let took = rig.app.now() - gone;
    assert!(took >= Duration::from_millis(950), "{took:?}");
    assert_eq!(rig.app.counts().of(RequestKind::Stop), 2);
    // Toys can be used while it is away: it is not the only one that can publish.
    rig.set(LUSH, json!({"vibrate": 10})).await;
}

#[tokio::test]
async fn births_bring_everything_again_once() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    rig.home.until(&config(LUSH), |_| true).await;
    let mark = rig.home.mark();
    for _ in 0..3 {
        rig.home.publish(STATUS, "online");
    }
    let born = rig.home.next(mark, STATUS, |_| true).await;
    let online = rig
        .home
        .next(mark, &rig.bridge_topic("state"), |_| true)
        .await;
    let delay = online.at - born.at;
    assert!(delay >= Duration::from_millis(450), "{delay:?}");
    let all = rig.home.after(mark);
    let first = |topic: &str| all.iter().position(|seen| seen.topic == topic);
    let order = [
        config(LUSH),
        rig.topic(LUSH, "state"),
        rig.topic(LUSH, "availability"),
        rig.bridge_topic("state"),
    ];
    let order: Vec<usize> = order.iter().map(|topic| first(topic).unwrap()).collect();
    assert!(order.is_sorted(), "{order:?}");
    // All three were one: three delays at random would have an end within 3 s.
    let second = rig.home.wait("a second time", |seen| {
        let again = seen[mark..]
            .iter()
            .filter(|seen| seen.topic == config(LUSH));
        (again.count() > 1).then_some(())
    });
    let waited = tokio::time::timeout(
        Duration::from_secs(3) - delay.min(Duration::from_secs(2)),
        second,
    );
    assert!(waited.await.is_err(), "births are not collapsed");
}

#[tokio::test]
async fn a_model_that_is_known_is_announced_at_once_and_its_entity_ids_stay() {
    // The app tells which generation it is a moment after the rest.
    let mut options = AppOptions::with_toys([ToySpec::new("Lush 3").with_id(LUSH)]);
    options.dialect.firmware = false;
    let mut rig = Setup::app(options).start().await;
    let model = |seen: &Seen| seen.json()["device"]["model"] == "Lush 3";
    let entity_id = |seen: &Seen| seen.json()["components"]["stop"]["default_entity_id"].clone();
    let first = entity_id(&rig.home.until(&config(LUSH), |_| true).await);
    let complete = rig.home.until(&config(LUSH), model).await;
    assert_eq!(entity_id(&complete), first);
    let mark = rig.home.mark();
    rig.bridge.terminate();
    rig.bridge.ended().await;
    rig.start_again().await;
    rig.app_until("access", |app| app.sockets().granted == 1)
        .await;
    rig.set(LUSH, json!({"vibrate": 10})).await;
    // As soon as the bridge has heard what it announced before.
    let as_before = |seen: &Seen| entity_id(seen) == first;
    rig.home.next(mark, &config(LUSH), as_before).await;
    let configs = rig.home.after(mark).into_iter();
    let mut configs = configs.filter(|seen| seen.topic == config(LUSH));
    assert!(configs.all(|seen| model(&seen)));
}

#[tokio::test]
async fn a_device_that_the_user_deletes_is_forgotten_or_comes_back() {
    let rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .start()
        .await;
    rig.app.set_connected(EDGE, false).unwrap();
    rig.home
        .says(&rig.topic(EDGE, "availability"), "offline")
        .await;
    let mark = rig.home.mark();
    rig.home.retain(&config(LUSH), "");
    rig.home.retain(&config(EDGE), "");
    let back = rig
        .home
        .next(mark, &config(LUSH), |seen| !seen.payload.is_empty())
        .await;
    assert_eq!(back.json()["device"]["model"], "Lush 3");
    for below in ["state", "availability"] {
        let gone = |seen: &Seen| seen.payload.is_empty();
        rig.home.next(mark, &rig.topic(EDGE, below), gone).await;
    }
    let toys = rig.request("toys", json!({})).await;
    let ids: Vec<&Value> = toys["data"]["toys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|toy| &toy["id"])
        .collect();
    assert_eq!(ids, [&json!(toy(LUSH))]);
}

#[tokio::test]
async fn what_others_announce_is_never_touched() {
    let prepared = Setup::toys(&[("Lush 3", LUSH)]).prepare().await;
    let others = [
        "homeassistant/device/toy2mqtt_toy_00000000/config",
        "homeassistant/device/zigbee_lamp/config",
        "homeassistant/device/toy2mqtt_bridge_2/config",
    ];
    for topic in others {
        prepared.home.retain(
            topic,
            r#"{"origin":{"name":"other"},"device":{"identifiers":["x"]}}"#,
        );
    }
    prepared.home.synced().await;
    let mark = prepared.home.mark();
    let rig = prepared.with_bridge().await;
    rig.home.publish(STATUS, "online");
    let online = |seen: &Seen| seen.text() == "online";
    let born = rig
        .home
        .next(mark, &rig.bridge_topic("state"), online)
        .await;
    rig.home
        .next(mark, &rig.bridge_topic("state"), |seen| seen.at > born.at)
        .await;
    assert!(
        !rig.home
            .after(mark)
            .iter()
            .any(|seen| others.contains(&seen.topic.as_str()))
    );
}
