//! A simulated Lovense app: the Standard API by local application over HTTP, and Toy Events.
//!
//! It stands in for the real app, so it answers as documented, not as convenient: what a real app
//! ignores is ignored, and what it refuses is refused. Start it with [`LovenseApp::start`], speak
//! to it at [`AppHandle::command_url`] and [`AppHandle::events_url`], disturb it with
//! [`AppHandle::change_faults`], [`AppHandle::go`] and the like, and judge by
//! [`AppHandle::timeline`] what a client has made of the toys.
//!
//! ```no_run
//! use std::time::Duration;
//! use toy2mqtt::sim::lovense_app::{AppOptions, LovenseApp, ToySpec};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let options = AppOptions::with_toys([ToySpec::new("Edge 2").with_id("f082c00246fa")]);
//! let app = LovenseApp::start_local(options).await?;
//! // … let the client under test do something, then:
//! app.wait_until(Duration::from_secs(5), |app| app.all_zero()).await?;
//! assert_eq!(app.timeline("f082c00246fa").inversions(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Where the documentation is silent
//! These are choices, on the strict side, so that a client that works here should work with the
//! real app too:
//!
//! - A level outside its range, a name in the wrong case, `timeSec` that is missing or between 0
//!   and 1, a number where a string is due: code 404, and nothing happens.
//! - A command for toys by name is carried out for all of them or for none; an empty id is no toy
//!   (401). A command for all toys passes over those that are not connected or not able, and is
//!   refused only if none is left.
//! - Stop, the end of a time and a command for other functions bring *every* function to 0, `Depth`
//!   and `Stroke` too; a position stays. A running PatternV2 heeds only its own stop, as clients
//!   report.
//! - A renewed level does not interrupt the toy: only levels that differ are changes.
//! - Commands take effect in the order in which their bodies were completely received, unless
//!   latency is switched on and handling is parallel.
//! - The patterns of the presets are made up.
//! - Before access is granted the app says nothing at all, not even `pong`; denying access closes
//!   the socket.
//! - The app drops event sockets from which no text has come for 15 s.
//! - A toy that is lost stops.

mod action;
mod answers;
mod app;
mod apply;
mod code;
mod command;
mod faults;
mod frames;
mod handle;
mod handle_toys;
mod life;
mod options;
mod remote;
mod requests;
mod rule;
mod server;
mod socket;
mod sockets;
mod spec;
mod toy;
mod wire;

pub use app::ToyChange;
pub use code::Code;
pub use faults::{Access, AnswerFault, Faults, Handling, PingDemand, Spread, ToyFaults, Wrong};
pub use frames::{MotionSample, ToyEvent};
pub use handle::{AppHandle, LovenseApp, NotInTime, StartError, ToyState};
pub use handle_toys::NoSuchToy;
pub use options::{AppOptions, BatteryForm, Dialect, Flavour, StatusForm, ToysShape};
pub use requests::{RequestCounts, RequestRecord};
pub use sockets::SocketCounts;
pub use spec::{BadToy, ToySpec, toy_id};
pub use wire::RequestKind;
