//! The words that every other module uses: toys, outputs, levels, requests, events.
//!
//! Nothing here does IO, reads a clock or knows a wire format. Everything else may depend on this
//! module; it depends on nothing of ours.

pub mod event;
pub mod input;
pub mod level;
pub mod op;
pub mod output;
pub mod pattern;
pub mod request;
pub mod time;
pub mod toy;
pub mod view;

pub use event::{BackendId, BackendState, BridgeEvent, SafetyReason};
pub use input::{Gesture, InputKind, LevelReport, Reading, ToyInput};
pub use level::{Level, LevelOutOfRange};
pub use op::{Bound, Capabilities, Command, MOVEMENT_PART, Op, OpError, OpId, RouteId};
pub use output::{Class, Output, OutputKey, OutputKind, Setting};
pub use pattern::Pattern;
pub use request::{
    Accepted, Action, Clamp, ErrorCode, Limits, Outcome, Rejection, SetCommand, Target, Ticket,
};
pub use time::Instant;
pub use toy::{HardwareId, ToyDescription, ToyId};
pub use view::{BackendView, BridgeView, ToyView};
