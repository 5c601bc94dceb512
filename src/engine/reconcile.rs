//! The reconciler: compares what is wanted of a toy with what it does, and sends at most one
//! operation that carries everything.
//!
//! Coalescing, order and correctness with several motors follow from that; there is no queue of
//! operations anywhere.

use std::time::Duration;

use crate::domain::{
    Bound, BridgeEvent, Class, Command, Instant, Level, MOVEMENT_PART, Op, OpError, OpId,
    OutputKind, Rejection, SafetyReason, Setting,
};

use super::player::{TICK, Wish};
use super::toy::{Context, Doing, InFlight, Movement, Shown, Toy};
use super::vocabulary::{Effect, Settings};

/// After this many failures in a row a toy's level can no longer be vouched for.
const MAX_FAILURES: u32 = 3;

/// The delay before an operation of unknown effect is tried again, times the failures so far.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// Backends cannot bound a level more tightly than this (Lovense Standard API: `timeSec` ≥ 1).
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// What is wanted now, and when that changes by itself.
pub(super) struct Desire {
    pub(super) doing: Doing,
    changes: Option<Instant>,
}

impl Toy {
    /// Brings the toy nearer to what is wanted of it. Returns when it wants to be looked at again.
    pub(super) fn reconcile(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.prefer_best_route(cx);
        let ended = self.wanted();
        self.wish.settle(cx.now);
        if ended && !self.wanted() {
            self.revision += 1;
        }
        let stopping = self.drive_stop_lane(cx);
        let moving = if self.available() && !self.is_stopping() {
            self.drive(cx)
        } else {
            None
        };
        let readings = self.publish_readings(cx);
        [stopping, moving, readings].into_iter().flatten().min()
    }

    /// The ordinary lane: sends an operation if one is needed and allowed.
    fn drive(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if self.is_driven()
            && let Some(idle) = cx.settings.idle
            && cx.now >= self.last_request + idle
        {
            self.safety_stop(SafetyReason::Idle, cx);
            return self.drive_stop_lane(cx);
        }
        let idle_at = match cx.settings.idle {
            Some(idle) if self.may_run() => Some(self.last_request + idle),
            _ => None,
        };
        if self.in_flight.is_some() {
            return idle_at;
        }
        let lease = self.lease();
        let running = self.is_driven();
        if running && lease.is_some_and(|lease| cx.now > self.acknowledged + lease) {
            // Nothing was acknowledged for a whole lease: the toy has stopped by itself.
            self.safety_stop(SafetyReason::Unconfirmed, cx);
            return self.drive_stop_lane(cx);
        }

        let mut renew_at = lease
            .filter(|_| running)
            .map(|lease| self.acknowledged + lease / 2);
        match self.ended_in_app(cx.now) {
            Ok(false) => {}
            // Not renewed before it is known: it would start again.
            Err(known) => renew_at = renew_at.map(|at| at.max(known)),
            Ok(true) => {
                self.stop(None, cx);
                return self.drive_stop_lane(cx);
            }
        }
        self.movement.take_if(|movement| cx.now >= movement.ends);
        let movement = self.movement;
        let go_on = movement.filter(|it| it.next < it.ends).map(|it| it.next);
        let desire = self.desire(cx.now, cx.settings);
        let renew = renew_at.is_some_and(|at| cx.now >= at);
        let go_on_now = go_on.is_some_and(|at| cx.now >= at);
        if self.certain && !renew && !go_on_now && !self.insist && !self.differs(&desire.doing) {
            self.confirm(self.revision, self.wish.clone(), self.goal(), cx);
            let ended = movement.map(|it| it.ends);
            return [desire.changes, renew_at, idle_at, go_on, ended]
                .into_iter()
                .flatten()
                .min();
        }
        if cx.now < self.next_slot {
            return Some(self.next_slot);
        }
        self.send(desire.doing, cx);
        idle_at
    }

    fn send(&mut self, doing: Doing, cx: &mut Context<'_>) {
        let Some(route) = self.route().cloned() else {
            return;
        };
        let op = cx.ops.next();
        let command = self.command(&doing);
        let lease = match (&command, self.lease()) {
            (Command::Stop, _) | (_, None) => None,
            (_, Some(lease)) => Some(match self.wish.end() {
                Some(end) => lease.min((end - cx.now).max(SHORTEST_LEASE)),
                None => lease,
            }),
        };
        self.next_slot = cx.now + route.capabilities.pace;
        self.insist = false;
        if let Doing::Steps(steps) = &doing {
            for (index, step) in steps.iter().enumerate() {
                if let Some(step) = step {
                    self.evidence.sent(index, *step, cx.now);
                }
            }
        }
        self.move_on(&command, route.capabilities.travel, cx.now);
        self.in_flight = Some(InFlight {
            op,
            doing,
            revision: self.revision,
            sent: cx.now,
            wish: self.wish.clone(),
            shown: self.goal(),
        });
        cx.out.push(Effect::Send(Op {
            id: op,
            route: route.id,
            command,
            lease,
        }));
    }

    /// An operation of the ordinary lane ended. False if it is not the one in flight.
    pub(super) fn op_done(
        &mut self,
        op: OpId,
        result: &Result<(), OpError>,
        cx: &mut Context<'_>,
    ) -> bool {
        let Some(flight) = self.in_flight.take_if(|flight| flight.op == op) else {
            return false;
        };
        match result {
            Ok(()) => {
                self.applied = flight.doing;
                self.certain = true;
                self.weigh_evidence(flight.sent);
                self.failures = 0;
                self.acknowledged = flight.sent;
                // A stop that came meanwhile has answered the requests and changed the wish.
                if !self.is_stopping() {
                    self.note_error(None, cx.out);
                    self.confirm(flight.revision, flight.wish, flight.shown, cx);
                }
            }
            Err(error) => self.op_failed(&flight, error, cx),
        }
        self.stop_after_op(cx.now);
        true
    }

    fn op_failed(&mut self, flight: &InFlight, error: &OpError, cx: &mut Context<'_>) {
        self.note_error(Some(error.to_string()), cx.out);
        if !error.without_effect() {
            self.certain = false;
            self.failures += 1;
            if let Some(route) = self.route() {
                cx.out.push(Effect::Check(route.id.clone()));
            }
        }
        let mut turned_down = false;
        let delay = RETRY_DELAY * self.failures.max(1);
        self.next_slot = self.next_slot.max(cx.now + delay);
        // Newer requests are in the wish already, on top of the failed ones: the next operation
        // decides about all of them. Otherwise what failed is undone, so that nothing starts later
        // of which its asker was told that it had failed. Turning down is not undone but tried again.
        if self.revision == flight.revision && !self.pending.is_empty() {
            let rejection = Rejection::new(error.code(), error.to_string());
            self.reject_pending(flight.revision, &rejection, cx.out);
            turned_down = self.wish.fall_back_to(&self.confirmed);
            self.insist |= turned_down;
            self.confirmed = self.wish.clone();
            self.revision += 1;
        }
        if error.without_effect() {
            self.unexplain(flight.sent, cx);
        }
        if !error.without_effect() && self.has_alternative(cx.now) {
            self.route_failed(&error.to_string(), cx);
        } else if turned_down && !self.wanted() {
            self.stop(None, cx);
        } else if self.failures >= MAX_FAILURES && !self.is_stopping() {
            self.safety_stop(SafetyReason::Unconfirmed, cx);
        }
    }

    /// The toy does what was wanted as of `revision`.
    fn confirm(&mut self, revision: u64, wish: Wish, shown: Shown, cx: &mut Context<'_>) {
        self.confirmed = wish;
        self.show(shown, cx.out);
        while let Some(pending) = self.next_pending(revision) {
            self.accept(pending, cx.out);
        }
    }

    /// Stops the toy because nobody can vouch for it, and says so.
    pub(super) fn safety_stop(&mut self, reason: SafetyReason, cx: &mut Context<'_>) {
        let event = BridgeEvent::SafetyStop(self.id, reason);
        cx.out.push(Effect::Event(event));
        self.stop(None, cx);
    }

    /// What is wanted now, in steps, within the limits and no steeper than allowed.
    pub(super) fn desire(&mut self, now: Instant, settings: &Settings) -> Desire {
        let limits = self.joint_limits.as_ref().or(self.limits.as_ref());
        let limits = limits.unwrap_or(&settings.default_limits);
        let unlimited =
            limits.max == Level::FULL && limits.outputs.is_empty() && limits.slope.is_none();
        let plays = self.routes.first().is_some_and(|r| r.capabilities.plays);
        if let Some(effect) = &self.wish.effect
            && plays
            && unlimited
            && effect.is_whole(&self.description.outputs)
            && let (true, changes) = effect.is_on(now)
        {
            return Desire {
                doing: Doing::Playing(effect.clone()),
                changes,
            };
        }
        let mut changes: Option<Instant> = None;
        let mut steps = Vec::with_capacity(self.description.outputs.len());
        for (index, output) in self.description.outputs.iter().enumerate() {
            let limit = limits.of(output.key);
            let step = match output.class() {
                Class::Intensity => {
                    let (wanted, next) = self.wish.sample(index, now);
                    let wanted = wanted.limited_to(limit);
                    let allowed = self.governors[index].advance(now, wanted, limits.slope);
                    // While the slope holds it back, look again soon.
                    let next = if allowed == wanted {
                        next
                    } else {
                        Some(now + TICK)
                    };
                    changes = changes.into_iter().chain(next).min();
                    Some(output.within(allowed, limit).to_step(output.steps))
                }
                Class::Shape => {
                    let level = self.wish.places[index].unwrap_or(output.key.kind.default_level());
                    Some(level.to_step(output.steps))
                }
                Class::Position => self.wish.places[index].map(|level| {
                    let most = limit.floor_step(output.steps);
                    level.to_step(output.steps).min(most)
                }),
            };
            steps.push(step);
        }
        Desire {
            doing: Doing::Steps(steps),
            changes,
        }
    }

    /// Whether the toy has to be told, to do `desired`.
    fn differs(&self, desired: &Doing) -> bool {
        let (Doing::Steps(applied), Doing::Steps(wanted)) = (&self.applied, desired) else {
            return self.applied != *desired;
        };
        let runs = self.runs(desired);
        let outputs = self.description.outputs.iter().enumerate();
        outputs
            .zip(applied.iter().zip(wanted))
            .any(
                |((index, output), (applied, wanted))| match output.class() {
                    Class::Intensity => match (self.evidence.contradiction(index), applied) {
                        // Changed by hand: left alone until something else is wanted.
                        (Some(report), _) => *wanted != report.against,
                        // Unknown, and nothing was asked for.
                        (None, None) => wanted.is_some_and(|step| step != 0),
                        (None, Some(_)) => applied != wanted,
                    },
                    // A shape matters only to something that moves, a position only once.
                    Class::Shape => runs && applied != wanted,
                    Class::Position => wanted.is_some() && applied != wanted,
                },
            )
    }

    fn command(&self, doing: &Doing) -> Command {
        let steps = match doing {
            Doing::Playing(playing) => return Command::Play((*playing.pattern).clone()),
            Doing::Steps(steps) => steps,
        };
        let applied_position = |index: usize| match &self.applied {
            Doing::Steps(steps) => steps[index],
            Doing::Playing(_) => None,
        };
        let outputs = self.description.outputs.iter().zip(steps).enumerate();
        let settings: Vec<Setting> = outputs
            .filter_map(|(index, (output, step))| {
                let step = (*step)?;
                let again = output.key.kind == OutputKind::Position
                    && self.certain
                    && self.movement.is_none()
                    && applied_position(index) == Some(step);
                (!again).then_some(Setting {
                    key: output.key,
                    step,
                })
            })
            .collect();
        let moves = settings
            .iter()
            .any(|setting| setting.key.kind == OutputKind::Position);
        if moves || self.runs(doing) {
            Command::Drive(settings)
        } else {
            Command::Stop
        }
    }

    /// Takes notice of a movement that is about to be sent, or goes on. A server cannot end one by
    /// itself, so it is told in parts that are no longer than a lease.
    fn move_on(&mut self, command: &Command, travel: Option<Duration>, now: Instant) {
        let Command::Drive(settings) = command else {
            return;
        };
        let goal = settings
            .iter()
            .find(|setting| setting.key.kind.class() == Class::Position);
        let (Some(goal), Some(travel)) = (goal, travel) else {
            return;
        };
        let ends = match self.movement {
            Some(movement) if movement.goal == goal.step => movement.ends,
            _ => now + travel,
        };
        let next = now + MOVEMENT_PART / 2;
        self.movement = (now < ends).then_some(Movement {
            goal: goal.step,
            ends,
            next,
        });
    }

    /// The time bound that operations to this toy carry.
    fn lease(&self) -> Option<Duration> {
        match self.route()?.capabilities.bound {
            Bound::Lease(lease) => Some(lease.max(SHORTEST_LEASE)),
            Bound::Connection | Bound::None => None,
        }
    }

    /// Publishes readings, thinned out.
    fn publish_readings(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if !self.readings_changed {
            return None;
        }
        let due = self.readings_published + cx.settings.reading_interval;
        if cx.now < due && self.readings_published > Instant::START {
            return Some(due);
        }
        self.readings_changed = false;
        self.readings_published = cx.now;
        cx.out.push(Effect::Changed(self.id));
        None
    }
}
