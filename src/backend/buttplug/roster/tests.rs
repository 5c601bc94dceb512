use serde_json::json;

use super::super::options::Place;
use super::super::wire::{self, Message};
use super::*;
use crate::domain::{BackendId, Setting};

fn options() -> Options {
    let place = Place::Dial {
        host: "x".to_owned(),
        port: 1,
        path: "/".to_owned(),
    };
    Options::new(BackendId::new("buttplug"), place)
}

fn toy(index: u32, name: &str) -> Toy {
    let device = json!([{"DeviceAdded": {"DeviceIndex": index, "DeviceName": name,
    "DeviceFeatures": {
        "0": {"FeatureIndex": 0, "Output": {"Vibrate": {"Value": [0, 20]}}},
        "1": {"FeatureIndex": 1, "Input": {"Button": {"Value": [[0, 1]], "Command": ["Subscribe"]}}},
        "2": {"FeatureIndex": 2, "Input": {"Button": {"Value": [[0, 1]], "Command": ["Subscribe"]}}},
    }}}]);
    let frame = wire::parse(&device.to_string()).expect("a frame");
    let [Message::DeviceAdded(device)] = &frame.messages[..] else {
        panic!("{frame:?}")
    };
    Toy::of(device.clone(), "S", &options())
}

/// `+name` for a toy that came, `-name` for one that went.
fn told(reports: &[Report]) -> Vec<String> {
    // What is alike is for the tests of identities.
    let told = reports
        .iter()
        .filter(|report| !matches!(report, Report::Alike(_)));
    let told = told.map(|report| match report {
        Report::Up(description, _) => format!("+{}", description.hardware),
        Report::Down(hardware, _) => format!("-{hardware}"),
        other => format!("{other:?}"),
    });
    told.map(|text| text.replace("buttplug/S/", "")).collect()
}

#[test]
fn only_changes_are_told() {
    let mut roster = Roster::default();
    let reports = roster.listed(vec![toy(0, "a"), toy(1, "a")]);
    assert_eq!(told(&reports), ["+0/a", "+1/a"]);
    assert!(roster.listed(vec![toy(0, "a"), toy(1, "a")]).is_empty());
    assert!(roster.came(toy(1, "a")).is_empty());
    assert_eq!(
        told(&roster.listed(vec![toy(1, "a"), toy(2, "b")])),
        ["-0/a", "+2/b"]
    );
    assert_eq!(told(&roster.left(1, None)), ["-1/a"]);
    assert!(roster.left(1, None).is_empty());
    assert_eq!(told(&roster.lost("gone")), ["-2/b"]);
    assert_eq!(roster.toys().count(), 0);
}

#[test]
fn a_toy_that_a_command_did_not_find_is_told_anew() {
    let mut roster = Roster::default();
    roster.came(toy(0, "a"));
    let toy_a = HardwareId::new("buttplug/S/0/a");
    roster.forget(&toy_a, 1);
    assert!(roster.came(toy(0, "a")).is_empty(), "another index");
    roster.forget(&toy_a, 0);
    assert_eq!(told(&roster.listed(vec![toy(0, "a")])), ["+0/a"]);
}

#[test]
fn an_index_that_is_used_again_is_another_toy() {
    let mut roster = Roster::default();
    roster.came(toy(0, "a"));
    let old = HardwareId::new("buttplug/S/0/a");
    assert_eq!(told(&roster.came(toy(0, "b"))), ["-0/a", "+0/b"]);
    let key = crate::domain::OutputKey::only(crate::domain::OutputKind::Vibrate);
    let full = Command::Drive(vec![Setting { key, step: 20 }]);
    let order = roster.order(
        &old,
        &full,
        tokio::time::Instant::now().into_std(),
        &options(),
    );
    assert!(matches!(order, Err(OpError::Offline(_))), "{order:?}");
}

#[test]
fn a_button_is_pressed_when_it_comes_up_again() {
    let mut roster = Roster::default();
    roster.came(toy(4, "a"));
    let mut press = |at, value| {
        let reading = Reading {
            id: 0,
            device: 4,
            at,
            kind: InputType::Button,
            values: vec![value],
        };
        let reports = roster.told(&reading).into_iter();
        let gestures = reports.map(|report| match report {
            Report::Told(_, ToyInput::Gesture(gesture)) => gesture,
            other => panic!("{other:?}"),
        });
        gestures.collect::<Vec<_>>()
    };
    assert_eq!(press(1, 0.0), []);
    assert_eq!(press(2, 1.0), [Gesture::ButtonDown(1)]);
    assert_eq!(press(2, 1.0), []);
    assert_eq!(press(1, 1.0), [Gesture::ButtonDown(0)]);
    assert_eq!(
        press(2, 0.0),
        [Gesture::ButtonUp(1), Gesture::ButtonPressed(1)]
    );
}

#[test]
fn readings_out_of_range_are_brought_back() {
    let mut roster = Roster::default();
    roster.came(toy(4, "a"));
    let mut read = |kind, values: Vec<f64>| {
        let reading = Reading {
            id: 0,
            device: 4,
            at: 0,
            kind,
            values,
        };
        roster.told(&reading).pop().map(|report| match report {
            Report::Told(_, ToyInput::Reading(reading)) => reading,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(
        read(InputType::Battery, vec![300.0]),
        Some(Measured::Battery(100))
    );
    assert_eq!(
        read(InputType::Battery, vec![-1.0]),
        Some(Measured::Battery(0))
    );
    assert_eq!(
        read(InputType::Rssi, vec![-67.0]),
        Some(Measured::Rssi(-67))
    );
    assert_eq!(read(InputType::Pressure, vec![]), None);
}
