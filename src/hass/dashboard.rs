//! A dashboard (Lovelace) for the toys that are there, made from what Home Assistant was told of them.
//!
//! It uses only cards that every Home Assistant has since 2024.11, and the entity ids that discovery
//! proposed first. Home Assistant tells nobody which ids it made, and a card with another's id would act
//! on another toy: stops and quiet therefore publish to a topic, and name no entity.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::discovery::{differ_from_proposed, entity_ids};

/// The dashboard for these discovery payloads: that of the bridge, and those of toys in the order in
/// which they are to be shown.
///
/// On top stand *Stop all* and quiet. Each toy has a section of its own: Stop, a slider per output,
/// the patterns, what its sensors say, and its limit.
#[must_use]
pub fn dashboard(bridge: &Value, toys: &[Value]) -> Value {
    let title = &bridge["device"]["name"];
    let mut sections = vec![section(bridge, of_bridge(bridge))];
    sections.extend(toys.iter().map(|toy| section(toy, of_toy(toy))));
    json!({
        "title": title,
        "views": [{
            "title": title,
            "path": "controls",
            "icon": "mdi:tune-vertical",
            "type": "sections",
            "max_columns": 4,
            "sections": sections,
        }],
    })
}

/// A device with its cards below its name. What its battery has is shown beside the name.
fn section(payload: &Value, mut cards: Vec<Value>) -> Value {
    let mut heading = json!({"type": "heading", "heading": payload["device"]["name"]});
    let battery = |entity: &&Value| entity["device_class"] == "battery";
    if let Some(battery) = entities(payload).find(battery) {
        heading["badges"] = json!([{"type": "entity", "entity": id(battery)}]);
    }
    cards.insert(0, heading);
    json!({"type": "grid", "cards": cards})
}

fn of_bridge(payload: &Value) -> Vec<Value> {
    let component = |key: &str| payload["components"].get(key);
    let stop = component("stop_all").map(|entity| press(entity, 3));
    let quiet = component("quiet_on").map(|entity| wide(tile(entity)));
    let start = component("quiet_start").map(|entity| half(press(entity, 1)));
    let end = component("quiet_end").map(|entity| {
        let mut card = half(press(entity, 1));
        card["tap_action"]["confirmation"] = json!({"text": "Toys may be started again."});
        card
    });
    stop.into_iter()
        .chain(quiet)
        .chain(start)
        .chain(end)
        .collect()
}

/// What is not certain about the entity ids of a dashboard, for whoever pastes it. `others` are the ids
/// that other payloads at the broker propose.
#[must_use]
pub fn doubts(bridge: &Value, toys: &[Value], others: &BTreeSet<String>) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut taken = others.clone();
    for payload in std::iter::once(bridge).chain(toys) {
        let name = payload["device"]["name"].as_str().unwrap_or_default();
        let mut doubt = |reason: &str| {
            doubts.push(format!(
                "{name}: {reason}; its cards may be dead or show another device, Stop works"
            ));
        };
        let ids = entity_ids(payload);
        if differ_from_proposed(payload) {
            doubt("Home Assistant met it before privacy.discreet was switched on");
        } else if !taken.is_disjoint(&ids) {
            doubt(
                "another device has the same entity ids, so Home Assistant has put _2 behind them",
            );
        }
        taken.extend(ids);
    }
    doubts
}

fn of_toy(payload: &Value) -> Vec<Value> {
    let is = |platform: &'static str| {
        move |entity: &&Value| {
            entity["platform"] == platform && entity.get("entity_category").is_none()
        }
    };
    let of = |platform| entities(payload).filter(is(platform));
    let component = |key: &str| payload["components"].get(key);
    let mut cards: Vec<Value> = Vec::new();
    cards.extend(component("stop").map(|entity| press(entity, 1)));
    cards.extend(of("number").map(slider));
    cards.extend(of("select").map(|entity| {
        let mut card = wide(tile(entity));
        card["features"] = json!([{"type": "select-options"}]);
        card
    }));
    cards.extend(of("sensor").map(tile));
    cards.extend(of("event").map(tile));
    cards.extend(component("limit").map(slider));
    cards
}

/// The components that are entities; triggers are none.
fn entities(payload: &Value) -> impl Iterator<Item = &Value> {
    let components = payload["components"].as_object().into_iter();
    let components = components.flat_map(Map::values);
    components.filter(|component| component.get("default_entity_id").is_some())
}

fn id(entity: &Value) -> &Value {
    &entity["default_entity_id"]
}

fn tile(entity: &Value) -> Value {
    json!({"type": "tile", "entity": id(entity), "name": entity["name"]})
}

fn wide(mut card: Value) -> Value {
    card["grid_options"] = json!({"columns": "full"});
    card
}

fn slider(entity: &Value) -> Value {
    let mut card = wide(tile(entity));
    card["features"] = json!([{"type": "numeric-input", "style": "slider"}]);
    card
}

/// Half of a section wide.
fn half(mut card: Value) -> Value {
    card["grid_options"]["columns"] = 6.into();
    card
}

/// A button as wide as its section, that does what the entity does without the entity. It asks
/// nothing: a stop never does.
fn press(entity: &Value, rows: u8) -> Value {
    let payload = entity["payload_press"].as_str().unwrap_or("PRESS");
    json!({
        "type": "button",
        "name": entity["name"],
        "icon": entity["icon"],
        "show_state": false,
        "tap_action": {
            "action": "perform-action",
            "perform_action": "mqtt.publish",
            "data": {"topic": entity["command_topic"], "payload": payload},
        },
        "grid_options": {"columns": "full", "rows": rows},
    })
}

/// A value as YAML: what tables and lists of it hold, below one another. Texts are in double quotes,
/// where JSON and YAML mean the same.
#[must_use]
pub fn yaml(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

/// The lines of a value, each with so much before it and an end of the line behind it.
fn write(value: &Value, indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                text.push_str(&format!("{margin}{key}:"));
                entry(value, indent + 2, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let start = text.len();
                write(item, indent + 2, text);
                // The dash takes the place of the first line's margin.
                text.replace_range(start..start + indent + 2, &format!("{margin}- "));
            }
        }
        scalar => text.push_str(&format!("{margin}{scalar}\n")),
    }
}

/// What stands behind a key.
fn entry(value: &Value, indent: usize, text: &mut String) {
    let is_block = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        text.push('\n');
        write(value, indent, text);
    } else {
        text.push_str(&format!(" {value}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_so_that_people_can_read_it() {
        let value = json!({
            "title": "a: \"b\" # c\nd",
            "none": null,
            "empty": [],
            "views": [{"cards": [{"a": 1, "b": true}, {"c": "x"}], "d": {}}, "text", [1, [2]]],
        });
        let text = "\
title: \"a: \\\"b\\\" # c\\nd\"
none: null
empty: []
views:
  - cards:
      - a: 1
        b: true
      - c: \"x\"
    d: {}
  - \"text\"
  - - 1
    - - 2
";
        assert_eq!(yaml(&value), text);
    }
}
