//! Durations and rates.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value as Json;

use super::Invalid;
use crate::config::kind::Kind;
use crate::config::reading::{Reported, Slot};
use crate::config::section::Setting;
use crate::config::value::{Text, number};

/// A duration of at least `MIN` and at most `MAX` milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span<const MIN: u64, const MAX: u64>(Duration);

impl<const MIN: u64, const MAX: u64> Span<MIN, MAX> {
    /// So many milliseconds, brought into the range.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        let millis = if millis < MIN { MIN } else { millis };
        let millis = if millis > MAX { MAX } else { millis };
        Self(Duration::from_millis(millis))
    }

    /// The duration.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Span<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl<const MIN: u64, const MAX: u64> FromStr for Span<MIN, MAX> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let duration = humantime::parse_duration(text).map_err(|_| {
            Invalid::new(
                text,
                "is not a duration: write e.g. \"5s\", \"250ms\" or \"1m 30s\"",
            )
        })?;
        let range = Duration::from_millis(MIN)..=Duration::from_millis(MAX);
        if !range.contains(&duration) {
            let kind = <Self as Text>::kind().describe();
            return Err(Invalid::new(
                text,
                &format!("is out of range: expected {kind}"),
            ));
        }
        Ok(Self(duration))
    }
}

impl<const MIN: u64, const MAX: u64> Text for Span<MIN, MAX> {
    fn kind() -> Kind {
        Kind::Duration {
            min: Duration::from_millis(MIN),
            max: Duration::from_millis(MAX),
        }
    }
}

/// A setting that can be switched off with the word `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrOff<T> {
    /// In force, with this value.
    On(T),
    /// Switched off.
    Off,
}

impl<T: Copy> OrOff<T> {
    /// The value, unless it is off.
    #[must_use]
    pub const fn get(self) -> Option<T> {
        match self {
            Self::On(value) => Some(value),
            Self::Off => None,
        }
    }
}

impl<const MIN: u64, const MAX: u64> OrOff<Span<MIN, MAX>> {
    /// The duration, unless it is off.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        self.get().map(Span::get)
    }
}

impl<T: Setting> Setting for OrOff<T> {
    fn kind() -> Kind {
        Kind::OrOff(Box::new(T::kind()))
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        match slot.value.as_str() {
            Some("off") => Ok(Self::Off),
            _ => T::read(&slot.or_off()).map(Self::On),
        }
    }

    fn show(&self) -> Json {
        match self {
            Self::On(value) => value.show(),
            Self::Off => "off".into(),
        }
    }
}

/// How fast a level may rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate {
    permille_per_second: u32,
}

impl Rate {
    /// In permille of full strength per second.
    #[must_use]
    pub const fn permille_per_second(self) -> u32 {
        self.permille_per_second
    }
}

impl Setting for Rate {
    fn kind() -> Kind {
        Kind::Number {
            unit: "percent per second",
            min: 1.0,
            max: 1_000.0,
        }
    }

    fn read(slot: &Slot<'_>) -> Result<Self, Reported> {
        let percent = slot.number(&Self::kind(), 1.0, 1_000.0)?;
        Ok(Self {
            permille_per_second: (percent * 10.0).round() as u32,
        })
    }

    fn show(&self) -> Json {
        number(f64::from(self.permille_per_second) / 10.0)
    }
}
