#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::options::Place;
use super::super::wire::{self, Message};
use super::*;
use crate::domain::{BackendId, Bound, Level};

fn options() -> Options {
    let place = Place::Dial {
        host: "x".to_owned(),
        port: 1,
        path: "/".to_owned(),
    };
    Options::new(BackendId::new("buttplug"), place)
}

fn toy(device: &Value) -> Toy {
    let frame = wire::parse(&json!([{"DeviceAdded": device}]).to_string()).unwrap();
    let Message::DeviceAdded(device) = frame.messages[0].clone() else {
        panic!("{frame:?}")
    };
    Toy::of(device, "Test Engine", &options())
}

/// A toy of version 4 with these features' outputs.
fn new_toy(outputs: &Value) -> Toy {
    let features = outputs.as_array().unwrap().iter().enumerate();
    let features: serde_json::Map<String, Value> = features
        .map(|(at, output)| {
            (
                at.to_string(),
                json!({"FeatureIndex": at, "Output": output}),
            )
        })
        .collect();
    toy(&json!({"DeviceIndex": 7, "DeviceName": "Maker Thing", "DeviceFeatures": features}))
}

/// A toy of version 3 with these messages.
fn old_toy(messages: &Value) -> Toy {
    toy(&json!({"DeviceIndex": 7, "DeviceName": "Maker Thing", "DeviceMessages": messages}))
}

/// What is sent, without ids.
fn sent(requests: &[Request]) -> Value {
    let values = requests.iter().map(|request| {
        let mut value = serde_json::to_value(request).unwrap();
        let body = value.as_object_mut().unwrap().values_mut().next().unwrap();
        body.as_object_mut().unwrap().remove("DeviceIndex");
        value
    });
    Value::Array(values.collect())
}

fn drive(toy: &Toy, settings: &[(&str, i32)]) -> Value {
    let settings = settings.iter().map(|(key, step)| Setting {
        key: key.parse().unwrap(),
        step: *step,
    });
    let settings: Vec<_> = settings.collect();
    let requests = toy.drive(
        &settings,
        tokio::time::Instant::now().into_std(),
        &mut Places::default(),
        false,
        &options(),
    );
    sent(&requests.unwrap())
}

fn keys(toy: &Toy) -> Vec<String> {
    let outputs = toy.description.outputs.iter();
    outputs
        .map(|it| {
            format!(
                "{}:{}{}",
                it.key,
                if it.signed { "±" } else { "" },
                it.steps
            )
        })
        .collect()
}

#[test]
fn a_toy_is_what_its_server_says_and_no_brand_is_guessed() {
    let toy = toy(&json!({
        "DeviceIndex": 3, "DeviceName": "Lovense Nora", "DeviceDisplayName": "Mine",
        "DeviceMessageTimingGap": 250,
        "DeviceFeatures": {
            "0": {"FeatureIndex": 0, "FeatureDescription": "Shaft", "Output": {"Vibrate": {"Value": [0, 20]}}},
            "1": {"FeatureIndex": 1, "Output": {"Rotate": {"Value": [-20, 20]}}},
            "2": {"FeatureIndex": 2, "Input": {"Battery": {"Value": [[0, 100]], "Command": ["Read"]},
                "Pressure": {"Value": [[0, 900]], "Command": ["Subscribe"]}}}
        }
    }));
    let about = &toy.description;
    assert_eq!(
        about.hardware.as_str(),
        "buttplug/Test Engine/3/Lovense Nora"
    );
    assert_eq!(about.default_name(), "Mine");
    assert_eq!(
        (about.model.as_str(), about.manufacturer.as_str()),
        ("Lovense Nora", "")
    );
    assert_eq!(keys(&toy), ["vibrate:20", "rotate:±20"]);
    assert_eq!(about.outputs[0].label.as_deref(), Some("Shaft"));
    assert!(
        about.inputs.contains(&InputKind::Pressure) && about.inputs.contains(&InputKind::Battery)
    );
    assert_eq!(toy.capabilities.pace, Duration::from_millis(250));
    assert_eq!(toy.capabilities.bound, Bound::Connection);
    assert!(toy.read(&toy.sensors[0]).is_some() && toy.subscribe(&toy.sensors[0]).is_none());
    assert!(toy.read(&toy.sensors[1]).is_none() && toy.subscribe(&toy.sensors[1]).is_some());
}

#[test]
fn identities_differ_where_toys_do() {
    let id = |server: &str, index, name: &str| hardware_id(server, index, name);
    let all = [
        id("a", 1, "x"),
        id("a", 2, "x"),
        id("b", 1, "x"),
        id("a", 1, "y"),
        id("a/1", 1, "x"),
    ];
    let different: BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    assert_ne!(id("a", 1, "1/x"), id("a/1", 1, "x"));
}

#[test]
fn every_kind_of_output_of_version_4_has_its_command() {
    for (kind, key) in [
        ("Vibrate", "vibrate"),
        ("Rotate", "rotate"),
        ("Oscillate", "oscillate"),
        ("Constrict", "constrict"),
        ("Spray", "spray"),
        ("Temperature", "temperature"),
        ("Led", "led"),
        ("Position", "position"),
    ] {
        let mut output = serde_json::Map::new();
        output.insert(kind.to_owned(), json!({"Value": [0, 10]}));
        let toy = new_toy(&json!([output]));
        assert_eq!(keys(&toy), [format!("{key}:10")]);
        let mut command = serde_json::Map::new();
        command.insert(kind.to_owned(), json!({"Value": 4}));
        let expected = json!([{"OutputCmd": {"FeatureIndex": 0, "Command": command}}]);
        assert_eq!(drive(&toy, &[(key, 4)]), expected);
    }
}

#[test]
fn an_operation_carries_the_whole_vector_and_off_is_zero_everywhere() {
    let vibrate = json!({"Vibrate": {"Value": [0, 20]}});
    let toy = new_toy(&json!([vibrate, vibrate, {"Rotate": {"Value": [-20, 20]}}]));
    let command = |feature: u32, kind: &str, value: i32| {
        let mut command = serde_json::Map::new();
        command.insert(kind.to_owned(), json!({"Value": value}));
        json!({"OutputCmd": {"FeatureIndex": feature, "Command": command}})
    };
    let all = drive(&toy, &[("vibrate_1", 3), ("vibrate_2", 0), ("rotate", -20)]);
    assert_eq!(
        all,
        json!([
            command(0, "Vibrate", 3),
            command(1, "Vibrate", 0),
            command(2, "Rotate", -20)
        ])
    );
    let off = json!([
        command(0, "Vibrate", 0),
        command(1, "Vibrate", 0),
        command(2, "Rotate", 0)
    ]);
    assert_eq!(sent(&toy.off(now(), &mut Places::default())), off);
    let stranger = Setting {
        key: "led".parse().unwrap(),
        step: 1,
    };
    let refused = toy.drive(
        &[stranger],
        tokio::time::Instant::now().into_std(),
        &mut Places::default(),
        false,
        &options(),
    );
    assert!(matches!(refused, Err(OpError::Unsupported(_))));
}

#[test]
fn version_3_takes_one_message_per_kind() {
    let toy = old_toy(&json!({
        "ScalarCmd": [
            {"ActuatorType": "Vibrate", "StepCount": 20},
            {"ActuatorType": "Rotate", "StepCount": 20},
            {"ActuatorType": "Inflate", "StepCount": 3},
            {"ActuatorType": "Position", "StepCount": 100},
        ],
        "RotateCmd": [{"ActuatorType": "Rotate", "StepCount": 20}],
        "LinearCmd": [{"ActuatorType": "Position", "StepCount": 100}],
        "StopDeviceCmd": {}
    }));
    assert_eq!(
        keys(&toy),
        ["vibrate:20", "constrict:3", "rotate:±20", "position:100"]
    );
    let all = drive(
        &toy,
        &[
            ("vibrate", 10),
            ("constrict", 3),
            ("rotate", -20),
            ("position", 50),
        ],
    );
    assert_eq!(
        all,
        json!([
            {"ScalarCmd": {"Scalars": [
                {"Index": 0, "Scalar": 0.475, "ActuatorType": "Vibrate"},
                {"Index": 2, "Scalar": 2.5 / 3.0, "ActuatorType": "Inflate"}]}},
            {"RotateCmd": {"Rotations": [{"Index": 0, "Speed": 0.975, "Clockwise": false}]}},
            {"LinearCmd": {"Vectors": [{"Index": 0, "Duration": 1000, "Position": 0.505}]}},
        ])
    );
    assert_eq!(
        sent(&toy.off(now(), &mut Places::default())),
        json!([
            {"ScalarCmd": {"Scalars": [
                {"Index": 0, "Scalar": 0.0, "ActuatorType": "Vibrate"},
                {"Index": 2, "Scalar": 0.0, "ActuatorType": "Inflate"}]}},
            {"RotateCmd": {"Rotations": [{"Index": 0, "Speed": 0.0, "Clockwise": true}]}},
        ])
    );
}

#[test]
fn a_machine_that_can_do_both_goes_to_a_place_without_being_stopped_first() {
    let toy = new_toy(&json!([{
        "HwPositionWithDuration": {"Value": [0, 100], "Duration": [100, 2000]},
        "Position": {"Value": [0, 100]},
        "Oscillate": {"Value": [0, 20]},
    }]));
    assert_eq!(keys(&toy), ["oscillate:20", "position:100"]);
    let settings = [("oscillate", 0), ("position", 30)].map(|(key, step)| Setting {
        key: key.parse().unwrap(),
        step,
    });
    let (mut places, start) = (Places::default(), tokio::time::Instant::now().into_std());
    let mut go = |seconds, may_run, settings: &[Setting]| {
        let now = start + Duration::from_secs(seconds);
        let requests = toy.drive(settings, now, &mut places, may_run, &options());
        sent(&requests.unwrap())
    };
    let moved = |value: i32, duration: u32| {
        json!({"OutputCmd": {"FeatureIndex": 0,
        "Command": {"HwPositionWithDuration": {"Value": value, "Duration": duration}}}})
    };
    let still = json!({"OutputCmd": {"FeatureIndex": 0, "Command": {"Oscillate": {"Value": 0}}}});
    // From nowhere known it may be the whole way; a short way takes less, but never too little.
    assert_eq!(go(0, false, &settings), json!([moved(30, 1000)]));
    assert_eq!(go(1, true, &settings), json!([still, moved(30, 100)]));
    let further = [Setting {
        step: 80,
        ..settings[1]
    }];
    assert_eq!(go(2, false, &further), json!([moved(80, 500)]));
    // It is still on its way up when it is told to go back a little.
    let back = [Setting {
        step: 70,
        ..settings[1]
    }];
    assert_eq!(go(2, false, &back), json!([moved(70, 400)]));
}

#[test]
fn a_stop_halts_a_movement_where_it_is() {
    let toy = new_toy(&json!([
        {"HwPositionWithDuration": {"Value": [0, 100], "Duration": [100, 60_000]}},
        {"Vibrate": {"Value": [0, 20]}},
    ]));
    let options = Options {
        travel: Duration::from_secs(10),
        ..options()
    };
    assert!(toy.capabilities.travel.is_some());
    let (mut places, start) = (Places::default(), now());
    let at = |seconds| start + Duration::from_secs(seconds);
    let goal = |step| {
        let key = OutputKey::only(OutputKind::Position);
        [Setting { key, step }]
    };
    let moved = |value: i32, duration: u32| {
        json!({"OutputCmd": {"FeatureIndex": 0,
        "Command": {"HwPositionWithDuration": {"Value": value, "Duration": duration}}}})
    };
    let off = json!({"OutputCmd": {"FeatureIndex": 1, "Command": {"Vibrate": {"Value": 0}}}});
    let go = |places: &mut Places, seconds, step| {
        let requests = toy.drive(&goal(step), at(seconds), places, false, &options);
        sent(&requests.unwrap())
    };
    // From an unknown place it cannot be parted, so it is quick enough to end by itself; and there is
    // no place to halt at.
    assert_eq!(go(&mut places, 0, 0), json!([moved(0, 5_000)]));
    assert_eq!(sent(&toy.off(at(1), &mut places)), json!([off]));
    // Told again on its way, it is there no later.
    assert_eq!(go(&mut places, 2, 0), json!([moved(0, 3_000)]));
    // 10 s go in parts of 5 s; the next part begins where the machine is by then.
    assert_eq!(go(&mut places, 10, 100), json!([moved(50, 5_000)]));
    assert_eq!(go(&mut places, 12, 100), json!([moved(70, 5_000)]));
    assert_eq!(
        sent(&toy.off(at(13), &mut places)),
        json!([moved(30, 100), off])
    );
    assert_eq!(
        sent(&toy.off(at(14), &mut places)),
        json!([off]),
        "it stands"
    );
}

#[test]
fn ranges_that_make_no_sense_are_no_outputs() {
    for range in [
        json!([0, 0]),
        json!([5, 20]),
        json!([0, -5]),
        json!([-5, 0]),
    ] {
        let toy = new_toy(&json!([{"Vibrate": {"Value": range}}]));
        assert!(toy.description.outputs.is_empty(), "{range}");
        assert_eq!(toy.off(now(), &mut Places::default()), []);
    }
}

proptest! {
    /// What the servers do with a share: `ceil` for levels, `floor` for timed positions.
    #[test]
    fn shares_arrive_as_the_step_that_was_meant(steps in 1u16..=1000, raw in 0u16..=1000) {
        let step = i32::from(raw.min(steps));
        let up = (share(steps, step) * f64::from(steps)).ceil();
        prop_assert_eq!(up as i32, step);
        let down = (place(steps, step) * f64::from(steps)).floor();
        prop_assert_eq!(down as i32, step);
    }

    #[test]
    fn no_command_leaves_the_range_and_none_above_zero_is_off(
        low in -3_000i32..=0, high in 1i32..=70_000, permille in -1000i32..=1000
    ) {
        let toy = new_toy(&json!([{"Vibrate": {"Value": [low, high]}}]));
        let output = &toy.description.outputs[0];
        let level = Level::from_permille(if output.signed { permille } else { permille.abs() });
        let step = level.to_step(output.steps);
        let all = drive(&toy, &[("vibrate", step)]);
        let value = all[0]["OutputCmd"]["Command"]["Vibrate"]["Value"].as_i64().unwrap();
        prop_assert!((i64::from(low)..=i64::from(high)).contains(&value));
        prop_assert_eq!(value.signum(), i64::from(step.signum()));
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
