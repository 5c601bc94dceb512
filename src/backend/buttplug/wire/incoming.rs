//! Messages from the server.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Device, InputType};

/// What a frame holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The messages that are understood, in order.
    pub messages: Vec<Message>,
    /// The names of those that are not known or make no sense.
    pub unknown: Vec<String>,
}

/// A message from the server. One with id 0 was not asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Answer to the handshake.
    ServerInfo {
        /// The id of the request.
        id: u32,
        /// What the server calls itself; empty if it does not.
        name: String,
        /// How often it wants to hear a ping; zero for never.
        max_ping: Duration,
        /// The version that it speaks on this connection.
        version: u32,
    },
    /// Done, or at least queued.
    Ok {
        /// The id of the request.
        id: u32,
    },
    /// Not done.
    Error {
        /// The id of the request.
        id: u32,
        /// 0 unknown, 1 handshake, 2 ping, 3 message, 4 device.
        code: u32,
        /// Of current servers JSON in itself; of older ones plain text.
        text: String,
    },
    /// All devices, sorted by index: the answer to the question, and in version 4 at each change.
    DeviceList {
        /// The id of the request.
        id: u32,
        /// Sorted by index, each index once.
        devices: Vec<Device>,
    },
    /// Version 3: a device came.
    DeviceAdded(Device),
    /// Version 3: the device with this index went.
    DeviceRemoved(u32),
    /// The search for devices is over. Most servers never say so.
    ScanningFinished,
    /// A sensor's value.
    Reading(Reading),
}

/// A sensor's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The id of the request.
    pub id: u32,
    /// The index of the device.
    pub device: u32,
    /// Version 4: the feature. Version 3: the place among the sensors of the message.
    pub at: u32,
    /// What was measured.
    pub kind: InputType,
    /// One value, more or none.
    pub values: Vec<f64>,
}

/// A text that is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the frame is not a list of messages")]
pub struct NotAFrame;

/// Reads a frame: one or more lists of messages.
///
/// # Errors
/// A text that is something else.
pub fn parse(text: &str) -> Result<Frame, NotAFrame> {
    let mut frame = Frame::default();
    for list in serde_json::Deserializer::from_str(text).into_iter::<Vec<Map<String, Value>>>() {
        for message in list.map_err(|_| NotAFrame)? {
            for (name, body) in message {
                match read(&name, &body) {
                    Some(message) => frame.messages.push(message),
                    None => frame.unknown.push(name),
                }
            }
        }
    }
    Ok(frame)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ServerInfo {
    id: u32,
    #[serde(default)]
    server_name: Option<String>,
    #[serde(default)]
    max_ping_time: u64,
    #[serde(default)]
    message_version: Option<u32>,
    #[serde(default)]
    protocol_version_major: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bare {
    id: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    #[serde(default)]
    id: u32,
    #[serde(default)]
    error_code: u32,
    #[serde(default)]
    error_message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    #[serde(default)]
    id: u32,
    devices: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Removed {
    device_index: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SensorReading {
    #[serde(default)]
    id: u32,
    device_index: u32,
    sensor_index: u32,
    sensor_type: InputType,
    #[serde(default)]
    data: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InputReading {
    #[serde(default)]
    id: u32,
    device_index: u32,
    feature_index: u32,
    reading: BTreeMap<InputType, Measured>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Measured {
    value: f64,
}

fn read(name: &str, body: &Value) -> Option<Message> {
    Some(match name {
        "ServerInfo" => {
            let info = ServerInfo::deserialize(body).ok()?;
            Message::ServerInfo {
                id: info.id,
                name: info.server_name.unwrap_or_default(),
                max_ping: Duration::from_millis(info.max_ping_time),
                version: info.protocol_version_major.or(info.message_version)?,
            }
        }
        "Ok" => Message::Ok {
            id: Bare::deserialize(body).ok()?.id,
        },
        "Error" => {
            let failure = Failure::deserialize(body).ok()?;
            Message::Error {
                id: failure.id,
                code: failure.error_code,
                text: failure.error_message,
            }
        }
        "DeviceList" => {
            let list = List::deserialize(body).ok()?;
            let entries: Vec<&Value> = match &list.devices {
                Value::Array(entries) => entries.iter().collect(),
                Value::Object(entries) => entries.values().collect(),
                _ => return None,
            };
            let devices = entries.into_iter().filter_map(Device::read);
            let devices: BTreeMap<u32, Device> = devices.map(|it| (it.index, it)).collect();
            Message::DeviceList {
                id: list.id,
                devices: devices.into_values().collect(),
            }
        }
        "DeviceAdded" => Message::DeviceAdded(Device::read(body)?),
        "DeviceRemoved" => Message::DeviceRemoved(Removed::deserialize(body).ok()?.device_index),
        "ScanningFinished" => Message::ScanningFinished,
        "SensorReading" => {
            let reading = SensorReading::deserialize(body).ok()?;
            Message::Reading(Reading {
                id: reading.id,
                device: reading.device_index,
                at: reading.sensor_index,
                kind: reading.sensor_type,
                values: reading.data,
            })
        }
        "InputReading" => {
            let reading = InputReading::deserialize(body).ok()?;
            let (kind, measured) = reading.reading.into_iter().next()?;
            Message::Reading(Reading {
                id: reading.id,
                device: reading.device_index,
                at: reading.feature_index,
                kind,
                values: vec![measured.value],
            })
        }
        _ => return None,
    })
}

impl Message {
    /// The id of the request that it answers; 0 for none.
    #[must_use]
    pub const fn id(&self) -> u32 {
        match self {
            Self::ServerInfo { id, .. }
            | Self::Ok { id }
            | Self::Error { id, .. }
            | Self::DeviceList { id, .. }
            | Self::Reading(Reading { id, .. }) => *id,
            Self::DeviceAdded(_) | Self::DeviceRemoved(_) | Self::ScanningFinished => 0,
        }
    }
}
