//! How Bluetooth is used.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::backend::lovense::text::Manners;
use crate::backend::supervisor::Policy;
use crate::domain::BackendId;

/// How long to wait before a toy or an adapter is tried again. A toy is tried only while it is
/// heard, and asking the system costs next to nothing, so neither has to wait for long.
pub const RECONNECT: Policy = Policy {
    initial: Duration::from_millis(250),
    cap: Duration::from_secs(2),
};

/// When to listen for toys without being asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScanPolicy {
    /// For a minute after a toy was lost, and never else.
    Asked,
    /// Now and then, while a toy that has been here before is missing.
    #[default]
    Known,
    /// Now and then, and new toys are taken as they turn up.
    All,
}

/// How Bluetooth is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the backend is called.
    pub id: BackendId,
    /// The adapter, e.g. `hci0` or its address; without, the first one that is on.
    pub adapter: Option<String>,
    /// When to listen.
    pub scan: ScanPolicy,
    /// If not empty: only toys with these addresses (12 lower-case hex digits), told or on air.
    pub allow: BTreeSet<String>,
    /// No toy with one of these addresses.
    pub deny: BTreeSet<String>,
    /// Toys that have been here before, by hardware id.
    pub known: BTreeSet<String>,
    /// Where to keep which toy is behind which address on air; without, it is forgotten at the end.
    pub file: Option<PathBuf>,
    /// Whether toys that are connected already are taken, new or not: the last run was cut short and
    /// may have left them running.
    pub adopt: bool,
    /// How to talk to toys.
    pub manners: Manners,
}

impl Options {
    /// What most people want.
    #[must_use]
    pub fn new(id: BackendId) -> Self {
        Self {
            id,
            adapter: None,
            scan: ScanPolicy::default(),
            allow: BTreeSet::new(),
            deny: BTreeSet::new(),
            known: BTreeSet::new(),
            file: None,
            adopt: false,
            manners: Manners {
                pace: Duration::from_millis(100),
                battery: Duration::from_secs(60),
            },
        }
    }
}
