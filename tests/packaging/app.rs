//! The description of the Home Assistant app, as the Supervisor reads it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use toy2mqtt::config::reference::NOT_OPTIONS;
use toy2mqtt::config::{Config, Fixed, Flags, load};

use crate::repository;
use crate::yaml;

fn config() -> Value {
    yaml::file("addon/config.yaml")
}

/// The Supervisor's security rating, from 1 to 8 (`supervisor/apps/utils.py`, `rating_security`).
fn rating(config: &Value, has_profile: bool) -> i32 {
    let is = |key: &str| config[key] == true;
    let role = config["hassio_role"].as_str();
    let privileges: Vec<&str> = config["privileged"].as_array().map_or(Vec::new(), |list| {
        list.iter().filter_map(Value::as_str).collect()
    });
    let dangerous = [
        "BPF",
        "CHECKPOINT_RESTORE",
        "DAC_READ_SEARCH",
        "NET_ADMIN",
        "NET_RAW",
        "PERFMON",
        "SYS_ADMIN",
        "SYS_MODULE",
        "SYS_PTRACE",
        "SYS_RAWIO",
    ];
    let mut rating = 5;
    if config["apparmor"] == false {
        rating -= 1;
    } else if has_profile {
        rating += 1;
    }
    if is("ingress") {
        rating += 2;
    } else if is("auth_api") {
        rating += 1;
    }
    if privileges.iter().any(|name| dangerous.contains(name)) || is("kernel_modules") {
        rating -= 1;
    }
    rating -= match role {
        Some("manager") => 1,
        Some("admin") => 2,
        _ => 0,
    };
    if is("host_network") {
        rating -= 1;
    }
    if is("host_pid") {
        rating -= 2;
    }
    if is("host_uts") && privileges.contains(&"SYS_ADMIN") {
        rating -= 1;
    }
    if is("docker_api") || is("full_access") {
        rating = 1;
    }
    rating.clamp(1, 8)
}

#[test]
fn it_is_as_secure_as_an_app_can_be() {
    let profile = repository("addon/apparmor.txt");
    let names: Vec<&str> = profile
        .lines()
        .filter(|line| line.starts_with("profile "))
        .collect();
    assert_eq!(
        names.len(),
        1,
        "the Supervisor wants one profile: {names:?}"
    );
    assert_eq!(rating(&config(), true), 8);

    // The rules themselves.
    assert_eq!(rating(&json!({}), false), 5);
    assert_eq!(
        rating(&json!({"ingress": true, "host_network": true}), true),
        7
    );
    assert_eq!(
        rating(&json!({"full_access": true, "ingress": true}), true),
        1
    );
}

#[test]
fn the_supervisor_accepts_the_description() {
    let config = config();
    for required in ["name", "version", "slug", "description", "arch"] {
        assert!(!config[required].is_null(), "{required}");
    }
    assert_eq!(config["arch"], json!(["aarch64", "amd64"]));
    assert_eq!(config["services"], json!(["mqtt:want"]));
    let watchdog = config["watchdog"].as_str().unwrap();
    let port = config["ingress_port"].as_u64().unwrap();
    assert!(
        watchdog.starts_with(&format!("http://[HOST]:[PORT:{port}]/")),
        "{watchdog}"
    );
    for other in [
        "host_network",
        "ports",
        "privileged",
        "devices",
        "hassio_api",
        "full_access",
    ] {
        assert!(config[other].is_null(), "{other}");
    }
    // Whatever is not optional has a default that fits.
    for (name, schema) in config["schema"].as_object().unwrap() {
        let default = &config["options"][name];
        match schema {
            Value::Object(_) => assert_eq!(default, &json!({}), "{name}"),
            Value::Array(_) => assert_eq!(default, &json!([]), "{name}"),
            text => assert!(text.as_str().unwrap().ends_with('?'), "{name}"),
        }
    }
    let defaults = config["options"].as_object().unwrap();
    assert!(
        defaults
            .keys()
            .all(|name| !config["schema"][name].is_null())
    );
}

/// Every type that stands in the schema, with the path of the option.
fn types(path: &str, schema: &Value, into: &mut Vec<(String, String)>) {
    match schema {
        Value::String(text) => into.push((path.to_owned(), text.clone())),
        Value::Array(items) => {
            assert_eq!(items.len(), 1, "{path}");
            let is_table = items[0].is_object();
            let path = if is_table {
                format!("{path}[]")
            } else {
                path.to_owned()
            };
            types(&path, &items[0], into);
        }
        Value::Object(map) => {
            for (key, value) in map {
                let path = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                types(&path, value, into);
            }
        }
        other => panic!("{path}: {other}"),
    }
}

fn option_types() -> Vec<(String, String)> {
    let mut all = Vec::new();
    types("", &config()["schema"], &mut all);
    all
}

fn is_left_out(path: &str) -> bool {
    let below = |left_out: &&str| {
        path.strip_prefix(*left_out)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    NOT_OPTIONS.iter().any(below)
}

#[test]
fn options_are_all_settings_but_those_left_out() {
    let options: BTreeSet<String> = option_types().into_iter().map(|(path, _)| path).collect();
    let settings = Config::keys().into_iter().map(|leaf| leaf.path);
    let settings: BTreeSet<String> = settings.filter(|path| !is_left_out(path)).collect();
    assert_eq!(options, settings);
    // The types of `supervisor/apps/options.py`.
    for (path, kind) in option_types() {
        let kind = kind.trim_end_matches('?');
        let known = ["bool", "str", "password"].contains(&kind)
            || ["int(", "float(", "list("]
                .iter()
                .any(|start| kind.starts_with(start))
                && kind.ends_with(')');
        assert!(known, "{path}: {kind}");
    }
}

/// Paths that have a name in a file of translations.
fn named(language: &str) -> BTreeSet<String> {
    let file = yaml::file(&format!("addon/translations/{language}.yaml"));
    let mut all = BTreeSet::new();
    for (option, texts) in file["configuration"].as_object().unwrap() {
        let complete = |texts: &Value, path: &str| {
            for key in ["name", "description"] {
                let text = texts[key].as_str().unwrap_or_default();
                assert!(!text.trim().is_empty(), "{language}: {path} has no {key}");
                assert!(
                    !text.contains('`'),
                    "{language}: {path}: the form shows no Markdown"
                );
            }
        };
        complete(texts, option);
        all.insert(option.clone());
        for (field, texts) in texts["fields"].as_object().into_iter().flatten() {
            let path = format!("{option}.{field}");
            complete(texts, &path);
            all.insert(path);
        }
    }
    all
}

#[test]
fn every_option_has_a_name_and_no_name_is_left_over() {
    let mut options: BTreeSet<String> = BTreeSet::new();
    for (path, _) in option_types() {
        let path = path.replace("[]", "");
        options.extend(path.split_once('.').map(|(section, _)| section.to_owned()));
        options.insert(path);
    }
    assert_eq!(named("en"), options);
    // Home Assistant falls back to English, so others may lag behind.
    let left_over: Vec<_> = named("de").difference(&options).cloned().collect();
    assert!(left_over.is_empty(), "{left_over:?}");
}

/// What the form may write for an option of this type, taken from the example of the setting.
fn as_option(example: &str) -> Value {
    let table: toml::Table = format!("x = {example}").parse().unwrap();
    serde_json::to_value(&table["x"]).unwrap()
}

/// Options that are instead of another one.
const ALTERNATIVES: &[&str] = &["buttplug[].listen", "buttplug[].embedded", "toy[].address"];

#[test]
fn the_program_takes_every_option_as_the_form_writes_it() {
    let pem = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----";
    let surroundings = |options: &Value| {
        Fixed::default()
            .with_variable("TOY2MQTT_ADDON_OPTIONS", "/data/options.json")
            .with_variable("TOY2MQTT_DATA_DIR", "/data")
            .with_file("/data/options.json", options.to_string())
            .with_file("/etc/toy2mqtt/ca.pem", pem)
            .with_file("/etc/toy2mqtt/client.pem", pem)
            .with_file("/etc/toy2mqtt/client.key", pem)
    };
    let read = |options: &Value| load(&Flags::default(), &surroundings(options));

    // As installed, with every optional field empty.
    let mut options = config()["options"].clone();
    let installed = read(&options).unwrap();
    assert_eq!(installed.data_dir.to_str(), Some("/data"));

    // Everything at once.
    for leaf in Config::keys() {
        if is_left_out(&leaf.path) || ALTERNATIVES.contains(&leaf.path.as_str()) {
            continue;
        }
        let example = leaf.field.example.expect("every setting has an example");
        let (section, key) = leaf.path.split_once('.').unwrap();
        let place = match section.strip_suffix("[]") {
            None => &mut options[section],
            Some(list) => {
                let list = options[list].as_array_mut().unwrap();
                if list.is_empty() {
                    list.push(json!({}));
                }
                &mut list[0]
            }
        };
        place[key] = as_option(example);
    }
    let mut loaded = read(&options).unwrap_or_else(|problems| panic!("{problems}\n{options:#}"));
    // It hides settings.
    loaded.config.privacy.discreet = false;
    let shown = loaded.config.redacted();
    for (path, _) in option_types() {
        let pointer = format!("/{}", path.replace("[]", "/0").replace('.', "/"));
        if !ALTERNATIVES.contains(&path.as_str()) {
            assert!(shown.pointer(&pointer).is_some(), "{path} got lost");
        }
    }
}

#[test]
fn the_documentation_names_options_that_exist() {
    let docs = repository("addon/DOCS.md");
    let known: BTreeSet<String> = option_types()
        .into_iter()
        .flat_map(|(path, _)| {
            let path = path.replace("[]", "");
            let section = path.split('.').next().unwrap().to_owned();
            [path, section]
        })
        .collect();
    let rows = docs.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    assert!(documented.len() > 4);
    for option in documented {
        assert!(known.contains(option), "{option}");
    }
    // Its examples are options that the program takes.
    for example in docs.split("```yaml\n").skip(1) {
        let options = yaml::parse(example.split("```").next().unwrap());
        let surroundings = Fixed::default()
            .with_variable("TOY2MQTT_ADDON_OPTIONS", "/data/options.json")
            .with_file("/data/options.json", options.to_string());
        load(&Flags::default(), &surroundings).unwrap_or_else(|problems| panic!("{problems}"));
    }
}

#[test]
fn the_pictures_have_the_right_size() {
    for (file, width, height) in [("icon.png", 128, 128), ("logo.png", 250, 100)] {
        let path = format!("{}/addon/{file}", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(&bytes[1..4], b"PNG");
        assert_eq!((number(16), number(20)), (width, height), "{file}");
    }
}

#[test]
fn the_repository_and_the_image_are_described() {
    assert_eq!(yaml::file("repository.yaml")["name"], "toy2mqtt");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(config()["version"], version);
    let dockerfile = repository("addon/Dockerfile");
    assert!(dockerfile.contains(&format!("ARG BUILD_VERSION={version}\n")));
    for label in ["io.hass.version", "io.hass.type=\"app\"", "io.hass.arch"] {
        assert!(dockerfile.contains(label), "{label}");
    }
    let changes = repository("addon/CHANGELOG.md");
    assert!(
        changes.contains(&format!("## {version}\n")),
        "the store shows what is new"
    );
}
