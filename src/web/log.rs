//! The newest lines of the log, for whoever watches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::broadcast;

/// How many lines are kept.
const KEPT: usize = 200;

/// The most characters of a line that are kept.
const MAX_TEXT: usize = 400;

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    at: u64,
    level: &'static str,
    text: Arc<str>,
}

impl Line {
    pub(super) fn to_json(&self) -> Value {
        json!({"at": self.at, "level": self.level, "text": &*self.text})
    }
}

/// The newest lines. Clones share them.
#[derive(Clone, Debug)]
pub struct Lines {
    kept: Arc<Mutex<VecDeque<Line>>>,
    feed: broadcast::Sender<Line>,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            kept: Arc::default(),
            feed: broadcast::Sender::new(64),
        }
    }
}

impl Lines {
    fn kept(&self) -> MutexGuard<'_, VecDeque<Line>> {
        // Lines are whole whatever happened to whoever held the lock.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was logged, `at` milliseconds since 1970.
    pub fn push(&self, at: u64, level: &'static str, text: &str) {
        let text: String = text.chars().take(MAX_TEXT).collect();
        let line = Line {
            at,
            level,
            text: text.into(),
        };
        let mut kept = self.kept();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(line.clone());
        drop(kept);
        // Fails only if nobody watches.
        let _ = self.feed.send(line);
    }

    /// What is kept, the oldest first.
    pub(super) fn recent(&self) -> Value {
        self.kept().iter().map(Line::to_json).collect()
    }

    /// Lines from now on.
    pub(super) fn watch(&self) -> broadcast::Receiver<Line> {
        self.feed.subscribe()
    }
}
