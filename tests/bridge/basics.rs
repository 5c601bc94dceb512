//! What happens at the start, and when somebody moves a slider.

use serde_json::{Value, json};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::RequestKind;

use crate::support::{Rig, Seen, Setup, toy};

const LUSH: &str = "f082c00246fa";
const EDGE: &str = "e01a2b3c4d5e";

fn position(seen: &[Seen], topic: &str) -> usize {
    let found = seen.iter().position(|seen| seen.topic == topic);
    found.unwrap_or_else(|| panic!("nothing under {topic}"))
}

#[tokio::test]
async fn everything_is_announced_before_the_bridge_is_online() {
    let rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .start()
        .await;
    let mark = rig.home.mark();
    rig.request("republish", json!({})).await;
    rig.home
        .next(mark, &rig.bridge_topic("state"), |_| true)
        .await;
    let all = rig.home.after(mark);
    let online = position(&all, &rig.bridge_topic("state"));
    for hardware in [LUSH, EDGE] {
        let config = format!("homeassistant/device/toy2mqtt_{}/config", toy(hardware));
        let config = position(&all, &config);
        let state = position(&all, &rig.topic(hardware, "state"));
        let availability = position(&all, &rig.topic(hardware, "availability"));
        assert!(config < state && state < availability && availability < online);
        let state = all[state].json();
        assert_eq!(
            state["state"],
            Value::Null,
            "unknown before a toy has confirmed anything"
        );
        assert_eq!(state["available"], true);
    }
    assert_eq!(
        all[position(&all, &rig.topic(LUSH, "state"))].json()["vibrate"],
        Value::Null
    );
    let edge = all[position(&all, &rig.topic(EDGE, "state"))].json();
    assert_eq!(
        (&edge["vibrate_1"], &edge["vibrate_2"]),
        (&Value::Null, &Value::Null)
    );
    position(&all, "homeassistant/device/toy2mqtt_bridge/config");
    // The same is kept for those who come later.
    let late = crate::support::Home::connect(rig.broker.addr).await;
    let kept: Vec<_> = late
        .after(0)
        .into_iter()
        .filter(|seen| seen.retained)
        .collect();
    position(&kept, "homeassistant/device/toy2mqtt_bridge/config");
    assert_eq!(
        kept[position(&kept, &rig.bridge_topic("state"))].text(),
        "online"
    );
    assert!(kept.iter().all(|seen| !seen.topic.ends_with("/event")));
}

#[tokio::test]
async fn a_slider_becomes_one_bounded_command_with_all_outputs() {
    let rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .start()
        .await;
    let mark = rig.home.mark();
    rig.home.publish(&rig.topic(LUSH, "vibrate/set"), "40");
    let result = rig
        .home
        .next(mark, &rig.topic(LUSH, "result"), |_| true)
        .await;
    let result = result.json();
    assert_eq!(result["ok"], true, "{result}");
    assert_eq!(result["applied"], json!({"vibrate": 40}));
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 8);
    let state = rig.state_until(LUSH, |state| state["vibrate"] == 40).await;
    assert_eq!(
        (&state["state"], &state["brightness"]),
        (&json!("ON"), &json!(40))
    );

    rig.home.publish(&rig.topic(EDGE, "vibrate_2/set"), "100");
    rig.state_until(EDGE, |state| state["vibrate_2"] == 100)
        .await;
    let sent: Vec<_> = rig
        .app
        .requests()
        .into_iter()
        .filter(|request| request.kind == RequestKind::Function)
        .map(|request| request.json())
        .collect();
    assert_eq!(sent[0]["toy"], LUSH);
    assert_eq!(sent[0]["action"], "Vibrate:8");
    assert_eq!(sent[0]["timeSec"], 5);
    let edge = sent.iter().find(|sent| sent["toy"] == EDGE).unwrap();
    assert_eq!(edge["action"], "Vibrate1:0,Vibrate2:20");
    assert_eq!(edge["timeSec"], 5);
}

#[tokio::test]
async fn nothing_is_shown_that_the_toy_has_not_accepted() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).start().await;
    rig.app.change_faults(|faults| {
        faults.answer = Some(
            toy2mqtt::sim::lovense_app::AnswerFault::new(toy2mqtt::sim::lovense_app::Wrong::Code(
                500,
            ))
            .only(&[RequestKind::Function]),
        );
    });
    let mark = rig.home.mark();
    let result = rig.ask(LUSH, "vibrate/set", json!({"level": 40})).await;
    assert_eq!(result["ok"], false, "{result}");
    assert_eq!(result["error"]["code"], "backend", "{result}");
    let shown = rig
        .state_until(LUSH, |state| !state["last_error"].is_null())
        .await;
    assert_eq!(shown["vibrate"], Value::Null, "unknown");
    let state = rig.topic(LUSH, "state");
    let states = rig
        .home
        .after(mark)
        .into_iter()
        .filter(|seen| seen.topic == state);
    assert!(
        states
            .map(|seen| seen.json())
            .all(|state| state["vibrate"].is_null())
    );
    rig.app.change_faults(|faults| faults.answer = None);
    rig.set(LUSH, json!({"vibrate": 40})).await;
    let shown = rig.state_until(LUSH, |state| state["vibrate"] == 40).await;
    assert!(shown["last_error"].is_null());
    levels_are(&rig, 8);
}

fn levels_are(rig: &Rig, step: u16) {
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), step);
}
