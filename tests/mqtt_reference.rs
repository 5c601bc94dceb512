//! The reference of MQTT says what the code does, and the page is up to date.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use toy2mqtt::domain::ToyDescription;
use toy2mqtt::hass::command;
use toy2mqtt::mqtt::reference::{self, About, KEYS, REQUESTS, TOPICS};

#[test]
fn the_page_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/mqtt.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page == reference::markdown(), "run `make docs`");
}

#[test]
fn every_request_is_described_and_its_example_is_understood() {
    let described = REQUESTS.iter().map(|request| request.verb);
    assert!(described.eq(command::VERBS));
    for request in REQUESTS {
        let read = command::request(request.verb, request.example.as_bytes());
        assert!(read.request.is_ok(), "{read:?}");
    }
}

#[test]
fn every_key_is_known_and_there_is_no_other() {
    let known = command::set(None, br#"{"x":1}"#).change.unwrap_err();
    for key in KEYS {
        // Of the wrong type, so that it is the type that is refused.
        let payload = format!(r#"{{"{}":[]}}"#, key.key);
        if key.key == "flash" {
            // It only flashes, whatever else is said.
            let read = command::set(None, payload.as_bytes()).change;
            assert_eq!(read, Ok(command::Change::Flash));
            continue;
        }
        let refused = command::set(None, payload.as_bytes()).change.unwrap_err();
        assert!(!refused.message.contains("unknown"), "{refused}");
    }
    assert!(known.message.contains("unknown"), "{known}");
}

#[test]
fn the_examples_of_commands_are_understood() {
    let toy: Option<&ToyDescription> = None;
    for topic in TOPICS.iter().filter(|topic| topic.about == About::ToyHears) {
        let payload = topic.example.as_bytes();
        let change = match topic.topic.rsplit_once('/').unwrap() {
            (before, "set") if before.ends_with("<attribute>") => {
                let attribute = match topic.example {
                    "ON" | "OFF" => "state",
                    _ => "vibrate",
                };
                command::attribute(toy, attribute, payload).change
            }
            (_, "set") => command::set(toy, payload).change,
            _ => continue,
        };
        assert!(change.is_ok(), "{}: {change:?}", topic.topic);
    }
}
