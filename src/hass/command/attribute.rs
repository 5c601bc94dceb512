//! `<toy>/<attribute>/set`: one thing, as a bare value or as JSON with `level`.

use serde_json::Value;

use super::fields::{Fields, id, percent, power};
use super::set::{effect, level};
use super::suggest::suggestion;
use super::{Change, Parsed, invalid, json, off, text, timing};
use crate::domain::{Class, Level, OutputKey, OutputKind, Rejection, SetCommand, ToyDescription};

/// The attributes that are no outputs.
pub const ATTRIBUTES: [&str; 4] = ["brightness", "effect", "limit", "state"];

/// What the last part of the topic names.
#[derive(Clone, Copy)]
enum Attribute {
    Output(OutputKey),
    Brightness,
    Effect,
    Limit,
    State,
}

/// Reads a payload of `<toy>/<attribute>/set`; the attribute is an output, or one of
/// [`ATTRIBUTES`].
///
/// A limit is only taken for a single toy, that is with its description. What means off is never
/// refused: see [`off`].
#[must_use]
pub fn attribute(toy: Option<&ToyDescription>, attribute: &str, payload: &[u8]) -> Parsed {
    let mut parsed = strictly(toy, attribute, payload);
    parsed.change = match parsed.change {
        Ok(Change::Set(command)) => Ok(Change::Set(off::settled(command))),
        Err(rejection) => turned_off(toy, attribute, payload).ok_or(rejection),
        change => change,
    };
    parsed
}

/// What an off means for an attribute, where the rest cannot be used; for one that does not exist,
/// everything.
fn turned_off(toy: Option<&ToyDescription>, attribute: &str, payload: &[u8]) -> Option<Change> {
    if !off::of_attribute(attribute, payload) {
        return None;
    }
    let in_words = || off::in_words(attribute, payload).then(off::all);
    let command = match named(toy, attribute) {
        Ok(Attribute::Output(output)) if output.kind.class() != Class::Intensity => in_words()?,
        Ok(Attribute::Output(output)) => {
            let outputs = off::outputs(output, toy);
            if outputs.is_empty() {
                return None;
            }
            SetCommand {
                levels: outputs.into_iter().map(|key| (key, Level::ZERO)).collect(),
                ..SetCommand::default()
            }
        }
        Ok(Attribute::Effect) => SetCommand {
            effect: Some(SetCommand::NO_EFFECT.to_owned()),
            ..SetCommand::default()
        },
        Ok(Attribute::Limit) => match in_words() {
            Some(command) => command,
            None => return Some(Change::Limit(Level::ZERO)),
        },
        Ok(Attribute::Brightness | Attribute::State) | Err(_) => off::all(),
    };
    Some(Change::Set(command))
}

fn strictly(toy: Option<&ToyDescription>, attribute: &str, payload: &[u8]) -> Parsed {
    let named = match named(toy, attribute) {
        Ok(named) => named,
        Err(rejection) => return Parsed::rejected(Value::Null, rejection),
    };
    let value = match value(attribute, named, payload) {
        Ok(value) => value,
        Err(rejection) => return Parsed::rejected(Value::Null, rejection),
    };
    let requested = value.clone();
    let Value::Object(object) = value else {
        let command = SetCommand::default();
        return Parsed {
            id: None,
            requested,
            change: change(named, attribute, &value, command, toy),
        };
    };
    let mut fields = Fields::new(object);
    let id = match fields.read("id", id) {
        Ok(id) => id,
        Err(rejection) => return Parsed::rejected(requested, rejection),
    };
    Parsed {
        id,
        requested,
        change: read(fields, named, toy),
    }
}

fn named(toy: Option<&ToyDescription>, attribute: &str) -> Result<Attribute, Rejection> {
    if let Ok(output) = attribute.parse() {
        return Ok(Attribute::Output(output));
    }
    match attribute {
        "brightness" => Ok(Attribute::Brightness),
        "effect" => Ok(Attribute::Effect),
        "state" => Ok(Attribute::State),
        "limit" if toy.is_some() => Ok(Attribute::Limit),
        "limit" => Err(invalid("limit", "can only be set for one toy at a time")),
        unknown => {
            let kinds = OutputKind::ALL.map(OutputKind::as_str);
            let known = ATTRIBUTES.into_iter().chain(kinds);
            let shown: String = unknown.chars().take(40).collect();
            let rule = format!("unknown attribute{}", suggestion(unknown, known));
            Err(invalid(&shown, rule))
        }
    }
}

/// The payload as JSON. Words need no quotes: Home Assistant sends them without.
fn value(key: &str, attribute: Attribute, payload: &[u8]) -> Result<Value, Rejection> {
    let word = text(payload)?.trim();
    let is_word = match attribute {
        Attribute::Effect | Attribute::State => !word.starts_with(['{', '"']),
        Attribute::Output(_) | Attribute::Brightness | Attribute::Limit => false,
    };
    if is_word {
        return Ok(Value::from(word));
    }
    match json::read(payload) {
        Ok(value) => Ok(value),
        Err(_) if !word.starts_with('{') => {
            let rule = "must be a number of percent, or a JSON object with \"level\"";
            Err(invalid(key, rule))
        }
        Err(rejection) => Err(rejection),
    }
}

fn read(
    mut fields: Fields,
    attribute: Attribute,
    toy: Option<&ToyDescription>,
) -> Result<Change, Rejection> {
    let command = match attribute {
        Attribute::Limit => SetCommand::default(),
        _ => timing::read(&mut fields)?,
    };
    let level = fields.need("level", |key, value| {
        change(attribute, key, value, command, toy)
    });
    // A misspelt "level" is told by the key that is there, not by the one that is missing.
    match attribute {
        Attribute::Limit => fields.finish(&["level", "id"])?,
        _ => fields.finish(&["level", "id", "transition", "for", "repeat", "pause"])?,
    }
    level
}

fn change(
    attribute: Attribute,
    key: &str,
    value: &Value,
    mut command: SetCommand,
    toy: Option<&ToyDescription>,
) -> Result<Change, Rejection> {
    match attribute {
        Attribute::Output(output) => {
            let level = level(key, output, value, toy)?;
            command.levels.insert(output, level);
        }
        Attribute::Brightness => command.brightness = Some(percent(key, value)?),
        Attribute::Effect => command.effect = Some(effect(key, value)?),
        Attribute::State => command.power = Some(power(key, value)?),
        Attribute::Limit => return percent(key, value).map(Change::Limit),
    }
    Ok(Change::Set(command))
}
