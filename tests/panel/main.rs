//! The panel in a real browser: the program as a process of its own, a real Mosquitto, the simulated
//! app and Chromium.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../support/mod.rs"]
mod shared;
#[expect(dead_code, unused_imports, reason = "other scenarios need more of it")]
#[path = "../bridge/support/mod.rs"]
mod support;

mod access;
mod browser;
mod budget;
mod outage;
mod pictures;
mod prefix;
mod quiet;
mod reasons;
mod stage;
mod touch;
mod use_it;
mod widths;
