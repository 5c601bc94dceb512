//! How values of general types are read.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::str::FromStr;

use figment::value::Value;
use serde_json::Value as Json;

use super::kind::Kind;
use super::reading::{Reported, Slot};
use super::section::Setting;
use crate::domain::{Level, OutputKey, OutputKind};

/// A setting that is written as text.
pub(super) trait Text: FromStr<Err: Display> + Display {
    /// What may be written.
    fn kind() -> Kind;
}

impl<T: Text> Setting for T {
    fn kind() -> Kind {
        <T as Text>::kind()
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        let kind = <T as Text>::kind();
        // A word that is a number may be written as one.
        let word = match (slot.value, &kind) {
            (Value::Num(_, number), Kind::Choice(words)) => {
                let number = number.to_i128().map(|number| number.to_string());
                words.iter().find(|word| Some(**word) == number.as_deref())
            }
            _ => None,
        };
        let text = match word {
            Some(word) => word,
            None => slot.text(&kind.describe())?,
        };
        text.parse().map_err(|error| slot.wrong(format!("{error}")))
    }

    fn show(&self) -> Json {
        self.to_string().into()
    }
}

impl<'a> Slot<'a> {
    /// The value, if it is text.
    pub(super) fn text(&self, what: &str) -> Result<&'a str, Reported> {
        match self.value {
            Value::String(_, text) => Ok(text),
            _ => Err(self.expected(what)),
        }
    }

    /// The value, if it is a number in this range.
    pub(super) fn number(&self, kind: &Kind, min: f64, max: f64) -> Result<f64, Reported> {
        let number = match self.value {
            Value::Num(_, number) => number.to_f64().or(number.to_i128().map(|n| n as f64)),
            Value::String(_, text) if self.is_textual() => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            // Not a number is outside every range.
            Some(number) if (min..=max).contains(&number) => Ok(number),
            Some(_) => Err(self.wrong(format!("out of range: expected {}", kind.describe()))),
            None => Err(self.expected(&kind.describe())),
        }
    }
}

impl Setting for bool {
    fn kind() -> Kind {
        Kind::Bool
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        match slot.value {
            Value::Bool(_, yes) => Ok(*yes),
            Value::String(_, text) if slot.is_textual() => match text.trim() {
                "true" | "yes" | "on" | "1" => Ok(true),
                "false" | "no" | "off" | "0" => Ok(false),
                _ => Err(slot.wrong("expected true or false")),
            },
            _ => Err(slot.expected("true or false")),
        }
    }

    fn show(&self) -> Json {
        (*self).into()
    }
}

/// A TCP port.
impl Setting for NonZeroU16 {
    fn kind() -> Kind {
        Kind::Integer {
            min: 1,
            max: 65_535,
        }
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        let number = slot.number(&Self::kind(), 1.0, 65_535.0)?;
        let port = (number.fract() == 0.0).then_some(number as u16);
        port.and_then(Self::new)
            .ok_or_else(|| slot.expected(&Self::kind().describe()))
    }

    fn show(&self) -> Json {
        self.get().into()
    }
}

/// A share of full strength, in percent.
impl Setting for Level {
    fn kind() -> Kind {
        Kind::Number {
            unit: "percent",
            min: 0.0,
            max: 100.0,
        }
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        let percent = slot.number(&Self::kind(), 0.0, 100.0)?;
        Self::from_percent(percent).map_err(|error| slot.wrong(error.to_string()))
    }

    fn show(&self) -> Json {
        number(self.percent())
    }
}

/// A number without a needless fraction.
pub(super) fn number(value: f64) -> Json {
    if value.fract() == 0.0 {
        (value as i64).into()
    } else {
        value.into()
    }
}

/// Any text with something in it.
impl Setting for String {
    fn kind() -> Kind {
        Kind::Text {
            what: "text",
            pattern: None,
        }
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        let text = slot.text("text")?;
        if text.is_empty() {
            return Err(slot.wrong("empty: write something, or leave the key out"));
        }
        if text.chars().any(char::is_control) {
            return Err(slot.wrong("holds control characters"));
        }
        Ok(text.to_owned())
    }

    fn show(&self) -> Json {
        self.as_str().into()
    }
}

/// A path; relative ones in a file start at the folder of that file.
impl Setting for PathBuf {
    fn kind() -> Kind {
        Kind::Text {
            what: "a path",
            pattern: None,
        }
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        let text = <String as Setting>::read(slot)?;
        Ok(match slot.folder() {
            Some(folder) => folder.join(text),
            None => text.into(),
        })
    }

    fn show(&self) -> Json {
        self.display().to_string().into()
    }
}

impl<T: Setting> Setting for Option<T> {
    fn kind() -> Kind {
        T::kind()
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        T::read(slot).map(Some)
    }

    fn show(&self) -> Json {
        self.as_ref().map_or(Json::Null, Setting::show)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn kind() -> Kind {
        Kind::List(Box::new(T::kind()))
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        let split;
        let items: &[Value] = match slot.value {
            Value::Array(_, items) => items,
            Value::String(tag, text) if slot.is_textual() => {
                let part = |part: &str| Value::String(*tag, part.trim().to_owned());
                split = text.split(',').map(part).collect::<Vec<_>>();
                &split
            }
            _ => return Err(slot.expected(&Self::kind().describe())),
        };
        // All of them before the first error ends it.
        let read: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(index, item)| T::read(&slot.part(&index.to_string(), item)))
            .collect();
        read.into_iter().collect()
    }

    fn show(&self) -> Json {
        self.iter().map(Setting::show).collect()
    }
}

/// Something for each output of a toy.
impl<T: Setting> Setting for BTreeMap<OutputKey, T> {
    fn kind() -> Kind {
        let kinds: Vec<_> = OutputKind::ALL.iter().map(|kind| kind.as_str()).collect();
        Kind::Map {
            keys: "output",
            pattern: format!("^({})(_[1-9][0-9]*)?$", kinds.join("|")),
            values: Box::new(T::kind()),
        }
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        let Value::Dict(_, dict) = slot.value else {
            return Err(slot.expected("a table such as { vibrate_1 = 50 }"));
        };
        let entry = |(key, value): (&String, _)| {
            let slot = slot.part(key, value);
            let output = key.parse::<OutputKey>().map_err(|error| {
                let known = OutputKind::ALL.iter().map(|kind| kind.as_str());
                let base = key.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
                match super::suggest::nearest(base, known) {
                    Some(near) => slot.wrong(format!("{error}; did you mean `{near}`?")),
                    None => slot.wrong(error.to_string()),
                }
            });
            let value = T::read(&slot);
            Ok((output?, value?))
        };
        let read: Vec<Result<_, Reported>> = dict.iter().map(entry).collect();
        read.into_iter().collect()
    }

    fn show(&self) -> Json {
        let entry = |(key, value): (&OutputKey, &T)| (key.to_string(), value.show());
        Json::Object(self.iter().map(entry).collect())
    }
}
