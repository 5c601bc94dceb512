//! Which toy is which: toys that tell another address than the one on air, and toys that tell the
//! address of another one.

use serde_json::json;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::text_toy::TextToySpec;

use super::bluez::Device;
use super::rig::{Rig, hardware, toy};
use super::world::Port;

/// What the firmware of both boards has compiled in.
const TOLD: &str = "00:4B:12:3A:2E:62";
const FIRST: &str = "24:6F:28:00:00:01";
const SECOND: &str = "24:6F:28:00:00:02";

/// A toy with this address on air that tells another one, and does not stop when it is left alone.
fn board(name: &'static str, address: &'static str, told: &str) -> Device {
    Device {
        port: Port {
            service: "6e400001-b5a3-f393-e0a9-e50e24dcca9e",
            to: "6e400002-b5a3-f393-e0a9-e50e24dcca9e",
            from: "6e400003-b5a3-f393-e0a9-e50e24dcca9e",
            flags: &["write", "write-without-response"],
        },
        toy: Some(TextToySpec {
            firmware: 11,
            can_auto_stop: false,
            acknowledges: false,
            ..TextToySpec::new("S", &hardware(told))
        }),
        ..toy("S", name, address)
    }
}

fn search(rig: &Rig) {
    rig.home.publish("toy2mqtt/bridge/scan/set", "ON");
}

async fn end_search(rig: &Rig) {
    rig.home.publish("toy2mqtt/bridge/scan/set", "OFF");
    rig.world_until("the end of the scan", |world| {
        world.radios[0].scanning.is_empty()
    })
    .await;
}

/// Starts the bridge again, and waits until it has the toy with this hardware id.
async fn relaunch(rig: &mut Rig, told: &str) {
    let mark = rig.home.mark();
    rig.relaunch();
    let topic = rig.topic(told, "availability");
    let online = |seen: &super::rig::Seen| seen.text() == "online";
    rig.home.next(mark, &topic, online).await;
}

/// Waits until neither board runs.
async fn all_stopped(rig: &Rig, what: &str) {
    for address in [FIRST, SECOND] {
        rig.until(what, address, |body| !body.runs()).await;
    }
}

/// Drives both toys and checks that each is the one it was.
async fn drive_both(rig: &Rig) {
    rig.drive(TOLD, json!({"vibrate": 50})).await;
    rig.drive(SECOND, json!({"vibrate": 25})).await;
    let mut world = rig.bluez.world();
    assert_eq!(world.body(FIRST).level(Function::Vibrate), 10);
    assert_eq!(world.body(SECOND).level(Function::Vibrate), 5);
}

async fn two_boards() -> Rig {
    let boards = vec![
        board("LVS-LoveSpouse01", FIRST, TOLD),
        board("LVS-LoveSpouse02", SECOND, TOLD),
    ];
    let rig = Rig::start(boards, "").await;
    rig.bluez.faults(SECOND, |faults| faults.off_air = true);
    search(&rig);
    rig.is(TOLD, "online").await;
    rig
}

async fn second_comes(rig: &Rig) {
    rig.bluez.faults(SECOND, |faults| faults.off_air = false);
    rig.is(SECOND, "online").await;
}

#[tokio::test]
async fn of_two_toys_that_tell_one_address_both_are_stopped() {
    let mut rig = two_boards().await;
    rig.drive(TOLD, json!({"vibrate": 50})).await;
    second_comes(&rig).await;
    // The first one ran on meanwhile.
    assert!(rig.bluez.world().body(FIRST).runs());
    let info = "toy2mqtt/bridge/info";
    let said = |seen: &super::rig::Seen| seen.json()["problems"].to_string().contains("tell one");
    rig.home.until(info, said).await;

    rig.home.publish("toy2mqtt/bridge/stop", "");
    all_stopped(&rig, "a stop of all").await;

    drive_again(&rig).await;
    rig.say(TOLD, "stop", "");
    rig.until("a stop of the first", FIRST, |body| !body.runs())
        .await;
    rig.say(SECOND, "stop", "");
    all_stopped(&rig, "a stop of the second").await;

    drive_again(&rig).await;
    rig.bridge.terminate();
    assert_eq!(rig.bridge.ended().await.code(), Some(0));
    all_stopped(&rig, "a stop at the end").await;
    for address in [FIRST, SECOND] {
        rig.until("its goodbye", address, |body| !body.connected)
            .await;
    }
}

/// Drives both as soon as the hold after a stop lets them be driven.
async fn drive_again(rig: &Rig) {
    for address in [TOLD, SECOND] {
        while rig.set(address, json!({"vibrate": 10})).await["ok"] != true {}
    }
    drive_both(rig).await;
}

#[tokio::test]
async fn two_toys_that_tell_one_address_keep_their_ids_over_a_restart() {
    let mut rig = two_boards().await;
    second_comes(&rig).await;
    drive_both(&rig).await;
    rig.bridge.kill().await;
    // This time the second one is there first; both were left running.
    rig.bluez.faults(FIRST, |faults| faults.off_air = true);
    rig.bluez.drop_link(FIRST);
    assert!(rig.bluez.world().body(FIRST).runs());
    relaunch(&mut rig, SECOND).await;
    rig.is(TOLD, "offline").await;
    rig.bluez.faults(FIRST, |faults| faults.off_air = false);
    rig.is(TOLD, "online").await;
    all_stopped(&rig, "a stop of the first").await;
    drive_both(&rig).await;
}

const AIR: &str = "C0:98:E5:00:00:01";
const OTHER: &str = "00:82:05:9A:D3:BD";
const NEIGHBOUR: &str = "C0:98:E5:00:00:02";
const NEIGHBOURS_OTHER: &str = "00:82:05:9A:D3:BE";

#[tokio::test]
async fn a_toy_that_tells_another_address_comes_back_by_itself() {
    let mut rig = Rig::start(vec![board("LVS-S240", AIR, OTHER)], "").await;
    search(&rig);
    rig.is(OTHER, "online").await;
    end_search(&rig).await;
    for _ in 0..2 {
        rig.bridge.terminate();
        assert_eq!(rig.bridge.ended().await.code(), Some(0));
        relaunch(&mut rig, OTHER).await;
    }
    // All toys are here: there is nothing to listen for.
    rig.world_until("the end of the scan", |world| {
        world.radios[0].scanning.is_empty()
    })
    .await;

    rig.drive(OTHER, json!({"vibrate": 50})).await;
    rig.bridge.kill().await;
    rig.bluez.drop_link(AIR);
    let known = rig.bluez.world().body(AIR).heard().len();
    assert!(rig.bluez.world().body(AIR).runs(), "left running");
    relaunch(&mut rig, OTHER).await;
    let heard = rig.bluez.world().body(AIR).heard();
    assert_eq!(heard[known..known + 2], ["DeviceType", "Vibrate:0"]);
    rig.drive(OTHER, json!({"vibrate": 50})).await;
}

#[tokio::test]
async fn one_address_is_enough_to_allow_a_toy() {
    let boards = || {
        vec![
            board("LVS-S240", AIR, OTHER),
            board("LVS-S241", NEIGHBOUR, NEIGHBOURS_OTHER),
        ]
    };
    // By the address on air: without a search.
    let rig = Rig::start(boards(), &format!("allow = ['{AIR}']")).await;
    rig.is(OTHER, "online").await;
    rig.drive(OTHER, json!({"vibrate": 50})).await;
    search(&rig);
    rig.world_until("a scan", |world| !world.radios[0].scanning.is_empty())
        .await;
    end_search(&rig).await;
    assert_eq!(rig.bluez.world().body(NEIGHBOUR).connections, 0);

    // By the address that it tells: with one, and then never again.
    let mut rig = Rig::start(boards(), &format!("allow = ['{OTHER}']")).await;
    search(&rig);
    rig.is(OTHER, "online").await;
    end_search(&rig).await;
    rig.bridge.kill().await;
    rig.bluez.drop_link(AIR);
    relaunch(&mut rig, OTHER).await;
    rig.drive(OTHER, json!({"vibrate": 50})).await;
    // The neighbour's toy was asked for its address at most, and let go.
    let mut world = rig.bluez.world();
    let neighbour = world.body(NEIGHBOUR);
    assert!(!neighbour.connected);
    let heard = neighbour.heard();
    assert!(heard.iter().all(|it| it == "DeviceType"), "{heard:?}");
}
