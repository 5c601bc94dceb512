//! Recognises what both connections bring.
//!
//! Both subscribe to stops. The copy that comes first is obeyed, the other one is not: a stop that
//! is obeyed once more, later, would end what was asked since.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::session::Message;

/// A copy that comes later than this counts as a message of its own: better a stop too many.
const PATIENCE: Duration = Duration::from_secs(5);

/// Copies waited for. More than this are forgotten, the oldest first.
const MAX: usize = 1_024;

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// The one for everything.
    Main,
    /// The one for stops.
    Stop,
}

#[derive(Debug)]
struct Seen {
    lane: Lane,
    digest: u64,
    at: Instant,
}

/// Messages whose copy is still to come. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Twice {
    seen: Arc<Mutex<VecDeque<Seen>>>,
}

impl Twice {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this, which came over `lane`, did not come over the other one before. Each message
    /// counts for one copy.
    pub(super) fn is_first(&self, lane: Lane, message: &Message) -> bool {
        let digest = digest(message);
        let at = Instant::now();
        let mut seen = self.lock();
        seen.retain(|known| at - known.at < PATIENCE);
        let other = |known: &Seen| known.lane != lane && known.digest == digest;
        if let Some(index) = seen.iter().position(other) {
            seen.remove(index);
            return false;
        }
        if seen.len() >= MAX {
            seen.pop_front();
        }
        seen.push_back(Seen { lane, digest, at });
        true
    }

    /// A connection is new: it does not bring again what the other one has brought.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }
}

fn digest(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&message.topic, &message.payload, message.retained).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str) -> Message {
        Message {
            topic: topic.to_owned(),
            payload: b"x".to_vec(),
            retained: false,
            replayed: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_copy_is_recognised_whichever_comes_first() {
        for (first, second) in [(Lane::Main, Lane::Stop), (Lane::Stop, Lane::Main)] {
            let twice = Twice::default();
            assert!(twice.is_first(first, &message("a")));
            assert!(twice.is_first(first, &message("a")));
            assert!(twice.is_first(second, &message("b")));
            assert!(!twice.is_first(second, &message("a")));
            assert!(!twice.is_first(second, &message("a")));
            assert!(twice.is_first(second, &message("a")));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_copy_counts_as_a_message() {
        let twice = Twice::default();
        assert!(twice.is_first(Lane::Stop, &message("a")));
        tokio::time::advance(PATIENCE).await;
        assert!(twice.is_first(Lane::Main, &message("a")));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let twice = Twice::default();
        for _ in 0..2 * MAX {
            assert!(twice.is_first(Lane::Stop, &message("a")));
        }
        assert_eq!(twice.lock().len(), MAX);
    }
}
