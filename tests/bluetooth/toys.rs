//! The bridge and toys over Bluetooth, from a slider to a motor.

use serde_json::json;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::text_toy::TextToySpec;

use super::bluez::Device;
use super::rig::{Rig, hardware, toy};
use super::world::Port;

const LUSH: &str = "F0:82:C0:02:46:FA";
const EDGE: &str = "F0:82:C0:02:46:FB";
const NORA: &str = "F0:82:C0:02:46:FC";

#[tokio::test]
async fn a_slider_moves_a_toy_and_a_stop_wins() {
    let devices = vec![toy("S", "LVS-S132", LUSH), toy("P", "LVS-Edge36", EDGE)];
    let rig = Rig::with_toys(devices, "").await;
    rig.drive(LUSH, json!({"vibrate": 40})).await;
    assert_eq!(rig.bluez.world().body(LUSH).level(Function::Vibrate), 8);
    rig.drive(EDGE, json!({"vibrate_1": 25, "vibrate_2": 75}))
        .await;
    {
        let mut world = rig.bluez.world();
        let edge = world.body(EDGE);
        assert_eq!(edge.level(Function::Vibrate1), 5);
        assert_eq!(edge.level(Function::Vibrate2), 15);
    }
    rig.home
        .until(&rig.topic(EDGE, "state"), |seen| {
            seen.json()["battery"] == 85
        })
        .await;
    // A drag that ends in a stop.
    for level in 1..=100 {
        rig.say(LUSH, "vibrate/set", &level.to_string());
        if level == 90 {
            rig.say(LUSH, "stop", "");
        }
    }
    rig.say(LUSH, "stop", "");
    rig.say(EDGE, "stop", "");
    rig.until("a stop", EDGE, |body| !body.runs()).await;
    rig.home
        .until(&rig.topic(LUSH, "state"), |seen| {
            seen.json()["state"] == "OFF"
        })
        .await;
    rig.until("a stop", LUSH, |body| !body.runs()).await;
    let heard = rig.bluez.world().body(LUSH).heard();
    let levels = heard
        .iter()
        .filter(|command| command.starts_with("Vibrate"));
    assert!(levels.count() < 40, "coalesced: {heard:?}");
    assert_eq!(rig.bluez.world().body(LUSH).collisions, 0);
}

#[tokio::test]
async fn each_generation_and_direction() {
    let nordic = Device {
        port: Port {
            service: "6e400001-b5a3-f393-e0a9-e50e24dcca9e",
            to: "6e400002-b5a3-f393-e0a9-e50e24dcca9e",
            from: "6e400003-b5a3-f393-e0a9-e50e24dcca9e",
            flags: &["write"],
        },
        ..toy("A", "LVS-A011", NORA)
    };
    let oldest = Device {
        port: Port {
            service: "0000fff0-0000-1000-8000-00805f9b34fb",
            to: "0000fff2-0000-1000-8000-00805f9b34fb",
            from: "0000fff1-0000-1000-8000-00805f9b34fb",
            flags: &["write-without-response"],
        },
        ..toy("B", "LVS-B001", EDGE)
    };
    let rig = Rig::with_toys(vec![nordic, oldest, toy("S", "LVS-S132", LUSH)], "").await;
    // This one says that it takes both kinds of write, and lies.
    rig.bluez.faults(LUSH, |faults| {
        faults.only = Some("request");
        faults.split = true;
    });
    rig.drive(LUSH, json!({"vibrate": 100})).await;
    rig.drive(NORA, json!({"vibrate": 50, "rotate": -50})).await;
    rig.drive(EDGE, json!({"vibrate": 50, "constrict": 100}))
        .await;
    let mut world = rig.bluez.world();
    assert_eq!(world.body(LUSH).level(Function::Vibrate), 20);
    assert_eq!(world.body(NORA).level(Function::Rotate), -10);
    assert_eq!(world.body(EDGE).level(Function::Pump), 3);
}

#[tokio::test]
async fn a_pattern_is_played_by_the_bridge_under_its_usual_name() {
    let rig = Rig::with_toys(vec![toy("S", "LVS-S132", LUSH)], "").await;
    rig.say(LUSH, "set", r#"{"effect": "Pulse"}"#);
    rig.until("steps of a pattern", LUSH, |body| {
        body.toy.as_ref().is_some_and(|toy| toy.changes().len() > 4)
    })
    .await;
    rig.say(LUSH, "stop", "");
    rig.until("its end", LUSH, |body| !body.runs()).await;
    let heard = rig.bluez.world().body(LUSH).heard();
    assert!(
        !heard.iter().any(|command| command.contains("Pat")),
        "{heard:?}"
    );
}

#[tokio::test]
async fn nothing_is_scanned_and_nobodys_toy_is_taken_unless_asked() {
    let clone = Device {
        toy: Some(TextToySpec {
            speaks: false,
            ..TextToySpec::new("S", &hardware(EDGE))
        }),
        ..toy("S", "LVS-S001", EDGE)
    };
    let denied = toy("P", "LVS-Edge36", NORA);
    let devices = vec![toy("S", "LVS-S132", LUSH), clone, denied];
    let rig = Rig::start(devices, &format!("deny = ['{NORA}']")).await;
    rig.backend_is("up").await;
    assert!(rig.bluez.calls().is_empty(), "{:?}", rig.bluez.calls());
    rig.home.publish("toy2mqtt/bridge/scan/set", "ON");
    rig.is(LUSH, "online").await;
    rig.until("a question to the clone", EDGE, |body| {
        !body.heard().is_empty()
    })
    .await;
    rig.home.publish("toy2mqtt/bridge/scan/set", "OFF");
    rig.world_until("the end of the scan", |world| {
        world.radios[0].scanning.is_empty()
    })
    .await;
    // The toy is known from now on, and looked for.
    rig.bluez.drop_link(LUSH);
    rig.is(LUSH, "offline").await;
    rig.is(LUSH, "online").await;
    let mut world = rig.bluez.world();
    let clone = world.body(EDGE).heard();
    assert!(
        clone.iter().all(|command| command == "DeviceType"),
        "{clone:?}"
    );
    assert_eq!(world.body(NORA).connections, 0);
    assert_eq!(world.body(LUSH).level(Function::Vibrate), 0);
}

#[tokio::test]
async fn a_toy_whose_name_comes_late_is_found() {
    let rig = Rig::start(vec![toy("S", "LVS-S132", LUSH)], "").await;
    rig.bluez.faults(LUSH, |faults| faults.late_name = true);
    rig.home.publish("toy2mqtt/bridge/scan/set", "ON");
    rig.is(LUSH, "online").await;
}

#[tokio::test]
async fn a_crash_and_a_restart_stop_the_toy_first() {
    let devices = vec![toy("S", "LVS-S132", LUSH), toy("P", "LVS-Edge36", EDGE)];
    let mut rig = Rig::with_toys(devices, "").await;
    rig.drive(LUSH, json!({"vibrate": 60})).await;
    rig.bridge.kill().await;
    let known = {
        let mut world = rig.bluez.world();
        let lush = world.body(LUSH);
        // The connection outlives the process, and so does the level.
        assert!(lush.connected && lush.runs());
        lush.heard().len()
    };
    let mark = rig.home.mark();
    rig.relaunch();
    rig.until("its stop", LUSH, |body| !body.runs()).await;
    let heard = rig.bluez.world().body(LUSH).heard();
    assert_eq!(heard[known..known + 2], ["DeviceType", "Vibrate:0"]);
    let online = |seen: &super::rig::Seen| seen.text() == "online";
    let availability = rig.topic(LUSH, "availability");
    rig.home.next(mark, &availability, online).await;
    // In order: the toy is stopped, then let go, so that the phone can have it.
    rig.drive(LUSH, json!({"vibrate": 60})).await;
    rig.bridge.terminate();
    assert_eq!(rig.bridge.ended().await.code(), Some(0));
    rig.until("its stop", LUSH, |body| !body.runs()).await;
    rig.until("its goodbye", LUSH, |body| !body.connected).await;
}

#[tokio::test]
async fn a_toy_stops_by_itself_when_the_link_is_lost() {
    let rig = Rig::with_toys(vec![toy("S", "LVS-S132", LUSH)], "").await;
    rig.drive(LUSH, json!({"vibrate": 60})).await;
    assert!(rig.bluez.world().body(LUSH).runs());
    rig.bluez.drop_link(LUSH);
    assert!(!rig.bluez.world().body(LUSH).runs());
    rig.is(LUSH, "offline").await;
    rig.is(LUSH, "online").await;
    assert!(
        !rig.bluez.world().body(LUSH).runs(),
        "nothing is driven on connect"
    );
}
