//! What toys tell: buttons, gestures, readings.

use std::time::Duration;

use serde_json::json;
use toy2mqtt::sim::lovense_app::{MotionSample, ToyEvent};

use crate::support::{Rig, Seen, Setup};

const LUSH: &str = "f082c00246fa";
const MISSION: &str = "a1b2c3d4e5f6";

async fn with_events(setup: Setup) -> Rig {
    let rig = setup.start().await;
    granted(&rig).await;
    rig
}

async fn granted(rig: &Rig) {
    rig.app_until("access", |app| app.sockets().granted == 1)
        .await;
}

#[tokio::test]
async fn each_press_of_a_button_is_one_event_and_is_never_replayed() {
    let mut rig = with_events(Setup::toys(&[("Lush 3", LUSH)])).await;
    let topic = rig.topic(LUSH, "event");
    let mark = rig.home.mark();
    for index in [0, 1, 0, 2] {
        rig.app.emit(LUSH, &ToyEvent::ButtonPressed(index)).unwrap();
    }
    rig.app.emit(LUSH, &ToyEvent::ButtonDown(0)).unwrap();
    rig.app.emit(LUSH, &ToyEvent::ButtonUp(0)).unwrap();
    rig.app.emit(LUSH, &ToyEvent::Shake).unwrap();
    let is_event = |seen: &&Seen| seen.topic == topic;
    let last = |seen: &Seen| seen.json()["event_type"] == "shake";
    rig.home.next(mark, &topic, last).await;
    let events: Vec<_> = rig
        .home
        .after(mark)
        .iter()
        .filter(is_event)
        .map(Seen::json)
        .collect();
    let pressed = |button| json!({"event_type": "button_pressed", "button": button});
    let expected = [
        pressed(1),
        pressed(2),
        pressed(1),
        pressed(3),
        json!({"event_type": "button_down", "button": 1}),
        json!({"event_type": "button_up", "button": 1}),
        json!({"event_type": "shake"}),
    ];
    assert_eq!(events, expected);

    let mark = rig.home.mark();
    rig.bridge.kill().await;
    rig.start_again().await;
    rig.request("republish", json!({})).await;
    rig.home
        .next(mark, &rig.topic(LUSH, "state"), |_| true)
        .await;
    granted(&rig).await;
    rig.app.emit(LUSH, &ToyEvent::ButtonPressed(7)).unwrap();
    let event = rig.home.next(mark, &topic, |_| true).await;
    assert_eq!(event.json(), pressed(8));
    let kept = crate::support::Home::connect(rig.broker.addr).await;
    assert!(!kept.after(0).iter().any(|seen| seen.topic == topic));
}

#[tokio::test]
async fn readings_are_shown() {
    let rig = with_events(Setup::toys(&[("Mission 2", MISSION)])).await;
    rig.app.set_battery(MISSION, 41).unwrap();
    rig.app.emit(MISSION, &ToyEvent::Depth(12.5)).unwrap();
    rig.app
        .emit(MISSION, &ToyEvent::ShakeFrequency(3.0))
        .unwrap();
    let sample = MotionSample {
        direction: 0,
        speed: 40.0,
        position: Some(66.0),
    };
    rig.app
        .emit(MISSION, &ToyEvent::Motion(vec![sample]))
        .unwrap();
    let expected = json!({
        "battery": 41, "insertion_depth": 12.5, "shake_frequency": 3,
        "motion_position": 66, "motion_speed": 40,
    });
    rig.state_until(MISSION, |state| {
        let expected = expected.as_object().unwrap();
        expected.iter().all(|(key, value)| state[key] == *value)
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_readings_is_thinned_out_and_the_newest_arrives() {
    let rig = with_events(Setup::toys(&[("Mission 2", MISSION)])).await;
    let mark = rig.home.mark();
    let topic = rig.topic(MISSION, "state");
    let from = rig.app.now();
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    for n in 0..300_u16 {
        pace.tick().await;
        let depth = ToyEvent::Depth(f64::from(n) / 16.0);
        rig.app.emit(MISSION, &depth).unwrap();
    }
    let newest = 299.0 / 16.0;
    rig.home
        .next(mark, &topic, |seen| {
            seen.json()["insertion_depth"] == newest
        })
        .await;
    let seconds = (rig.app.now() - from).as_secs_f64();
    let states = rig
        .home
        .after(mark)
        .iter()
        .filter(|seen| seen.topic == topic)
        .count();
    assert!(
        states as f64 <= 3.0 + 5.0 * seconds,
        "{states} in {seconds} s"
    );
    assert!(states >= 4, "{states}");
}
