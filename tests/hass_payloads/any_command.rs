//! What holds for commands of any content.

use proptest::prelude::*;
use serde_json::{Value, json};
use toy2mqtt::domain::{Level, OutputKind, SetCommand};
use toy2mqtt::hass::command::{self, ATTRIBUTES, Change, MAX_TIME, Parsed, attribute};

use crate::command::{ROTATE, accepted, nora};

/// JSON that is nearly a command.
fn nearly() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        "(vibrate|rotate|state|brightness|effect|transition|for|repeat|pause|id|level)",
        "[a-z_0-9]{0,12}",
    ];
    let value = prop_oneof![
        any::<f64>().prop_map(|number| json!(number)),
        (-120i32..120).prop_map(|number| json!(number)),
        "(ON|off|Wave|2s|10min|5 days|[0-9]{1,30}(s|y|ns)|\\PC{0,10})".prop_map(Value::from),
        Just(json!(null)),
        Just(json!([{}])),
        any::<bool>().prop_map(Value::from),
    ];
    let entry = (key, value).prop_map(|(key, value)| format!("{key:?}: {value}"));
    proptest::collection::vec(entry, 0..5).prop_map(|entries| format!("{{{}}}", entries.join(",")))
}

/// Whatever is accepted keeps all the rules.
fn keeps_the_rules(parsed: &Parsed) -> Result<(), TestCaseError> {
    if let Some(id) = &parsed.id {
        prop_assert!((1..=64).contains(&id.chars().count()));
    }
    let command = match &parsed.change {
        Ok(Change::Set(command)) => command,
        Ok(Change::Limit(limit)) => {
            prop_assert!((0..=1000).contains(&limit.permille()));
            return Ok(());
        }
        Ok(Change::Flash) => return Ok(()),
        Err(rejection) => {
            prop_assert!(!rejection.message.is_empty() && rejection.message.len() < 1_000);
            return Ok(());
        }
    };
    for (key, level) in &command.levels {
        prop_assert!(*level >= Level::ZERO || key.kind == OutputKind::Rotate);
    }
    prop_assert!(command.brightness.is_none_or(|level| level >= Level::ZERO));
    let times = [command.transition, command.hold, command.pause];
    prop_assert!(times.into_iter().flatten().all(|time| time <= MAX_TIME));
    prop_assert!(command.repeat.is_none() || command.hold.is_some());
    prop_assert!(command.pause.is_none() || command.repeat.is_some());
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        payload in proptest::collection::vec(any::<u8>(), 0..100),
        name in "\\PC{0,50}",
        index in 0..ATTRIBUTES.len(),
    ) {
        let toy = nora();
        for toy in [Some(&toy), None] {
            keeps_the_rules(&command::set(toy, &payload))?;
            for name in [&name, ATTRIBUTES[index], "vibrate"] {
                keeps_the_rules(&attribute(toy, name, &payload))?;
            }
        }
        let _ = command::switch(&payload);
    }

    #[test]
    fn near_commands_are_read_or_refused(
        payload in nearly(),
        index in 0..ATTRIBUTES.len(),
    ) {
        let toy = nora();
        for toy in [Some(&toy), None] {
            keeps_the_rules(&command::set(toy, payload.as_bytes()))?;
            for name in [ATTRIBUTES[index], "rotate"] {
                keeps_the_rules(&attribute(toy, name, payload.as_bytes()))?;
            }
        }
    }

    #[test]
    fn whatever_a_slider_sends_is_taken(tenths in -1000..=1000i32) {
        let number = f64::from(tenths) / 10.0;
        let parsed = attribute(Some(&nora()), "rotate", number.to_string().as_bytes());
        let expected = SetCommand::output(ROTATE, Level::from_permille(tenths));
        prop_assert_eq!(accepted(&parsed), &expected);
    }
}
