//! What is waiting to be published, and the handle to add to it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::outbox::{Outbox, Rank};

/// Messages that are not retained wait only for their turn: of a flood of commands every one is
/// answered, and the answers wait until it has been read. More bytes than this are too many: some
/// twenty thousand answers.
const MAX_WAITING: usize = 4 * 1024 * 1024;

/// The largest payload we publish, in bytes. Brokers may refuse more.
pub const MAX_PAYLOAD: usize = 256 * 1024;

/// A message to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) topic: Arc<str>,
    pub(super) payload: Arc<[u8]>,
    pub(super) retain: bool,
    /// At least once rather than at most once.
    pub(super) acknowledged: bool,
}

#[derive(Debug, Default)]
struct State {
    outbox: Outbox,
    transient: VecDeque<Outgoing>,
    /// Bytes of topics and payloads in `transient`.
    waiting: usize,
    connected: bool,
    closing: bool,
    /// Begins every connection silently.
    guarded: bool,
    /// Publishes nothing but [`Publisher::ask`].
    silent: bool,
    published: u64,
    dropped: u64,
}

/// Publishes. Cheap to clone; never blocks and never waits.
#[derive(Clone, Debug, Default)]
pub struct Publisher {
    state: Arc<Mutex<State>>,
    work: Arc<Notify>,
}

impl Publisher {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; and if it did, the maps would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on every connection begins silently: nothing is published before
    /// [`Self::release`], save what is [asked](Self::ask). What is to be retained waits, what is not
    /// is dropped.
    pub fn guard(&self) {
        let mut state = self.lock();
        state.guarded = true;
        state.silent = true;
    }

    /// Publishes again, and first everything that is to be retained.
    pub fn release(&self) {
        let mut state = self.lock();
        state.silent = false;
        state.outbox.replay();
        self.work.notify_one();
    }

    /// Publishes nothing any more, until [`Self::release`].
    pub fn hush(&self) {
        let mut state = self.lock();
        state.silent = true;
        state.clear();
    }

    /// Wants `payload` retained under `topic`, now and after every reconnect. False if it is
    /// already, or if it is larger than [`MAX_PAYLOAD`] and therefore dropped.
    pub fn retain(&self, rank: Rank, topic: &str, payload: &[u8]) -> bool {
        let mut state = self.lock();
        if payload.len() > MAX_PAYLOAD {
            tracing::error!(
                topic,
                "a payload of {} bytes is not published",
                payload.len()
            );
            state.dropped += 1;
            return false;
        }
        let changed = state.outbox.set(rank, topic, payload);
        if changed {
            self.work.notify_one();
        }
        changed
    }

    /// Wants nothing retained under `topic`.
    pub fn remove(&self, topic: &str) {
        self.lock().outbox.remove(topic);
        self.work.notify_one();
    }

    /// Whether something is wanted under `topic`.
    #[must_use]
    pub fn wants(&self, topic: &str) -> bool {
        self.lock().outbox.contains(topic)
    }

    /// Publishes what is wanted under `topic` again.
    pub fn repeat(&self, topic: &str) {
        self.lock().outbox.repeat(topic);
        self.work.notify_one();
    }

    /// The broker no longer has what is wanted under `topic`: what is retained next is published
    /// even if it is the same.
    pub fn invalidate(&self, topic: &str) {
        self.lock().outbox.invalidate(topic);
    }

    /// Deletes what somebody else retained under `topic`, once.
    pub fn delete(&self, topic: &str) {
        let mut state = self.lock();
        if !state.silent {
            let added = state.add(Outgoing {
                topic: topic.into(),
                payload: Arc::default(),
                retain: true,
                acknowledged: true,
            });
            if added {
                self.work.notify_one();
            }
        }
    }

    /// Publishes everything that is wanted again.
    pub fn replay(&self) {
        self.lock().outbox.replay();
        self.work.notify_one();
    }

    /// Publishes once, at most once: dropped while there is no connection.
    pub fn emit(&self, topic: &str, payload: &[u8]) {
        self.push(topic, payload, false);
    }

    /// Publishes once, and repeats it until the broker has acknowledged it, as long as the
    /// connection lasts. Dropped while there is none.
    pub fn emit_acknowledged(&self, topic: &str, payload: &[u8]) {
        self.push(topic, payload, true);
    }

    /// Publishes once, even while silent and before everything that waits, and repeats it until the
    /// broker has acknowledged it, as long as the connection lasts. Dropped while there is none.
    ///
    /// For the few short messages that the bridge itself waits for: a flood of answers must not
    /// hold them up, or crowd them out.
    pub fn ask(&self, topic: &str, payload: &[u8]) {
        self.push_first(topic, payload, true);
    }

    /// As [`Self::ask`], but at most once.
    pub fn ask_once(&self, topic: &str, payload: &[u8]) {
        self.push_first(topic, payload, false);
    }

    fn push_first(&self, topic: &str, payload: &[u8], acknowledged: bool) {
        let mut state = self.lock();
        if !state.connected {
            state.dropped += 1;
            return;
        }
        let first = Outgoing {
            topic: topic.into(),
            payload: payload.into(),
            retain: false,
            acknowledged,
        };
        state.waiting += first.size();
        state.transient.push_front(first);
        self.work.notify_one();
    }

    fn push(&self, topic: &str, payload: &[u8], acknowledged: bool) {
        let mut state = self.lock();
        if state.silent {
            return;
        }
        let added = state.add(Outgoing {
            topic: topic.into(),
            payload: payload.into(),
            retain: false,
            acknowledged,
        });
        if added {
            self.work.notify_one();
        }
    }

    /// Whether there is a connection to publish over.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.lock().connected
    }

    /// Messages handed to the broker since the start.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.lock().published
    }

    /// Messages dropped since the start: too large, too many, or while there was no connection.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// The connection can be used from now on: everything is published again.
    pub(super) fn connected(&self) {
        let mut state = self.lock();
        state.connected = true;
        state.silent = state.guarded;
        state.outbox.replay();
        self.work.notify_one();
    }

    /// The connection is lost: what was meant for that moment is dropped.
    pub(super) fn disconnected(&self) {
        let mut state = self.lock();
        state.connected = false;
        state.dropped += state.transient.len() as u64;
        state.clear();
    }

    /// What would be published next if there was a connection: topics and payloads.
    #[cfg(test)]
    pub(crate) fn take_due(&self) -> Vec<(String, String)> {
        let mut state = self.lock();
        let due = std::iter::from_fn(|| state.outbox.take());
        due.map(|(_, topic, payload)| {
            let payload = String::from_utf8_lossy(&payload).into_owned();
            (topic.to_string(), payload)
        })
        .collect()
    }

    /// Nothing will be added any more.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }

    /// Waits for the next message to publish; `None` when all is published after
    /// [`Self::close`].
    pub(super) async fn next(&self) -> Option<Outgoing> {
        loop {
            {
                let mut state = self.lock();
                if state.connected
                    && let Some(outgoing) = state.take()
                {
                    state.published += 1;
                    return Some(outgoing);
                }
                if state.closing {
                    return None;
                }
            }
            self.work.notified().await;
        }
    }
}

impl Outgoing {
    fn size(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

impl State {
    /// False, and counted, if it is dropped.
    fn add(&mut self, outgoing: Outgoing) -> bool {
        let size = outgoing.size();
        let fits = outgoing.payload.len() <= MAX_PAYLOAD && self.waiting + size <= MAX_WAITING;
        if !self.connected || !fits {
            self.dropped += 1;
            return false;
        }
        self.waiting += size;
        self.transient.push_back(outgoing);
        true
    }

    fn clear(&mut self) {
        self.transient.clear();
        self.waiting = 0;
    }

    fn take(&mut self) -> Option<Outgoing> {
        if let Some(outgoing) = self.transient.pop_front() {
            self.waiting -= outgoing.size();
            return Some(outgoing);
        }
        if self.silent {
            return None;
        }
        let (rank, topic, payload) = self.outbox.take()?;
        Some(Outgoing {
            topic,
            payload,
            retain: true,
            // The states of toys change with every command. TCP delivers them while the connection
            // lasts, and after it everything is published again, so an acknowledgement adds
            // nothing; but the broker's next command would wait behind it: for up to 40 ms, where
            // Nagle's algorithm at the broker (Mosquitto's default) meets our delayed ACK.
            acknowledged: rank != Rank::State,
        })
    }
}
