//! What means off, however it is written.
//!
//! The other readers are strict, because what they accept may move a toy. An off can only bring a
//! toy to rest. A mistake beside it is therefore no reason to refuse it: the toy would run on after
//! its wearer has switched it off.

use serde_json::Value;

use super::{json, timing};
use crate::domain::{Class, Level, OutputKey, SetCommand, ToyDescription};

/// Words that mean off, in lower case.
const WORDS: [&str; 4] = ["off", "false", "0", "stop"];

/// No more characters of a value are looked at, in what is no JSON.
const MAX_WORD: usize = 64;

/// The keys of `set` that neither ask for more nor mean off.
const NEUTRAL: [&str; 2] = ["id", "flash"];

/// What in a payload means off.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Everything: `state` or `brightness`.
    all: bool,
    /// Single outputs.
    outputs: Vec<OutputKey>,
    /// A pattern.
    effect: bool,
    /// What stands under a key that means nothing.
    unknown: bool,
    /// Something else asks for more than 0.
    more: bool,
}

/// Off, for all outputs.
pub(super) fn all() -> SetCommand {
    SetCommand {
        power: Some(false),
        ..SetCommand::default()
    }
}

/// A command that was read, without what contradicts an off in it. An off beside a level or a
/// pattern turns off; a 0 beside a pattern starts none.
pub(super) fn settled(command: SetCommand) -> SetCommand {
    if command.power == Some(false) || command.brightness == Some(Level::ZERO) {
        return SetCommand {
            transition: command.transition,
            ..all()
        };
    }
    let plays = command.effect.as_deref();
    let plays = plays.is_some_and(|name| name != SetCommand::NO_EFFECT);
    let is_zero = |(key, level): &(&OutputKey, &Level)| {
        key.kind.class() == Class::Intensity && level.is_zero()
    };
    if plays && command.levels.iter().any(|entry| is_zero(&entry)) {
        let zeroes = command.levels.iter().filter(is_zero);
        return SetCommand {
            levels: zeroes.map(|(key, level)| (*key, *level)).collect(),
            ..SetCommand::default()
        };
    }
    command
}

/// What means off in a payload of `set` that cannot be read.
pub(super) fn of_set(toy: Option<&ToyDescription>, payload: &[u8]) -> Option<SetCommand> {
    let text = readable(payload);
    if word(&text) || json::read(payload).is_ok_and(|value| value.is_array() && is_off(&value)) {
        return Some(all());
    }
    let mut found = Found::default();
    each_pair(payload, &text, |key, value| found.note(key, value));
    found.command(toy)
}

/// Whether a payload of `<attribute>/set` means off, whatever else it holds. `name` is the
/// attribute.
pub(super) fn of_attribute(name: &str, payload: &[u8]) -> bool {
    let text = readable(payload);
    let mut off = word(&text) || json::read(payload).is_ok_and(|value| is_off(&value));
    each_pair(payload, &text, |key, value| {
        let own = ["level", "state"].contains(&key) || key.eq_ignore_ascii_case(name);
        off |= own && is_off(value);
    });
    off
}

/// Whether a payload says off in words, and not by a number, which may be a place to go to.
pub(super) fn in_words(name: &str, payload: &[u8]) -> bool {
    let text = readable(payload);
    let mut off = word(&text) && text.contains(char::is_alphabetic);
    each_pair(payload, &text, |key, value| {
        let own = ["level", "state"].contains(&key) || key.eq_ignore_ascii_case(name);
        off |= own && !value.is_number() && is_off(value) && value != "0";
    });
    off
}

/// Whether a payload means on, as far as that can be made out. For quiet, where on is what stops.
pub(super) fn means_on(payload: &[u8]) -> bool {
    let text = readable(payload);
    let mut on = is_on(&text);
    each_pair(payload, &text, |key, value| {
        on |= key.eq_ignore_ascii_case("state")
            && (*value == true || value.as_str().is_some_and(is_on));
    });
    on
}

/// The outputs that an off of `key` concerns: one way to a toy may join what another keeps apart.
pub(super) fn outputs(key: OutputKey, toy: Option<&ToyDescription>) -> Vec<OutputKey> {
    let Some(toy) = toy else { return vec![key] };
    if toy.output(key).is_some() {
        return vec![key];
    }
    let outputs = toy.outputs.iter().map(|output| output.key);
    outputs.filter(|known| known.kind == key.kind).collect()
}

/// Whether a name of a pattern is one of the words that mean off, and nothing else.
pub(super) fn is_no_effect(name: &str) -> bool {
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(name))
}

impl Found {
    fn note(&mut self, key: &str, value: &Value) {
        let key = key.trim().to_ascii_lowercase();
        let off = is_off(value);
        if NEUTRAL.contains(&key.as_str()) || timing::KEYS.contains(&key.as_str()) {
            return;
        }
        match (key.as_str(), key.parse::<OutputKey>()) {
            ("state" | "brightness", _) => {
                self.all |= off;
                self.more |= !off;
            }
            ("effect", _) if value.as_str().is_none_or(|name| is_no_effect(name.trim())) => {
                self.effect |= off;
            }
            ("effect", _) => self.more = true,
            (_, Ok(output)) if output.kind.class() == Class::Intensity && off => {
                self.outputs.push(output);
            }
            (_, Ok(_)) => self.more = true,
            (_, Err(_)) => {
                self.unknown |= off;
                self.more |= !off;
            }
        }
    }

    fn command(self, toy: Option<&ToyDescription>) -> Option<SetCommand> {
        if self.all {
            return Some(all());
        }
        let keys = self.outputs.into_iter();
        let keys = keys.flat_map(|key| outputs(key, toy));
        let command = SetCommand {
            levels: keys.map(|key| (key, Level::ZERO)).collect(),
            effect: self.effect.then(|| SetCommand::NO_EFFECT.to_owned()),
            ..SetCommand::default()
        };
        if command.effect.is_some() || !command.levels.is_empty() {
            Some(command)
        } else {
            // A misspelt key with a 0, and nothing that asks for more.
            (self.unknown && !self.more).then(all)
        }
    }
}

/// The payload as text, without what editors and shells put in: byte order marks, zero bytes.
fn readable(payload: &[u8]) -> String {
    let text = String::from_utf8_lossy(payload);
    let noise = ['\0', '\u{feff}', char::REPLACEMENT_CHARACTER];
    text.chars().filter(|c| !noise.contains(c)).collect()
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Bool(on) => !on,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => word(text),
        Value::Array(items) => !items.is_empty() && items.iter().all(is_off),
        Value::Null | Value::Object(_) => false,
    }
}

/// The text without blanks and quotes around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || "\"'`".contains(c))
}

/// Whether a text begins with a word that means off. What follows is junk, unless the word goes on.
fn word(text: &str) -> bool {
    let text = bare(text);
    let end = text.find(|c: char| !c.is_alphabetic());
    let letters = &text[..end.unwrap_or(text.len())];
    if !letters.is_empty() {
        return WORDS.iter().any(|word| word.eq_ignore_ascii_case(letters));
    }
    let end = text.find(|c: char| !(c.is_ascii_digit() || ".+-".contains(c)));
    let (number, rest) = text.split_at(end.unwrap_or(text.len()));
    // "0,5" is a half, where commas are written so.
    let goes_on = rest
        .strip_prefix(',')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    !goes_on && number.parse::<f64>().is_ok_and(|number| number == 0.0)
}

fn is_on(text: &str) -> bool {
    let text = bare(text);
    let end = text.find(|c: char| !c.is_alphabetic());
    let letters = &text[..end.unwrap_or(text.len())];
    ["on", "true"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(letters))
        || text == "1"
}

/// Hands over the keys and values of an object. Of what is no JSON, everything that looks like one
/// of them counts, wherever it stands.
fn each_pair(payload: &[u8], text: &str, mut note: impl FnMut(&str, &Value)) {
    if let Ok(object) = json::object(payload) {
        object.iter().for_each(|(key, value)| note(key, value));
        return;
    }
    let mut rest = text;
    while let Some((key, value, after)) = next_pair(rest) {
        note(key, &value);
        rest = after;
    }
}

/// The next `"key": value` in a text, and what comes after the value's beginning.
fn next_pair(text: &str) -> Option<(&str, Value, &str)> {
    let mut rest = text;
    loop {
        let colon = rest.find(':')?;
        let (before, after) = rest.split_at(colon);
        let after = &after[1..];
        let key = key_before(before);
        let value = head(after.trim_start());
        if key.is_empty() {
            rest = after;
            continue;
        }
        let read = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = &value[1..];
                let inner = &inner[..inner.find(quote).unwrap_or(inner.len())];
                // With its escapes, if they are in order.
                serde_json::from_str(&format!("\"{inner}\"")).unwrap_or_else(|_| inner.into())
            }
            _ => {
                let end = value.find([',', '}', ']', ';', '\n']);
                let token = &value[..end.unwrap_or(value.len())];
                serde_json::from_str(token).unwrap_or_else(|_| token.into())
            }
        };
        return Some((key, read, after));
    }
}

/// The beginning of a text: no word that counts is longer.
fn head(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_WORD).map(|(at, _)| at);
    &text[..end.unwrap_or(text.len())]
}

/// The key that ends a text, without its quotes.
fn key_before(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['"', '\'']);
    let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = text.rfind(|c: char| !is_key(c));
    start.map_or(text, |at| {
        let width = text[at..].chars().next().map_or(1, char::len_utf8);
        &text[at + width..]
    })
}
