//! How a simulated app is set up.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::faults::Faults;
use super::spec::ToySpec;

/// How a simulated app is set up. The default is Lovense Remote in good order without toys.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// The toys.
    pub toys: Vec<ToySpec>,
    /// Makes ids and chance come out the same each time.
    pub seed: u64,
    /// Which app.
    pub flavour: Flavour,
    /// How `GetToys` is answered.
    pub dialect: Dialect,
    /// What is wrong from the start.
    pub faults: Faults,
    /// Serve HTTPS and WSS with this instead of HTTP and WS.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// How many requests are kept as they came; 0 for none, for benchmarks.
    pub keep_requests: usize,
    /// How many changes of level are kept for each toy.
    pub keep_changes: usize,
    /// The time in which a battery loses one percent; it stays at the last one. None for never.
    pub battery_drain: Option<Duration>,
    /// The time between two things that toys do by themselves: press a button, be shaken, be moved.
    /// Only toys that are known to report such things do them.
    pub lively: Option<RangeInclusive<Duration>>,
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            toys: Vec::new(),
            seed: 0,
            flavour: Flavour::default(),
            dialect: Dialect::default(),
            faults: Faults::default(),
            tls: None,
            keep_requests: 10_000,
            keep_changes: 100_000,
            battery_drain: None,
            lively: None,
        }
    }
}

impl AppOptions {
    /// Lovense Remote with so many different toys whose batteries drain and that do something by
    /// themselves every few seconds: for people to look at.
    #[must_use]
    pub fn lively(toys: usize) -> Self {
        Self {
            battery_drain: Some(Duration::from_secs(120)),
            lively: Some(Duration::from_secs(3)..=Duration::from_secs(10)),
            ..Self::with_toys(ToySpec::assorted(toys))
        }
    }

    /// Lovense Remote with these toys, which do nothing by themselves.
    #[must_use]
    pub fn with_toys(toys: impl IntoIterator<Item = ToySpec>) -> Self {
        Self {
            toys: toys.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// Which app is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// Lovense Remote.
    #[default]
    Remote,
    /// Lovense Connect: the same commands, but no Toy Events (404).
    Connect,
}

/// How `GetToys` is answered: what differs between apps and versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Where the toys are.
    pub shape: ToysShape,
    /// How `status` is written.
    pub status: StatusForm,
    /// How `battery` is written.
    pub battery: BatteryForm,
    /// Whether `shortFunctionNames` and `fullFunctionNames` are there; older apps lack them.
    pub function_lists: bool,
    /// Whether `version` is told; in the maker's own example it is empty.
    pub firmware: bool,
    /// `nickname` instead of `nickName`.
    pub lower_nickname: bool,
    /// Fields that no documentation mentions.
    pub extra_fields: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            shape: ToysShape::default(),
            status: StatusForm::default(),
            battery: BatteryForm::default(),
            function_lists: true,
            firmware: true,
            lower_nickname: false,
            extra_fields: false,
        }
    }
}

/// Where the toys are in the answer to `GetToys`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToysShape {
    /// `data.toys` is a string that holds JSON: an object by id. What the documentation shows.
    #[default]
    JsonString,
    /// `data.toys` is an object by id.
    Object,
    /// `data` itself is the object by id.
    BareObject,
    /// `data` is an array.
    Array,
    /// `data.toys` is an array.
    ToysArray,
}

/// How `status` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusForm {
    /// `"1"` and `"0"`.
    #[default]
    Text,
    /// `1` and `0`.
    Number,
    /// `true` and `false`.
    Bool,
}

/// How `battery` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatteryForm {
    /// `60`.
    #[default]
    Number,
    /// `"60"`.
    Text,
    /// `null`.
    Null,
}
