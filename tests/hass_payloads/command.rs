//! What payloads on `set` topics mean, and why some mean nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use toy2mqtt::domain::{
    ErrorCode, Level, OutputKey, OutputKind, Rejection, SetCommand, ToyDescription,
};
use toy2mqtt::hass::command::{self, Change, MAX_PAYLOAD, Parsed};

use crate::toys::shape;

pub(crate) const VIBRATE: OutputKey = OutputKey::only(OutputKind::Vibrate);
pub(crate) const ROTATE: OutputKey = OutputKey::only(OutputKind::Rotate);

pub(crate) fn percent(percent: f64) -> Level {
    Level::from_percent(percent).expect("a level")
}

/// A toy with `vibrate` and a signed `rotate`.
pub(crate) fn nora() -> ToyDescription {
    ToyDescription::clone(&shape("rotate").description)
}

fn set(payload: &str) -> Parsed {
    command::set(Some(&nora()), payload.as_bytes())
}

pub(crate) fn accepted(parsed: &Parsed) -> &SetCommand {
    match &parsed.change {
        Ok(Change::Set(command)) => command,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn refused(parsed: Parsed) -> Rejection {
    let requested = parsed.requested;
    parsed.change.expect_err(&requested.to_string())
}

fn levels(entries: &[(OutputKey, f64)]) -> BTreeMap<OutputKey, Level> {
    entries
        .iter()
        .map(|(key, level)| (*key, percent(*level)))
        .collect()
}

#[test]
fn everything_at_once() {
    let payload = r#"{"vibrate": 40, "rotate": -12.5, "transition": 2, "for": "2s", "repeat": 3,
        "pause": 0.5, "id": "a1"}"#;
    let parsed = set(payload);
    assert_eq!(parsed.id.as_deref(), Some("a1"));
    assert_eq!(
        parsed.requested,
        serde_json::from_str::<Value>(payload).expect("JSON")
    );
    let expected = SetCommand {
        levels: levels(&[(VIBRATE, 40.0), (ROTATE, -12.5)]),
        transition: Some(Duration::from_secs(2)),
        hold: Some(Duration::from_secs(2)),
        repeat: Some(3),
        pause: Some(Duration::from_millis(500)),
        ..SetCommand::default()
    };
    assert_eq!(accepted(&parsed), &expected);
}

#[test]
fn what_home_assistants_light_sends() {
    let power = |on| SetCommand {
        power: Some(on),
        ..SetCommand::default()
    };
    for (payload, expected) in [
        (r#"{"state":"ON"}"#, power(true)),
        (r#"{"state":"OFF"}"#, power(false)),
        (
            r#"{"state":"ON","brightness":50}"#,
            SetCommand {
                brightness: Some(percent(50.0)),
                ..power(true)
            },
        ),
        (
            r#"{"state":"ON","effect":"Wave"}"#,
            SetCommand {
                effect: Some("Wave".to_owned()),
                ..power(true)
            },
        ),
        (
            r#"{"state":"OFF","transition":1.5}"#,
            SetCommand {
                transition: Some(Duration::from_millis(1500)),
                ..power(false)
            },
        ),
    ] {
        assert_eq!(accepted(&set(payload)), &expected, "{payload}");
    }
}

#[test]
fn plain_words_need_no_json() {
    for (word, on) in [("ON", true), (" off\n", false), ("On", true)] {
        let parsed = set(word);
        assert_eq!(accepted(&parsed).power, Some(on));
        assert_eq!(parsed.requested, word.trim());
    }
}

#[test]
fn off_is_off_in_any_case() {
    for word in ["off", "OFF", "Off"] {
        let parsed = set(&json!({"effect": word}).to_string());
        assert_eq!(
            accepted(&parsed).effect.as_deref(),
            Some(SetCommand::NO_EFFECT)
        );
    }
}

#[test]
fn bad_payloads_are_refused_with_the_key_and_the_rule() {
    let deep = format!("{{\"vibrate\": {}1{}}}", "[".repeat(20), "]".repeat(20));
    let long = format!("{{\"id\": {:?}}}", "x".repeat(65));
    for (payload, message) in [
        // Not JSON, or not an object.
        ("", "payload: is not JSON"),
        ("TOGGLE", "payload: is not JSON"),
        ("{\"vibrate\": NaN}", "payload: is not JSON"),
        ("{\"vibrate\": Infinity}", "payload: is not JSON"),
        ("{\"vibrate\": 1e999}", "payload: is not JSON"),
        ("{\"vibrate\": 1", "payload: is not JSON"),
        ("{'vibrate': 1}", "payload: is not JSON"),
        ("50", "payload: must be a JSON object, not a number"),
        ("[]", "payload: must be a JSON object, not a list"),
        (
            "{\"vibrate\": 1, \"vibrate\": 2}",
            "\"vibrate\" is given twice",
        ),
        (&deep, "nested more than 8 deep"),
        // Levels.
        (
            "{\"vibrate\": \"40\"}",
            "vibrate: must be a number of percent, not a text",
        ),
        (
            "{\"vibrate\": null}",
            "vibrate: must be a number of percent, not null",
        ),
        (
            "{\"vibrate\": true}",
            "vibrate: must be a number of percent, not true or false",
        ),
        (
            "{\"vibrate\": 100.1}",
            "vibrate: must be 0 to 100, not 100.1",
        ),
        ("{\"vibrate\": -1}", "vibrate: must be 0 to 100, not -1"),
        (
            "{\"rotate\": -101}",
            "rotate: must be -100 to 100, not -101",
        ),
        (
            "{\"brightness\": -1}",
            "brightness: must be 0 to 100, not -1",
        ),
        (
            "{\"brightness\": 255}",
            "brightness: must be 0 to 100, not 255",
        ),
        // Keys.
        (
            "{\"vibrat\": 1}",
            "vibrat: unknown key; did you mean \"vibrate\"?",
        ),
        (
            "{\"Transition\": 1, \"vibrate\": 1}",
            "did you mean \"transition\"?",
        ),
        ("{\"color\": {}}", "color: unknown key"),
        ("{\"level\": 5}", "level: unknown key"),
        // Words.
        (
            "{\"state\": \"TOGGLE\"}",
            "state: must be \"ON\" or \"OFF\"",
        ),
        ("{\"state\": 2}", "state: must be \"ON\" or \"OFF\""),
        ("{\"effect\": 3}", "effect: must be a text, not a number"),
        ("{\"effect\": \"\"}", "effect: must be 1 to 64 characters"),
        (
            "{\"effect\": \"a\\nb\"}",
            "effect: must be 1 to 64 characters",
        ),
        // Times.
        (
            "{\"state\": \"ON\", \"transition\": -1}",
            "transition: must be 0 to 1day, not -1",
        ),
        (
            "{\"state\": \"ON\", \"transition\": \"soon\"}",
            "transition: must be a number of seconds",
        ),
        (
            "{\"state\": \"ON\", \"transition\": \"5\"}",
            "transition: must be a number of seconds",
        ),
        (
            "{\"state\": \"ON\", \"transition\": []}",
            "transition: must be a number of seconds",
        ),
        (
            "{\"state\": \"ON\", \"for\": \"25h\"}",
            "for: must be at most 1day",
        ),
        (
            "{\"state\": \"ON\", \"for\": 1e300}",
            "for: must be at most 1day",
        ),
        (
            "{\"state\": \"ON\", \"for\": 0}",
            "for: must be longer than 0",
        ),
        (
            "{\"state\": \"ON\", \"repeat\": 2}",
            "repeat: needs \"for\"",
        ),
        (
            "{\"state\": \"ON\", \"pause\": 2}",
            "pause: needs \"for\" and \"repeat\"",
        ),
        (
            "{\"state\": \"ON\", \"for\": 1, \"pause\": 2}",
            "pause: needs \"repeat\"",
        ),
        (
            "{\"state\": \"ON\", \"for\": 1, \"repeat\": 0}",
            "repeat: must be a whole number, 1 to",
        ),
        (
            "{\"state\": \"ON\", \"for\": 1, \"repeat\": 1.5}",
            "repeat: must be a whole number",
        ),
        (
            "{\"state\": \"ON\", \"for\": \"12h\", \"repeat\": 3}",
            "repeat: all repetitions together must take at most 1day",
        ),
        // The rest.
        (&long, "id: must be 1 to 64 characters"),
        (
            "{\"id\": 5, \"vibrate\": 1}",
            "id: must be a text, not a number",
        ),
        ("{}", "payload: asks nothing"),
        ("{\"transition\": 5}", "payload: asks nothing"),
    ] {
        let rejection = refused(set(payload));
        assert_eq!(rejection.code, ErrorCode::Invalid, "{payload}");
        let given = rejection.message;
        assert!(given.contains(message), "{payload}\n  {given}\n  {message}");
    }
}

#[test]
fn payloads_that_are_no_text_or_too_long_are_refused() {
    let parsed = command::set(Some(&nora()), b"{\"vibrate\": \xff}");
    assert_eq!(refused(parsed).message, "payload: is not UTF-8");
    let mut long = b"{\"vibrate\": 1}".to_vec();
    long.resize(MAX_PAYLOAD, b' ');
    assert!(command::set(None, &long).change.is_ok());
    long.push(b' ');
    let message = refused(command::set(None, &long)).message;
    assert_eq!(message, "payload: is 4097 bytes long; at most 4096");
}

#[test]
fn messages_stay_short_whatever_is_repeated() {
    let key = "k".repeat(1_500);
    for payload in [
        format!("{{\"{key}\": 1, \"{key}\": 2}}"),
        format!("{{\"{key}\": 1}}"),
        format!("{{\"state\": \"ON\", \"for\": \"1{key}\"}}"),
    ] {
        assert!(refused(set(&payload)).message.chars().count() <= 240);
    }
}

#[test]
fn an_output_that_the_toy_has_not_is_unsupported() {
    let rejection = refused(set(r#"{"vibrate_2": 5}"#));
    assert_eq!(rejection.code, ErrorCode::Unsupported);
    let message = "vibrate_2: this toy has no such output; it has vibrate, rotate";
    assert_eq!(rejection.message, message);
}

#[test]
fn several_toys_may_have_any_output() {
    let set = |payload: &str| command::set(None, payload.as_bytes());
    let parsed = set(r#"{"vibrate_2": 5, "rotate": -5, "suction": 7}"#);
    assert_eq!(accepted(&parsed).levels.len(), 3);
    assert_eq!(refused(set(r#"{"vibrate": -5}"#)).code, ErrorCode::Invalid);
    let message = refused(set(r#"{"suctoin": 5}"#)).message;
    assert_eq!(message, "suctoin: unknown key; did you mean \"suction\"?");
}

#[test]
fn the_id_is_known_even_if_the_rest_is_wrong() {
    let parsed = set(r#"{"id": "a1", "vibrate": 500}"#);
    assert_eq!(parsed.id.as_deref(), Some("a1"));
    assert_eq!(parsed.requested, json!({"id": "a1", "vibrate": 500}));
    assert_eq!(refused(parsed).code, ErrorCode::Invalid);
}
