//! What somebody asks of toys, and what becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Level, OutputKey, ToyId};

/// Tells one request from another, so that its outcome finds its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Whom a request addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One toy.
    Toy(ToyId),
    /// The toys of a configured group.
    Group(String),
    /// Every toy.
    All,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Change outputs.
    Set(SetCommand),
    /// Off, now; outranks everything.
    Stop,
    /// Make the toy noticeable: two short, gentle pulses.
    Identify,
    /// Change what the toy is called; `None` goes back to its own name.
    Rename(Option<String>),
    /// Change its limits.
    Limit(Limits),
    /// Drop everything known about a toy that is not there.
    Forget,
}

/// A change of a toy's outputs. Absent means unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetCommand {
    /// Outputs by name.
    pub levels: BTreeMap<OutputKey, Level>,
    /// On or off, all intensities together.
    pub power: Option<bool>,
    /// All intensities together, 0–100 %, keeping their ratio.
    pub brightness: Option<Level>,
    /// A pattern by name, or [`SetCommand::NO_EFFECT`].
    pub effect: Option<String>,
    /// Reach the new levels over this time instead of at once.
    pub transition: Option<Duration>,
    /// Go back to 0 after this time.
    pub hold: Option<Duration>,
    /// With `hold`: how many times in all (1 = once).
    pub repeat: Option<u32>,
    /// With `repeat`: how long to rest between two times.
    pub pause: Option<Duration>,
}

impl SetCommand {
    /// The effect that plays nothing.
    pub const NO_EFFECT: &'static str = "Off";

    /// Sets one output and nothing else.
    #[must_use]
    pub fn output(key: OutputKey, level: Level) -> Self {
        Self {
            levels: BTreeMap::from([(key, level)]),
            ..Self::default()
        }
    }
}

/// What the user allows a toy to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// No output goes above this. 0–100 %.
    pub max: Level,
    /// Outputs with a limit of their own, below `max`.
    pub outputs: BTreeMap<OutputKey, Level>,
    /// The fastest rise, in permille per second; `None` for no bound.
    pub slope: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max: Level::FULL,
            outputs: BTreeMap::new(),
            slope: None,
        }
    }
}

impl Limits {
    /// The limit of one output.
    ///
    /// One way to a toy may join motors that another keeps apart (`vibrate`, `vibrate_1`): an output
    /// without a limit of its own has the lowest of those it may be joined from or a part of.
    #[must_use]
    pub fn of(&self, key: OutputKey) -> Level {
        // One of several moves nothing else; one that is the only of its kind may be all of them.
        let own = self.outputs.get(&key).filter(|_| key.number > 0).copied();
        let joined = || {
            let outputs = self.outputs.iter();
            let joined = outputs.filter(|(other, _)| other.may_be_joined_with(key));
            joined.map(|(_, level)| *level).min()
        };
        own.or_else(joined)
            .map_or(self.max, |own| own.min(self.max))
    }

    /// What both allow.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let outputs = self.outputs.keys().chain(other.outputs.keys());
        let outputs = outputs.map(|key| (*key, self.of(*key).min(other.of(*key))));
        Self {
            max: self.max.min(other.max),
            outputs: outputs.collect(),
            slope: [self.slope, other.slope].into_iter().flatten().min(),
        }
    }
}

/// What became of a request, for one toy. Every request gets exactly one per toy it addressed, or
/// one without a toy if it addressed none that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Which request.
    pub ticket: Ticket,
    /// Which toy.
    pub toy: Option<ToyId>,
    /// Done, or why not.
    pub result: Result<Accepted, Rejection>,
}

/// A request that the toy's backend accepted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accepted {
    /// The levels that the request named or implied, as applied.
    pub applied: BTreeMap<OutputKey, Level>,
    /// What made a level lower than asked.
    pub clamped_by: Option<Clamp>,
    /// A newer request replaced this one before the toy saw it.
    pub superseded: bool,
}

/// What made a level lower than asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clamp {
    /// The toy's or the output's limit.
    Limit,
}

impl Clamp {
    /// The word in the result.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
        }
    }
}

/// A request that had no effect, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// For programs.
    pub code: ErrorCode,
    /// For people; names the key at fault where there is one.
    pub message: String,
}

impl Rejection {
    /// A rejection with a message.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Why a request had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// The payload makes no sense.
    Invalid,
    /// No such toy or group.
    UnknownToy,
    /// The toy cannot be reached.
    Offline,
    /// Quiet is on.
    Quiet,
    /// The limit is 0.
    Limit,
    /// The message was retained by the broker: nobody asked just now.
    Retained,
    /// Too many requests are waiting.
    Busy,
    /// The backend did not answer in time.
    Timeout,
    /// The backend refused or failed.
    Backend,
    /// The toy cannot do this.
    Unsupported,
    /// A stop came after it, or just before it.
    Stopped,
}

impl ErrorCode {
    /// All codes.
    pub const ALL: [Self; 11] = [
        Self::Invalid,
        Self::UnknownToy,
        Self::Offline,
        Self::Quiet,
        Self::Limit,
        Self::Retained,
        Self::Busy,
        Self::Timeout,
        Self::Backend,
        Self::Unsupported,
        Self::Stopped,
    ];

    /// The word in results.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::UnknownToy => "unknown_toy",
            Self::Offline => "offline",
            Self::Quiet => "quiet",
            Self::Limit => "limit",
            Self::Retained => "retained",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Backend => "backend",
            Self::Unsupported => "unsupported",
            Self::Stopped => "stopped",
        }
    }
}
