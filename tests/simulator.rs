//! The simulated Lovense app, spoken to as a real client would: HTTP and websockets on loopback.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "each test awaits what it spawns or ends with it"
)]

#[path = "simulator/commands.rs"]
mod commands;
#[path = "simulator/control.rs"]
mod control;
#[path = "simulator/events.rs"]
mod events;
#[path = "simulator/faults.rs"]
mod faults;
#[path = "simulator/load.rs"]
mod load;
#[path = "simulator/support.rs"]
mod support;
