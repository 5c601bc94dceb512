//! Composition, the driver loop, ordered shutdown.

pub mod admin;
mod announcer;
pub mod backends;
pub mod barrier;
pub mod broker_guide;
mod clearing;
pub mod client;
pub mod clock;
pub mod commands;
mod company;
pub mod compose;
pub mod dashboard;
mod demo;
#[cfg(feature = "demo")]
pub mod demo_broker;
pub mod desk;
pub mod doctor;
pub mod driver;
pub mod emergency;
pub mod first_run;
pub mod gate;
pub mod health;
pub mod inbox;
pub mod lock;
pub mod ops;
pub mod outlet;
pub mod panel;
mod panels;
pub mod rival;
pub mod run;
pub mod samples;
pub mod saver;
pub mod service;
pub mod signals;
pub mod store;
pub mod tickets;
