//! What may stop or refuse everything: quiet, a recent stop, a lost controller, the end.

use std::time::Duration;

use crate::domain::{ErrorCode, Instant, Rejection, SafetyReason};

use super::vocabulary::Settings;

/// The guards over all toys together.
#[derive(Debug, Default)]
pub(super) struct Guards {
    pub(super) quiet: bool,
    pub(super) ending: bool,
    /// Levels above zero are refused before this.
    held_until: Instant,
    broker_gone: Option<Instant>,
    home_assistant_gone: Option<Instant>,
}

impl Guards {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            ..Self::default()
        }
    }

    /// A stop of all toys came: refuse levels above zero for a while.
    pub(super) fn hold(&mut self, now: Instant, settings: &Settings) {
        self.held_until = now + settings.stop_hold;
    }

    pub(super) fn broker(&mut self, now: Instant, present: bool) {
        note(&mut self.broker_gone, now, present);
    }

    pub(super) fn home_assistant(&mut self, now: Instant, present: bool) {
        note(&mut self.home_assistant_gone, now, present);
    }

    /// Why levels above zero are refused at `now`, if they are.
    pub(super) fn refusal(&self, now: Instant) -> Option<Rejection> {
        let (code, message) = if self.ending {
            (ErrorCode::Stopped, "the bridge is ending")
        } else if self.quiet {
            (ErrorCode::Quiet, "quiet is on")
        } else if now < self.held_until {
            (ErrorCode::Stopped, "all toys were stopped just now")
        } else {
            return None;
        };
        Some(Rejection::new(code, message))
    }

    /// A controller that has been gone for too long, once each time.
    pub(super) fn expire(&mut self, now: Instant, settings: &Settings) -> Option<SafetyReason> {
        let due = |gone: Option<Instant>, limit: Option<Duration>| {
            gone.zip(limit)
                .is_some_and(|(gone, limit)| now >= gone + limit)
        };
        if due(self.broker_gone, settings.broker_lost) {
            self.broker_gone = None;
            return Some(SafetyReason::BrokerLost);
        }
        if due(self.home_assistant_gone, settings.home_assistant_lost) {
            self.home_assistant_gone = None;
            return Some(SafetyReason::HomeAssistantLost);
        }
        None
    }

    pub(super) fn next_deadline(&self, settings: &Settings) -> Option<Instant> {
        let at = |gone: Option<Instant>, limit: Option<Duration>| Some(gone? + limit?);
        let broker = at(self.broker_gone, settings.broker_lost);
        let home_assistant = at(self.home_assistant_gone, settings.home_assistant_lost);
        broker.into_iter().chain(home_assistant).min()
    }
}

fn note(gone: &mut Option<Instant>, now: Instant, present: bool) {
    match (present, *gone) {
        (true, _) => *gone = None,
        (false, None) => *gone = Some(now),
        (false, Some(_)) => {}
    }
}
