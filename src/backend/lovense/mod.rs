//! Lovense toys, however they are reached.
//!
//! [`catalog`] is what is known of each model, whichever way it is reached.

pub mod catalog;
