#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use proptest::prelude::*;

use super::*;
use crate::backend::lovense::wire::any_json;

fn told(text: &str) -> Vec<ToyInput> {
    match parse(text) {
        Ok(Frame::Told { toy, inputs }) => {
            assert_eq!(toy, HardwareId::new("f082c00246fa"));
            inputs
        }
        other => panic!("{text}: {other:?}"),
    }
}

fn reading(text: &str) -> Reading {
    match told(text)[..] {
        [ToyInput::Reading(reading)] => reading,
        ref other => panic!("{text}: {other:?}"),
    }
}

fn gesture(text: &str) -> Gesture {
    match told(text)[..] {
        [ToyInput::Gesture(gesture)] => gesture,
        ref other => panic!("{text}: {other:?}"),
    }
}

fn frame(kind: &str, data: Value) -> String {
    json!({ "type": kind, "toyId": "f082c00246fa", "data": data }).to_string()
}

#[test]
fn control_frames_are_read() {
    let cases = [
        (r#"{"type":"access-granted"}"#, Frame::AccessGranted),
        (r#"{"type":"ping"}"#, Frame::Ping),
        (r#"{"type":"pong"}"#, Frame::Pong),
        ("Pong", Frame::Pong),
        (" pong\n", Frame::Pong),
        ("Ping", Frame::Ping),
        (r#"{"type":"event-closed"}"#, Frame::Closed),
        (
            r#"{"type":"brand-new","data":7}"#,
            Frame::Unknown("brand-new".into()),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn outgoing_frames_are_as_documented() {
    assert_eq!(
        access("toy2mqtt"),
        r#"{"type":"access","data":{"appName":"toy2mqtt"}}"#
    );
    assert_eq!(parse(PING), Ok(Frame::Ping));
    assert_eq!(PING_REPLY, "Pong");
}

#[test]
fn the_documented_toy_list_is_read() {
    let text = r#"{"type":"toy-list","toyList":[{"id":"f082c00246fa","name":"Max 2","type":"max",
        "hVersion":"2","fVersion":300,"nickname":"Alpha","battery":100,"connected":true},
        {"id":"aabbccddeeff","name":"Edge 2","connected":false}]}"#;
    let Ok(Frame::ToyList(list)) = parse(text) else {
        panic!()
    };
    assert_eq!(list.toys.len(), 2);
    assert_eq!(list.toys[0].name, "Max 2");
    assert_eq!(list.toys[0].battery, Some(100));
    assert_eq!(list.toys[0].firmware_number(), Some(300));
    assert!(list.toys[0].connected && !list.toys[1].connected);
    assert!(list.toys[0].short_functions.is_empty());
}

#[test]
fn a_toy_list_is_found_wherever_it_stands() {
    let row = json!({ "id": "f082c00246fa", "connected": true });
    for value in [
        json!({ "type": "toy-list", "toyList": [row] }),
        json!({ "type": "toy-list", "data": { "toyList": [row] } }),
        json!({ "type": "toy-list", "data": [row] }),
        json!({ "type": "toy-list", "toys": { "f082c00246fa": row } }),
        json!({ "type": "toy-list", "data": { "toys": { "f082c00246fa": row } } }),
    ] {
        let Ok(Frame::ToyList(list)) = parse(&value.to_string()) else {
            panic!("{value}")
        };
        assert_eq!(list.toys.len(), 1, "{value}");
    }
    assert!(parse(r#"{"type":"toy-list"}"#).is_err());
    assert!(parse(r#"{"type":"toy-list","toyList":7}"#).is_err());
}

#[test]
fn a_status_is_read() {
    for (value, expected) in [
        (json!(true), true),
        (json!(0), false),
        (json!("false"), false),
    ] {
        let text = frame("toy-status", json!({ "connected": value }));
        let Ok(Frame::Status { connected, .. }) = parse(&text) else {
            panic!("{text}")
        };
        assert_eq!(connected, expected, "{text}");
    }
    let bad = parse(&frame("toy-status", json!({}))).unwrap_err();
    assert_eq!(
        bad.to_string(),
        "toy-status: connected is missing or unusable"
    );
}

#[test]
fn gestures_are_read() {
    let button = |kind| gesture(&frame(kind, json!({ "index": 0 })));
    assert_eq!(button("button-down"), Gesture::ButtonDown(0));
    assert_eq!(button("button-up"), Gesture::ButtonUp(0));
    assert_eq!(button("button-pressed"), Gesture::ButtonPressed(0));
    let second = gesture(&frame("button-pressed", json!({ "index": "1" })));
    assert_eq!(second, Gesture::ButtonPressed(1));
    let at_root = r#"{"type":"button-up","toyId":"F0:82:C0:02:46:FA","index":2}"#;
    assert_eq!(gesture(at_root), Gesture::ButtonUp(2));
    assert_eq!(
        gesture(r#"{"type":"shake","toyId":"f082c00246fa"}"#),
        Gesture::Shake
    );
    assert!(parse(&frame("button-up", json!({ "index": 300 }))).is_err());
    assert_eq!(parse(r#"{"type":"shake"}"#), Err(Malformed::NoToy("shake")));
}

#[test]
fn readings_are_read() {
    let value = |kind, value: Value| reading(&frame(kind, json!({ "value": value })));
    assert_eq!(value("battery-changed", json!(84)), Reading::Battery(84));
    assert_eq!(value("battery-changed", json!("84")), Reading::Battery(84));
    assert_eq!(
        value("depth-changed", json!(12)),
        Reading::InsertionDepth(12.0)
    );
    assert_eq!(
        value("shake-frequency-changed", json!(3)),
        Reading::ShakeFrequency(3.0)
    );
    for data in [
        json!({ "battery": 67 }),
        json!({ "batteryLevel": "67" }),
        json!({ "value": { "level": 67 } }),
        json!(67),
    ] {
        assert_eq!(
            reading(&frame("battery-changed", data)),
            Reading::Battery(67)
        );
    }
    assert!(parse(&frame("battery-changed", json!({ "value": 300 }))).is_err());
}

#[test]
fn a_strength_is_read_with_whatever_is_missing() {
    let strength = |data: Value| match parse(&frame("function-strength-changed", data.clone())) {
        Ok(Frame::Strength { change, .. }) => (change.function, change.motor, change.value),
        other => panic!("{data}: {other:?}"),
    };
    let word = str::to_owned;
    for (data, expected) in [
        (
            json!({ "function": "vibration", "value": 20, "index": 0 }),
            (word("vibration"), Some(0), 20.0),
        ),
        (
            json!({ "function": "rotitaion", "value": "0" }),
            (word("rotitaion"), None, 0.0),
        ),
        (
            json!({ "function": 7, "value": "0%", "index": "x" }),
            (word(""), None, 0.0),
        ),
        (json!({ "value": 0, "index": -1 }), (word(""), None, 0.0)),
        (json!({ "value": false }), (word(""), None, 0.0)),
        (json!({ "value": 0.5 }), (word(""), None, 0.5)),
        (json!(0), (word(""), None, 0.0)),
    ] {
        assert_eq!(strength(data.clone()), expected, "{data}");
    }
    for bad in [json!({}), json!({ "value": "full" }), json!("x")] {
        assert!(parse(&frame("function-strength-changed", bad)).is_err());
    }
}

#[test]
fn of_a_movement_the_newest_position_counts() {
    let motion = |samples: Value| told(&frame("motion-changed", json!({ "motionData": samples })));
    let position = |p| ToyInput::Reading(Reading::MotionPosition(p));
    let speed = |s| ToyInput::Reading(Reading::MotionSpeed(s));
    assert_eq!(
        motion(json!([
            { "direction": 0, "speed": 10, "position": 30 },
            { "direction": 1, "speed": 40, "position": 60 },
            { "direction": 0, "speed": 55 },
        ])),
        [position(60.0), speed(-40.0)]
    );
    assert_eq!(motion(json!([{ "position": 120 }])), [position(100.0)]);
    assert_eq!(
        motion(json!([{ "direction": 1, "speed": 0, "position": 5 }])),
        [position(5.0), speed(0.0)]
    );
    assert_eq!(motion(json!([])), []);
    assert_eq!(motion(json!([{ "speed": 3 }, null])), []);
    assert!(parse(&frame("motion-changed", json!({}))).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_data_is_read_or_refused(
        kind in "toy-(list|status)|button-up|(battery|motion|depth|function-strength)-changed",
        data in any_json(),
    ) {
        let _ = parse(&json!({ "type": kind, "toyId": "a", "data": data }).to_string());
        let _ = parse(&json!({ "type": kind, "toyId": data, "motionData": data }).to_string());
    }
}
