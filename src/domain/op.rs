//! Operations: what the bridge sends to a toy over a route, and how that may end.

use std::time::Duration;

use super::{BackendId, ErrorCode, HardwareId, Pattern, Setting};

/// One toy over one backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId {
    /// The backend.
    pub backend: BackendId,
    /// The toy, as that backend knows it.
    pub hardware: HardwareId,
}

/// No operation moves a toy for longer than this: a longer movement goes in parts, so that a bridge
/// that is killed ends it, too.
pub const MOVEMENT_PART: Duration = Duration::from_secs(5);

/// What a route can be relied on for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The least time between two operations to one toy. Stops do not wait for it.
    pub pace: Duration,
    /// What ends a level when the bridge is gone.
    pub bound: Bound,
    /// Whether the backend can play a pattern by itself ([`Command::Play`]).
    pub plays: bool,
    /// How long a movement over the whole travel takes; `None` if the toy goes to a place at a speed
    /// of its own.
    pub travel: Option<Duration>,
}

/// What ends a level when the bridge is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Every operation says how long it lasts, and has to be renewed.
    Lease(Duration),
    /// The backend stops the toy when our connection to it ends.
    Connection,
    /// Nothing does.
    None,
}

/// Tells one operation from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u64);

/// One operation sent to a route.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// Comes back with the result.
    pub id: OpId,
    /// Where to.
    pub route: RouteId,
    /// What to do.
    pub command: Command,
    /// For how long the toy is to keep it up unless told again; `None` for until told otherwise.
    pub lease: Option<Duration>,
}

/// What a toy is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Take these settings: **every** intensity of the toy, its shapes, and its position if one was
    /// asked for. At least one intensity is above zero, or there is a position.
    Drive(Vec<Setting>),
    /// Play this pattern on all intensities, from its start.
    Play(Pattern),
    /// Everything off. May run beside an operation in flight.
    Stop,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// The toy cannot be reached over this route (any more).
    #[error("the toy is not connected: {0}")]
    Offline(String),
    /// The toy cannot do this. Nothing has changed.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// The backend said no. Nothing has changed.
    #[error("refused: {0}")]
    Refused(String),
    /// The backend said no after it had done a part of it.
    #[error("only partly done: {0}")]
    Partly(String),
    /// No answer in time. It may have been done or not.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The connection broke. It may have been done or not.
    #[error("connection failed: {0}")]
    Link(String),
}

impl OpError {
    /// What to tell the asker.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Offline(_) => ErrorCode::Offline,
            Self::Unsupported(_) => ErrorCode::Unsupported,
            Self::Refused(_) | Self::Partly(_) | Self::Link(_) => ErrorCode::Backend,
            Self::Timeout(_) => ErrorCode::Timeout,
        }
    }

    /// Whether the toy surely did nothing.
    #[must_use]
    pub const fn without_effect(&self) -> bool {
        matches!(self, Self::Unsupported(_) | Self::Refused(_))
    }

    /// The same error of an operation of which another part has been done: it had an effect.
    #[must_use]
    pub fn after_a_part(self) -> Self {
        if self.without_effect() {
            Self::Partly(self.to_string())
        } else {
            self
        }
    }
}
