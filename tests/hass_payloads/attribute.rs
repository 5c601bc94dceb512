//! What payloads on `<attribute>/set` topics mean.

use std::time::Duration;

use toy2mqtt::domain::{ErrorCode, SetCommand};
use toy2mqtt::hass::command::{Change, Parsed, attribute};

use crate::command::{ROTATE, VIBRATE, accepted, nora, percent, refused};

fn one(name: &str, payload: &str) -> Parsed {
    attribute(Some(&nora()), name, payload.as_bytes())
}

#[test]
fn attributes_take_bare_values() {
    let expect = |name, payload, expected: SetCommand| {
        let parsed = one(name, payload);
        assert_eq!(accepted(&parsed), &expected, "{name} {payload}");
    };
    let default = SetCommand::default;
    expect("vibrate", "40", SetCommand::output(VIBRATE, percent(40.0)));
    expect(
        "vibrate",
        " 0.5\n",
        SetCommand::output(VIBRATE, percent(0.5)),
    );
    expect(
        "rotate",
        "-100",
        SetCommand::output(ROTATE, percent(-100.0)),
    );
    let brightness = Some(percent(7.0));
    expect(
        "brightness",
        "7",
        SetCommand {
            brightness,
            ..default()
        },
    );
    for word in ["Wave", "\"Wave\"", "{\"level\": \"Wave\"}"] {
        let effect = Some("Wave".to_owned());
        expect(
            "effect",
            word,
            SetCommand {
                effect,
                ..default()
            },
        );
    }
    let power = Some(false);
    expect("state", "OFF", SetCommand { power, ..default() });
    expect("state", "\"off\"", SetCommand { power, ..default() });
}

#[test]
fn attributes_take_json_with_a_level() {
    let payload = r#"{"level": 30, "for": "2s", "repeat": 3, "pause": "500ms", "id": "a1"}"#;
    let parsed = one("vibrate", payload);
    assert_eq!(parsed.id.as_deref(), Some("a1"));
    let expected = SetCommand {
        hold: Some(Duration::from_secs(2)),
        repeat: Some(3),
        pause: Some(Duration::from_millis(500)),
        ..SetCommand::output(VIBRATE, percent(30.0))
    };
    assert_eq!(accepted(&parsed), &expected);
}

#[test]
fn the_limit_is_set_for_one_toy() {
    for payload in ["60", r#"{"level": 60, "id": "a1"}"#] {
        let change = one("limit", payload).change;
        assert_eq!(change, Ok(Change::Limit(percent(60.0))));
    }
    let message = refused(one("limit", r#"{"level": 60, "for": 5}"#)).message;
    assert_eq!(message, "for: unknown key");
    let several = refused(attribute(None, "limit", b"60")).message;
    assert_eq!(several, "limit: can only be set for one toy at a time");
}

#[test]
fn bad_attributes_are_refused() {
    for (name, payload, message) in [
        (
            "vibrate",
            "",
            "vibrate: must be a number of percent, or a JSON object",
        ),
        (
            "vibrate",
            "NaN",
            "vibrate: must be a number of percent, or a JSON object",
        ),
        (
            "vibrate",
            "inf",
            "vibrate: must be a number of percent, or a JSON object",
        ),
        (
            "vibrate",
            "ON",
            "vibrate: must be a number of percent, or a JSON object",
        ),
        (
            "vibrate",
            "\"40\"",
            "vibrate: must be a number of percent, not a text",
        ),
        (
            "vibrate",
            "[40]",
            "vibrate: must be a number of percent, not a list",
        ),
        ("vibrate", "101", "vibrate: must be 0 to 100, not 101"),
        ("vibrate", "-1", "vibrate: must be 0 to 100, not -1"),
        (
            "vibrate",
            "{\"level\": 101}",
            "level: must be 0 to 100, not 101",
        ),
        ("vibrate", "{}", "level: is missing"),
        (
            "vibrate",
            "{\"level\": 1, \"rotate\": 2}",
            "rotate: unknown key",
        ),
        (
            "vibrate",
            "{\"lvel\": 1}",
            "lvel: unknown key; did you mean \"level\"?",
        ),
        (
            "vibrate",
            "{\"level\": 1, \"repeat\": 2}",
            "repeat: needs \"for\"",
        ),
        ("vibrate", "{\"level\": 1", "payload: is not JSON"),
        ("effect", "", "effect: must be 1 to 64 characters"),
        ("effect", "{\"level\": 5}", "level: must be a text"),
        ("state", "TOGGLE", "state: must be \"ON\" or \"OFF\""),
        (
            "vibrat",
            "1",
            "vibrat: unknown attribute; did you mean \"vibrate\"?",
        ),
        ("vibrate_0", "1", "vibrate_0: unknown attribute"),
        ("limit", "101", "limit: must be 0 to 100, not 101"),
    ] {
        let rejection = refused(one(name, payload));
        assert_eq!(rejection.code, ErrorCode::Invalid, "{name} {payload}");
        let given = rejection.message;
        assert!(
            given.contains(message),
            "{name} {payload}\n  {given}\n  {message}"
        );
    }
    assert_eq!(refused(one("suction", "5")).code, ErrorCode::Unsupported);
}
