//! Nothing leaves a toy running.

use serde_json::json;

use crate::engine::{Engine, Setup};
use crate::rig::{Rig, known};
use crate::toys::Toy;

const EDGE: &str = "e0e0e0e0e0e0";

async fn with_edge(setup: Setup) -> (Engine, Toy, Rig, String) {
    let engine = Engine::start(setup).await;
    let edge = Toy::new("P", EDGE);
    engine.air.plug(&edge).await;
    let rig = Rig::start(&[format!("url = \"ws://{}\"", engine.address)]).await;
    let id = known(0, "Lovense Edge");
    rig.available(&id, true).await;
    (engine, edge, rig, id)
}

/// Whether both motors were last told to be off.
fn is_off(seen: &[String]) -> bool {
    ["Vibrate1:", "Vibrate2:"].iter().all(|motor| {
        let last = seen.iter().rev().find(|it| it.starts_with(motor));
        last.is_none_or(|last| last.ends_with(":0;"))
    })
}

#[tokio::test]
async fn a_stop_wins_against_a_flood() {
    let (engine, edge, rig, id) = with_edge(Setup::default()).await;
    let topic = rig.topic(&id, "set");
    let began = rig.home.newest("toy2mqtt/bridge/state").unwrap().at;
    for round in 0..3 {
        for level in 1..=100 {
            let payload = json!({"vibrate_1": level, "vibrate_2": 101 - level});
            rig.home.publish(&topic, payload.to_string());
        }
        if round % 2 == 0 {
            rig.home.publish(&rig.topic(&id, "stop"), "");
        } else {
            rig.home.publish("toy2mqtt/bridge/stop", "");
        }
        // A stop that overtakes all of them finds nothing to change.
        rig.home.synced().await;
        edge.until("the stop", is_off).await;
        rig.state_until(&id, |state| {
            state["state"] == "OFF" && state["brightness"] == 0
        })
        .await;
        // What came before the stop is dead; only what comes after it starts the toy again.
        let started = async { while rig.ask(&id, json!({"vibrate_1": 50})).await["ok"] != true {} };
        crate::shared::soon("a level after the stop", started).await;
        edge.told("Vibrate1:10;").await;
    }
    // However many are asked for, no more operations are sent than the toy's server takes: one per
    // 100 ms, of a message per motor. Stops do not wait.
    let took = began.elapsed().as_millis() as usize;
    let heard = engine.heard();
    let starts = |it: &&String| it.contains("OutputCmd") && !it.contains("\"Value\":0");
    let operations = heard.iter().filter(starts).count() / 2;
    assert!(operations <= took / 100 + 1, "{operations} in {took} ms");
}

#[tokio::test]
async fn a_server_that_starts_again_has_its_toys_back_and_off() {
    let (mut engine, edge, rig, id) = with_edge(Setup::default()).await;
    rig.set(&id, json!({"effect": "Pulse"})).await;
    rig.set(&id, json!({"vibrate_1": 80})).await;
    edge.told("Vibrate1:16;").await;
    let mark = rig.home.mark();
    engine.stop().await;
    rig.event(mark, "toy_removed", &id).await;
    edge.until("the server's own stop", is_off).await;
    let down = rig
        .backend_until("buttplug", |it| it["state"] == "down")
        .await;
    let error = down["last_error"].as_str().unwrap_or_default();
    assert!(!error.is_empty(), "{down}");
    let mark = rig.home.mark();
    engine.start_again().await;
    rig.event(mark, "toy_added", &id).await;
    let state = rig.state_until(&id, |state| state["state"] == "OFF").await;
    // 0, or unknown until the toy has confirmed it.
    assert_eq!(state["vibrate_1"].as_i64().unwrap_or(0), 0, "{state}");
    rig.home.synced().await;
    assert!(is_off(&edge.seen()), "{:?}", edge.seen());
    rig.set(&id, json!({"vibrate_2": 10})).await;
    edge.told("Vibrate2:2;").await;
}

#[tokio::test]
async fn a_server_that_wants_pings_gets_them() {
    let setup = Setup {
        max_ping: 600,
        ..Setup::default()
    };
    let (engine, edge, rig, id) = with_edge(setup).await;
    rig.set(&id, json!({"vibrate_1": 80})).await;
    edge.told("Vibrate1:16;").await;
    let pings = |engine: &Engine| {
        let heard = engine.heard();
        heard.iter().filter(|it| it.contains("{\"Ping\"")).count()
    };
    // Many times the limit.
    let from = pings(&engine);
    let waiting = async {
        while pings(&engine) < from + 20 {
            rig.home.synced().await;
        }
    };
    crate::shared::soon("pings", waiting).await;
    assert!(!is_off(&edge.seen()));
    assert_eq!(
        engine
            .heard()
            .iter()
            .filter(|it| it.contains("RequestServerInfo"))
            .count(),
        1
    );

    // None arrives any more: the server stops the toys and is deaf to us until we come again.
    let mark = rig.home.mark();
    engine.deaf_to_pings.send_replace(true);
    rig.event(mark, "toy_removed", &id).await;
    edge.until("the server's own stop", is_off).await;
    rig.bridge.logged("has not heard from the bridge").await;
    rig.available(&id, false).await;
    engine.deaf_to_pings.send_replace(false);
    rig.available(&id, true).await;
    rig.state_until(&id, |state| state["state"] == "OFF").await;
}

#[tokio::test]
async fn a_bridge_that_ends_leaves_nothing_running() {
    let (engine, edge, mut rig, id) = with_edge(Setup::default()).await;
    rig.set(&id, json!({"vibrate_1": 80})).await;
    edge.told("Vibrate1:16;").await;
    rig.bridge.terminate();
    assert!(rig.bridge.ended().await.success());
    edge.until("the stop", is_off).await;
    rig.available(&id, false).await;

    rig.bridge = crate::support::Bridge::start(&rig.config);
    rig.available(&id, true).await;
    rig.set(&id, json!({"vibrate_1": 70})).await;
    edge.told("Vibrate1:14;").await;
    rig.bridge.kill().await;
    engine.has_client(false).await;
    edge.until("the server's own stop", is_off).await;
}
