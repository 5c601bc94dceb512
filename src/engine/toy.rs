//! One toy: what is wanted of it, what it has accepted, how it can be reached.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::domain::{
    Accepted, BackendId, Capabilities, Clamp, Class, Instant, Level, Limits, OpId, Outcome,
    OutputKey, Reading, Rejection, RouteId, Ticket, ToyDescription, ToyId, ToyView,
};

use super::evidence::Evidence;
use super::governor::Governor;
use super::player::{Playing, Wish};
use super::safety::Hold;
use super::vocabulary::{Effect, Settings, ToyMemory};

/// What all toys share while an input is handled.
pub(super) struct Context<'a> {
    pub(super) now: Instant,
    pub(super) settings: &'a Settings,
    pub(super) ops: &'a mut OpIds,
    pub(super) out: &'a mut Vec<Effect>,
}

/// Hands out operation ids.
#[derive(Debug, Default)]
pub(super) struct OpIds(u64);

impl OpIds {
    pub(super) fn next(&mut self) -> OpId {
        self.0 += 1;
        OpId(self.0)
    }
}

/// One way to reach the toy.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) id: RouteId,
    pub(super) capabilities: Capabilities,
    /// What the toy can do over it: an app may join outputs that Bluetooth keeps apart.
    pub(super) description: Arc<ToyDescription>,
    /// The user's preference, the lowest first.
    pub(super) rank: usize,
    /// When it was given up for another one, unless it has been reported since.
    pub(super) failed: Option<Instant>,
}

/// What a toy is doing, in its own steps: what an operation asks for, what was acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Doing {
    /// One entry per output; `None` for an intensity of which nothing is known, or a position that
    /// was not asked for.
    Steps(Vec<Option<i32>>),
    /// A pattern that the backend plays.
    Playing(Playing),
}

/// What there is to show once an operation is acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    /// One per output; `None` for an intensity of which nothing is known, or a position that was not
    /// asked for.
    pub(super) levels: Vec<Option<Level>>,
    pub(super) effect: Option<String>,
}

/// A request that waits for the toy.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) ticket: Ticket,
    /// The wish as of this request; an operation of this or a later revision answers it.
    pub(super) revision: u64,
    pub(super) asked: Vec<(OutputKey, Level)>,
    pub(super) clamped_by: Option<Clamp>,
}

/// An operation on its way.
#[derive(Clone, Debug)]
pub(super) struct InFlight {
    pub(super) op: OpId,
    pub(super) doing: Doing,
    pub(super) revision: u64,
    pub(super) sent: Instant,
    pub(super) wish: Wish,
    pub(super) shown: Shown,
}

/// A movement to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Movement {
    /// Where to, in steps.
    pub(super) goal: i32,
    /// No later than this it is there.
    pub(super) ends: Instant,
    /// When the toy is to be told the next part of it.
    pub(super) next: Instant,
}

/// The lane on which a stop overtakes everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum StopLane {
    /// No stop is under way.
    #[default]
    Clear,
    /// One is to be sent at this time (now, unless the last try failed).
    Due(Instant),
    /// One is on its way.
    Sent {
        op: OpId,
        /// It ran beside an operation that may reach the toy after it, so another one has to
        /// follow.
        again: bool,
    },
    /// Acknowledged, but the operation it ran beside has not returned.
    Waiting,
}

/// A toy.
#[derive(Debug)]
pub(super) struct Toy {
    pub(super) id: ToyId,
    pub(super) description: Arc<ToyDescription>,
    pub(super) name: Option<String>,
    pub(super) limits: Option<Limits>,
    /// What holds instead while nothing tells it from other toys.
    pub(super) joint_limits: Option<Limits>,
    /// The one in use first.
    pub(super) routes: Vec<Route>,
    /// Backends that have looked for it in vain since they had it last.
    pub(super) missed_by: BTreeSet<BackendId>,

    pub(super) wish: Wish,
    /// Counts changes of the wish.
    pub(super) revision: u64,
    /// The wish that the toy last acknowledged: what a failed request falls back to.
    pub(super) confirmed: Wish,
    pub(super) pending: VecDeque<Pending>,

    pub(super) applied: Doing,
    /// Whether `applied` is what the toy does: false after an operation of unknown effect.
    pub(super) certain: bool,
    /// A 0 was asked for: it is sent, whatever the toy is believed to do.
    pub(super) insist: bool,
    pub(super) evidence: Evidence,
    /// On its way to a position, as far as the bridge knows.
    pub(super) movement: Option<Movement>,
    pub(super) in_flight: Option<InFlight>,
    /// The pace of the route: no operation before this.
    pub(super) next_slot: Instant,
    /// When the last acknowledged operation was sent.
    pub(super) acknowledged: Instant,
    /// Failures since an operation last succeeded.
    pub(super) failures: u32,
    pub(super) governors: Vec<Governor>,

    pub(super) stop_lane: StopLane,
    pub(super) stop_failures: u32,
    pub(super) stop_waiters: Vec<Ticket>,
    /// Refuses levels above zero for a while after a stop.
    pub(super) hold: Hold,

    pub(super) shown: Shown,
    pub(super) last_request: Instant,
    /// The last levels above zero, for a bare "on" and for the ratio of a brightness.
    pub(super) last_on: Vec<Level>,
    pub(super) last_error: Option<String>,

    pub(super) readings: BTreeMap<&'static str, Reading>,
    pub(super) readings_published: Instant,
    pub(super) readings_changed: bool,
}

impl Toy {
    /// A toy that cannot be reached yet and does nothing.
    pub(super) fn new(id: ToyId, description: ToyDescription, memory: &ToyMemory) -> Self {
        let mut toy = Self {
            id,
            description: Arc::new(description),
            name: memory.name.clone(),
            limits: memory.limits.clone(),
            joint_limits: None,
            routes: Vec::new(),
            missed_by: BTreeSet::new(),
            wish: Wish::off(0),
            revision: 0,
            confirmed: Wish::off(0),
            pending: VecDeque::new(),
            applied: Doing::Steps(Vec::new()),
            certain: true,
            insist: false,
            evidence: Evidence::default(),
            movement: None,
            in_flight: None,
            next_slot: Instant::START,
            acknowledged: Instant::START,
            failures: 0,
            governors: Vec::new(),
            stop_lane: StopLane::Clear,
            stop_failures: 0,
            stop_waiters: Vec::new(),
            hold: Hold::default(),
            shown: Shown {
                levels: Vec::new(),
                effect: None,
            },
            last_request: Instant::START,
            last_on: Vec::new(),
            last_error: None,
            readings: BTreeMap::new(),
            readings_published: Instant::START,
            readings_changed: false,
        };
        toy.reset_outputs();
        toy
    }

    /// Makes everything that is counted by output fit the description: nothing is wanted, and nothing
    /// known of what it does.
    pub(super) fn reset_outputs(&mut self) {
        let count = self.description.outputs.len();
        self.wish = Wish::off(count);
        self.confirmed = self.wish.clone();
        self.governors = vec![Governor::default(); count];
        self.last_on = vec![Level::ZERO; count];
        self.forget_levels();
        self.shown = self.seen(self.goal());
    }

    /// Nothing is known any more of what the toy does.
    pub(super) fn forget_levels(&mut self) {
        let count = self.description.outputs.len();
        self.applied = Doing::Steps(vec![None; count]);
        self.evidence.reset(count);
        self.movement = None;
        self.insist = false;
    }

    /// The route in use.
    pub(super) fn route(&self) -> Option<&Route> {
        self.routes.first()
    }

    pub(super) fn available(&self) -> bool {
        !self.routes.is_empty()
    }

    pub(super) fn limits<'a>(&'a self, settings: &'a Settings) -> &'a Limits {
        let own = self.joint_limits.as_ref().or(self.limits.as_ref());
        own.unwrap_or(&settings.default_limits)
    }

    /// What it does when it does nothing.
    pub(super) fn at_rest(&self) -> Doing {
        let step = |output: &crate::domain::Output| match output.class() {
            Class::Intensity => Some(0),
            Class::Shape | Class::Position => None,
        };
        Doing::Steps(self.description.outputs.iter().map(step).collect())
    }

    /// Whether `doing` makes the toy act by itself.
    pub(super) fn runs(&self, doing: &Doing) -> bool {
        match doing {
            Doing::Playing(_) => true,
            Doing::Steps(steps) => {
                steps
                    .iter()
                    .zip(&self.description.outputs)
                    .any(|(step, output)| {
                        output.class() == Class::Intensity && step.is_some_and(|s| s != 0)
                    })
            }
        }
    }

    /// Whether `op` is under way.
    pub(super) fn has_sent(&self, op: OpId) -> bool {
        self.in_flight
            .as_ref()
            .is_some_and(|flight| flight.op == op)
            || matches!(self.stop_lane, StopLane::Sent { op: sent, .. } if sent == op)
    }

    /// Whether it runs because the bridge has told it to. What was begun by hand is not the bridge's
    /// to renew, and not to end without being asked.
    pub(super) fn is_driven(&self) -> bool {
        let Doing::Steps(steps) = &self.applied else {
            return true;
        };
        let outputs = self.description.outputs.iter().zip(steps).enumerate();
        outputs.into_iter().any(|(index, (output, step))| {
            let by_hand = self.evidence.contradiction(index).is_some();
            output.class() == Class::Intensity
                && step.is_some_and(|step| step != 0)
                && (!by_hand || self.wish.wants(index))
        })
    }

    /// Whether it may be running because of the bridge, in reach or not.
    pub(super) fn may_run(&self) -> bool {
        !self.certain
            || self.is_driven()
            || self.movement.is_some()
            || self
                .in_flight
                .as_ref()
                .is_some_and(|flight| self.runs(&flight.doing))
    }

    /// Whether nothing is under way and the toy is off, or out of reach.
    pub(super) fn is_settled(&self) -> bool {
        !self.available() || !(self.is_busy() || self.in_flight.is_some() || self.is_stopping())
    }

    /// Whether it may be running, or is about to.
    pub(super) fn is_busy(&self) -> bool {
        self.may_run() || self.wanted() || self.wish.fades() || !self.pending.is_empty()
    }

    /// Whether somebody wants it to run.
    pub(super) fn wanted(&self) -> bool {
        self.wish.effect.is_some() || self.wish.plans.iter().any(|plan| !plan.to.is_zero())
    }

    /// Whether a motor or a pump is wanted to run.
    pub(super) fn wants_movement(&self) -> bool {
        let mut outputs = self.description.outputs.iter().enumerate();
        outputs.any(|(index, output)| output.moves() && self.wish.wants(index))
    }

    /// What there is to show once the present wish is acknowledged.
    pub(super) fn goal(&self) -> Shown {
        let levels = self.description.outputs.iter().enumerate();
        Shown {
            levels: levels
                .map(|(index, output)| match output.class() {
                    Class::Intensity => Some(output.rounded(self.wish.goal(index))),
                    Class::Shape => {
                        Some(self.wish.places[index].unwrap_or(output.key.kind.default_level()))
                    }
                    Class::Position => self.wish.places[index],
                })
                .collect(),
            effect: self
                .wish
                .effect
                .as_ref()
                .map(|playing| playing.pattern.name().to_owned()),
        }
    }

    /// `shown`, but for what is known better: levels that were changed by hand, or are not known.
    pub(super) fn seen(&self, mut shown: Shown) -> Shown {
        for (index, level) in shown.levels.iter_mut().enumerate() {
            if let Some(observed) = self.observed(index) {
                *level = observed;
            }
        }
        shown
    }

    /// Shows `shown` from now on.
    pub(super) fn show(&mut self, shown: Shown, out: &mut Vec<Effect>) {
        let shown = self.seen(shown);
        if self.shown != shown {
            self.shown = shown;
            out.push(Effect::Changed(self.id));
        }
    }

    /// Notes why something failed, or that it no longer does.
    pub(super) fn note_error(&mut self, error: Option<String>, out: &mut Vec<Effect>) {
        if self.last_error != error {
            self.last_error = error;
            out.push(Effect::Changed(self.id));
        }
    }

    /// Answers a request that the toy acknowledged, in the state now shown.
    pub(super) fn accept(&self, pending: Pending, out: &mut Vec<Effect>) {
        let level_of = |key: OutputKey| {
            let (index, _) = self.description.output(key)?;
            self.shown.levels.get(index).copied().flatten()
        };
        let applied: BTreeMap<OutputKey, Level> = pending
            .asked
            .iter()
            .filter_map(|&(key, _)| Some((key, level_of(key)?)))
            .collect();
        let superseded = pending
            .asked
            .iter()
            .any(|(key, level)| applied.get(key) != Some(level));
        out.push(Effect::Outcome(Outcome {
            ticket: pending.ticket,
            toy: Some(self.id),
            result: Ok(Accepted {
                applied,
                clamped_by: pending.clamped_by,
                superseded,
            }),
        }));
    }

    /// Answers a request that had no effect.
    pub(super) fn reject(&self, ticket: Ticket, rejection: Rejection, out: &mut Vec<Effect>) {
        out.push(Effect::Outcome(Outcome {
            ticket,
            toy: Some(self.id),
            result: Err(rejection),
        }));
    }

    /// Takes out the oldest waiting request, if an operation of `revision` answers it.
    pub(super) fn next_pending(&mut self, revision: u64) -> Option<Pending> {
        let oldest = self.pending.front()?;
        if oldest.revision > revision {
            return None;
        }
        self.pending.pop_front()
    }

    /// Answers every waiting request up to `revision` with the same failure.
    pub(super) fn reject_pending(
        &mut self,
        revision: u64,
        rejection: &Rejection,
        out: &mut Vec<Effect>,
    ) {
        while let Some(pending) = self.next_pending(revision) {
            self.reject(pending.ticket, rejection.clone(), out);
        }
    }

    /// Everything there is to show of it.
    pub(super) fn view(&self, settings: &Settings, effects: &Arc<[String]>) -> ToyView {
        let keys = self.description.outputs.iter().map(|output| output.key);
        let levels = keys.zip(&self.shown.levels);
        ToyView {
            id: self.id,
            name: self
                .name
                .clone()
                .unwrap_or_else(|| self.description.default_name().to_owned()),
            description: Arc::clone(&self.description),
            available: self.available(),
            route: self.route().map(|route| route.id.backend.clone()),
            held_by_app: self.is_held_by_app(settings),
            levels: levels
                .filter_map(|(key, level)| Some((key, (*level)?)))
                .collect(),
            effect: self.shown.effect.clone(),
            effects: Arc::clone(effects),
            limits: self.limits(settings).clone(),
            readings: self.readings.clone(),
            last_error: self.last_error.clone(),
        }
    }
}
