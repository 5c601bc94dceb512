//! A simulated Lovense app and simulated toys, for tests, benchmarks, `toy2mqtt demo` and
//! `toy2mqtt simulate`.
//!
//! [`lovense_app`] is the app: a port that speaks HTTP and websockets, faults that can be switched
//! on, and a handle for whoever runs it. [`lovense_cloud`] is its maker's server, which passes commands
//! on to it. `body` is what moves of a toy, plain state with time as an
//! argument, and [`Timeline`] the log of it: what changed when and why. [`text_toy`] is a toy that is
//! spoken to without an app, in its own protocol. [`run()`] is an app that
//! runs until it is told to end, with a small control surface; [`run_wsdm`] are toys that connect to a
//! server by themselves.
//!
//! Of the bridge it knows the model catalogue and nothing else, so that it cannot share a mistake
//! with the client that it tests.

mod body;
mod control;
mod function;
pub mod lovense_app;
pub mod lovense_cloud;
mod motion;
mod rng;
mod run;
mod serve;
pub mod text_toy;
mod timeline;
mod upgrade;
mod wsdm;

pub use function::Function;
pub use run::{SimulateError, SimulateOptions, run};
pub use timeline::{Cause, Change, Run, Timeline};
pub use wsdm::{WsdmOptions, run_wsdm};
