//! Lists of toys: the answer to GetToys in all its shapes, and the fields of one toy in theirs.

use serde_json::{Map, Value};

use super::request::AppToyId;
use crate::domain::HardwareId;

/// What the app says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppInfo {
    /// `ios`, `android`, `pc`.
    pub platform: Option<String>,
    /// `remote` or `connect`.
    pub app_type: Option<String>,
}

/// What the app says of a toy.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedToy {
    /// As the app addresses it.
    pub app_id: AppToyId,
    /// As every route knows it.
    pub hardware: HardwareId,
    /// Connected to the phone.
    pub connected: bool,
    /// Percent; absent where the app does not know.
    pub battery: Option<u8>,
    /// The type (`edge`) or, from some apps, the marketing name (`Edge 2`). May be empty.
    pub name: String,
    /// The name that the user gave it.
    pub nickname: Option<String>,
    /// Firmware, as written.
    pub firmware: Option<String>,
    /// `shortFunctionNames`; empty where older apps leave them out.
    pub short_functions: Vec<String>,
    /// `fullFunctionNames`; empty where older apps leave them out.
    pub full_functions: Vec<String>,
}

impl ListedToy {
    /// The firmware as a number, where it is one.
    #[must_use]
    pub fn firmware_number(&self) -> Option<u32> {
        self.firmware.as_deref()?.trim().parse().ok()
    }
}

/// An entry that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {position} of the app's list of toys: {reason}")]
pub struct BadEntry {
    /// 1-based.
    pub position: usize,
    /// The toy that it is about, if that much could be read.
    pub hardware: Option<HardwareId>,
    /// What is wrong with it.
    pub reason: String,
}

/// The answer to GetToys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToyList {
    /// What could be read.
    pub toys: Vec<ListedToy>,
    /// What could not. Says nothing of the others.
    pub bad: Vec<BadEntry>,
    /// About the app.
    pub app: AppInfo,
}

/// Reads the `data` of an answer to GetToys.
///
/// Apps disagree about its shape: a JSON string within the JSON, a map of toys by id, that map
/// without anything around it, or a list. All are taken, and no data at all is no toys.
///
/// # Errors
/// `data` that is none of these; what it is instead.
pub fn parse_toys(data: &Value) -> Result<ToyList, String> {
    let unpacked;
    let data = match data {
        Value::String(text) => {
            unpacked = unpack(text)?;
            &unpacked
        }
        other => other,
    };
    let mut list = ToyList::default();
    let toys = match data {
        Value::Object(fields) => {
            list.app = AppInfo {
                platform: text(fields, &["platform"]),
                app_type: text(fields, &["appType"]),
            };
            // A map of toys by id has no toy of this name.
            fields
                .get("toys")
                .or_else(|| fields.get("toyList"))
                .unwrap_or(data)
        }
        other => other,
    };
    let unpacked;
    let toys = match toys {
        Value::String(text) => {
            unpacked = unpack(text)?;
            &unpacked
        }
        other => other,
    };
    match toys {
        Value::Null => {}
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                list.take(index, None, entry);
            }
        }
        Value::Object(entries) => {
            // Around a bare map there may stand words about the app.
            let words = ["platform", "appType"];
            let toys = entries
                .iter()
                .filter(|(key, _)| !words.contains(&key.as_str()));
            for (index, (key, entry)) in toys.enumerate() {
                list.take(index, Some(key), entry);
            }
        }
        _ => return Err("the app's list of toys is neither a list nor a map".to_owned()),
    }
    Ok(list)
}

fn unpack(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).map_err(|error| format!("the app's list of toys: {error}"))
}

impl ToyList {
    fn take(&mut self, index: usize, key: Option<&str>, entry: &Value) {
        match listed_toy(key, entry) {
            Ok(toy) if self.toys.iter().any(|known| known.hardware == toy.hardware) => {
                self.bad.push(BadEntry {
                    position: index + 1,
                    hardware: Some(toy.hardware),
                    reason: "its id stands twice".to_owned(),
                });
            }
            Ok(toy) => self.toys.push(toy),
            Err((hardware, reason)) => self.bad.push(BadEntry {
                position: index + 1,
                hardware,
                reason,
            }),
        }
    }
}

/// Reads one toy. Everything but its id may be missing.
fn listed_toy(key: Option<&str>, entry: &Value) -> Result<ListedToy, (Option<HardwareId>, String)> {
    let id_of = |fields: &Map<String, Value>| text(fields, &["id", "toyId", "toy_id"]);
    let id = entry
        .as_object()
        .and_then(id_of)
        .or_else(|| key.map(str::to_owned));
    let id = id.ok_or_else(|| (None, "it has no id".to_owned()))?;
    let app_id = AppToyId::new(&id).map_err(|error| (None, error.to_string()))?;
    let hardware = hardware_id(&app_id);
    let Some(fields) = entry.as_object() else {
        return Err((Some(hardware), "it is not a map of fields".to_owned()));
    };
    let connected = match fields.get("status").or_else(|| fields.get("connected")) {
        // Apps that leave it out list only connected toys.
        None | Some(Value::Null) => true,
        Some(value) => match flag(value) {
            Some(flag) => flag,
            None => return Err((Some(hardware), "its status is not a switch".to_owned())),
        },
    };
    Ok(ListedToy {
        app_id,
        hardware,
        connected,
        battery: fields.get("battery").and_then(percent),
        name: text(fields, &["name", "toyType", "type"]).unwrap_or_default(),
        nickname: text(fields, &["nickName", "nickname", "nick_name"]),
        firmware: text(fields, &["version", "fVersion"]),
        short_functions: words(fields.get("shortFunctionNames")),
        full_functions: words(fields.get("fullFunctionNames")),
    })
}

/// The hardware id of a toy: its Bluetooth address as 12 lower-case hex digits, whether the app
/// wrote it with colons or in capitals. An id that is no address stays as it is.
#[must_use]
pub fn hardware_id(app_id: &AppToyId) -> HardwareId {
    let address: String = app_id
        .as_str()
        .chars()
        .filter(|c| !matches!(c, ':' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let is_address = address.len() == 12 && address.bytes().all(|byte| byte.is_ascii_hexdigit());
    HardwareId::new(if is_address {
        address.as_str()
    } else {
        app_id.as_str()
    })
}

/// The first of these fields that is a text (or a number) with anything in it.
fn text(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let text = match fields.get(*name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let text: String = text
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect();
        (!text.is_empty()).then_some(text)
    })
}

/// Names of functions: a list, or a text with commas. What is no text is skipped.
fn words(value: Option<&Value>) -> Vec<String> {
    let word = |text: &str| text.trim().to_owned();
    match value {
        Some(Value::Array(values)) => values
            .iter()
            .filter_map(Value::as_str)
            .map(word)
            .take(32)
            .collect(),
        Some(Value::String(text)) => text
            .split(',')
            .map(word)
            .filter(|w| !w.is_empty())
            .take(32)
            .collect(),
        _ => Vec::new(),
    }
}

/// A number, or a text that is one.
pub(in crate::backend::lovense) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().trim_end_matches('%').trim_end().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// `1`, `"1"`, `true`, `"true"` and their opposites.
pub(in crate::backend::lovense) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(word) if word.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(word) if word.trim().eq_ignore_ascii_case("false") => Some(false),
        other => number(other).map(|number| number != 0.0),
    }
}

/// A battery's charge. What is no percentage is unknown.
pub(in crate::backend::lovense) fn percent(value: &Value) -> Option<u8> {
    let number = number(value)?.round();
    (0.0..=100.0).contains(&number).then_some(number as u8)
}

#[cfg(test)]
pub(in crate::backend::lovense) use tests::any_json;

#[cfg(test)]
mod tests;
