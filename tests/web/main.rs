//! The panel and the REST API, seen from outside: the program as a process of its own, a real
//! Mosquitto and the simulated app.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../support/mod.rs"]
mod shared;
#[expect(dead_code, unused_imports, reason = "other scenarios need more of it")]
#[path = "../bridge/support/mod.rs"]
mod support;

mod budget;
mod client;
mod crowd;
mod document;
mod health;
mod requests;
mod security;
mod stops;
mod stream;
