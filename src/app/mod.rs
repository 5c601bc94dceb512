//! Composition, the driver loop, ordered shutdown.

pub mod barrier;
pub mod clock;
pub mod health;
pub mod ops;
pub mod store;
pub mod tickets;
