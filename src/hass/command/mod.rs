//! What a payload asks.
//!
//! Every reader takes any bytes and gives a meaning or a [`Rejection`] that names the key at fault
//! and the rule. Nothing is clamped or guessed: a payload with a mistake starts nothing. What means
//! off in it is obeyed all the same.

mod attribute;
mod fields;
mod json;
mod off;
mod request;
mod set;
mod suggest;
mod timing;

pub use attribute::{ATTRIBUTES, attribute};
pub use request::{BridgeRequest, LOG_LEVELS, LimitChange, Request, VERBS, request, request_of};
pub use set::set;
pub use timing::{MAX_REPEAT, MAX_TIME};

use serde_json::Value;

use crate::domain::{Action, ErrorCode, Level, Limits, Rejection, SetCommand};

/// The most bytes of a payload that is read here.
pub const MAX_PAYLOAD: usize = 4 * 1024;

/// The most characters of an `id` or a `transaction`.
pub const MAX_ID: usize = 64;

/// What a payload on a `set` topic says.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The asker's own name for the request; known even if the rest makes no sense.
    pub id: Option<String>,
    /// What was asked, as it came; `null` if it cannot be repeated.
    pub requested: Value,
    /// What it means.
    pub change: Result<Change, Rejection>,
}

impl Parsed {
    fn rejected(requested: Value, rejection: Rejection) -> Self {
        Self {
            id: None,
            requested,
            change: Err(rejection),
        }
    }
}

/// What a payload on a `set` topic asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Change outputs.
    Set(SetCommand),
    /// Change the maximum of one toy. Only asked of single toys.
    Limit(Level),
    /// Two gentle pulses, whatever else stands in the payload: Home Assistant's `flash`.
    Flash,
}

impl Change {
    /// The action of it, for a toy with these limits at present.
    #[must_use]
    pub fn action(self, limits: &Limits) -> Action {
        match self {
            Self::Set(command) => Action::Set(command),
            Self::Limit(max) => Action::Limit(Limits {
                max,
                ..limits.clone()
            }),
            Self::Flash => Action::Identify,
        }
    }
}

/// The asker's own id in a payload that may be anything.
#[must_use]
pub fn id_of(payload: &[u8]) -> Option<String> {
    if payload.len() > MAX_PAYLOAD {
        return None;
    }
    let payload: Value = serde_json::from_slice(payload).ok()?;
    fields::id("id", payload.get("id")?).ok()
}

/// Reads a payload that switches something: `ON`, `true` or `1`; `OFF`, `false` or `0`; in upper or
/// lower case.
///
/// # Errors
/// Anything else.
pub fn switch(payload: &[u8]) -> Result<bool, Rejection> {
    let text = text(payload)?.trim();
    if ["on", "true", "1"].contains(&text.to_ascii_lowercase().as_str()) {
        Ok(true)
    } else if ["off", "false", "0"].contains(&text.to_ascii_lowercase().as_str()) {
        Ok(false)
    } else {
        Err(invalid("payload", "must be ON or OFF"))
    }
}

/// Reads a payload that switches quiet, as [`switch`] does. On is what stops, so it is obeyed
/// whatever else the payload holds.
///
/// # Errors
/// What is neither; an off with anything beside it.
pub fn quiet(payload: &[u8]) -> Result<bool, Rejection> {
    switch(payload).or_else(|rejection| {
        if off::means_on(payload) {
            Ok(true)
        } else {
            Err(rejection)
        }
    })
}

/// The payload as text.
fn text(payload: &[u8]) -> Result<&str, Rejection> {
    if payload.len() > MAX_PAYLOAD {
        let rule = format!("is {} bytes long; at most {MAX_PAYLOAD}", payload.len());
        return Err(invalid("payload", rule));
    }
    std::str::from_utf8(payload).map_err(|_| invalid("payload", "is not UTF-8"))
}

/// The most characters of a message; some repeat what was given, and that may be long.
const MAX_MESSAGE: usize = 240;

/// A rejection that names the place and the rule.
fn invalid(place: &str, rule: impl AsRef<str>) -> Rejection {
    let message = format!("{place}: {}", rule.as_ref());
    let message: String = message.chars().take(MAX_MESSAGE).collect();
    Rejection::new(ErrorCode::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_on_or_off() {
        for on in ["ON", "on", " true ", "1"] {
            assert_eq!(switch(on.as_bytes()), Ok(true), "{on}");
        }
        for off in ["OFF", "off", "False", "0\n"] {
            assert_eq!(switch(off.as_bytes()), Ok(false), "{off}");
        }
        for bad in ["", "yes", "onn", "2", "\"ON\"", "{}"] {
            assert!(switch(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(switch(&[0xff]).is_err());
    }

    #[test]
    fn quiet_is_switched_on_by_whatever_says_so_and_off_by_nothing_else() {
        for on in [
            "ON",
            "on!",
            "\"ON\"",
            "{\"state\": \"on\"}",
            "{state: 'ON', junk",
            "On\0",
            "1",
            "true",
        ] {
            assert_eq!(quiet(on.as_bytes()), Ok(true), "{on}");
        }
        for off in ["OFF", "false", "0"] {
            assert_eq!(quiet(off.as_bytes()), Ok(false), "{off}");
        }
        for bad in ["", "OFF!", "{\"state\": \"OFF\"}", "once", "10", "{}"] {
            assert!(quiet(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_limit_keeps_the_rest_of_the_limits() {
        let limits = Limits {
            slope: Some(7),
            ..Limits::default()
        };
        let max = Level::from_permille(500);
        let expected = Limits {
            max,
            ..limits.clone()
        };
        assert_eq!(Change::Limit(max).action(&limits), Action::Limit(expected));
    }
}
