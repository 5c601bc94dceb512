//! What travels between the bridge and a Buttplug server: versions 3 and 4 of the message spec.
//! Pure: no IO, and no text makes it panic.
//!
//! Source: docs.buttplug.io (spec versions 3 and 4), and what deployed servers were seen to send
//! where it differs. A frame is a JSON array of objects with one key each, the message's name.
//! Unknown messages, devices and features are left out; what stands beside them counts.

mod device;
mod incoming;
mod outgoing;

pub use device::{Actuator, ActuatorAt, Device, Sensor, SensorAt};
pub use incoming::{Frame, Message, NotAFrame, Reading, parse};
pub use outgoing::{OutputCommand, Request, Rotation, Scalar, Vector};

use serde::{Deserialize, Serialize};

/// A version of the message spec. The first message on a connection chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Version 3, of August 2022: understood by every deployed server.
    V3,
    /// Version 4, of January 2026.
    V4,
}

impl Dialect {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }
}

/// What an actuator does, in the words of the protocol (`ActuatorType` in version 3, the key of
/// `Output` in version 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OutputType {
    /// A vibrating motor.
    Vibrate,
    /// A rotating head.
    Rotate,
    /// A machine that moves to and fro at a speed.
    Oscillate,
    /// An air pump that tightens.
    Constrict,
    /// The same, as version 3 servers before 2026 call it.
    Inflate,
    /// A spray.
    Spray,
    /// A heater or cooler.
    Temperature,
    /// A light.
    Led,
    /// A place to go to as fast as it can.
    Position,
    /// A place to go to in a given time.
    #[serde(alias = "PositionWithDuration")]
    HwPositionWithDuration,
}

/// What a sensor measures, in the words of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum InputType {
    /// Charge, percent.
    Battery,
    /// Signal strength, dBm. The spec writes `RSSI`, servers write and read `Rssi`.
    #[serde(alias = "RSSI")]
    Rssi,
    /// A button: 0 is up.
    Button,
    /// Pressure, raw.
    Pressure,
}

#[cfg(test)]
mod tests;
