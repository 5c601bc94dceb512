//! The `action` of a Function command: `Vibrate:16,Rotate:3`, `Stroke:0-20,Thrusting:10`, `Stop`.

use super::code::Code;
use crate::backend::lovense::catalog;
use crate::sim::Function;

/// What a Function command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Everything off.
    Stop,
    /// These levels, in the order written.
    Set(Vec<Setting>),
}

/// One part of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// A function of the API by its name, with its level.
    Named(catalog::Function, u16),
    /// The travel of a stroke, both ends 0–100 and at least 20 apart.
    Stroke(u16, u16),
    /// A stroke that the app ignores without a word: one number, or less than 20 wide.
    BadStroke,
    /// Every function that is not named.
    All(u16),
}

/// Full strength of `All`.
const ALL_MAX: u16 = 20;
/// The least distance between both ends of a stroke.
const STROKE_SPAN: u16 = 20;

/// Reads an action.
///
/// Names are taken only as documented, case included. A level out of range is refused with 404
/// and not clamped: the documentation gives the ranges and a code for invalid parameters, and a
/// client that relies on clamping would be relying on nothing.
pub(super) fn parse(text: &str) -> Result<Action, Code> {
    if text.trim() == "Stop" {
        return Ok(Action::Stop);
    }
    let settings: Result<Vec<_>, _> = text.split(',').map(setting).collect();
    settings.map(Action::Set)
}

fn setting(part: &str) -> Result<Setting, Code> {
    let (name, value) = part.trim().split_once(':').ok_or(Code::INVALID_PARAMETER)?;
    if name == "All" {
        return level(value, ALL_MAX).map(Setting::All);
    }
    let function = catalog::Function::ALL
        .into_iter()
        .find(|function| function.name() == name)
        .ok_or(Code::INVALID_PARAMETER)?;
    match function {
        catalog::Function::Stroke => stroke(value),
        // Has a command of its own.
        catalog::Function::Position => Err(Code::INVALID_PARAMETER),
        other => level(value, other.steps()).map(|level| Setting::Named(other, level)),
    }
}

fn level(text: &str, max: u16) -> Result<u16, Code> {
    match number(text) {
        Some(level) if level <= max => Ok(level),
        _ => Err(Code::INVALID_PARAMETER),
    }
}

/// A whole number of at most four digits and nothing else.
pub(super) fn number(text: &str) -> Option<u16> {
    let plain = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn stroke(value: &str) -> Result<Setting, Code> {
    let max = catalog::Function::Stroke.steps();
    let Some((low, high)) = value.split_once('-') else {
        return level(value, max).map(|_| Setting::BadStroke);
    };
    let (low, high) = (level(low, max)?, level(high, max)?);
    if high >= low.saturating_add(STROKE_SPAN) {
        Ok(Setting::Stroke(low, high))
    } else {
        Ok(Setting::BadStroke)
    }
}

/// What an action means for one toy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Levels by function; a later one of the same function counts.
    pub(super) levels: Vec<(Function, u16)>,
    /// Whether the action names a function that the toy does not have.
    pub(super) unsupported: bool,
}

/// Works out what these settings mean for a toy with these functions of the API, which make these
/// moving parts.
pub(super) fn resolve(
    settings: &[Setting],
    api: &[catalog::Function],
    parts: &[Function],
) -> Resolved {
    let thrusts = settings
        .iter()
        .any(|setting| matches!(setting, Setting::Named(catalog::Function::Thrusting, _)));
    let mut resolved = Resolved::default();
    let mut all = None;
    for &setting in settings {
        match setting {
            Setting::All(level) => all = Some(level),
            // Only together with Thrusting, else silently ignored.
            Setting::BadStroke => {}
            Setting::Stroke(..) if !thrusts => {}
            Setting::Stroke(low, high) if api.contains(&catalog::Function::Stroke) => {
                resolved.put(Function::StrokeMin, low);
                resolved.put(Function::StrokeMax, high);
            }
            Setting::Named(function, level) => {
                let named: Vec<_> = parts_of(function, parts).collect();
                resolved.unsupported |= named.is_empty();
                for part in named {
                    resolved.put(part, level);
                }
            }
            Setting::Stroke(..) => resolved.unsupported = true,
        }
    }
    if let Some(level) = all {
        for &part in parts {
            let settable = part.moves() || part == Function::Depth;
            if settable && !resolved.levels.iter().any(|(of, _)| *of == part) {
                resolved.put(part, level.min(part.max()));
            }
        }
    }
    resolved
}

impl Resolved {
    fn put(&mut self, function: Function, level: u16) {
        self.levels.retain(|(of, _)| *of != function);
        self.levels.push((function, level));
    }
}

/// The moving parts that a name of the API stands for; `Vibrate` stands for all vibrators.
pub(super) fn parts_of(
    function: catalog::Function,
    parts: &[Function],
) -> impl Iterator<Item = Function> {
    parts.iter().copied().filter(move |part| {
        part.as_str() == function.name()
            || (function == catalog::Function::Vibrate && part.vibrates())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::backend::lovense::catalog::Function as Api;

    fn levels(action: &str, api: &[Api], parts: &[Function]) -> Resolved {
        match parse(action) {
            Ok(Action::Set(settings)) => resolve(&settings, api, parts),
            other => panic!("{action}: {other:?}"),
        }
    }

    const EDGE: [Api; 3] = [Api::Vibrate, Api::Vibrate1, Api::Vibrate2];
    const EDGE_PARTS: [Function; 2] = [Function::Vibrate1, Function::Vibrate2];
    const SOLACE: [Api; 3] = [Api::Thrusting, Api::Stroke, Api::Position];
    const SOLACE_PARTS: [Function; 4] = [
        Function::Thrusting,
        Function::StrokeMin,
        Function::StrokeMax,
        Function::Position,
    ];

    #[test]
    fn vibrate_drives_all_vibrators_and_numbers_drive_one() {
        let both = levels("Vibrate:5", &EDGE, &EDGE_PARTS);
        assert_eq!(
            both.levels,
            [(Function::Vibrate1, 5), (Function::Vibrate2, 5)]
        );
        let mixed = levels("Vibrate:5,Vibrate2:7", &EDGE, &EDGE_PARTS);
        assert_eq!(
            mixed.levels,
            [(Function::Vibrate1, 5), (Function::Vibrate2, 7)]
        );
        assert!(levels("Vibrate3:5", &EDGE, &EDGE_PARTS).unsupported);
        assert!(levels("Vibrate1:5", &[Api::Vibrate], &[Function::Vibrate]).unsupported);
    }

    #[test]
    fn all_is_every_function_not_named() {
        let parts = [Function::Vibrate, Function::Pump];
        let max = levels("Vibrate:2,All:10", &[Api::Vibrate, Api::Pump], &parts);
        assert_eq!(
            max.levels,
            [(Function::Vibrate, 2), (Function::Pump, 3)],
            "brought into the pump's range"
        );
        let solace = levels("All:10", &SOLACE, &SOLACE_PARTS);
        assert_eq!(solace.levels, [(Function::Thrusting, 10)]);
    }

    #[test]
    fn a_stroke_counts_only_with_thrusting_and_room() {
        let stroke = levels("Stroke:0-20,Thrusting:10", &SOLACE, &SOLACE_PARTS);
        assert_eq!(stroke.levels.len(), 3);
        for ignored in ["Stroke:0-20", "Stroke:50", "Stroke:10-29", "Stroke:60-10"] {
            let nothing = levels(ignored, &SOLACE, &SOLACE_PARTS);
            assert_eq!(nothing, Resolved::default(), "{ignored}");
        }
        let narrow = levels("Stroke:10-29,Thrusting:4", &SOLACE, &SOLACE_PARTS);
        assert_eq!(narrow.levels, [(Function::Thrusting, 4)]);
        let lacking = [Api::Thrusting, Api::Depth];
        let parts = [Function::Thrusting, Function::Depth];
        assert!(levels("Stroke:0-50,Thrusting:4", &lacking, &parts).unsupported);
    }

    #[test]
    fn what_is_not_as_documented_is_refused() {
        for bad in [
            "",
            "Vibrate",
            "vibrate:5",
            "Vibrate:",
            "Vibrate:21",
            "Vibrate:-1",
            "Vibrate:5.5",
            "Vibrate:+5",
            "Vibrate:99999999999999999999",
            "Pump:4",
            "Depth:4",
            "All:21",
            "Stop,Vibrate:3",
            "Stop:0",
            "stop",
            "Vibrate:5,",
            "Position:50",
            "Stroke:0-101",
            "Stroke:-20",
            "Wobble:3",
            "v:3",
        ] {
            assert_eq!(parse(bad), Err(Code::INVALID_PARAMETER), "{bad:?}");
        }
        assert_eq!(parse("Stop"), Ok(Action::Stop));
        assert_eq!(parse("Vibrate:020").map(|_| ()), Ok(()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(\\PC|Vibrate|Stroke|All|[:,0-9-]){0,20}") {
            if let Ok(Action::Set(settings)) = parse(&text) {
                for (function, level) in resolve(&settings, &SOLACE, &SOLACE_PARTS).levels {
                    prop_assert!(level <= function.max());
                }
            }
        }
    }
}
