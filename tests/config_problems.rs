//! What is said of wrong settings: everything at once, each with its place and a way out.

use proptest::prelude::*;
use toy2mqtt::config::{Fixed, Flags, Override, Severity, load};

const FILE: &str = "toy2mqtt.toml";

/// Every problem with these settings, errors first, one per line.
fn said(surroundings: &Fixed) -> Vec<String> {
    said_with(&Flags::default(), surroundings)
}

fn said_with(flags: &Flags, surroundings: &Fixed) -> Vec<String> {
    let problems = match load(flags, surroundings) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems.0,
    };
    problems.iter().map(ToString::to_string).collect()
}

/// The errors of a file, without the file's name.
fn errors(file: &str) -> Vec<String> {
    let surroundings = Fixed::default().with_file(FILE, file);
    match load(&Flags::default(), &surroundings) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .0
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .map(|problem| problem.to_string().replacen("toy2mqtt.toml:", "", 1))
            .collect(),
    }
}

fn warnings(file: &str) -> Vec<String> {
    let file = format!("{file}\n[[lovense_lan]]\nhost = 'other'");
    let surroundings = Fixed::default().with_file(FILE, file);
    let loaded = load(&Flags::default(), &surroundings);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    let strip = |warning: &toy2mqtt::config::Problem| {
        let text = warning.to_string();
        text.replacen("warning: toy2mqtt.toml:", "", 1)
    };
    loaded.warnings.iter().map(strip).collect()
}

#[test]
fn everything_is_said_at_once_with_file_line_and_key() {
    let file = r#"dta_dir = "/data"
[mqtt]
url = "broker"
pasword = "hunter2"
base_topic = "a/#"
[[lovense_lan]]
host = "192.168.1.300"
port = 70000
scheme = "htps"
[[lovense_lan]]
port = 20010
lease = "5 parsecs"
[safety]
idle = 30
broker_lost = "1ms"
max_level = 101
[[group]]
name = "All"
toys = ["Alpha"]
"#;
    assert_eq!(
        errors(file),
        [
            r##"3: mqtt.url: "broker" is not a broker's URL: write mqtt://host:1883, or mqtts://host:8883 for TLS"##,
            r##"5: mqtt.base_topic: "a/#" holds a wildcard (+ or #)"##,
            r#"4: mqtt.pasword: unknown key; did you mean `mqtt.password`?"#,
            r#"7: lovense_lan[0].host: "192.168.1.300" is not an IP address"#,
            "8: lovense_lan[0].port: out of range: expected a whole number from 1 to 65535",
            r#"9: lovense_lan[0].scheme: "htps" is not "http" or "https"; did you mean "https"?"#,
            "10: lovense_lan[1].host: missing: add a host name or IP address",
            r#"12: lovense_lan[1].lease: "5 parsecs" is not a duration: write e.g. "5s", "250ms" or "1m 30s", or "off""#,
            r#"15: safety.broker_lost: "1ms" is out of range: expected a duration from 1s to 1h, or "off""#,
            r#"14: safety.idle: expected a duration from 10s to 1day, found a number, or "off""#,
            "16: safety.max_level: out of range: expected a number from 0 to 100 (percent)",
            r#"18: group[0].name: "All" is not a group's name: up to 32 of a-z, 0-9 and _ (it is part of a topic)"#,
            "1: dta_dir: unknown key; did you mean `data_dir`?",
        ]
    );
}

#[test]
fn problems_of_variables_and_flags_name_them() {
    let surroundings = Fixed::default()
        .with_variable("TOY2MQTT_MQTT__BASE_TOPC", "x")
        .with_variable("TOY2MQTT_LOG", "debug")
        .with_variable("TOY2MQTT_NONSENSE__X", "1")
        .with_variable("TOY2MQTT_MQTT__", "1")
        .with_variable("TOY2MQTT_HOME_ASSISTANT__LIGHT", "maybe")
        .with_variable("TOY2MQTT_LOVENSE_LAN__HOST", "a");
    let flags = Flags {
        overrides: vec!["safety.stop_hold=soon".parse::<Override>().expect("form")],
        ..Flags::default()
    };
    assert_eq!(
        said_with(&flags, &surroundings),
        [
            "TOY2MQTT_MQTT__: mqtt.: names no setting",
            "TOY2MQTT_MQTT__BASE_TOPC: mqtt.base_topc: unknown; did you mean TOY2MQTT_MQTT__BASE_TOPIC?",
            "TOY2MQTT_HOME_ASSISTANT__LIGHT: home_assistant.light: expected true or false",
            "TOY2MQTT_LOVENSE_LAN__HOST: lovense_lan.host: there may be several, so say which: TOY2MQTT_LOVENSE_LAN__0__HOST",
            "--override safety.stop_hold: safety.stop_hold: \"soon\" is not a duration: write e.g. \"5s\", \"250ms\" or \"1m 30s\"",
            "TOY2MQTT_LOG: log: expected a table of settings, found text",
            "TOY2MQTT_NONSENSE__X: nonsense.x: unknown; `toy2mqtt schema config` lists what there is: TOY2MQTT_SECTION__KEY",
        ]
    );
}

#[test]
fn a_variable_is_not_taken_for_another_of_the_same_beginning() {
    let surroundings = Fixed::default()
        .with_variable("TOY2MQTT_MQTT__URL", "nonsense")
        .with_variable("TOY2MQTT_MQTT__URLX", "1");
    let said = said(&surroundings);
    assert!(
        said[0].starts_with("TOY2MQTT_MQTT__URL: mqtt.url: "),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("TOY2MQTT_MQTT__URLX: mqtt.urlx: "),
        "{said:?}"
    );
}

#[test]
fn a_key_in_the_wrong_section_is_shown_its_place() {
    let problems = errors("base_topic = 'x'");
    assert_eq!(
        problems,
        ["1: base_topic: unknown key; did you mean `mqtt.base_topic`?"]
    );
}

#[test]
fn lists_that_are_no_lists() {
    assert_eq!(
        errors("[lovense_lan]\nhost = 'a'"),
        ["1: lovense_lan: there may be several, so write [[lovense_lan]] instead of [lovense_lan]"]
    );
    assert_eq!(
        errors("lovense_lan = ['a']"),
        ["1: lovense_lan: expected tables, each under its own [[lovense_lan]], found a list"]
    );
    let gap = Fixed::default().with_variable("TOY2MQTT_LOVENSE_LAN__1__HOST", "a");
    assert!(
        said(&gap)[0].contains("there is no entry 0"),
        "{:?}",
        said(&gap)
    );
}

#[test]
fn syntax_errors_name_the_line_and_not_its_content() {
    let problems = errors("[mqtt]\npassword = \"hunter2\nusername = \"me\"\n= 3\n");
    assert!(problems[0].starts_with("2: not TOML: "), "{problems:?}");
    assert!(
        problems.iter().any(|p| p.starts_with("4: ")),
        "{problems:?}"
    );
    assert!(!problems.concat().contains("hunter2"), "{problems:?}");

    let options = "/data/options.json";
    let surroundings = Fixed::default()
        .with_variable("TOY2MQTT_ADDON_OPTIONS", options)
        .with_file(options, "{\n\"mqtt\": nonsense}");
    let problems = said(&surroundings);
    assert!(
        problems[0].starts_with("/data/options.json:2: not JSON: "),
        "{problems:?}"
    );
}

#[test]
fn settings_that_do_not_go_together() {
    let cases: &[(&str, &[&str])] = &[
        (
            "mqtt.password = 'x'",
            &["1: mqtt.password: needs mqtt.username: MQTT has no password without a user"],
        ),
        (
            "mqtt.base_topic = 'homeassistant/x'",
            &[
                "1: mqtt.base_topic: \"homeassistant/x\" and home_assistant.discovery_prefix \"homeassistant\" overlap: change one of them",
            ],
        ),
        (
            "home_assistant.status_topic = 'toy2mqtt/status'",
            &[
                "1: home_assistant.status_topic: lies within mqtt.base_topic, where only the bridge may publish",
            ],
        ),
        (
            "home_assistant.status_online = 'offline'",
            &[
                "1: home_assistant.status_offline: is the same as status_online, so nobody could tell them apart",
            ],
        ),
        (
            "mqtt.url = 'mqtt://b'\nmqtt.client_key = 'k'",
            &[
                "2: mqtt.client_key: needs TLS: write mqtts:// in mqtt.url, or remove this",
                "2: mqtt.client_key: k cannot be read: entity not found",
                "2: mqtt.client_key: needs mqtt.client_cert",
            ],
        ),
        (
            "[[lovense_lan]]\nhost = 'a'\ntrust = 'pin'",
            &["3: lovense_lan[0].trust: needs scheme = \"https\""],
        ),
        (
            "[[lovense_lan]]\nhost = 'a'\n[[lovense_lan]]\nhost = 'A'",
            &["4: lovense_lan[1].host: is listed twice: remove one of the two"],
        ),
        (
            "[[lovense_lan]]\nhost = 'a'\nlease = '2s'\npace = '1500ms'",
            &[
                "4: lovense_lan[0].pace: is over half of the lease, which could not be renewed in time",
            ],
        ),
        (
            "[[buttplug]]\nurl = 'ws://a'\nname = 'x'\nprotocol = 4\n[[buttplug]]\nurl = 'ws://b'\nname = 'y'\nprotocol = 5",
            &["8: buttplug[1].protocol: expected \"auto\", \"4\" or \"3\", found a number"],
        ),
        (
            "[[buttplug]]\nlisten = '0.0.0.0:12346'\nrescan = '10s'",
            &[
                "2: buttplug[0].listen: anybody in the network could connect: set token as well",
                "3: buttplug[0].rescan: is shorter than scan",
            ],
        ),
        (
            "[[buttplug]]\nurl = 'ws://a'\nname = 'x'\n[[buttplug]]\nurl = 'ws://A:12345/'\nname = 'x'\n[[buttplug]]\nname = 'y'",
            &[
                "5: buttplug[1].url: is listed twice: remove one of the two",
                "6: buttplug[1].name: another server has this name",
            ],
        ),
        (
            "[wsdm]\nenabled = true\nlisten = '0.0.0.0:54817'",
            &["3: wsdm.listen: anybody in the network could connect: set wsdm.token as well"],
        ),
        (
            "[wsdm]\nenabled = true\nlisten = '0.0.0.0:54817'\ntoken = 'short'",
            &["4: wsdm.token: is too short: at least 12 characters"],
        ),
        (
            "[wsdm]\nenabled = true\ntoken = 'not/part/of/a/path'",
            &["3: wsdm.token: may only have letters, digits and - . _ ~"],
        ),
        (
            "[[lovense_cloud]]\nplatform = 'x'\n[[lovense_cloud]]\ntoken = 't'",
            &["3: lovense_cloud[1].platform: missing: add a name of up to 64 characters"],
        ),
        (
            "[[lovense_cloud]]\nplatform = 'x'\ntoken = 't'\n[[lovense_cloud]]\nplatform = 'x'\ntoken = 't'",
            &[
                "6: lovense_cloud[1].token: is listed twice: remove one of the two, or give one a uid of its own",
            ],
        ),
        (
            "[[lovense_cloud]]\nplatform = 'x'\ntoken = 't'\nuid = 'a,b'\nurl = 'http://example.org'\nlease = 'off'",
            &[
                "4: lovense_cloud[0].uid: \"a,b\" is not 1 to 64 letters, digits and - . _",
                "5: lovense_cloud[0].url: \"http://example.org\" would show the token to everybody on the way: write https://",
                "6: lovense_cloud[0].lease: \"off\" is not a duration: write e.g. \"5s\", \"250ms\" or \"1m 30s\"",
            ],
        ),
        (
            "[[lovense_cloud]]\nplatform = 'x'\ntoken = 't'\nlease = '2s'\npace = '2s'",
            &[
                "5: lovense_cloud[0].pace: is over half of the lease, which could not be renewed in time",
            ],
        ),
        (
            "safety.default_level = 0",
            &["1: safety.default_level: must be above 0: a bare \"on\" would do nothing"],
        ),
        (
            "[[toy]]\nname = 'x'",
            &["1: toy[0]: needs an id or an address"],
        ),
        (
            "[[toy]]\nid = 'toy_00000001'\naddress = 'F0:82:C0:02:46:FA'",
            &["3: toy[0].address: is that of toy_d3ef8320, not of the id"],
        ),
        (
            "[[toy]]\nid = 'toy_00000001'\nalso = ['toy_00000001']",
            &["3: toy[0].also: toy_00000001 has a [[toy]] of its own"],
        ),
        (
            "[[toy]]\nid = 'toy_00000001'\nprefer = ['lan', 'bluetooth']",
            &[
                "3: toy[0].prefer[1]: \"bluetooth\" is not \"ble\", \"lan\", \"buttplug\", \"wsdm\" or \"cloud\"",
            ],
        ),
        (
            "[[toy]]\nid = 'toy_00000001'\nname = 'A'\n[[toy]]\nid = 'toy_00000001'\nname = 'a'",
            &[
                "4: toy[1]: this toy is listed twice: put everything in one [[toy]]",
                "6: toy[1].name: another toy has this name",
            ],
        ),
        (
            "[[toy]]\nid = 'toy_1'",
            &["2: toy[0].id: \"toy_1\" is not a toy id (toy_ and 8 hex digits)"],
        ),
        (
            "[[toy]]\nid = 'toy_00000001'\nlimits = { vibrat_1 = 5 }",
            &["3: toy[0].limits.vibrat_1: \"vibrat_1\" names no output; did you mean `vibrate`?"],
        ),
        (
            "[[toy]]\nid = 'toy_00000001'\nname = 'Alpha'\n[[group]]\nname = 'duo'\ntoys = ['Alhpa', 'alpha', 'toy_00000001']\n[[group]]\nname = 'duo'\ntoys = []",
            &[
                "6: group[0].toys[0]: no [[toy]] is called \"Alhpa\"; did you mean \"Alpha\"?",
                "6: group[0].toys[2]: this toy is in the group already",
                "8: group[1].name: another group has this name",
                "9: group[1].toys: a group needs at least one toy",
            ],
        ),
        (
            "[ble]\nenabled = true\nallow = ['F0:82:C0:02:46:FA']\ndeny = ['f082c00246fa']",
            &["4: ble.deny: has f082c00246fa, which ble.allow has too"],
        ),
        (
            "[[pattern]]\nname = 'Off'\nlevels = []",
            &[
                "2: pattern[0].name: a pattern's name is 1 to 40 characters, and neither \"Off\" nor \"none\"",
            ],
        ),
        (
            "[[pattern]]\nname = 'x'\nlevels = [1, 101, 'y']",
            &[
                "3: pattern[0].levels[1]: out of range: expected a number from 0 to 100 (percent)",
                "3: pattern[0].levels[2]: expected a number from 0 to 100 (percent), found text",
                // Nothing follows from what could not be read.
            ],
        ),
    ];
    for (file, expected) in cases {
        assert_eq!(errors(file), *expected, "{file}");
    }
}

#[test]
fn what_is_allowed_but_unwise_is_a_warning() {
    let cases = [
        (
            "[[lovense_lan]]\nhost = 'a'\nlease = 'off'",
            "3: lovense_lan[0].lease: a toy runs on if the bridge is killed or loses the app",
        ),
        (
            "[[lovense_lan]]\nhost = 'a'\nscheme = 'https'\ntrust = 'insecure'",
            "4: lovense_lan[0].trust: any certificate is accepted: prefer \"pin\"",
        ),
        (
            "[[lovense_lan]]\nhost = 'a'\ntrust = 'insecure'",
            "3: lovense_lan[0].trust: has no effect without scheme = \"https\"",
        ),
        (
            "[[lovense_lan]]\nhost = 'a'\nevents = false\nevents_port = 5",
            "4: lovense_lan[0].events_port: has no effect with events = false",
        ),
        (
            "[ble]\nenabled = false\nscan = 'all'\n[[lovense_lan]]\nhost = 'a'",
            "3: ble.scan: has no effect without ble.enabled = true",
        ),
        (
            "[[buttplug]]\nurl = 'ws://a'\n[[buttplug]]\nurl = 'ws://b'",
            "3: buttplug[1].name: without a name its toys would be new ones whenever the order of the servers is changed",
        ),
        (
            "[[lovense_cloud]]\nplatform = 'x'",
            "1: lovense_cloud[0]: has no effect without token or token_file: the developer dashboard has it",
        ),
        (
            "safety.max_level = 20",
            "1: safety.default_level: is above safety.max_level, which bounds it",
        ),
        (
            "[[toy]]\nid = 'toy_00000001'\nmax = 30\nlimits = { vibrate = 40 }",
            "4: toy[0].limits.vibrate: has no effect above the toy's limit of 30 %",
        ),
    ];
    for (file, expected) in cases {
        assert_eq!(warnings(file), [expected], "{file}");
    }
}

#[test]
fn with_no_way_to_reach_toys_it_says_so() {
    let said = said(&Fixed::default());
    assert_eq!(
        said,
        [
            "warning: settings: lovense_lan: no toy can be reached: add [[lovense_lan]] with the host of the app \
             or [[buttplug]] with the URL of a server, or switch Bluetooth on with ble.enabled"
        ]
    );
}

#[test]
fn problems_are_json_for_programs() {
    let surroundings = Fixed::default()
        .with_file(FILE, "x = 1")
        .with_variable("TOY2MQTT_LOG__LEVEL", "loud");
    let problems = load(&Flags::default(), &surroundings).expect_err("wrong");
    let json: Vec<_> = problems.0.iter().map(|p| p.to_json()).collect();
    assert_eq!(json[0]["variable"], "TOY2MQTT_LOG__LEVEL");
    assert_eq!(json[0]["key"], "log.level");
    assert_eq!(json[1]["file"], FILE);
    assert_eq!(json[1]["line"], 1);
    assert_eq!(json[1]["severity"], "error");
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused(text in "(\\PC|\\n){0,200}") {
        said(&Fixed::default().with_file(FILE, text));
    }

    #[test]
    fn any_mangled_example_is_read_or_refused(
        cut in 0usize..12_000, put in "[\\[\\]{}=\"'#,.\\n0-9a-z]{0,12}"
    ) {
        let example = toy2mqtt::config::reference::example().replace("\n#", "\n");
        let cut = (cut..=example.len()).find(|at| example.is_char_boundary(*at));
        let (head, tail) = example.split_at(cut.unwrap_or(example.len()));
        said(&Fixed::default().with_file(FILE, format!("{head}{put}{tail}")));
    }

    #[test]
    fn any_options_are_read_or_refused(text in "[\\[\\]{}\",:a-z0-9 \\\\]{0,100}") {
        let options = "/data/options.json";
        let surroundings = Fixed::default()
            .with_variable("TOY2MQTT_ADDON_OPTIONS", options)
            .with_file(options, text);
        said(&surroundings);
    }

    #[test]
    fn any_variable_is_read_or_refused(
        name in "(MQTT|LOVENSE_LAN|TOY|_|__|0|1|HOST|URL|[A-Z]){0,6}", value in "\\PC{0,20}"
    ) {
        said(&Fixed::default().with_variable(format!("TOY2MQTT_{name}"), value));
    }

    #[test]
    fn any_override_is_read_or_refused(text in "[a-z_.\\[\\]0-9=]{0,30}") {
        if let Ok(own) = text.parse::<Override>() {
            let flags = Flags { overrides: vec![own], ..Flags::default() };
            said_with(&flags, &Fixed::default());
        }
    }
}

#[test]
fn a_panel_for_others_needs_a_token_or_ingress() {
    let lines = |more: &str| format!("[web]\nlisten = \"0.0.0.0:8099\"\n{more}");
    let alone = errors(&lines("")).join("\n");
    assert!(
        alone.contains("web.listen: lets others than this machine in"),
        "{alone}"
    );
    let short = errors(&lines("token = \"short\"")).join("\n");
    assert!(short.contains("web.token: is too short"), "{short}");
    assert!(!short.contains("\"short\""), "{short}");
    for good in ["token = \"a long and random text\"", "ingress = true"] {
        let found = load(
            &Flags::default(),
            &Fixed::default().with_file(FILE, lines(good)),
        );
        assert!(found.is_ok(), "{good}");
    }
}
