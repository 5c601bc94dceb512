//! Getting to know a toy: what it is, and that it speaks this protocol at all.
//!
//! Toys of other makers advertise the same names, so nothing is driven before `DeviceType;` has been
//! answered as it should. The first thing a toy is told after that is to stop: it may have been left
//! running by whoever held the connection before.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Answer, DeviceType, Line, Lines, Question, TextCommand, Translator};
use crate::backend::lovense::catalog;
use crate::domain::{Bound, Capabilities, HardwareId, InputKind, Instant, ToyDescription};

/// How long an answer may take. Toys answer within some 50 ms.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often `DeviceType;` is asked: the first question after a connection is often lost.
const TRIES: u32 = 5;

/// What is known of a toy once it has been greeted.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What it says that it is.
    pub device: DeviceType,
    /// How to talk to it.
    pub translator: Translator,
    /// Whether it answers settings.
    pub acknowledges: bool,
    /// Whether it is certain to stop by itself when it is disconnected.
    pub stops_when_left: bool,
}

impl Proof {
    /// The toy as the engine knows it. `inputs`: what else can be told of it than its charge.
    #[must_use]
    pub fn describe(
        &self,
        hardware: &HardwareId,
        pace: Duration,
        inputs: impl IntoIterator<Item = InputKind>,
    ) -> (ToyDescription, Capabilities) {
        let device = &self.device;
        let firmware = Some(device.firmware);
        let model = catalog::by_letter_and_firmware(&device.letters, firmware);
        let model = model.map_or(catalog::MANUFACTURER, |model| {
            model.marketing_name(firmware)
        });
        let inputs = inputs.into_iter().chain([InputKind::Battery]);
        let description = ToyDescription {
            hardware: hardware.clone(),
            manufacturer: catalog::MANUFACTURER.to_owned(),
            model: model.to_owned(),
            nickname: None,
            firmware: Some(device.firmware.to_string()),
            outputs: self.translator.outputs().to_vec(),
            inputs: inputs.collect(),
        };
        let capabilities = Capabilities {
            pace,
            // One that is cut off may well leave its motor running.
            bound: if self.stops_when_left {
                Bound::Connection
            } else {
                Bound::None
            },
            plays: false,
            travel: None,
        };
        (description, capabilities)
    }
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum Courtesy {
    /// Write this, and say when it [has been](Greeting::written).
    Write(Vec<u8>),
    /// Wait for an answer, at most until then.
    Wait(Instant),
    /// It is a toy.
    Known(Box<Proof>),
    /// It does not speak the protocol, or not just now.
    Stranger,
}

#[derive(Debug)]
enum Stage {
    Ask(u32),
    Stop(Box<Known>),
    AskAutoStop(Box<Known>),
    SetAutoStop(Box<Known>),
    Done(Box<Proof>),
    Failed,
}

#[derive(Debug)]
struct Known {
    proof: Proof,
    stop: VecDeque<Line>,
}

/// A greeting under way.
#[derive(Debug)]
pub struct Greeting {
    stage: Stage,
    lines: Lines,
    pace: Duration,
    /// Nothing is written before.
    slot: Instant,
    /// What has been asked, and until when it may be answered.
    asked: Option<(Question, Instant)>,
}

impl Greeting {
    /// Begins. Writes are `pace` apart.
    #[must_use]
    pub fn new(pace: Duration) -> Self {
        Self {
            stage: Stage::Ask(0),
            lines: Lines::default(),
            pace,
            slot: Instant::START,
            asked: None,
        }
    }

    /// What the toy says that it is, once it has. Nothing but the question has been written until then.
    #[must_use]
    pub fn device(&self) -> Option<&DeviceType> {
        match &self.stage {
            Stage::Stop(known) | Stage::AskAutoStop(known) | Stage::SetAutoStop(known) => {
                Some(&known.proof.device)
            }
            Stage::Done(proof) => Some(&proof.device),
            Stage::Ask(_) | Stage::Failed => None,
        }
    }

    /// What to do now.
    pub fn next(&mut self, now: Instant) -> Courtesy {
        if let Some((_, until)) = self.asked {
            if now < until {
                return Courtesy::Wait(until);
            }
            self.asked = None;
            self.answered(None);
        }
        if let Stage::Done(proof) = &self.stage {
            return Courtesy::Known(proof.clone());
        }
        if now < self.slot {
            return Courtesy::Wait(self.slot);
        }
        let (command, question) = match &self.stage {
            Stage::Ask(_) => (TextCommand::DeviceType, Question::DeviceType),
            Stage::Stop(known) => match known.stop.front() {
                Some(line) => (line.command.clone(), Question::Setting),
                None => return Courtesy::Stranger,
            },
            Stage::AskAutoStop(_) => (TextCommand::AutoStop, Question::AutoStop),
            Stage::SetAutoStop(_) => (TextCommand::SetAutoStop, Question::Setting),
            Stage::Done(_) | Stage::Failed => return Courtesy::Stranger,
        };
        self.asked = Some((question, now + PATIENCE));
        Courtesy::Write(command.bytes())
    }

    /// What was to be written has been.
    pub fn written(&mut self, now: Instant) {
        self.slot = now + self.pace;
        if let Some((_, until)) = &mut self.asked {
            *until = now + PATIENCE;
        }
    }

    /// Something came.
    pub fn heard(&mut self, bytes: &[u8]) {
        for line in self.lines.push(bytes) {
            let answer = Answer::read(&line);
            if self.asked.is_some_and(|(asked, _)| asked.takes(&answer)) {
                self.asked = None;
                self.answered(Some(&answer));
            }
        }
    }

    fn answered(&mut self, answer: Option<&Answer>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Failed);
        self.stage = match (stage, answer) {
            (Stage::Ask(_), Some(Answer::Device(device))) => {
                let translator = Translator::of(&device.letters, device.firmware);
                Stage::Stop(Box::new(Known {
                    stop: translator.stop().into(),
                    proof: Proof {
                        device: device.clone(),
                        translator,
                        acknowledges: false,
                        stops_when_left: false,
                    },
                }))
            }
            (Stage::Ask(tries), _) if tries + 1 < TRIES => Stage::Ask(tries + 1),
            (Stage::Stop(mut known), answer) => {
                known.proof.acknowledges |= answer == Some(&Answer::Done);
                if let Some(line) = known.stop.pop_front() {
                    known.proof.translator.note(&line);
                }
                if known.stop.is_empty() {
                    Stage::AskAutoStop(known)
                } else {
                    Stage::Stop(known)
                }
            }
            (
                Stage::AskAutoStop(mut known),
                Some(Answer::AutoStop {
                    stops,
                    starts_again,
                }),
            ) => {
                known.proof.stops_when_left = *stops && !starts_again;
                if known.proof.stops_when_left {
                    Stage::Done(Box::new(known.proof))
                } else {
                    Stage::SetAutoStop(known)
                }
            }
            // It does not know the question, so it does not know the setting.
            (Stage::AskAutoStop(known), _) => Stage::Done(Box::new(known.proof)),
            (Stage::SetAutoStop(mut known), answer) => {
                known.proof.stops_when_left = answer == Some(&Answer::Done);
                Stage::Done(Box::new(known.proof))
            }
            (done @ Stage::Done(_), _) => done,
            (Stage::Ask(_) | Stage::Failed, _) => Stage::Failed,
        };
    }
}
