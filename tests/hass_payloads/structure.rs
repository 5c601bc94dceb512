//! What holds for the payloads of any toy and any bridge, so that Home Assistant has nothing to
//! complain about.

use std::collections::BTreeSet;
use std::time::SystemTime;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Map, Value, json};
use toy2mqtt::hass::Privacy;
use toy2mqtt::hass::discovery::{self, Context, components};
use toy2mqtt::hass::state;

use crate::toys::{TELLING, any_bridge, any_toy, context, topics};

/// Other keys at the root make Home Assistant drop the whole payload.
const ROOT: [&str; 5] = [
    "device",
    "origin",
    "availability",
    "availability_mode",
    "components",
];
/// The same in `device`.
const DEVICE: [&str; 7] = [
    "identifiers",
    "name",
    "manufacturer",
    "model",
    "sw_version",
    "via_device",
    "configuration_url",
];
/// The same in `origin`.
const ORIGIN: [&str; 3] = ["name", "sw_version", "support_url"];

/// What every entity may have.
const COMMON: [&str; 10] = [
    "platform",
    "qos",
    "unique_id",
    "default_entity_id",
    "name",
    "icon",
    "entity_category",
    "availability",
    "json_attributes_topic",
    "json_attributes_template",
];

/// What an entity of a platform may have beside that; of a key that is not known to it, Home
/// Assistant would take no notice.
fn own_keys(platform: &str) -> &'static [&'static str] {
    match platform {
        "light" => &[
            "schema",
            "command_topic",
            "state_topic",
            "supported_color_modes",
            "brightness_scale",
            "effect",
            "effect_list",
            "transition",
            "flash",
            "flash_time_short",
            "flash_time_long",
        ],
        "number" => &[
            "command_topic",
            "state_topic",
            "value_template",
            "min",
            "max",
            "step",
            "mode",
            "unit_of_measurement",
        ],
        "select" => &[
            "command_topic",
            "command_template",
            "state_topic",
            "value_template",
            "options",
        ],
        "button" => &["command_topic", "payload_press", "device_class"],
        "sensor" => &[
            "state_topic",
            "value_template",
            "device_class",
            "state_class",
            "unit_of_measurement",
        ],
        "binary_sensor" => &[
            "state_topic",
            "value_template",
            "payload_on",
            "payload_off",
            "device_class",
        ],
        "event" => &[
            "state_topic",
            "value_template",
            "event_types",
            "device_class",
        ],
        "switch" => &["command_topic", "state_topic"],
        "device_automation" => &[
            "automation_type",
            "type",
            "subtype",
            "topic",
            "payload",
            "value_template",
        ],
        other => panic!("unknown platform {other}"),
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

fn keys_are_among(value: &Value, allowed: &[&str]) -> TestCaseResult {
    for key in object(value).keys() {
        prop_assert!(allowed.contains(&key.as_str()), "{key} is not allowed");
    }
    Ok(())
}

/// The keys that a template reads of the JSON of its topic.
fn keys_read(template: &str) -> Vec<&str> {
    let reads = template.split("value_json.get('").skip(1);
    reads.filter_map(|rest| rest.split('\'').next()).collect()
}

fn payload_is_well_formed(payload: &Value) -> TestCaseResult {
    keys_are_among(payload, &ROOT)?;
    keys_are_among(&payload["device"], &DEVICE)?;
    keys_are_among(&payload["origin"], &ORIGIN)?;
    for key in ["name", "model"] {
        let text = payload["device"][key].as_str().unwrap_or_default();
        prop_assert!(!text.trim().is_empty(), "{key} is empty");
    }

    let (mut unique_ids, mut triggers) = (BTreeSet::new(), BTreeSet::new());
    let device = payload["device"]["identifiers"][0].as_str().expect("an id");
    for (key, component) in object(&payload["components"]) {
        let platform = component["platform"].as_str().expect("a platform");
        let allowed: Vec<_> = COMMON
            .into_iter()
            .chain(own_keys(platform).iter().copied())
            .collect();
        keys_are_among(component, &allowed)?;
        prop_assert_eq!(&component["qos"], 1);
        for (name, value) in object(component) {
            if name.ends_with("topic") {
                let topic = value.as_str().expect("a topic");
                prop_assert!(!topic.contains(['#', '+', '\0', ' ']), "{}", topic);
            }
        }
        if platform == "device_automation" {
            let trigger = (
                component["type"].to_string(),
                component["subtype"].to_string(),
            );
            prop_assert!(
                triggers.insert(trigger),
                "two triggers of one type and subtype"
            );
            continue;
        }
        entity_is_well_formed(device, key, platform, component)?;
        prop_assert!(unique_ids.insert(component["unique_id"].to_string()));
    }
    Ok(())
}

fn entity_is_well_formed(
    device: &str,
    key: &str,
    platform: &str,
    component: &Value,
) -> TestCaseResult {
    prop_assert_eq!(&component["unique_id"], &json!(format!("{device}_{key}")));
    let id = component["default_entity_id"]
        .as_str()
        .expect("an entity id");
    let (domain, object) = id.split_once('.').expect("a domain");
    prop_assert_eq!(domain, platform);
    let good = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_');
    prop_assert!(!object.is_empty() && object.bytes().all(good), "{}", id);
    prop_assert!(id.len() <= 255);
    match &component["name"] {
        Value::Null => prop_assert_eq!(platform, "light"),
        Value::String(name) => {
            prop_assert!(!name.trim().is_empty());
            prop_assert!(!name.chars().any(char::is_control));
        }
        other => prop_assert!(false, "name is {}", other),
    }
    for list in ["options", "effect_list", "event_types"] {
        let Some(options) = component.get(list) else {
            continue;
        };
        let options: Vec<_> = options.as_array().expect("a list").iter().collect();
        let lower: BTreeSet<_> = options
            .iter()
            .map(|o| o.as_str().expect("a text").to_ascii_lowercase())
            .collect();
        prop_assert_eq!(lower.len(), options.len(), "an option is given twice");
        prop_assert!(
            !lower.contains("none") && !lower.contains(""),
            "{:?}",
            options
        );
    }
    Ok(())
}

/// Everything that Home Assistant would check in a state.
fn state_fits(component: &Value, state: &Value) -> TestCaseResult {
    let template = component["value_template"].as_str().unwrap_or_default();
    for key in keys_read(template) {
        prop_assert!(state.get(key).is_some(), "{} is not in the state", key);
        let value = &state[key];
        prop_assert!(
            value
                .as_str()
                .is_none_or(|text| text.chars().count() <= 255)
        );
        match component["platform"].as_str().expect("a platform") {
            "number" if !value.is_null() => {
                let number = value.as_f64().expect("a number");
                let bound = |key: &str| component[key].as_f64().expect("a bound");
                prop_assert!(
                    (bound("min")..=bound("max")).contains(&number),
                    "{}",
                    number
                );
            }
            "select" if !value.is_null() => {
                let options = component["options"].as_array().expect("options");
                prop_assert!(options.contains(value), "{} is no option", value);
            }
            "sensor" if component.get("state_class").is_some() => {
                let toys = key == "toys";
                prop_assert!(value.is_null() || value.is_number() || toys, "{}", value);
            }
            _ => {}
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_toys_payload_is_well_formed(view in any_toy(), light: bool, discreet: bool) {
        let topics = topics();
        let privacy = Privacy::from(discreet);
        let context = Context { light, privacy, ..context(&topics) };
        let published = discovery::toy(&view, None, &context);
        payload_is_well_formed(&published.payload)?;

        // Nothing is lost because two components have one key.
        let platforms = components(&published.payload);
        let count = |platform: &str| platforms.values().filter(|p| *p == platform).count();
        prop_assert_eq!(count("number"), view.description.outputs.len() + 1);
        prop_assert!(count("light") <= usize::from(light));
    }

    #[test]
    fn any_toys_state_fits_its_entities(view in any_toy(), discreet: bool) {
        let topics = topics();
        let privacy = Privacy::from(discreet);
        let context = Context { privacy, ..context(&topics) };
        let payload = discovery::toy(&view, None, &context).payload;
        let state = state::toy(&view, privacy);
        for (key, component) in object(&payload["components"]) {
            if component["state_topic"] == topics.toy_state(view.id) {
                state_fits(component, &state)?;
            }
            if key == "light" {
                let known = state["state"] == "ON" || state["state"] == "OFF";
                prop_assert!(known || state["state"].is_null());
                let brightness = state.get("brightness");
                prop_assert!(brightness.is_none_or(|level| level.as_u64() <= Some(100)));
                prop_assert!(brightness.is_none_or(Value::is_number));
                let effects = component["effect_list"].as_array().expect("a list");
                prop_assert!(state["effect"].is_null() || effects.contains(&state["effect"]));
            }
        }
    }

    #[test]
    fn any_bridges_payload_is_well_formed_and_its_info_fits(
        view in any_bridge(),
        discreet: bool,
        base in "[a-zA-Z0-9_-]{1,20}(/[a-zA-Z0-9_-]{1,20})?",
    ) {
        let topics = toy2mqtt::mqtt::topics::Topics::new(&base).expect("a good base");
        let privacy = Privacy::from(discreet);
        let context = Context { privacy, ..context(&topics) };
        let payload = discovery::bridge(&view, None, &context).payload;
        payload_is_well_formed(&payload)?;
        let about = state::About {
            version: "0.1.0",
            instance: "0badcafe",
        process: "5eedf00d",
            settings: &json!({"mqtt": {"password": "***"}}),
            now: SystemTime::UNIX_EPOCH,
        };
        let info = state::info(&view, &about, privacy);
        for component in object(&payload["components"]).values() {
            if component["state_topic"] == topics.bridge_info() {
                state_fits(component, &info)?;
            }
        }
    }

    #[test]
    fn nothing_discreet_tells_what_it_is(mut view in any_toy()) {
        // A name of the user's own may say anything.
        view.name = view.description.default_name().to_owned();
        let nickname = view.description.nickname.as_deref();
        let telling = if nickname.is_some_and(|name| !name.trim().is_empty()) {
            &TELLING[..]
        } else {
            // The last one is the nickname.
            &TELLING[..TELLING.len() - 1]
        };
        let topics = topics();
        let privacy = Privacy::Discreet;
        let context = Context { privacy, ..context(&topics) };
        let published = discovery::toy(&view, None, &context);
        for payload in [
            published.topic.clone(),
            published.text(),
            state::toy(&view, privacy).to_string(),
            state::details(&view, privacy).to_string(),
        ] {
            for word in telling {
                let word = word.to_lowercase();
                prop_assert!(!payload.to_lowercase().contains(&word), "{} in {}", word, payload);
            }
        }
    }
}

#[test]
fn the_keys_that_a_template_reads_are_found() {
    let template = "{{ value_json.get('a') if value_json.get('b', 1) == 1 else '' }}";
    assert_eq!(keys_read(template), ["a", "b"]);
}
