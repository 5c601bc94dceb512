//! The broker comes and goes, and what it has kept is never obeyed.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet};
use serde_json::json;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppHandle, RequestKind};

use crate::support::{Home, Rig, Seen, Setup, soon, toy};

const LUSH: &str = "f082c00246fa";

#[tokio::test]
async fn without_a_broker_toys_stop_and_with_it_everything_is_back() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)])
        .lan("lease = \"20s\"")
        .more("[safety]\nbroker_lost = \"1s\"\n")
        .start()
        .await;
    rig.set(LUSH, json!({"vibrate": 75})).await;
    let kept: Vec<_> = topics(&Home::connect(rig.broker.addr).await);
    assert_eq!(rig.app.counts().of(RequestKind::Stop), 0);
    rig.broker.kill();
    let lost = rig.app.now();
    rig.app_until("the stop", AppHandle::all_zero).await;
    let took = rig.app.now() - lost;
    let right = Duration::from_millis(900)..Duration::from_millis(3_000);
    assert!(right.contains(&took), "{took:?}");
    assert!(rig.app.counts().of(RequestKind::Stop) > 0);

    // It comes back and has forgotten everything.
    rig.broker.restart();
    let back = rig.app.now();
    let home = Home::connect(rig.broker.addr).await;
    home.says(&rig.bridge_topic("state"), "online").await;
    let took = rig.app.now() - back;
    assert!(took < Duration::from_secs(3), "{took:?}");
    home.synced().await;
    assert_eq!(topics(&home), kept);
    let state = home.newest(&rig.topic(LUSH, "state")).unwrap().json();
    assert_eq!(
        (&state["state"], &state["vibrate"]),
        (&json!("OFF"), &json!(0))
    );
    rig.home = home;
    rig.set(LUSH, json!({"vibrate": 10})).await;
}

/// The topics under which something is kept, commands and tests aside.
fn topics(home: &Home) -> Vec<String> {
    let seen = home.after(0).into_iter().map(|seen| seen.topic);
    let mut topics: Vec<_> = seen
        .filter(|topic| home.newest(topic).is_some())
        .filter(|topic| !topic.starts_with("sync/"))
        .filter(|topic| {
            !["/event", "/result", "/barrier"]
                .iter()
                .any(|end| topic.ends_with(end))
        })
        .collect();
    topics.sort();
    topics.dedup();
    topics
}

fn is_rejection(seen: &Seen, topic: &str) -> bool {
    let event = seen.json();
    event["event_type"] == "command_rejected"
        && event["reason"] == "retained"
        && event["topic"] == topic
}

/// Every one of these is told to be refused, and then deleted.
async fn refused_and_deleted(rig: &Rig, mark: usize, topics: &[String]) {
    for topic in topics {
        let events = rig.bridge_topic("event");
        rig.home
            .next(mark, &events, |seen| is_rejection(seen, topic))
            .await;
        rig.home
            .next(mark, topic, |seen| seen.payload.is_empty())
            .await;
    }
    let kept = Home::connect(rig.broker.addr).await.after(0);
    let kept: Vec<_> = kept.into_iter().filter(|seen| seen.retained).collect();
    assert!(
        !kept.iter().any(|seen| topics.contains(&seen.topic)),
        "{kept:?}"
    );
}

fn commands() -> Vec<String> {
    let toy = toy(LUSH);
    let below = [
        "set",
        "vibrate/set",
        "state/set",
        "effect/set",
        "identify",
        "stop",
    ];
    let mut topics: Vec<_> = below.map(|below| format!("toy2mqtt/{toy}/{below}")).into();
    topics.extend(
        [
            "all/set",
            "bridge/stop",
            "bridge/quiet/set",
            "bridge/scan/set",
            "bridge/request/restart",
        ]
        .map(|below| format!("toy2mqtt/{below}")),
    );
    topics
}

#[tokio::test]
async fn what_the_broker_kept_is_refused_and_deleted() {
    let prepared = Setup::toys(&[("Lush 3", LUSH)]).prepare().await;
    for topic in commands() {
        let payload = if topic.ends_with("restart") {
            "{}"
        } else {
            "ON"
        };
        prepared.home.retain(&topic, payload);
    }
    prepared.home.synced().await;
    let rig = prepared.with_bridge().await;
    refused_and_deleted(&rig, 0, &commands()).await;
    let quiet = rig.home.newest(&rig.bridge_topic("quiet/state")).unwrap();
    assert_eq!(quiet.text(), "OFF");
    assert_eq!(rig.app.counts().of(RequestKind::Function), 0);

    // The same after a reconnect. What is sent to be kept while we listen is obeyed once: the
    // broker does not tell (MQTT 3.1.1 §3.3.1.3).
    rig.home.retain(&rig.topic(LUSH, "vibrate/set"), "40");
    rig.state_until(LUSH, |state| state["vibrate"] == 40).await;
    rig.set(LUSH, json!({"vibrate": 5})).await;
    let mark = rig.home.mark();
    take_over(&rig).await;
    refused_and_deleted(&rig, mark, &[rig.topic(LUSH, "vibrate/set")]).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 1);
    rig.set(LUSH, json!({"vibrate": 10})).await;
}

/// Has the broker close the bridge's connection, by connecting with the same client id.
async fn take_over(rig: &Rig) {
    let info = rig.home.newest(&rig.bridge_topic("info")).unwrap().json();
    let id = format!("toy2mqtt-{}", info["instance"].as_str().unwrap());
    let options = MqttOptions::new(id, rig.broker.addr.ip().to_string(), rig.broker.addr.port());
    let (client, mut event_loop) = AsyncClient::new(options, 10);
    let connected = async {
        loop {
            let event = event_loop.poll().await.unwrap();
            if matches!(event, Event::Incoming(Packet::ConnAck(_))) {
                break;
            }
        }
        client.disconnect().await.unwrap();
        while event_loop.poll().await.is_ok() {}
    };
    soon("taking over the connection", connected).await;
}

#[tokio::test]
async fn a_false_word_about_the_bridge_is_put_right() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    let state = rig.bridge_topic("state");
    for lie in ["offline", "stopped", "nonsense", ""] {
        let mark = rig.home.mark();
        rig.home.retain(&state, lie);
        let told = rig.home.next(mark, &state, |seen| seen.text() == lie).await;
        let right = rig
            .home
            .next(mark, &state, |seen| seen.text() == "online")
            .await;
        assert!(right.at - told.at < Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_subscription_that_the_broker_denies_is_a_problem_that_is_shown() {
    let mut setup = Setup::toys(&[("Lush 3", LUSH)]);
    setup.broker.denied.push("toy2mqtt/+/+/set".to_owned());
    let rig = setup.start().await;
    let info = rig.bridge_topic("info");
    let told = |seen: &Seen| {
        let problems = seen.json()["problems"].to_string();
        problems.contains("toy2mqtt/+/+/set") && problems.contains("access list")
    };
    rig.home.until(&info, told).await;
    // The rest works.
    rig.set(LUSH, json!({"vibrate": 10})).await;
}
