//! Everything that goes into the engine and everything that comes out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::{
    Action, BackendId, BridgeEvent, Capabilities, Gesture, HardwareId, Level, Limits, Op, OpError,
    OpId, Outcome, Pattern, RouteId, Target, Ticket, ToyDescription, ToyId, ToyInput,
};

/// Something that happened outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Somebody asks something of toys.
    Request {
        /// Comes back in every [`Effect::Outcome`] of this request.
        ticket: Ticket,
        /// Whom it addresses.
        target: Target,
        /// What is asked.
        action: Action,
    },
    /// Quiet was switched. Never refused.
    Quiet(bool),
    /// A toy can be reached over this route, or what is known of it has changed.
    RouteUp {
        /// The route.
        route: RouteId,
        /// The toy.
        description: ToyDescription,
        /// What the route can be relied on for.
        capabilities: Capabilities,
    },
    /// A toy cannot be reached over this route any more.
    RouteDown {
        /// The route.
        route: RouteId,
        /// Why, in words for the user.
        reason: String,
    },
    /// A toy cannot be found over this route although it was looked for, or nothing is known of that
    /// any more.
    Missed {
        /// The route that there would be.
        route: RouteId,
        /// Whether it was looked for in vain.
        missed: bool,
    },
    /// A toy reported something.
    Told {
        /// Over which route.
        route: RouteId,
        /// What.
        input: ToyInput,
    },
    /// An operation ended.
    OpDone {
        /// Which.
        op: OpId,
        /// How.
        result: Result<(), OpError>,
    },
    /// Nothing tells the toys of each of these sets from one another, so the lowest of their limits holds
    /// for all of them. Takes the place of what this backend said before.
    Alike {
        /// The backend.
        backend: BackendId,
        /// The sets.
        sets: Vec<BTreeSet<HardwareId>>,
    },
    /// The connection to the broker came (`true`) or went.
    Broker(bool),
    /// Home Assistant said that it came (`true`) or went.
    HomeAssistant(bool),
    /// The machine was suspended for a while.
    Suspended,
    /// The bridge is to end: stop everything, refuse everything.
    Shutdown,
    /// The time of [`Engine::next_deadline`](super::Engine::next_deadline) has come.
    Tick,
}

/// Something to be done outside. Effects are to be carried out in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this operation; answer with [`Input::OpDone`], whatever becomes of it.
    Send(Op),
    /// Tell the asker.
    Outcome(Outcome),
    /// What there is to show of this toy has changed.
    Changed(ToyId),
    /// This toy is no longer known; nothing of it is to remain.
    Forgotten(ToyId),
    /// A toy's button or gesture: publish once.
    Gesture(ToyId, Gesture),
    /// Something happened to the bridge: publish once.
    Event(BridgeEvent),
    /// End at once whatever any client plays on any toy of this backend, as far as one request can.
    /// Operations that stop the toys one by one follow.
    StopAll(BackendId),
    /// Ask this route's backend to look whether the toy is still there.
    Check(RouteId),
    /// Names, limits or quiet have changed: save them.
    Save,
    /// After [`Input::Shutdown`]: no toy runs and nothing is under way any more.
    Halted,
}

/// How the engine behaves. All durations can be set by the user; `None` switches a guard off.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Stop all toys when the broker has been away for this long.
    pub broker_lost: Option<Duration>,
    /// Stop all toys when Home Assistant has been away for this long.
    pub home_assistant_lost: Option<Duration>,
    /// Stop a running toy of which nobody asked anything for this long.
    pub idle: Option<Duration>,
    /// After a stop, refuse levels above 0 until none was asked for during this time: of the toy
    /// that was stopped, or of all.
    pub stop_hold: Duration,
    /// The level of a bare "on", and of a pattern of which no strength is said.
    pub default_level: Level,
    /// A bare "on" goes back to the last level instead.
    pub on_as_last: bool,
    /// Limits of toys that have none of their own.
    pub default_limits: Limits,
    /// The least time between two published changes of a toy's readings.
    pub reading_interval: Duration,
    /// Patterns, in the order shown.
    pub patterns: Vec<Pattern>,
    /// Toys of each group.
    pub groups: BTreeMap<String, Vec<ToyId>>,
    /// Which way to reach a toy is used when there are several.
    pub routes: RouteOrder,
    /// Toys that would have an id of their own but are other ones: a backend knows them by another
    /// hardware id.
    pub same: BTreeMap<ToyId, ToyId>,
}

impl Memory {
    /// Takes out the toys that turned out to be [others](Settings::same), and returns their ids.
    ///
    /// Of two sets of limits what both allow holds from now on, and a toy without a name takes the
    /// other's.
    pub fn join(&mut self, settings: &Settings) -> Vec<ToyId> {
        let mut joined = Vec::new();
        for (id, toy) in &settings.same {
            let Some(other) = self.toys.remove(id) else {
                continue;
            };
            joined.push(*id);
            let toy = self.toys.entry(*toy).or_default();
            toy.name = toy.name.take().or(other.name);
            if let Some(limits) = other.limits {
                let own = toy.limits.as_ref().unwrap_or(&settings.default_limits);
                toy.limits = Some(own.and(&limits));
            }
        }
        joined
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            broker_lost: Some(Duration::from_secs(10)),
            home_assistant_lost: Some(Duration::from_secs(30)),
            idle: Some(Duration::from_secs(30 * 60)),
            stop_hold: Duration::from_secs(2),
            default_level: Level::from_permille(300),
            on_as_last: false,
            default_limits: Limits::default(),
            reading_interval: Duration::from_millis(200),
            patterns: Pattern::builtin(),
            groups: BTreeMap::new(),
            routes: RouteOrder::default(),
            same: BTreeMap::new(),
        }
    }
}

/// Which way to reach a toy is used when there are several: kinds of backends, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteOrder {
    /// For all toys. What is not in it comes last.
    pub default: Vec<&'static str>,
    /// For single toys: these before all others.
    pub toys: BTreeMap<ToyId, Vec<&'static str>>,
}

impl Default for RouteOrder {
    fn default() -> Self {
        Self {
            default: vec!["ble", "lovense_lan", "buttplug", "wsdm", "lovense_cloud"],
            toys: BTreeMap::new(),
        }
    }
}

impl RouteOrder {
    /// Where `backend` stands for `toy`: the lowest is used.
    #[must_use]
    pub fn rank(&self, toy: ToyId, backend: &BackendId) -> usize {
        let own = self.toys.get(&toy).into_iter().flatten();
        let mut order = own.chain(&self.default);
        let rank = order.position(|kind| backend.is_of_kind(kind));
        rank.unwrap_or(usize::MAX)
    }
}

/// What outlives the process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Whether quiet is on.
    pub quiet: bool,
    /// Toys by id, present or not.
    pub toys: BTreeMap<ToyId, ToyMemory>,
}

/// What outlives the process of one toy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToyMemory {
    /// The user's name for it.
    pub name: Option<String>,
    /// The user's limits for it.
    pub limits: Option<Limits>,
    /// What it was when it was last seen; without, it is not known until it is seen.
    pub description: Option<ToyDescription>,
}

/// Which toys the process before this one may have left running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftRunning {
    /// These. None at all if it ended in order.
    Toys(BTreeSet<ToyId>),
    /// Any: it is not known which.
    Any,
}

impl Default for LeftRunning {
    fn default() -> Self {
        Self::Toys(BTreeSet::new())
    }
}

impl LeftRunning {
    /// Whether nothing was left running.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Toys(toys) if toys.is_empty())
    }

    /// The toys of which it is known.
    pub fn known(&self) -> impl Iterator<Item = ToyId> {
        let toys = match self {
            Self::Toys(toys) => Some(toys),
            Self::Any => None,
        };
        toys.into_iter().flatten().copied()
    }

    /// Takes out a toy: it is seen to from now on. Whether it may have been left running.
    pub fn remove(&mut self, toy: &ToyId) -> bool {
        match self {
            Self::Toys(toys) => toys.remove(toy),
            Self::Any => true,
        }
    }
}
