//! What the bridge tells of itself.

use std::fmt;
use std::sync::Arc;

use super::ToyId;

/// The name of a configured backend: its kind, with a number from the second one on
/// (`lovense_lan`, `lovense_lan_2`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendId(Arc<str>);

impl BackendId {
    /// Takes the name as it is.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a backend of this kind: `lovense_lan_2` is one of `lovense_lan`.
    #[must_use]
    pub fn is_of_kind(&self, kind: &str) -> bool {
        let is_number = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
        match self.0.strip_prefix(kind) {
            Some("") => true,
            Some(rest) => rest.strip_prefix('_').is_some_and(is_number),
            None => false,
        }
    }
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a backend can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendState {
    /// Not yet, or again on its way.
    Connecting,
    /// It answers.
    Up,
    /// It does not; why, in words for the user.
    Down(String),
    /// It waits for the user to let it in; how to. Whoever reads that could let in others, so it is
    /// for where the user looks for it, not for logs, events and reports.
    Unpaired(String),
}

/// Why the bridge stopped toys by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SafetyReason {
    /// The broker was away for too long.
    BrokerLost,
    /// Home Assistant was away for too long.
    HomeAssistantLost,
    /// Nobody asked anything of a running toy for too long.
    Idle,
    /// The machine was suspended.
    Suspended,
    /// The toy's backend stopped answering, so its level can no longer be vouched for.
    Unconfirmed,
}

impl SafetyReason {
    /// The word in the event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BrokerLost => "broker_lost",
            Self::HomeAssistantLost => "home_assistant_lost",
            Self::Idle => "idle",
            Self::Suspended => "suspended",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// Published on `bridge/event`, once each, never replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BridgeEvent {
    /// A toy can be used from now on.
    ToyAdded(ToyId),
    /// A toy cannot be used any more.
    ToyRemoved(ToyId),
    /// A backend answers.
    BackendUp(BackendId),
    /// A backend does not answer; why.
    BackendDown(BackendId, String),
    /// The bridge stopped this toy by itself.
    SafetyStop(ToyId, SafetyReason),
}
