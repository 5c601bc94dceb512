//! `toy2mqtt dashboard`, of a running bridge.

use std::collections::BTreeSet;

use serde_json::Value;

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
        "button.toy2mqtt_stop_all",
        "switch.toy2mqtt_quiet",
        "button.alpha_stop",
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
    // The first thing on it is the stop, and it presses without a question.
    let stop = &sections[0]["cards"][1];
    assert_eq!(stop["entity"], "button.toy2mqtt_stop_all");
    assert_eq!(stop["tap_action"]["perform_action"], "button.press");
    assert!(stop["tap_action"]["confirmation"].is_null());
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
        "toggle",
    ];
    for kind in kinds {
        assert!(known.contains(&kind), "{kind}");
    }
}
