//! The data folder: one process per folder, and what happens when the folder was copied.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use toy2mqtt::sim::Function;

use crate::support::{Bridge, Rig, Setup};

const LUSH: &str = "f082c00246fa";

async fn ends_and_names(first: &Bridge, config: &Path) {
    let mut second = Bridge::start(config);
    assert_eq!(second.ended().await.code(), Some(8));
    second.logged(&format!("pid {}", first.pid())).await;
    let log = second.log();
    assert!(log.contains("is in use by another toy2mqtt"), "{log}");
    assert!(log.contains("data_dir"), "{log}");
}

#[tokio::test]
async fn a_second_process_with_one_data_folder_ends_whatever_its_base_topic() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    rig.set(LUSH, json!({"vibrate": 50})).await;
    let mark = rig.home.mark();
    ends_and_names(&rig.bridge, &rig.config).await;
    let other = rig.changed("other.toml", "\"toy2mqtt\"", "\"other\"");
    ends_and_names(&rig.bridge, &other).await;
    // The first one has not noticed.
    rig.home.synced().await;
    let state = rig.bridge_topic("state");
    let flaps = rig.home.after(mark);
    assert!(!flaps.iter().any(|seen| seen.topic == state), "{flaps:?}");
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 10);
    rig.set(LUSH, json!({"vibrate": 25})).await;
    // The lock ends with a killed process.
    rig.bridge.kill().await;
    rig.start_again().await;
    rig.set(LUSH, json!({"vibrate": 10})).await;
}

#[tokio::test]
async fn a_data_folder_that_takes_no_lock_is_a_problem_and_no_end() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    rig.bridge.terminate();
    rig.bridge.ended().await;
    // A file is where the folder should be.
    let config = rig.changed("unwritable.toml", "/data\"", "/toy2mqtt.toml/data\"");
    let mark = rig.home.mark();
    rig.bridge = Bridge::start(&config);
    rig.ready(mark).await;
    let told = |problems: &str| problems.contains("cannot lock");
    let info = rig.bridge_topic("info");
    rig.home
        .until(&info, |seen| told(&seen.json()["problems"].to_string()))
        .await;
    rig.set(LUSH, json!({"vibrate": 10})).await;
}

/// Starts a second bridge with a copy of the data folder, and waits until it keeps out.
async fn start_copy(rig: &Rig) -> Bridge {
    let data = rig.config.with_file_name("data");
    let copy = rig.config.with_file_name("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(data.join("state.json"), copy.join("state.json")).unwrap();
    Bridge::start(&rig.changed("copy.toml", "/data\"", "/copy\""))
}

/// The toys are at rest by now, or soon, and no renewed lease moves them again.
async fn stay_at_rest(rig: &Rig, when: &str) {
    rig.app_until(when, |app| app.all_zero()).await;
    let window = Duration::from_millis(1_500);
    let moved = rig.app.wait_until(window, |app| !app.all_zero()).await;
    assert!(moved.is_err(), "a toy moves again {when}");
}

#[tokio::test]
async fn of_two_bridges_with_copies_of_a_data_folder_one_drives_and_stops_reach_it() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)])
        .lan("lease = \"2s\"")
        .more("[safety]\nstop_hold = \"100ms\"\n")
        .start()
        .await;
    rig.set(LUSH, json!({"vibrate": 50})).await;
    let copy = start_copy(&rig).await;
    // In the middle of the fight for the client id.
    copy.logged("connected to the broker").await;
    rig.home.publish(&rig.bridge_topic("stop"), "");
    for bridge in [&rig.bridge, &copy] {
        bridge.logged("was copied").await;
        assert!(bridge.log().contains("state.json"), "{}", bridge.log());
    }
    let info = rig.bridge_topic("info");
    let told = rig
        .home
        .until(&info, |seen| {
            seen.json()["problems"].to_string().contains("was copied")
        })
        .await;
    stay_at_rest(&rig, "after a stop in the middle of the fight").await;
    let mark = rig.home.mark();
    for round in 0..12 {
        let result = rig.set(LUSH, json!({"vibrate": 40})).await;
        assert_eq!(result["applied"]["vibrate"], 40, "{result}");
        rig.home.publish(&rig.bridge_topic("stop"), "");
        stay_at_rest(&rig, &format!("after stop {round}")).await;
        let state = rig.state_until(LUSH, |state| state["state"] == "OFF").await;
        assert_eq!(state["vibrate"], 0);
    }
    // One speaks, and the connection is never lost again.
    let state = rig.bridge_topic("state");
    let after = rig.home.after(mark);
    assert!(!after.iter().any(|seen| seen.topic == state), "{after:?}");
    let process = &told.json()["process"];
    let infos = after.iter().filter(|seen| seen.topic == info);
    assert!(
        infos
            .map(|seen| seen.json())
            .all(|seen| seen["process"] == *process)
    );
    // With the one that drives gone, the other one takes over.
    let keeps_out = "this one keeps out";
    let (mut winner, loser) = if rig.bridge.log().contains(keeps_out) {
        (copy, &mut rig.bridge)
    } else {
        let copy = copy;
        let winner = std::mem::replace(&mut rig.bridge, copy);
        (winner, &mut rig.bridge)
    };
    winner.kill().await;
    loser.logged("taking over").await;
    rig.set(LUSH, json!({"vibrate": 20})).await;
    rig.home.publish(&rig.bridge_topic("stop"), "");
    stay_at_rest(&rig, "after the stop of the one that took over").await;
}

#[tokio::test]
async fn a_bridge_that_was_killed_is_not_taken_for_a_copy() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    rig.bridge.kill().await;
    rig.start_again().await;
    rig.set(LUSH, json!({"vibrate": 10})).await;
    rig.home.synced().await;
    let info = rig.home.newest(&rig.bridge_topic("info")).unwrap().json();
    assert_eq!(info["problems"], json!([]));
    assert!(!rig.bridge.log().contains("was copied"));
}
