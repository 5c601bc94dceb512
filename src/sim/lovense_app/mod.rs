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
mod life;
mod options;
mod requests;
mod rule;
mod server;
mod socket;
mod toy;
mod wire;

pub use app::{SocketCounts, ToyChange};
pub use code::Code;
pub use faults::{Access, AnswerFault, Faults, Handling, PingDemand, Spread, ToyFaults, Wrong};
pub use frames::{MotionSample, ToyEvent};
pub use handle::{AppHandle, LovenseApp, NoSuchToy, NotInTime, StartError, ToyState};
pub use options::{AppOptions, BatteryForm, Dialect, Flavour, StatusForm, ToysShape};
pub use requests::{RequestCounts, RequestRecord};
pub use toy::{BadToy, ToySpec, toy_id};
pub use wire::RequestKind;
