//! Server-sent events: everything first, then every change.

use serde_json::json;

use crate::client::{Client, Events, WithPanel as _};
use crate::support::{Setup, soon, toy};

const LUSH: &str = "f082c00246fa";

#[tokio::test]
async fn who_watches_sees_what_is_so_and_what_changes() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    let mut events = Events::open(client, &[("host", "localhost")]).await;
    assert!(events.head.contains("text/event-stream"), "{}", events.head);
    let (kind, all, raw) = soon("everything", events.next()).await.unwrap();
    assert_eq!(kind, "all");
    assert!(
        raw.contains("retry:500") || raw.contains("retry: 500"),
        "{raw}"
    );
    assert_eq!(all["toys"][0]["id"], toy(LUSH));
    assert_eq!(all["info"]["quiet"], false);
    assert!(all["log"].as_array().unwrap().iter().any(|line| {
        line["text"]
            .as_str()
            .unwrap()
            .contains("connected to the broker")
    }));

    // Whoever asks, over MQTT or here, it is seen.
    rig.set(LUSH, json!({"vibrate": 40})).await;
    let shown = events
        .until("toy", |toy| toy["state"]["vibrate"] == 40)
        .await;
    assert_eq!(shown["target"]["vibrate"], 40);
    let outcome = |by: &str| {
        let by = by.to_owned();
        move |entry: &serde_json::Value| entry["kind"] == "outcome" && entry["by"] == by
    };
    client
        .done(
            &format!("/api/toys/{}/set", toy(LUSH)),
            json!({"vibrate": 20}),
        )
        .await;
    events.until("activity", outcome("rest")).await;
    rig.set(LUSH, json!({"vibrate": 30})).await;
    events.until("activity", outcome("mqtt")).await;
    client.done("/api/quiet", json!("ON")).await;
    events.until("bridge", |info| info["quiet"] == true).await;
    rig.app
        .emit(LUSH, &toy2mqtt::sim::lovense_app::ToyEvent::Shake)
        .ok();
    rig.app.set_connected(LUSH, false).unwrap();
    events
        .until("toy", |toy| toy["state"]["available"] == false)
        .await;
    client
        .done(&format!("/api/toys/{}/forget", toy(LUSH)), json!(null))
        .await;
    events.until("gone", |gone| gone["id"] == toy(LUSH)).await;
}

#[tokio::test]
async fn the_stream_ends_with_the_bridge_and_seats_are_given_back() {
    let mut rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    let mut watchers = Vec::new();
    for _ in 0..24 {
        let mut events = Events::open(client, &[("host", "localhost")]).await;
        soon("everything", events.next()).await.unwrap();
        watchers.push(events);
    }
    let more = client.get("/api/events").await;
    assert_eq!((more.status, more.code().as_str()), (429, "too_many"));
    // Watchers do not take the room of those who act.
    client.done("/api/stop", json!(null)).await;
    watchers.truncate(1);
    rig.bridge.terminate();
    assert!(rig.bridge.ended().await.success());
    let ended = async { while watchers[0].next().await.is_some() {} };
    soon("the end", ended).await;
}
