//! When each toy wants to be looked at again.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{Instant, ToyId};

/// Deadlines by toy, ordered by time. Everything costs O(log toys).
#[derive(Debug, Default)]
pub(super) struct Agenda {
    by_time: BTreeSet<(Instant, ToyId)>,
    by_toy: HashMap<ToyId, Instant>,
}

impl Agenda {
    /// Replaces the deadline of a toy.
    pub(super) fn set(&mut self, toy: ToyId, deadline: Option<Instant>) {
        let before = match deadline {
            Some(deadline) => self.by_toy.insert(toy, deadline),
            None => self.by_toy.remove(&toy),
        };
        if before == deadline {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, toy));
        }
        if let Some(deadline) = deadline {
            self.by_time.insert((deadline, toy));
        }
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// A toy whose deadline has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<ToyId> {
        let (at, toy) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.set(toy, None);
        Some(toy)
    }
}
