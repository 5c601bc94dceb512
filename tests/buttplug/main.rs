//! Toys of a Buttplug server, seen from outside: the program as a process of its own, a real
//! Mosquitto, the real server with simulated toys, and a client that sees everything that Home
//! Assistant would. A scripted server does what the real one cannot be made to do.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[cfg(all(feature = "embedded-buttplug", target_os = "linux"))]
mod embedded;
mod engine;
mod faults;
mod first_run;
mod identity;
mod life;
#[cfg(all(feature = "embedded-buttplug", target_os = "linux"))]
mod radio;
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
mod wsdm;
