//! Whatever goes wrong with Bluetooth is noticed, said, and over once its cause is.

use std::time::Duration;

use serde_json::json;
use toy2mqtt::sim::Function;

use super::rig::{Rig, toy};

pub(crate) const TOYS: [(&str, &str, &str); 6] = [
    ("S", "LVS-S132", "F0:82:C0:02:46:01"),
    ("P", "LVS-Edge36", "F0:82:C0:02:46:02"),
    ("A", "LVS-A011", "F0:82:C0:02:46:03"),
    ("B", "LVS-B004", "F0:82:C0:02:46:04"),
    ("Z", "LVS-Z005", "F0:82:C0:02:46:05"),
    ("W", "LVS-Domi37", "F0:82:C0:02:46:06"),
];

const ONE: &str = TOYS[0].2;

async fn rig(count: usize) -> Rig {
    let devices = TOYS[..count].iter();
    let devices = devices.map(|(letters, name, address)| toy(letters, name, address));
    Rig::with_toys(devices.collect(), "pace = '75ms'\nbattery = '5s'").await
}

/// Waits until the toy can be driven, and drives it.
async fn works(rig: &Rig, address: &str) {
    rig.is(address, "online").await;
    rig.drive(address, json!({"vibrate": 50})).await;
    assert_eq!(rig.bluez.world().body(address).level(Function::Vibrate), 10);
    rig.say(address, "stop", "");
    rig.until("a stop", address, |body| !body.runs()).await;
}

#[tokio::test]
async fn six_toys_at_once_and_none_is_lost() {
    let rig = rig(TOYS.len()).await;
    for round in 1..=25 {
        for (_, _, address) in TOYS {
            rig.bluez.drop_link(address);
        }
        for (_, _, address) in TOYS {
            let connected = |body: &mut super::world::Body| body.connections > round;
            rig.until("a connection", address, connected).await;
        }
        // Connected is not enough: each has to hear and to be heard.
        for (letters, _, address) in TOYS {
            rig.is(address, "online").await;
            let key = if letters == "P" {
                "vibrate_1"
            } else {
                "vibrate"
            };
            let result = rig.set(address, json!({ key: 50 })).await;
            assert_eq!(result["ok"], true, "round {round}: {result}");
        }
    }
    assert!(
        !rig.bridge.log().contains("panicked"),
        "{}",
        rig.bridge.log()
    );
}

#[tokio::test]
async fn toys_that_turn_up_while_another_is_connected_to_are_not_lost() {
    let devices = TOYS.iter();
    let devices = devices.map(|(letters, name, address)| toy(letters, name, address));
    let rig = Rig::start(devices.collect(), "").await;
    for (_, _, address) in TOYS {
        rig.bluez.faults(address, |faults| faults.off_air = true);
    }
    rig.home.publish("toy2mqtt/bridge/scan/set", "ON");
    rig.world_until("a scan", |world| !world.radios[0].scanning.is_empty())
        .await;
    // Each is first listened to just when the one before it is connected: over a shared connection
    // that would make it mute, for good.
    let mut comings = tokio::time::interval(Duration::from_millis(60));
    for (_, _, address) in TOYS {
        comings.tick().await;
        rig.bluez.faults(address, |faults| faults.off_air = false);
    }
    for (_, _, address) in TOYS {
        rig.is(address, "online").await;
        let connections = rig.bluez.world().body(address).connections;
        assert_eq!(connections, 1, "heard at once");
    }
}

#[tokio::test]
async fn a_connection_that_fails_is_tried_again() {
    let rig = rig(1).await;
    rig.bluez.faults(ONE, |faults| faults.connects_fail = 3);
    rig.bluez.drop_link(ONE);
    rig.is(ONE, "offline").await;
    works(&rig, ONE).await;
}

#[tokio::test]
async fn a_toy_that_was_away_comes_back() {
    let rig = rig(2).await;
    rig.bluez.faults(ONE, |faults| faults.off_air = true);
    rig.bluez.drop_link(ONE);
    rig.is(ONE, "offline").await;
    // The other one is not kept waiting.
    rig.bluez.drop_link(TOYS[1].2);
    rig.is(TOYS[1].2, "offline").await;
    rig.is(TOYS[1].2, "online").await;
    rig.bluez.faults(ONE, |faults| faults.off_air = false);
    works(&rig, ONE).await;
}

#[tokio::test]
async fn a_dead_connection_is_noticed_although_nobody_tells() {
    let rig = rig(1).await;
    rig.drive(ONE, json!({"vibrate": 50})).await;
    {
        let mut world = rig.bluez.world();
        world.body(ONE).faults.dead = true;
    }
    rig.is(ONE, "offline").await;
    works(&rig, ONE).await;
}

#[tokio::test]
async fn services_that_never_show_are_given_up() {
    let rig = rig(1).await;
    rig.bluez.faults(ONE, |faults| faults.unresolved = true);
    rig.bluez.drop_link(ONE);
    rig.until("two attempts", ONE, |body| body.connections > 2)
        .await;
    rig.bluez.faults(ONE, |faults| faults.unresolved = false);
    works(&rig, ONE).await;
}

#[tokio::test]
async fn writes_and_answers_that_go_wrong() {
    let rig = rig(1).await;
    rig.bluez.faults(ONE, |faults| {
        faults.slow_writes = Duration::from_millis(150)
    });
    works(&rig, ONE).await;
    rig.bluez.faults(ONE, |faults| {
        faults.slow_writes = Duration::ZERO;
        faults.writes_fail = 1;
    });
    let result = rig.set(ONE, json!({"vibrate": 30})).await;
    assert_eq!(result["ok"], false, "{result}");
    works(&rig, ONE).await;
    // The toy has done it, but has not been heard: it is not claimed, and undone.
    rig.bluez.faults(ONE, |faults| faults.answers_lost = 1);
    let result = rig.set(ONE, json!({"vibrate": 30})).await;
    assert_eq!(result["error"]["code"], "timeout", "{result}");
    rig.until("what was not claimed to end", ONE, |body| !body.runs())
        .await;
    works(&rig, ONE).await;
    assert_eq!(rig.bluez.world().body(ONE).collisions, 0);
}

#[tokio::test]
async fn a_stop_gets_through_whatever_is_lost() {
    let rig = rig(1).await;
    rig.drive(ONE, json!({"vibrate": 50})).await;
    rig.bluez.faults(ONE, |faults| {
        faults.writes_fail = 2;
        faults.answers_lost = 2;
    });
    rig.say(ONE, "stop", "");
    rig.until("a stop", ONE, |body| !body.runs()).await;
    rig.home
        .until(&rig.topic(ONE, "state"), |seen| {
            seen.json()["state"] == "OFF"
        })
        .await;
}

#[tokio::test]
async fn a_scan_that_has_stalled_is_begun_anew() {
    let rig = rig(1).await;
    // It says that it scans, and goes on saying so when it could hear again.
    rig.bluez.deafen(true);
    rig.bluez.drop_link(ONE);
    rig.is(ONE, "offline").await;
    rig.world_until("a scan", |world| !world.radios[0].scanning.is_empty())
        .await;
    rig.bluez.deafen(false);
    works(&rig, ONE).await;
}

#[tokio::test]
async fn who_searches_is_told_that_nothing_at_all_is_heard() {
    let rig = rig(1).await;
    rig.bluez.deafen(true);
    rig.bluez.faults(ONE, |faults| faults.off_air = true);
    rig.bluez.drop_link(ONE);
    rig.is(ONE, "offline").await;
    rig.home.publish("toy2mqtt/bridge/scan/set", "ON");
    let down = rig.backend_is("down").await;
    let why = down["last_error"].as_str().unwrap_or_default();
    assert!(why.contains("the adapter hangs"), "{down}");
    rig.bluez.deafen(false);
    rig.bluez.faults(ONE, |faults| faults.off_air = false);
    rig.backend_is("up").await;
    works(&rig, ONE).await;
}

#[tokio::test]
async fn no_adapter_is_ever_switched_on_not_even_in_passing() {
    let rig = rig(1).await;
    rig.home.publish("toy2mqtt/bridge/scan/set", "ON");
    for _ in 0..10 {
        rig.world_until("a scan", |world| !world.radios[0].scanning.is_empty())
            .await;
        rig.bluez.power(false);
        rig.backend_is("down").await;
        rig.bluez.power(true);
        rig.backend_is("up").await;
    }
    let calls = rig.bluez.calls();
    assert!(
        !calls.iter().any(|call| call.contains("Powered")),
        "{calls:?}"
    );
}

#[tokio::test]
async fn an_adapter_that_is_switched_off_is_said_and_left_alone() {
    let rig = rig(1).await;
    rig.bluez.power(false);
    let down = rig.backend_is("down").await;
    let why = down["last_error"].as_str().unwrap_or_default();
    assert!(why.contains("switched off"), "{down}");
    rig.is(ONE, "offline").await;
    assert!(
        !rig.bluez.world().radios[0].powered,
        "nobody switched it on"
    );
    rig.bluez.power(true);
    rig.backend_is("up").await;
    works(&rig, ONE).await;
}

#[tokio::test]
async fn an_adapter_that_is_pulled_out_is_said() {
    let rig = rig(1).await;
    rig.bluez.plug(false);
    let down = rig.backend_is("down").await;
    let why = down["last_error"].as_str().unwrap_or_default();
    assert!(why.contains("no Bluetooth adapter"), "{down}");
    rig.is(ONE, "offline").await;
    rig.bluez.plug(true);
    rig.backend_is("up").await;
    works(&rig, ONE).await;
}

/// A toy that runs on when it is left alone.
async fn runs_on(settings: &str) -> Rig {
    let mut device = toy(TOYS[0].0, TOYS[0].1, ONE);
    if let Some(spec) = &mut device.toy {
        spec.can_auto_stop = false;
    }
    let rig = Rig::with_toys(vec![device], settings).await;
    rig.drive(ONE, json!({"vibrate": 50})).await;
    rig
}

#[tokio::test]
async fn an_adapter_that_returns_under_another_index_is_used_again() {
    // The index may be any; the address says which adapter is meant.
    for settings in ["", "adapter = '00:1A:7D:DA:71:13'"] {
        let rig = runs_on(settings).await;
        // Each index twice: a path that was used before is heard again, too.
        for name in ["hci1", "hci0", "hci1"] {
            rig.bluez.plug(false);
            rig.backend_is("down").await;
            rig.is(ONE, "offline").await;
            {
                let mut world = rig.bluez.world();
                assert!(world.body(ONE).runs(), "nothing has stopped it");
                world.calls.clear();
            }
            rig.bluez.swap_names(name);
            if settings.is_empty() {
                rig.bluez.world().radios.truncate(1);
            }
            rig.bluez.plug(true);
            let returned = rig.bluez.world().now();
            rig.until("its stop", ONE, |body| !body.runs()).await;
            let took = rig.bluez.world().now() - returned;
            eprintln!("figure: adapter under another index → stopped: {took:?}");
            works(&rig, ONE).await;
            let calls = rig.bluez.calls();
            let own = |call: &String| call.starts_with(name);
            assert!(calls.iter().all(own), "{name}: {calls:?}");
            rig.drive(ONE, json!({"vibrate": 50})).await;
        }
    }
}

#[tokio::test]
async fn a_toy_that_moves_to_another_adapter_is_stopped_and_heard() {
    let rig = runs_on("").await;
    rig.bluez.swap_names("hci0");
    {
        let mut world = rig.bluez.world();
        world.radios[1].name = "hci1";
    }
    rig.bluez.take_over();
    rig.is(ONE, "offline").await;
    rig.until("its stop", ONE, |body| !body.runs()).await;
    works(&rig, ONE).await;
}

#[tokio::test]
async fn a_bluetoothd_that_is_restarted_is_used_again() {
    let mut rig = rig(2).await;
    // So quickly that nobody sees it go…
    let address = rig.bus.address.clone();
    rig.bluez.end();
    rig.bluez.restart(&address);
    rig.is(ONE, "offline").await;
    works(&rig, ONE).await;
    // …and for long.
    rig.bluez.end();
    // Whoever was just talking to it says first that it does not answer.
    let topic = "toy2mqtt/bridge/info";
    let why = |seen: &super::rig::Seen| seen.json()["backends"]["ble"]["last_error"].to_string();
    rig.home
        .until(topic, |seen| why(seen).contains("not running"))
        .await;
    rig.is(ONE, "offline").await;
    rig.bluez.restart(&address);
    rig.backend_is("up").await;
    works(&rig, ONE).await;
    rig.is(TOYS[1].2, "online").await;
}

#[tokio::test]
async fn a_message_bus_that_dies_is_used_again() {
    let mut rig = rig(2).await;
    for _ in 0..3 {
        rig.bus.end();
        rig.bluez.end();
        let down = rig.backend_is("down").await;
        assert!(down["last_error"].as_str().is_some(), "{down}");
        rig.is(ONE, "offline").await;
        rig.bus.restart();
        let address = rig.bus.address.clone();
        rig.bluez.restart(&address);
        rig.backend_is("up").await;
        works(&rig, ONE).await;
        rig.is(TOYS[1].2, "online").await;
    }
    let log = rig.bridge.log();
    assert!(!log.contains("panicked"), "{log}");
}
