//! What payloads on `set` topics mean, and why some mean nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use toy2mqtt::domain::{
    ErrorCode, Level, OutputKey, OutputKind, Rejection, SetCommand, ToyDescription,
};
use toy2mqtt::hass::command::{self, ATTRIBUTES, Change, MAX_PAYLOAD, MAX_TIME, Parsed, attribute};

use crate::toys::shape;

const VIBRATE: OutputKey = OutputKey::only(OutputKind::Vibrate);
const ROTATE: OutputKey = OutputKey::only(OutputKind::Rotate);

fn percent(percent: f64) -> Level {
    Level::from_percent(percent).expect("a level")
}

/// A toy with `vibrate` and a signed `rotate`.
fn nora() -> ToyDescription {
    ToyDescription::clone(&shape("rotate").description)
}

fn set(payload: &str) -> Parsed {
    command::set(Some(&nora()), payload.as_bytes())
}

fn accepted(parsed: &Parsed) -> &SetCommand {
    match &parsed.change {
        Ok(Change::Set(command)) => command,
        other => panic!("{other:?}"),
    }
}

fn refused(parsed: Parsed) -> Rejection {
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
        ("{\"state\": 1}", "state: must be \"ON\" or \"OFF\""),
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

/// JSON that is nearly a command.
fn nearly() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        "(vibrate|rotate|state|brightness|effect|transition|for|repeat|pause|id|level)",
        "[a-z_0-9]{0,12}",
    ];
    let value = prop_oneof![
        any::<f64>().prop_map(|number| json!(number)),
        (-120i32..120).prop_map(|number| json!(number)),
        "(ON|off|Wave|2s|10min|5 days|[0-9]{1,30}(s|y|ns)|\\PC{0,10})".prop_map(Value::from),
        Just(json!(null)),
        Just(json!([{}])),
        any::<bool>().prop_map(Value::from),
    ];
    let entry = (key, value).prop_map(|(key, value)| format!("{key:?}: {value}"));
    proptest::collection::vec(entry, 0..5).prop_map(|entries| format!("{{{}}}", entries.join(",")))
}

/// Whatever is accepted keeps all the rules.
fn keeps_the_rules(parsed: &Parsed) -> Result<(), TestCaseError> {
    if let Some(id) = &parsed.id {
        prop_assert!((1..=64).contains(&id.chars().count()));
    }
    let command = match &parsed.change {
        Ok(Change::Set(command)) => command,
        Ok(Change::Limit(limit)) => {
            prop_assert!((0..=1000).contains(&limit.permille()));
            return Ok(());
        }
        Err(rejection) => {
            prop_assert!(!rejection.message.is_empty() && rejection.message.len() < 1_000);
            return Ok(());
        }
    };
    for (key, level) in &command.levels {
        prop_assert!(*level >= Level::ZERO || key.kind == OutputKind::Rotate);
    }
    prop_assert!(command.brightness.is_none_or(|level| level >= Level::ZERO));
    let times = [command.transition, command.hold, command.pause];
    prop_assert!(times.into_iter().flatten().all(|time| time <= MAX_TIME));
    prop_assert!(command.repeat.is_none() || command.hold.is_some());
    prop_assert!(command.pause.is_none() || command.repeat.is_some());
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        payload in proptest::collection::vec(any::<u8>(), 0..100),
        name in "\\PC{0,50}",
        index in 0..ATTRIBUTES.len(),
    ) {
        let toy = nora();
        for toy in [Some(&toy), None] {
            keeps_the_rules(&command::set(toy, &payload))?;
            for name in [&name, ATTRIBUTES[index], "vibrate"] {
                keeps_the_rules(&attribute(toy, name, &payload))?;
            }
        }
        let _ = command::switch(&payload);
    }

    #[test]
    fn near_commands_are_read_or_refused(
        payload in nearly(),
        index in 0..ATTRIBUTES.len(),
    ) {
        let toy = nora();
        for toy in [Some(&toy), None] {
            keeps_the_rules(&command::set(toy, payload.as_bytes()))?;
            for name in [ATTRIBUTES[index], "rotate"] {
                keeps_the_rules(&attribute(toy, name, payload.as_bytes()))?;
            }
        }
    }

    #[test]
    fn whatever_a_slider_sends_is_taken(tenths in -1000..=1000i32) {
        let number = f64::from(tenths) / 10.0;
        let parsed = one("rotate", &number.to_string());
        let expected = SetCommand::output(ROTATE, Level::from_permille(tenths));
        prop_assert_eq!(accepted(&parsed), &expected);
    }
}
