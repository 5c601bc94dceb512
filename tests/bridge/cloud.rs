//! The maker's server as one more way to a toy, or as the only one.

use serde_json::{Value, json};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppHandle, AppOptions, LovenseApp, ToySpec};
use toy2mqtt::sim::lovense_cloud::{CloudFaults, CloudHandle, CloudOptions, LovenseCloud};

use crate::support::{DEADLINE, Rig, Setup, run_command};

const LUSH: &str = "f082c00246fa";
const TOKEN: &str = "developer/token+1=";
const CODE: &str = "395079";

async fn server(app: AppHandle, faults: CloudFaults) -> CloudHandle {
    let options = CloudOptions {
        faults,
        token: TOKEN.to_owned(),
        ..CloudOptions::default()
    };
    LovenseCloud::start_local(options, app).await.unwrap()
}

fn settings(server: &CloudHandle) -> String {
    format!(
        "[[lovense_cloud]]\nplatform = \"My house\"\ntoken = \"{TOKEN}\"\nurl = \"{}\"\nlease = \"2s\"\n",
        server.url()
    )
}

/// A bridge to which the toy's app is there only by way of the server.
async fn far_away(faults: CloudFaults, more: &str) -> (Rig, CloudHandle) {
    let spec = ToySpec::new("Lush 3").with_id(LUSH);
    let app = LovenseApp::start_local(AppOptions::with_toys([spec])).await;
    let server = server(app.unwrap(), faults).await;
    let prepared = Setup::toys(&[]).prepare().await;
    let rig = prepared.more(&settings(&server)).more(more);
    (rig.with_bridge().await, server)
}

async fn route(rig: &Rig, wanted: &str) {
    rig.state_until(LUSH, |state| state["route"] == wanted)
        .await;
}

/// Waits until `bridge/info` says this of the server.
async fn backend(rig: &Rig, mut wanted: impl FnMut(&Value) -> bool) {
    rig.home
        .until(&rig.bridge_topic("info"), |seen| {
            wanted(&seen.json()["backends"]["lovense_cloud"])
        })
        .await;
}

#[tokio::test]
async fn apps_are_looked_up_only_at_a_server_that_is_named() {
    let app = LovenseApp::start_local(AppOptions::default()).await;
    let server = server(app.unwrap(), CloudFaults::default()).await;
    let folder = tempfile::tempdir().unwrap();
    // Nobody answers there.
    let ask = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let ask = ask.local_addr().unwrap();
    for (named, found) in [
        (format!("maker = \"{}\"", server.url()), true),
        (String::new(), false),
    ] {
        let config = folder.path().join("toy2mqtt.toml");
        let data = folder.path().join("data");
        let settings = format!(
            "data_dir = {data:?}\n[mqtt]\nurl = \"mqtt://127.0.0.1:1\"\n[discovery]\nask = \"{ask}\"\n{named}\n"
        );
        std::fs::write(&config, settings).unwrap();
        let ended = run_command(&config, &["doctor", "--json"]).await;
        let is_proposed = ended.stdout.contains("as its maker's server says");
        assert_eq!(is_proposed, found, "{}", ended.stdout);
    }
}

#[tokio::test]
async fn the_server_takes_over_from_the_network_with_a_stop() {
    let prepared = Setup::toys(&[("Lush 3", LUSH)]).prepare().await;
    let server = server(prepared.apps[0].clone(), CloudFaults::default()).await;
    let prepared = prepared
        .more(&settings(&server))
        .more("[safety]\nstop_hold = \"0s\"\n");
    let rig = prepared.with_bridge().await;
    backend(&rig, |backend| backend["state"] == "up").await;
    route(&rig, "lovense_lan").await;
    rig.set(LUSH, json!({"vibrate": 60})).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 12);
    assert_eq!(server.counts().commands.len(), 0, "driven over one way");

    let mark = rig.home.mark();
    rig.app.go().await.unwrap();
    route(&rig, "lovense_cloud").await;
    let stopped = server.wait_until(DEADLINE, |counts| !counts.commands.is_empty());
    stopped.await.unwrap();
    assert!(server.counts().commands[0].contains("Stop"));
    rig.app_until("level 0", AppHandle::all_zero).await;
    rig.set(LUSH, json!({"vibrate": 30})).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 6);
    // It was one device, and there all the time.
    let seen = rig.home.after(mark);
    let availability = rig.topic(LUSH, "availability");
    assert!(!seen.iter().any(|seen| seen.topic == availability));

    // At rest, the better way is used again.
    rig.app.come_back().await.unwrap();
    rig.home.publish(&rig.topic(LUSH, "stop"), "");
    route(&rig, "lovense_lan").await;
    rig.app_until("level 0", AppHandle::all_zero).await;
    let before = server.counts().commands.len();
    rig.set(LUSH, json!({"vibrate": 50})).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 10);
    assert_eq!(server.counts().commands.len(), before);
}

#[tokio::test]
async fn a_toy_far_away_is_driven_stopped_and_never_left_running() {
    let (mut rig, server) =
        far_away(CloudFaults::default(), "[safety]\nstop_hold = \"0s\"\n").await;
    let online = rig.topic(LUSH, "availability");
    rig.home.says(&online, "online").await;
    let app = server.app().clone();
    let level = |wanted: u16| {
        let app = app.clone();
        async move {
            let there =
                app.wait_until(DEADLINE, |app| app.level(LUSH, Function::Vibrate) == wanted);
            there.await.unwrap();
        }
    };
    rig.set(LUSH, json!({"vibrate": 50})).await;
    level(10).await;
    // A stop amid a flood.
    let mark = rig.home.mark();
    for n in 0..200 {
        let percent = (5 + n % 90).to_string();
        rig.home.publish(&rig.topic(LUSH, "vibrate/set"), percent);
    }
    rig.home.publish(&rig.topic(LUSH, "stop"), "");
    let result = rig.topic(LUSH, "result");
    rig.home
        .next(mark, &result, |seen| {
            seen.json()["error"]["code"] == "stopped"
        })
        .await;
    rig.state_until(LUSH, |state| state["vibrate"] == 0).await;
    level(0).await;

    // The server loses the app, and has it again: nothing runs by itself.
    rig.set(LUSH, json!({"vibrate": 50})).await;
    server.change_faults(|faults| faults.online = false);
    rig.home.says(&online, "offline").await;
    let refused = rig.ask(LUSH, "set", json!({"vibrate": 20})).await;
    assert_eq!(refused["error"]["code"], "offline", "{refused}");
    level(0).await;
    server.change_faults(|faults| faults.online = true);
    rig.home.says(&online, "online").await;
    assert!(app.all_zero());

    // The end of the bridge is the end of what the toy does.
    rig.set(LUSH, json!({"vibrate": 100})).await;
    level(20).await;
    rig.bridge.kill().await;
    level(0).await;
}

#[tokio::test]
async fn how_to_pair_is_shown_where_one_looks_and_nothing_else_is_told() {
    let faults = CloudFaults {
        paired: false,
        ..CloudFaults::default()
    };
    let (mut rig, server) = far_away(faults, "[log]\nlevel = \"trace\"\n").await;
    let shows_code = |backend: &Value| {
        let error = backend["last_error"].as_str();
        error.is_some_and(|error| error.contains(CODE))
    };
    backend(&rig, shows_code).await;
    let doctor = run_command(&rig.config, &["doctor", "--timeout", "2s"]).await;
    assert!(doctor.stdout.contains(CODE), "{doctor:?}");
    let diagnostics = rig.request("diagnostics", json!({})).await.to_string();
    assert!(diagnostics.contains("lovense_cloud"), "{diagnostics}");
    let check = run_command(&rig.config, &["check", "--json"]).await;

    server.change_faults(|faults| faults.paired = true);
    backend(&rig, |backend| backend["state"] == "up").await;
    rig.home
        .says(&rig.topic(LUSH, "availability"), "online")
        .await;
    rig.set(LUSH, json!({"vibrate": 50})).await;
    let doctor = run_command(&rig.config, &["doctor", "--timeout", "2s"]).await;
    assert!(!doctor.stdout.contains(CODE), "{doctor:?}");

    rig.bridge.terminate();
    assert!(rig.bridge.ended().await.success());
    assert!(server.app().all_zero());
    let info = rig.bridge_topic("info");
    let others = rig.home.after(0).into_iter();
    let others: Vec<String> = others
        .filter(|seen| seen.topic != info)
        .map(|seen| seen.text())
        .collect();
    for (place, text) in [
        ("log", rig.bridge.log()),
        ("diagnostics", diagnostics),
        ("check", check.stdout),
        ("messages", others.join("\n")),
        ("doctor", doctor.stdout + &doctor.stderr),
    ] {
        assert!(!text.contains(CODE), "the code in {place}: {text}");
    }
    let everything: Vec<String> = rig.home.after(0).iter().map(|seen| seen.text()).collect();
    for text in [everything.join("\n"), rig.bridge.log()] {
        for secret in [TOKEN, "auth+token", "ntoken=", "n/token", "n%2Ftoken"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}
