//! Lovense toys, however they are reached.
//!
//! [`catalog`] is what is known of each model, whichever way it is reached. [`lan`] reaches toys
//! through the Lovense app on the local network; [`wire`] are its requests and answers, [`events`]
//! the frames in which it tells what toys report, [`tls`] how it proves that it is the app. [`text`]
//! is what toys speak themselves, with no app in between.

pub mod catalog;
pub mod cloud;
pub mod events;
pub mod lan;
mod lookup;
mod roster;
mod strength;
pub mod text;
pub mod tls;
pub mod wire;

pub use lookup::{LookUpError, look_up};
