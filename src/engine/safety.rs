//! What may stop or refuse everything: quiet, a recent stop, a lost controller, the end.

use std::time::Duration;

use crate::domain::{ErrorCode, Instant, Rejection, SafetyReason};

use super::vocabulary::Settings;

/// A stop that lasts: levels above zero are refused for a while after it, and for as long as they
/// keep coming. A slider that is being dragged, a script that repeats and a backlog in a broker are
/// stopped by one touch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hold {
    until: Instant,
}

impl Hold {
    /// A stop came, or something was refused because of one.
    pub(super) fn extend(&mut self, now: Instant, settings: &Settings) {
        self.until = now + settings.stop_hold;
    }

    pub(super) fn is_on(self, now: Instant) -> bool {
        now < self.until
    }

    /// What is refused, and how long to be still for.
    pub(super) fn refusal(what: &str, settings: &Settings) -> Rejection {
        let pause = settings.stop_hold.as_secs_f64();
        let message = format!("{what} just now: send nothing for {pause} s, then try again");
        Rejection::new(ErrorCode::Stopped, message)
    }
}

/// The guards over all toys together.
#[derive(Debug, Default)]
pub(super) struct Guards {
    pub(super) quiet: bool,
    pub(super) ending: bool,
    /// After a stop of all toys.
    pub(super) hold: Hold,
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

    pub(super) fn broker(&mut self, now: Instant, present: bool) {
        note(&mut self.broker_gone, now, present);
    }

    pub(super) fn home_assistant(&mut self, now: Instant, present: bool) {
        note(&mut self.home_assistant_gone, now, present);
    }

    /// Why levels above zero are refused at `now`, if they are.
    pub(super) fn refusal(&self, now: Instant, settings: &Settings) -> Option<Rejection> {
        if self.ending {
            Some(Rejection::new(ErrorCode::Stopped, "the bridge is ending"))
        } else if self.quiet {
            Some(Rejection::new(ErrorCode::Quiet, "quiet is on"))
        } else if self.hold.is_on(now) {
            Some(Hold::refusal("all toys were stopped", settings))
        } else {
            None
        }
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
