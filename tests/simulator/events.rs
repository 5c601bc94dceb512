//! Toy Events: access, signs of life, and what toys tell.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::{Connector, connect_async_tls_with_config, tungstenite};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{
    Access, AppOptions, Flavour, LovenseApp, MotionSample, PingDemand, ToyEvent, ToySpec,
};

use crate::support::{
    DEADLINE, EDGE, Events, MAX, app, client, code, function, options, patient, wait,
};

#[tokio::test]
async fn levels_that_clients_set_are_told_only_if_the_app_is_to_echo_them() {
    let app = app().await;
    let mut events = Events::granted(&app).await;
    assert_eq!(code(&app, &function(MAX, "Vibrate:5", 0.0)).await, 200);
    app.change_faults(|faults| faults.echo_strength = true);
    assert_eq!(code(&app, &function(MAX, "Vibrate:7", 1.0)).await, 200);
    // The end of its time is told as well; what the user sets is told once.
    for (value, function) in [(7, "vibration"), (0, "vibration"), (2, "inflation")] {
        if function == "inflation" {
            app.set_by_user(MAX, Function::Pump, 2).unwrap();
        }
        assert_eq!(
            events.json().await,
            json!({
                "type": "function-strength-changed", "toyId": MAX,
                "data": {"function": function, "value": value, "index": 0},
            })
        );
    }
    app.emit(MAX, &ToyEvent::Shake).unwrap();
    assert_eq!(events.kind().await, "shake");
}

#[tokio::test]
async fn nothing_flows_before_access_is_granted() {
    let app = app().await;
    app.change_faults(|faults| faults.access = Access::Pending);
    let mut events = Events::connect(&app).await.unwrap();
    events.say(r#"{"type":"ping"}"#).await;
    events.ask().await;
    wait(&app, "the question", |app| app.sockets().names == ["test"]).await;
    assert_eq!(app.emit(EDGE, &ToyEvent::Shake), Ok(0));
    app.change_faults(|faults| faults.access = Access::Granted);
    // The first thing to come is the grant, then the toys.
    assert_eq!(events.json().await, json!({"type": "access-granted"}));
    let list = events.json().await;
    assert_eq!(list["type"], "toy-list");
    assert_eq!(
        list["toyList"][0],
        json!({
            "id": EDGE, "name": "Edge 2", "type": "edge", "hVersion": "2", "fVersion": 200,
            "nickname": "", "battery": 90, "connected": true,
        })
    );
    assert_eq!(list["toyList"].as_array().unwrap().len(), 3);
    assert_eq!(app.emit(EDGE, &ToyEvent::Shake), Ok(1));
    assert_eq!(events.kind().await, "shake");
}

#[tokio::test]
async fn somebody_who_never_asks_hears_nothing() {
    let app = app().await;
    let mut silent = Events::connect(&app).await.unwrap();
    silent.say(r#"{"type":"access","data":{}}"#).await;
    silent.say("nonsense").await;
    silent.say("Pong").await;
    let mut events = Events::granted(&app).await;
    assert_eq!(app.emit(EDGE, &ToyEvent::Shake), Ok(1));
    assert_eq!(events.kind().await, "shake");
    assert_eq!((app.sockets().open, app.sockets().granted), (2, 1));
    silent.ask().await;
    assert_eq!(silent.kind().await, "access-granted");
}

#[tokio::test]
async fn denied_access_closes_the_socket() {
    let app = app().await;
    app.change_faults(|faults| faults.access = Access::Denied);
    let mut events = Events::connect(&app).await.unwrap();
    events.ask().await;
    assert_eq!(events.next().await, None);
    wait(&app, "the end", |app| app.sockets().open == 0).await;
    assert_eq!(app.sockets().granted, 0);
}

#[tokio::test]
async fn every_event_arrives_as_documented() {
    let app = app().await;
    let mut events = Events::granted(&app).await;
    let sample = MotionSample {
        direction: 0,
        speed: 12.0,
        position: None,
    };
    for (event, data) in [
        (ToyEvent::ButtonDown(0), json!({"index": 0})),
        (ToyEvent::ButtonUp(0), json!({"index": 0})),
        (ToyEvent::ButtonPressed(1), json!({"index": 1})),
        (ToyEvent::Shake, json!(null)),
        (ToyEvent::ShakeFrequency(4.0), json!({"value": 4})),
        (ToyEvent::Depth(12.0), json!({"value": 12})),
        (
            ToyEvent::Motion(vec![sample]),
            json!({"motionData": [{"direction": 0, "speed": 12}]}),
        ),
        (ToyEvent::Motion(vec![]), json!({"motionData": []})),
    ] {
        app.emit(EDGE, &event).unwrap();
        let frame = events.json().await;
        assert_eq!((&frame["toyId"], &frame["data"]), (&json!(EDGE), &data));
    }
    app.set_battery(MAX, 84).unwrap();
    let battery = json!({"type": "battery-changed", "toyId": MAX, "data": {"value": 84}});
    assert_eq!(events.json().await, battery);
    app.set_by_user(EDGE, Function::Vibrate2, 20).unwrap();
    assert_eq!(
        events.json().await,
        json!({
            "type": "function-strength-changed", "toyId": EDGE,
            "data": {"function": "vibration", "value": 20, "index": 1},
        })
    );
    assert_eq!(app.level(EDGE, Function::Vibrate2), 20);
    assert!(app.set_by_user(EDGE, Function::Rotate, 1).is_err());
    app.emit_raw("anything");
    assert_eq!(events.next().await.as_deref(), Some("anything"));
}

#[tokio::test]
async fn toys_come_and_go_and_are_renamed() {
    let app = app().await;
    let mut events = Events::granted(&app).await;
    let id = app.add_toy(&ToySpec::new("Lush 3")).unwrap();
    assert_eq!(events.json().await["toyList"][3]["name"], "Lush 3");
    app.rename(&id, "right").unwrap();
    assert_eq!(events.json().await["toyList"][3]["nickname"], "right");
    app.remove_toy(&id).unwrap();
    let list = events.json().await;
    assert_eq!(list["toyList"].as_array().unwrap().len(), 3);
    assert!(app.remove_toy(&id).is_err() && app.toy(&id).is_none());
    assert!(app.add_toy(&ToySpec::new("Lush").with_id(EDGE)).is_err());
}

#[tokio::test]
async fn a_ping_is_answered() {
    let app = app().await;
    let mut events = Events::granted(&app).await;
    events.say(r#"{"type":"ping"}"#).await;
    assert_eq!(events.json().await, json!({"type": "pong"}));
}

#[tokio::test]
async fn whoever_answers_the_bare_word_is_kept_and_others_are_dropped() {
    let app = app().await;
    app.change_faults(|faults| {
        faults.ping_demand = Some(PingDemand {
            every_ms: 50,
            within_ms: 10_000,
        });
    });
    let mut good = Events::granted(&app).await;
    for _ in 0..5 {
        assert_eq!(good.json().await, json!({"type": "ping"}));
        good.say("Pong").await;
    }
    assert_eq!(app.sockets().dropped, 0);
    drop(good);
    let mut bad = Events::granted(&app).await;
    app.change_faults(|faults| {
        faults.ping_demand = Some(PingDemand {
            every_ms: 50,
            within_ms: 200,
        });
    });
    // JSON is not what is asked for.
    while let Some(frame) = bad.next().await {
        assert_eq!(frame, r#"{"type":"ping"}"#);
        bad.try_say(r#"{"type":"pong"}"#).await;
    }
    wait(&app, "the drop", |app| app.sockets().dropped >= 1).await;
}

#[tokio::test]
async fn whoever_is_silent_is_dropped() {
    let app = app().await;
    let mut events = Events::granted(&app).await;
    app.change_faults(|faults| faults.silence_ms = Some(200));
    assert_eq!(events.next().await, None);
    wait(&app, "the drop", |app| app.sockets().dropped == 1).await;
    app.change_faults(|faults| faults.silence_ms = Some(600_000));
    let mut events = Events::granted(&app).await;
    events.say(r#"{"type":"ping"}"#).await;
    assert_eq!(events.kind().await, "pong");
}

#[tokio::test]
async fn connect_and_old_versions_have_no_events() {
    let connect = LovenseApp::start_local(AppOptions {
        flavour: Flavour::Connect,
        ..options()
    })
    .await
    .unwrap();
    let old = app().await;
    old.change_faults(|faults| faults.no_events = Some(501));
    for (app, expected) in [(connect, 404), (old, 501)] {
        match Events::connect(&app).await.err() {
            Some(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), expected),
            other => panic!("{other:?}"),
        }
    }
    let app = app().await;
    let url = app.command_url().replace("/command", "/v1");
    let plain = client().get(url).send().await.unwrap();
    assert_eq!(plain.status(), 400, "no websocket handshake");
}

#[tokio::test]
async fn events_are_lost_and_rubbish_is_sent_when_asked_for() {
    let app = app().await;
    let mut events = Events::granted(&app).await;
    app.change_faults(|faults| faults.drop_events = 100);
    for _ in 0..10 {
        assert_eq!(app.emit(EDGE, &ToyEvent::Shake), Ok(0));
    }
    app.change_faults(|faults| {
        faults.drop_events = 0;
        faults.garbage = 100;
    });
    let mut rubbish = 0;
    for _ in 0..20 {
        app.emit(EDGE, &ToyEvent::ButtonPressed(7)).unwrap();
        loop {
            let frame = events.next().await.unwrap();
            if frame == ToyEvent::ButtonPressed(7).frame(EDGE) {
                break;
            }
            assert!(!frame.contains(r#""shake""#), "that was lost");
            rubbish += 1;
        }
    }
    // Some of it is binary, which this client passes over.
    assert!((5..=20).contains(&rubbish), "{rubbish}");
}

#[tokio::test]
async fn batteries_drain_and_lively_toys_are_played_with() {
    let app = LovenseApp::start_local(AppOptions {
        battery_drain: Some(Duration::from_millis(20)),
        lively: Some(Duration::from_millis(1)..=Duration::from_millis(5)),
        ..patient([ToySpec::new("Nora"), ToySpec::new("Edge")])
    })
    .await
    .unwrap();
    let ids = app.ids();
    let mut events = Events::granted(&app).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..2_000 {
        let frame = events.json().await;
        let kind = frame["type"].as_str().unwrap().to_owned();
        if kind != "battery-changed" {
            assert_eq!(
                frame["toyId"],
                ids[0].as_str(),
                "an Edge reports nothing else"
            );
        }
        seen.insert(kind);
        if seen.len() == 6 {
            break;
        }
    }
    let expected = [
        "battery-changed",
        "button-down",
        "button-pressed",
        "button-up",
        "shake",
        "shake-frequency-changed",
    ];
    assert!(seen.iter().eq(expected), "{seen:?}");
    wait(&app, "the last percent", |app| {
        app.toys().iter().all(|toy| toy.battery == 1)
    })
    .await;
}

#[tokio::test]
async fn commands_and_events_over_tls() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let cert = made.cert.der().clone();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.clone()], key)
        .unwrap();
    let app = LovenseApp::start_local(AppOptions {
        tls: Some(Arc::new(server)),
        ..options()
    })
    .await
    .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let https = reqwest::Client::builder()
        .no_proxy()
        .timeout(DEADLINE)
        .tls_backend_preconfigured(config.clone())
        .build()
        .unwrap();
    assert!(app.command_url().starts_with("https://127.0.0.1:"));
    let request = https.post(app.command_url());
    let request = request.json(&json!({"command": "GetToyName"}));
    let answer = request.send().await.unwrap().text().await.unwrap();
    assert!(answer.contains("Edge 2"));
    let connector = Some(Connector::Rustls(Arc::new(config)));
    let connecting = connect_async_tls_with_config(app.events_url(), None, false, connector);
    let (stream, _) = connecting.await.unwrap();
    let mut events = Events::over(stream);
    events.ask().await;
    assert_eq!(events.kind().await, "access-granted");
    app.go().await.unwrap();
    assert_eq!(events.kind().await, "toy-list");
    assert_eq!(events.next().await, None);
    // Whoever speaks no TLS does no harm.
    app.come_back().await.unwrap();
    let plain = app.command_url().replace("https", "http");
    assert!(client().post(plain).send().await.is_err());
}
