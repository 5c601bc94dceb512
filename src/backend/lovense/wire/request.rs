//! Request bodies, exactly as documented.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// The presets that every app has, as it wants them written.
pub const PRESETS: [&str; 4] = ["pulse", "wave", "fireworks", "earthquake"];

/// A toy as the app addresses it. Never empty: a command without a toy drives **all** toys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AppToyId(String);

/// A text that cannot address one toy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a toy's id is 1 to 64 visible ASCII characters")]
pub struct NotAToyAddress;

impl AppToyId {
    /// Takes an id as the app wrote it, without blanks around it.
    ///
    /// # Errors
    /// Empty, longer than 64 characters, or with characters that no id has.
    pub fn new(id: &str) -> Result<Self, NotAToyAddress> {
        let id = id.trim();
        let fits = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            Ok(Self(id.to_owned()))
        } else {
            Err(NotAToyAddress)
        }
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppToyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How long a command lasts. The API takes 0 for "until stopped", else at least 1 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(Duration);

impl Seconds {
    /// The bound that `lease` asks for; none for `None`. Brought up to 1 s.
    #[must_use]
    pub fn bound(lease: Option<Duration>) -> Self {
        Self(lease.map_or(Duration::ZERO, |lease| lease.max(Duration::from_secs(1))))
    }

    /// Until told otherwise.
    pub const UNBOUNDED: Self = Self(Duration::ZERO);
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The API calls it a double, its examples are whole numbers: keep those whole.
        if self.0.subsec_nanos() == 0 {
            serializer.serialize_u64(self.0.as_secs())
        } else {
            serializer.serialize_f64(self.0.as_secs_f64())
        }
    }
}

/// A command to the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "command", rename_all_fields = "camelCase")]
pub enum Request {
    /// Asks for the toys, their functions and batteries.
    GetToys,
    /// Sets functions.
    Function {
        /// `Name:level`, comma-separated, or `Stop`.
        action: String,
        /// For how long.
        time_sec: Seconds,
        /// Which toy.
        toy: AppToyId,
        /// 1 ends whatever runs on the toy first; absent in a stop.
        #[serde(skip_serializing_if = "Option::is_none")]
        stop_previous: Option<u8>,
        /// 1.
        api_ver: u8,
    },
    /// Plays strengths in a loop.
    Pattern {
        /// `V:1;F:v,r;S:1000#`.
        rule: String,
        /// 0–20 each, semicolon-separated, at most 50.
        strength: String,
        /// For how long.
        time_sec: Seconds,
        /// Which toy.
        toy: AppToyId,
        /// 2.
        api_ver: u8,
    },
    /// Plays a pattern of the app.
    Preset {
        /// One of [`PRESETS`].
        name: String,
        /// For how long.
        time_sec: Seconds,
        /// Which toy.
        toy: AppToyId,
        /// 1.
        api_ver: u8,
    },
    /// Sends a stroker to a place.
    Position {
        /// `0`–`100`, a string.
        value: String,
        /// Which toy.
        toy: AppToyId,
        /// 1.
        api_ver: u8,
    },
    /// Ends a PatternV2, which other clients may play: it is said not to heed a Stop of functions.
    #[serde(rename = "PatternV2")]
    EndPatternV2 {
        /// `Stop`.
        r#type: &'static str,
        /// Which toy; all if absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        toy: Option<AppToyId>,
        /// 1.
        api_ver: u8,
    },
    /// Ends the functions of all toys: the only command with functions that names no toy.
    #[serde(rename = "Function")]
    StopAll {
        /// `Stop`.
        action: &'static str,
        /// 0.
        time_sec: Seconds,
        /// 1.
        api_ver: u8,
    },
}

impl Request {
    /// Sets the functions of `action` for `time`, ending whatever runs on the toy.
    #[must_use]
    pub const fn function(action: String, time: Seconds, toy: AppToyId) -> Self {
        Self::Function {
            action,
            time_sec: time,
            toy,
            stop_previous: Some(1),
            api_ver: 1,
        }
    }

    /// Everything of this toy off, but for a PatternV2.
    #[must_use]
    pub fn stop(toy: AppToyId) -> Self {
        Self::Function {
            action: "Stop".to_owned(),
            time_sec: Seconds::UNBOUNDED,
            toy,
            stop_previous: None,
            api_ver: 1,
        }
    }

    /// Whatever PatternV2 this toy plays ends; any toy's if none is named.
    #[must_use]
    pub const fn end_pattern_v2(toy: Option<AppToyId>) -> Self {
        Self::EndPatternV2 {
            r#type: "Stop",
            toy,
            api_ver: 1,
        }
    }

    /// Everything of every toy off, but for a PatternV2.
    #[must_use]
    pub const fn stop_all() -> Self {
        Self::StopAll {
            action: "Stop",
            time_sec: Seconds::UNBOUNDED,
            api_ver: 1,
        }
    }

    /// To this place, 0–100.
    #[must_use]
    pub fn position(place: u8, toy: AppToyId) -> Self {
        Self::Position {
            value: place.min(100).to_string(),
            toy,
            api_ver: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use serde_json::{json, to_value};

    use super::*;

    fn toy() -> AppToyId {
        AppToyId::new("ff922f7fd345").unwrap()
    }

    #[test]
    fn bodies_are_as_documented() {
        let five = Seconds::bound(Some(Duration::from_secs(5)));
        let cases = [
            (Request::GetToys, json!({"command": "GetToys"})),
            (
                Request::function("Vibrate:16".into(), five, toy()),
                json!({"command": "Function", "action": "Vibrate:16", "timeSec": 5,
                       "toy": "ff922f7fd345", "stopPrevious": 1, "apiVer": 1}),
            ),
            (
                Request::stop(toy()),
                json!({"command": "Function", "action": "Stop", "timeSec": 0,
                       "toy": "ff922f7fd345", "apiVer": 1}),
            ),
            (
                Request::end_pattern_v2(Some(toy())),
                json!({"command": "PatternV2", "type": "Stop", "toy": "ff922f7fd345",
                       "apiVer": 1}),
            ),
            (
                Request::end_pattern_v2(None),
                json!({"command": "PatternV2", "type": "Stop", "apiVer": 1}),
            ),
            (
                Request::stop_all(),
                json!({"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}),
            ),
            (
                Request::position(38, toy()),
                json!({"command": "Position", "value": "38", "toy": "ff922f7fd345", "apiVer": 1}),
            ),
        ];
        for (request, expected) in cases {
            assert_eq!(to_value(&request).unwrap(), expected);
        }
    }

    #[test]
    fn a_bound_is_none_or_at_least_a_second() {
        let seconds =
            |millis: u64| to_value(Seconds::bound(Some(Duration::from_millis(millis)))).unwrap();
        assert_eq!(seconds(5_000), json!(5));
        assert_eq!(seconds(2_500), json!(2.5));
        assert_eq!(seconds(100), json!(1));
        assert_eq!(seconds(0), json!(1));
        assert_eq!(to_value(Seconds::bound(None)).unwrap(), json!(0));
    }

    #[test]
    fn no_id_addresses_all_toys() {
        for bad in ["", "  ", "a b", "é", &"x".repeat(65)] {
            assert_eq!(AppToyId::new(bad), Err(NotAToyAddress), "{bad:?}");
        }
        assert_eq!(AppToyId::new(" F0 ").unwrap().as_str(), "F0");
    }
}
