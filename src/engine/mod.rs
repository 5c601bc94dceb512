//! The engine: decides what every toy does, and when.
//!
//! It is a pure, synchronous state machine. [`Engine::handle`] takes one [`Input`] and the time,
//! and returns the [`Effect`]s to carry out; [`Engine::next_deadline`] says when it wants a
//! [`Input::Tick`]. There is no clock, no socket, no lock and no runtime in here, so everything
//! difficult (order, limits, stops, leases, patterns, lost links) is decided in one place and
//! tested by calling a function.
//!
//! # The idea: a reconciler, not a queue
//!
//! For each toy the engine keeps what is *wanted* ([`player`]: levels, ramps, pulses or a pattern,
//! sampled at `now`) and what the toy has *acknowledged*. Whenever the two differ, nothing is in
//! flight and the route's pace allows, it sends one operation with the toy's **whole** vector of
//! outputs ([`reconcile`]). A thousand slider messages become as many operations as the toy can
//! take, the last of which carries the last value; two motors set back to back cannot overtake one
//! another; a failed operation is simply a difference that is still there.
//!
//! # The guarantees
//!
//! - At most one operation is in flight per toy, beside at most one stop ([`stop`]): a stop goes
//!   out at once, and again when the operation that it overtook has returned, until it is
//!   acknowledged.
//! - After a stop nothing above zero is sent until a newer request asks for it.
//! - No operation exceeds a limit, whatever asked for it.
//! - Operations to a backend that can bound them carry a lease, renewed at half-time.
//! - A toy that comes (back) is never driven until somebody asks, and is stopped first if it may
//!   have been left running ([`routes`]).
//! - A toy with several routes is driven over one of them at a time. When that one is lost or fails,
//!   the next best takes over, with a stop first; a better one that comes (back) waits until the toy
//!   is at rest.
//! - Every request gets exactly one outcome per toy it addressed.
//! - What the wearer, or another client, turns off or down is not turned on or up again ([`evidence`]).
//! - What a limit has cut away does not come back when the limit is raised.
//! - What means off is sent, whatever the toy is believed to do.
//!
//! `properties` tests them over arbitrary sequences of inputs.

mod agenda;
mod evidence;
mod governor;
mod player;
mod reconcile;
mod requests;
mod routes;
mod safety;
mod set;
mod stop;
mod toy;
mod twins;
mod vocabulary;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::domain::{
    BackendId, Instant, Level, Limits, OpError, OpId, OutputKey, Pattern, RouteId, SafetyReason,
    ToyDescription, ToyId, ToyInput, ToyView,
};

use agenda::Agenda;
use safety::Guards;
use toy::{Context, OpIds, Toy};
pub use vocabulary::{Effect, Input, LeftRunning, Memory, RouteOrder, Settings, ToyMemory};

/// What happens while one input is handled.
struct Turn {
    now: Instant,
    /// Toys to look at before it ends.
    touched: Vec<ToyId>,
    out: Vec<Effect>,
}

/// Decides what every toy does. See the [module](self).
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    patterns: Arc<[Arc<Pattern>]>,
    pattern_names: Arc<[String]>,
    guards: Guards,
    /// By hash, so that finding one costs the same among thousands; boxed, so that it touches little
    /// memory; in the order in which they came, so that the same inputs have the same effects.
    toys: IndexMap<ToyId, Box<Toy>>,
    /// What is remembered of toys of which not even the outputs are known.
    unseen: BTreeMap<ToyId, ToyMemory>,
    /// Toys that the process before this one may have left running, and that have not been found yet.
    left_running: LeftRunning,
    /// Toys that nothing tells apart, by backend.
    alike: BTreeMap<BackendId, Vec<BTreeSet<ToyId>>>,
    /// Which toy an operation under way was sent to.
    ops: HashMap<OpId, (ToyId, RouteId)>,
    op_ids: OpIds,
    agenda: Agenda,
    halted: bool,
}

impl Engine {
    /// An engine that knows the toys it remembers and can reach none of them yet.
    ///
    /// `left_running`: these toys are stopped first thing when they are found.
    #[must_use]
    pub fn new(settings: Settings, memory: &Memory, left_running: LeftRunning) -> Self {
        let patterns: Arc<[_]> = settings.patterns.iter().cloned().map(Arc::new).collect();
        let pattern_names = patterns.iter().map(|p| p.name().to_owned()).collect();
        let mut engine = Self {
            guards: Guards::new(memory.quiet),
            settings,
            patterns,
            pattern_names,
            toys: IndexMap::new(),
            unseen: BTreeMap::new(),
            alike: BTreeMap::new(),
            left_running,
            ops: HashMap::new(),
            op_ids: OpIds::default(),
            agenda: Agenda::default(),
            halted: false,
        };
        for (id, known) in &memory.toys {
            match &known.description {
                Some(description) => engine.add_toy(*id, description.clone(), known),
                None => {
                    engine.unseen.insert(*id, known.clone());
                }
            }
        }
        engine
    }

    fn add_toy(&mut self, id: ToyId, description: ToyDescription, known: &ToyMemory) {
        let mut toy = Toy::new(id, description, known);
        toy.certain = !self.left_running.remove(&id);
        self.toys.insert(toy.id, Box::new(toy));
    }

    /// Takes notice of `input` at `now` and says what to do, in order.
    ///
    /// `now` must not go back between calls.
    pub fn handle(&mut self, now: Instant, input: Input) -> Vec<Effect> {
        let mut turn = Turn {
            now,
            touched: Vec::new(),
            out: Vec::new(),
        };
        match input {
            Input::Request {
                ticket,
                target,
                action,
            } => self.request(&mut turn, ticket, &target, action),
            Input::Quiet(on) => {
                self.guards.quiet = on;
                turn.out.push(Effect::Save);
                if on {
                    self.stop_backends(&mut turn);
                    self.stop_each(&mut turn, |toy| toy.available(), None);
                }
            }
            Input::RouteUp {
                route,
                description,
                capabilities,
            } => {
                let id = self.toy_of(&route);
                if !self.toys.contains_key(&id) {
                    let known = self.unseen.remove(&id).unwrap_or_default();
                    self.add_toy(id, description.clone(), &known);
                    turn.out.push(Effect::Save);
                }
                self.with_toy(&mut turn, id, |toy, cx| {
                    toy.route_up(route, description, capabilities, cx);
                });
            }
            Input::RouteDown { route, reason } => {
                let id = self.toy_of(&route);
                self.with_toy(&mut turn, id, |toy, cx| {
                    toy.route_down(&route, &reason, cx);
                });
            }
            Input::Missed { route, missed } => {
                let id = self.toy_of(&route);
                self.with_toy(&mut turn, id, |toy, cx| toy.missed(&route, missed, cx));
            }
            Input::Told { route, input } => self.told(&mut turn, &route, input),
            Input::OpDone { op, result } => {
                self.op_done(&mut turn, op, &result);
            }
            Input::Broker(present) => self.guards.broker(now, present),
            Input::HomeAssistant(present) => self.guards.home_assistant(now, present),
            Input::Suspended => self.safety_stop_all(&mut turn, SafetyReason::Suspended),
            Input::Shutdown => {
                self.guards.ending = true;
                self.stop_each(&mut turn, |toy| toy.available() && toy.is_busy(), None);
            }
            Input::Alike { backend, sets } => self.alike(backend, sets),
            Input::Tick => {}
        }
        self.join_limits(&mut turn);
        if let Some(reason) = self.guards.expire(now, &self.settings) {
            self.safety_stop_all(&mut turn, reason);
        }
        while let Some(id) = self.agenda.pop_due(now) {
            turn.touched.push(id);
        }
        self.reconcile(&mut turn);
        if self.guards.ending && !self.halted && self.toys.values().all(|toy| toy.is_settled()) {
            self.halted = true;
            turn.out.push(Effect::Halted);
        }
        turn.out
    }

    /// When to send [`Input::Tick`], unless something else comes first.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let guards = self.guards.next_deadline(&self.settings);
        self.agenda.next().into_iter().chain(guards).min()
    }

    /// Whether quiet is on.
    #[must_use]
    pub fn quiet(&self) -> bool {
        self.guards.quiet
    }

    /// What there is to show of a toy.
    #[must_use]
    pub fn toy(&self, id: ToyId) -> Option<ToyView> {
        let toy = self.toys.get(&id)?;
        Some(toy.view(&self.settings, &self.pattern_names))
    }

    /// What is wanted of a toy: a level for each output that has one, and the pattern to play.
    #[must_use]
    pub fn target(&self, id: ToyId) -> Option<(BTreeMap<OutputKey, Level>, Option<String>)> {
        let toy = self.toys.get(&id)?;
        let goal = toy.goal();
        let keys = toy.description.outputs.iter().map(|output| output.key);
        let levels = keys.zip(goal.levels);
        let levels = levels.filter_map(|(key, level)| Some((key, level?)));
        Some((levels.collect(), goal.effect))
    }

    /// What a toy is and can do.
    #[must_use]
    pub fn description(&self, id: ToyId) -> Option<&ToyDescription> {
        self.toys.get(&id).map(|toy| &*toy.description)
    }

    /// What the user allows this toy to do. Less holds while nothing tells it from another one.
    #[must_use]
    pub fn limits(&self, id: ToyId) -> Option<&Limits> {
        let own = self.toys.get(&id)?.limits.as_ref();
        Some(own.unwrap_or(&self.settings.default_limits))
    }

    /// The ids of all known toys, there or not, in order.
    pub fn toys(&self) -> impl Iterator<Item = ToyId> {
        let mut ids: Vec<ToyId> = self.toys.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter()
    }

    /// The toys that may be running because of the bridge, in reach or not: those that have been
    /// driven and have not confirmed a stop since, whichever process drove them.
    #[must_use]
    pub fn may_run(&self) -> BTreeSet<ToyId> {
        let toys = self.toys.values();
        let found = toys.filter(|toy| toy.may_run() || toy.is_stopping());
        let found = found.map(|toy| toy.id);
        // What was sent over a way that is not used any more may still land.
        let told = self.ops.values().map(|(toy, _)| *toy);
        found.chain(told).chain(self.left_running.known()).collect()
    }

    /// The toy that an operation under way was sent to.
    #[must_use]
    pub fn toy_of_op(&self, op: OpId) -> Option<ToyId> {
        self.ops.get(&op).map(|(toy, _)| *toy)
    }

    /// What is to outlive the process.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let remember = |toy: &Toy| ToyMemory {
            name: toy.name.clone(),
            limits: toy.limits.clone(),
            description: Some((*toy.description).clone()),
        };
        let unseen = self.unseen.iter().map(|(id, known)| (*id, known.clone()));
        let toys = self.toys.iter().map(|(id, toy)| (*id, remember(toy)));
        Memory {
            quiet: self.guards.quiet,
            toys: unseen.chain(toys).collect(),
        }
    }

    /// The toy at the end of a route.
    fn toy_of(&self, route: &RouteId) -> ToyId {
        let own = ToyId::of(&route.hardware);
        self.settings.same.get(&own).copied().unwrap_or(own)
    }

    /// Lets `change` change a toy, if it is known.
    fn with_toy<R>(
        &mut self,
        turn: &mut Turn,
        id: ToyId,
        change: impl FnOnce(&mut Toy, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let toy = self.toys.get_mut(&id)?;
        turn.touched.push(id);
        let first = turn.out.len();
        let mut cx = Context {
            now: turn.now,
            settings: &self.settings,
            ops: &mut self.op_ids,
            out: &mut turn.out,
        };
        let result = change(toy, &mut cx);
        // Remember where operations go, so that their results find their toy.
        for effect in &turn.out[first..] {
            if let Effect::Send(op) = effect {
                self.ops.insert(op.id, (id, op.route.clone()));
            }
        }
        Some(result)
    }

    fn told(&mut self, turn: &mut Turn, route: &RouteId, input: ToyInput) {
        let id = self.toy_of(route);
        self.with_toy(turn, id, |toy, cx| {
            if toy.routes.iter().any(|known| known.id == *route) {
                toy.told(input, cx);
            }
        });
    }

    fn op_done(&mut self, turn: &mut Turn, op: OpId, result: &Result<(), OpError>) {
        let Some((id, route)) = self.ops.remove(&op) else {
            return;
        };
        self.with_toy(turn, id, |toy, cx| match result {
            Err(OpError::Offline(reason)) if toy.has_sent(op) => {
                toy.note_error(Some(format!("not connected: {reason}")), cx.out);
                toy.route_down(&route, reason, cx);
            }
            _ => {
                if !toy.op_done(op, result, cx) && !toy.stop_done(op, result, cx) {
                    toy.stray_done(result);
                }
            }
        });
    }

    /// Stops the toys that `which` picks.
    fn stop_each(
        &mut self,
        turn: &mut Turn,
        which: impl Fn(&Toy) -> bool,
        reason: Option<SafetyReason>,
    ) {
        let picked = self.toys.values().filter(|toy| which(toy));
        let picked: Vec<ToyId> = picked.map(|toy| toy.id).collect();
        for id in picked {
            self.with_toy(turn, id, |toy, cx| match reason {
                Some(reason) => toy.safety_stop(reason, cx),
                None => toy.stop(None, cx),
            });
        }
    }

    fn safety_stop_all(&mut self, turn: &mut Turn, reason: SafetyReason) {
        let busy = |toy: &Toy| toy.available() && toy.is_busy();
        self.stop_each(turn, busy, Some(reason));
    }

    /// Looks at every toy that something happened to, once.
    fn reconcile(&mut self, turn: &mut Turn) {
        let mut touched = std::mem::take(&mut turn.touched);
        touched.sort_unstable();
        touched.dedup();
        for id in touched {
            let deadline = self.with_toy(turn, id, Toy::reconcile);
            self.agenda.set(id, deadline.flatten());
        }
    }
}
