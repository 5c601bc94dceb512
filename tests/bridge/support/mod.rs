//! The parts that all scenarios are made of.

mod bridge;
mod home;
mod rig;

pub(crate) use crate::shared::flags::FlagProxy;
pub(crate) use crate::shared::mosquitto::{Mosquitto, Setup as BrokerSetup};
pub(crate) use crate::shared::proxy::{Proxy, Which};
pub(crate) use crate::shared::{DEADLINE, soon};
pub(crate) use bridge::{Bridge, Finished, run_command};
pub(crate) use home::{Home, Seen};
pub(crate) use rig::{Rig, Setup};

use toy2mqtt::domain::{HardwareId, ToyId};

/// The public id of the toy with this address.
pub(crate) fn toy(hardware: &str) -> String {
    ToyId::of(&HardwareId::new(hardware)).to_string()
}
