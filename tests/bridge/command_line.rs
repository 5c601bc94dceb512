//! `toys`, `set`, `stop`, `doctor`: what people type.

use serde_json::{Value, json};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{Access, AppHandle};

use crate::support::{Finished, Rig, Setup, run_command, toy};

const LUSH: &str = "f082c00246fa";
const EDGE: &str = "e01a2b3c4d5e";

async fn rig() -> Rig {
    let more = "\
[[toy]]\naddress = \"F0:82:C0:02:46:FA\"\nname = \"Alpha\"\n\
[[toy]]\naddress = \"E0:1A:2B:3C:4D:5E\"\nname = \"Beta\"\n\
[[group]]\nname = \"duo\"\ntoys = [\"Alpha\", \"Beta\"]\n";
    Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .more(more)
        .start()
        .await
}

fn json_of(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{finished:?}"))
}

#[tokio::test]
async fn toys_are_listed_set_and_stopped() {
    let rig = rig().await;
    let run = async |args: &[&str]| run_command(&rig.config, args).await;
    let listed = run(&["toys"]).await;
    assert_eq!(listed.code, Some(0), "{listed:?}");
    for word in ["Alpha", "Beta", &toy(LUSH), "online", "vibrate_2"] {
        assert!(listed.stdout.contains(word), "{listed:?}");
    }
    let listed = json_of(&run(&["toys", "--json"]).await);
    assert_eq!(listed.as_array().unwrap().len(), 2);

    let set = run(&["set", "alpha", "vibrate", "40"]).await;
    assert_eq!(set.code, Some(0), "{set:?}");
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 8);
    let set = run(&["set", &toy(LUSH), "vibrate", "20", "--json"]).await;
    assert_eq!(json_of(&set)[0]["applied"], json!({"vibrate": 20}));
    let set = run(&["set", "duo", "all", "50"]).await;
    assert_eq!(set.code, Some(0), "{set:?}");
    rig.app_until("the group", |app| {
        app.level(LUSH, Function::Vibrate) == 10 && app.level(EDGE, Function::Vibrate2) == 10
    })
    .await;
    let stop = run(&["stop", "alpha"]).await;
    assert_eq!(stop.code, Some(0), "{stop:?}");
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 0);
    assert_eq!(rig.app.level(EDGE, Function::Vibrate1), 10);
    let stop = run(&["stop", "--json"]).await;
    assert_eq!(stop.code, Some(0), "{stop:?}");
    assert!(rig.app.all_zero());
    assert_eq!(json_of(&stop).as_array().unwrap().len(), 2);
    let refused = run(&["set", "alpha", "vibrate", "40"]).await;
    assert_eq!(
        refused.code,
        Some(6),
        "just after a stop of all: {refused:?}"
    );
}

#[tokio::test]
async fn what_goes_wrong_has_an_exit_code_and_a_reason() {
    let mut rig = rig().await;
    let config = rig.config.clone();
    let run = async |args: &[&str]| run_command(&config, args).await;
    let expect = |finished: &Finished, code: i32, word: &str| {
        assert_eq!(finished.code, Some(code), "{finished:?}");
        let said = finished.stderr.to_lowercase();
        assert!(said.contains(word), "{finished:?}");
    };
    expect(&run(&["set", "gamma", "vibrate", "40"]).await, 5, "gamma");
    expect(&run(&["set", "alpha", "vibrate", "400"]).await, 2, "400");
    expect(
        &run(&["set", "alpha", "rotate", "40"]).await,
        6,
        "no such output",
    );
    rig.home.publish(&rig.bridge_topic("quiet/set"), "ON");
    rig.home.says(&rig.bridge_topic("quiet/state"), "ON").await;
    expect(&run(&["set", "alpha", "vibrate", "40"]).await, 6, "quiet");
    rig.home.publish(&rig.bridge_topic("quiet/set"), "OFF");
    rig.app.set_connected(LUSH, false).unwrap();
    rig.home
        .says(&rig.topic(LUSH, "availability"), "offline")
        .await;
    expect(
        &run(&["set", "alpha", "vibrate", "40"]).await,
        5,
        "not connected",
    );
    rig.bridge.kill().await;
    expect(
        &run(&["toys", "--timeout", "1s"]).await,
        7,
        "no bridge answers",
    );
    expect(
        &run(&["stop", "--timeout", "1s"]).await,
        7,
        "no bridge answers",
    );
    let failed = run(&["toys", "--timeout", "1s", "--json"]).await;
    assert_eq!(json_of(&failed)["ok"], false);
    rig.broker.kill();
    expect(
        &run(&["toys", "--timeout", "1s"]).await,
        4,
        "nothing listens",
    );
}

/// What `doctor` finds at this hop.
async fn finding(rig: &Rig, code: i32, hop: &str) -> Value {
    let args = ["doctor", "--json", "--timeout", "2s"];
    let found = run_command(&rig.config, &args).await;
    assert_eq!(found.code, Some(code), "{found:?}");
    let findings = json_of(&found);
    let findings = findings.as_array().unwrap();
    let found = findings.iter().find(|finding| finding["hop"] == hop);
    found.unwrap_or_else(|| panic!("{findings:?}")).clone()
}

#[tokio::test]
async fn doctor_names_the_hop_that_fails() {
    let mut rig = rig().await;
    rig.app_until("access", |app: &AppHandle| app.sockets().granted == 1)
        .await;
    for hop in [
        "broker",
        "bridge",
        "lovense_lan",
        "lovense_lan toys",
        "lovense_lan events",
    ] {
        assert_eq!(finding(&rig, 0, hop).await["ok"], true);
    }
    let failing = async |rig: &Rig, hop: &str, word: &str| {
        let finding = finding(rig, 1, hop).await;
        assert_eq!(finding["ok"], false);
        assert!(finding["cure"].as_str().unwrap().len() > 10, "{finding}");
        let text = finding["text"].as_str().unwrap().to_lowercase();
        assert!(text.contains(word), "{finding}");
    };
    rig.app
        .change_faults(|faults| faults.access = Access::Pending);
    failing(&rig, "lovense_lan events", "not allowed").await;
    rig.app.change_faults(|faults| {
        faults.access = Access::Granted;
        faults.game_mode = false;
    });
    failing(&rig, "lovense_lan", "game mode").await;
    rig.app.change_faults(|faults| faults.game_mode = true);
    for hardware in [LUSH, EDGE] {
        rig.app.set_connected(hardware, false).unwrap();
    }
    failing(&rig, "lovense_lan toys", "0 connected").await;
    rig.app.go().await.unwrap();
    failing(&rig, "lovense_lan", "").await;
    rig.broker.kill();
    failing(&rig, "broker", "nothing listens").await;
    let told = run_command(&rig.config, &["doctor", "--timeout", "1s"]).await;
    assert!(told.stdout.contains("FAIL broker"), "{told:?}");
}
