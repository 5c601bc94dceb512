//! What a toy can do: its actuators.

use std::fmt;
use std::str::FromStr;

use super::Level;

/// The kind of an actuator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutputKind {
    /// A vibrating motor.
    Vibrate,
    /// A rotating head.
    Rotate,
    /// A machine that moves to and fro at a speed.
    Oscillate,
    /// An air pump that tightens.
    Constrict,
    /// A thrusting head.
    Thrust,
    /// A fingering head.
    Finger,
    /// A suction pump.
    Suction,
    /// How far each movement travels.
    Depth,
    /// The near end of the travel of a stroke.
    StrokeMin,
    /// The far end of the travel of a stroke.
    StrokeMax,
    /// Where the toy is to be.
    Position,
    /// A spray (Buttplug 4).
    Spray,
    /// A heater (Buttplug 4).
    Temperature,
    /// A light (Buttplug 4).
    Led,
}

/// What a level of an output means, and therefore what Stop, limits and brightness do to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Acts by itself while above zero: stopped by Stop, bounded by a lease, part of brightness.
    Intensity,
    /// Shapes a movement that something else causes (depth, stroke): survives Stop, never moves a
    /// toy alone.
    Shape,
    /// A place to go to once.
    Position,
}

impl OutputKind {
    /// All kinds, in the order in which entities are listed.
    pub const ALL: [Self; 14] = [
        Self::Vibrate,
        Self::Rotate,
        Self::Oscillate,
        Self::Constrict,
        Self::Thrust,
        Self::Finger,
        Self::Suction,
        Self::Depth,
        Self::StrokeMin,
        Self::StrokeMax,
        Self::Position,
        Self::Spray,
        Self::Temperature,
        Self::Led,
    ];

    /// The word used in topics and JSON keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vibrate => "vibrate",
            Self::Rotate => "rotate",
            Self::Oscillate => "oscillate",
            Self::Constrict => "constrict",
            Self::Thrust => "thrust",
            Self::Finger => "finger",
            Self::Suction => "suction",
            Self::Depth => "depth",
            Self::StrokeMin => "stroke_min",
            Self::StrokeMax => "stroke_max",
            Self::Position => "position",
            Self::Spray => "spray",
            Self::Temperature => "temperature",
            Self::Led => "led",
        }
    }

    /// What its level means.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Depth | Self::StrokeMin | Self::StrokeMax => Class::Shape,
            Self::Position => Class::Position,
            _ => Class::Intensity,
        }
    }

    /// Whether it is a motor or a pump: what a bare "on", a brightness, a pattern or identify drive.
    ///
    /// Sprays, heaters and lights act only when they are named. Every stop ends them, too.
    #[must_use]
    pub const fn moves(self) -> bool {
        matches!(self.class(), Class::Intensity)
            && !matches!(self, Self::Spray | Self::Temperature | Self::Led)
    }

    /// The level of a shape that nobody has set: full travel. Zero for everything else.
    #[must_use]
    pub const fn default_level(self) -> Level {
        match self {
            Self::Depth | Self::StrokeMax => Level::FULL,
            _ => Level::ZERO,
        }
    }
}

/// Names one output of a toy: `vibrate`, or `vibrate_2` where the toy has several of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputKey {
    /// The kind.
    pub kind: OutputKind,
    /// 1-based among its kind; 0 where it is the only one.
    pub number: u8,
}

impl OutputKey {
    /// The only output of its kind.
    #[must_use]
    pub const fn only(kind: OutputKind) -> Self {
        Self { kind, number: 0 }
    }

    /// The `number`th of several (1-based).
    #[must_use]
    pub const fn numbered(kind: OutputKind, number: u8) -> Self {
        Self { kind, number }
    }

    /// Whether one way to a toy may show as one of these what another way shows as the other, because
    /// it joins all outputs of the kind.
    #[must_use]
    pub fn may_be_joined_with(self, other: Self) -> bool {
        self.kind == other.kind && (self.number == 0 || other.number == 0)
    }
}

impl fmt::Display for OutputKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        if self.number > 0 {
            write!(f, "_{}", self.number)?;
        }
        Ok(())
    }
}

/// A word that names no output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no output")]
pub struct UnknownOutput(pub String);

impl FromStr for OutputKey {
    type Err = UnknownOutput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownOutput(text.to_owned());
        let kind = OutputKind::ALL
            .into_iter()
            .filter(|kind| text.starts_with(kind.as_str()))
            .max_by_key(|kind| kind.as_str().len())
            .ok_or_else(unknown)?;
        match &text[kind.as_str().len()..] {
            "" => Ok(Self::only(kind)),
            rest => {
                let digits = rest.strip_prefix('_').ok_or_else(unknown)?;
                // "+1" and "01" parse as numbers but are not how we write them.
                if digits.starts_with(['0', '+']) {
                    return Err(unknown());
                }
                let number = digits.parse().map_err(|_| unknown())?;
                Ok(Self::numbered(kind, number))
            }
        }
    }
}

/// An actuator of a toy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name within the toy.
    pub key: OutputKey,
    /// How many steps above zero the toy distinguishes (20 for most Lovense motors). At least 1.
    pub steps: u16,
    /// Whether it also takes levels below zero (a rotation that can turn the other way).
    pub signed: bool,
    /// What the maker calls it ("Tip vibe"), where that helps.
    pub label: Option<String>,
}

impl Output {
    /// An output that only goes forwards.
    #[must_use]
    pub const fn new(key: OutputKey, steps: u16) -> Self {
        Self {
            key,
            steps,
            signed: false,
            label: None,
        }
    }

    /// What its level means.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.key.kind.class()
    }

    /// Whether it is a motor or a pump. See [`OutputKind::moves`].
    #[must_use]
    pub const fn moves(&self) -> bool {
        self.key.kind.moves()
    }

    /// The level that the toy takes for `level`, as it is to be shown: that of the nearest of its steps,
    /// if it has fewer than 20. With more of them the difference is 2.5 % at most, and a slider that
    /// is moved by less than a step is not to jump back.
    #[must_use]
    pub fn rounded(&self, level: Level) -> Level {
        const FINE: u16 = 20;
        if self.steps >= FINE {
            return level;
        }
        Level::from_step(level.to_step(self.steps), self.steps)
    }

    /// `level`, unless its step would exceed `limit`: then the highest step within `limit`, which is
    /// 0 where the limit is below the first step.
    #[must_use]
    pub fn within(&self, level: Level, limit: Level) -> Level {
        let most = limit.floor_step(self.steps);
        let level = level.limited_to(limit);
        let step = level.to_step(self.steps);
        if step.abs() <= most {
            level
        } else {
            Level::from_step(step.clamp(-most, most), self.steps)
        }
    }
}

/// One output and the step it is to take, in the toy's own steps: what an operation is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Which output.
    pub key: OutputKey,
    /// −steps…steps of that output.
    pub step: i32,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_survives_being_written_and_read(index in 0..OutputKind::ALL.len(), number in 0u8..) {
            let key = OutputKey::numbered(OutputKind::ALL[index], number);
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            if let Ok(key) = text.parse::<OutputKey>() {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }
}
