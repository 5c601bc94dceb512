//! toy2mqtt: a Home Assistant bridge for intimate toys.
//!
//! Start reading at [`engine`]: it decides everything. [`domain`] holds the words it uses,
//! [`backend`] reaches toys, [`mqtt`] and [`hass`] face Home Assistant, and [`app`] ties them
//! together. ARCHITECTURE.md has the map.

pub mod app;
pub mod backend;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod hass;
pub mod mqtt;
pub mod sim;
pub mod telemetry;
pub mod web;
