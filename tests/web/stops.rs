//! A stop over the panel is a stop.

use serde_json::json;
use tokio::task::JoinSet;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::Spread;

use crate::client::{Client, WithPanel as _, panel_of};
use crate::support::{Rig, Setup, soon, toy};

const LUSH: &str = "f082c00246fa";
const NORA: &str = "a01a2b3c4d5e";

/// Two toys, and a group with the second.
async fn two_and_a_group() -> Rig {
    let groups = format!("[[group]]\nname = \"one\"\ntoys = [\"{}\"]\n", toy(NORA));
    // The hold after a stop is tested elsewhere.
    let groups = groups + "[safety]\nstop_hold = \"0s\"\n";
    Setup::toys(&[("Lush 3", LUSH), ("Nora", NORA)])
        .panel("")
        .more(&groups)
        .start()
        .await
}

#[tokio::test]
async fn a_stop_goes_before_a_flood_over_the_panel_and_over_mqtt() {
    let rig = Setup::toys(&[("Lush 3", LUSH), ("Nora", NORA)])
        .panel("")
        .start()
        .await;
    let client = Client::of(&rig).await;
    rig.app.change_faults(|faults| {
        faults.effect_latency = Spread {
            min_ms: 25,
            max_ms: 55,
        };
    });
    let set = format!("/api/toys/{}/vibrate/set", toy(LUSH));
    client.done(&set, json!(100)).await;
    let mut flood = JoinSet::new();
    for level in 0..40 {
        let set = set.clone();
        flood.spawn(async move { client.post(&set, (50 + level).to_string()).await.status });
        for _ in 0..20 {
            rig.home.publish(&rig.topic(NORA, "vibrate/set"), "90");
        }
    }
    let stopped = client.done("/api/stop", json!(null)).await;
    assert_eq!(stopped["ok"], true);
    assert_eq!(stopped["results"].as_object().unwrap().len(), 2);
    while let Some(done) = soon("the flood", flood.join_next()).await {
        assert!(matches!(done.unwrap(), 200 | 409));
    }
    rig.home.synced().await;
    // Whatever was sent before the stop is over: another request is answered after it.
    rig.ask(NORA, "set", json!({"vibrate": 0})).await;
    for hardware in [LUSH, NORA] {
        assert_eq!(rig.app.level(hardware, Function::Vibrate), 0);
        rig.state_until(hardware, |state| state["state"] == "OFF")
            .await;
    }
}

#[tokio::test]
async fn one_toy_some_toys_and_groups_are_stopped() {
    let rig = two_and_a_group().await;
    let client = Client::of(&rig).await;
    let run = async || {
        for hardware in [LUSH, NORA] {
            rig.set(hardware, json!({"vibrate": 50})).await;
        }
    };
    let levels = || [LUSH, NORA].map(|hardware| rig.app.level(hardware, Function::Vibrate));
    run().await;
    let result = client
        .done(&format!("/api/toys/{}/stop", toy(LUSH)), json!(null))
        .await;
    assert_eq!(result["ok"], true);
    assert_eq!(levels(), [0, 10]);
    client.done("/api/groups/one/stop", json!(null)).await;
    assert_eq!(levels(), [0, 0]);
    run().await;
    let some = json!({"toys": [toy(NORA)]});
    let some = client.done("/api/stop", some).await;
    assert_eq!(some["results"].as_object().unwrap().len(), 1);
    assert_eq!(levels(), [10, 0]);
}

#[tokio::test]
async fn a_stop_is_not_refused_for_its_body_and_does_not_wait_for_it() {
    let rig = two_and_a_group().await;
    let client = Client::of(&rig).await;
    let run = async || {
        for hardware in [LUSH, NORA] {
            // After a stop of all toys, levels are refused for a moment.
            let set = json!({"vibrate": 50});
            rig.set_after_stop(hardware, set.clone()).await;
        }
    };
    let levels = || [LUSH, NORA].map(|hardware| rig.app.level(hardware, Function::Vibrate));
    let unclear = [
        r#"{"toys": "all"}"#,
        r#"{"toys": ["toy"]}"#,
        r#"{"toys": []}"#,
        r#"["all"]"#,
        "ON",
        "{",
    ];
    run().await;
    for body in unclear {
        let answer = client.post("/api/stop", body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        assert_eq!(answer.json()["results"].as_object().unwrap().len(), 2);
    }
    assert_eq!(levels(), [0, 0]);
    // Announced, and longer than anything that is read, or never there.
    let headers = |length: &'static str| {
        [
            ("host", "localhost"),
            ("x-toy2mqtt", "1"),
            ("content-length", length),
        ]
    };
    for length in ["99999999", "40"] {
        run().await;
        let answer = client
            .send("POST", "/api/stop", &headers(length), b"{")
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(levels(), [0, 0]);
    }
    run().await;
    let stop = format!("/api/toys/{}/stop", toy(LUSH));
    let answer = client.send("POST", &stop, &headers("40"), b"{").await;
    assert_eq!((answer.status, levels()), (200, [0, 10]));
    let stop = "/api/groups/one/stop";
    let answer = client.send("POST", stop, &headers("99999999"), b"{").await;
    assert_eq!((answer.status, levels()), (200, [0, 0]));
}

#[tokio::test]
async fn a_stop_of_some_is_answered_when_all_of_them_have_answered() {
    let rig = Setup::toys(&[("Lush 3", LUSH), ("Nora", NORA)])
        .panel("")
        .start()
        .await;
    let client = Client::of(&rig).await;
    rig.set(LUSH, json!({"vibrate": 50})).await;
    rig.app.set_connected(NORA, false).unwrap();
    rig.home
        .says(&rig.topic(NORA, "availability"), "offline")
        .await;
    rig.app
        .change_faults(|faults| faults.effect_latency = Spread::ms(200, 200));
    // Those who are away or unknown answer at once, and first.
    let unknown = "toy_00000000";
    let some = json!({"toys": [toy(NORA), unknown, toy(LUSH)]});
    let answer = client.post("/api/stop", some.to_string()).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 0);
    assert_eq!(answer.status, 207, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["ok"], false);
    assert_eq!(answer["results"][toy(LUSH)]["ok"], true);
    let away = &answer["results"][toy(NORA)]["error"]["code"];
    assert_eq!(*away, "offline");
    assert_eq!(answer["error"]["code"], "unknown_toy");
    let nobody = json!({"toys": [unknown]}).to_string();
    let nobody = client.post("/api/stop", nobody).await;
    assert_eq!(
        (nobody.status, nobody.code()),
        (404, "unknown_toy".to_owned())
    );
}

#[tokio::test]
async fn a_set_that_came_in_before_a_stop_or_quiet_is_not_obeyed_after_it() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    // Not the hold after a stop is to refuse it.
    let setup = Setup::toys(&[("Lush 3", LUSH)]).panel("");
    let rig = setup.more("[safety]\nstop_hold = \"0s\"\n").start().await;
    let client = Client::of(&rig).await;
    let set = format!("/api/toys/{}/vibrate/set", toy(LUSH));
    let headers = [
        ("host", "localhost"),
        ("x-toy2mqtt", "1"),
        ("content-length", "2"),
    ];
    let stop = format!("/api/toys/{}/stop", toy(LUSH));
    let stop = vec![(stop.as_str(), json!(null))];
    let quiet = vec![("/api/quiet", json!("ON")), ("/api/quiet", json!("OFF"))];
    for stops in [stop, quiet] {
        // Its head comes before the stop, its body after it.
        let mut late = client.open("POST", &set, &headers, b"8").await;
        // The server has read the head once it waits for the rest; anything asked later is later.
        for _ in 0..3 {
            client.get("/healthz").await;
        }
        for (path, body) in &stops {
            client.done(path, body.clone()).await;
        }
        late.write_all(b"0").await.unwrap();
        let mut answer = String::new();
        soon("an answer", late.read_to_string(&mut answer))
            .await
            .unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 409") && answer.contains("\"stopped\""),
            "{stops:?}: {answer}"
        );
        assert_eq!(rig.app.level(LUSH, Function::Vibrate), 0);
    }
    // What comes in after it is obeyed.
    rig.set(LUSH, json!({"vibrate": 0})).await;
    client.done(&set, json!(80)).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 16);
}

#[tokio::test]
async fn quiet_over_the_panel_outlives_a_kill() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    client.done("/api/quiet", json!("ON")).await;
    rig.bridge.kill().await;
    // Another one must not take the dead one for a live rival.
    rig.start_again().await;
    let client = Client::of(&rig).await;
    assert_eq!(client.get("/api/info").await.json()["quiet"], true);
}

#[tokio::test]
async fn a_stop_that_is_not_confirmed_is_said_to_be_and_goes_on() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    rig.set(LUSH, json!({"vibrate": 50})).await;
    rig.app.change_faults(|faults| {
        faults.effect_latency = Spread {
            min_ms: 6_000,
            max_ms: 6_000,
        };
    });
    let stop = format!("/api/toys/{}/stop", toy(LUSH));
    let late = client.post(&stop, "").await;
    assert_ne!(late.status, 200, "{}", late.text());
    rig.app
        .change_faults(|faults| faults.effect_latency = Spread::default());
    rig.app_until("the toy to stop", |app| {
        app.level(LUSH, Function::Vibrate) == 0
    })
    .await;
}

#[tokio::test]
async fn a_bridge_that_keeps_out_obeys_its_panel_in_nothing_but_stops() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let (other, _) = rig.start_another("other");
    other
        .logged("another bridge uses the same base topic")
        .await;
    let (own, panel) = (Client::of(&rig).await, Client(panel_of(&other).await));
    let set = format!("/api/toys/{}/vibrate/set", toy(LUSH));
    let refused = async || {
        let answer = panel.post(&set, "80").await;
        assert_eq!((answer.status, answer.code()), (409, "busy".to_owned()));
    };
    refused().await;
    // Not even when the broker is away, as long as it does not know that the first is gone.
    rig.broker.kill();
    for bridge in [&rig.bridge, &other] {
        bridge.logged("no connection to the broker").await;
    }
    refused().await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 0);
    // The first has only its panel left, and the other's stops are stops.
    own.done(&set, json!(50)).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 10);
    panel.done("/api/stop", json!(null)).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 0);
}
