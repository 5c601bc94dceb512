//! Servers that fail, lie or have no time: what the user is told, and that it passes.

use serde_json::{Value, json};

use crate::engine::{Engine, Setup};
use crate::rig::{Rig, known};
use crate::script::Script;
use crate::support::run_command;
use crate::toys::Toy;

fn devices() -> Value {
    json!({"5": {"DeviceIndex": 5, "DeviceName": "Maker Thing", "DeviceDisplayName": "Alpha",
        "DeviceFeatures": {
        "0": {"FeatureIndex": 0, "Output": {"Vibrate": {"Value": [0, 10]}}},
        "1": {"FeatureIndex": 1, "Output": {"HwPositionWithDuration":
            {"Value": [0, 99], "Duration": [50, 5000]}}},
        "2": {"FeatureIndex": 2, "Input": {"Button": {"Value": [[0, 1]], "Command": ["Subscribe"]}}},
        "3": {"FeatureIndex": 3, "Input": {"Pressure": {"Value": [[0, 900]], "Command": ["Subscribe"]},
            "Rssi": {"Value": [[-128, 0]], "Command": ["Read"]}}},
        "4": {"FeatureIndex": 4, "Output": {"Temperature": {"Value": [-5, 40]}, "Novelty": {"Value": [0, 1]}}},
    }}})
}

/// Waits until the backend is down for a reason that says this.
async fn down(rig: &Rig, why: &str) {
    rig.backend_until("buttplug", |it| {
        let error = it["last_error"].as_str().unwrap_or_default();
        it["state"] == "down" && error.contains(why)
    })
    .await;
}

#[tokio::test]
async fn inputs_and_rare_outputs_of_a_scripted_toy() {
    let mut script = Script::listen().await;
    let rig = Rig::start(&[format!("url = \"ws://{}\"", script.address)]).await;
    script.accept().await;
    script.welcome(devices()).await;
    let id = known(5, "Maker Thing");
    rig.available(&id, true).await;
    let mut subscribed = Vec::new();
    while subscribed.len() < 3 {
        let asked = script.heard("InputCmd").await;
        if asked["Command"] == "Read" {
            let reading = json!([{"InputReading": {"Id": asked["Id"], "DeviceIndex": 5,
                "FeatureIndex": 3, "Reading": {"Rssi": {"Value": -61}}}}]);
            script.say(reading.to_string()).await;
        } else {
            script.ok(&asked).await;
        }
        subscribed.push(format!("{} {}", asked["Command"], asked["Type"]).replace('"', ""));
    }
    subscribed.sort();
    assert_eq!(
        subscribed,
        ["Read Rssi", "Subscribe Button", "Subscribe Pressure"]
    );
    let mark = rig.home.mark();
    for (feature, reading) in [
        (2, json!({"Button": {"Value": 1}})),
        (3, json!({"Pressure": {"Value": 512}})),
        (2, json!({"Button": {"Value": 0}})),
    ] {
        let event = json!([{"InputReading": {"Id": 0, "DeviceIndex": 5, "FeatureIndex": feature,
            "Reading": reading}}]);
        script.say(event.to_string()).await;
    }
    let pressed = |event: &crate::support::Seen| event.json()["event_type"] == "button_pressed";
    rig.home.next(mark, &rig.topic(&id, "event"), pressed).await;
    rig.state_until(&id, |state| {
        state["pressure"] == 512 && state["rssi"] == -61
    })
    .await;
    let config = format!(
        "homeassistant/device/toy2mqtt_{}/config",
        crate::support::toy(&id)
    );
    let config = rig.home.newest(&config).expect("a device").json();
    assert_eq!(config["device"]["name"], "Alpha", "{config}");

    // A place, and how long to take; nothing else moves.
    let topic = rig.topic(&id, "set");
    rig.home
        .publish(&topic, json!({"position": 50}).to_string());
    let mut sent = Vec::new();
    while sent.len() < 3 {
        let command = script.heard("OutputCmd").await;
        sent.push(command["Command"].clone());
        script.ok(&command).await;
    }
    let place = json!({"HwPositionWithDuration": {"Value": 50, "Duration": 1000}});
    assert!(sent.contains(&place), "{sent:?}");
    assert!(sent.contains(&json!({"Vibrate": {"Value": 0}})), "{sent:?}");
    assert!(
        sent.contains(&json!({"Temperature": {"Value": 0}})),
        "{sent:?}"
    );
}

#[tokio::test]
async fn nonsense_from_a_server_does_no_harm() {
    let mut script = Script::listen().await;
    let rig = Rig::start(&[format!("url = \"ws://{}\"", script.address)]).await;
    script.accept().await;
    // A toy that comes just now makes servers complain before they have been greeted.
    script.say(r#"[{"Error":{"Id":0,"ErrorCode":1,"ErrorMessage":"{\"ButtplugHandshakeError\":\"RequestServerInfoExpected\"}"}}]"#).await;
    script.welcome(devices()).await;
    let id = known(5, "Maker Thing");
    rig.available(&id, true).await;
    for frame in [
        "",
        "{",
        "null",
        "7",
        "[]",
        "[[]]",
        "[null]",
        "{\"Ok\":{}}",
        "[{\"Ok\":{\"Id\":4294967296}}]",
        "[{\"Ok\":{\"Id\":4000}}]",
        "[{\"DeviceList\":{\"Id\":0}}]",
        "[{\"DeviceRemoved\":{\"Id\":0}}]",
        "[{\"DeviceRemoved\":{\"Id\":0,\"DeviceIndex\":99}}]",
        "[{\"Sorcery\":{\"Id\":0}}]",
        "[{\"InputReading\":{\"Id\":0,\"DeviceIndex\":99,\"FeatureIndex\":0,\"Reading\":{\"Battery\":{\"Value\":1}}}}]",
    ] {
        script.say(frame).await;
    }
    rig.home.publish(&rig.topic(&id, "vibrate/set"), "30");
    let command = script.heard("OutputCmd").await;
    assert_eq!(command["Command"], json!({"Vibrate": {"Value": 3}}));
}

#[tokio::test]
async fn a_refusal_and_a_lost_toy_are_told_as_they_are() {
    let mut script = Script::listen().await;
    let rig = Rig::start(&[format!("url = \"ws://{}\"", script.address)]).await;
    script.accept().await;
    let one = json!({"0": {"DeviceIndex": 0, "DeviceName": "X", "DeviceFeatures": {
        "0": {"FeatureIndex": 0, "Output": {"Vibrate": {"Value": [0, 10]}}}}}});
    script.welcome(one).await;
    let id = known(0, "X");
    rig.available(&id, true).await;
    for (text, code) in [
        (
            r#"{"ButtplugDeviceError":{"DeviceStepRangeError":[0,21]}}"#,
            "backend",
        ),
        (
            r#"{"ButtplugDeviceError":{"DeviceNotAvailable":0}}"#,
            "offline",
        ),
    ] {
        let asked = rig.ask(&id, json!({"vibrate": 50}));
        let answered = async {
            let command = loop {
                let command = script.heard("OutputCmd").await;
                // Stops in between are done.
                if command["Command"]["Vibrate"]["Value"] != 0 {
                    break command;
                }
                script.ok(&command).await;
            };
            let error =
                json!([{"Error": {"Id": command["Id"], "ErrorCode": 4, "ErrorMessage": text}}]);
            script.say(error.to_string()).await;
            command
        };
        let (result, _) = tokio::join!(asked, answered);
        assert_eq!(result["error"]["code"], code, "{result}");
    }
    // A server that says that it has lost a toy is asked which it has.
    let asked = script.heard("RequestDeviceList").await;
    script
        .say(json!([{"DeviceList": {"Id": asked["Id"], "Devices": {}}}]).to_string())
        .await;
    rig.available(&id, false).await;
}

#[tokio::test]
async fn every_way_to_fail_has_its_own_words() {
    let mut script = Script::listen().await;
    let rig = Rig::start(&[format!("url = \"ws://{}\"", script.address)]).await;
    // An error that answers nothing: the connection is worth nothing any more.
    script.accept().await;
    script.welcome(devices()).await;
    rig.backend_until("buttplug", |it| it["state"] == "up")
        .await;
    script
        .say(r#"[{"Error":{"Id":0,"ErrorCode":0,"ErrorMessage":"out of order"}}]"#)
        .await;
    // Its words are for the level debug: nobody knows what they name.
    down(&rig, "the server reported an error").await;
    // As servers tell a client of version 3 that it was pinged out.
    script.accept().await;
    script.welcome(devices()).await;
    rig.backend_until("buttplug", |it| it["state"] == "up")
        .await;
    script.say(r#"[{"Error":{"Id":0,"ErrorCode":3,"ErrorMessage":"Message V4(Error(PingedOut)) not in Spec V3! This is a server bug."}}]"#).await;
    down(&rig, "has not heard from the bridge").await;
    script.accept().await;
    script.welcome(devices()).await;
    rig.backend_until("buttplug", |it| it["state"] == "up")
        .await;
    script.hang_up();
    down(&rig, "the server").await;
    // As servers of 2025 answer once a client has spoken another version; in both that we know.
    for version in [4, 3] {
        let (hello, asked) = script.greeted().await;
        assert_eq!(asked, version);
        script.say(stuck(&hello)).await;
    }
    down(&rig, "restart the server").await;
}

fn stuck(hello: &Value) -> String {
    json!([{"Error": {"Id": hello["Id"], "ErrorCode": 3,
        "ErrorMessage": "Message V4(ServerInfo) not in Spec V3! This is a server bug."}}])
    .to_string()
}

/// How a server may take a handshake in a version that it does not know, beside being silent.
#[derive(Clone, Copy, Debug)]
enum Manners {
    HangsUp,
    Refuses,
    AnswersInItsOwn,
}

#[tokio::test]
async fn an_older_server_is_spoken_to_in_its_version_however_it_says_so_and_that_is_remembered() {
    for manners in [Manners::HangsUp, Manners::Refuses, Manners::AnswersInItsOwn] {
        let mut script = Script::listen().await;
        let rig = Rig::start(&[format!("url = \"ws://{}\"", script.address)]).await;
        let old = json!({"MessageVersion": 3});
        let mut tries = Vec::new();
        loop {
            let (hello, version) = script.greeted().await;
            tries.push(version);
            match (version, manners) {
                (3, _) => {
                    script.let_in(&hello, old.clone(), json!([])).await;
                    break;
                }
                (_, Manners::HangsUp) => script.hang_up(),
                (_, Manners::Refuses) => script.say(stuck(&hello)).await,
                (_, Manners::AnswersInItsOwn) => {
                    let info = json!([{"ServerInfo": {"Id": hello["Id"], "ServerName": "Old",
                        "MaxPingTime": 0, "MessageVersion": 3}}]);
                    script.say(info.to_string()).await;
                }
            }
        }
        // Who merely hangs up may be ending or starting just now.
        let expected: &[u64] = match manners {
            Manners::HangsUp => &[4, 4, 3],
            Manners::Refuses | Manners::AnswersInItsOwn => &[4, 3],
        };
        assert_eq!(tries, expected, "{manners:?}");
        rig.backend_until("buttplug", |it| it["state"] == "up")
            .await;
        script.hang_up();
        let (hello, version) = script.greeted().await;
        assert_eq!(version, 3, "{manners:?}");
        script.let_in(&hello, old, json!([])).await;
        rig.backend_until("buttplug", |it| it["state"] == "up")
            .await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_once_keeps_its_version() {
    let mut script = Script::listen().await;
    let rig = Rig::start(&[format!("url = \"ws://{}\"", script.address)]).await;
    assert_eq!(script.greeted().await.1, 4);
    script.hang_up();
    script.accept().await;
    script.welcome(devices()).await;
    rig.available(&known(5, "Maker Thing"), true).await;
    // It is known now, so that no number of failed starts makes it an older one.
    script.hang_up();
    for _ in 0..3 {
        assert_eq!(script.greeted().await.1, 4);
        script.hang_up();
    }
    script.accept().await;
    script.welcome(devices()).await;
    rig.available(&known(5, "Maker Thing"), true).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_found_out() {
    let mut script = Script::listen().await;
    let rig = Rig::start(&[format!("url = \"ws://{}\"", script.address)]).await;
    script.accept().await;
    script.welcome(devices()).await;
    rig.available(&known(5, "Maker Thing"), true).await;
    // Connected, but dead: not even a websocket's ping is answered while nobody reads.
    down(&rig, "does not answer any more").await;
    // And one that takes connections, but does not answer in any version.
    script.accept().await;
    while script.hear().await.is_some() {}
    script.accept().await;
    while script.hear().await.is_some() {}
    down(&rig, "does not answer the handshake").await;
}

#[tokio::test]
async fn doctor_names_what_is_wrong_with_a_server_and_what_to_do() {
    let engine = Engine::start(Setup::default()).await;
    let mut rig = Rig::start(&[format!("url = \"ws://{}\"", engine.address)]).await;
    let config = rig.config.clone();
    rig.backend_until("buttplug", |it| it["state"] == "up")
        .await;
    let examine = async || {
        let args = ["doctor", "--json"];
        let ended = run_command(&config, &args).await;
        let found: Value = serde_json::from_str(&ended.stdout).unwrap();
        let found = found
            .as_array()
            .unwrap_or_else(|| panic!("{found}"))
            .clone();
        let hop = |it: &&Value| it["hop"].as_str().unwrap().starts_with("buttplug");
        let text = found
            .iter()
            .filter(hop)
            .map(Value::to_string)
            .collect::<Vec<_>>();
        (ended.code, text.join("\n"))
    };
    // The bridge has the only place.
    let (code, text) = examine().await;
    assert!(text.contains("the bridge is connected to it"), "{text}");
    assert_eq!(code, Some(0), "{text}");

    rig.bridge.terminate();
    rig.bridge.ended().await;
    engine.has_client(false).await;
    let (_, text) = examine().await;
    assert!(
        text.contains("Test Engine") && text.contains("version 4"),
        "{text}"
    );
    assert!(
        text.contains("0 toys") && text.contains("Start Scanning"),
        "{text}"
    );
    engine.air.plug(&Toy::new("S", "0a0a0a0a0a0a")).await;
    drop(engine);
    let (code, text) = examine().await;
    assert!(
        text.contains("nothing listens at") && text.contains("Start Server"),
        "{text}"
    );
    assert_ne!(code, Some(0));
}

/// The server within the bridge would be silent about it.
#[cfg(feature = "embedded-buttplug")]
#[tokio::test]
async fn a_missing_bluetooth_is_reported() {
    let rig = Rig::start(&["url = \"ws://127.0.0.1:1\"".to_owned()]).await;
    let settings = std::fs::read_to_string(&rig.config).unwrap();
    let settings = settings.replace("url = \"ws://127.0.0.1:1\"", "embedded = true");
    let config = rig.config.with_file_name("embedded.toml");
    std::fs::write(&config, settings).unwrap();
    let doctor = tokio::process::Command::new(env!("CARGO_BIN_EXE_toy2mqtt"))
        .env_clear()
        .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
        .arg("--config")
        .arg(&config)
        .args(["doctor", "--json"])
        .output();
    let output = crate::shared::soon("doctor", doctor).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Bluetooth cannot be used"), "{text}");
    assert_ne!(output.status.code(), Some(0));
}
