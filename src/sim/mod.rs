//! A simulated Lovense app and simulated toys.

mod body;
mod control;
mod function;
pub mod lovense_app;
mod motion;
mod rng;
mod run;
mod serve;
mod timeline;

pub use function::Function;
pub use run::{SimulateError, SimulateOptions, run};
pub use timeline::{Cause, Change, Run, Timeline};
