//! The blueprints, held against the rules of Home Assistant's blueprint schema
//! (`homeassistant/components/blueprint/schemas.py`) and against what the bridge announces.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::program::answer;
use crate::yaml;

fn blueprints() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("blueprints/automation/toy2mqtt");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        all.push((name, yaml::parse(&std::fs::read_to_string(&path).unwrap())));
    }
    assert!(all.len() >= 5, "blueprints are gone");
    all
}

/// Every value in it, whatever it is in.
fn each(value: &Value, found: &mut impl FnMut(&Value)) {
    found(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| each(item, found)),
        Value::Object(map) => map.values().for_each(|item| each(item, found)),
        _ => {}
    }
}

fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

#[test]
fn they_have_the_form_of_automation_blueprints() {
    let selectors = [
        "action", "boolean", "duration", "entity", "number", "select", "text", "time", "trigger",
    ];
    for (file, blueprint) in blueprints() {
        let head = &blueprint["blueprint"];
        let keys: BTreeSet<&str> = head
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let known = [
            "author",
            "description",
            "domain",
            "homeassistant",
            "input",
            "name",
            "source_url",
        ];
        assert_eq!(keys, BTreeSet::from(known), "{file}");
        assert_eq!(head["domain"], "automation", "{file}");
        let source = head["source_url"].as_str().unwrap();
        assert!(
            source.ends_with(&format!("/blueprints/automation/toy2mqtt/{file}")),
            "{source}"
        );
        assert!(
            head["name"].as_str().unwrap().starts_with("toy2mqtt: "),
            "{file}"
        );
        for (name, input) in head["input"].as_object().unwrap() {
            assert!(input["name"].is_string(), "{file}: {name}");
            let selector = input["selector"].as_object().unwrap();
            let kind = selector.keys().next().unwrap();
            assert!(
                selector.len() == 1 && selectors.contains(&kind.as_str()),
                "{file}: {kind}"
            );
            for key in input.as_object().unwrap().keys() {
                let known = ["name", "description", "default", "selector"];
                assert!(known.contains(&key.as_str()), "{file}: {name}: {key}");
            }
        }
        let body = blueprint.as_object().unwrap();
        let known = [
            "actions",
            "blueprint",
            "conditions",
            "max",
            "mode",
            "triggers",
            "variables",
        ];
        for key in body.keys() {
            assert!(known.contains(&key.as_str()), "{file}: {key}");
        }
    }
}

#[test]
fn every_input_is_used_and_there_is_no_other() {
    for (file, blueprint) in blueprints() {
        let there: BTreeSet<String> = blueprint["blueprint"]["input"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        let mut used = BTreeSet::new();
        let mut body = blueprint.clone();
        body.as_object_mut().unwrap().remove("blueprint");
        each(&body, &mut |value| {
            if let Some(name) = value.get("!input") {
                used.insert(name.as_str().unwrap().to_owned());
            }
        });
        assert_eq!(used, there, "{file}");
    }
}

#[test]
fn triggers_and_actions_are_of_known_kinds() {
    for (file, blueprint) in blueprints() {
        let triggers = listed(&blueprint["triggers"]);
        assert!(!triggers.is_empty(), "{file}");
        for trigger in triggers {
            // Chosen by whoever fills it in.
            if !trigger["!input"].is_null() {
                continue;
            }
            let kind = trigger["trigger"].as_str().unwrap_or_default();
            let wanted: &[&str] = match kind {
                "conversation" => &["command"],
                "state" | "numeric_state" => &["entity_id"],
                "time" => &["at"],
                "mqtt" => &["topic"],
                other => panic!("{file}: trigger {other:?}"),
            };
            for key in wanted {
                assert!(!trigger[*key].is_null(), "{file}: {kind} without {key}");
            }
        }
        let modes = ["single", "restart", "queued"];
        assert!(
            modes.contains(&blueprint["mode"].as_str().unwrap()),
            "{file}"
        );
        let mut actions = Vec::new();
        each(&blueprint["actions"], &mut |value| {
            actions.extend(
                value
                    .get("action")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
        });
        let known = [
            "homeassistant.toggle",
            "input_boolean.turn_off",
            "mqtt.publish",
            "number.set_value",
            "select.select_option",
        ];
        for action in actions {
            assert!(known.contains(&action.as_str()), "{file}: {action}");
        }
    }
}

/// Entities that stand in them as defaults are those that the bridge has.
#[test]
fn entities_and_patterns_named_in_them_exist() {
    let discovery: Value = serde_json::from_str(&answer(&["schema", "discovery"])).unwrap();
    let mut known = BTreeSet::new();
    each(&discovery, &mut |value| {
        for key in ["default_entity_id", "effect_list", "event_types", "options"] {
            for text in value.get(key).map_or(Vec::new(), listed) {
                known.extend(text.as_str().map(str::to_owned));
            }
        }
    });
    let mut looked_at = 0;
    for (file, blueprint) in blueprints() {
        for (name, input) in blueprint["blueprint"]["input"].as_object().unwrap() {
            let entity = !input["selector"]["entity"].is_null();
            let word = ["pattern_name", "event_type"].contains(&name.as_str());
            if let (true, Some(default)) = (entity || word, input["default"].as_str()) {
                assert!(
                    known.contains(default),
                    "{file}: {name}: there is no {default}"
                );
                looked_at += 1;
            }
        }
    }
    assert!(looked_at >= 2, "{looked_at}");
}

/// Stops and quiet go over MQTT, under the base topic that is filled in: an entity may have another id
/// than one thinks, and Home Assistant carries on without a word if there is none.
#[test]
fn stops_name_no_entity() {
    let mut topics = BTreeSet::new();
    for (file, blueprint) in blueprints() {
        each(&blueprint["actions"], &mut |value| {
            if value["action"] != "mqtt.publish" {
                return;
            }
            let topic = value["data"]["topic"].as_str().unwrap().to_owned();
            if topic.starts_with("{{ base_topic }}") {
                let input = &blueprint["blueprint"]["input"]["base_topic"];
                assert_eq!(input["default"], "toy2mqtt", "{file}");
                let variable = &blueprint["variables"]["base_topic"]["!input"];
                assert_eq!(variable, "base_topic", "{file}");
                topics.insert((file.clone(), topic));
            }
        });
        for input in blueprint["blueprint"]["input"]
            .as_object()
            .unwrap()
            .values()
        {
            let default = input["default"].as_str().unwrap_or_default();
            let is_entity = !input["selector"]["entity"].is_null();
            assert!(!is_entity || default.is_empty(), "{file}: {default}");
        }
    }
    let (all, quiet) = (
        "{{ base_topic }}/bridge/stop",
        "{{ base_topic }}/bridge/quiet/set",
    );
    let one = "{{ base_topic }}/{{ toy or 'bridge' }}/stop";
    let expected = [
        ("film_gate", one),
        ("panic_button", all),
        ("panic_button", quiet),
        ("quiet_when_home", quiet),
        ("session_timer", one),
        ("stop_all_on_sensor", all),
        ("stop_all_on_sensor", quiet),
        ("voice_stop", all),
        ("voice_stop", quiet),
    ];
    let expected = expected.map(|(file, topic)| (format!("{file}.yaml"), topic.to_owned()));
    assert_eq!(topics, BTreeSet::from(expected));
}

/// Nothing in them starts a toy because Home Assistant starts, or an entity comes back.
#[test]
fn nothing_starts_by_coming_back() {
    for (file, blueprint) in blueprints() {
        let stops_only = [
            "panic_button.yaml",
            "quiet_when_home.yaml",
            "stop_all_on_sensor.yaml",
            "voice_stop.yaml",
        ];
        for trigger in listed(&blueprint["triggers"]) {
            if ["numeric_state", "time"]
                .iter()
                .any(|kind| trigger["trigger"] == *kind)
            {
                continue;
            }
            let from = !trigger["from"].is_null() || !trigger["not_from"].is_null();
            assert!(
                from || stops_only.contains(&file.as_str()),
                "{file}: {trigger}"
            );
        }
    }
}
