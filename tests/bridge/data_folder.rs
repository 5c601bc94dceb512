//! The data folder: one process per folder.

use std::path::{Path, PathBuf};

use serde_json::json;
use toy2mqtt::sim::Function;

use crate::support::{Bridge, Rig, Setup};

const LUSH: &str = "f082c00246fa";

/// The settings of the rig, changed, in a file of their own.
fn changed(rig: &Rig, name: &str, from: &str, to: &str) -> PathBuf {
    let text = std::fs::read_to_string(&rig.config).unwrap();
    assert!(text.contains(from), "{text}");
    let path = rig.config.with_file_name(name);
    std::fs::write(&path, text.replace(from, to)).unwrap();
    path
}

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
    let other = changed(&rig, "other.toml", "\"toy2mqtt\"", "\"other\"");
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
    let config = changed(&rig, "unwritable.toml", "/data\"", "/toy2mqtt.toml/data\"");
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
