//! Retained commands that were deleted, and the deletions that come back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::Instant;

/// A deletion comes back within this time, and is repeated no sooner, unless it is certain that there is
/// something to delete.
const CLEARED: Duration = Duration::from_secs(5);

/// More topics than this are not remembered, and left to the next connection.
const MAX: usize = 1_000;

#[derive(Debug)]
struct Cleared {
    at: Instant,
    /// The deletion is still to come back.
    returns: bool,
}

/// Topics under which a command was deleted.
#[derive(Debug, Default)]
pub(super) struct Clearing {
    topics: BTreeMap<String, Cleared>,
}

impl Clearing {
    /// Whether to delete what is kept under `topic`; `certain` if it is known that something is.
    pub(super) fn begin(&mut self, topic: &str, certain: bool, now: Instant) -> bool {
        self.topics.retain(|_, it| now - it.at < CLEARED);
        let known = self.topics.contains_key(topic);
        if known && !certain || self.topics.len() >= MAX {
            return false;
        }
        let cleared = Cleared {
            at: now,
            returns: true,
        };
        self.topics.insert(topic.to_owned(), cleared);
        true
    }

    /// Whether this message is a deletion that comes back; each does so once.
    pub(super) fn returned(&mut self, topic: &str, payload: &[u8], now: Instant) -> bool {
        let cleared = self.topics.get_mut(topic).filter(|_| payload.is_empty());
        cleared.is_some_and(|it| now - it.at < CLEARED && std::mem::take(&mut it.returns))
    }

    /// The connection is new.
    pub(super) fn clear(&mut self) {
        self.topics.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_comes_back_once_and_is_not_repeated_without_need() {
        let now = Instant::from_millis(1);
        let mut clearing = Clearing::default();
        assert!(!clearing.returned("a", b"", now));
        assert!(clearing.begin("a", false, now));
        assert!(!clearing.begin("a", false, now));
        assert!(!clearing.returned("a", b"x", now));
        assert!(clearing.returned("a", b"", now));
        assert!(
            !clearing.returned("a", b"", now),
            "a stop without a payload is one"
        );
        assert!(clearing.begin("a", true, now) && clearing.returned("a", b"", now));
        assert!(clearing.begin("a", false, now + CLEARED));
        assert!(!clearing.returned("a", b"", now + CLEARED + CLEARED));
    }
}
