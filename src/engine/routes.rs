//! Routes coming and going: what that means for a toy.

use std::sync::Arc;

use crate::domain::{
    BridgeEvent, Capabilities, ErrorCode, OpError, Rejection, RouteId, ToyDescription, ToyInput,
};

use super::toy::{Context, Route, StopLane, Toy};
use super::vocabulary::Effect;

impl Toy {
    /// The toy can be reached over `route`, or what is known of it has changed.
    ///
    /// A sensor that was heard once stays: not every route tells of all of them, some are only
    /// found out when they speak, and entities that come and go are worse than silent ones.
    pub(super) fn route_up(
        &mut self,
        route: RouteId,
        mut description: ToyDescription,
        capabilities: Capabilities,
        cx: &mut Context<'_>,
    ) {
        description.inputs.extend(&self.description.inputs);
        description.keep_better(&self.description);
        let before = self.available();
        match self.routes.iter_mut().find(|known| known.id == route) {
            Some(known) => known.capabilities = capabilities,
            None => self.routes.push(Route {
                id: route.clone(),
                capabilities,
            }),
        }
        // The route in use says what the toy can do.
        let in_use = self.route().is_some_and(|used| used.id == route);
        if in_use && *self.description != description {
            self.describe(description, cx);
        }
        if before {
            return;
        }
        cx.out.push(Effect::Changed(self.id));
        cx.out.push(Effect::Event(BridgeEvent::ToyAdded(self.id)));
        self.certain_or_stop(cx);
    }

    /// The toy cannot be reached over `route` any more.
    pub(super) fn route_down(&mut self, route: &RouteId, reason: &str, cx: &mut Context<'_>) {
        let Some(index) = self.routes.iter().position(|known| known.id == *route) else {
            return;
        };
        self.routes.remove(index);
        if index > 0 {
            return;
        }
        // What is in flight may still arrive or not; its result no longer says anything.
        let may_run = self.may_run() || self.is_stopping();
        self.in_flight = None;
        let rejection = Rejection::new(ErrorCode::Offline, reason);
        self.reject_pending(u64::MAX, &rejection, cx.out);
        for ticket in std::mem::take(&mut self.stop_waiters) {
            self.reject(ticket, rejection.clone(), cx.out);
        }
        self.stop_lane = StopLane::Clear;
        self.stop_failures = 0;
        self.failures = 0;
        self.wish.stop(&self.description.outputs);
        self.confirmed = self.wish.clone();
        self.revision += 1;
        self.applied = self.at_rest();
        self.certain = !may_run;
        self.show(self.goal(), cx.out);
        cx.out.push(Effect::Changed(self.id));
        if self.available() {
            // Another route takes over, with the toy stopped first.
            self.certain_or_stop(cx);
        } else {
            cx.out.push(Effect::Event(BridgeEvent::ToyRemoved(self.id)));
        }
    }

    /// A toy that may have been left running is stopped before anything else.
    fn certain_or_stop(&mut self, cx: &mut Context<'_>) {
        if !self.certain {
            self.stop(None, cx);
        }
    }

    /// An operation ended that was sent over a route that has gone since, or before the toy's
    /// outputs changed. It may have come after whatever was sent later.
    pub(super) fn stray_done(&mut self, result: &Result<(), OpError>) {
        if !matches!(result, Err(error) if error.without_effect()) {
            self.certain = false;
        }
    }

    fn describe(&mut self, description: ToyDescription, cx: &mut Context<'_>) {
        let outputs_changed = self.description.outputs != description.outputs;
        if outputs_changed {
            let rejection = Rejection::new(ErrorCode::Offline, "the toy's outputs have changed");
            self.reject_pending(u64::MAX, &rejection, cx.out);
        }
        let may_run = self.may_run();
        self.description = Arc::new(description);
        if outputs_changed {
            self.in_flight = None;
            self.reset_outputs();
            self.revision += 1;
            if may_run {
                self.certain = false;
                if self.available() {
                    self.stop(None, cx);
                }
            }
        }
        cx.out.push(Effect::Save);
        cx.out.push(Effect::Changed(self.id));
    }

    /// The toy reported something.
    pub(super) fn told(&mut self, input: ToyInput, cx: &mut Context<'_>) {
        match input {
            ToyInput::Gesture(gesture) => cx.out.push(Effect::Gesture(self.id, gesture)),
            ToyInput::Reading(reading) => {
                if self.readings.insert(reading.key(), reading) != Some(reading) {
                    self.readings_changed = true;
                }
            }
        }
    }
}
