//! Devices as servers list them, in both versions, as one picture.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{InputType, OutputType};

/// The most outputs or sensors of one device. Known ones have at most a handful.
const MOST: usize = 32;

/// A device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// What commands name it by. Given anew by servers that keep no memory.
    pub index: u32,
    /// Maker and model, `Lovense Edge`.
    pub name: String,
    /// What the user called it in the server.
    pub display_name: Option<String>,
    /// The least time between two commands.
    pub gap: Option<Duration>,
    /// What it can do, in the server's order.
    pub actuators: Vec<Actuator>,
    /// What it can tell.
    pub sensors: Vec<Sensor>,
}

/// Something that a device can do.
#[derive(Clone, Debug, PartialEq)]
pub struct Actuator {
    /// How commands name it.
    pub at: ActuatorAt,
    /// What it does.
    pub kind: OutputType,
    /// The values that it takes; in version 3, where values are shares, its steps.
    pub range: (i32, i32),
    /// The durations that it takes, ms, if it is timed.
    pub durations: Option<(u32, u32)>,
    /// What the maker calls it.
    pub label: Option<String>,
}

/// How commands name an actuator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActuatorAt {
    /// Version 4: a feature.
    Feature(u32),
    /// Version 3: place in `ScalarCmd`.
    Scalar(u32),
    /// Version 3: place in `RotateCmd`.
    Rotate(u32),
    /// Version 3: place in `LinearCmd`.
    Linear(u32),
}

/// Something that a device can tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// How commands name it.
    pub at: SensorAt,
    /// What it measures.
    pub kind: InputType,
    /// Whether it answers when asked.
    pub can_read: bool,
    /// Whether it tells by itself.
    pub can_subscribe: bool,
}

/// How commands name a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SensorAt {
    /// Version 4: a feature.
    Feature(u32),
    /// Version 3: place in `SensorReadCmd`.
    Read(u32),
    /// Version 3: place in `SensorSubscribeCmd`.
    Subscribe(u32),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    device_index: u32,
    #[serde(default)]
    device_name: String,
    #[serde(default)]
    device_display_name: Option<String>,
    #[serde(default)]
    device_message_timing_gap: Option<u32>,
    #[serde(default)]
    device_features: Map<String, Value>,
    #[serde(default)]
    device_messages: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Feature {
    feature_index: u32,
    #[serde(default)]
    feature_description: Option<String>,
    #[serde(default)]
    output: Map<String, Value>,
    #[serde(default)]
    input: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    value: (i32, i32),
    #[serde(default)]
    duration: Option<(u32, u32)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(default)]
    command: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    #[serde(default)]
    feature_descriptor: Option<String>,
    #[serde(default)]
    actuator_type: Option<Value>,
    #[serde(default)]
    sensor_type: Option<Value>,
    #[serde(default = "one")]
    step_count: i32,
}

fn one() -> i32 {
    1
}

/// Servers write something even where the maker says nothing.
fn label(text: Option<String>) -> Option<String> {
    let text = text?.trim().to_owned();
    let said = !text.is_empty() && !text.eq_ignore_ascii_case("n/a");
    said.then_some(text)
}

fn word<T: for<'a> Deserialize<'a>>(text: &str) -> Option<T> {
    serde_json::from_value(Value::from(text)).ok()
}

impl Device {
    /// From an entry of a list, or from `DeviceAdded`; `None` if it is none.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let raw = Raw::deserialize(value).ok()?;
        let mut device = Self {
            index: raw.device_index,
            name: raw.device_name,
            display_name: label(raw.device_display_name),
            gap: raw
                .device_message_timing_gap
                .map(|gap| Duration::from_millis(gap.into())),
            actuators: Vec::new(),
            sensors: Vec::new(),
        };
        let features = raw.device_features.values();
        let mut features: Vec<Feature> = features
            .filter_map(|feature| Feature::deserialize(feature).ok())
            .collect();
        features.sort_by_key(|feature| feature.feature_index);
        for feature in features {
            device.feature(feature);
        }
        device.messages(&raw.device_messages);
        device.actuators.truncate(MOST);
        device.sensors.truncate(MOST);
        Some(device)
    }

    fn feature(&mut self, feature: Feature) {
        let at = feature.feature_index;
        let label = label(feature.feature_description);
        let outputs = feature.output.iter().filter_map(|(kind, output)| {
            let output = Output::deserialize(output).ok()?;
            Some(Actuator {
                at: ActuatorAt::Feature(at),
                kind: word(kind)?,
                range: output.value,
                durations: output.duration,
                label: label.clone(),
            })
        });
        let mut outputs: Vec<_> = outputs.collect();
        // The order of a map says nothing.
        outputs.sort_by_key(|output| output.kind);
        self.actuators.extend(outputs);
        let inputs = feature.input.iter().filter_map(|(kind, input)| {
            let input = Input::deserialize(input).ok()?;
            let can = |word: &str| input.command.iter().any(|command| command == word);
            Some(Sensor {
                at: SensorAt::Feature(at),
                kind: word(kind)?,
                can_read: can("Read"),
                can_subscribe: can("Subscribe"),
            })
        });
        let mut inputs: Vec<_> = inputs.collect();
        inputs.sort_by_key(|input| input.kind);
        self.sensors.extend(inputs);
    }

    /// Version 3: a list of attributes per message.
    fn messages(&mut self, messages: &Map<String, Value>) {
        let rotations = attributes(
            messages,
            "RotateCmd",
            ActuatorAt::Rotate,
            OutputType::Rotate,
        );
        let linear = OutputType::HwPositionWithDuration;
        let positions = attributes(messages, "LinearCmd", ActuatorAt::Linear, linear);
        // Servers list a two-way rotation and a timed position among the scalars as well.
        let mut twice: Vec<(OutputType, i32)> = rotations
            .iter()
            .map(|rotation| (OutputType::Rotate, rotation.range.1))
            .chain(
                positions
                    .iter()
                    .map(|at| (OutputType::Position, at.range.1)),
            )
            .collect();
        let scalars = attributes(
            messages,
            "ScalarCmd",
            ActuatorAt::Scalar,
            OutputType::Vibrate,
        );
        self.actuators.extend(scalars.into_iter().filter(|scalar| {
            let same = (scalar.kind, scalar.range.1);
            let found = twice.iter().position(|other| *other == same);
            found.map(|index| twice.swap_remove(index)).is_none()
        }));
        self.actuators
            .extend(rotations.into_iter().map(|mut found| {
                found.kind = OutputType::Rotate;
                found.range.0 = found.range.1.saturating_neg();
                found
            }));
        self.actuators
            .extend(positions.into_iter().map(|mut found| {
                found.kind = linear;
                found.durations = Some((20, u32::MAX));
                found
            }));
        self.sensors
            .extend(sensors(messages, "SensorReadCmd", SensorAt::Read));
        self.sensors
            .extend(sensors(messages, "SensorSubscribeCmd", SensorAt::Subscribe));
    }
}

/// The attributes of a message, each with its place: entries that make no sense count as well.
fn listed(messages: &Map<String, Value>, name: &str) -> Vec<(u32, Attribute)> {
    let listed = messages.get(name).and_then(Value::as_array);
    let listed = listed.into_iter().flatten().zip(0..);
    listed
        .filter_map(|(value, index)| Some((index, Attribute::deserialize(value).ok()?)))
        .collect()
}

fn attributes(
    messages: &Map<String, Value>,
    name: &str,
    at: fn(u32) -> ActuatorAt,
    usual: OutputType,
) -> Vec<Actuator> {
    let listed = listed(messages, name).into_iter();
    listed
        .filter_map(|(index, attribute)| {
            let kind = match &attribute.actuator_type {
                None => usual,
                Some(kind) => OutputType::deserialize(kind).ok()?,
            };
            Some(Actuator {
                at: at(index),
                kind,
                range: (0, attribute.step_count),
                durations: None,
                label: label(attribute.feature_descriptor),
            })
        })
        .collect()
}

fn sensors(messages: &Map<String, Value>, name: &str, at: fn(u32) -> SensorAt) -> Vec<Sensor> {
    let listed = listed(messages, name).into_iter();
    listed
        .filter_map(|(index, attribute)| {
            let at = at(index);
            Some(Sensor {
                at,
                kind: InputType::deserialize(attribute.sensor_type.as_ref()?).ok()?,
                can_read: matches!(at, SensorAt::Read(_)),
                can_subscribe: matches!(at, SensorAt::Subscribe(_)),
            })
        })
        .collect()
}
