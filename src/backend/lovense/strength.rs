//! What `function-strength-changed` means for the outputs of a toy. Pure: no IO.
//!
//! The frame tells what a function of a toy does after it was changed at the toy, in the app, or by
//! another client. Its words are not those of commands, one of them is misspelt, and neither the full
//! list of them nor the scale of the value is published. So a frame is read as leniently as it can
//! be. A 0 is always a 0, and one that fits no output is one of every output, since something has
//! been turned off.

use crate::domain::{Class, LevelReport, Output, OutputKind};

/// A value above this is no step of any function that moves: it is a percentage.
const MOST_STEPS: f64 = 20.0;

/// What a frame says.
#[derive(Clone, Debug, PartialEq)]
pub struct StrengthChange {
    /// The function, in the app's words; empty if it does not say.
    pub function: String,
    /// Which of several motors of the function, from 0.
    pub motor: Option<u8>,
    /// The strength; a step or a percentage.
    pub value: f64,
}

/// What words for functions begin with.
const WORDS: [(&str, OutputKind); 14] = [
    ("vib", OutputKind::Vibrate),
    ("rot", OutputKind::Rotate),
    ("osc", OutputKind::Oscillate),
    ("pump", OutputKind::Constrict),
    ("inflat", OutputKind::Constrict),
    ("air", OutputKind::Constrict),
    ("constr", OutputKind::Constrict),
    ("contract", OutputKind::Constrict),
    ("thrust", OutputKind::Thrust),
    ("finger", OutputKind::Finger),
    ("suc", OutputKind::Suction),
    ("dep", OutputKind::Depth),
    ("strok", OutputKind::StrokeMax),
    ("pos", OutputKind::Position),
];

/// The short names of the Standard API.
const SHORT: [(&str, OutputKind); 9] = [
    ("v", OutputKind::Vibrate),
    ("r", OutputKind::Rotate),
    ("o", OutputKind::Oscillate),
    ("p", OutputKind::Constrict),
    ("t", OutputKind::Thrust),
    ("f", OutputKind::Finger),
    ("s", OutputKind::Suction),
    ("d", OutputKind::Depth),
    ("st", OutputKind::StrokeMax),
];

impl StrengthChange {
    /// Whether the value can only be a percentage. An app that uses them once always does.
    pub(super) fn is_percentage(&self) -> bool {
        let moves = |kind: OutputKind| kind.class() == Class::Intensity;
        self.value.abs() > MOST_STEPS && self.kind().is_none_or(moves)
    }

    /// Whether something moves.
    pub(super) fn is_on(&self) -> bool {
        self.value != 0.0
    }

    /// What the outputs of a toy do by it. `percent` says that the app counts so.
    pub(super) fn reports(&self, outputs: &[Output], percent: bool) -> Vec<LevelReport> {
        self.outputs(outputs)
            .into_iter()
            .map(|output| LevelReport {
                output: output.key,
                step: self.step(output.steps, percent),
            })
            .collect()
    }

    /// The outputs that are meant. Shapes and positions are not: at 0 they are not off.
    fn outputs<'a>(&self, outputs: &'a [Output]) -> Vec<&'a Output> {
        let kind = self.kind();
        if kind.is_some_and(|kind| kind.class() != Class::Intensity) {
            return Vec::new();
        }
        let moving = outputs.iter().filter(|it| it.class() == Class::Intensity);
        let moving: Vec<_> = moving.collect();
        let of_kind = moving.iter().copied();
        let of_kind: Vec<_> = of_kind.filter(|it| Some(it.key.kind) == kind).collect();
        let motor = self
            .number()
            .or(self.motor.map(|motor| motor.saturating_add(1)));
        let meant: Vec<_> = match motor {
            None => of_kind.clone(),
            Some(motor) => {
                let meant = of_kind.iter().copied();
                // The only one of its kind stands for all motors.
                meant
                    .filter(|it| it.key.number == 0 || it.key.number == motor)
                    .collect()
            }
        };
        match (meant.is_empty(), moving.len()) {
            (false, _) => meant,
            // Whatever the app calls it: models differ in what they call their only function.
            (true, 1) => moving,
            (true, _) if self.is_on() => Vec::new(),
            (true, _) if of_kind.is_empty() => moving,
            (true, _) => of_kind,
        }
    }

    /// Up to the steps of the output the value is taken for a step, as long as the app has not shown
    /// that it counts in percent. Only a value of 0 is step 0.
    fn step(&self, steps: u16, percent: bool) -> i32 {
        if !self.is_on() {
            return 0;
        }
        let (value, most) = (self.value.abs(), f64::from(steps));
        let step = if percent || value > most {
            value * most / 100.0
        } else {
            value
        };
        // Brought into the range of a u16.
        step.ceil().clamp(1.0, most.max(1.0)) as i32
    }

    fn kind(&self) -> Option<OutputKind> {
        let word = self.function.trim().to_ascii_lowercase();
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || "_- ".contains(c));
        let short = SHORT.iter().find(|(name, _)| *name == word);
        let long = || WORDS.iter().find(|(begin, _)| word.starts_with(begin));
        short.or_else(long).map(|(_, kind)| *kind)
    }

    /// The number that the word ends with, as in the commands' `Vibrate2`.
    fn number(&self) -> Option<u8> {
        let word = self.function.trim();
        let digits = word.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.parse().ok().filter(|number| *number > 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::backend::lovense::catalog;

    fn change(function: &str, motor: Option<u8>, value: f64) -> StrengthChange {
        StrengthChange {
            function: function.to_owned(),
            motor,
            value,
        }
    }

    /// `vibrate_1=5`, of a toy with these functions.
    fn told(functions: &[&str], change: &StrengthChange) -> Vec<String> {
        let outputs = catalog::outputs(functions, &[], None);
        let reports = change.reports(&outputs, false);
        let texts = reports.iter();
        texts
            .map(|report| format!("{}={}", report.output, report.step))
            .collect()
    }

    const NORA: [&str; 2] = ["v", "r"];
    const MAX: [&str; 2] = ["v", "p"];
    const LAPIS: [&str; 4] = ["v", "v1", "v2", "v3"];
    const SOLACE: [&str; 3] = ["t", "d", "pos"];

    #[test]
    fn a_frame_is_about_the_output_that_its_word_means() {
        for (functions, word, expected) in [
            (&NORA[..], "vibration", "vibrate=7"),
            (&NORA, "Vibrate", "vibrate=7"),
            (&NORA, "rotitaion", "rotate=7"),
            (&NORA, "rotation", "rotate=7"),
            (&NORA, "r", "rotate=7"),
            (&MAX, "inflation", "constrict=1"),
            (&MAX, " Pump ", "constrict=1"),
            (&["v", "t"], "thrusting", "thrust=7"),
            (&["v", "s"], "suction", "suction=7"),
            (&["v", "f"], "fingering", "finger=7"),
            (&["v", "o"], "oscillation", "oscillate=7"),
        ] {
            let told = told(functions, &change(word, Some(0), 7.0));
            assert_eq!(told, [expected], "{word}");
        }
    }

    #[test]
    fn motors_count_from_0_and_the_number_of_a_word_from_1() {
        let of = |word, motor, value| told(&LAPIS, &change(word, motor, value));
        assert_eq!(of("vibration", Some(0), 3.0), ["vibrate_1=3"]);
        assert_eq!(of("vibration", Some(2), 3.0), ["vibrate_3=3"]);
        assert_eq!(of("Vibrate2", None, 3.0), ["vibrate_2=3"]);
        let all = ["vibrate_1=3", "vibrate_2=3", "vibrate_3=3"];
        assert_eq!(of("vibration", None, 3.0), all);
        assert_eq!(of("vibration", Some(3), 3.0), [""; 0]);
        // The app joins the motors of this one.
        assert_eq!(
            told(&["v"], &change("vibration", Some(1), 3.0)),
            ["vibrate=3"]
        );
    }

    #[test]
    fn a_zero_is_never_lost() {
        let off = |functions: &[&str], word, motor| told(functions, &change(word, motor, 0.0));
        assert_eq!(off(&NORA, "vibration", Some(0)), ["vibrate=0"]);
        for word in ["", "strength", "thrusting"] {
            assert_eq!(off(&NORA, word, None), ["vibrate=0", "rotate=0"], "{word}");
        }
        let all = ["vibrate_1=0", "vibrate_2=0", "vibrate_3=0"];
        assert_eq!(off(&LAPIS, "vibration", Some(3)), all);
        // At depth or place 0 a toy may move.
        for word in ["depth", "position", "stroke"] {
            assert_eq!(off(&SOLACE, word, None), [""; 0], "{word}");
        }
    }

    #[test]
    fn what_fits_no_output_is_left_out_unless_there_is_only_one() {
        for word in ["", "strength", "thrusting"] {
            assert_eq!(told(&NORA, &change(word, None, 5.0)), [""; 0], "{word}");
            assert_eq!(told(&["o"], &change(word, None, 5.0)), ["oscillate=5"]);
        }
    }

    #[test]
    fn a_value_is_a_step_or_else_a_percentage() {
        let step = |value, steps, percent| change("", None, value).step(steps, percent);
        for (value, steps, expected) in [
            (20.0, 20, 20),
            (0.2, 20, 1),
            (21.0, 20, 5),
            (100.0, 20, 20),
            (250.0, 20, 20),
            (-7.0, 20, 7),
            (3.0, 3, 3),
            (20.0, 3, 1),
            (67.0, 3, 3),
        ] {
            assert_eq!(step(value, steps, false), expected, "{value} of {steps}");
        }
        // Once it is known that the app counts so.
        assert_eq!((step(20.0, 20, true), step(1.0, 20, true)), (4, 1));
        assert!(change("vibration", None, 21.0).is_percentage());
        assert!(change("", None, 21.0).is_percentage());
        assert!(!change("vibration", None, 20.0).is_percentage());
        assert!(!change("position", None, 90.0).is_percentage());
    }

    proptest! {
        #[test]
        fn any_frame_is_within_the_steps_and_only_0_is_off(
            function in "(vib|Rotitaion|inflation|st|)\\PC{0,4}",
            motor in any::<Option<u8>>(),
            value in prop_oneof![Just(0.0), -200.0..200.0, proptest::num::f64::NORMAL],
            percent in any::<bool>(),
        ) {
            let outputs = catalog::outputs(&LAPIS, &[], None);
            let change = StrengthChange { function, motor, value };
            let reports = change.reports(&outputs, percent);
            for report in &reports {
                prop_assert!((0..=20).contains(&report.step));
                prop_assert_eq!(report.step == 0, value == 0.0);
            }
            let shapes = change.kind().is_some_and(|kind| kind.class() != Class::Intensity);
            prop_assert!(value != 0.0 || shapes || !reports.is_empty());
        }
    }
}
