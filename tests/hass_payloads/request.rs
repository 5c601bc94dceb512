//! What is asked of the bridge.

use std::collections::BTreeMap;

use proptest::prelude::*;
use toy2mqtt::domain::{ErrorCode, Level, Limits, OutputKey, OutputKind, ToyId};
use toy2mqtt::hass::command::{BridgeRequest, LimitChange, Request, VERBS, request};

const TOY: &str = "toy_1a2b3c4d";

fn toy() -> ToyId {
    TOY.parse().expect("an id")
}

fn ask(verb: &str, payload: &str) -> Request {
    request(verb, payload.as_bytes())
}

#[test]
fn every_verb_has_a_meaning() {
    let limits = LimitChange {
        max: Some(Level::from_permille(500)),
        ..LimitChange::default()
    };
    let with_toy = format!("{{\"toy\": \"{TOY}\"}}");
    let rename = format!("{{\"toy\": \"{TOY}\", \"name\": \" Beta \"}}");
    let maximum = format!("{{\"toy\": \"{TOY}\", \"max\": 50}}");
    let cases = [
        ("", BridgeRequest::Toys),
        ("{}", BridgeRequest::Refresh),
        (
            &rename,
            BridgeRequest::Rename {
                toy: toy(),
                name: Some("Beta".to_owned()),
            },
        ),
        (&with_toy, BridgeRequest::Forget { toy: toy() }),
        (
            &maximum,
            BridgeRequest::Limits {
                toy: toy(),
                change: limits,
            },
        ),
        (&with_toy, BridgeRequest::Identify { toy: toy() }),
        (" \n", BridgeRequest::Scan),
        (
            "{\"level\": \"DEBUG\"}",
            BridgeRequest::LogLevel { level: "debug" },
        ),
        ("", BridgeRequest::Republish),
        ("{}", BridgeRequest::Restart),
        ("", BridgeRequest::Diagnostics),
    ];
    for (verb, (payload, expected)) in VERBS.into_iter().zip(cases) {
        let expected = Request {
            transaction: None,
            request: Ok(expected),
        };
        assert_eq!(ask(verb, payload), expected, "{verb}");
    }
}

#[test]
fn the_transaction_is_known_even_if_the_rest_is_wrong() {
    let asked = ask("toys", r#"{"transaction": "t1", "what": 1}"#);
    assert_eq!(asked.transaction.as_deref(), Some("t1"));
    assert!(asked.request.is_err());
    assert_eq!(
        ask("nonsense", r#"{"transaction": "t1"}"#)
            .transaction
            .as_deref(),
        Some("t1")
    );
}

#[test]
fn a_name_is_taken_back_with_null() {
    let asked = ask("rename", &format!("{{\"toy\": \"{TOY}\", \"name\": null}}"));
    assert_eq!(
        asked.request,
        Ok(BridgeRequest::Rename {
            toy: toy(),
            name: None
        })
    );
}

#[test]
fn limits_change_only_what_is_given() {
    let (vibrate, rotate) = (
        OutputKey::only(OutputKind::Vibrate),
        OutputKey::only(OutputKind::Rotate),
    );
    let before = Limits {
        max: Level::from_permille(800),
        outputs: BTreeMap::from([(rotate, Level::from_permille(100))]),
        slope: Some(5),
    };
    let change = |payload: &str| {
        let payload = format!("{{\"toy\": \"{TOY}\", {payload}}}");
        match ask("limits", &payload).request {
            Ok(BridgeRequest::Limits { change, .. }) => change.apply(&before),
            other => panic!("{other:?}"),
        }
    };
    let max = Level::from_permille(300);
    assert_eq!(
        change("\"max\": 30"),
        Limits {
            max,
            ..before.clone()
        }
    );
    assert_eq!(
        change("\"slope\": null"),
        Limits {
            slope: None,
            ..before.clone()
        }
    );
    assert_eq!(
        change("\"slope\": 12.5"),
        Limits {
            slope: Some(125),
            ..before.clone()
        }
    );
    let outputs = BTreeMap::from([(vibrate, Level::from_permille(400))]);
    let changed = change("\"outputs\": {\"vibrate\": 40, \"rotate\": null}");
    assert_eq!(
        changed,
        Limits {
            outputs,
            ..before.clone()
        }
    );
}

#[test]
fn bad_requests_are_refused_with_the_key_and_the_rule() {
    for (verb, payload, message) in [
        ("toyz", "", "toyz: unknown request; did you mean \"toys\"?"),
        ("toys", "[]", "payload: must be a JSON object, not a list"),
        ("toys", "{\"a\": 1}", "a: unknown key"),
        (
            "toys",
            "{\"transaction\": 5}",
            "transaction: must be a text, not a number",
        ),
        ("forget", "{}", "toy: is missing"),
        (
            "forget",
            "{\"toi\": 1}",
            "toi: unknown key; did you mean \"toy\"?",
        ),
        (
            "forget",
            "{\"toy\": 1}",
            "toy: must be the id of a toy, not a number",
        ),
        (
            "forget",
            "{\"toy\": \"Alpha\"}",
            "toy: must be the id of a toy: toy_ and 8",
        ),
        ("rename", "{\"toy\": \"toy_1a2b3c4d\"}", "name: is missing"),
        (
            "rename",
            "{\"toy\": \"toy_1a2b3c4d\", \"name\": \"\"}",
            "name: must be 1 to 64",
        ),
        (
            "rename",
            "{\"toy\": \"toy_1a2b3c4d\", \"name\": 5}",
            "name: must be a text",
        ),
        (
            "limits",
            "{\"toy\": \"toy_1a2b3c4d\"}",
            "payload: changes nothing",
        ),
        (
            "limits",
            "{\"toy\": \"toy_1a2b3c4d\", \"max\": 101}",
            "max: must be 0 to 100",
        ),
        (
            "limits",
            "{\"toy\": \"toy_1a2b3c4d\", \"max\": null}",
            "max: must be a number",
        ),
        (
            "limits",
            "{\"toy\": \"toy_1a2b3c4d\", \"slope\": 0}",
            "slope: must be 0.1 to 1000",
        ),
        (
            "limits",
            "{\"toy\": \"toy_1a2b3c4d\", \"slope\": \"x\"}",
            "slope: must be 0.1 to",
        ),
        (
            "limits",
            "{\"toy\": \"toy_1a2b3c4d\", \"outputs\": 5}",
            "outputs: must be an object",
        ),
        (
            "limits",
            "{\"toy\": \"toy_1a2b3c4d\", \"outputs\": {\"vibrat\": 5}}",
            "vibrat: unknown key; did you mean \"vibrate\"?",
        ),
        (
            "limits",
            "{\"toy\": \"toy_1a2b3c4d\", \"outputs\": {\"rotate\": -5}}",
            "rotate: must be 0 to 100, not -5",
        ),
        ("log_level", "{}", "level: is missing"),
        (
            "log_level",
            "{\"level\": \"loud\"}",
            "level: must be one of error, warn, info",
        ),
        ("log_level", "debug", "payload: is not JSON"),
    ] {
        let rejection = ask(verb, payload).request.expect_err(payload);
        assert_eq!(rejection.code, ErrorCode::Invalid, "{verb} {payload}");
        let given = rejection.message;
        assert!(
            given.contains(message),
            "{verb} {payload}\n  {given}\n  {message}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        verb in "\\PC{0,50}",
        index in 0..VERBS.len(),
        payload in proptest::collection::vec(any::<u8>(), 0..100),
        text in "[{}\\[\\]:,\"a-z0-9. _-]{0,60}",
    ) {
        for verb in [&verb, VERBS[index]] {
            let _ = request(verb, &payload);
            let _ = request(verb, text.as_bytes());
        }
    }
}
