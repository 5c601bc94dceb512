//! The rule of a Pattern command (version 1) and the presets.

use std::sync::Arc;
use std::time::Duration;

use super::action::{number, parts_of};
use super::code::Code;
use crate::backend::lovense::catalog;
use crate::sim::Function;
use crate::sim::motion::Shape;

/// A pattern of strengths 0–20 that are taken one after another, again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// The functions it drives; all if empty.
    functions: Vec<catalog::Function>,
    strengths: Arc<[u16]>,
    step: Duration,
}

/// Full strength in a pattern.
const FULL: u16 = 20;
/// The most strengths of one pattern.
const MOST: usize = 50;
/// The shortest step, milliseconds.
const SHORTEST: u16 = 100;

impl Pattern {
    /// Reads `V:1;F:v,r;S:1000#` and `20;20;5`.
    pub(super) fn parse(rule: &str, strength: &str) -> Result<Self, Code> {
        let parsed = || {
            let mut parts = rule.strip_suffix('#')?.split(';');
            let fixed = parts.next()? == "V:1";
            let letters = parts.next()?.strip_prefix("F:")?;
            let step = number(parts.next()?.strip_prefix("S:")?)?;
            if !fixed || parts.next().is_some() || step < SHORTEST {
                return None;
            }
            let functions = match letters {
                "" => Vec::new(),
                letters => letters.split(',').map(letter).collect::<Option<_>>()?,
            };
            let strengths: Option<Vec<u16>> = strength
                .split(';')
                .map(|text| number(text).filter(|&strength| strength <= FULL))
                .collect();
            let strengths = strengths.filter(|strengths| strengths.len() <= MOST)?;
            Some(Self {
                functions,
                strengths: strengths.into(),
                step: Duration::from_millis(u64::from(step)),
            })
        };
        parsed().ok_or(Code::INVALID_PARAMETER)
    }

    /// A preset by its name.
    ///
    /// How the real presets run is not published; these are made up, recognisable and bounded.
    pub(super) fn preset(name: &str) -> Option<Self> {
        let (step, strengths): (u64, &[u16]) = match name {
            "pulse" => (500, &[20, 0]),
            "wave" => (200, &[2, 6, 10, 14, 18, 20, 18, 14, 10, 6]),
            "fireworks" => (150, &[4, 8, 12, 16, 20, 0, 20, 0]),
            "earthquake" => (100, &[18, 12, 20, 9, 16, 20, 11, 19]),
            _ => return None,
        };
        Some(Self {
            functions: Vec::new(),
            strengths: strengths.into(),
            step: Duration::from_millis(step),
        })
    }

    /// What it makes of a toy's moving parts; empty if it drives none of them.
    ///
    /// Where the vibrators follow, rotation, pump and depth follow with them. Strengths are scaled
    /// to the range of each function.
    pub(super) fn shapes(&self, parts: &[Function]) -> Vec<(Function, Shape)> {
        let named = |part: Function| {
            let with_vibrators =
                matches!(part, Function::Rotate | Function::Pump | Function::Depth)
                    && self.functions.contains(&catalog::Function::Vibrate);
            let own = self
                .functions
                .iter()
                .any(|&function| parts_of(function, &[part]).next().is_some());
            self.functions.is_empty() || own || with_vibrators
        };
        parts
            .iter()
            .copied()
            .filter(|part| part.moves() || *part == Function::Depth)
            .filter(|&part| named(part))
            .map(|part| {
                let levels = self.strengths.iter().map(|&s| part.scaled(s, FULL));
                let shape = Shape::Steps {
                    levels: levels.collect(),
                    step: self.step,
                };
                (part, shape)
            })
            .collect()
    }
}

fn letter(text: &str) -> Option<catalog::Function> {
    catalog::Function::ALL
        .into_iter()
        .find(|function| function.pattern_letter() == Some(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn driven(rule: &str, parts: &[Function]) -> Vec<Function> {
        let pattern = Pattern::parse(rule, "20;0").expect(rule);
        pattern.shapes(parts).iter().map(|shape| shape.0).collect()
    }

    #[test]
    fn the_rule_says_which_functions_follow() {
        let nora = [Function::Vibrate, Function::Rotate];
        assert_eq!(driven("V:1;F:v;S:100#", &nora), nora);
        assert_eq!(driven("V:1;F:r;S:100#", &nora), [Function::Rotate]);
        assert_eq!(driven("V:1;F:;S:100#", &nora), nora);
        assert_eq!(driven("V:1;F:s,t;S:100#", &nora), []);
        let edge = [Function::Vibrate1, Function::Vibrate2];
        assert_eq!(driven("V:1;F:v;S:100#", &edge), edge);
        let solace = [Function::Thrusting, Function::Depth, Function::Position];
        assert_eq!(driven("V:1;F:;S:1000#", &solace), solace[..2]);
    }

    #[test]
    fn strengths_are_scaled_to_the_function() {
        let pattern = Pattern::parse("V:1;F:v,p;S:250#", "20;20;5;0;10").expect("as documented");
        let shapes = pattern.shapes(&[Function::Vibrate, Function::Pump]);
        let steps = |levels: [u16; 5]| Shape::Steps {
            levels: levels.into(),
            step: Duration::from_millis(250),
        };
        assert_eq!(shapes[0], (Function::Vibrate, steps([20, 20, 5, 0, 10])));
        assert_eq!(shapes[1], (Function::Pump, steps([3, 3, 1, 0, 2])));
    }

    #[test]
    fn what_is_not_as_documented_is_refused() {
        let fifty = vec!["1"; 50].join(";");
        assert!(Pattern::parse("V:1;F:v;S:100#", &fifty).is_ok());
        for (rule, strength) in [
            ("V:1;F:v;S:100", "1"),
            ("V:2;F:v;S:100#", "1"),
            ("V:1;F:v;S:99#", "1"),
            ("V:1;F:v;S:#", "1"),
            ("V:1;F:v1;S:100#", "1"),
            ("V:1;F:v,;S:100#", "1"),
            ("V:1;F:pos;S:100#", "1"),
            ("V:1;S:100#", "1"),
            ("V:1;F:v;S:100;X:1#", "1"),
            ("", "1"),
            ("V:1;F:v;S:100#", ""),
            ("V:1;F:v;S:100#", "21"),
            ("V:1;F:v;S:100#", "1;;2"),
            ("V:1;F:v;S:100#", "1,2"),
            ("V:1;F:v;S:100#", &format!("{fifty};1")),
        ] {
            let parsed = Pattern::parse(rule, strength);
            assert_eq!(parsed, Err(Code::INVALID_PARAMETER), "{rule} {strength}");
        }
    }

    #[test]
    fn the_documented_presets_exist_in_lower_case() {
        for name in ["pulse", "wave", "fireworks", "earthquake"] {
            let preset = Pattern::preset(name).expect(name);
            assert!(!preset.shapes(&[Function::Vibrate]).is_empty());
        }
        assert!(Pattern::preset("Pulse").is_none() && Pattern::preset("").is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            rule in "(V:1;F:|v|,|;S:|[0-9]|#|\\PC){0,12}", strength in "([0-9;]|\\PC){0,12}",
        ) {
            let _ = Pattern::parse(&rule, &strength);
        }
    }
}
