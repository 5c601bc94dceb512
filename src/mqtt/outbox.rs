//! What is to be retained at the broker: one payload per topic, never a queue of old ones.
//!
//! Whatever happens to the connection, the broker ends up with the newest payload of each topic:
//! a change while it is away replaces the one before, and after a reconnect everything is
//! published again, for the broker may have forgotten it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The order in which topics are published when everything is.
///
/// Home Assistant needs the configuration of an entity before its state, and shows the state only
/// once the entity is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Removals, so that nothing stale is there when the new comes.
    Removal,
    /// Discovery.
    Config,
    /// States.
    State,
    /// Availability of toys.
    Availability,
    /// That the bridge is online: last of all.
    Online,
}

#[derive(Debug)]
struct Entry {
    rank: Rank,
    payload: Arc<[u8]>,
}

/// Topics, their payloads, and which of them the broker does not have yet.
#[derive(Debug, Default)]
pub struct Outbox {
    wanted: HashMap<Arc<str>, Entry>,
    due: BTreeSet<(Rank, Arc<str>)>,
}

impl Outbox {
    /// Wants `payload` retained under `topic`. False if it is already.
    pub fn set(&mut self, rank: Rank, topic: &str, payload: &[u8]) -> bool {
        if let Some((topic, entry)) = self.wanted.get_key_value(topic) {
            if *entry.payload == *payload && entry.rank == rank {
                return false;
            }
            self.due.remove(&(entry.rank, Arc::clone(topic)));
        }
        let topic: Arc<str> = topic.into();
        let payload = payload.into();
        self.wanted
            .insert(Arc::clone(&topic), Entry { rank, payload });
        self.due.insert((rank, topic));
        true
    }

    /// Wants nothing retained under `topic`.
    ///
    /// Said once: Home Assistant warns about the removal of a device that it does not know.
    pub fn remove(&mut self, topic: &str) {
        self.set(Rank::Removal, topic, b"");
    }

    /// Whether something is wanted under `topic`.
    #[must_use]
    pub fn contains(&self, topic: &str) -> bool {
        let entry = self.wanted.get(topic);
        entry.is_some_and(|entry| entry.rank != Rank::Removal)
    }

    /// Everything is to be published again.
    pub fn replay(&mut self) {
        let all = self.wanted.iter();
        self.due = all
            .map(|(topic, entry)| (entry.rank, Arc::clone(topic)))
            .collect();
    }

    /// The topic `topic` is to be published again, if it is wanted.
    pub fn repeat(&mut self, topic: &str) {
        if let Some((topic, entry)) = self.wanted.get_key_value(topic) {
            self.due.insert((entry.rank, Arc::clone(topic)));
        }
    }

    /// The broker no longer has what is wanted under `topic`: whatever is set next differs.
    pub fn invalidate(&mut self, topic: &str) {
        if let Some(entry) = self.wanted.get_mut(topic) {
            entry.payload = Arc::default();
        }
    }

    /// Takes the next topic to publish, with its rank and its newest payload.
    pub fn take(&mut self) -> Option<(Rank, Arc<str>, Arc<[u8]>)> {
        let (rank, topic) = self.due.pop_first()?;
        let payload = Arc::clone(&self.wanted.get(&topic)?.payload);
        if rank == Rank::Removal {
            self.wanted.remove(&topic);
        }
        Some((rank, topic, payload))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(outbox: &mut Outbox) -> Vec<(String, String)> {
        std::iter::from_fn(|| outbox.take())
            .map(|(_, topic, payload)| {
                let payload = String::from_utf8_lossy(&payload).into_owned();
                (topic.to_string(), payload)
            })
            .collect()
    }

    fn pair(topic: &str, payload: &str) -> (String, String) {
        (topic.into(), payload.into())
    }

    #[test]
    fn only_the_newest_payload_is_published_and_only_once() {
        let mut outbox = Outbox::default();
        for level in 0..100 {
            assert!(outbox.set(Rank::State, "a", level.to_string().as_bytes()));
        }
        assert!(!outbox.set(Rank::State, "a", b"99"));
        assert_eq!(drain(&mut outbox), [pair("a", "99")]);
        assert_eq!(drain(&mut outbox), []);
    }

    #[test]
    fn after_a_reconnect_everything_comes_in_order() {
        let mut outbox = Outbox::default();
        outbox.set(Rank::Online, "bridge", b"online");
        outbox.set(Rank::Availability, "toy/availability", b"online");
        outbox.set(Rank::State, "toy/state", b"{}");
        outbox.set(Rank::Config, "config", b"{}");
        outbox.remove("old");
        let order = [
            pair("old", ""),
            pair("config", "{}"),
            pair("toy/state", "{}"),
            pair("toy/availability", "online"),
            pair("bridge", "online"),
        ];
        assert_eq!(drain(&mut outbox), order);
        outbox.replay();
        outbox.replay();
        assert_eq!(drain(&mut outbox), order[1..]);
    }

    #[test]
    fn what_was_removed_can_come_back() {
        let mut outbox = Outbox::default();
        outbox.set(Rank::Config, "a", b"1");
        outbox.remove("a");
        assert!(!outbox.contains("a"));
        assert_eq!(drain(&mut outbox), [pair("a", "")]);
        outbox.set(Rank::Config, "a", b"1");
        assert!(outbox.contains("a"));
        assert_eq!(drain(&mut outbox), [pair("a", "1")]);
    }

    proptest! {
        #[test]
        fn the_broker_ends_up_with_what_is_wanted(
            steps in prop::collection::vec((0u8..5, 0u8..4, 0u8..6), 0..60)
        ) {
            let mut outbox = Outbox::default();
            let mut broker: HashMap<String, String> = HashMap::new();
            let mut wanted: HashMap<String, String> = HashMap::new();
            for (topic, payload, action) in steps {
                let topic = topic.to_string();
                match action {
                    0 => {
                        outbox.remove(&topic);
                        wanted.remove(&topic);
                    }
                    1 => {
                        // The broker restarts and has forgotten everything.
                        broker.clear();
                        outbox.replay();
                    }
                    2 => broker.extend(drain(&mut outbox)),
                    _ => {
                        outbox.set(Rank::State, &topic, payload.to_string().as_bytes());
                        wanted.insert(topic, payload.to_string());
                    }
                }
            }
            broker.extend(drain(&mut outbox));
            broker.retain(|_, payload| !payload.is_empty());
            prop_assert_eq!(broker, wanted);
        }
    }
}
