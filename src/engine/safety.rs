//! What may stop or refuse everything: quiet, a recent stop, a lost controller, the end.

use std::time::Duration;

use crate::domain::{ErrorCode, Instant, Rejection, SafetyReason};

use super::vocabulary::Settings;

/// A controller that comes back for a shorter time than this has not come back: with a connection that
/// comes and ends again and again, a guard would otherwise begin anew with every short success.
const STABLE: Duration = Duration::from_secs(5);

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
    broker: Presence,
    home_assistant: Presence,
}

impl Guards {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            ..Self::default()
        }
    }

    pub(super) fn broker(&mut self, now: Instant, present: bool) {
        self.broker.note(now, present);
    }

    pub(super) fn home_assistant(&mut self, now: Instant, present: bool) {
        self.home_assistant.note(now, present);
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
        if self.broker.expire(now, settings.broker_lost) {
            return Some(SafetyReason::BrokerLost);
        }
        let home_assistant = &mut self.home_assistant;
        let lost = home_assistant.expire(now, settings.home_assistant_lost);
        lost.then_some(SafetyReason::HomeAssistantLost)
    }

    pub(super) fn next_deadline(&self, settings: &Settings) -> Option<Instant> {
        let broker = self.broker.deadline(settings.broker_lost);
        let home_assistant = self.home_assistant.deadline(settings.home_assistant_lost);
        broker.into_iter().chain(home_assistant).min()
    }
}

/// Whether a controller is there, and since when it has not been there for long enough to count.
#[derive(Debug, Default)]
struct Presence {
    /// Since when the controller counts as gone: it has not been there for [`STABLE`] since.
    gone: Option<Instant>,
    /// Since when it is back, while that is not for long enough.
    back: Option<Instant>,
    /// It has come and gone again since `gone`.
    flaps: bool,
    /// The loss has been acted on, and the controller has not come back since.
    told: bool,
}

impl Presence {
    fn note(&mut self, now: Instant, present: bool) {
        self.settle(now);
        match (present, self.gone) {
            (true, Some(_)) => _ = self.back.get_or_insert(now),
            (true, None) => {}
            (false, None) => self.gone = Some(now),
            (false, Some(_)) => {
                if self.back.take().is_some() {
                    self.flaps = true;
                    // What was set running meanwhile has to end, too.
                    self.told = false;
                }
            }
        }
    }

    /// Forgets a loss after which the controller has been there for long enough.
    fn settle(&mut self, now: Instant) {
        if self.back.is_some_and(|back| now >= back + STABLE) {
            *self = Self::default();
        }
    }

    /// Whether the controller counts as lost for `limit` by now; once each time.
    fn expire(&mut self, now: Instant, limit: Option<Duration>) -> bool {
        self.settle(now);
        let due = self.deadline(limit).is_some_and(|at| now >= at);
        self.told |= due;
        due
    }

    /// When the controller will have been gone for `limit`. After a first return in time the loss
    /// waits: it counts only if the controller goes again.
    fn deadline(&self, limit: Option<Duration>) -> Option<Instant> {
        let waits = self.back.is_some() && !self.flaps;
        let at = self.gone? + limit?;
        (!waits && !self.told).then_some(at)
    }
}
