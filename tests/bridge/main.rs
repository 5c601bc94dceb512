//! The whole bridge, seen from outside: the program as a process of its own, a real Mosquitto, the
//! simulated app, and a client that sees everything that Home Assistant would.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../support/mod.rs"]
mod shared;
mod support;

mod apps;
mod basics;
mod broker;
mod cloud;
mod command_line;
mod data_folder;
mod discretion;
mod floods;
mod garbage;
mod home_assistant;
mod inputs;
mod other_clients;
mod requests;
mod retained;
mod safety;
mod two_bridges;
mod wsdm;
