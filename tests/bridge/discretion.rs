//! With `privacy.discreet` nothing that others may read gives the toys away.

use serde_json::json;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AnswerFault, AppHandle, AppOptions, ToyEvent, ToySpec, Wrong};

use crate::support::{Rig, Setup, run_command};

const EDGE: &str = "e01a2b3c4d5e";
const SOLACE: &str = "a1b2c3d4e5f6";

fn toys() -> AppOptions {
    AppOptions::with_toys([
        ToySpec::new("Edge 2")
            .with_id(EDGE)
            .with_nickname("Wonderful"),
        ToySpec::new("Solace Pro").with_id(SOLACE),
    ])
}

/// Everything that a day brings.
async fn session(rig: &mut Rig) {
    rig.app_until("access", |app| app.sockets().granted == 1)
        .await;
    rig.set(EDGE, json!({"vibrate_1": 73, "vibrate_2": 41}))
        .await;
    rig.set(
        SOLACE,
        json!({"thrust": 33, "stroke_min": 20, "stroke_max": 60}),
    )
    .await;
    rig.set(EDGE, json!({"effect": "Wave"})).await;
    rig.ask(EDGE, "set", json!({"vibrate_1": 101})).await;
    rig.ask(EDGE, "set", json!({"rotate": 1})).await;
    rig.ask(EDGE, "nonsense/set", json!({"level": 1})).await;
    rig.app.emit(EDGE, &ToyEvent::ButtonPressed(0)).unwrap();
    rig.app.set_battery(EDGE, 41).unwrap();
    rig.app.set_by_user(SOLACE, Function::Thrusting, 7).unwrap();
    rig.state_until(EDGE, |state| state["battery"] == 41).await;
    for verb in ["toys", "diagnostics", "refresh", "scan", "republish"] {
        let response = rig.request(verb, json!({})).await;
        assert_eq!(response["status"], "ok", "{response}");
    }
    rig.home.publish(&rig.bridge_topic("stop"), "");
    rig.app_until("the stop", AppHandle::all_zero).await;
    rig.app
        .change_faults(|faults| faults.answer = Some(AnswerFault::new(Wrong::Code(402)).times(1)));
    rig.ask(EDGE, "set", json!({"vibrate_1": 0})).await;
    rig.app.change_faults(|faults| faults.game_mode = false);
    rig.home
        .says(&rig.topic(EDGE, "availability"), "offline")
        .await;
    rig.ask(EDGE, "set", json!({"vibrate_1": 10})).await;
    rig.app.change_faults(|faults| faults.game_mode = true);
    rig.home
        .says(&rig.topic(EDGE, "availability"), "online")
        .await;
    rig.app.go().await.unwrap();
    rig.home
        .says(&rig.topic(EDGE, "availability"), "offline")
        .await;
    rig.app.come_back().await.unwrap();
    rig.home
        .says(&rig.topic(EDGE, "availability"), "online")
        .await;
    rig.bridge.terminate();
    assert_eq!(rig.bridge.ended().await.code(), Some(0));
    rig.home.says(&rig.bridge_topic("state"), "stopped").await;
}

/// Words that give it away, in lower case.
fn telling() -> Vec<String> {
    let colons = |id: &str| {
        let pairs = id.as_bytes().chunks(2).map(String::from_utf8_lossy);
        pairs.collect::<Vec<_>>().join(":")
    };
    let words = [
        "lovense",
        "edge",
        "solace",
        "wonderful",
        "vibrator",
        "sex",
        EDGE,
        SOLACE,
    ];
    let addresses = [EDGE, SOLACE].map(colons);
    words
        .map(str::to_owned)
        .into_iter()
        .chain(addresses)
        .collect()
}

#[tokio::test]
async fn a_discreet_bridge_gives_nothing_away() {
    let more = "[privacy]\ndiscreet = true\n";
    let mut rig = Setup::app(toys()).more(more).start().await;
    session(&mut rig).await;
    let mut telling = telling();
    telling.extend(["game mode", "toy events"].map(str::to_owned));
    for seen in rig.home.after(0) {
        let all = format!("{} {}", seen.topic, seen.text()).to_lowercase();
        for word in &telling {
            assert!(!all.contains(word), "{word:?} in {all}");
        }
    }
    let log = rig.bridge.log().to_lowercase();
    assert!(log.contains("connected to the broker"), "{log}");
    for word in &telling {
        assert!(!log.contains(word), "{word:?} in {log}");
    }
}

#[tokio::test]
async fn the_log_names_no_level_toy_or_address() {
    let mut rig = Setup::app(toys()).start().await;
    session(&mut rig).await;
    // A port may look like a level.
    let address = rig.app.address().to_string();
    let log = rig.bridge.log().replace(&address, "phone");
    let mut telling = telling();
    telling.extend(["toy_", "vibrate", "73", "41"].map(str::to_owned));
    for line in log.lines() {
        // Without the time at its start, and without the settings' and data folder's place.
        let said = line.get(28..).unwrap_or_default().to_lowercase();
        if said.contains("settings read from") {
            continue;
        }
        for word in &telling {
            assert!(!said.contains(word), "{word:?} in {line}");
        }
    }
    let check = run_command(&rig.config, &["check"]).await;
    assert_eq!(check.code, Some(0), "{check:?}");
}

#[tokio::test]
async fn a_restart_reads_anew_what_the_log_may_say() {
    let rig = Setup::app(toys()).start().await;
    let settings = std::fs::read_to_string(&rig.config).unwrap();
    let more = "[privacy]\ndiscreet = true\n[log]\nlevel = \"debug\"\n";
    std::fs::write(&rig.config, settings + more).unwrap();
    let before = rig.bridge.log().lines().count();
    let mark = rig.home.mark();
    rig.request("restart", json!({})).await;
    rig.ready(mark).await;
    // What happens to a backend is told with its name.
    rig.app.go().await.unwrap();
    rig.home
        .says(&rig.topic(EDGE, "availability"), "offline")
        .await;
    let log = rig.bridge.log().to_lowercase();
    let ended = log
        .lines()
        .skip(before)
        .skip_while(|l| !l.ends_with("info ended"));
    let after: Vec<&str> = ended.collect();
    assert!(after.iter().any(|line| line.contains(" debug ")), "{log}");
    assert!(!after.iter().any(|line| line.contains("lovense")), "{log}");
}
