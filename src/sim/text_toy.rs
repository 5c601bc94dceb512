//! A simulated toy that speaks the Lovense text protocol itself: plain state, with time as an
//! argument and no connection of its own. Whoever has one (a simulated Bluetooth service, a device
//! websocket) passes on what is written to it and what it answers.
//!
//! It reads commands by itself and knows nothing of how the bridge writes them, so that it cannot
//! share a mistake with the bridge. Source: the protocol notes of the Buttplug project
//! (docs.buttplug.io, "Lovense").

use std::time::Duration;

use super::Function;

/// No more than this is kept of what happened.
const KEPT: usize = 10_000;

/// What a simulated toy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextToySpec {
    /// The letters that it answers `DeviceType;` with, e.g. `S`.
    pub letters: String,
    /// Its firmware.
    pub firmware: u32,
    /// Its Bluetooth address, 12 hex digits.
    pub address: String,
    /// Its charge, percent.
    pub battery: u8,
    /// Whether it can stop by itself when it is disconnected (`AutoSwith`).
    pub can_auto_stop: bool,
    /// Whether it answers settings with `OK;`.
    pub acknowledges: bool,
    /// Whether it speaks the protocol at all: others advertise the same names.
    pub speaks: bool,
    /// A command that it answers with `ERR;`, e.g. `Rotate`.
    pub refuses: Option<&'static str>,
}

impl TextToySpec {
    /// A toy of these letters that can do everything.
    #[must_use]
    pub fn new(letters: &str, address: &str) -> Self {
        Self {
            letters: letters.to_owned(),
            firmware: 100,
            address: address.to_owned(),
            battery: 85,
            can_auto_stop: true,
            acknowledges: true,
            speaks: true,
            refuses: None,
        }
    }
}

/// Something that a toy was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When, as the caller counts time.
    pub at: Duration,
    /// What, without its end. Bytes that are no text are escaped.
    pub command: String,
}

/// A level that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelChange {
    /// When, as the caller counts time.
    pub at: Duration,
    /// Of which function.
    pub function: Function,
    /// The level from now on; below zero for a rotation the other way.
    pub to: i32,
}

/// A running simulated toy.
#[derive(Debug)]
pub struct TextToy {
    spec: TextToySpec,
    levels: Vec<(Function, i32)>,
    backwards: bool,
    stops_when_left: bool,
    heard: Vec<Heard>,
    changes: Vec<LevelChange>,
}

impl TextToy {
    /// Switches it on.
    #[must_use]
    pub fn new(spec: TextToySpec) -> Self {
        let mut levels: Vec<(Function, i32)> =
            functions(&spec).iter().map(|part| (*part, 0)).collect();
        if let Some(far) = levels.iter_mut().find(|(f, _)| *f == Function::StrokeMax) {
            far.1 = 100;
        }
        Self {
            spec,
            levels,
            backwards: false,
            stops_when_left: false,
            heard: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Something is written to it. Returns its answers, each with its end.
    pub fn write(&mut self, now: Duration, bytes: &[u8]) -> Vec<String> {
        let commands = bytes.split(|byte| *byte == b';');
        let commands = commands.filter(|command| !command.is_empty());
        let mut answers = Vec::new();
        for command in commands {
            if self.heard.len() < KEPT {
                self.heard.push(Heard {
                    at: now,
                    command: command.escape_ascii().to_string(),
                });
            }
            if self.spec.speaks {
                answers.extend(self.obey(now, command));
            }
        }
        answers
    }

    /// The connection to it has ended, by whatever cause.
    pub fn left_alone(&mut self, now: Duration) {
        if self.stops_when_left {
            self.set_all(now, |function| function.moves(), 0);
        }
    }

    /// What it does: every function and its level.
    #[must_use]
    pub fn levels(&self) -> &[(Function, i32)] {
        &self.levels
    }

    /// The level of one function; 0 if it lacks it.
    #[must_use]
    pub fn level(&self, function: Function) -> i32 {
        let found = self.levels.iter().find(|(known, _)| *known == function);
        found.map_or(0, |(_, level)| *level)
    }

    /// Whether anything moves.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.levels
            .iter()
            .any(|(function, level)| function.moves() && *level != 0)
    }

    /// Whether it stops by itself when it is disconnected.
    #[must_use]
    pub const fn stops_when_left(&self) -> bool {
        self.stops_when_left
    }

    /// Everything that it was told, oldest first.
    #[must_use]
    pub fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// Every level that changed, oldest first.
    #[must_use]
    pub fn changes(&self) -> &[LevelChange] {
        &self.changes
    }

    /// What it is. The battery may be changed.
    pub const fn spec_mut(&mut self) -> &mut TextToySpec {
        &mut self.spec
    }

    fn obey(&mut self, now: Duration, command: &[u8]) -> Option<String> {
        if let Some(bytes) = command.strip_prefix(b"LVS:") {
            return self.setting(self.has(Function::StrokeMin), |toy| {
                let &[speed, near, far] = bytes else {
                    return false;
                };
                let fits = speed <= 20 && near <= far && far <= 20;
                if fits {
                    toy.set(now, Function::StrokeMin, i32::from(near) * 5);
                    toy.set(now, Function::StrokeMax, i32::from(far) * 5);
                    toy.set(now, Function::Thrusting, i32::from(speed));
                }
                fits
            });
        }
        let text = String::from_utf8_lossy(command).into_owned();
        let mut words = text.split(':');
        let name = words.next().unwrap_or_default();
        let arguments: Vec<&str> = words.collect();
        if self.spec.refuses == Some(name) {
            return Some("ERR;".to_owned());
        }
        match (name, &arguments[..]) {
            ("DeviceType", []) => {
                let address = self.spec.address.to_uppercase();
                Some(format!(
                    "{}:{}:{address};",
                    self.spec.letters, self.spec.firmware
                ))
            }
            ("Battery", []) => {
                let running = if self.runs() { "s" } else { "" };
                Some(format!("{running}{};", self.spec.battery))
            }
            ("GetAS", []) if self.spec.can_auto_stop => {
                Some(format!("AutoSwith:{}:0;", u8::from(self.stops_when_left)))
            }
            ("AutoSwith", [stop, "Off"]) => self.setting(self.spec.can_auto_stop, |toy| {
                toy.stops_when_left = *stop == "On";
                true
            }),
            ("RotateChange", []) => self.setting(self.has(Function::Rotate), |toy| {
                toy.backwards = !toy.backwards;
                let level = -toy.level(Function::Rotate);
                toy.set(now, Function::Rotate, level);
                true
            }),
            ("Mply", numbers) => self.together(now, numbers),
            ("Air", ["Level", level]) => self.number(now, Function::Pump, level),
            ("FSetSite", [place]) => self.number(now, Function::Position, place),
            ("Rotate", [level]) => self.number(now, Function::Rotate, level),
            ("Vibrate", [level]) => self.vibrate(now, level),
            (numbered, [level]) => self.motor(now, numbered, level),
            _ => self.setting(false, |_| false),
        }
    }

    /// Does something that is answered with `OK;` or `ERR;`.
    fn setting(&mut self, can: bool, act: impl FnOnce(&mut Self) -> bool) -> Option<String> {
        let done = can && act(self);
        let answer = if done { "OK;" } else { "ERR;" };
        (self.spec.acknowledges || !done).then(|| answer.to_owned())
    }

    fn has(&self, function: Function) -> bool {
        self.levels.iter().any(|(known, _)| *known == function)
    }

    fn number(&mut self, now: Duration, function: Function, text: &str) -> Option<String> {
        let level = within(text, function.max());
        self.setting(self.has(function) && level.is_some(), |toy| {
            let sign = if function == Function::Rotate && toy.backwards {
                -1
            } else {
                1
            };
            toy.set(now, function, sign * level.unwrap_or(0));
            true
        })
    }

    /// All vibrators; of a toy without any, what it has instead.
    fn vibrate(&mut self, now: Duration, text: &str) -> Option<String> {
        let level = within(text, 20);
        self.setting(level.is_some(), |toy| {
            let any = toy.levels.iter().any(|(function, _)| function.vibrates());
            let moved = |function: Function| {
                let instead = matches!(function, Function::Thrusting | Function::Oscillate);
                if any { function.vibrates() } else { instead }
            };
            toy.set_all(now, moved, level.unwrap_or(0));
            true
        })
    }

    /// `Vibrate2`
    fn motor(&mut self, now: Duration, name: &str, text: &str) -> Option<String> {
        let number = name.strip_prefix("Vibrate");
        let index = number.and_then(|number| number.parse::<usize>().ok()?.checked_sub(1));
        let function = index
            .filter(|_| self.is_numbered())
            .and_then(|index| self.levels.get(index))
            .map(|(function, _)| *function);
        match function {
            Some(function) => self.number(now, function, text),
            None => self.setting(false, |_| false),
        }
    }

    fn together(&mut self, now: Duration, numbers: &[&str]) -> Option<String> {
        let levels: Option<Vec<i32>> = numbers.iter().map(|text| within(text, 20)).collect();
        let strokes = self.level_index(Function::Thrusting) == Some(0);
        let parts = self.levels.len();
        let fits = levels.as_ref().is_some_and(|levels| match levels.len() {
            2 if strokes => true,
            count => !strokes && parts > 2 && count == parts,
        });
        self.setting(fits, |toy| {
            let levels = levels.unwrap_or_default();
            if strokes {
                toy.set(now, Function::Thrusting, levels[0]);
                return true;
            }
            for (index, level) in levels.into_iter().enumerate() {
                toy.set(now, toy.levels[index].0, level);
            }
            true
        })
    }

    fn level_index(&self, function: Function) -> Option<usize> {
        self.levels.iter().position(|(known, _)| *known == function)
    }

    /// Whether its motors go by number.
    fn is_numbered(&self) -> bool {
        let stroker = self.has(Function::Position);
        self.levels.len() == 2
            && !stroker
            && !self.has(Function::Rotate)
            && !self.has(Function::Pump)
    }

    fn set_all(&mut self, now: Duration, which: impl Fn(Function) -> bool, level: i32) {
        for index in 0..self.levels.len() {
            let function = self.levels[index].0;
            if which(function) {
                self.set(now, function, level);
            }
        }
    }

    fn set(&mut self, now: Duration, function: Function, to: i32) {
        let known = self.levels.iter_mut().find(|(known, _)| *known == function);
        let Some((_, level)) = known.filter(|(_, level)| *level != to) else {
            return;
        };
        *level = to;
        if self.changes.len() < KEPT {
            self.changes.push(LevelChange {
                at: now,
                function,
                to,
            });
        }
    }
}

fn within(text: &str, most: u16) -> Option<i32> {
    let level: u16 = text.parse().ok()?;
    (level <= most).then_some(i32::from(level))
}

/// What moves of a toy of these letters, motors in the order of their numbers.
fn functions(spec: &TextToySpec) -> &'static [Function] {
    use Function::{
        Fingering, Oscillate, Position, Pump, Rotate, StrokeMax, StrokeMin, Thrusting, Vibrate,
        Vibrate1, Vibrate2, Vibrate3,
    };
    match spec.letters.as_str() {
        "A" | "C" | "EL" => &[Vibrate, Rotate],
        "B" => &[Vibrate, Pump],
        "P" | "J" | "N" | "OC" | "QA" => &[Vibrate1, Vibrate2],
        "EA" | "EY" | "WD" => &[Vibrate, Thrusting],
        "U" => &[Vibrate1, Vibrate2, Vibrate3],
        "EI" if spec.firmware >= 3 => &[Vibrate1, Vibrate2, Fingering],
        "H" | "F" | "FS" => &[Thrusting],
        "BA" => &[Thrusting, StrokeMin, StrokeMax, Position],
        "EZ" => &[Oscillate],
        _ => &[Vibrate],
    }
}
