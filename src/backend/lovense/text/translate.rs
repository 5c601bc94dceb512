//! How an operation becomes commands, for the model at hand.

use std::collections::BTreeMap;

use super::TextCommand;
use crate::backend::lovense::catalog::{self, Function, Model, TextForm, text_forms, text_outputs};
use crate::domain::{Command, OpError, Output, OutputKey, OutputKind, Setting};

/// A stroke shorter than this is ignored by toys, percent (Lovense Standard API, Stroke).
const LEAST_STROKE: i32 = 20;

/// A command, and what the toy does once it has taken it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What to say.
    pub command: TextCommand,
    /// The outputs that this sets, and to which steps.
    sets: Vec<(OutputKey, i32)>,
}

/// Makes commands of operations, and remembers what the toy has been told: what it does already
/// need not be said again, and a direction can only be turned round.
#[derive(Clone, Debug)]
pub struct Translator {
    forms: &'static [TextForm],
    outputs: Vec<Output>,
    /// What the toy was told, as far as it is certain.
    told: BTreeMap<OutputKey, i32>,
    /// Whether it rotates the other way. A toy that has just been switched on does not.
    backwards: bool,
}

type Levels = BTreeMap<OutputKey, i32>;

impl Translator {
    /// For a toy that says to be of these letters and this firmware. One that is not in the
    /// catalogue is taken for a toy with a single motor.
    #[must_use]
    pub fn of(letters: &str, firmware: u32) -> Self {
        Self::new(catalog::by_letter_and_firmware(letters, Some(firmware)))
    }

    /// For a toy of this model.
    #[must_use]
    pub fn new(model: Option<&'static Model>) -> Self {
        Self {
            forms: text_forms(model),
            outputs: text_outputs(model),
            told: BTreeMap::new(),
            backwards: false,
        }
    }

    /// The outputs that the toy has.
    #[must_use]
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// What to say, in this order, to have the toy carry out `command`. Each line that has been
    /// handed over is to be [noted](Self::note).
    ///
    /// # Errors
    /// [`OpError::Unsupported`] for an output that the toy lacks, and for a pattern: patterns are
    /// played step by step.
    pub fn lines(&self, command: &Command) -> Result<Vec<Line>, OpError> {
        match command {
            Command::Stop => Ok(self.stop()),
            Command::Drive(settings) => self.drive(settings),
            Command::Play(_) => Err(OpError::Unsupported(
                "a toy without its app knows no patterns".to_owned(),
            )),
        }
    }

    /// This line has been handed to the toy.
    pub fn note(&mut self, line: &Line) {
        self.told.extend(line.sets.iter().copied());
        self.backwards ^= line.command == TextCommand::TurnRound;
    }

    /// What the toy does is no longer certain: say everything again next time.
    pub fn doubt(&mut self) {
        self.told.clear();
    }

    /// Everything off, whatever it does. What matters most comes first.
    #[must_use]
    pub fn stop(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for form in self.forms {
            let zero: Vec<(OutputKey, i32)> = form
                .functions()
                .iter()
                .filter(|function| !matches!(function, Function::Stroke | Function::Position))
                .filter_map(|function| Some((self.key_of(*function)?, 0)))
                .collect();
            let count = zero.len();
            let mut say = |command, sets| lines.push(Line { command, sets });
            match form {
                TextForm::Single(_) => say(TextCommand::Vibrate(0), zero),
                TextForm::Numbered(_) => {
                    // All vibrators at once; the single ones after it in case one is no vibrator.
                    say(TextCommand::Vibrate(0), Vec::new());
                    for (motor, zero) in (1..).zip(zero) {
                        say(TextCommand::VibrateOne(motor, 0), vec![zero]);
                    }
                }
                TextForm::Together(_) => say(TextCommand::Together(vec![0; count]), zero),
                TextForm::Rotation => say(TextCommand::Rotate(0), zero),
                TextForm::Air => say(TextCommand::Air(0), zero),
                TextForm::Stroker | TextForm::RangedStroker => {
                    say(TextCommand::Stroke(0), zero);
                    // It ends the movement as well, in case the other one is not understood.
                    say(TextCommand::Vibrate(0), Vec::new());
                }
                TextForm::Place => {}
            }
        }
        lines
    }

    fn drive(&self, settings: &[Setting]) -> Result<Vec<Line>, OpError> {
        let mut wanted = Levels::new();
        for setting in settings {
            let output = self.outputs.iter().find(|output| output.key == setting.key);
            let output = output.ok_or_else(|| {
                OpError::Unsupported(format!("the toy has no output {}", setting.key))
            })?;
            let most = i32::from(output.steps);
            let least = if output.signed { -most } else { 0 };
            wanted.insert(setting.key, setting.step.clamp(least, most));
        }
        let news = self.spell(&wanted, &self.told);
        if news.is_empty() {
            // It is asked for once more: somebody is not sure that it does it.
            return Ok(self.spell(&wanted, &Levels::new()));
        }
        Ok(news)
    }

    /// The commands that lead from `told` to `wanted`.
    fn spell(&self, wanted: &Levels, told: &Levels) -> Vec<Line> {
        let mut lines = Vec::new();
        for form in self.forms {
            let of_form: Vec<(OutputKey, i32)> = form
                .functions()
                .iter()
                .filter_map(|function| self.key_of(*function))
                .map(|key| {
                    (
                        key,
                        wanted.get(&key).or(told.get(&key)).copied().unwrap_or(0),
                    )
                })
                .collect();
            let is_new = |(key, step): &(OutputKey, i32)| {
                wanted.contains_key(key) && told.get(key) != Some(step)
            };
            match form {
                TextForm::RangedStroker => lines.extend(self.stroke(wanted, told)),
                _ if !of_form.iter().any(is_new) => {}
                TextForm::Rotation => lines.extend(self.rotation(of_form)),
                TextForm::Numbered(_) => {
                    let vibrators = of_form.iter().all(|(k, _)| k.kind == OutputKind::Vibrate);
                    let first = byte(of_form[0].1);
                    let same = of_form.iter().all(|(_, step)| byte(*step) == first);
                    if vibrators && same && of_form.iter().filter(|s| is_new(s)).count() > 1 {
                        lines.push(Line {
                            command: TextCommand::Vibrate(first),
                            sets: of_form,
                        });
                        continue;
                    }
                    for (motor, setting) in (1..).zip(of_form) {
                        if is_new(&setting) {
                            lines.push(Line {
                                command: TextCommand::VibrateOne(motor, byte(setting.1)),
                                sets: vec![setting],
                            });
                        }
                    }
                }
                TextForm::Together(_) => lines.push(Line {
                    command: TextCommand::Together(
                        of_form.iter().map(|(_, step)| byte(*step)).collect(),
                    ),
                    sets: of_form,
                }),
                TextForm::Single(_) | TextForm::Air | TextForm::Stroker | TextForm::Place => {
                    let step = byte(of_form[0].1);
                    let command = match form {
                        TextForm::Single(_) => TextCommand::Vibrate(step),
                        TextForm::Air => TextCommand::Air(step),
                        TextForm::Place => TextCommand::Place(step),
                        _ => TextCommand::Stroke(step),
                    };
                    lines.push(Line {
                        command,
                        sets: of_form,
                    });
                }
            }
        }
        lines
    }

    fn rotation(&self, of_form: Vec<(OutputKey, i32)>) -> Vec<Line> {
        let step = of_form[0].1;
        let mut lines = Vec::with_capacity(2);
        if step != 0 && (step < 0) != self.backwards {
            lines.push(Line {
                command: TextCommand::TurnRound,
                sets: Vec::new(),
            });
        }
        lines.push(Line {
            command: TextCommand::Rotate(byte(step)),
            sets: of_form,
        });
        lines
    }

    /// A stroker whose travel can be set: speed and both ends go together.
    fn stroke(&self, wanted: &Levels, told: &Levels) -> Option<Line> {
        let [speed, near, far] = [
            (OutputKind::Thrust, 0),
            (OutputKind::StrokeMin, 0),
            (OutputKind::StrokeMax, 100),
        ]
        .map(|(kind, default)| {
            let key = OutputKey::only(kind);
            let step = wanted.get(&key).or(told.get(&key));
            (key, step.copied().unwrap_or(default))
        });
        let runs = speed.1 > 0;
        let is_new = |(key, step): &(OutputKey, i32)| told.get(key) != Some(step);
        // The travel matters only to what moves.
        let news = wanted.contains_key(&speed.0) && is_new(&speed)
            || runs && (is_new(&near) || is_new(&far));
        if !news {
            return None;
        }
        let command = if !runs || (near.1 == 0 && far.1 == 100) {
            TextCommand::Stroke(byte(speed.1))
        } else {
            let (min, max) = (near.1.min(far.1), near.1.max(far.1));
            let missing = (LEAST_STROKE - (max - min)).max(0);
            let min = (min - missing / 2).clamp(0, 100 - LEAST_STROKE);
            let max = max.max(min + LEAST_STROKE);
            TextCommand::StrokeWithin(byte(speed.1), byte(min / 5), byte(max / 5))
        };
        let sets = if runs {
            vec![speed, near, far]
        } else {
            vec![speed]
        };
        Some(Line { command, sets })
    }

    fn key_of(&self, function: Function) -> Option<OutputKey> {
        let mut keys = self.outputs.iter().map(|output| output.key);
        keys.find(|key| Function::of(*key) == Some(function))
    }
}

/// A step as it is written: without its direction. Steps have been brought into range, 0–100.
fn byte(step: i32) -> u8 {
    u8::try_from(step.unsigned_abs()).unwrap_or(u8::MAX)
}

#[cfg(test)]
#[path = "translate_tests.rs"]
mod tests;
