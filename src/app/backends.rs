//! The configured backends, and how they are doing.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::backend::Backend;
use crate::backend::supervisor::LinkStatus;
use crate::domain::{BackendId, BackendState, BackendView, BridgeEvent, Instant};

#[derive(Clone)]
struct Entry {
    backend: Arc<dyn Backend>,
    links: Vec<Arc<LinkStatus>>,
    state: BackendState,
    since: Instant,
    /// How often it came up.
    connects: u64,
    /// What the user has to know although it works.
    problems: Vec<String>,
}

/// The configured backends, in the order of the settings.
#[derive(Clone, Default)]
pub struct Backends {
    entries: IndexMap<BackendId, Entry>,
}

impl Backends {
    /// Adds a backend whose links have been started.
    pub fn add(&mut self, backend: Arc<dyn Backend>, links: Vec<Arc<LinkStatus>>) {
        let entry = Entry {
            state: BackendState::Connecting,
            since: Instant::START,
            connects: 0,
            problems: Vec::new(),
            links,
            backend: Arc::clone(&backend),
        };
        self.entries.insert(backend.id().clone(), entry);
    }

    /// The backend of that name.
    #[must_use]
    pub fn get(&self, id: &BackendId) -> Option<&Arc<dyn Backend>> {
        self.entries.get(id).map(|entry| &entry.backend)
    }

    /// Has one backend look which toys are there.
    pub fn refresh(&self, id: &BackendId) {
        if let Some(backend) = self.get(id) {
            backend.refresh();
        }
    }

    /// Has all backends look which toys are there.
    pub fn refresh_all(&self) {
        for entry in self.entries.values() {
            entry.backend.refresh();
        }
    }

    /// Has all backends start or end a search for new toys.
    pub fn scan_all(&self, on: bool) {
        for entry in self.entries.values() {
            entry.backend.scan(on);
        }
    }

    /// Those that take their time for a search.
    pub fn searching(&self) -> impl Iterator<Item = BackendId> {
        let entries = self.entries.iter();
        let searching = entries.filter(|(_, entry)| entry.backend.searches());
        searching.map(|(id, _)| id.clone())
    }

    /// Notes how a backend is doing. Returns the event to publish, if it came or went.
    pub fn set_state(
        &mut self,
        id: &BackendId,
        state: BackendState,
        now: Instant,
    ) -> Option<BridgeEvent> {
        let entry = self.entries.get_mut(id)?;
        if entry.state == state {
            return None;
        }
        let came_or_went = kind(&entry.state) != kind(&state);
        entry.state = state;
        if !came_or_went {
            return None;
        }
        entry.since = now;
        entry.connects += u64::from(entry.state == BackendState::Up);
        match &entry.state {
            BackendState::Up => Some(BridgeEvent::BackendUp(id.clone())),
            BackendState::Down(why) => Some(BridgeEvent::BackendDown(id.clone(), why.clone())),
            BackendState::Unpaired(_) => {
                let why = "it waits to be let in".to_owned();
                Some(BridgeEvent::BackendDown(id.clone(), why))
            }
            BackendState::Connecting => None,
        }
    }

    /// Notes what the user has to know of a backend, instead of what was noted before.
    pub fn set_problems(&mut self, id: &BackendId, problems: Vec<String>) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.problems = problems;
        }
    }

    /// What the user has to know of backends although they work.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        let all = self.entries.values().flat_map(|entry| &entry.problems);
        all.map(String::as_str)
    }

    /// How often each came up.
    pub fn connects(&self) -> impl Iterator<Item = (&BackendId, u64)> {
        let entries = self.entries.iter();
        entries.map(|(id, entry)| (id, entry.connects))
    }

    /// What there is to show of each.
    #[must_use]
    pub fn views(&self, now: Instant) -> Vec<BackendView> {
        let view = |(id, entry): (&BackendId, &Entry)| BackendView {
            id: id.clone(),
            state: entry.state.clone(),
            since: now - entry.since,
            attempts: entry
                .links
                .iter()
                .map(|link| link.attempts())
                .max()
                .unwrap_or(0),
        };
        self.entries.iter().map(view).collect()
    }
}

/// States between which nothing comes or goes are of one kind.
fn kind(state: &BackendState) -> u8 {
    match state {
        BackendState::Connecting => 0,
        BackendState::Up => 1,
        BackendState::Down(_) | BackendState::Unpaired(_) => 2,
    }
}
