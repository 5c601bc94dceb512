//! What is published of states, events and outcomes.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use insta::assert_json_snapshot;
use serde_json::{Value, json};
use toy2mqtt::domain::{
    Accepted, BackendId, BridgeEvent, Clamp, ErrorCode, Gesture, Level, OutputKey, OutputKind,
    Reading, Rejection, SafetyReason,
};
use toy2mqtt::hass::Privacy;
use toy2mqtt::hass::state;

use crate::toys::{bridge, running, shape, shapes};

const OPEN: Privacy = Privacy::Open;

#[test]
fn states_of_toys_that_run() {
    for (name, _) in shapes() {
        let state = state::toy(&running(name), OPEN);
        assert_json_snapshot!(format!("running_{name}"), state);
    }
}

#[test]
fn what_is_not_known_is_null() {
    let mut view = shape("position");
    view.available = false;
    view.route = None;
    assert_json_snapshot!(state::toy(&view, OPEN));
}

#[test]
fn a_pattern_is_shown_only_while_it_can_be_chosen() {
    let mut view = shape("single");
    assert_eq!(state::toy(&view, OPEN)["effect"], "Off");
    view.effect = Some("Wave".to_owned());
    let shown = state::toy(&view, OPEN);
    assert_eq!(
        (&shown["state"], &shown["effect"]),
        (&json!("ON"), &json!("Wave"))
    );
    view.effect = Some("Deleted".to_owned());
    assert_eq!(state::toy(&view, OPEN)["effect"], json!(null));
}

#[test]
fn levels_are_whole_where_they_are_whole() {
    let mut view = shape("single");
    let key = OutputKey::only(OutputKind::Vibrate);
    for (permille, level, brightness) in [
        (400, json!(40), 40),
        (125, json!(12.5), 13),
        (1, json!(0.1), 1),
    ] {
        view.levels.insert(key, Level::from_permille(permille));
        let state = state::toy(&view, OPEN);
        assert_eq!(state["vibrate"], level);
        assert_eq!(state["brightness"], brightness);
        assert_eq!(state["state"], "ON");
    }
}

#[test]
fn readings_that_cannot_be_are_unknown() {
    let mut view = shape("thrust");
    let readings = [
        Reading::Battery(255),
        Reading::InsertionDepth(f64::NAN),
        Reading::MotionSpeed(f64::NEG_INFINITY),
        Reading::Strength(1e300),
    ];
    view.readings = readings.into_iter().map(|r| (r.key(), r)).collect();
    let state = state::toy(&view, OPEN);
    for key in ["battery", "insertion_depth", "motion_speed"] {
        assert_eq!(state[key], json!(null), "{key}");
    }
    assert_eq!(state["strength"], json!(1e300));
}

#[test]
fn errors_fit_a_state_and_keep_secrets() {
    let mut view = shape("single");
    view.last_error = Some(format!(
        "Lush 3:\nno answer from Lovense {}",
        "x".repeat(500)
    ));
    let error = |privacy| state::toy(&view, privacy)["last_error"].clone();
    let open = error(OPEN);
    let open = open.as_str().expect("a text");
    assert!(open.starts_with("Lush 3: no answer from Lovense xxx"));
    assert_eq!(open.chars().count(), 255);
    let discreet = error(Privacy::Discreet);
    assert!(
        discreet
            .as_str()
            .expect("a text")
            .starts_with("…: no answer from … xxx")
    );
    assert_eq!(state::toy(&view, Privacy::Discreet)["route"], "phone");
}

#[test]
fn gestures_count_buttons_from_one() {
    let event = state::gesture(Gesture::ButtonPressed(0));
    assert_eq!(event, json!({"event_type": "button_pressed", "button": 1}));
    assert_eq!(state::gesture(Gesture::ButtonUp(255))["button"], 256);
    assert_eq!(
        state::gesture(Gesture::Shake),
        json!({"event_type": "shake"})
    );
}

#[test]
fn availability_and_switches_are_words() {
    assert_eq!(
        (state::availability(true), state::availability(false)),
        ("online", "offline")
    );
    assert_eq!((state::switch(true), state::switch(false)), ("ON", "OFF"));
}

#[test]
fn info_of_a_bridge() {
    let settings = json!({"lovense_lan": [{"host": "192.0.2.7"}]});
    let about = state::About {
        version: "0.1.0",
        instance: "0badcafe",
        process: "5eedf00d",
        settings: &settings,
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
    };
    let mut view = bridge();
    view.problems
        .push("Lovense: the data folder is read-only".to_owned());
    assert_json_snapshot!("info", state::info(&view, &about, OPEN));
    assert_json_snapshot!(
        "info_discreet",
        state::info(&view, &about, Privacy::Discreet)
    );
}

#[test]
fn events_of_a_bridge() {
    let toy = shape("single").id;
    let backend = BackendId::new("lovense_lan");
    let events = [
        BridgeEvent::ToyAdded(toy),
        BridgeEvent::ToyRemoved(toy),
        BridgeEvent::BackendUp(backend.clone()),
        BridgeEvent::BackendDown(backend, "Lovense app: connection refused".to_owned()),
        BridgeEvent::SafetyStop(toy, SafetyReason::Idle),
    ];
    let rejection = Rejection::new(ErrorCode::Retained, "retained commands are not obeyed");
    let mut shown: Vec<_> = events
        .iter()
        .map(|event| state::event(event, OPEN))
        .collect();
    shown.push(state::command_rejected("toy2mqtt/x/set", &rejection, OPEN));
    shown.push(state::event(&events[3], Privacy::Discreet));
    assert_json_snapshot!(shown);
}

#[test]
fn results_and_responses() {
    let vibrate = OutputKey::only(OutputKind::Vibrate);
    let accepted = Ok(Accepted {
        applied: BTreeMap::from([(vibrate, Level::from_permille(500))]),
        clamped_by: Some(Clamp::Limit),
        superseded: true,
    });
    let refused = Err(Rejection::new(ErrorCode::Quiet, "quiet is on"));
    let latency = Duration::from_micros(12_345);
    let requested = json!({"vibrate": 80, "id": "a1"});
    let answers = [
        state::result(&accepted, Some("a1"), &requested, latency, OPEN),
        state::result(&Ok(Accepted::default()), None, &json!(0), latency, OPEN),
        state::result(&refused, None, &json!("ON"), Duration::ZERO, OPEN),
        state::response(Some("t1"), &Ok(json!({"toys": []})), OPEN),
        state::response(
            None,
            &Err(Rejection::new(
                ErrorCode::UnknownToy,
                "there is no toy toy_00000000",
            )),
            OPEN,
        ),
    ];
    assert_json_snapshot!(answers);
}

#[test]
fn details_of_a_toy() {
    let mut view = running("rotate");
    view.limits.slope = Some(125);
    view.limits.outputs.insert(
        OutputKey::only(OutputKind::Rotate),
        Level::from_permille(300),
    );
    assert_json_snapshot!("details", state::details(&view, OPEN));
    view.name = view.description.default_name().to_owned();
    assert_json_snapshot!("details_discreet", state::details(&view, Privacy::Discreet));
}

#[test]
fn levels_that_no_toy_has_confirmed_are_null_and_so_is_the_light() {
    let mut view = crate::toys::shape("rotate");
    view.levels.clear();
    let state = state::toy(&view, Privacy::Open);
    assert_eq!(
        (&state["state"], &state["vibrate"]),
        (&Value::Null, &Value::Null)
    );
    assert!(state.get("brightness").is_none());
    // One that is known is enough.
    view.levels
        .insert(crate::command::VIBRATE, crate::command::percent(40.0));
    let state = state::toy(&view, Privacy::Open);
    assert_eq!(
        (&state["state"], &state["brightness"]),
        (&json!("ON"), &json!(40))
    );
    assert_eq!(state["rotate"], Value::Null);
}

#[test]
fn what_sprays_heats_or_shines_has_no_light() {
    use OutputKind as Kind;
    let outputs =
        [Kind::Spray, Kind::Temperature, Kind::Led].map(|kind| crate::toys::only(kind, 20));
    let mut view = crate::toys::toy("Heater", outputs.to_vec(), &[]);
    view.levels.insert(
        OutputKey::only(OutputKind::Spray),
        crate::command::percent(40.0),
    );
    let topics = crate::toys::topics();
    let context = crate::toys::context(&topics);
    let payload = toy2mqtt::hass::discovery::toy(&view, None, &context).payload;
    let components = payload["components"].as_object().expect("components");
    assert!(components.contains_key("spray"));
    assert!(!components.contains_key("light") && !components.contains_key("pattern"));
    let state = state::toy(&view, Privacy::Open);
    assert!(state.get("brightness").is_none());
    assert_eq!(
        (&state["state"], &state["spray"]),
        (&json!("ON"), &json!(40))
    );
}
