//! `toy2mqtt dashboard`, of a running bridge.

use std::collections::BTreeSet;

use serde_json::Value;
use toy2mqtt::domain::{HardwareId, ToyId};

use super::sandbox::Sandbox;
use crate::yaml;

/// Every text that a key has, wherever it stands.
fn under<'a>(value: &'a Value, keys: &[&str], found: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| under(item, keys, found)),
        Value::Object(map) => {
            for (key, value) in map {
                if let (true, Some(text)) = (keys.contains(&key.as_str()), value.as_str()) {
                    found.push(text);
                }
                under(value, keys, found);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_dashboard_shows_what_is_there_and_nothing_else() {
    let mut sandbox = Sandbox::start().await;
    let output = sandbox.types("toy2mqtt dashboard").await;
    assert!(output.status.success(), "{output:?}");
    let dashboard = yaml::parse(&String::from_utf8(output.stdout).unwrap());
    let output = sandbox.types("toy2mqtt dashboard --json").await;
    let as_json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(dashboard, as_json);

    sandbox.home.catch_up().await;
    let mut announced = BTreeSet::new();
    let payloads: Vec<Value> = sandbox
        .home
        .received
        .iter()
        .filter(|seen| seen.topic.starts_with("homeassistant/device/"))
        .map(|seen| serde_json::from_slice(&seen.payload).unwrap())
        .collect();
    for payload in &payloads {
        let mut ids = Vec::new();
        under(payload, &["default_entity_id"], &mut ids);
        announced.extend(ids);
    }
    let mut shown = Vec::new();
    under(&dashboard, &["entity", "entity_id"], &mut shown);
    for entity in &shown {
        assert!(announced.contains(entity), "there is no {entity}");
    }
    for entity in [
        "binary_sensor.toy2mqtt_quiet",
        "number.alpha_vibrate",
        "select.alpha_pattern",
        "sensor.alpha_battery",
        "event.alpha_button",
        "event.alpha_gesture",
        "number.alpha_limit",
        "number.beta_vibrate_2",
    ] {
        assert!(shown.contains(&entity), "{entity} is not shown: {shown:?}");
    }

    let sections = dashboard["views"][0]["sections"].as_array().unwrap();
    let heading = |section: &Value| section["cards"][0]["heading"].clone();
    let headings: Vec<Value> = sections.iter().map(heading).collect();
    assert_eq!(headings, ["toy2mqtt", "Alpha", "Beta"]);
    // The first thing on it is the stop. It asks nothing, and names no entity that may be another's.
    for (section, topic) in [
        (0, "toy2mqtt/bridge/stop".to_owned()),
        (
            1,
            format!(
                "toy2mqtt/{}/stop",
                ToyId::of(&HardwareId::new("f082c00246fa"))
            ),
        ),
    ] {
        let stop = &sections[section]["cards"][1];
        assert_eq!(stop["tap_action"]["perform_action"], "mqtt.publish");
        assert_eq!(stop["tap_action"]["data"]["topic"], topic);
        assert!(stop["tap_action"]["confirmation"].is_null() && stop["entity"].is_null());
    }
    let quiet = sections[0]["cards"].as_array().unwrap().iter();
    let quiet: Vec<(&Value, bool)> = quiet
        .filter(|card| card["tap_action"]["data"]["topic"] == "toy2mqtt/bridge/quiet/set")
        .map(|card| &card["tap_action"])
        .map(|tap| (&tap["data"]["payload"], tap["confirmation"].is_null()))
        .collect();
    assert_eq!(
        quiet,
        [(&Value::from("ON"), true), (&Value::from("OFF"), false)]
    );
    // Only cards and features that Home Assistant has.
    let mut kinds = Vec::new();
    under(&dashboard, &["type"], &mut kinds);
    let known = [
        "button",
        "entity",
        "grid",
        "heading",
        "numeric-input",
        "sections",
        "select-options",
        "tile",
    ];
    for kind in kinds {
        assert!(known.contains(&kind), "{kind}");
    }
}
