//! What there is to show: snapshots of the engine's state for MQTT, Home Assistant and the panel.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{
    BackendId, BackendState, Class, Level, Limits, OutputKey, Reading, ToyDescription, ToyId,
};

/// Everything there is to show of a toy.
#[derive(Clone, Debug, PartialEq)]
pub struct ToyView {
    /// Its public id.
    pub id: ToyId,
    /// What it is called: the user's name for it, else its own.
    pub name: String,
    /// What it is and can do.
    pub description: Arc<ToyDescription>,
    /// Whether it can be used now.
    pub available: bool,
    /// The route in use.
    pub route: Option<BackendId>,
    /// The phone app has the toy's only connection, and a better route waits for it.
    pub held_by_app: bool,
    /// What the toy has accepted, per output. During a ramp its end; while a pattern plays the
    /// strength it is played at. Levels that are not known yet, and positions that were not asked
    /// for, are absent.
    pub levels: BTreeMap<OutputKey, Level>,
    /// The pattern that plays, as accepted.
    pub effect: Option<String>,
    /// Names of the patterns that can be played, without "Off".
    pub effects: Arc<[String]>,
    /// What the user allows.
    pub limits: Limits,
    /// The newest reading of each kind, by [`Reading::key`].
    pub readings: BTreeMap<&'static str, Reading>,
    /// Why the last request failed, until one succeeds.
    pub last_error: Option<String>,
}

impl ToyView {
    /// Whether it is called as it calls itself, and not as the user said here.
    #[must_use]
    pub fn has_own_name(&self) -> bool {
        self.name == self.description.default_name()
    }

    /// Whether any intensity is above zero or a pattern plays, as far as is known.
    #[must_use]
    pub fn is_on(&self) -> bool {
        let mut levels = self.levels.iter();
        let runs =
            levels.any(|(key, level)| key.kind.class() == Class::Intensity && !level.is_zero());
        self.effect.is_some() || runs
    }

    /// The strongest motor or pump, 0–100 %; 0 while none is known.
    #[must_use]
    pub fn brightness(&self) -> Level {
        self.levels
            .iter()
            .filter(|(key, _)| key.kind.moves())
            .map(|(_, level)| level.abs())
            .max()
            .unwrap_or_default()
    }
}

/// Everything there is to show of the bridge itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BridgeView {
    /// Whether quiet is on.
    pub quiet: bool,
    /// Whether a scan for toys is under way.
    pub scanning: bool,
    /// The configured backends.
    pub backends: Vec<BackendView>,
    /// How many toys are known, and how many of them can be used now.
    pub toys: ToyCount,
    /// What is wrong with the bridge itself (a full disk, a denied topic), for the Problem sensor.
    pub problems: Vec<String>,
    /// The newest error, until the bridge restarts.
    pub last_error: Option<String>,
    /// The level of the log: `error`, `warn`, `info`, `debug` or `trace`.
    pub log_level: String,
}

impl BridgeView {
    /// For reports that are shown to others: nothing in it lets anybody in.
    #[must_use]
    pub fn for_strangers(mut self) -> Self {
        for backend in &mut self.backends {
            if let BackendState::Unpaired(how) = &mut backend.state {
                "it waits to be let in; how, is in bridge/info".clone_into(how);
            }
        }
        self
    }
}

/// How many toys there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToyCount {
    /// Known, there or not.
    pub known: usize,
    /// Available now.
    pub available: usize,
}

/// Everything there is to show of a backend.
#[derive(Clone, Debug, PartialEq)]
pub struct BackendView {
    /// Its name.
    pub id: BackendId,
    /// Reachable or not, and why not.
    pub state: BackendState,
    /// How long it has been in this state, when the view was made.
    pub since: Duration,
    /// Failed attempts since it was last up.
    pub attempts: u32,
}
