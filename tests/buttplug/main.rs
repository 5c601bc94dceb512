//! Toys of a Buttplug server, seen from outside: the program as a process of its own, a real
//! Mosquitto, the real server with simulated toys, and a client that sees everything that Home
//! Assistant would. A scripted server does what the real one cannot be made to do.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod engine;
mod faults;
mod life;
mod reverse;
mod rig;
mod safety;
mod script;
#[path = "../support/mod.rs"]
mod shared;
#[expect(
    dead_code,
    unused_imports,
    reason = "shared with tests of other backends"
)]
#[path = "../bridge/support/mod.rs"]
mod support;
mod toys;
