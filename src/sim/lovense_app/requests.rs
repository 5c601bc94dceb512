//! What the app was asked: counted by kind, and the newest bodies as they came.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;

use super::wire::RequestKind;

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Counted from 1 on.
    pub number: u64,
    /// When its body was complete, since the start of the app.
    pub at: Duration,
    /// What it is.
    pub kind: RequestKind,
    /// The body as received.
    pub body: Bytes,
    /// The header `X-platform`, which the Lovense API asks clients to send.
    pub platform: Option<String>,
}

impl RequestRecord {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// How many requests there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    received: BTreeMap<RequestKind, u64>,
    answered: BTreeMap<u16, u64>,
}

impl RequestCounts {
    /// Received, of this kind.
    #[must_use]
    pub fn of(&self, kind: RequestKind) -> u64 {
        self.received.get(&kind).copied().unwrap_or(0)
    }

    /// Received, of all kinds.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.received.values().sum()
    }

    /// Received, save questions: what may change a toy.
    #[must_use]
    pub fn commands(&self) -> u64 {
        let queries = [RequestKind::GetToys, RequestKind::GetToyName].map(|kind| self.of(kind));
        self.total() - queries.iter().sum::<u64>()
    }

    /// Worked out with this result code, whether or not a wrong answer was sent instead.
    #[must_use]
    pub fn answered(&self, code: u16) -> u64 {
        self.answered.get(&code).copied().unwrap_or(0)
    }

    /// Worked out with a code other than 200.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.answered.values().sum::<u64>() - self.answered(200)
    }
}

/// Counts and keeps requests.
#[derive(Debug)]
pub(super) struct Requests {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    number: u64,
    counts: RequestCounts,
    records: VecDeque<RequestRecord>,
}

impl Requests {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            state: Mutex::default(),
        }
    }

    /// Notes a request and gives it its number.
    pub(super) fn note(
        &self,
        at: Duration,
        kind: RequestKind,
        body: Bytes,
        platform: Option<String>,
    ) -> u64 {
        let mut state = self.state();
        state.number += 1;
        let number = state.number;
        *state.counts.received.entry(kind).or_default() += 1;
        if self.capacity > 0 {
            if state.records.len() >= self.capacity {
                state.records.pop_front();
            }
            state.records.push_back(RequestRecord {
                number,
                at,
                kind,
                body,
                platform,
            });
        }
        number
    }

    pub(super) fn note_answer(&self, code: u16) {
        *self.state().counts.answered.entry(code).or_default() += 1;
    }

    pub(super) fn counts(&self) -> RequestCounts {
        self.state().counts.clone()
    }

    pub(super) fn records(&self) -> Vec<RequestRecord> {
        self.state().records.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, and counts are never half made.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(requests: &Requests, kind: RequestKind) -> u64 {
        requests.note(Duration::ZERO, kind, Bytes::from_static(b"{}"), None)
    }

    #[test]
    fn requests_are_numbered_counted_and_the_newest_kept() {
        let requests = Requests::new(2);
        assert_eq!(note(&requests, RequestKind::GetToys), 1);
        assert_eq!(note(&requests, RequestKind::Function), 2);
        assert_eq!(note(&requests, RequestKind::Stop), 3);
        requests.note_answer(200);
        requests.note_answer(402);
        let counts = requests.counts();
        assert_eq!((counts.total(), counts.commands()), (3, 2));
        assert_eq!(counts.of(RequestKind::Stop), 1);
        assert_eq!((counts.answered(402), counts.refused()), (1, 1));
        let numbers: Vec<_> = requests.records().iter().map(|r| r.number).collect();
        assert_eq!(numbers, [2, 3]);
        let none = Requests::new(0);
        assert_eq!(
            (note(&none, RequestKind::Other), none.records().len()),
            (1, 0)
        );
    }
}
