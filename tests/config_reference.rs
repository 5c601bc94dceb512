//! The reference says what is true, and the files made from it are up to date.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use toy2mqtt::config::{Config, Fixed, Flags, Kind, Loaded, load, reference};

const FILE: &str = "toy2mqtt.toml";

fn repository(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn loaded(file: &str) -> Loaded {
    // The files that the example names.
    let pem = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----";
    let surroundings = Fixed::default()
        .with_file(FILE, file)
        .with_file("/run/secrets/mqtt_password", "0815")
        .with_file("/run/secrets/wsdm_token", "long-and-random")
        .with_file("/run/secrets/lovense_token", "x")
        .with_file("/run/secrets/web_token", "a long and random text")
        .with_file("/etc/toy2mqtt/ca.pem", pem)
        .with_file("/etc/toy2mqtt/client.pem", pem)
        .with_file("/etc/toy2mqtt/client.key", pem);
    load(&Flags::default(), &surroundings).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The example with every setting in force.
fn uncommented() -> String {
    let lines = reference::example();
    let lines = lines.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') && !setting.is_empty() => setting,
        _ => line,
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    // A server is connected to, or waited for.
    let (before, server) = lines.split_once("[[buttplug]]").expect("servers");
    let listen = server.find("\nlisten = ").expect("an address to listen at") + 1;
    format!(
        "{before}[[buttplug]]{}#{}",
        &server[..listen],
        &server[listen..]
    )
}

/// The paths of all values, with `[]` for every index.
fn paths(prefix: &str, json: &Json, into: &mut BTreeSet<String>) {
    match json {
        Json::Object(map) => {
            for (key, value) in map {
                let path = match prefix {
                    "" => key.clone(),
                    _ => format!("{prefix}.{key}"),
                };
                paths(&path, value, into);
            }
        }
        Json::Array(items) if items.iter().any(Json::is_object) => {
            for item in items {
                paths(&format!("{prefix}[]"), item, into);
            }
        }
        _ => {
            into.insert(prefix.to_owned());
        }
    }
}

#[test]
fn the_example_changes_nothing() {
    let example = loaded(&reference::example()).config;
    assert_eq!(example, loaded("").config);
}

#[test]
fn the_example_shows_every_key_and_the_settings_have_no_other() {
    let config = loaded(&uncommented()).config;
    let mut shown = BTreeSet::new();
    paths("", &config.redacted(), &mut shown);
    // A table of limits has one value per output.
    let shown: BTreeSet<String> = shown
        .into_iter()
        .map(|path| path.replace("limits.vibrate_1", "limits"))
        .chain(["buttplug[].listen".to_owned()])
        .collect();
    let documented: BTreeSet<String> = Config::keys().into_iter().map(|leaf| leaf.path).collect();
    assert_eq!(shown, documented);
}

#[test]
fn every_key_is_explained() {
    for leaf in Config::keys() {
        let field = &leaf.field;
        assert!(field.doc.trim().len() > 10, "{}", leaf.path);
        assert!(field.doc.trim().ends_with('.'), "{}", leaf.path);
        assert!(field.example.is_some(), "{} has no example", leaf.path);
    }
}

#[test]
fn every_default_and_every_example_can_be_written() {
    let write = |path: &str, value: &str| match path.split_once("[].") {
        Some((list, key)) => {
            let others: String = Config::keys()
                .iter()
                .filter(|leaf| leaf.field.required && leaf.path.starts_with(list))
                .filter(|leaf| leaf.path != path)
                .map(|leaf| {
                    format!(
                        "{} = {}\n",
                        leaf.field.name,
                        leaf.field.example.unwrap_or("")
                    )
                })
                .collect();
            let identified = list == "toy" && key != "id" && key != "address";
            let id = if identified {
                "id = 'toy_00000001'\n"
            } else {
                ""
            };
            // A group of the example speaks of this toy.
            let named = "[[toy]]\nid = 'toy_00000009'\nname = 'Alpha'\n";
            let named = if list == "group" { named } else { "" };
            let secure = if key == "trust" {
                "scheme = 'https'\n"
            } else {
                ""
            };
            let place = match (list, key, value) {
                ("buttplug", "url", _) | ("buttplug", "embedded", "true") => "",
                ("buttplug", "listen", _) => "token = '0123456789abcdef'\n",
                ("buttplug", "token", _) => "listen = '127.0.0.1:12346'\n",
                ("buttplug", ..) => "url = 'ws://10.0.0.1:12345'\n",
                _ => "",
            };
            format!("{named}[[{list}]]\n{id}{others}{secure}{place}{key} = {value}\n")
        }
        None => {
            let needs = match path {
                "mqtt.password" | "mqtt.password_file" => "mqtt.username = 'x'\n",
                "mqtt.client_cert" => "mqtt.client_key = '/etc/toy2mqtt/client.key'\n",
                "mqtt.client_key" => "mqtt.client_cert = '/etc/toy2mqtt/client.pem'\n",
                _ => "",
            };
            format!("{needs}{path} = {value}\n")
        }
    };
    for leaf in Config::keys() {
        let example = leaf.field.example.unwrap_or_default();
        let file = write(&leaf.path, example);
        let shown = loaded(&file).config.redacted();
        let mut set = BTreeSet::new();
        paths("", &shown, &mut set);
        let found = set.iter().any(|path| path.starts_with(&leaf.path));
        assert!(found, "{}: {shown}", leaf.path);
        if !leaf.field.default.is_null() && !leaf.field.required && leaf.kind != Kind::Secret {
            // JSON values of these types are written the same way in TOML; tables are empty here.
            let file = write(&leaf.path, &leaf.field.default.to_string());
            let shown = loaded(&file).config.redacted();
            let at = format!("/{}", leaf.path.replace("[]", "/0").replace('.', "/"));
            let value = shown.pointer(&at);
            assert_eq!(value, Some(&leaf.field.default), "{}", leaf.path);
        }
    }
}

#[test]
fn the_page_names_every_key_and_its_variable() {
    let page = reference::markdown();
    for leaf in Config::keys() {
        let name = leaf.path.replace("[]", "__0").replace('.', "__");
        let variable = format!("TOY2MQTT_{}", name.to_uppercase());
        assert!(page.contains(&variable), "{variable}");
    }
}

#[test]
fn the_schema_knows_the_same_keys() {
    let schema = reference::json_schema();
    let mut known = BTreeSet::new();
    fn walk(prefix: &str, object: &Json, known: &mut BTreeSet<String>) {
        for (key, schema) in object["properties"].as_object().expect("properties") {
            let path = match prefix {
                "" => key.clone(),
                _ => format!("{prefix}.{key}"),
            };
            if schema["items"]["properties"].is_object() {
                walk(&format!("{path}[]"), &schema["items"], known);
            } else if schema["properties"].is_object() {
                walk(&path, schema, known);
            } else {
                known.insert(path);
            }
        }
    }
    walk("", &schema, &mut known);
    let keys: BTreeSet<String> = Config::keys().into_iter().map(|leaf| leaf.path).collect();
    assert_eq!(known, keys);
}

#[test]
fn the_files_in_the_repository_are_up_to_date() {
    let hint = "run `make docs`";
    assert_eq!(
        repository("docs/configuration.md"),
        reference::markdown(),
        "{hint}"
    );
    assert_eq!(
        repository("config/toy2mqtt.example.toml"),
        reference::example(),
        "{hint}"
    );
    let schema: Json = serde_json::from_str(&repository("config/toy2mqtt.schema.json"))
        .expect("the schema is JSON");
    assert_eq!(schema, reference::json_schema(), "{hint}");
}
