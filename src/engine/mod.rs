//! The engine.

pub mod vocabulary;

pub use vocabulary::{Effect, Input, Memory, Settings, ToyMemory};

/// The engine.
#[derive(Debug, Default)]
pub struct Engine;
