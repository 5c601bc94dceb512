//! The functions that the Lovense Standard API knows, and the outputs that they make.

use std::collections::BTreeSet;

use super::Model;
use crate::domain::{Output, OutputKey, OutputKind};

/// A function of a toy as the Lovense Standard API names it, in the order in which outputs are
/// listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// All vibrating motors at once.
    Vibrate,
    /// The first of several vibrating motors.
    Vibrate1,
    /// The second of several vibrating motors.
    Vibrate2,
    /// The third of several vibrating motors.
    Vibrate3,
    /// A rotating head; the API sets its speed, never its direction.
    Rotate,
    /// A machine or head that moves to and fro.
    Oscillate,
    /// An air pump.
    Pump,
    /// A thrusting head.
    Thrusting,
    /// A fingering head.
    Fingering,
    /// A suction pump.
    Suction,
    /// How far each thrust travels.
    Depth,
    /// The range within which thrusts travel, both ends in percent.
    Stroke,
    /// Where a stroker is to be.
    Position,
}

impl Function {
    /// All of them, in order.
    pub const ALL: [Self; 13] = [
        Self::Vibrate,
        Self::Vibrate1,
        Self::Vibrate2,
        Self::Vibrate3,
        Self::Rotate,
        Self::Oscillate,
        Self::Pump,
        Self::Thrusting,
        Self::Fingering,
        Self::Suction,
        Self::Depth,
        Self::Stroke,
        Self::Position,
    ];

    /// Its name in `fullFunctionNames` and in the `action` of a Function command.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vibrate => "Vibrate",
            Self::Vibrate1 => "Vibrate1",
            Self::Vibrate2 => "Vibrate2",
            Self::Vibrate3 => "Vibrate3",
            Self::Rotate => "Rotate",
            Self::Oscillate => "Oscillate",
            Self::Pump => "Pump",
            Self::Thrusting => "Thrusting",
            Self::Fingering => "Fingering",
            Self::Suction => "Suction",
            Self::Depth => "Depth",
            Self::Stroke => "Stroke",
            Self::Position => "Position",
        }
    }

    /// Its name in `shortFunctionNames`.
    #[must_use]
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::Vibrate => "v",
            Self::Vibrate1 => "v1",
            Self::Vibrate2 => "v2",
            Self::Vibrate3 => "v3",
            Self::Rotate => "r",
            Self::Oscillate => "o",
            Self::Pump => "p",
            Self::Thrusting => "t",
            Self::Fingering => "f",
            Self::Suction => "s",
            Self::Depth => "d",
            Self::Stroke => "st",
            Self::Position => "pos",
        }
    }

    /// Its letter in the rule of a Pattern command, which knows no single motors. A stroke and a
    /// position cannot follow a pattern of strengths.
    #[must_use]
    pub const fn pattern_letter(self) -> Option<&'static str> {
        match self {
            Self::Vibrate | Self::Vibrate1 | Self::Vibrate2 | Self::Vibrate3 => Some("v"),
            Self::Stroke | Self::Position => None,
            other => Some(other.short_name()),
        }
    }

    /// How many steps above zero it distinguishes (Standard API, table of actions).
    #[must_use]
    pub const fn steps(self) -> u16 {
        match self {
            Self::Pump | Self::Depth => 3,
            Self::Stroke | Self::Position => 100,
            _ => 20,
        }
    }

    /// Reads a short or a full name, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        Self::ALL.into_iter().find(|function| {
            name.eq_ignore_ascii_case(function.short_name())
                || name.eq_ignore_ascii_case(function.name())
        })
    }

    /// The function that drives this output. Both ends of a stroke are one function.
    #[must_use]
    pub const fn of(key: OutputKey) -> Option<Self> {
        Some(match (key.kind, key.number) {
            (OutputKind::Vibrate, 0) => Self::Vibrate,
            (OutputKind::Vibrate, 1) => Self::Vibrate1,
            (OutputKind::Vibrate, 2) => Self::Vibrate2,
            (OutputKind::Vibrate, 3) => Self::Vibrate3,
            (OutputKind::Rotate, 0) => Self::Rotate,
            (OutputKind::Oscillate, 0) => Self::Oscillate,
            (OutputKind::Constrict, 0) => Self::Pump,
            (OutputKind::Thrust, 0) => Self::Thrusting,
            (OutputKind::Finger, 0) => Self::Fingering,
            (OutputKind::Suction, 0) => Self::Suction,
            (OutputKind::Depth, 0) => Self::Depth,
            (OutputKind::StrokeMin | OutputKind::StrokeMax, 0) => Self::Stroke,
            (OutputKind::Position, 0) => Self::Position,
            _ => return None,
        })
    }

    /// The kind of output that it makes; a stroke makes two.
    const fn kinds(self) -> &'static [OutputKind] {
        match self {
            Self::Vibrate | Self::Vibrate1 | Self::Vibrate2 | Self::Vibrate3 => {
                &[OutputKind::Vibrate]
            }
            Self::Rotate => &[OutputKind::Rotate],
            Self::Oscillate => &[OutputKind::Oscillate],
            Self::Pump => &[OutputKind::Constrict],
            Self::Thrusting => &[OutputKind::Thrust],
            Self::Fingering => &[OutputKind::Finger],
            Self::Suction => &[OutputKind::Suction],
            Self::Depth => &[OutputKind::Depth],
            Self::Stroke => &[OutputKind::StrokeMin, OutputKind::StrokeMax],
            Self::Position => &[OutputKind::Position],
        }
    }

    const fn motor(self) -> Option<u8> {
        match self {
            Self::Vibrate1 => Some(1),
            Self::Vibrate2 => Some(2),
            Self::Vibrate3 => Some(3),
            _ => None,
        }
    }
}

/// The outputs of a toy from what the app says of it: its short and full function names (of one
/// toy both lists say the same, but either may be missing), and the model where it is known.
///
/// What the app says is trusted. The catalogue decides only where the app gives no list or none
/// of its words are known, and for a model of which it is known that older apps give too few. A
/// toy of an unknown model without any list is taken for one with one vibrating motor; a toy that
/// lists only unknown functions has no outputs.
#[must_use]
pub fn outputs<S: AsRef<str>>(
    short_names: &[S],
    full_names: &[S],
    model: Option<&Model>,
) -> Vec<Output> {
    let told: BTreeSet<Function> = short_names
        .iter()
        .chain(full_names)
        .filter_map(|name| Function::parse(name.as_ref()))
        .collect();
    let nothing_told = short_names.is_empty() && full_names.is_empty();
    let labels = model.map_or(&[][..], |model| model.labels);
    match model {
        Some(model) if told.is_empty() || too_few(&told, model) => model.outputs(),
        None if nothing_told => of_functions(&BTreeSet::from([Function::Vibrate]), labels),
        _ => of_functions(&told, labels),
    }
}

/// Whether the app lists only "all vibrators" for a model that surely has several.
fn too_few(told: &BTreeSet<Function>, model: &Model) -> bool {
    model.app_omits_motors && told.iter().eq([Function::Vibrate].iter())
}

/// The outputs that these functions make.
pub(super) fn of_functions(
    functions: &BTreeSet<Function>,
    labels: &[(Function, &str)],
) -> Vec<Output> {
    let label = |function: Function| {
        labels
            .iter()
            .find(|(labelled, _)| *labelled == function)
            .map(|(_, label)| (*label).to_owned())
    };
    let motors = functions.iter().filter(|f| f.motor().is_some()).count();
    let thrusts = functions.contains(&Function::Thrusting);
    let mut outputs: Vec<Output> = Vec::new();
    for &function in functions {
        let number = match function {
            // Beside v1 and v2 a plain v is "all of them", not one more motor.
            Function::Vibrate if motors > 1 => continue,
            // The single motor of a toy is driven as "all of them".
            Function::Vibrate1 | Function::Vibrate2 | Function::Vibrate3 if motors == 1 => 0,
            // The app ignores both unless the toy thrusts in the same command.
            Function::Depth | Function::Stroke if !thrusts => continue,
            other => other.motor().unwrap_or(0),
        };
        for &kind in function.kinds() {
            let key = OutputKey::numbered(kind, number);
            if outputs.iter().any(|output| output.key == key) {
                continue;
            }
            let mut output = Output::new(key, function.steps());
            output.label = label(function);
            outputs.push(output);
        }
    }
    outputs
}
