//! The Bluetooth library, and nothing else: what drives toys knows it by nothing but this.
//!
//! [`Bus`] is one connection to the system's Bluetooth service, [`Scanner`] what listens for
//! advertisements over one, [`Device`] a toy over one of its own. On Linux the library talks to
//! bluetoothd over D-Bus. [`Discovery`] does itself what the library does not do well: scanning
//! without switching the adapter on.
//!
//! One connection serves one toy, or the scanner, and nothing else: the reference message bus takes
//! away the wrong match rule when one of several streams on a connection ends, and another toy falls
//! silent. A connection is never closed by the library, so it is kept for as long as it works, over
//! all connections to its toy.

mod bus;
mod device;
#[cfg_attr(not(target_os = "linux"), path = "discovery_elsewhere.rs")]
mod discovery;
mod scanner;

pub use bus::Radio;
pub(super) use bus::{Bus, KeptBus, answer};
pub(super) use device::{Device, Notifications, WriteError};
pub(super) use discovery::Discovery;
pub(super) use scanner::{Feed, News, Place, Scanner, Seen, advertisement};
