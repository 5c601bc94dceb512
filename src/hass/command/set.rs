//! `<toy>/set`: a JSON object, or a word that means on or off.

use serde_json::Value;

use super::fields::{Fields, id, percent, power, signed_percent, text, unknown};
use super::{Change, Parsed, invalid, json, off, timing};
use crate::domain::{
    ErrorCode, Level, OutputKey, OutputKind, Rejection, SetCommand, ToyDescription,
};

/// The most characters of an effect's name; patterns have at most 40.
const MAX_EFFECT: usize = 64;

/// Reads a payload of `<toy>/set`, `all/set` or `<group>/set`.
///
/// With the description of a single toy, outputs that it does not have and levels below 0 that it
/// cannot take are refused here, with a better reason than the engine could give.
///
/// What means off is never refused: see [`off`].
#[must_use]
pub fn set(toy: Option<&ToyDescription>, payload: &[u8]) -> Parsed {
    let mut parsed = strictly(toy, payload);
    parsed.change = match parsed.change {
        Ok(Change::Set(command)) => Ok(Change::Set(off::settled(command))),
        Err(rejection) => match off::of_set(toy, payload) {
            Some(command) => Ok(Change::Set(command)),
            None if flashes(&parsed.requested) => Ok(Change::Flash),
            None => Err(rejection),
        },
        change => change,
    };
    parsed
}

/// Whether Home Assistant's `flash` is asked for. Its payload says ON as well.
fn flashes(requested: &Value) -> bool {
    let flash = requested.get("flash");
    flash.is_some_and(|flash| !flash.is_null() && *flash != false)
}

fn strictly(toy: Option<&ToyDescription>, payload: &[u8]) -> Parsed {
    if let Ok(word) = super::text(payload) {
        let word = Value::from(word.trim());
        // A bare 1 may be a level.
        if word != "1"
            && let Ok(on) = power("state", &word)
        {
            let command = SetCommand {
                power: Some(on),
                ..SetCommand::default()
            };
            return Parsed {
                id: None,
                requested: word,
                change: Ok(Change::Set(command)),
            };
        }
    }
    let object = match json::object(payload) {
        Ok(object) => object,
        Err(rejection) => return Parsed::rejected(Value::Null, rejection),
    };
    let requested = Value::Object(object.clone());
    let mut fields = Fields::new(object);
    let id = match fields.read("id", id) {
        Ok(id) => id,
        Err(rejection) => return Parsed::rejected(requested, rejection),
    };
    Parsed {
        id,
        requested,
        change: read(fields, toy).map(Change::Set),
    }
}

fn read(mut fields: Fields, toy: Option<&ToyDescription>) -> Result<SetCommand, Rejection> {
    let mut command = timing::read(&mut fields)?;
    command.power = fields.read("state", power)?;
    command.brightness = fields.read("brightness", percent)?;
    command.effect = fields.read("effect", effect)?;
    for (key, value) in fields.rest() {
        let Ok(output) = key.parse::<OutputKey>() else {
            return Err(unknown_output(&key, toy));
        };
        let level = level(&key, output, &value, toy)?;
        command.levels.insert(output, level);
    }
    let asks = command.power.is_some()
        || command.brightness.is_some()
        || command.effect.is_some()
        || !command.levels.is_empty();
    if !asks {
        let rule = "asks nothing: name an output, state, brightness or effect";
        return Err(invalid("payload", rule));
    }
    Ok(command)
}

/// The level of an output. `key` is where it stands in the payload.
pub(super) fn level(
    key: &str,
    output: OutputKey,
    value: &Value,
    toy: Option<&ToyDescription>,
) -> Result<Level, Rejection> {
    let signed = match toy {
        Some(toy) => match toy.output(output) {
            Some((_, found)) => found.signed,
            None => return Err(not_there(output, toy)),
        },
        // The engine knows the toys and says which of them cannot.
        None => output.kind == OutputKind::Rotate,
    };
    if signed {
        signed_percent(key, value)
    } else {
        percent(key, value)
    }
}

/// The name of a pattern. Words that mean off are brought to the form that plays nothing.
pub(super) fn effect(key: &str, value: &Value) -> Result<String, Rejection> {
    let name = text(MAX_EFFECT)(key, value)?;
    if off::is_no_effect(&name) {
        Ok(SetCommand::NO_EFFECT.to_owned())
    } else {
        Ok(name)
    }
}

/// The toy has no such output.
fn not_there(output: OutputKey, toy: &ToyDescription) -> Rejection {
    let has: Vec<_> = toy.outputs.iter().map(|o| o.key.to_string()).collect();
    let has = if has.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", has.join(", "))
    };
    let message = format!("{output}: this toy has no such output; {has}");
    Rejection::new(ErrorCode::Unsupported, message)
}

fn unknown_output(key: &str, toy: Option<&ToyDescription>) -> Rejection {
    let outputs: Vec<String> = match toy {
        Some(toy) => toy.outputs.iter().map(|o| o.key.to_string()).collect(),
        None => OutputKind::ALL.map(|kind| kind.as_str().to_owned()).into(),
    };
    let words = ["state", "brightness", "effect", "id"];
    let known = words.into_iter().chain(timing::KEYS);
    unknown(key, known.chain(outputs.iter().map(String::as_str)))
}
