//! Messages to the server.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Dialect, InputType, OutputType};

/// A message to the server, without its id. Each has exactly one answer, with the same id.
///
/// There is no stop of one device among them: servers of early 2026 take it for a stop of all
/// (buttplug_server before 12.0.1), so a toy is stopped by setting its features to zero.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all_fields = "PascalCase")]
pub enum Request {
    /// The first message: who we are and which version we speak. Exactly one of the two ways of
    /// saying the version has to be there, else servers fall silent for good.
    RequestServerInfo {
        /// Shown to the user.
        client_name: String,
        /// Version 3.
        #[serde(skip_serializing_if = "Option::is_none")]
        message_version: Option<u32>,
        /// Version 4.
        #[serde(skip_serializing_if = "Option::is_none")]
        protocol_version_major: Option<u32>,
        /// Version 4: its minor number.
        #[serde(skip_serializing_if = "Option::is_none")]
        protocol_version_minor: Option<u32>,
    },
    /// We are still there. Only where the server asks for it.
    Ping {},
    /// Which devices are there.
    RequestDeviceList {},
    /// Look for devices.
    StartScanning {},
    /// No longer.
    StopScanning {},
    /// Version 4: one output of one feature.
    OutputCmd {
        /// Which device.
        device_index: u32,
        /// Which of its features.
        feature_index: u32,
        /// What to do.
        command: OutputCommand,
    },
    /// Version 4: read a sensor, or have it tell by itself.
    InputCmd {
        /// Which device.
        device_index: u32,
        /// Which of its features.
        feature_index: u32,
        /// Which of the feature's sensors.
        r#type: InputType,
        /// `Read` or `Subscribe`.
        command: &'static str,
    },
    /// Version 3: any outputs but two-way rotation and timed positions.
    ScalarCmd {
        /// Which device.
        device_index: u32,
        /// At least one, else servers fall silent.
        scalars: Vec<Scalar>,
    },
    /// Version 3: rotation with a direction.
    RotateCmd {
        /// Which device.
        device_index: u32,
        /// At least one.
        rotations: Vec<Rotation>,
    },
    /// Version 3: timed positions.
    LinearCmd {
        /// Which device.
        device_index: u32,
        /// At least one.
        vectors: Vec<Vector>,
    },
    /// Version 3: read a sensor.
    SensorReadCmd {
        /// Which device.
        device_index: u32,
        /// Its place among the readable sensors.
        sensor_index: u32,
        /// What it measures.
        sensor_type: InputType,
    },
    /// Version 3: have a sensor tell by itself.
    SensorSubscribeCmd {
        /// Which device.
        device_index: u32,
        /// Its place among the sensors that do.
        sensor_index: u32,
        /// What it measures.
        sensor_type: InputType,
    },
}

/// Version 4: what a feature is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputCommand {
    /// Which of the feature's outputs.
    pub kind: OutputType,
    /// Within the range that the server gave.
    pub value: i32,
    /// For a timed position, ms.
    pub duration: Option<u32>,
}

impl Serialize for OutputCommand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Inner {
            value: i32,
            #[serde(skip_serializing_if = "Option::is_none")]
            duration: Option<u32>,
        }
        let mut map = serializer.serialize_map(Some(1))?;
        let inner = Inner {
            value: self.value,
            duration: self.duration,
        };
        map.serialize_entry(&self.kind, &inner)?;
        map.end()
    }
}

/// Version 3: one output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Scalar {
    /// Its place among the scalar outputs.
    pub index: u32,
    /// 0–1.
    pub scalar: f64,
    /// What it does, as the server said.
    pub actuator_type: OutputType,
}

/// Version 3: one rotation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rotation {
    /// Its place among the rotations.
    pub index: u32,
    /// 0–1.
    pub speed: f64,
    /// The direction.
    pub clockwise: bool,
}

/// Version 3: one timed position.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Vector {
    /// Its place among the timed positions.
    pub index: u32,
    /// How long to take, ms.
    pub duration: u32,
    /// 0–1.
    pub position: f64,
}

impl Request {
    /// The handshake.
    #[must_use]
    pub fn hello(client_name: &str, dialect: Dialect) -> Self {
        let is_new = dialect == Dialect::V4;
        Self::RequestServerInfo {
            client_name: client_name.to_owned(),
            message_version: (!is_new).then_some(dialect.number()),
            protocol_version_major: is_new.then_some(dialect.number()),
            protocol_version_minor: is_new.then_some(0),
        }
    }

    /// The frame that carries it.
    ///
    /// Every message has a frame of its own: servers drop a whole frame without a word if one
    /// message in it does not please them.
    #[must_use]
    pub fn encode(&self, id: u32) -> String {
        // A map of derived parts serialises; if it ever did not, the server would ignore null.
        let mut message = serde_json::to_value(self).unwrap_or_default();
        let body = message
            .as_object_mut()
            .and_then(|message| message.values_mut().next())
            .and_then(Value::as_object_mut);
        if let Some(body) = body {
            body.insert("Id".to_owned(), id.into());
        }
        Value::Array(vec![message]).to_string()
    }
}
