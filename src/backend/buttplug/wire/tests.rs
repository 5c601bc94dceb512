#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Recorded from an engine 5.0.5.
const GOLDEN: [&str; 2] = [
    include_str!("../../../../tests/fixtures/buttplug/golden-v3.json"),
    include_str!("../../../../tests/fixtures/buttplug/golden-v4.json"),
];

fn golden(text: &str) -> (Vec<Value>, Vec<Value>) {
    let value: Value = serde_json::from_str(text).unwrap();
    let part = |name: &str| value[name].as_array().unwrap().clone();
    (part("pairs"), part("events"))
}

fn one(message: &Value) -> Message {
    let frame = parse(&json!([message]).to_string()).unwrap();
    assert_eq!(frame.unknown, [""; 0]);
    assert_eq!(frame.messages.len(), 1);
    frame.messages[0].clone()
}

#[test]
fn everything_that_an_engine_says_is_understood() {
    let mut kinds = std::collections::BTreeMap::new();
    for text in GOLDEN {
        let (pairs, events) = golden(text);
        for pair in pairs.iter().filter(|pair| !pair["reply"].is_null()) {
            let message = one(&pair["reply"]);
            let asked = pair["request"].as_object().unwrap();
            let id = asked.values().next().unwrap()["Id"].as_u64().unwrap();
            assert_eq!(u64::from(message.id()), id, "{pair}");
        }
        let replies = pairs.iter().map(|pair| &pair["reply"]);
        let replies = replies.filter(|reply| !reply.is_null());
        for message in replies.chain(events.iter().map(|event| &event["event"])) {
            let kind = std::mem::discriminant(&one(message));
            *kinds.entry(format!("{kind:?}")).or_insert(0) += 1;
        }
    }
    // ServerInfo, Ok, Error, DeviceList, DeviceAdded, DeviceRemoved, Reading.
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

#[test]
fn both_versions_tell_the_same_of_a_toy() {
    let device = |text: &str, index: u32| {
        let (pairs, _) = golden(text);
        let Message::DeviceList { devices, .. } = one(&pairs[1]["reply"]) else {
            panic!("the second answer is a list")
        };
        assert_eq!(devices.len(), 4);
        devices.into_iter().find(|it| it.index == index).unwrap()
    };
    let about = |device: &Device| {
        let actuators = device.actuators.iter();
        let can: Vec<_> = actuators.map(|it| (it.kind, it.range)).collect();
        let sensors: Vec<_> = device.sensors.iter().map(|it| it.kind).collect();
        (device.name.clone(), device.gap, can, sensors)
    };
    for index in 0..4 {
        let [old, new] = GOLDEN.map(|text| about(&device(text, index)));
        assert_eq!(old, new);
    }
    // The rotation of version 3 stands in two lists and is one output.
    let nora = device(GOLDEN[0], 2);
    let places: Vec<_> = nora.actuators.iter().map(|it| it.at).collect();
    assert_eq!(places, [ActuatorAt::Scalar(0), ActuatorAt::Rotate(0)]);
    let max = device(GOLDEN[1], 3);
    assert_eq!(max.actuators[1].label.as_deref(), Some("Air Pump"));
}

#[test]
fn requests_are_written_as_engines_took_them() {
    let device_index = 0;
    let v3: [(u32, Request); 6] = [
        (1, Request::hello("test v3", Dialect::V3)),
        (2, Request::RequestDeviceList {}),
        (3, Request::StartScanning {}),
        (
            7,
            Request::ScalarCmd {
                device_index,
                scalars: vec![Scalar {
                    index: 0,
                    scalar: 0.5,
                    actuator_type: OutputType::Vibrate,
                }],
            },
        ),
        (
            17,
            Request::RotateCmd {
                device_index: 2,
                rotations: vec![Rotation {
                    index: 0,
                    speed: 0.5,
                    clockwise: false,
                }],
            },
        ),
        (
            21,
            Request::SensorReadCmd {
                device_index,
                sensor_index: 0,
                sensor_type: InputType::Battery,
            },
        ),
    ];
    let v4: [(u32, Request); 4] = [
        (1, Request::hello("test v4", Dialect::V4)),
        (5, Request::StopScanning {}),
        (
            12,
            Request::OutputCmd {
                device_index: 2,
                feature_index: 1,
                command: OutputCommand {
                    kind: OutputType::Rotate,
                    value: -12,
                    duration: None,
                },
            },
        ),
        (
            17,
            Request::InputCmd {
                device_index,
                feature_index: 1,
                r#type: InputType::Battery,
                command: "Read",
            },
        ),
    ];
    for (text, requests) in [(GOLDEN[0], &v3[..]), (GOLDEN[1], &v4[..])] {
        let (pairs, _) = golden(text);
        for (id, request) in requests {
            let of = |pair: &&Value| {
                pair["request"]
                    .to_string()
                    .contains(&format!("\"Id\":{id},"))
                    || pair["request"]
                        .to_string()
                        .contains(&format!("\"Id\":{id}}}"))
            };
            let recorded = pairs.iter().find(of).unwrap();
            let written: Value = serde_json::from_str(&request.encode(*id)).unwrap();
            assert_eq!(written, json!([recorded["request"]]));
        }
    }
    let timed = Request::OutputCmd {
        device_index,
        feature_index: 3,
        command: OutputCommand {
            kind: OutputType::HwPositionWithDuration,
            value: 85,
            duration: Some(150),
        },
    };
    let expected = json!([{"OutputCmd": {"Id": 9, "DeviceIndex": 0, "FeatureIndex": 3,
        "Command": {"HwPositionWithDuration": {"Value": 85, "Duration": 150}}}}]);
    let written: Value = serde_json::from_str(&timed.encode(9)).unwrap();
    assert_eq!(written, expected);
}

#[test]
fn what_is_not_understood_takes_nothing_else_along() {
    let text = json!([
        {"Novelty": {"Id": 0}},
        {"DeviceRemoved": {"Id": 0}},
        {"DeviceList": {"Id": 0, "Devices": {
            "1": {"DeviceName": "has no index"},
            "2": {"DeviceIndex": 2, "DeviceName": "X", "DeviceFeatures": {
                "0": {"FeatureIndex": 0, "Output": {
                    "Teleport": {"Value": [0, 1]}, "Vibrate": {"Value": [0, 9]}, "Led": {}}},
                "1": {"FeatureIndex": 1, "Input": {
                    "Depth": {"Value": [[0, 1]], "Command": ["Read"]},
                    "Button": {"Value": [[0, 1]], "Command": ["Subscribe", "Read"]}}},
                "2": 7,
            }},
            "3": {"DeviceIndex": 3, "DeviceMessages": {"ScalarCmd": [
                {"StepCount": 5, "ActuatorType": "Unknown"},
                {"StepCount": 5, "ActuatorType": "Inflate", "FeatureDescriptor": "N/A"}],
                "SensorReadCmd": [{"SensorType": "RSSI"}]}},
        }}},
    ]);
    // Servers may put several lists into one frame.
    let frame = parse(&format!("{text}[{{\"Ok\":{{\"Id\":3}}}}]")).unwrap();
    assert_eq!(frame.unknown, ["Novelty", "DeviceRemoved"]);
    let [Message::DeviceList { devices, .. }, Message::Ok { id: 3 }] = &frame.messages[..] else {
        panic!("{frame:?}")
    };
    let [two, three] = &devices[..] else {
        panic!("{devices:?}")
    };
    let kinds: Vec<_> = two.actuators.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [OutputType::Vibrate]);
    assert_eq!(two.sensors.len(), 1);
    assert!(two.sensors[0].can_read && two.sensors[0].can_subscribe);
    // What is left out still has its place.
    assert_eq!(three.actuators[0].at, ActuatorAt::Scalar(1));
    assert_eq!(three.actuators[0].kind, OutputType::Inflate);
    assert_eq!(three.actuators[0].label, None);
    assert_eq!(three.sensors[0].kind, InputType::Rssi);
    assert_eq!(parse("{\"Ok\":{\"Id\":1}}"), Err(NotAFrame));
    assert_eq!(parse("not json"), Err(NotAFrame));
    assert_eq!(parse("[]"), Ok(Frame::default()));
}

/// JSON like what servers send, but with anything in it.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "ServerInfo",
        "Ok",
        "Error",
        "DeviceList",
        "DeviceAdded",
        "DeviceRemoved",
        "SensorReading",
        "InputReading",
        "Id",
        "Devices",
        "DeviceIndex",
        "DeviceFeatures",
        "DeviceMessages",
        "FeatureIndex",
        "Output",
        "Input",
        "Value",
        "Vibrate",
        "Rotate",
        "Position",
        "Battery",
        "ScalarCmd",
        "RotateCmd",
        "LinearCmd",
        "StepCount",
        "ActuatorType",
        "Reading",
        "Command",
        "DeviceName",
        "DeviceMessageTimingGap",
        "MaxPingTime",
        "Duration",
        "0",
        "1",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u32>().prop_map(Value::from),
        (-30i32..30).prop_map(Value::from),
        Just(Value::from(i32::MIN)),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(7, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..6).prop_map(|entries| {
                let entries = entries.into_iter();
                Value::Object(
                    entries
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_json_makes_it_panic(value in prop::collection::vec(any_json(), 0..4)) {
        let _ = parse(&json!(value).to_string());
    }

    #[test]
    fn a_recorded_frame_that_is_damaged_is_read_or_refused(
        which in 0usize..2, at in 0usize..60_000, byte: u8
    ) {
        let (pairs, _) = golden(GOLDEN[which]);
        let replies: Vec<_> = pairs.iter().map(|pair| &pair["reply"]).collect();
        let mut bytes = json!(replies).to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }
}
