//! The parts that all scenarios are made of.

mod bridge;
mod broker;
mod home;
mod rig;

pub(crate) use bridge::{Bridge, Finished, run_command};
pub(crate) use broker::{Mosquitto, Setup as BrokerSetup};
pub(crate) use home::{Home, Seen};
pub(crate) use rig::{Rig, Setup};

use std::time::Duration;

use toy2mqtt::domain::{HardwareId, ToyId};

/// The longest that anything in these tests may take. Reached only by failing.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for `what`, and fails if it takes longer than [`DEADLINE`].
pub(crate) async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, wait).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// The public id of the toy with this address.
pub(crate) fn toy(hardware: &str) -> String {
    ToyId::of(&HardwareId::new(hardware)).to_string()
}
