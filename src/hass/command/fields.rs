//! The keys of a JSON object, taken one by one; what is left over is an error.

use std::time::Duration;

use serde_json::{Map, Value};

use super::suggest::suggestion;
use super::{MAX_ID, MAX_TIME, invalid, json, switch};
use crate::domain::{Level, Rejection, ToyId};

/// The keys that have not been read yet.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn new(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// Takes the value of a key, if it was given.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(key)
    }

    /// Takes a key and reads its value.
    pub(super) fn read<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&str, &Value) -> Result<T, Rejection>,
    ) -> Result<Option<T>, Rejection> {
        self.take(key).map(|value| read(key, &value)).transpose()
    }

    /// Takes a key that must be there and reads its value.
    pub(super) fn need<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&str, &Value) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        self.read(key, read)?
            .ok_or_else(|| invalid(key, "is missing"))
    }

    /// Takes all keys that are left.
    pub(super) fn rest(self) -> impl Iterator<Item = (String, Value)> {
        self.0.into_iter()
    }

    /// Refuses keys that are not among `known`.
    pub(super) fn finish(self, known: &[&str]) -> Result<(), Rejection> {
        match self.0.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(unknown(key, known.iter().copied())),
        }
    }
}

/// The rejection of a key that means nothing.
pub(super) fn unknown<'a>(key: &str, known: impl IntoIterator<Item = &'a str>) -> Rejection {
    let shown: String = key.chars().take(40).collect();
    invalid(&shown, format!("unknown key{}", suggestion(key, known)))
}

fn wrong(key: &str, wanted: &str, value: &Value) -> Rejection {
    invalid(key, format!("must be {wanted}, not {}", json::kind(value)))
}

fn number(key: &str, value: &Value, wanted: &str) -> Result<f64, Rejection> {
    value.as_f64().ok_or_else(|| wrong(key, wanted, value))
}

/// Percent, 0–100.
pub(super) fn percent(key: &str, value: &Value) -> Result<Level, Rejection> {
    percent_from(0.0, key, value)
}

/// Percent, −100–100.
pub(super) fn signed_percent(key: &str, value: &Value) -> Result<Level, Rejection> {
    percent_from(-100.0, key, value)
}

fn percent_from(least: f64, key: &str, value: &Value) -> Result<Level, Rejection> {
    let number = number(key, value, "a number of percent")?;
    let bad = || invalid(key, format!("must be {least} to 100, not {number}"));
    if number < least {
        return Err(bad());
    }
    Level::from_percent(number).map_err(|_| bad())
}

/// Seconds as a number, or a text with a unit such as `2s` or `500ms`; at most [`MAX_TIME`].
pub(super) fn duration(key: &str, value: &Value) -> Result<Duration, Rejection> {
    const WANTED: &str = "a number of seconds or a text such as \"2s\"";
    let duration = match value {
        Value::String(text) => humantime::parse_duration(text.trim())
            .map_err(|error| invalid(key, format!("must be {WANTED}: {error}")))?,
        other => {
            let seconds = number(key, other, WANTED)?;
            let shown = humantime::format_duration(MAX_TIME);
            if seconds < 0.0 {
                return Err(invalid(key, format!("must be 0 to {shown}, not {seconds}")));
            }
            // Too large to be a duration at all is too long, too.
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        }
    };
    if duration > MAX_TIME {
        let shown = humantime::format_duration(MAX_TIME);
        return Err(invalid(key, format!("must be at most {shown}")));
    }
    Ok(duration)
}

/// A whole number, 1–`most`.
pub(super) fn count(most: u32) -> impl FnOnce(&str, &Value) -> Result<u32, Rejection> {
    move |key, value| {
        let rule = || invalid(key, format!("must be a whole number, 1 to {most}"));
        let whole = value.as_u64().ok_or_else(rule)?;
        match u32::try_from(whole) {
            Ok(count) if (1..=most).contains(&count) => Ok(count),
            _ => Err(rule()),
        }
    }
}

/// `ON` or `OFF`, true or false, 1 or 0; words in upper or lower case.
pub(super) fn power(key: &str, value: &Value) -> Result<bool, Rejection> {
    let rule = || invalid(key, "must be \"ON\" or \"OFF\"");
    match value {
        Value::Bool(on) => Ok(*on),
        Value::Number(number) if number.as_f64() == Some(1.0) => Ok(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Ok(false),
        Value::String(word) => switch(word.as_bytes()).map_err(|_| rule()),
        _ => Err(rule()),
    }
}

/// A text of 1 to `most` characters without control characters, trimmed.
pub(super) fn text(most: usize) -> impl FnOnce(&str, &Value) -> Result<String, Rejection> {
    move |key, value| {
        let Value::String(text) = value else {
            return Err(wrong(key, "a text", value));
        };
        let text = text.trim();
        if !(1..=most).contains(&text.chars().count()) || text.chars().any(char::is_control) {
            let rule = format!("must be 1 to {most} characters, without control characters");
            return Err(invalid(key, rule));
        }
        Ok(text.to_owned())
    }
}

/// The asker's own name for a request.
pub(super) fn id(key: &str, value: &Value) -> Result<String, Rejection> {
    text(MAX_ID)(key, value)
}

/// The id of a toy.
pub(super) fn toy(key: &str, value: &Value) -> Result<ToyId, Rejection> {
    let Value::String(text) = value else {
        return Err(wrong(key, "the id of a toy", value));
    };
    text.trim()
        .parse()
        .map_err(|_| invalid(key, "must be the id of a toy: toy_ and 8 hex digits"))
}

/// A JSON object.
pub(super) fn object(key: &str, value: &Value) -> Result<Map<String, Value>, Rejection> {
    match value {
        Value::Object(object) => Ok(object.clone()),
        other => Err(wrong(key, "an object", other)),
    }
}
