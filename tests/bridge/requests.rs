//! Requests to the bridge itself.

use serde_json::{Value, json};
use toy2mqtt::sim::Function;

use crate::support::{Rig, Seen, Setup, toy};

const LUSH: &str = "f082c00246fa";
const EDGE: &str = "e01a2b3c4d5e";

fn config(hardware: &str) -> String {
    format!("homeassistant/device/toy2mqtt_{}/config", toy(hardware))
}

async fn two_toys() -> Rig {
    Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .start()
        .await
}

/// Sends a request and expects that it is done.
async fn done(rig: &Rig, verb: &str, payload: Value) -> Value {
    let response = rig.request(verb, payload).await;
    assert_eq!(response["status"], "ok", "{response}");
    response["data"].clone()
}

#[tokio::test]
async fn toys_are_listed_and_renamed() {
    let mut rig = two_toys().await;
    let toys = done(&rig, "toys", json!({})).await;
    let toys = toys["toys"].as_array().unwrap();
    let ids: Vec<_> = toys.iter().map(|toy| toy["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&toy(LUSH).as_str()) && ids.contains(&toy(EDGE).as_str()));

    done(&rig, "rename", json!({"toy": toy(LUSH), "name": "Alpha"})).await;
    let renamed = |seen: &Seen| seen.json()["device"]["name"] == "Alpha";
    let alpha = rig.home.until(&config(LUSH), renamed).await.json();
    let unique = alpha["components"]["vibrate"]["unique_id"].clone();
    assert_eq!(unique, format!("toy2mqtt_{}_vibrate", toy(LUSH)));
    // Names outlive the bridge.
    rig.bridge.terminate();
    rig.bridge.ended().await;
    rig.start_again().await;
    let toys = done(&rig, "toys", json!({})).await;
    assert!(
        toys["toys"]
            .as_array()
            .unwrap()
            .iter()
            .any(|toy| toy["name"] == "Alpha")
    );
    assert!(renamed(&rig.home.newest(&config(LUSH)).unwrap()));
    done(&rig, "rename", json!({"toy": toy(LUSH), "name": null})).await;
    rig.home.until(&config(LUSH), |seen| !renamed(seen)).await;
    let unknown = rig
        .request("rename", json!({"toy": "toy_00000000", "name": "x"}))
        .await;
    assert_eq!(unknown["error"]["code"], "unknown_toy", "{unknown}");
}

#[tokio::test]
async fn limits_hold_on_every_way_and_say_so() {
    let rig = two_toys().await;
    let limits = json!({"toy": toy(EDGE), "max": 60, "outputs": {"vibrate_2": 20}});
    done(&rig, "limits", limits).await;
    rig.state_until(EDGE, |state| state["limit"] == 60).await;
    for payload in [
        json!({"vibrate_1": 100, "vibrate_2": 100}),
        json!({"brightness": 100}),
    ] {
        let result = rig.set(EDGE, payload).await;
        assert_eq!(result["clamped_by"], "limit", "{result}");
        assert_eq!(result["applied"]["vibrate_2"], 20, "{result}");
    }
    // A limit that falls below the level takes the level with it.
    rig.home.publish(&rig.topic(EDGE, "limit/set"), "30");
    rig.state_until(EDGE, |state| {
        state["limit"] == 30 && state["vibrate_1"] == 30
    })
    .await;
    rig.set(EDGE, json!({"effect": "Earthquake"})).await;
    rig.app_until("the pattern", |app| app.timeline(EDGE).changes().len() > 8)
        .await;
    let timeline = rig.app.timeline(EDGE);
    assert_eq!(timeline.max(Function::Vibrate1), 12);
    assert_eq!(timeline.max(Function::Vibrate2), 4);
}

#[tokio::test]
async fn a_forgotten_toy_leaves_nothing_behind() {
    let rig = two_toys().await;
    let busy = rig.request("forget", json!({"toy": toy(LUSH)})).await;
    assert_eq!(busy["error"]["code"], "busy", "{busy}");
    rig.app.set_connected(LUSH, false).unwrap();
    rig.home
        .says(&rig.topic(LUSH, "availability"), "offline")
        .await;
    done(&rig, "forget", json!({"toy": toy(LUSH)})).await;
    rig.request("toys", json!({})).await;
    let topics = [
        config(LUSH),
        rig.topic(LUSH, "state"),
        rig.topic(LUSH, "availability"),
    ];
    for topic in &topics {
        rig.home.until(topic, |seen| seen.payload.is_empty()).await;
    }
    let kept = crate::support::Home::connect(rig.broker.addr)
        .await
        .after(0);
    let id = toy(LUSH);
    assert!(
        !kept.iter().any(|seen| seen.topic.contains(&id)),
        "nothing is kept"
    );
    // It may come back as if it were new.
    rig.app.set_connected(LUSH, true).unwrap();
    rig.home
        .says(&rig.topic(LUSH, "availability"), "online")
        .await;
    rig.set(LUSH, json!({"vibrate": 10})).await;
    assert!(rig.home.newest(&config(LUSH)).is_some());
}

#[tokio::test]
async fn a_toy_that_is_found_to_be_another_one_leaves_nothing_behind() {
    let mut rig = two_toys().await;
    rig.bridge.terminate();
    rig.bridge.ended().await;
    rig.app.set_connected(LUSH, false).unwrap();
    let settings = std::fs::read_to_string(&rig.config).unwrap();
    let joined = format!(
        "[[toy]]\nid = \"{}\"\nalso = [\"{}\"]\n",
        toy(EDGE),
        toy(LUSH)
    );
    std::fs::write(&rig.config, settings + &joined).unwrap();
    let mark = rig.home.mark();
    rig.start_again().await;
    for topic in [
        config(LUSH),
        rig.topic(LUSH, "state"),
        rig.topic(LUSH, "availability"),
    ] {
        let gone = |seen: &Seen| seen.payload.is_empty();
        rig.home.next(mark, &topic, gone).await;
    }
    // That was said once: the next start has nothing to remove.
    rig.bridge.terminate();
    rig.bridge.ended().await;
    let mark = rig.home.mark();
    rig.start_again().await;
    let id = toy(LUSH);
    let said = rig.home.after(mark);
    let said: Vec<_> = said
        .iter()
        .filter(|seen| seen.topic.contains(&id))
        .collect();
    assert!(said.is_empty(), "{said:?}");
}

#[tokio::test]
async fn identify_is_gentle_short_and_not_for_toys_in_use() {
    let rig = two_toys().await;
    done(&rig, "identify", json!({"toy": toy(LUSH)})).await;
    rig.app_until("two pulses", |app| {
        app.timeline(LUSH).runs().len() == 2 && app.all_zero()
    })
    .await;
    assert_eq!(rig.app.timeline(LUSH).max(Function::Vibrate), 4);
    rig.set(EDGE, json!({"vibrate_1": 50})).await;
    let busy = rig.request("identify", json!({"toy": toy(EDGE)})).await;
    assert_eq!(busy["error"]["code"], "busy", "{busy}");
    assert_eq!(rig.app.level(EDGE, Function::Vibrate1), 10);
}

#[tokio::test]
async fn refresh_scan_log_level_republish() {
    let rig = two_toys().await;
    let asked = rig.app.counts().total();
    done(&rig, "refresh", json!({})).await;
    rig.app_until("a look at the toys", |app| app.counts().total() > asked)
        .await;
    done(&rig, "scan", json!({})).await;
    rig.home.says(&rig.bridge_topic("scan/state"), "ON").await;
    rig.home.publish(&rig.bridge_topic("scan/set"), "OFF");
    rig.home.says(&rig.bridge_topic("scan/state"), "OFF").await;
    done(&rig, "log_level", json!({"level": "debug"})).await;
    let info = |level: &'static str| move |seen: &Seen| seen.json()["log_level"] == level;
    rig.home
        .until(&rig.bridge_topic("info"), info("debug"))
        .await;
    rig.home.publish("toy2mqtt/Not a toy/set", "1");
    rig.bridge.logged("DEBUG message ignored").await;
    let mark = rig.home.mark();
    done(&rig, "republish", json!({})).await;
    rig.home.next(mark, &config(LUSH), |_| true).await;
    done(&rig, "log_level", json!({"level": "info"})).await;
    rig.home
        .until(&rig.bridge_topic("info"), info("info"))
        .await;
}

#[tokio::test]
async fn a_restart_stops_and_starts_again_in_the_same_process() {
    let mut rig = two_toys().await;
    rig.set(LUSH, json!({"vibrate": 75})).await;
    let mark = rig.home.mark();
    done(&rig, "restart", json!({})).await;
    let state = rig.bridge_topic("state");
    rig.home
        .next(mark, &state, |seen| seen.text() == "stopped")
        .await;
    assert!(rig.app.all_zero());
    rig.ready(mark).await;
    rig.set(LUSH, json!({"vibrate": 10})).await;
    assert!(rig.bridge.is_running());
    // It can still be told to end.
    rig.bridge.terminate();
    assert_eq!(rig.bridge.ended().await.code(), Some(0));
}

#[tokio::test]
async fn diagnostics_tell_much_and_no_secret() {
    let secret = "hunter2-nobody-knows";
    // Mosquitto takes any user and password when it takes nobody's.
    let credentials = format!("username = \"somebody\"\npassword = \"{secret}\"\n");
    let setup = Setup::toys(&[("Lush 3", LUSH)]).mqtt(&credentials);
    let rig = setup.more("[log]\nlevel = \"debug\"\n").start().await;
    let diagnostics = done(&rig, "diagnostics", json!({})).await;
    assert_eq!(
        diagnostics["info"]["toys"],
        json!({"known": 1, "available": 1})
    );
    assert!(diagnostics["health"]["published"].as_u64().unwrap() > 0);
    assert_eq!(diagnostics["toys"][0]["id"], toy(LUSH));
    let everything = rig.home.after(0);
    assert!(everything.iter().all(|seen| !seen.text().contains(secret)));
    assert!(!rig.bridge.log().contains(secret));
}
