//! When each toy wants to be looked at again.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{Instant, ToyId};

/// Deadlines by toy, ordered by time.
///
/// Most deadlines are put off again and again before they come: every command puts off the renewal
/// of the lease and the idle limit. So a later deadline is only noted, and put in its place once
/// the earlier one has come. To put off costs O(1), everything else O(log toys).
#[derive(Debug, Default)]
pub(super) struct Agenda {
    by_time: BTreeSet<(Instant, ToyId)>,
    by_toy: HashMap<ToyId, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Where the toy stands in `by_time`; never after `due`.
    queued: Instant,
    /// Its deadline.
    due: Instant,
}

impl Agenda {
    /// Replaces the deadline of a toy.
    pub(super) fn set(&mut self, toy: ToyId, deadline: Option<Instant>) {
        let Some(due) = deadline else {
            if let Some(entry) = self.by_toy.remove(&toy) {
                self.by_time.remove(&(entry.queued, toy));
            }
            return;
        };
        match self.by_toy.get_mut(&toy) {
            Some(entry) if entry.queued <= due => entry.due = due,
            Some(entry) => {
                self.by_time.remove(&(entry.queued, toy));
                self.by_time.insert((due, toy));
                *entry = Entry { queued: due, due };
            }
            None => self.queue(toy, due),
        }
    }

    fn queue(&mut self, toy: ToyId, due: Instant) {
        self.by_time.insert((due, toy));
        self.by_toy.insert(toy, Entry { queued: due, due });
    }

    /// When to ask for toys whose deadline has come: no later than the earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// A toy whose deadline has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<ToyId> {
        loop {
            let (at, toy) = *self.by_time.first()?;
            if at > now {
                return None;
            }
            self.by_time.pop_first();
            let Entry { due, .. } = self.by_toy.remove(&toy)?;
            if due <= now {
                return Some(toy);
            }
            self.queue(toy, due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::HardwareId;

    #[test]
    fn a_deadline_that_was_put_off_comes_when_it_is_due() {
        let at = Instant::from_millis;
        let [a, b] = ["a", "b"].map(|id| ToyId::of(&HardwareId::new(id)));
        let mut agenda = Agenda::default();
        agenda.set(a, Some(at(10)));
        agenda.set(b, Some(at(20)));
        agenda.set(a, Some(at(30)));
        assert_eq!(agenda.next(), Some(at(10)), "early, never late");
        assert_eq!(agenda.pop_due(at(10)), None);
        assert_eq!(agenda.next(), Some(at(20)));
        agenda.set(a, Some(at(15)));
        assert_eq!(agenda.next(), Some(at(15)));
        agenda.set(b, None);
        assert_eq!(agenda.pop_due(at(40)), Some(a));
        assert_eq!(agenda.pop_due(at(40)), None);
        assert_eq!(agenda.next(), None);
    }
}
