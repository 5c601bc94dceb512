//! Secrets stay secret, and are taken as they are.

use toy2mqtt::config::{Fixed, Flags, Loaded, Override, load};

const FILE: &str = "toy2mqtt.toml";
const SECRET: &str = "hunter2-0815";

fn loaded(surroundings: &Fixed) -> Loaded {
    load(&Flags::default(), surroundings).unwrap_or_else(|problems| panic!("{problems}"))
}

fn password(surroundings: &Fixed) -> String {
    let password = loaded(surroundings).config.mqtt.password;
    password.expect("a password").reveal().to_owned()
}

fn named() -> Fixed {
    Fixed::default().with_variable("TOY2MQTT_MQTT__USERNAME", "me")
}

#[test]
fn digits_stay_text_and_keep_their_zeros() {
    let surroundings = named().with_variable("TOY2MQTT_MQTT__PASSWORD", "00815");
    assert_eq!(password(&surroundings), "00815");
    for odd in ["true", " x ", "[1]", "\"quoted\"", "1e5", "a,b"] {
        let surroundings = named().with_variable("TOY2MQTT_MQTT__PASSWORD", odd);
        assert_eq!(password(&surroundings), odd);
    }
}

#[test]
fn a_secret_comes_from_a_file() {
    let path = "/run/secrets/mqtt";
    let surroundings = named()
        .with_variable("TOY2MQTT_MQTT__PASSWORD_FILE", path)
        .with_public_file(path, "00815\n");
    assert_eq!(password(&surroundings), "00815");
}

#[test]
fn the_stronger_layer_wins_whichever_form_it_has() {
    let by_file = named()
        .with_file(FILE, "mqtt.password = 'weak'")
        .with_variable("TOY2MQTT_MQTT__PASSWORD_FILE", "/secret")
        .with_file("/secret", "strong");
    assert_eq!(password(&by_file), "strong");
    // The weaker layer's file is not even looked for.
    let by_text = named()
        .with_file(FILE, "mqtt.password_file = '/missing'")
        .with_variable("TOY2MQTT_MQTT__PASSWORD", "strong");
    assert_eq!(password(&by_text), "strong");
}

#[test]
fn files_that_are_missing_empty_or_public_are_reported() {
    let told = |files: Fixed| {
        let surroundings = files.with_variable("TOY2MQTT_MQTT__PASSWORD_FILE", "/secret");
        match load(&Flags::default(), &surroundings) {
            Ok(loaded) => loaded.warnings[0].to_string(),
            Err(problems) => problems.to_string(),
        }
    };
    assert!(told(named()).contains("/secret cannot be read"));
    assert!(told(named().with_file("/secret", "\n")).contains("/secret is empty"));
    let public = told(named().with_public_file("/secret", SECRET));
    assert!(public.contains("everybody on this machine may read /secret"));
    let inside = named().with_public_file(FILE, format!("mqtt.password = '{SECRET}'"));
    let warning = loaded(&inside).warnings[0].to_string();
    assert!(warning.contains("may read this file"), "{warning}");
    assert!(!warning.contains(SECRET), "{warning}");
}

#[test]
fn nothing_that_can_be_printed_holds_a_secret() {
    let surroundings = named().with_variable("TOY2MQTT_MQTT__PASSWORD", SECRET);
    let loaded = loaded(&surroundings);
    assert!(!format!("{loaded:?}").contains(SECRET));
    let shown = loaded.config.redacted();
    assert_eq!(shown["mqtt"]["password"], "<redacted>");
    assert!(!shown.to_string().contains(SECRET));
    let secret = loaded.config.mqtt.password.expect("a password");
    let json = serde_json::to_string(&secret).expect("serialises");
    assert_eq!(json, "\"<redacted>\"");
}

#[test]
fn no_error_quotes_a_secret() {
    // Of the wrong type, in the wrong place, under a misspelt key, in a URL, in broken TOML.
    let files = [
        "mqtt.password = 815081508150".to_owned(),
        format!("mqtt.password = ['{SECRET}']"),
        format!("mqtt.passwrd = '{SECRET}'"),
        format!("mqtt = '{SECRET}'"),
        format!("mqtt.url = 'mqtt://me:{SECRET}@broker'"),
        format!("mqtt.password = '{SECRET}"),
        format!("mqtt.password = {SECRET}"),
        format!("mqtt.password = \"\\q{SECRET}\""),
        format!("[mqtt]\npassword = '{SECRET}'\npassword = '{SECRET}'"),
    ];
    for file in files {
        let surroundings = Fixed::default().with_file(FILE, &*file);
        let problems = load(&Flags::default(), &surroundings).expect_err("wrong");
        for problem in &problems.0 {
            let text = format!("{problem} {problem:?} {}", problem.to_json());
            assert!(!text.contains(SECRET), "{text}");
            assert!(!text.contains("815081508150"), "{text}");
        }
    }
}

#[test]
fn a_secret_is_not_taken_from_the_command_line() {
    let error = "mqtt.password=hunter2".parse::<Override>();
    let error = error.expect_err("refused").to_string();
    assert!(error.contains("TOY2MQTT_MQTT__PASSWORD_FILE"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_token_of_a_list_comes_from_its_file_and_stays_secret() {
    let file = "[[lovense_cloud]]\nplatform = 'p'\ntoken_file = '/token'\n\
                [[lovense_cloud]]\nplatform = 'p'\nuid = 'b'\ntoken = 'other-secret'";
    let surroundings = Fixed::default()
        .with_file(FILE, file)
        .with_file("/token", format!("{SECRET}\n"));
    let loaded = loaded(&surroundings);
    let [first, second] = loaded.config.lovense_cloud.as_slice() else {
        panic!("two accounts");
    };
    let token = |token: &Option<toy2mqtt::config::Secret>| {
        let token = token.as_ref().expect("a token");
        token.reveal().to_owned()
    };
    assert_eq!(token(&first.token), SECRET);
    assert_eq!(token(&second.token), "other-secret");
    let shown = format!("{loaded:?} {}", loaded.config.redacted());
    assert!(!shown.contains(SECRET) && !shown.contains("other-secret"));
}
