//! The gate before commands: what the broker keeps is found out, flagged or not.
//!
//! A command that was published with retain comes without the flag while the bridge listens, and so
//! does what a link between two brokers hands on again after it was cut. So when commands on a topic
//! have come to rest, the broker is asked whether it keeps a message there
//! ([`Checker`](crate::mqtt::Checker)), and what it keeps is deleted before it can come again.
//!
//! Once that has happened, an application publishes commands with retain, and copies may be anywhere.
//! From then on the broker is asked before a command is obeyed. The answer holds for a while, so that
//! a slider that is dragged waits for one round trip, once; and a stop ends it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::domain::{Instant, Target};
use crate::mqtt::{Incoming, Message};

/// An answer holds for this long…
const TRUST: Duration = Duration::from_secs(12);
/// …and is asked for again this long before, while the topic is in use.
const RENEW: Duration = Duration::from_secs(8);
/// A topic is at rest when no command has come for this long.
const REST: Duration = Duration::from_secs(1);
/// An answer that takes longer than this is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// After a message was found to be kept under a topic, commands on it are refused for this long.
const TAINT: Duration = Duration::from_secs(5);
/// More commands than this do not wait: the driver reads no further ones meanwhile.
const MAX_HELD: usize = 64;
/// More topics than this are not remembered.
const MAX_TOPICS: usize = 10_000;

/// A command that waits.
#[derive(Debug)]
pub struct Held {
    /// What it asks.
    pub incoming: Incoming,
    /// The message.
    pub message: Message,
    /// Whether it came over the connection for stops.
    pub urgent: bool,
}

#[derive(Debug)]
struct Topic {
    /// When the broker last answered, or the topic was first used.
    answered: Instant,
    used: Instant,
    /// A command has been obeyed since the broker was last asked.
    pending: bool,
    /// The broker keeps nothing there, and no stop has come since.
    free: bool,
}

/// Which topics are known to be free of kept messages, and what waits for an answer.
#[derive(Debug, Default)]
pub struct Gate {
    /// The broker has kept a command: it is asked before commands are obeyed.
    strict: bool,
    topics: HashMap<String, Topic>,
    /// Topics under which a message was kept, and when that was found out.
    tainted: HashMap<String, Instant>,
    held: VecDeque<Held>,
    /// The topic that is asked about, and since when.
    open: Option<(String, Instant)>,
}

impl Gate {
    /// Whether a command on `topic` may be obeyed at once.
    pub fn admits(&mut self, topic: &str, now: Instant) -> bool {
        let Some(known) = self.topics.get_mut(topic) else {
            if !self.strict {
                self.note(topic, now, false, true);
            }
            return !self.strict;
        };
        let free = known.free && self.held.is_empty() && now - known.answered < TRUST;
        let admitted = free || !self.strict;
        if admitted {
            known.used = now;
            known.pending = true;
        }
        admitted
    }

    /// The broker has answered, or the topic is new. `obeyed`: a command on it is obeyed now.
    fn note(&mut self, topic: &str, now: Instant, free: bool, obeyed: bool) {
        let known = self.topics.get(topic);
        if self.topics.len() >= MAX_TOPICS && known.is_none() {
            return;
        }
        let used = known.map_or(now, |known| known.used);
        let known = Topic {
            answered: now,
            used: if obeyed { now } else { used },
            pending: obeyed || known.is_some_and(|known| known.pending),
            free,
        };
        self.topics.insert(topic.to_owned(), known);
    }

    /// The broker keeps a message under `topic`.
    pub fn taint(&mut self, topic: &str, now: Instant) {
        self.strict = true;
        self.topics.remove(topic);
        self.tainted.retain(|_, since| now - *since < TAINT);
        if self.tainted.len() < MAX_TOPICS {
            self.tainted.insert(topic.to_owned(), now);
        }
    }

    /// Whether a message was kept under `topic` a moment ago: a command on it may be a copy.
    #[must_use]
    pub fn is_tainted(&self, topic: &str, now: Instant) -> bool {
        let since = self.tainted.get(topic);
        since.is_some_and(|since| now - *since < TAINT)
    }

    /// A command has to wait; it is given back if there are too many.
    pub fn hold(&mut self, held: Held) -> Option<Held> {
        if self.held.len() >= MAX_HELD {
            return Some(held);
        }
        self.held.push_back(held);
        None
    }

    /// Whether a command waits, so that no further one is to be read.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// What to ask about now, if anything.
    #[must_use]
    pub fn next_question(&self, now: Instant) -> Option<String> {
        if self.open.is_some() {
            return None;
        }
        if let Some(held) = self.held.front() {
            return Some(held.message.topic.clone());
        }
        let due = |known: &Topic| {
            let rests = now - known.used >= REST;
            known.pending && (rests || now - known.answered >= RENEW)
        };
        let mut topics = self.topics.iter();
        let found = topics.find(|(_, known)| due(known));
        found.map(|(topic, _)| topic.clone())
    }

    /// The broker has been asked about `topic`.
    pub fn asked(&mut self, topic: String, now: Instant) {
        if let Some(known) = self.topics.get_mut(&topic) {
            known.pending = false;
        }
        self.open = Some((topic, now));
    }

    /// The broker has answered: `free` if it keeps nothing there. Returns what waited for it.
    pub fn answered(&mut self, topic: &str, free: bool, now: Instant) -> Option<Held> {
        self.open = None;
        let front = self.held.front();
        let held = if front.is_some_and(|held| held.message.topic == topic) {
            self.held.pop_front()
        } else {
            None
        };
        if free && !self.is_tainted(topic, now) {
            self.note(topic, now, true, held.is_some());
        } else {
            self.topics.remove(topic);
        }
        held
    }

    /// The next command that waits, if no answer will come any more.
    pub fn release(&mut self) -> Option<Held> {
        self.open = None;
        self.held.pop_front()
    }

    /// The connection was lost: what the broker keeps comes flagged with the next one.
    pub fn clear(&mut self) {
        self.topics.clear();
    }

    /// A stop of `target` came: takes the commands to it that wait.
    pub fn overtaken(&mut self, target: &Target) -> Vec<Held> {
        for known in self.topics.values_mut() {
            known.free = false;
        }
        let concerned = |held: &Held| match &held.incoming {
            Incoming::Set(to) | Incoming::SetAttribute(to, _) | Incoming::Identify(to) => {
                to == target || !matches!((to, target), (Target::Toy(_), Target::Toy(_)))
            }
            Incoming::Stop(_) | Incoming::Quiet | Incoming::Scan | Incoming::Request(_) => false,
        };
        let all = std::mem::take(&mut self.held);
        let (overtaken, held): (Vec<_>, Vec<_>) = all.into_iter().partition(concerned);
        self.held = held.into();
        overtaken
    }

    /// When to stop waiting for an answer.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.open.as_ref().map(|(_, since)| *since + PATIENCE)
    }

    /// Whether the answer takes too long.
    #[must_use]
    pub fn is_late(&self, now: Instant) -> bool {
        self.next_deadline().is_some_and(|at| now >= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HardwareId, ToyId};

    const NOW: Instant = Instant::from_millis(1_000);

    fn held(topic: &str, toy: &str) -> Held {
        Held {
            incoming: Incoming::Set(target(toy)),
            message: Message {
                topic: topic.to_owned(),
                payload: b"30".to_vec(),
                retained: false,
                replayed: false,
            },
            urgent: false,
        }
    }

    fn target(toy: &str) -> Target {
        Target::Toy(ToyId::of(&HardwareId::new(toy)))
    }

    /// A gate that has found a kept command.
    fn strict() -> Gate {
        let mut gate = Gate::default();
        gate.taint("other", NOW);
        gate
    }

    #[test]
    fn until_a_command_was_kept_it_is_asked_afterwards_also_after_a_stop() {
        let mut gate = Gate::default();
        assert!(gate.admits("a", NOW) && gate.admits("a", NOW));
        assert_eq!(gate.next_question(NOW), None);
        assert!(gate.overtaken(&Target::All).is_empty());
        let rests = NOW + REST + Duration::from_millis(1);
        assert_eq!(gate.next_question(rests).as_deref(), Some("a"));
        gate.asked("a".to_owned(), rests);
        gate.taint("a", rests);
        assert!(gate.answered("a", false, rests).is_none());
        assert!(!gate.admits("a", rests) && !gate.admits("b", rests));
    }

    #[test]
    fn a_topic_in_use_is_asked_about_from_time_to_time() {
        let mut gate = Gate::default();
        let mut asked = 0;
        for tenth in 0..400 {
            let now = NOW + Duration::from_millis(100 * tenth);
            assert!(gate.admits("a", now));
            if let Some(topic) = gate.next_question(now) {
                asked += 1;
                gate.asked(topic, now);
                assert!(gate.answered("a", true, now).is_none());
            }
        }
        assert!((3..=5).contains(&asked), "{asked}");
    }

    #[test]
    fn a_topic_is_free_for_a_while_once_the_broker_said_so() {
        let mut gate = strict();
        assert!(!gate.admits("a", NOW));
        assert!(gate.hold(held("a", "x")).is_none());
        assert_eq!(gate.next_question(NOW).as_deref(), Some("a"));
        gate.asked("a".to_owned(), NOW);
        assert_eq!(gate.next_question(NOW), None);
        assert!(gate.answered("a", true, NOW).is_some());
        assert!(gate.admits("a", NOW) && !gate.admits("b", NOW));
        // What was obeyed may be kept: asked again when the topic rests.
        assert_eq!(gate.next_question(NOW + Duration::from_millis(500)), None);
        let rests = NOW + REST + Duration::from_millis(1);
        assert_eq!(gate.next_question(rests).as_deref(), Some("a"));
        gate.asked("a".to_owned(), rests);
        assert!(gate.answered("a", true, rests).is_none());
        assert_eq!(gate.next_question(rests + REST), None);
        // What is obeyed while the question is under way is asked about again.
        gate.asked("a".to_owned(), rests);
        assert!(gate.admits("a", rests));
        assert!(gate.answered("a", true, rests).is_none());
        assert!(gate.next_question(rests + REST).is_some());
        assert!(!gate.admits("a", rests + TRUST));
    }

    #[test]
    fn what_is_kept_is_never_free_and_a_stop_ends_every_answer() {
        let mut gate = strict();
        assert!(gate.answered("a", false, NOW).is_none());
        assert!(!gate.admits("a", NOW));
        gate.taint("a", NOW);
        gate.answered("a", true, NOW);
        assert!(gate.is_tainted("a", NOW) && !gate.admits("a", NOW));
        let later = NOW + TAINT;
        gate.answered("a", true, later);
        assert!(!gate.is_tainted("a", later) && gate.admits("a", later));
        gate.hold(held("b", "x"));
        gate.hold(held("c", "y"));
        assert!(!gate.admits("a", later), "in order");
        let overtaken = gate.overtaken(&target("x"));
        assert_eq!(overtaken.len(), 1);
        assert_eq!(overtaken[0].message.topic, "b");
        assert!(gate.is_holding());
        assert_eq!(gate.overtaken(&Target::All).len(), 1);
        assert!(!gate.is_holding() && !gate.admits("a", later));
    }

    #[test]
    fn an_answer_is_not_waited_for_for_ever() {
        let mut gate = Gate::default();
        gate.hold(held("a", "x"));
        gate.asked("a".to_owned(), NOW);
        assert!(!gate.is_late(NOW) && gate.is_late(NOW + PATIENCE));
        assert!(gate.release().is_some() && gate.release().is_none());
        assert_eq!(gate.next_deadline(), None);
    }
}
