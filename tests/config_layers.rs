//! Where settings come from, and which place wins.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toy2mqtt::config::types::{LogLevel, Scheme};
use toy2mqtt::config::{Config, Fixed, Flags, Loaded, Override, Problems, load};
use toy2mqtt::domain::Level;

const FILE: &str = "toy2mqtt.toml";
const OPTIONS: &str = "/data/options.json";

fn with_file(text: &str) -> Fixed {
    Fixed::default().with_file(FILE, text)
}

fn loaded(surroundings: &Fixed) -> Loaded {
    load(&Flags::default(), surroundings).unwrap_or_else(|problems| panic!("{problems}"))
}

fn config(surroundings: &Fixed) -> Config {
    loaded(surroundings).config
}

fn problems(surroundings: &Fixed) -> Problems {
    load(&Flags::default(), surroundings).expect_err("wrong settings")
}

fn overriding(pairs: &[&str]) -> Flags {
    Flags {
        overrides: pairs
            .iter()
            .map(|pair| pair.parse::<Override>().expect("KEY=VALUE"))
            .collect(),
        ..Flags::default()
    }
}

#[test]
fn without_anything_the_defaults_hold_and_it_says_where_it_looked() {
    let loaded = loaded(&Fixed::default().with_variable("HOME", "/home/me"));
    assert_eq!(
        loaded.config.mqtt.broker().to_string(),
        "mqtt://localhost:1883"
    );
    assert_eq!(loaded.config.mqtt.base_topic.as_str(), "toy2mqtt");
    assert_eq!(loaded.data_dir, Path::new("/home/me/.local/state/toy2mqtt"));
    assert_eq!(loaded.file, None);
    assert_eq!(
        loaded.origin(),
        "no settings file found; looked for toy2mqtt.toml, \
         /home/me/.config/toy2mqtt/toy2mqtt.toml, /etc/toy2mqtt/toy2mqtt.toml"
    );
    let settings = loaded.config.engine_settings();
    assert_eq!(settings, toy2mqtt::engine::Settings::default());
}

#[test]
fn the_first_file_found_is_the_only_one_read() {
    let etc = "/etc/toy2mqtt/toy2mqtt.toml";
    let user = "/xdg/toy2mqtt/toy2mqtt.toml";
    let both = Fixed::default()
        .with_variable("XDG_CONFIG_HOME", "/xdg")
        .with_file(etc, "mqtt.base_topic = 'etc'\nmqtt.username = 'etc'")
        .with_file(user, "mqtt.base_topic = 'user'");
    let user_first = loaded(&both);
    assert_eq!(user_first.config.mqtt.base_topic.as_str(), "user");
    assert_eq!(user_first.config.mqtt.username, None);
    assert_eq!(user_first.file, Some(PathBuf::from(user)));

    let here = both.with_file(FILE, "mqtt.base_topic = 'here'");
    assert_eq!(config(&here).mqtt.base_topic.as_str(), "here");

    let told = here
        .with_variable("TOY2MQTT_CONFIG", "/told.toml")
        .with_file("/told.toml", "mqtt.base_topic = 'told'");
    assert_eq!(config(&told).mqtt.base_topic.as_str(), "told");

    let flag = Flags {
        file: Some(PathBuf::from(etc)),
        ..Flags::default()
    };
    let by_flag = load(&flag, &told).expect("valid");
    assert_eq!(by_flag.config.mqtt.base_topic.as_str(), "etc");
}

#[test]
fn a_file_that_is_named_has_to_exist() {
    let missing = Fixed::default().with_variable("TOY2MQTT_CONFIG", "/missing.toml");
    let text = problems(&missing).to_string();
    assert!(text.starts_with("/missing.toml: cannot be read"), "{text}");
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let mut surroundings = with_file("log.level = 'error'\nmqtt.username = 'file'");
    assert_eq!(config(&surroundings).log.level, LogLevel::Error);

    surroundings = surroundings
        .with_variable("TOY2MQTT_ADDON_OPTIONS", OPTIONS)
        .with_file(OPTIONS, r#"{"log": {"level": "warn"}}"#);
    assert_eq!(config(&surroundings).log.level, LogLevel::Warn);

    surroundings = surroundings.with_variable("TOY2MQTT_LOG__LEVEL", "debug");
    assert_eq!(config(&surroundings).log.level, LogLevel::Debug);

    let flags = overriding(&["log.level=info"]);
    let config = load(&flags, &surroundings).expect("valid").config;
    assert_eq!(config.log.level, LogLevel::Info);

    let flags = Flags {
        log_level: Some(LogLevel::Trace),
        ..flags
    };
    let config = load(&flags, &surroundings).expect("valid").config;
    assert_eq!(config.log.level, LogLevel::Trace);
    // The other keys of the section are still those of the file.
    assert_eq!(config.mqtt.username.as_deref(), Some("file"));
}

#[test]
fn options_that_are_not_there_are_no_problem() {
    let surroundings = Fixed::default().with_variable("TOY2MQTT_ADDON_OPTIONS", OPTIONS);
    assert_eq!(config(&surroundings).log.level, LogLevel::Info);
}

#[test]
fn empty_options_count_as_not_set_and_lists_replace() {
    let file = "mqtt.username = 'file'\n[[lovense_lan]]\nhost = 'a'\nport = 1\n\
                [[lovense_lan]]\nhost = 'b'";
    let surroundings = with_file(file).with_variable("TOY2MQTT_ADDON_OPTIONS", OPTIONS);
    let empty = r#"{"mqtt": {"username": "", "url": null}, "lovense_lan": []}"#;
    let config_of = |options: &str| config(&surroundings.clone().with_file(OPTIONS, options));
    let unchanged = config_of(empty);
    assert_eq!(unchanged.mqtt.username.as_deref(), Some("file"));
    assert_eq!(unchanged.lovense_lan.len(), 2);

    let replaced = config_of(r#"{"lovense_lan": [{"host": "c"}]}"#);
    let [app] = replaced.lovense_lan.as_slice() else {
        panic!("{replaced:?}");
    };
    assert_eq!((app.host.as_str(), app.port), ("c", None));
}

#[test]
fn variables_reach_into_lists() {
    let surroundings = with_file("[[lovense_lan]]\nhost = 'a'\nscheme = 'https'")
        .with_variable("TOY2MQTT_LOVENSE_LAN__0__HOST", "10.0.0.1")
        .with_variable("TOY2MQTT_LOVENSE_LAN__1__HOST", "b")
        .with_variable("TOY2MQTT_LOVENSE_LAN__1__EVENTS", "no")
        .with_variable("TOY2MQTT_LOVENSE_LAN__1__PORT", "34567")
        .with_variable("TOY2MQTT_TOY__0__ID", "toy_00000001")
        .with_variable("TOY2MQTT_TOY__0__NAME", "007")
        .with_variable("TOY2MQTT_TOY__0__LIMITS__VIBRATE_1", "12.5")
        .with_variable("TOY2MQTT_GROUP__0__NAME", "duo")
        .with_variable("TOY2MQTT_GROUP__0__TOYS", "007, toy_00000002");
    let config = config(&surroundings);
    let [first, second] = config.lovense_lan.as_slice() else {
        panic!("{config:?}");
    };
    assert_eq!(
        (first.host.as_str(), first.scheme),
        ("10.0.0.1", Scheme::Https)
    );
    assert_eq!((second.host.as_str(), second.events), ("b", false));
    assert_eq!(second.port.map(u16::from), Some(34_567));
    let toy = &config.toy[0];
    assert_eq!(toy.name.as_ref().map(|name| name.as_str()), Some("007"));
    let limits: Vec<_> = toy
        .limits
        .iter()
        .map(|(k, v)| (k.to_string(), *v))
        .collect();
    assert_eq!(
        limits,
        [("vibrate_1".to_owned(), Level::from_permille(125))]
    );
    let groups = config.engine_settings().groups;
    let ids: Vec<_> = groups["duo"].iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["toy_00000001", "toy_00000002"]);
}

#[test]
fn more_than_ten_entries_stay_in_order() {
    let file: String = (0..12)
        .map(|index| format!("[[lovense_lan]]\nhost = 'h{index}'\n"))
        .collect();
    let hosts: Vec<_> = config(&with_file(&file))
        .lovense_lan
        .iter()
        .map(|app| app.host.to_string())
        .collect();
    let expected: Vec<_> = (0..12).map(|index| format!("h{index}")).collect();
    assert_eq!(hosts, expected);
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let surroundings = with_file("log.level = 'warn'").with_variable("TOY2MQTT_LOG__LEVEL", "");
    assert_eq!(config(&surroundings).log.level, LogLevel::Warn);
}

#[test]
fn variables_of_others_are_left_alone() {
    let surroundings = Fixed::default()
        .with_variable("TOY2MQTTX", "1")
        .with_variable("PATH", "/bin")
        // What Kubernetes sets for a service called "toy2mqtt".
        .with_variable("TOY2MQTT_SERVICE_HOST", "10.0.0.1")
        .with_variable("TOY2MQTT_PORT", "tcp://10.0.0.1:80")
        .with_variable("TOY2MQTT_PORT_80_TCP_ADDR", "10.0.0.1");
    config(&surroundings);
}

#[test]
fn relative_paths_start_at_the_file_that_names_them() {
    let pem = "-----BEGIN CERTIFICATE-----";
    let flags = Flags {
        file: Some("/conf/x.toml".into()),
        ..Flags::default()
    };
    let surroundings = Fixed::default()
        .with_file(
            "/conf/x.toml",
            "mqtt.url = 'mqtts://b'\nmqtt.ca_file = 'ca.pem'",
        )
        .with_file("/conf/ca.pem", pem)
        .with_variable("TOY2MQTT_DATA_DIR", "data");
    let loaded = load(&flags, &surroundings).expect("valid");
    assert_eq!(loaded.config.mqtt.ca_file, Some("/conf/ca.pem".into()));
    assert_eq!(loaded.data_dir, Path::new("data"));
}

#[test]
fn every_kind_of_value_is_read() {
    let file = r#"
        [safety]
        broker_lost = "1m 30s"
        idle = "off"
        stop_hold = "250ms"
        default_level = 12.5
        max_level = 80
        slope = 50
        [[toy]]
        address = "F0:82:C0:02:46:FA"
        max = 60
        slope = "off"
        [[pattern]]
        name = "Tide"
        levels = [0, 50, 100]
        [[pattern]]
        name = "pulse"
        step = "1s"
        levels = [7]
    "#;
    let config = config(&with_file(file));
    let settings = config.engine_settings();
    assert_eq!(settings.broker_lost, Some(Duration::from_secs(90)));
    assert_eq!(settings.idle, None);
    assert_eq!(settings.stop_hold, Duration::from_millis(250));
    assert_eq!(settings.default_level, Level::from_permille(125));
    assert_eq!(settings.default_limits.max, Level::from_permille(800));
    assert_eq!(settings.default_limits.slope, Some(500));
    let id = config.toy[0].toy().expect("named by address");
    let limits = config.limits_of(id).expect("it has some");
    assert_eq!(
        (limits.max, limits.slope),
        (Level::from_permille(600), None)
    );
    // A pattern of the user's takes the place of a built-in one; others follow.
    let names: Vec<_> = settings.patterns.iter().map(|p| p.name()).collect();
    assert_eq!(names, ["pulse", "Wave", "Fireworks", "Earthquake", "Tide"]);
}

#[test]
fn discretion_hides_what_names_hardware() {
    let file = "
        privacy.discreet = true
        [[lovense_lan]]
        host = 'phone'
        [[toy]]
        address = 'F0:82:C0:02:46:FA'
        name = 'Alpha'
        [[group]]
        name = 'duo'
        toys = ['F0:82:C0:02:46:FA']
    ";
    let config = config(&with_file(file));
    let shown = config.redacted().to_string();
    let lower = shown.to_lowercase();
    for revealing in ["f082c00246fa", "lovense", "phone"] {
        assert!(!lower.contains(revealing), "{shown}");
    }
    let id = config.toy[0].toy().expect("named").to_string();
    assert_eq!(lower.matches(&id).count(), 2, "{shown}");
}
