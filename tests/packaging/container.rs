//! docker-compose.yml and the Dockerfiles. `scripts/container.sh` builds and starts the image.

use std::collections::BTreeSet;

use serde_json::Value;
use toy2mqtt::config::{Fixed, Flags, load};

use crate::repository;
use crate::yaml;

fn compose() -> Value {
    yaml::file("docker-compose.yml")
}

#[test]
fn the_settings_in_the_compose_file_are_right() {
    let compose = compose();
    let service = &compose["services"]["toy2mqtt"];
    let mut surroundings = Fixed::default().with_file("/run/secrets/mqtt_password", "0815");
    for (name, value) in service["environment"].as_object().unwrap() {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        surroundings = surroundings.with_variable(name, value);
    }
    for (name, value) in image_environment("Dockerfile") {
        surroundings = surroundings.with_variable(name, value);
    }
    let loaded =
        load(&Flags::default(), &surroundings).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let mqtt = &loaded.config.mqtt;
    assert_eq!(mqtt.broker().to_string(), "mqtt://mosquitto:1883");
    assert_eq!(mqtt.password.as_ref().unwrap().reveal(), "0815");
    assert_eq!(loaded.config.lovense_lan.len(), 1);
    assert_eq!(loaded.data_dir.to_str(), Some("/data"));

    // Those in comments are right, too.
    let text = repository("docker-compose.yml");
    let commented: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("# ")?.split_once(": "))
        .filter(|(name, _)| name.starts_with("TOY2MQTT_"))
        .collect();
    assert_eq!(commented.len(), 3, "{commented:?}");
    surroundings = surroundings.with_file("/run/secrets/web_token", "long and random");
    for (name, value) in commented {
        surroundings = surroundings.with_variable(name, value);
    }
    let loaded =
        load(&Flags::default(), &surroundings).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert!(loaded.config.ble.enabled);
}

/// `ENV` of a Dockerfile, as far as it stands on lines of its own.
fn image_environment(file: &str) -> Vec<(String, String)> {
    let text = repository(file).replace("\\\n", " ");
    let lines = text.lines().filter_map(|line| line.strip_prefix("ENV "));
    let pairs = lines.flat_map(str::split_whitespace);
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.trim_matches('"').to_owned())
        })
        .collect()
}

#[test]
fn the_settings_in_the_images_are_right() {
    let mut surroundings = Fixed::default().with_file("/data/options.json", "{}");
    for (name, value) in image_environment("Dockerfile")
        .into_iter()
        .chain(image_environment("addon/Dockerfile"))
    {
        surroundings = surroundings.with_variable(name, value);
    }
    let loaded =
        load(&Flags::default(), &surroundings).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.data_dir.to_str(), Some("/data"));
    // Where the Supervisor looks for the panel, and asks whether it lives.
    let app = yaml::file("addon/config.yaml");
    let listen = loaded.config.redacted()["web"]["listen"].clone();
    assert_eq!(listen, format!("0.0.0.0:{}", app["ingress_port"]));
    assert!(loaded.config.web.ingress);
}

#[test]
fn what_the_compose_file_refers_to_is_there() {
    let compose = compose();
    let volumes: BTreeSet<&String> = compose["volumes"].as_object().unwrap().keys().collect();
    for (name, service) in compose["services"].as_object().unwrap() {
        for other in service["depends_on"].as_array().into_iter().flatten() {
            assert!(
                !compose["services"][other.as_str().unwrap()].is_null(),
                "{name}: {other}"
            );
        }
        for secret in service["secrets"].as_array().into_iter().flatten() {
            assert!(
                !compose["secrets"][secret.as_str().unwrap()].is_null(),
                "{name}: {secret}"
            );
        }
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let (source, _) = volume.as_str().unwrap().split_once(':').unwrap();
            match source.strip_prefix("./") {
                Some(path) => {
                    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
                    assert!(std::path::Path::new(&path).exists(), "{name}: {path}");
                }
                None => assert!(volumes.contains(&source.to_owned()), "{name}: {source}"),
            }
        }
    }
    let bridge = &compose["services"]["toy2mqtt"];
    assert_eq!(bridge["read_only"], true);
    assert_eq!(bridge["cap_drop"][0], "ALL");
}

/// The commented parts are YAML that fits in, too.
#[test]
fn the_commented_parts_of_the_compose_file_fit_in() {
    let text = repository("docker-compose.yml");
    let home_assistant = text.replace("\n  # ", "\n  ").replace("\n  #   ", "\n    ");
    let service = &yaml::parse(&home_assistant)["services"]["homeassistant"];
    assert!(
        service["image"]
            .as_str()
            .unwrap()
            .contains("home-assistant")
    );
    let start = text.find("    # user: \"0:0\"").unwrap();
    let variant: Vec<&str> = text[start..]
        .lines()
        .map_while(|line| line.strip_prefix("    # "))
        .collect();
    let variant = yaml::parse(&variant.join("\n"));
    let volumes = variant["volumes"].as_array().unwrap();
    assert!(
        volumes.contains(&Value::from("toy2mqtt:/data")),
        "{volumes:?}"
    );
}

#[test]
fn the_image_is_small_and_unprivileged() {
    let text = repository("Dockerfile");
    let last = text.rsplit("\nFROM ").next().unwrap();
    assert!(last.starts_with("scratch\n"));
    assert!(last.contains("\nUSER 65532:65532\n"));
    assert!(last.contains("[\"/toy2mqtt\", \"healthcheck\"]"));
}
