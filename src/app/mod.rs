//! Composition, the driver loop, ordered shutdown.

pub mod admin;
mod announcer;
pub mod backends;
pub mod barrier;
pub mod clock;
pub mod compose;
#[cfg(feature = "demo")]
pub mod demo_broker;
pub mod driver;
pub mod emergency;
pub mod health;
pub mod inbox;
pub mod ops;
pub mod outlet;
pub mod run;
pub mod saver;
pub mod store;
pub mod tickets;
