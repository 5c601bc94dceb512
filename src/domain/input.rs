//! What a toy can tell: its sensors, buttons and gestures, and what its outputs do.

use super::OutputKey;

/// The kinds of input a toy may have. They decide which entities exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InputKind {
    /// Charge of the battery, percent.
    Battery,
    /// Signal strength, dBm.
    Rssi,
    /// A button on the toy.
    Button,
    /// A pressure sensor.
    Pressure,
    /// Insertion depth.
    Depth,
    /// Position and speed of a movement the user makes.
    Motion,
    /// Being shaken, and how fast.
    Shake,
    /// A level changed on the toy or in its app.
    Strength,
}

impl InputKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Battery,
        Self::Rssi,
        Self::Button,
        Self::Pressure,
        Self::Depth,
        Self::Motion,
        Self::Shake,
        Self::Strength,
    ];

    /// The word used in JSON keys and entity ids.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Battery => "battery",
            Self::Rssi => "rssi",
            Self::Button => "button",
            Self::Pressure => "pressure",
            Self::Depth => "depth",
            Self::Motion => "motion",
            Self::Shake => "shake",
            Self::Strength => "strength",
        }
    }
}

/// A measured value. The newest one counts, so updates may be thinned out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// Percent, 0–100.
    Battery(u8),
    /// dBm.
    Rssi(i16),
    /// Raw value of the sensor.
    Pressure(f64),
    /// Raw value; the scale is the maker's (0–20 is claimed for Lovense toys).
    InsertionDepth(f64),
    /// Percent of the travel, 0–100.
    MotionPosition(f64),
    /// Percent, 0–100; negative is the other direction.
    MotionSpeed(f64),
    /// As the maker counts it.
    ShakeFrequency(f64),
    /// Raw strength that the toy or its app reports, whoever set it; the scale is the maker's.
    Strength(f64),
}

impl Reading {
    /// The JSON key of the reading in a toy's state.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Battery(_) => "battery",
            Self::Rssi(_) => "rssi",
            Self::Pressure(_) => "pressure",
            Self::InsertionDepth(_) => "insertion_depth",
            Self::MotionPosition(_) => "motion_position",
            Self::MotionSpeed(_) => "motion_speed",
            Self::ShakeFrequency(_) => "shake_frequency",
            Self::Strength(_) => "strength",
        }
    }

    /// The value as a number.
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Self::Battery(percent) => f64::from(percent),
            Self::Rssi(dbm) => f64::from(dbm),
            Self::Pressure(value)
            | Self::InsertionDepth(value)
            | Self::MotionPosition(value)
            | Self::MotionSpeed(value)
            | Self::ShakeFrequency(value)
            | Self::Strength(value) => value,
        }
    }
}

/// Something that happened once. Each is reported exactly once and never replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gesture {
    /// A button went down. The index is 0-based.
    ButtonDown(u8),
    /// A button came up.
    ButtonUp(u8),
    /// A button was pressed and released.
    ButtonPressed(u8),
    /// The toy was shaken.
    Shake,
}

impl Gesture {
    /// Every event type a gesture may have, as published.
    pub const EVENT_TYPES: [&str; 4] = ["button_down", "button_up", "button_pressed", "shake"];

    /// Its `event_type`.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::ButtonDown(_) => "button_down",
            Self::ButtonUp(_) => "button_up",
            Self::ButtonPressed(_) => "button_pressed",
            Self::Shake => "shake",
        }
    }

    /// The button, where there is one.
    #[must_use]
    pub const fn button(self) -> Option<u8> {
        match self {
            Self::ButtonDown(index) | Self::ButtonUp(index) | Self::ButtonPressed(index) => {
                Some(index)
            }
            Self::Shake => None,
        }
    }
}

/// What the toy or its app reports an output to do, set by the bridge or by any other hand.
///
/// Evidence, not an echo: a level of 0 says that the output is off, turned off at the toy, in the
/// app or by another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelReport {
    /// Which output.
    pub output: OutputKey,
    /// In the toy's own steps: 0 to the steps of that output. A direction is not reported.
    pub step: i32,
}

/// What a toy reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToyInput {
    /// A measured value.
    Reading(Reading),
    /// A thing that happened.
    Gesture(Gesture),
    /// What an output does.
    Level(LevelReport),
}
