//! A simulated Lovense app and simulated toys.

mod body;
mod function;
pub mod lovense_app;
mod motion;
mod rng;
mod timeline;

pub use function::Function;
pub use timeline::{Cause, Change, Run, Timeline};
