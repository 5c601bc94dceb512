//! What is asked over REST is what would be asked over MQTT.

use serde_json::json;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AnswerFault, RequestKind, Wrong};

use crate::client::{Client, WithPanel as _};
use crate::support::{Setup, toy};

const LUSH: &str = "f082c00246fa";
const EDGE: &str = "e01a2b3c4d5e";

fn of(hardware: &str, below: &str) -> String {
    format!("/api/toys/{}{below}", toy(hardware))
}

#[tokio::test]
async fn a_level_is_set_shown_and_answered_as_over_mqtt() {
    let rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .panel("")
        .start()
        .await;
    let client = Client::of(&rig).await;
    let set = json!({"vibrate": 40, "id": "mine"});
    let result = client.done(&of(LUSH, "/set"), set.clone()).await;
    assert_eq!(result["ok"], true);
    assert_eq!(result["id"], "mine");
    assert_eq!(result["requested"], set);
    assert_eq!(result["applied"], json!({"vibrate": 40}));
    assert!(result["latency_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 8);
    rig.state_until(LUSH, |state| state["vibrate"] == 40).await;

    // One attribute, as a bare number and as an object.
    client.done(&of(EDGE, "/vibrate_2/set"), json!(100)).await;
    let ramp = json!({"level": 50, "transition": 0});
    client.done(&of(EDGE, "/vibrate_1/set"), ramp).await;
    assert_eq!(rig.app.level(EDGE, Function::Vibrate1), 10);
    assert_eq!(rig.app.level(EDGE, Function::Vibrate2), 20);

    // What MQTT refuses is refused in the same words.
    for (below, payload) in [
        ("set", json!({"vibrate": 101})),
        ("set", json!({"vibrat": 1})),
        ("set", json!({"rotate": 1})),
        ("vibrate/set", json!({"level": true})),
        ("wings/set", json!(1)),
    ] {
        let path = of(LUSH, &format!("/{below}"));
        let answer = client.post(&path, payload.to_string()).await;
        let mut payload = payload;
        if !payload.is_object() {
            payload = json!({ "level": payload });
        }
        let over_mqtt = rig.ask(LUSH, below, payload).await;
        assert_eq!(answer.json()["error"], over_mqtt["error"], "{below}");
        assert_eq!(answer.json()["ok"], false);
        assert!(matches!(answer.status, 400 | 422), "{}", answer.status);
    }
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 8);
}

#[tokio::test]
async fn refusals_have_a_status_and_the_codes_of_mqtt() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    let set = |body: &str| {
        let body = body.to_owned();
        async move { client.post(&of(LUSH, "/set"), body).await }
    };
    for (path, status, code) in [
        ("/api/toys/toy_00000000/set", 404, "unknown_toy"),
        ("/api/toys/nonsense/set", 404, "unknown_toy"),
        ("/api/groups/nobody/set", 404, "unknown_toy"),
        ("/api/groups/nobody/stop", 404, "unknown_toy"),
        ("/api/toys/toy_00000000/identify", 404, "unknown_toy"),
        ("/api/nothing", 404, "not_found"),
    ] {
        let answer = client.post(path, r#"{"brightness": 10}"#).await;
        let answer = if path.ends_with("identify") {
            client.post(path, "").await
        } else {
            answer
        };
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{path}"
        );
    }
    // A key given twice, and too much of everything.
    let twice = set(r#"{"vibrate": 1, "vibrate": 2}"#).await;
    assert_eq!((twice.status, twice.code().as_str()), (400, "invalid"));
    let long = set(&format!("{{\"vibrate\": 1{}}}", " ".repeat(5_000))).await;
    assert_eq!((long.status, long.code().as_str()), (400, "invalid"));

    client.done("/api/quiet", json!("ON")).await;
    let quiet = set(r#"{"vibrate": 10}"#).await;
    assert_eq!((quiet.status, quiet.code().as_str()), (409, "quiet"));
    rig.home.says(&rig.bridge_topic("quiet/state"), "ON").await;
    client.done("/api/quiet", json!("OFF")).await;

    rig.app.change_faults(|faults| {
        let wrong = AnswerFault::new(Wrong::Code(500)).only(&[RequestKind::Function]);
        faults.answer = Some(wrong);
    });
    let failed = set(r#"{"vibrate": 10}"#).await;
    assert_eq!((failed.status, failed.code().as_str()), (502, "backend"));
    rig.app.change_faults(|faults| faults.answer = None);

    rig.app.set_connected(LUSH, false).unwrap();
    rig.home
        .says(&rig.topic(LUSH, "availability"), "offline")
        .await;
    let away = set(r#"{"vibrate": 10}"#).await;
    assert_eq!((away.status, away.code().as_str()), (503, "offline"));
}

#[tokio::test]
async fn names_limits_and_patterns_are_kept_and_shown() {
    let groups = format!(
        "[[group]]\nname = \"duo\"\ntoys = [\"{}\", \"{}\"]\n",
        toy(LUSH),
        toy(EDGE)
    );
    let mut rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .panel("")
        .more(&groups)
        .start()
        .await;
    let client = Client::of(&rig).await;
    client
        .done(&of(LUSH, "/rename"), json!({"name": "Alpha"}))
        .await;
    client.done(&of(LUSH, "/limits"), json!({"max": 50})).await;
    let twice = format!("{{\"toy\": \"{}\", \"name\": \"x\"}}", toy(LUSH));
    assert_eq!(client.post(&of(LUSH, "/rename"), twice).await.status, 400);
    let clamped = client.done(&of(LUSH, "/set"), json!({"vibrate": 80})).await;
    assert_eq!(clamped["applied"]["vibrate"], 50);
    assert_eq!(clamped["clamped_by"], "limit");

    let groups = client.get("/api/groups").await.json();
    assert_eq!(groups["groups"][0]["name"], "duo");
    let both = client
        .done("/api/groups/duo/set", json!({"brightness": 30}))
        .await;
    assert_eq!(both["ok"], true);
    assert_eq!(both["results"].as_object().unwrap().len(), 2);
    let patterns = client.get("/api/patterns").await.json();
    assert_eq!(patterns["patterns"][1]["name"], "Wave");
    client.done(&of(EDGE, "/effect/set"), json!("Wave")).await;
    rig.state_until(EDGE, |state| state["effect"] == "Wave")
        .await;

    // A group of which one toy cannot do it.
    let mixed = client
        .post("/api/groups/duo/set", r#"{"vibrate_1": 10}"#)
        .await;
    assert_eq!(mixed.status, 207, "{}", mixed.text());
    assert_eq!(
        mixed.json()["results"][toy(LUSH)]["error"]["code"],
        "unsupported"
    );

    let full = client.get(&of(LUSH, "")).await.json();
    assert_eq!(full["name"], "Alpha");
    assert_eq!(full["target"]["vibrate"], 30);
    assert_eq!(full["discovery"]["payload"]["device"]["name"], "Alpha");
    let outcomes = full["outcomes"].as_array().unwrap();
    assert_eq!(outcomes[0]["by"], "rest");
    assert_eq!(outcomes.len(), 3, "{outcomes:#?}");

    rig.bridge.terminate();
    assert!(rig.bridge.ended().await.success());
    rig.start_again().await;
    let client = Client::of(&rig).await;
    let toys = client.get("/api/toys").await.json();
    let names: Vec<_> = toys["toys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["name"])
        .collect();
    assert!(names.contains(&&json!("Alpha")), "{names:?}");
}

#[tokio::test]
async fn without_the_panel_and_with_a_taken_port_the_bridge_works_the_same() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap();
    let mut setup = Setup::toys(&[("Lush 3", LUSH)]);
    setup.web = format!("listen = \"{port}\"\n");
    let rig = setup.start().await;
    rig.bridge.logged("no panel: cannot listen").await;
    rig.set(LUSH, json!({"vibrate": 40})).await;
    let info = rig.bridge_topic("info");
    let problem =
        |seen: &crate::support::Seen| seen.json()["problems"].to_string().contains("no panel");
    rig.home.until(&info, problem).await;

    let off = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    off.set(LUSH, json!({"vibrate": 40})).await;
    assert!(!off.bridge.log().contains("panel"));
}

#[tokio::test]
async fn limits_and_names_are_kept_before_anybody_hears_of_them() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    // One after another, since what has just been written is not written again at once.
    for max in [80, 60] {
        client
            .done(&of(LUSH, "/limits"), json!({ "max": max }))
            .await;
    }
    rig.bridge.kill().await;
    rig.start_again().await;
    rig.state_until(LUSH, |state| state["limit"] == 60).await;
    for name in ["Alpha", "Beta"] {
        let rename = json!({"toy": toy(LUSH), "name": name});
        assert_eq!(rig.request("rename", rename).await["status"], "ok");
    }
    rig.bridge.kill().await;
    rig.start_again().await;
    let client = Client::of(&rig).await;
    let shown = client.get(&of(LUSH, "")).await.json();
    assert_eq!(shown["name"], "Beta");
}
