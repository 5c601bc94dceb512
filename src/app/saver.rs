//! Saves what outlives the process, beside the driver's loop rather than in it.

use std::collections::BTreeSet;

use tokio::task::{JoinError, JoinHandle};
use tracing::warn;

use crate::domain::{Instant, ToyId};
use crate::engine::{Engine, LeftRunning};

use super::store::{NotSaved, Store};

/// Changes that come thick and fast are written once in this time.
const INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// A disk that takes longer than this is not waited for while the bridge runs.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);

/// Owns the data folder while the bridge runs.
#[derive(Debug)]
pub struct Saver {
    store: Store,
    instance: String,
    changed: bool,
    /// It is to be saved before anybody is told.
    urgent: bool,
    /// The write under way was waited for long enough.
    slow: bool,
    saved_at: Option<Instant>,
    saving: Option<JoinHandle<Result<(), NotSaved>>>,
    /// The toys of which it is noted that they may be running.
    marked: LeftRunning,
    /// What is wrong since the start, and what is wrong now.
    problems_at_start: Vec<String>,
    problem: Option<String>,
}

impl Saver {
    /// Saves into `store`, as installation `instance`.
    #[must_use]
    pub fn new(store: Store, instance: String, marked: LeftRunning, problems: Vec<String>) -> Self {
        Self {
            store,
            instance,
            changed: false,
            urgent: false,
            slow: false,
            saved_at: None,
            saving: None,
            marked,
            problems_at_start: problems,
            problem: None,
        }
    }

    /// There is something to save.
    pub fn memory_changed(&mut self) {
        self.changed = true;
    }

    /// Whether there is something that is not even being saved.
    #[must_use]
    pub const fn has_changes(&self) -> bool {
        self.changed
    }

    /// There is something to save that whoever is told of it relies on, even if the process is
    /// killed just then. See [`Self::save_urgent`].
    pub fn memory_changed_urgently(&mut self) {
        self.changed = true;
        self.urgent = true;
    }

    /// Saves what is urgent, and waits for it, though not for ever, and only once for a write that
    /// hangs: stops wait meanwhile.
    pub async fn save_urgent(&mut self, now: Instant, engine: &Engine) {
        if !std::mem::take(&mut self.urgent) {
            return;
        }
        self.slow &= self.saving.as_ref().is_some_and(|task| !task.is_finished());
        if self.slow {
            return;
        }
        let saving = self.save_all(now, engine);
        if tokio::time::timeout(PATIENCE, saving).await.is_err() {
            self.slow = true;
            warn!("the data folder is slow; going on without waiting for it");
        }
    }

    /// Saves if there is something to save and nothing is being saved.
    pub fn flush(&mut self, now: Instant, engine: &Engine) {
        let soon = self.saved_at.is_some_and(|at| now - at < INTERVAL);
        if !self.changed || soon || self.saving.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        self.changed = false;
        self.saved_at = Some(now);
        let (store, instance, memory) =
            (self.store.clone(), self.instance.clone(), engine.memory());
        let save = tokio::task::spawn_blocking(move || store.save(&instance, &memory));
        self.saving = Some(save);
    }

    /// Takes notice of how saving went.
    pub async fn look(&mut self) {
        if self.saving.as_ref().is_some_and(JoinHandle::is_finished) {
            self.saved().await;
        }
    }

    /// Waits for what is being saved. Safe to cancel.
    async fn saved(&mut self) {
        if let Some(task) = &mut self.saving {
            let result = task.await;
            self.saving = None;
            self.note(result);
        }
    }

    fn note(&mut self, result: Result<Result<(), NotSaved>, JoinError>) {
        let problem = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(format!("saving failed: {error}")),
        };
        if let Some(problem) = problem.as_ref().filter(|_| self.problem.is_none()) {
            warn!("{problem}; going on without saving");
        }
        // Try again with the next look.
        self.changed |= problem.is_some();
        self.problem = problem;
    }

    /// Saves what is not saved yet, and waits for it.
    pub async fn finish(&mut self, engine: &Engine) {
        self.save_all(Instant::START, engine).await;
    }

    async fn save_all(&mut self, now: Instant, engine: &Engine) {
        self.saved().await;
        self.saved_at = None;
        self.flush(now, engine);
        self.saved().await;
    }

    /// Notes that a toy may be running from now on, before it is driven.
    pub fn mark_driven(&mut self, toy: ToyId) {
        if let LeftRunning::Toys(toys) = &self.marked
            && !toys.contains(&toy)
        {
            let mut toys = toys.clone();
            toys.insert(toy);
            self.mark_running(toys);
        }
    }

    /// Notes that these toys may be running, and no others.
    pub fn mark_running(&mut self, toys: BTreeSet<ToyId>) {
        if matches!(&self.marked, LeftRunning::Toys(marked) if *marked == toys) {
            return;
        }
        let result = self.store.mark_running(&toys);
        self.marked = LeftRunning::Toys(toys);
        if let Err(error) = result
            && self.problem.is_none()
        {
            warn!("{error}; going on without it");
            self.problem = Some(error.to_string());
        }
    }

    /// Whether it is noted that any toy may be running.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        !self.marked.is_none()
    }

    /// What is wrong with the data folder.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        let all = self.problems_at_start.iter().chain(&self.problem);
        all.map(String::as_str)
    }
}
