//! The phone leaves the house, a toy is switched off, an app hangs.

use std::time::Duration;

use serde_json::{Value, json};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AnswerFault, AppHandle, AppOptions, RequestKind, ToySpec, Wrong};

use crate::support::{Setup, toy};

const LUSH: &str = "f082c00246fa";
const EDGE: &str = "e01a2b3c4d5e";

#[tokio::test]
async fn a_phone_that_leaves_is_noticed_and_nothing_is_queued_for_it() {
    let rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .start()
        .await;
    rig.app_until("access", |app| app.sockets().granted == 1)
        .await;
    rig.set(LUSH, json!({"vibrate": 75})).await;
    let mark = rig.home.mark();
    let left = rig.app.now();
    rig.app.go().await.unwrap();
    for hardware in [LUSH, EDGE] {
        rig.home
            .says(&rig.topic(hardware, "availability"), "offline")
            .await;
    }
    let took = rig.app.now() - left;
    assert!(took < Duration::from_secs(5), "{took:?}");
    let events = rig.bridge_topic("event");
    for event in ["backend_down", "toy_removed"] {
        rig.home
            .next(mark, &events, |seen| seen.json()["event_type"] == event)
            .await;
    }
    let result = rig.ask(LUSH, "set", json!({"vibrate": 50})).await;
    assert_eq!(result["error"]["code"], "offline", "{result}");
    let state = rig.state(LUSH);
    assert_eq!(
        (&state["state"], &state["vibrate"]),
        (&Value::Null, &Value::Null),
        "what it does is not known any more"
    );

    let mark = rig.home.mark();
    let before = rig.app.requests().last().unwrap().number;
    rig.app.come_back().await.unwrap();
    let back = rig.app.now();
    for hardware in [LUSH, EDGE] {
        rig.home
            .says(&rig.topic(hardware, "availability"), "online")
            .await;
    }
    let took = rig.app.now() - back;
    assert!(took < Duration::from_secs(4), "{took:?}");
    rig.app_until("level 0", AppHandle::all_zero).await;
    rig.home
        .next(mark, &events, |seen| {
            seen.json()["event_type"] == "toy_added"
        })
        .await;
    let since = rig
        .app
        .requests()
        .into_iter()
        .filter(|request| request.number > before);
    assert_eq!(
        since
            .filter(|request| request.kind == RequestKind::Function)
            .count(),
        0
    );
    rig.set(LUSH, json!({"vibrate": 50})).await;
}

#[tokio::test]
async fn a_toy_that_is_switched_off_concerns_nobody_else() {
    let rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .start()
        .await;
    rig.app_until("access", |app| app.sockets().granted == 1)
        .await;
    rig.set(LUSH, json!({"vibrate": 50})).await;
    rig.set(EDGE, json!({"vibrate_1": 50})).await;
    let mark = rig.home.mark();
    rig.app.set_connected(LUSH, false).unwrap();
    rig.home
        .says(&rig.topic(LUSH, "availability"), "offline")
        .await;
    rig.set(EDGE, json!({"vibrate_2": 25})).await;
    rig.home.synced().await;
    let edge = rig.topic(EDGE, "availability");
    assert!(!rig.home.after(mark).iter().any(|seen| seen.topic == edge));
    assert_eq!(rig.app.level(EDGE, Function::Vibrate1), 10);
    rig.app.set_connected(LUSH, true).unwrap();
    rig.home
        .says(&rig.topic(LUSH, "availability"), "online")
        .await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 0);
    let added = json!({"event_type": "toy_added", "toy": toy(LUSH)});
    rig.home
        .next(mark, &rig.bridge_topic("event"), |seen| {
            seen.json() == added
        })
        .await;
}

#[tokio::test]
async fn an_app_that_hangs_does_not_hold_up_another() {
    let other = AppOptions::with_toys([ToySpec::new("Edge 2").with_id(EDGE)]);
    let mut setup = Setup::toys(&[("Lush 3", LUSH)]);
    setup.apps.push(other);
    let rig = setup.start().await;
    rig.app
        .change_faults(|faults| faults.answer = Some(AnswerFault::new(Wrong::Hang)));
    let mark = rig.home.mark();
    let hanging = rig.topic(LUSH, "set");
    rig.home.publish(&hanging, r#"{"vibrate":50,"id":"hangs"}"#);
    let mut answered = 0;
    // For as long as the first app hangs, and the bridge waits for it…
    loop {
        let level = 5 + answered % 20 * 5;
        let result = rig.set(EDGE, json!({"vibrate_1": level})).await;
        let latency = result["latency_ms"].as_f64().unwrap();
        assert!(latency < 1_000.0, "{latency}");
        answered += 1;
        let seen = rig.home.after(mark);
        let hung = seen
            .iter()
            .find(|seen| seen.topic == rig.topic(LUSH, "result") && seen.json()["id"] == "hangs");
        if let Some(hung) = hung {
            assert_eq!(hung.json()["ok"], false, "{}", hung.text());
            break;
        }
    }
    // …the other is driven.
    assert!(answered > 3, "{answered}");
    rig.home
        .says(&rig.topic(LUSH, "availability"), "offline")
        .await;
    rig.set(EDGE, json!({"vibrate_1": 50})).await;
    assert_eq!(rig.apps[1].level(EDGE, Function::Vibrate1), 10);
}
