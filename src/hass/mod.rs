//! Home Assistant: discovery, states, and what its commands mean. Pure.
//!
//! - [`discovery`]: a toy or the bridge → the payload that makes it a device. A file per platform.
//! - [`state`]: what there is to show → JSON.
//! - [`command`]: a payload → what it asks, or why it makes no sense.
//! - [`dashboard`]: discovery payloads → a dashboard to look at.
//!
//! Home Assistant logs a warning or an error for much that looks harmless: a template that reads a
//! missing key, a number out of its range, an option that is not in the list, an event of a type
//! that was not announced. Everything here is built so that it never has a reason to: what is
//! unknown is published as `null`, which a template renders as `None`, which Home Assistant shows
//! as unknown; templates read with `.get()`, which takes a missing key for `null`.

pub mod command;
pub mod dashboard;
pub mod discovery;
pub mod privacy;
pub mod state;
pub mod supervisor_api;
mod words;

pub use privacy::Privacy;
