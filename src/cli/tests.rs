use std::time::Duration;

use clap::{CommandFactory, error::ErrorKind};

use super::*;
use crate::config::Fixed;
use crate::config::types::{LogLevel, ToyRef};
use crate::domain::{ErrorCode, Level, OutputKey, OutputKind, SetCommand};

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(["toy2mqtt"].into_iter().chain(line.split_whitespace()))
}

fn command(line: &str) -> Command {
    parse(line)
        .unwrap_or_else(|error| panic!("{error}"))
        .command
}

fn refused(line: &str) -> String {
    parse(line).expect_err(line).to_string()
}

/// What a command prints, and how it ends.
fn answered(line: &str, surroundings: &Fixed) -> (Exit, String) {
    let mut out = Vec::new();
    let cli = parse(line).unwrap_or_else(|error| panic!("{error}"));
    let exit = answer(&cli, surroundings, &mut out).expect("answered here");
    let exit = exit.expect("written to memory");
    (exit, String::from_utf8(out).expect("text"))
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn settings_flags_stand_before_or_after_the_command() {
    for line in [
        "--config x.toml --log-level debug -o mqtt.base_topic=a -o log.format=json run",
        "run -c x.toml --log-level debug --override mqtt.base_topic=a -o log.format=json",
    ] {
        let cli = parse(line).unwrap_or_else(|error| panic!("{error}"));
        let flags = cli.settings.flags();
        assert_eq!(flags.file, Some("x.toml".into()));
        assert_eq!(flags.log_level, Some(LogLevel::Debug));
        assert_eq!(flags.overrides.len(), 2);
        assert_eq!(flags.overrides[0].key, "mqtt.base_topic");
    }
    assert!(refused("run --log-level loud").contains("\"error\", \"warn\", \"info\""));
    let secret = refused("run -o mqtt.password=hunter2");
    assert!(secret.contains("TOY2MQTT_MQTT__PASSWORD_FILE"), "{secret}");
}

#[test]
fn set_with_everything() {
    let line = "set alpha vibrate_2 40 --for 2s --transition 1m --repeat 3 --pause 500ms --json";
    let Command::Set(args) = command(line) else {
        panic!("not set");
    };
    assert_eq!(args.toy, ToyRef::Name("alpha".to_owned()));
    assert!(args.json);
    assert_eq!(args.timeout, Duration::from_secs(5));
    let key = OutputKey::numbered(OutputKind::Vibrate, 2);
    let expected = SetCommand {
        hold: Some(Duration::from_secs(2)),
        transition: Some(Duration::from_secs(60)),
        repeat: Some(3),
        pause: Some(Duration::from_millis(500)),
        ..SetCommand::output(key, Level::from_permille(400))
    };
    assert_eq!(args.command(), expected);
}

#[test]
fn set_all_intensities_and_negative_levels() {
    let Command::Set(args) = command("set toy_1a2b3c4d all 60%") else {
        panic!("not set");
    };
    assert!(matches!(args.toy, ToyRef::Id(_)));
    assert_eq!(args.command().brightness, Some(Level::from_permille(600)));
    let Command::Set(args) = command("set alpha rotate -25.5") else {
        panic!("not set");
    };
    assert_eq!(args.level, Level::from_permille(-255));
}

#[test]
fn what_set_refuses() {
    for (line, says) in [
        ("set alpha vibrate 101", "outside -100 to 100"),
        ("set alpha vibrate NaN", "outside -100 to 100"),
        ("set alpha vibrate much", "not a number of percent"),
        ("set alpha vibrat 5", "not an output"),
        ("set alpha vibrate 5 --for 0s", "longer than nothing"),
        ("set alpha vibrate 5 --for soon", "not a duration"),
        ("set alpha vibrate 5 --repeat 2", "--for"),
        ("set alpha vibrate 5 --for 1s --pause 1s", "--repeat"),
        ("set alpha vibrate 5 --for 1s --repeat 0", "0 is not in"),
        ("set alpha vibrate", "PERCENT"),
    ] {
        let error = refused(line);
        assert!(error.contains(says), "{line}: {error}");
    }
}

#[test]
fn stop_takes_a_toy_or_none() {
    let Command::Stop(all) = command("stop") else {
        panic!("not stop");
    };
    assert_eq!(all.toy, None);
    let Command::Stop(one) = command("stop alpha --json") else {
        panic!("not stop");
    };
    assert_eq!(
        (one.toy, one.json),
        (Some(ToyRef::Name("alpha".to_owned())), true)
    );
}

#[test]
fn simulations() {
    let Command::Simulate(args) = command("simulate") else {
        panic!("not simulate");
    };
    assert_eq!(args.listen.to_string(), "127.0.0.1:20010");
    assert_eq!((args.models.toys, args.lively), (3, false));
    let Command::Demo(args) = command("demo --models lush,edge --mqtt-port 0 --still") else {
        panic!("not demo");
    };
    assert_eq!(args.models.models, ["lush", "edge"]);
    assert!(args.listen.is_loopback());
    assert_eq!((args.mqtt_port, args.still), (0, true));
    let Command::Simulate(args) = command("simulate --wsdm ws://[::1]:54817/token") else {
        panic!("not simulate");
    };
    assert_eq!(args.wsdm.as_deref(), Some("ws://[::1]:54817/token"));
    for (url, says) in [
        ("wss://bridge", "no TLS"),
        ("bridge:54817", "write e.g. ws://"),
        ("ws://", "write e.g. ws://"),
        ("ws://a --lively", "cannot be used with"),
    ] {
        let error = refused(&format!("simulate --wsdm {url}"));
        assert!(error.contains(says), "{url}: {error}");
    }
    refused("simulate --toys 0");
    refused("simulate --toys 2 --models lush");
}

#[test]
fn nothing_asked_is_answered_with_help() {
    let error = parse("").expect_err("help");
    assert_eq!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    assert_eq!(error.exit_code(), i32::from(Exit::Usage.code()));
}

#[test]
fn help_names_every_command_and_exit_code() {
    let help = Cli::command().render_long_help().to_string();
    for exit in Exit::ALL {
        let line = format!("  {}  {}", exit.code(), exit.meaning());
        assert!(help.contains(&line), "{line}");
    }
    for command in Cli::command().get_subcommands() {
        assert!(help.contains(command.get_name()));
        let own = command.clone().render_long_help().to_string();
        assert!(own.contains("Examples:"), "{}", command.get_name());
    }
}

#[test]
fn every_rejection_has_an_exit_code_of_its_kind() {
    for code in ErrorCode::ALL {
        assert_ne!(Exit::from(code), Exit::Ok);
    }
    assert_eq!(Exit::from(ErrorCode::Offline), Exit::NotFound);
    assert_eq!(Exit::from(ErrorCode::Quiet), Exit::Refused);
}

#[test]
fn check_sums_up_good_settings() {
    let file = "mqtt.url = 'mqtts://broker.lan'\nmqtt.username = 'me'\nmqtt.password = '0815'\n\
                [[lovense_lan]]\nhost = 'phone'\nport = 20010";
    let surroundings = Fixed::default().with_file("x.toml", file);
    let (exit, text) = answered("check -c x.toml", &surroundings);
    assert_eq!(exit, Exit::Ok);
    assert!(text.starts_with("settings read from x.toml\n"), "{text}");
    assert!(
        text.contains("mqtts://broker.lan:8883 as me, topics under toy2mqtt"),
        "{text}"
    );
    assert!(text.contains("http://phone:20010"), "{text}");
    assert!(!text.contains("0815"), "{text}");

    let (exit, text) = answered("check -c x.toml --json", &surroundings);
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(exit, Exit::Ok);
    assert_eq!(json["ok"], true);
    assert_eq!(json["settings"]["mqtt"]["password"], "<redacted>");
}

#[test]
fn check_lists_every_problem() {
    let surroundings = Fixed::default().with_file("x.toml", "a = 1\nmqtt.base_topic = '#'\n");
    let (exit, text) = answered("check -c x.toml", &surroundings);
    assert_eq!(exit, Exit::Settings);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[3], "2 errors: the bridge would not start");

    let (exit, text) = answered("check -c x.toml --json", &surroundings);
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((exit, &json["ok"]), (Exit::Settings, &false.into()));
    assert_eq!(json["problems"].as_array().map(Vec::len), Some(3));
}

#[test]
fn schemas_of_settings_are_answered_here_and_others_elsewhere() {
    for kind in ["config", "config-json", "config-example"] {
        let (exit, text) = answered(&format!("schema {kind}"), &Fixed::default());
        assert_eq!(exit, Exit::Ok);
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{kind}");
    }
    let elsewhere = parse("schema mqtt").expect("known");
    assert!(answer(&elsewhere, &Fixed::default(), &mut Vec::new()).is_none());
}
