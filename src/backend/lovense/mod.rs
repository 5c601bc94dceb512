//! Lovense toys, however they are reached.
//!
//! [`catalog`] is what is known of each model, whichever way it is reached; [`wire`] the requests
//! and answers of the Lovense app, on the LAN or through the cloud, and [`events`] the frames in
//! which it tells what toys report.

pub mod catalog;
pub mod events;
pub mod wire;
