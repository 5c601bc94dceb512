//! Routes coming and going: what that means for a toy.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    BridgeEvent, Capabilities, ErrorCode, Instant, OpError, Rejection, RouteId, ToyDescription,
    ToyInput,
};

use super::toy::{Context, Route, StopLane, Toy};
use super::vocabulary::{Effect, Settings};

/// How long a route that failed is not used, as long as there is another one and its backend has
/// not reported the toy again.
const SHUNNED: Duration = Duration::from_secs(30);

impl Route {
    fn is_shunned(&self, now: Instant) -> bool {
        self.failed.is_some_and(|at| now < at + SHUNNED)
    }
}

impl Toy {
    /// The toy can be reached over `route`, or what is known of it has changed.
    pub(super) fn route_up(
        &mut self,
        route: RouteId,
        description: ToyDescription,
        capabilities: Capabilities,
        cx: &mut Context<'_>,
    ) {
        let description = Arc::new(description);
        let before = self.available();
        if self.missed_by.remove(&route.backend) {
            cx.out.push(Effect::Changed(self.id));
        }
        match self.routes.iter_mut().find(|known| known.id == route) {
            Some(known) => {
                known.capabilities = capabilities;
                known.description = Arc::clone(&description);
                known.failed = None;
            }
            None => self.routes.push(Route {
                rank: cx.settings.routes.rank(self.id, &route.backend),
                id: route.clone(),
                capabilities,
                description: Arc::clone(&description),
                failed: None,
            }),
        }
        // The route in use says what the toy can do.
        if self.route().is_some_and(|used| used.id == route) {
            self.describe(&description, cx);
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
        if index == 0 {
            self.change_route(reason, cx);
        }
    }

    /// It cannot be found over `route` although it was looked for, or nothing is known of that.
    pub(super) fn missed(&mut self, route: &RouteId, missed: bool, cx: &mut Context<'_>) {
        let there = self.routes.iter().any(|known| known.id == *route);
        let changed = if missed && !there {
            self.missed_by.insert(route.backend.clone())
        } else {
            self.missed_by.remove(&route.backend)
        };
        if changed {
            cx.out.push(Effect::Changed(self.id));
        }
    }

    /// Whether the phone app has the toy's only connection, and a route that the user prefers waits
    /// for it.
    pub(super) fn is_held_by_app(&self, settings: &Settings) -> bool {
        let rank = |backend| settings.routes.rank(self.id, backend);
        let Some(used) = self.route().filter(|used| used.id.backend.is_phone_app()) else {
            return false;
        };
        self.missed_by.iter().any(|missed| rank(missed) < used.rank)
    }

    /// Whether another route could do what the one in use does not.
    pub(super) fn has_alternative(&self, now: Instant) -> bool {
        self.routes
            .iter()
            .skip(1)
            .any(|route| !route.is_shunned(now))
    }

    /// The route in use fails, whatever its backend says of it: another one takes over.
    pub(super) fn route_failed(&mut self, reason: &str, cx: &mut Context<'_>) {
        if let Some(route) = self.routes.first_mut() {
            route.failed = Some(cx.now);
            cx.out.push(Effect::Check(route.id.clone()));
        }
        self.change_route(reason, cx);
    }

    /// The route in use is not any more. The next best takes over, with the toy stopped first:
    /// nobody knows what has become of it, and nobody asked for a level after a break.
    fn change_route(&mut self, reason: &str, cx: &mut Context<'_>) {
        // What is in flight may still arrive or not; its result no longer says anything.
        let may_run = self.may_run() || self.is_stopping();
        self.in_flight = None;
        let rejection = Rejection::new(ErrorCode::Offline, reason);
        self.reject_pending(u64::MAX, &rejection, cx.out);
        self.stop_lane = StopLane::Clear;
        self.stop_failures = 0;
        self.failures = 0;
        self.wish.stop(&self.description.outputs);
        self.confirmed = self.wish.clone();
        self.revision += 1;
        self.forget_levels();
        self.certain = !may_run;
        self.show(self.goal(), cx.out);
        cx.out.push(Effect::Changed(self.id));
        if self.available() {
            self.use_route(self.best_route(cx.now), cx);
            self.certain_or_stop(cx);
        } else {
            for ticket in std::mem::take(&mut self.stop_waiters) {
                self.reject(ticket, rejection.clone(), cx.out);
            }
            cx.out.push(Effect::Event(BridgeEvent::ToyRemoved(self.id)));
        }
    }

    /// Uses the best route from now on, unless that would interrupt something.
    pub(super) fn prefer_best_route(&mut self, cx: &mut Context<'_>) {
        if self.routes.len() < 2 {
            return;
        }
        let best = self.best_route(cx.now);
        if best > 0 && self.is_settled() {
            self.use_route(best, cx);
        }
    }

    /// Where the best route stands; of equals the one in use.
    fn best_route(&self, now: Instant) -> usize {
        let order = |(_, route): &(usize, &Route)| (route.is_shunned(now), route.rank);
        let best = self.routes.iter().enumerate().min_by_key(order);
        best.map_or(0, |(index, _)| index)
    }

    fn use_route(&mut self, index: usize, cx: &mut Context<'_>) {
        self.routes[..=index].rotate_right(1);
        let description = Arc::clone(&self.routes[0].description);
        self.describe(&description, cx);
        cx.out.push(Effect::Changed(self.id));
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

    /// Takes notice of what the toy is and can do over the route in use.
    ///
    /// A sensor that was heard once stays: not every route tells of all of them, some are only
    /// found out when they speak, and entities that come and go are worse than silent ones.
    fn describe(&mut self, told: &ToyDescription, cx: &mut Context<'_>) {
        let mut description = told.clone();
        description.inputs.extend(&self.description.inputs);
        description.keep_better(&self.description);
        if *self.description == description {
            return;
        }
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
            ToyInput::Level(report) => self.level_reported(report, cx),
        }
    }
}
