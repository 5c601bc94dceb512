//! What means off is obeyed, whatever else is wrong; what is wrong never starts a toy.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use toy2mqtt::domain::{Class, Level, OutputKey, OutputKind, SetCommand, ToyDescription};
use toy2mqtt::hass::command::{self, Change, MAX_PAYLOAD, attribute};

use crate::command::{ROTATE, VIBRATE, nora};
use crate::toys::shape;

fn all_off() -> SetCommand {
    SetCommand {
        power: Some(false),
        ..SetCommand::default()
    }
}

fn zero(keys: &[OutputKey]) -> SetCommand {
    SetCommand {
        levels: keys.iter().map(|key| (*key, Level::ZERO)).collect(),
        ..SetCommand::default()
    }
}

fn no_effect() -> SetCommand {
    SetCommand {
        effect: Some(SetCommand::NO_EFFECT.to_owned()),
        ..SetCommand::default()
    }
}

fn set(payload: impl AsRef<[u8]>) -> Option<Change> {
    command::set(Some(&nora()), payload.as_ref()).change.ok()
}

fn one(name: &str, payload: &str) -> Option<Change> {
    attribute(Some(&nora()), name, payload.as_bytes())
        .change
        .ok()
}

/// Nothing in it can make a toy do more than it does.
fn only_turns_off(change: &Change) -> bool {
    match change {
        Change::Set(command) => {
            let off = command.power == Some(false)
                || command.effect.as_deref() == Some(SetCommand::NO_EFFECT)
                || !command.levels.is_empty();
            off && command.power != Some(true)
                && command.brightness.is_none_or(Level::is_zero)
                && (command.effect.as_deref()).is_none_or(|name| name == SetCommand::NO_EFFECT)
                && command
                    .levels
                    .iter()
                    .all(|(key, level)| key.kind.class() == Class::Intensity && level.is_zero())
        }
        Change::Limit(limit) => limit.is_zero(),
        Change::Flash => false,
    }
}

#[test]
fn an_off_is_obeyed_whatever_else_the_payload_holds() {
    let long = format!(
        "{{\"state\": \"OFF\", \"id\": {:?}}}",
        "x".repeat(MAX_PAYLOAD)
    );
    let deep = format!(
        "{{\"state\": \"OFF\", \"a\": {}{}}}",
        "[".repeat(20),
        "]".repeat(20)
    );
    for payload in [
        "OFF",
        " off\r\n",
        "Off!",
        "OFF\0",
        "\u{feff}OFF",
        "\"OFF\"",
        "'off'",
        "OFF now, please",
        "false",
        "FALSE",
        "0",
        "0.0",
        "0 %",
        "stop",
        "STOP",
        "[\"OFF\"]",
        r#"{"state": "OFF"}"#,
        r#"{"state": " off "}"#,
        r#"{"State": "Off"}"#,
        r#"{"state": false}"#,
        r#"{"state": 0}"#,
        r#"{"state": "0"}"#,
        r#"{"state": ["OFF"]}"#,
        r#"{"state": "OFF", "color": {"r": 255}}"#,
        r#"{"state": "OFF", "effect": "Wave"}"#,
        r#"{"state": "OFF", "effect": 7}"#,
        r#"{"state": "OFF", "vibrate": 100, "rotate": "fast"}"#,
        r#"{"state": "OFF", "suction": 5}"#,
        r#"{"state": "OFF", "brightness": 255}"#,
        r#"{"state": "OFF", "flash": 2}"#,
        r#"{"state": "OFF", "transition": -1}"#,
        r#"{"state": "OFF", "for": "10s", "repeat": 3}"#,
        r#"{"state": "OFF", "repeat": 3}"#,
        r#"{"state": "OFF", "id": 5}"#,
        r#"{"state": "OFF", "state": "ON"}"#,
        r#"{"state": "ON", "state": "OFF"}"#,
        r#"{"state": "OFF"} trailing"#,
        r#"{"state": "OFF""#,
        r#"{"vibrate": NaN, "state": "OFF"}"#,
        r#"{'state': 'OFF'}"#,
        "{state: off}",
        &long,
        &deep,
        r#"{"brightness": 0}"#,
        r#"{"brightness": 0, "effect": "Wave"}"#,
        r#"{"state": "ON", "brightness": 0}"#,
        r#"{"brightness": "0", "junk": 1}"#,
        r#"{"brightness": 0, "vibrate": 50}"#,
        // A misspelt key, and nothing that asks for more.
        r#"{"vibrat": 0}"#,
        r#"{"limit": 0}"#,
    ] {
        assert_eq!(set(payload), Some(Change::Set(all_off())), "{payload}");
    }
    assert_eq!(set(b"OFF\xff\xfe"), Some(Change::Set(all_off())));
    assert_eq!(set("O\0F\0F\0"), Some(Change::Set(all_off())));
    let utf8 = b"{\"state\": \"OFF\", \"id\": \"\xff\"}";
    assert_eq!(set(utf8), Some(Change::Set(all_off())));
}

#[test]
fn an_off_keeps_the_time_it_is_to_take() {
    let Some(Change::Set(command)) = set(r#"{"state": "OFF", "transition": 1.5, "vibrate": 9}"#)
    else {
        panic!("it is refused");
    };
    assert_eq!(command.power, Some(false));
    assert_eq!(command.transition.map(|time| time.as_millis()), Some(1_500));
    assert!(command.levels.is_empty());
}

#[test]
fn the_zero_of_an_output_is_obeyed_whatever_else_the_payload_holds() {
    for (payload, expected) in [
        (r#"{"vibrate": 0, "junk": 1}"#, zero(&[VIBRATE])),
        (r#"{"vibrate": 0, "rotate": 500}"#, zero(&[VIBRATE])),
        (
            r#"{"vibrate": "0", "rotate": false}"#,
            zero(&[VIBRATE, ROTATE]),
        ),
        (r#"{"vibrate": "OFF"}"#, zero(&[VIBRATE])),
        (r#"{"vibrate": 0, "rotate": 40"#, zero(&[VIBRATE])),
        (r#"{"vibrate": 0, "vibrate": 1}"#, zero(&[VIBRATE])),
        (r#"{"vibrate": 0, "effect": "Wave"}"#, zero(&[VIBRATE])),
        (r#"{"vibrate": 0, "pause": 1}"#, zero(&[VIBRATE])),
        (r#"{"effect": "OFF", "junk": 1}"#, no_effect()),
        (r#"{"effect": false}"#, no_effect()),
        (r#"{"effect": "stop"}"#, no_effect()),
    ] {
        assert_eq!(set(payload), Some(Change::Set(expected)), "{payload}");
    }
}

#[test]
fn a_zero_reaches_the_motors_that_another_way_to_the_toy_joins() {
    let edge = ToyDescription::clone(&shape("dual").description);
    let motors = [1, 2].map(|number| OutputKey::numbered(OutputKind::Vibrate, number));
    let change = command::set(Some(&edge), br#"{"vibrate": 0}"#).change;
    assert_eq!(change, Ok(Change::Set(zero(&motors))));
    let change = attribute(Some(&edge), "vibrate", b"0").change;
    assert_eq!(change, Ok(Change::Set(zero(&motors))));
    let change = attribute(Some(&nora()), "vibrate_2", b"OFF").change;
    assert_eq!(change, Ok(Change::Set(zero(&[VIBRATE]))));
}

#[test]
fn an_attribute_is_switched_off_whatever_else_the_payload_holds() {
    for payload in [
        "0",
        "0.0",
        "\"0\"",
        "OFF",
        "off\n",
        "false",
        "stop",
        "0 %",
        "OFF!",
        "0\0",
        "{\"level\": 0, \"junk\": 1}",
        "{\"level\": \"off\"}",
        "{\"level\": 0, \"repeat\": 2}",
        "{\"level\": 0",
        "{\"vibrate\": 0}",
        "{\"state\": \"OFF\"}",
        "{\"level\": 0, \"id\": 5}",
    ] {
        let change = one("vibrate", payload);
        assert!(
            change.as_ref().is_some_and(only_turns_off),
            "{payload}: {change:?}"
        );
        let Some(Change::Set(command)) = change else {
            panic!("{payload}")
        };
        assert_eq!(
            command.levels.keys().collect::<Vec<_>>(),
            [&VIBRATE],
            "{payload}"
        );
    }
    for (name, payload, expected) in [
        ("state", "false", all_off()),
        ("state", "0", all_off()),
        ("state", "\"off\"", all_off()),
        ("state", "{\"level\": \"OFF\", \"junk\": 1}", all_off()),
        ("state", "{\"state\": \"OFF\"}", all_off()),
        ("brightness", "OFF", all_off()),
        ("brightness", "0", all_off()),
        ("brightness", "{\"level\": 0, \"junk\": 1}", all_off()),
        ("effect", "off", no_effect()),
        ("effect", "0", no_effect()),
        ("effect", "{\"level\": false}", no_effect()),
        // The topic is misspelt, the toy is not.
        ("vibrat", "0", all_off()),
        ("power", "OFF", all_off()),
        // A place to go to has no off but the toy's.
        ("position", "OFF", all_off()),
        ("limit", "OFF", all_off()),
    ] {
        assert_eq!(
            one(name, payload),
            Some(Change::Set(expected)),
            "{name} {payload}"
        );
    }
    let limit = one("limit", "{\"level\": 0, \"for\": 5}");
    assert_eq!(limit, Some(Change::Limit(Level::ZERO)));
    let several = attribute(None, "limit", b"OFF").change;
    assert_eq!(several, Ok(Change::Set(all_off())));
}

#[test]
fn on_is_taken_alike_everywhere() {
    let on = Some(Change::Set(SetCommand {
        power: Some(true),
        ..SetCommand::default()
    }));
    for payload in [
        "ON",
        "on",
        "true",
        "1",
        "{\"level\": true}",
        "{\"level\": 1}",
    ] {
        assert_eq!(one("state", payload), on, "{payload}");
    }
    for payload in [
        "ON",
        "true",
        "{\"state\": true}",
        "{\"state\": 1}",
        "{\"state\": \"true\"}",
    ] {
        assert_eq!(set(payload), on, "{payload}");
    }
}

#[test]
fn what_only_looks_like_an_off_is_refused_as_ever() {
    for payload in [
        "",
        "offline",
        "OFFICE",
        "1",
        "null",
        "0,5",
        "-5",
        "TOGGLE",
        "{}",
        "[]",
        "{\"state\": null}",
        "{\"transition\": 0}",
        "{\"id\": \"off\"}",
        "{\"vibrate\": 30, \"junk\": 0}",
        "{\"position\": 0, \"junk\": 1}",
        "{\"depth\": 0, \"junk\": 0}",
        "{\"suction\": 0}",
        "{\"effect\": \"Off beat\", \"junk\": 1}",
        "{\"vibrate\": 0.5, \"junk\": 1}",
    ] {
        assert_eq!(set(payload), None, "{payload}");
    }
    for (name, payload) in [
        ("vibrate", "0,5"),
        ("vibrate", "{\"level\": 5, \"junk\": 0}"),
        ("vibrat", "5"),
        ("suction", "0"),
        ("position", "{\"level\": 0, \"junk\": 1}"),
        ("limit", "off-peak is 50"),
    ] {
        let change = one(name, payload);
        assert!(
            change.as_ref().is_none_or(only_turns_off),
            "{name} {payload}: {change:?}"
        );
    }
}

#[test]
fn a_flash_only_flashes() {
    for payload in [
        r#"{"state": "ON", "flash": 2}"#,
        r#"{"state": "ON", "flash": "short"}"#,
        r#"{"state": "ON", "flash": 10, "brightness": 100}"#,
        r#"{"state": "ON", "flash": 10, "effect": "Wave", "vibrate": 100}"#,
        r#"{"state": "ON", "flash": 10, "color": {"r": 255}, "transition": -1}"#,
        r#"{"flash": true}"#,
    ] {
        assert_eq!(set(payload), Some(Change::Flash), "{payload}");
        let all = command::set(None, payload.as_bytes()).change;
        assert_eq!(all, Ok(Change::Flash), "{payload}");
    }
    // None that is asked for.
    assert_eq!(set(r#"{"flash": false, "vibrate": 100}"#), None);
    // Colours move nothing.
    assert_eq!(set(r#"{"state": "ON", "color": {"r": 255}}"#), None);
}

/// JSON of any kind.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (-200i32..300).prop_map(Value::from),
        "(ON|off|Wave|Off|2s|\\PC{0,10})".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{0,5}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    let key = prop_oneof![
        "(vibrate|rotate|position|depth|spray|brightness|effect|transition|for|repeat|pause|id|flash|level)",
        "\\PC{0,12}",
    ];
    proptest::collection::btree_map(key, any_json(), 0..6).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn any_object_that_says_off_turns_off_and_does_no_more(
        mut object in any_object(),
        word in "[oO][fF][fF]",
        blank in "[ \\t\\n]{0,2}",
        junk in "\\PC{0,10}",
        cut: bool,
    ) {
        object.insert("state".to_owned(), format!("{blank}{word}{blank}").into());
        let mut text = Value::Object(object).to_string();
        if cut {
            text.pop();
        }
        text.push_str(&junk);
        for toy in [Some(&nora()), None] {
            let parsed = command::set(toy, text.as_bytes());
            let change = parsed.change.expect(&text);
            prop_assert!(only_turns_off(&change), "{}: {:?}", text, change);
            let Change::Set(command) = change else { unreachable!() };
            prop_assert_eq!(command.power, Some(false));
        }
    }

    #[test]
    fn any_attribute_that_is_told_off_turns_off_and_does_no_more(
        name in prop_oneof!["(vibrate|rotate|brightness|effect|state|limit)", "[a-z_]{1,12}"],
        word in "([oO][fF][fF]|false|stop)",
        junk in "[ !.,;]{0,3}",
    ) {
        let known = name.parse::<OutputKey>();
        prop_assume!(known.is_err() || known == Ok(VIBRATE) || known == Ok(ROTATE));
        // A pattern may be called "Off!".
        let junk = if name == "effect" { "" } else { &junk };
        let change = one(&name, &format!("{word}{junk}"));
        prop_assert!(change.as_ref().is_some_and(only_turns_off), "{name}: {change:?}");
    }

    #[test]
    fn what_is_made_out_of_a_broken_payload_never_starts_anything(
        payload in "[{}\\[\\]\"':,. a-z0-9]{0,60}",
    ) {
        prop_assume!(serde_json::from_str::<Value>(&payload).is_err());
        for change in [set(&payload), one("vibrate", &payload)].into_iter().flatten() {
            let on = matches!(&change, Change::Set(command) if command.power == Some(true));
            prop_assert!(only_turns_off(&change) || on, "{}: {:?}", payload, change);
        }
    }
}
