//! Frames of the Toy Events API. Pure: no IO, and no frame makes it panic.
//!
//! Source: Lovense Toy Events API, and what its users observed where that page is silent. Frames
//! are JSON texts with a `type`; what belongs to a type stands in `data`, but some apps put it
//! beside `type`, so both places are read.

use serde_json::{Map, Value, json};

pub use super::strength::StrengthChange;
use super::wire::{AppToyId, ToyList, flag, hardware_id, number, parse_toys, percent};
use crate::domain::{Gesture, HardwareId, Reading, ToyInput};

/// What the app sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// The user allowed us in: events flow from now on.
    AccessGranted,
    /// The app asks whether we are there. To be answered with [`PING_REPLY`].
    Ping,
    /// The app answers our [`PING`].
    Pong,
    /// Game Mode was switched off.
    Closed,
    /// The app's toys. Its rows say nothing of functions.
    ToyList(ToyList),
    /// A toy was connected or lost.
    Status {
        /// Which.
        toy: HardwareId,
        /// Connected.
        connected: bool,
    },
    /// A toy reported something; nothing that can be used if empty.
    Told {
        /// Which.
        toy: HardwareId,
        /// What, in order.
        inputs: Vec<ToyInput>,
    },
    /// The strength of a function of a toy has changed.
    Strength {
        /// Which toy.
        toy: HardwareId,
        /// What is said of it.
        change: StrengthChange,
    },
    /// A frame of this type, which is not known.
    Unknown(String),
}

/// A frame that cannot be used, in words that name the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not JSON.
    #[error("the frame is not JSON")]
    NotJson,
    /// JSON, but no map with a type.
    #[error("the frame has no type")]
    NoType,
    /// A frame about a toy does not say about which.
    #[error("{0}: it names no toy")]
    NoToy(&'static str),
    /// What the type promises is missing or of the wrong kind.
    #[error("{0}: {1} is missing or unusable")]
    Field(&'static str, &'static str),
}

/// Keeps the connection: the app drops clients that stay silent.
pub const PING: &str = r#"{"type":"ping"}"#;

/// The answer to the app's ping: bare text, unlike the app's own answer.
pub const PING_REPLY: &str = "Pong";

/// The first frame of a connection: asks the user, on the phone, to let `app_name` in.
#[must_use]
pub fn access(app_name: &str) -> String {
    json!({ "type": "access", "data": { "appName": app_name } }).to_string()
}

/// Reads a frame.
///
/// # Errors
/// A frame of a known type that cannot be used. The connection is none the worse for it.
pub fn parse(text: &str) -> Result<Frame, Malformed> {
    match text.trim() {
        bare if bare.eq_ignore_ascii_case("pong") => return Ok(Frame::Pong),
        bare if bare.eq_ignore_ascii_case("ping") => return Ok(Frame::Ping),
        _ => {}
    }
    let value: Value = serde_json::from_str(text).map_err(|_| Malformed::NotJson)?;
    let root = value.as_object().ok_or(Malformed::NoType)?;
    let kind = root
        .get("type")
        .and_then(Value::as_str)
        .ok_or(Malformed::NoType)?;
    let fields = Fields {
        root,
        data: root.get("data"),
    };
    match kind {
        "access-granted" => Ok(Frame::AccessGranted),
        "ping" => Ok(Frame::Ping),
        "pong" => Ok(Frame::Pong),
        "event-closed" => Ok(Frame::Closed),
        "toy-list" => fields.toy_list(),
        "toy-status" => {
            const KIND: &str = "toy-status";
            let value = fields.get(&["connected", "status"]);
            let connected = value.and_then(flag);
            Ok(Frame::Status {
                toy: fields.toy(KIND)?,
                connected: connected.ok_or(Malformed::Field(KIND, "connected"))?,
            })
        }
        "button-down" => fields.button("button-down", Gesture::ButtonDown),
        "button-up" => fields.button("button-up", Gesture::ButtonUp),
        "button-pressed" => fields.button("button-pressed", Gesture::ButtonPressed),
        "shake" => Ok(Frame::Told {
            toy: fields.toy("shake")?,
            inputs: vec![ToyInput::Gesture(Gesture::Shake)],
        }),
        "shake-frequency-changed" => {
            fields.reading("shake-frequency-changed", Reading::ShakeFrequency)
        }
        "depth-changed" => fields.reading("depth-changed", Reading::InsertionDepth),
        "function-strength-changed" => fields.strength(),
        "battery-changed" => fields.battery(),
        "motion-changed" => fields.motion(),
        other => Ok(Frame::Unknown(other.chars().take(64).collect())),
    }
}

/// The fields of a frame: those in `data` come first.
struct Fields<'a> {
    root: &'a Map<String, Value>,
    data: Option<&'a Value>,
}

impl<'a> Fields<'a> {
    fn get(&self, names: &[&str]) -> Option<&'a Value> {
        let data = self.data.and_then(Value::as_object);
        [data, Some(self.root)]
            .into_iter()
            .flatten()
            .find_map(|fields| {
                names
                    .iter()
                    .find_map(|name| fields.get(*name).filter(|value| !value.is_null()))
            })
    }

    fn toy(&self, kind: &'static str) -> Result<HardwareId, Malformed> {
        let id = self.get(&["toyId", "toy_id", "id"]).and_then(Value::as_str);
        let id = id.and_then(|id| AppToyId::new(id).ok());
        id.map(|id| hardware_id(&id)).ok_or(Malformed::NoToy(kind))
    }

    fn told(&self, kind: &'static str, inputs: Vec<ToyInput>) -> Result<Frame, Malformed> {
        Ok(Frame::Told {
            toy: self.toy(kind)?,
            inputs,
        })
    }

    fn button(&self, kind: &'static str, gesture: fn(u8) -> Gesture) -> Result<Frame, Malformed> {
        let index = match self.get(&["index"]) {
            // Most toys have one button.
            None => 0,
            Some(value) => number(value)
                .filter(|index| (0.0..=255.0).contains(index))
                .ok_or(Malformed::Field(kind, "index"))? as u8,
        };
        self.told(kind, vec![ToyInput::Gesture(gesture(index))])
    }

    fn reading(&self, kind: &'static str, reading: fn(f64) -> Reading) -> Result<Frame, Malformed> {
        let value = self.get(&["value"]).and_then(number);
        let value = value.ok_or(Malformed::Field(kind, "value"))?;
        self.told(kind, vec![ToyInput::Reading(reading(value))])
    }

    /// Whatever else is missing or odd: a value of 0 says that something is off.
    fn strength(&self) -> Result<Frame, Malformed> {
        const KIND: &str = "function-strength-changed";
        let value = match self.get(&["value", "strength", "level"]) {
            Some(Value::Bool(false)) => Some(0.0),
            Some(value) => number(value),
            // data may be the number itself.
            None => self.data.and_then(number),
        };
        let function = self.get(&["function", "functionName", "name"]);
        let function = function.and_then(Value::as_str).unwrap_or_default();
        let index = self.get(&["index"]).and_then(number);
        Ok(Frame::Strength {
            toy: self.toy(KIND)?,
            change: StrengthChange {
                function: function.to_owned(),
                motor: index
                    .filter(|index| (0.0..=255.0).contains(index))
                    .map(|index| index as u8),
                value: value.ok_or(Malformed::Field(KIND, "value"))?,
            },
        })
    }

    fn battery(&self) -> Result<Frame, Malformed> {
        const KIND: &str = "battery-changed";
        const NAMES: [&str; 4] = ["value", "battery", "batteryLevel", "level"];
        let charge = match self.get(&NAMES) {
            Some(Value::Object(inner)) => NAMES.iter().find_map(|name| percent(inner.get(*name)?)),
            Some(value) => percent(value),
            // data may be the number itself.
            None => self.data.and_then(percent),
        };
        let charge = charge.ok_or(Malformed::Field(KIND, "value"))?;
        self.told(KIND, vec![ToyInput::Reading(Reading::Battery(charge))])
    }

    /// A frame holds several samples, the newest last. One without a position is a dropout, not a
    /// movement to 0.
    fn motion(&self) -> Result<Frame, Malformed> {
        const KIND: &str = "motion-changed";
        let samples = self.get(&["motionData"]).and_then(Value::as_array);
        let samples = samples.ok_or(Malformed::Field(KIND, "motionData"))?;
        let field = |sample: &Value, name: &str| sample.get(name).and_then(number);
        let percent = |value: f64| value.clamp(0.0, 100.0);
        let newest = samples
            .iter()
            .rev()
            .find_map(|sample| Some((sample, percent(field(sample, "position")?))));
        let mut inputs = Vec::with_capacity(2);
        if let Some((sample, position)) = newest {
            inputs.push(ToyInput::Reading(Reading::MotionPosition(position)));
            if let Some(speed) = field(sample, "speed").map(percent) {
                let backwards = field(sample, "direction") == Some(1.0) && speed > 0.0;
                let speed = if backwards { -speed } else { speed };
                inputs.push(ToyInput::Reading(Reading::MotionSpeed(speed)));
            }
        }
        self.told(KIND, inputs)
    }

    fn toy_list(&self) -> Result<Frame, Malformed> {
        const BAD: Malformed = Malformed::Field("toy-list", "toyList");
        let list = self.get(&["toyList", "toys"]).or(self.data).ok_or(BAD)?;
        parse_toys(list).map(Frame::ToyList).map_err(|_| BAD)
    }
}

#[cfg(test)]
mod tests;
