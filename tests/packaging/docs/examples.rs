//! What the documentation shows of settings, automations and payloads.

use std::collections::BTreeSet;

use serde_json::Value;
use toy2mqtt::config::{Fixed, Flags, load};

use super::pages::{blocks, pages};
use crate::program::answer;
use crate::yaml;

/// Languages that are looked at in one of these tests, and those that need no look.
const KNOWN: &[&str] = &[
    "", "console", "json", "mermaid", "python", "sh", "text", "toml", "yaml",
];

#[test]
fn every_block_says_what_it_is() {
    for page in pages() {
        for block in page.blocks() {
            let known = KNOWN.contains(&block.language.as_str());
            assert!(known, "{}: {:?}", block.place, block.language);
        }
    }
}

#[test]
fn settings_are_accepted() {
    let pem = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----";
    let blocks = blocks(&["toml"]);
    assert!(blocks.len() >= 6, "{}", blocks.len());
    for block in blocks {
        let mut surroundings = Fixed::default().with_file("toy2mqtt.toml", &block.text);
        // Files that it names hold what such files hold.
        let quoted = block.text.split('"').skip(1).step_by(2);
        for path in quoted.filter(|text| text.starts_with('/')) {
            let secret = path.contains("password") || path.contains("token");
            let text = if secret { "long-and-random" } else { pem };
            surroundings = surroundings.with_file(path, text);
        }
        let flags = Flags {
            file: Some("toy2mqtt.toml".into()),
            ..Flags::default()
        };
        let loaded = load(&flags, &surroundings);
        let loaded = loaded.unwrap_or_else(|problems| panic!("{}: {problems}", block.place));
        // An example shows one thing; that there is no way to toys in it does not matter.
        let doubts = loaded.warnings.iter();
        let doubts: Vec<_> = doubts.filter(|doubt| doubt.key != "lovense_lan").collect();
        assert!(doubts.is_empty(), "{}: {doubts:?}", block.place);
    }
}

#[test]
fn json_is_json() {
    for block in blocks(&["json"]) {
        let read: Result<Value, _> = serde_json::from_str(&block.text);
        assert!(read.is_ok(), "{}: {read:?}", block.place);
    }
}

#[test]
fn yaml_is_yaml() {
    let blocks = blocks(&["yaml"]);
    assert!(blocks.len() >= 4, "{}", blocks.len());
    for block in blocks {
        yaml::parse(&block.text);
    }
}

/// The entities that a toy called Alpha may have, and those of the bridge.
fn entities() -> BTreeSet<String> {
    let discovery: Value = serde_json::from_str(&answer(&["schema", "discovery"])).unwrap();
    let mut all = BTreeSet::new();
    for payload in discovery.as_object().unwrap().values() {
        let ids: Vec<&str> = payload["components"]
            .as_object()
            .unwrap()
            .values()
            .filter_map(|component| component["default_entity_id"].as_str())
            .collect();
        let stop = ids.iter().find_map(|id| {
            let toy = id.strip_prefix("button.")?.strip_suffix("_stop")?;
            Some(toy.to_owned())
        });
        for id in ids {
            let (platform, object) = id.split_once('.').unwrap();
            let object = match &stop {
                Some(toy) => object.replacen(toy, "alpha", 1),
                None => object.to_owned(),
            };
            all.insert(format!("{platform}.{object}"));
        }
    }
    // What depends on how a toy is reached, and on the settings: toys are called Alpha there, too.
    let snapshots = format!(
        "{}/tests/hass_payloads/snapshots",
        env!("CARGO_MANIFEST_DIR")
    );
    for entry in std::fs::read_dir(snapshots).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let ids = text.split("\"default_entity_id\": \"").skip(1);
        all.extend(ids.map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    all
}

/// Every `platform.alpha…` and `platform.toy2mqtt…` that a page names exists.
#[test]
fn entities_that_are_named_exist() {
    let known = entities();
    assert!(known.contains("number.alpha_vibrate"), "{known:?}");
    let of_id = |letter: char| letter.is_ascii_alphanumeric() || ['_', '.', '*'].contains(&letter);
    let mut looked_at = 0;
    for page in pages() {
        for word in page.text.split(|letter| !of_id(letter)) {
            let word = word.trim_matches('.');
            let Some((platform, object)) = word.split_once('.') else {
                continue;
            };
            let ours = ["alpha", "toy2mqtt_"]
                .iter()
                .any(|start| object.starts_with(start));
            if !ours
                || !known
                    .iter()
                    .any(|id| id.starts_with(&format!("{platform}.")))
            {
                continue;
            }
            looked_at += 1;
            let there = match word.strip_suffix('*') {
                Some(start) => known.iter().any(|id| id.starts_with(start)),
                None => known.contains(word),
            };
            assert!(there, "{}: there is no {word}", page.path);
        }
    }
    assert!(looked_at >= 8, "{looked_at}");
}
