//! A simulated Lovense app: the Standard API by local application over HTTP, and Toy Events.

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
