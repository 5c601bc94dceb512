//! The stop lane: a stop overtakes whatever is in flight, follows it up, and is retried until it
//! is acknowledged or the toy cannot be reached any more.

use std::time::Duration;

use crate::domain::{
    Accepted, Class, Command, ErrorCode, Instant, Level, Op, OpError, OpId, Outcome, Rejection,
    Ticket,
};

use super::toy::{Context, StopLane, Toy};
use super::vocabulary::Effect;

/// The delay before a failed stop is sent again, times the failures so far…
const RETRY_DELAY: Duration = Duration::from_millis(50);
/// …but never more than this.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(1);

impl Toy {
    /// Whether a stop is under way; nothing else is sent meanwhile.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop_lane != StopLane::Clear
    }

    /// Stops the toy: forgets everything that is wanted of it and sends a stop at once.
    ///
    /// Requests that still wait are answered with [`ErrorCode::Stopped`]. `ticket` is answered when
    /// the toy has stopped for certain.
    pub(super) fn stop(&mut self, ticket: Option<Ticket>, cx: &mut Context<'_>) {
        let outputs = &self.description.outputs;
        self.wish.stop(outputs);
        self.confirmed = self.wish.clone();
        self.revision += 1;
        self.reject_pending(
            u64::MAX,
            &Rejection::new(ErrorCode::Stopped, "a stop came after it"),
            cx.out,
        );
        self.stop_waiters.extend(ticket);
        self.insist = false;
        self.movement = None;
        for governor in &mut self.governors {
            governor.reset(cx.now);
        }
        match self.stop_lane {
            // A stop that is on its way was sent after everything else, so it does for this one.
            StopLane::Sent { .. } | StopLane::Waiting => {}
            StopLane::Clear | StopLane::Due(_) => self.stop_lane = StopLane::Due(cx.now),
        }
        self.drive_stop_lane(cx);
    }

    /// Sends a stop that is due. Returns when the next one is.
    pub(super) fn drive_stop_lane(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let StopLane::Due(due) = self.stop_lane else {
            return None;
        };
        if cx.now < due {
            return Some(due);
        }
        let route = self.route()?;
        let (route, pace) = (route.id.clone(), route.capabilities.pace);
        // The stop does not wait, but what comes after it does.
        self.next_slot = self.next_slot.max(cx.now + pace);
        for index in 0..self.description.outputs.len() {
            self.evidence.sent(index, 0, cx.now);
        }
        let op = cx.ops.next();
        self.stop_lane = StopLane::Sent {
            op,
            again: self.in_flight.is_some(),
        };
        cx.out.push(Effect::Send(Op {
            id: op,
            route,
            command: Command::Stop,
            lease: None,
        }));
        None
    }

    /// A stop ended. False if it is not the one on its way.
    pub(super) fn stop_done(
        &mut self,
        op: OpId,
        result: &Result<(), OpError>,
        cx: &mut Context<'_>,
    ) -> bool {
        let StopLane::Sent { op: sent, again } = self.stop_lane else {
            return false;
        };
        if sent != op {
            return false;
        }
        match result {
            Ok(()) if again && self.in_flight.is_some() => self.stop_lane = StopLane::Waiting,
            Ok(()) if again => self.stop_lane = StopLane::Due(cx.now),
            Ok(()) => self.stopped(cx),
            Err(error) => {
                self.note_error(Some(error.to_string()), cx.out);
                if self.has_alternative(cx.now) {
                    self.route_failed(&error.to_string(), cx);
                    return true;
                }
                self.stop_failures += 1;
                let delay = (RETRY_DELAY * self.stop_failures.min(100)).min(RETRY_DELAY_MAX);
                self.stop_lane = StopLane::Due(cx.now + delay);
                if let Some(route) = self.route() {
                    cx.out.push(Effect::Check(route.id.clone()));
                }
            }
        }
        true
    }

    /// The operation that a stop ran beside has returned: stop again, for it may have come later.
    pub(super) fn stop_after_op(&mut self, now: Instant) {
        if self.stop_lane == StopLane::Waiting {
            self.stop_lane = StopLane::Due(now);
        }
    }

    /// The toy is off for certain.
    fn stopped(&mut self, cx: &mut Context<'_>) {
        self.stop_lane = StopLane::Clear;
        self.stop_failures = 0;
        self.failures = 0;
        self.applied = self.at_rest();
        self.evidence.stopped();
        self.certain = true;
        self.note_error(None, cx.out);
        if self.pending.is_empty() {
            self.show(self.goal(), cx.out);
        } else {
            // Show what has stopped, not what newer requests are about to start.
            let mut shown = self.shown.clone();
            shown.effect = None;
            for (level, output) in shown.levels.iter_mut().zip(&self.description.outputs) {
                *level = match output.class() {
                    Class::Intensity => Some(Level::ZERO),
                    Class::Shape => *level,
                    Class::Position => None,
                };
            }
            self.show(shown, cx.out);
        }
        for ticket in std::mem::take(&mut self.stop_waiters) {
            cx.out.push(Effect::Outcome(Outcome {
                ticket,
                toy: Some(self.id),
                result: Ok(Accepted::default()),
            }));
        }
    }
}
