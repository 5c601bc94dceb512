//! From devices as the server lists them to toys, and from operations to messages. No IO.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::options::Options;
use super::places::Places;
use super::wire::{
    Actuator, ActuatorAt, Device, InputType, OutputCommand, OutputType, Request, Rotation, Scalar,
    Sensor, SensorAt, Vector,
};
use crate::domain::{
    Capabilities, Class, HardwareId, InputKind, MOVEMENT_PART, OpError, Output, OutputKey,
    OutputKind, Setting, ToyDescription,
};

/// The least time between two commands where the server names none (what current servers name).
const USUAL_GAP: Duration = Duration::from_millis(100);

/// No server means more than this.
const LONGEST_GAP: Duration = Duration::from_secs(5);

/// More steps than this nobody feels; a level has no more either.
const MOST_STEPS: i32 = 1_000;

/// A device as a toy.
#[derive(Clone, Debug, PartialEq)]
pub struct Toy {
    /// What commands name it by.
    pub index: u32,
    /// What it is and can do.
    pub description: ToyDescription,
    /// What its route can be relied on for.
    pub capabilities: Capabilities,
    /// One per output of the description, in the same order.
    actuators: Vec<Actuator>,
    /// Sensors that can be used.
    pub sensors: Vec<Sensor>,
}

impl Toy {
    /// The device as a toy of the server that is identified as `server`.
    #[must_use]
    pub fn of(device: Device, server: &str, options: &Options) -> Self {
        let mut usable: Vec<(OutputKind, Actuator)> = device
            .actuators
            .into_iter()
            .filter_map(|actuator| Some((output_kind(&actuator)?, actuator)))
            .collect();
        // A place that can be reached in a given time need not be jumped to.
        let timed: BTreeSet<ActuatorAt> = usable
            .iter()
            .filter(|(_, actuator)| actuator.durations.is_some())
            .map(|(_, actuator)| actuator.at)
            .collect();
        usable.retain(|(kind, actuator)| {
            *kind != OutputKind::Position
                || actuator.durations.is_some()
                || !timed.contains(&actuator.at)
        });
        let mut counts: BTreeMap<OutputKind, u8> = BTreeMap::new();
        for (kind, _) in &usable {
            *counts.entry(*kind).or_default() += 1;
        }
        let mut numbers: BTreeMap<OutputKind, u8> = BTreeMap::new();
        let outputs = usable.iter().map(|(kind, actuator)| {
            let number = numbers.entry(*kind).or_default();
            *number += 1;
            let key = match counts[kind] {
                1 => OutputKey::only(*kind),
                _ => OutputKey::numbered(*kind, *number),
            };
            Output {
                signed: kind.class() == Class::Intensity && actuator.range.0 < 0,
                label: actuator.label.clone(),
                ..Output::new(key, steps(actuator))
            }
        });
        let gap = device.gap.unwrap_or(USUAL_GAP).min(LONGEST_GAP);
        Self {
            index: device.index,
            description: ToyDescription {
                hardware: hardware_id(server, device.index, &device.name),
                manufacturer: String::new(),
                model: device.name,
                nickname: device.display_name,
                firmware: None,
                outputs: outputs.collect(),
                inputs: device
                    .sensors
                    .iter()
                    .map(|it| input_kind(it.kind))
                    .collect(),
            },
            capabilities: Capabilities {
                pace: gap.max(options.pace),
                bound: options.bound(),
                plays: false,
                travel: usable
                    .iter()
                    .any(|(_, actuator)| actuator.durations.is_some())
                    .then_some(options.travel),
            },
            actuators: usable.into_iter().map(|(_, actuator)| actuator).collect(),
            sensors: device.sensors,
        }
    }

    /// The messages that make it take these settings from `now` on. `places` is where its positions
    /// are, as far as is known, and is brought up to date; `may_run` whether anything may be moving.
    ///
    /// # Errors
    /// Settings of outputs that it does not have.
    pub(super) fn drive(
        &self,
        settings: &[Setting],
        now: Instant,
        places: &mut Places,
        may_run: bool,
        options: &Options,
    ) -> Result<Vec<Request>, OpError> {
        let mut batch = Batch::new(self.index);
        let mut moved = Vec::new();
        for setting in settings {
            let (index, output) = self.description.output(setting.key).ok_or_else(|| {
                OpError::Unsupported(format!("the toy has no output {}", setting.key))
            })?;
            let actuator = &self.actuators[index];
            if output.class() == Class::Position {
                moved.push((actuator, output.steps, setting));
            } else {
                batch.intensity(actuator, output.steps, setting.step);
            }
        }
        // The same part of a machine may either oscillate or go to a place: what does not
        // oscillate anyway must not be told so when it is to go somewhere.
        if !may_run {
            let feature = |it: &Actuator| match it.at {
                ActuatorAt::Feature(feature) => Some(feature),
                _ => None,
            };
            let going: Vec<_> = moved.iter().filter_map(|(it, ..)| feature(it)).collect();
            batch.forget_zeroes_of(&going);
        }
        for (actuator, steps, Setting { key, step }) in moved {
            let (step, best) = match places.at(*key, now) {
                Some(here) => part(here, *step, steps, options.travel),
                // From an unknown place it may be the whole way, which cannot be parted. Told again,
                // it is there no later than before.
                None => {
                    let left = places.left(*key, *step, now);
                    (*step, left.unwrap_or(options.travel.min(MOVEMENT_PART)))
                }
            };
            let time = time(actuator, best);
            places.go(*key, step, now, Duration::from_millis(time.into()));
            batch.position(actuator, steps, step, time);
        }
        Ok(batch.requests())
    }

    /// The messages that switch it off: zero for each intensity, and the place where it is by now for
    /// each position on its way, since no server ends a movement by itself. From an unknown place
    /// nothing is known of the way either: such a movement ends by itself, within
    /// [`MOVEMENT_PART`].
    #[must_use]
    pub(super) fn off(&self, now: Instant, places: &mut Places) -> Vec<Request> {
        let mut batch = Batch::new(self.index);
        let outputs = self.description.outputs.iter().zip(&self.actuators);
        for (output, actuator) in outputs {
            match output.class() {
                Class::Intensity => batch.intensity(actuator, output.steps, 0),
                Class::Position => {
                    if let Some(here) = places.on_the_way(output.key, now) {
                        let time = time(actuator, Duration::ZERO);
                        places.go(output.key, here, now, Duration::from_millis(time.into()));
                        batch.position(actuator, output.steps, here, time);
                    }
                }
                Class::Shape => {}
            }
        }
        batch.requests()
    }

    /// The message that reads a sensor; `None` if it cannot be read.
    #[must_use]
    pub fn read(&self, sensor: &Sensor) -> Option<Request> {
        let device_index = self.index;
        match sensor.at {
            _ if !sensor.can_read => None,
            SensorAt::Feature(feature_index) => Some(Request::InputCmd {
                device_index,
                feature_index,
                r#type: sensor.kind,
                command: "Read",
            }),
            SensorAt::Read(sensor_index) => Some(Request::SensorReadCmd {
                device_index,
                sensor_index,
                sensor_type: sensor.kind,
            }),
            SensorAt::Subscribe(_) => None,
        }
    }

    /// The message that makes a sensor tell by itself; `None` if it cannot.
    #[must_use]
    pub fn subscribe(&self, sensor: &Sensor) -> Option<Request> {
        let device_index = self.index;
        match sensor.at {
            _ if !sensor.can_subscribe => None,
            SensorAt::Feature(feature_index) => Some(Request::InputCmd {
                device_index,
                feature_index,
                r#type: sensor.kind,
                command: "Subscribe",
            }),
            SensorAt::Subscribe(sensor_index) => Some(Request::SensorSubscribeCmd {
                device_index,
                sensor_index,
                sensor_type: sensor.kind,
            }),
            SensorAt::Read(_) => None,
        }
    }

    /// Which of its buttons the sensor at this place is, 0-based.
    #[must_use]
    pub fn button(&self, at: u32) -> u8 {
        let buttons = self.sensors.iter();
        let mut buttons = buttons.filter(|sensor| sensor.kind == InputType::Button);
        let found = buttons.position(|sensor| match sensor.at {
            SensorAt::Feature(own) | SensorAt::Read(own) | SensorAt::Subscribe(own) => own == at,
        });
        found
            .and_then(|index| u8::try_from(index).ok())
            .unwrap_or(0)
    }
}

/// `buttplug/<server>/<index>/<name>`. The server's name is kept from looking like more than one
/// part.
fn hardware_id(server: &str, index: u32, name: &str) -> HardwareId {
    let server = server.replace('%', "%25").replace('/', "%2F");
    HardwareId::new(format!("buttplug/{server}/{index}/{name}"))
}

/// What it is to us; `None` for what cannot be used: a range without steps, or one that cannot be
/// switched off.
fn output_kind(actuator: &Actuator) -> Option<OutputKind> {
    let kind = match actuator.kind {
        OutputType::Vibrate => OutputKind::Vibrate,
        OutputType::Rotate => OutputKind::Rotate,
        OutputType::Oscillate => OutputKind::Oscillate,
        OutputType::Constrict | OutputType::Inflate => OutputKind::Constrict,
        OutputType::Spray => OutputKind::Spray,
        OutputType::Temperature => OutputKind::Temperature,
        OutputType::Led => OutputKind::Led,
        OutputType::Position | OutputType::HwPositionWithDuration => OutputKind::Position,
    };
    let (low, high) = actuator.range;
    let usable = match kind.class() {
        Class::Position => low < high,
        _ => low <= 0 && high > 0,
    };
    usable.then_some(kind)
}

const fn input_kind(kind: InputType) -> InputKind {
    match kind {
        InputType::Battery => InputKind::Battery,
        InputType::Rssi => InputKind::Rssi,
        InputType::Button => InputKind::Button,
        InputType::Pressure => InputKind::Pressure,
    }
}

/// How far it goes from rest, in the server's units.
fn span(actuator: &Actuator) -> i64 {
    let (low, high) = (i64::from(actuator.range.0), i64::from(actuator.range.1));
    match actuator.kind {
        OutputType::Position | OutputType::HwPositionWithDuration => high - low,
        _ => high.max(-low),
    }
}

fn steps(actuator: &Actuator) -> u16 {
    span(actuator).clamp(1, i64::from(MOST_STEPS)) as u16
}

/// A step of ours in the server's units: never outside its range, and never off if it is not.
fn value(actuator: &Actuator, steps: u16, step: i32) -> i32 {
    let (low, high) = (i64::from(actuator.range.0), i64::from(actuator.range.1));
    let (steps, step) = (i64::from(steps), i64::from(step));
    // Both are equal unless the range has more steps than anybody needs.
    let scaled = step * span(actuator) / steps;
    let start = match actuator.kind {
        OutputType::Position | OutputType::HwPositionWithDuration => low,
        _ => 0,
    };
    // The clamp makes it fit into the range it came from.
    (start + scaled).clamp(low, high) as i32
}

/// A share that servers of version 3, which all round up, take for exactly this step.
fn share(steps: u16, step: i32) -> f64 {
    match step.unsigned_abs() {
        0 => 0.0,
        step => ((f64::from(step) - 0.5) / f64::from(steps)).min(1.0),
    }
}

/// The same for timed positions, which current servers round down.
fn place(steps: u16, step: i32) -> f64 {
    match step.unsigned_abs() {
        0 => 0.0,
        step => ((f64::from(step) + 0.5) / f64::from(steps)).min(1.0),
    }
}

/// The messages of one operation, as few as the version allows.
struct Batch {
    device: u32,
    outputs: Vec<(u32, OutputCommand)>,
    scalars: Vec<Scalar>,
    rotations: Vec<Rotation>,
    vectors: Vec<Vector>,
}

impl Batch {
    const fn new(device: u32) -> Self {
        Self {
            device,
            outputs: Vec::new(),
            scalars: Vec::new(),
            rotations: Vec::new(),
            vectors: Vec::new(),
        }
    }

    fn intensity(&mut self, actuator: &Actuator, steps: u16, step: i32) {
        match actuator.at {
            ActuatorAt::Feature(feature) => {
                let command = OutputCommand {
                    kind: actuator.kind,
                    value: value(actuator, steps, step),
                    duration: None,
                };
                self.outputs.push((feature, command));
            }
            ActuatorAt::Scalar(index) => self.scalars.push(Scalar {
                index,
                scalar: share(steps, step),
                actuator_type: actuator.kind,
            }),
            ActuatorAt::Rotate(index) => self.rotations.push(Rotation {
                index,
                speed: share(steps, step),
                clockwise: step >= 0,
            }),
            // Holds positions only.
            ActuatorAt::Linear(_) => {}
        }
    }

    fn position(&mut self, actuator: &Actuator, steps: u16, step: i32, duration: u32) {
        match actuator.at {
            ActuatorAt::Feature(feature) => {
                let command = OutputCommand {
                    kind: actuator.kind,
                    value: value(actuator, steps, step),
                    duration: actuator.durations.map(|_| duration),
                };
                self.outputs.push((feature, command));
            }
            ActuatorAt::Linear(index) => self.vectors.push(Vector {
                index,
                duration,
                position: place(steps, step),
            }),
            ActuatorAt::Scalar(_) | ActuatorAt::Rotate(_) => {
                self.intensity(actuator, steps, step);
            }
        }
    }

    fn forget_zeroes_of(&mut self, features: &[u32]) {
        self.outputs
            .retain(|(feature, command)| command.value != 0 || !features.contains(feature));
    }

    fn requests(self) -> Vec<Request> {
        let device_index = self.device;
        let outputs = self.outputs.into_iter();
        let mut requests: Vec<Request> = outputs
            .map(|(feature_index, command)| Request::OutputCmd {
                device_index,
                feature_index,
                command,
            })
            .collect();
        if !self.scalars.is_empty() {
            let scalars = self.scalars;
            requests.push(Request::ScalarCmd {
                device_index,
                scalars,
            });
        }
        if !self.rotations.is_empty() {
            let rotations = self.rotations;
            requests.push(Request::RotateCmd {
                device_index,
                rotations,
            });
        }
        if !self.vectors.is_empty() {
            let vectors = self.vectors;
            requests.push(Request::LinearCmd {
                device_index,
                vectors,
            });
        }
        requests
    }
}

/// How far a movement from `here` to `step` gets in one part, and how long that takes, if the whole
/// travel takes `travel`.
fn part(here: i32, step: i32, steps: u16, travel: Duration) -> (i32, Duration) {
    let whole = travel * (step - here).unsigned_abs() / u32::from(steps);
    if whole <= MOVEMENT_PART {
        return (step, whole);
    }
    let (done, all) = (MOVEMENT_PART.as_millis(), whole.as_millis());
    // A share of the way, so it fits.
    let way = (i64::from(step - here) * done as i64 / all as i64) as i32;
    (here + way, MOVEMENT_PART)
}

/// How many milliseconds a movement takes that would best take so long.
fn time(actuator: &Actuator, best: Duration) -> u32 {
    let (least, most) = actuator.durations.unwrap_or((0, 0));
    let best = u32::try_from(best.as_millis()).unwrap_or(u32::MAX);
    best.min(most).max(least)
}

#[cfg(test)]
mod tests;
