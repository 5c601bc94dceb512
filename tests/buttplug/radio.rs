//! The simulated bluetoothd of the tests of Bluetooth.
#![allow(
    dead_code,
    unused_imports,
    reason = "shared with tests that need more of it"
)]

#[path = "../bluetooth/bluez.rs"]
pub(crate) mod bluez;
#[path = "../bluetooth/bus.rs"]
pub(crate) mod bus;
#[path = "../bluetooth/objects.rs"]
mod objects;
#[path = "../bluetooth/world.rs"]
pub(crate) mod world;

use crate::support;

/// A toy that is left to our own Bluetooth.
pub(crate) fn lovense(address: &'static str) -> bluez::Device {
    bluez::Device {
        address,
        name: Some("LVS-S132"),
        ..bluez::Device::default()
    }
}
