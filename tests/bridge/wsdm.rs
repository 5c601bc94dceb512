//! Toys that connect to the bridge by themselves become devices of Home Assistant like all others.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::text_toy::TextToySpec;

use crate::shared::mosquitto::free_port;
use crate::shared::websocket_toy::WebsocketToy;
use crate::support::{Rig, Setup, run_command, soon, toy};

/// With this in the environment the script in the documentation is not skipped.
const REQUIRED: &str = "TOY2MQTT_REQUIRE_PYTHON";

const OWN: &str = "8a3d9fac2a45";
const EDGE: &str = "e01a2b3c4d5e";

/// A bridge that waits for toys, and where.
async fn rig(more: &str) -> (Rig, String) {
    let port = free_port();
    let settings = format!("[wsdm]\nenabled = true\nlisten = \"127.0.0.1:{port}\"\n{more}");
    let rig = Setup::toys(&[]).more(&settings).start().await;
    (rig, format!("ws://127.0.0.1:{port}"))
}

async fn available(rig: &Rig, hardware: &str, is: bool) {
    let word = if is { "online" } else { "offline" };
    rig.home
        .says(&rig.topic(hardware, "availability"), word)
        .await;
}

#[tokio::test]
async fn a_toy_of_ones_own_becomes_a_device_with_a_slider() {
    let (rig, url) = rig("").await;
    let level = Arc::new(Mutex::new(String::new()));
    let motor = Arc::clone(&level);
    let hello = r#"{"identifier":"LVSDevice","address":"8A3D9FAC2A45","version":0}"#;
    let own = WebsocketToy::connect(&url, hello, move |command| match command {
        "DeviceType;" => vec!["Z:8A3D9FAC2A45:10".to_owned()],
        "Battery;" => vec!["90;".to_owned()],
        _ => {
            if let Some(n) = command.strip_prefix("Vibrate:") {
                n.trim_end_matches(';')
                    .clone_into(&mut motor.lock().unwrap());
            }
            Vec::new()
        }
    })
    .await;
    available(&rig, OWN, true).await;
    rig.state_until(OWN, |state| state["battery"] == 90).await;
    let config = format!("homeassistant/device/toy2mqtt_{}/config", toy(OWN));
    let config = rig.home.newest(&config).unwrap().json();
    assert_eq!(config["device"]["name"], "Hush", "{config}");
    // It was stopped, and not driven.
    assert!(
        own.heard()
            .iter()
            .all(|command| !command.starts_with("Vibrate:") || command == "Vibrate:0;")
    );

    rig.home.publish(&rig.topic(OWN, "vibrate/set"), "40");
    rig.state_until(OWN, |state| state["vibrate"] == 40).await;
    own.told("Vibrate:8;").await;
    assert_eq!(*level.lock().unwrap(), "8");

    // A stop amid a flood.
    let mark = rig.home.mark();
    for n in 0..500 {
        let percent = (5 + n % 90).to_string();
        rig.home.publish(&rig.topic(OWN, "vibrate/set"), percent);
    }
    rig.home.publish(&rig.topic(OWN, "stop"), "");
    let stopped = |seen: &crate::support::Seen| seen.json()["error"]["code"] == "stopped";
    rig.home
        .next(mark, &rig.topic(OWN, "result"), stopped)
        .await;
    rig.ask(OWN, "set", json!({"vibrate": 0})).await;
    rig.state_until(OWN, |state| state["vibrate"] == 0).await;
    own.told("Vibrate:0;").await;
    assert_eq!(*level.lock().unwrap(), "0");

    drop(own);
    available(&rig, OWN, false).await;
    let refused = rig.ask(OWN, "set", json!({"vibrate": 20})).await;
    assert_eq!(refused["error"]["code"], "offline", "{refused}");
}

#[tokio::test]
async fn a_toy_that_comes_back_is_not_driven_again() {
    let (mut rig, url) = rig("").await;
    let (own, body) = WebsocketToy::simulated(&url, TextToySpec::new("P", EDGE)).await;
    available(&rig, EDGE, true).await;
    rig.set(EDGE, json!({"vibrate_1": 60, "vibrate_2": 20}))
        .await;
    let level = |function| body.lock().unwrap().level(function);
    assert_eq!(
        (level(Function::Vibrate1), level(Function::Vibrate2)),
        (12, 4)
    );
    drop(own);
    available(&rig, EDGE, false).await;
    let (_own, body) = WebsocketToy::simulated(&url, TextToySpec::new("P", EDGE)).await;
    available(&rig, EDGE, true).await;
    let state = rig
        .state_until(EDGE, |state| {
            // Unknown until it has confirmed the stop that comes first.
            state["available"] == true && !state["vibrate_1"].is_null()
        })
        .await;
    assert_eq!(
        (&state["vibrate_1"], &state["vibrate_2"]),
        (&json!(0), &json!(0))
    );
    assert!(body.lock().unwrap().changes().is_empty());

    // The end of the bridge is the end of what the toy does.
    rig.set(EDGE, json!({"vibrate_2": 100})).await;
    assert!(body.lock().unwrap().runs());
    rig.bridge.terminate();
    assert!(rig.bridge.ended().await.success());
    assert!(!body.lock().unwrap().runs());
}

/// Running `toy2mqtt simulate --wsdm`.
struct Simulator {
    lines: Lines<BufReader<ChildStdout>>,
    child: Child,
}

impl Simulator {
    fn start(url: &str, models: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_toy2mqtt"))
            .args(["simulate", "--wsdm", url, "--models", models])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        Self {
            lines: BufReader::new(stdout).lines(),
            child,
        }
    }

    /// Waits for a line that has this in it.
    async fn says(&mut self, text: &str) -> String {
        soon(text, async {
            loop {
                let line = self.lines.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| panic!("it ended without {text:?}"));
                if line.contains(text) {
                    return line;
                }
            }
        })
        .await
    }
}

#[tokio::test]
async fn simulated_toys_connect_to_the_bridge() {
    let (rig, url) = rig("token = \"let-me-in-please\"").await;
    // Without the token nobody comes in, and it is said why.
    let mut outside = Simulator::start(&url, "hush");
    let line = outside.says("disconnected").await;
    assert!(line.contains("401") && line.contains("token"), "{line}");
    rig.bridge.logged("the token is missing or wrong").await;
    assert!(!rig.bridge.log().contains("let-me-in-please"));

    let mut inside = Simulator::start(&format!("{url}/let-me-in-please"), "hush,nora");
    let mut addresses = BTreeSet::new();
    for _ in 0..2 {
        let line = inside.says("toy ").await;
        addresses.insert(line.split(' ').nth(1).unwrap().to_owned());
    }
    for address in &addresses {
        available(&rig, address, true).await;
    }
    for address in &addresses {
        rig.set(address, json!({"vibrate": 50})).await;
        inside.says("Vibrate 0 -> 10").await;
    }
    // A toy is ended in order, and the bridge knows at once.
    let pid = inside.child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(sent.unwrap().success());
    assert!(
        soon("its end", inside.child.wait())
            .await
            .unwrap()
            .success()
    );
    for address in &addresses {
        available(&rig, address, false).await;
    }
}

#[tokio::test]
async fn beyond_this_machine_a_token_is_required() {
    let (rig, url) = rig("").await;
    let examined = run_command(&rig.config, &["doctor", "--json", "--timeout", "2s"]).await;
    let waits = format!("the bridge waits for toys at {url}");
    assert!(examined.stdout.contains(&waits), "{examined:?}");
    let settings = std::fs::read_to_string(&rig.config).unwrap();
    let open = settings.replace("listen = \"127.0.0.1:", "listen = \"0.0.0.0:");
    let config = rig.config.with_file_name("open.toml");
    std::fs::write(&config, &open).unwrap();
    let checked = run_command(&config, &["check"]).await;
    assert_eq!(checked.code, Some(3), "{checked:?}");
    assert!(
        checked.stdout.contains("set wsdm.token as well"),
        "{checked:?}"
    );
    std::fs::write(&config, open + "token = \"let-me-in-please\"\n").unwrap();
    let checked = run_command(&config, &["check"]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(!checked.stdout.contains("let-me-in-please"));
}

/// The script in the documentation, as it stands there.
fn script() -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/wsdm.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let at = text.find("```python\n").expect("a script") + "```python\n".len();
    let end = text[at..].find("```").expect("its end");
    text[at..at + end].to_owned()
}

#[tokio::test]
async fn the_script_in_the_documentation_is_a_toy() {
    let (rig, url) = rig("").await;
    let own = script();
    assert!(own.lines().count() <= 35, "it is to be short");
    let port = url.rsplit(':').next().unwrap();
    let own = own.replace("54817", port);
    let started = Command::new("python3")
        .args(["-u", "-c", &own])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let required = std::env::var_os(REQUIRED).is_some();
            assert!(!required, "no python3: {error}; and {REQUIRED} is set");
            eprintln!("SKIPPED: no python3: {error}; on Debian: apt-get install python3");
            return;
        }
    };
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    available(&rig, OWN, true).await;
    rig.state_until(OWN, |state| state["battery"] == 90).await;
    rig.set(OWN, json!({"vibrate": 55})).await;
    soon("the motor", async {
        while said.next_line().await.unwrap().expect("it runs") != "motor 11" {}
    })
    .await;
    soon("its end", child.kill()).await.unwrap();
    available(&rig, OWN, false).await;
}
