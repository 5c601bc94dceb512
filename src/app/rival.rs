//! Two bridges under one base topic: the one that comes second keeps out.
//!
//! Both would obey every command and overwrite one another's states. So a bridge publishes nothing
//! until it knows that it is alone. It is, unless the broker has kept the info of another instance
//! that says to be online, and that one shows signs of life: it answers a question, or publishes
//! its info. A dead one's remains are taken over.
//!
//! A bridge is known by its instance id, from the data folder, and a word of its process: two processes
//! with copies of one data folder have one instance id, and the same client id at the broker. What
//! another process of the own instance has left behind may be that of a copy, which the broker has
//! just disconnected on our behalf: it is waited for, unless that process has said goodbye. The session
//! finds out that the client id is taken over again and again, and goes on under another one: from
//! then on the two can ask one another, and the rules below hold.
//!
//! Whoever keeps out asks again from time to time, and whenever the bridge's state changes. Of two
//! that start at the same moment, and see each other only when both have begun to publish, the one
//! with the lower instance id stays.

use std::time::Duration;

use crate::domain::Instant;

/// The marker behind what the broker has kept is back by now, or never comes.
const LISTEN: Duration = Duration::from_secs(1);

/// Somebody who lives shows it within this time.
const PROBE: Duration = Duration::from_secs(2);

/// A copy that was disconnected on our behalf is back within this time.
const SIBLING: Duration = Duration::from_secs(1);

/// Whoever keeps out asks again after this time.
const AGAIN: Duration = Duration::from_secs(30);

/// What another has overwritten is published again after this time, when it has noticed us.
const SETTLE: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this marker to ourselves: it comes back behind everything that the broker has kept.
    Marker(String),
    /// Ask the other for its toys, with this transaction.
    Probe(String),
    /// Publish: nobody else is there.
    Begin,
    /// Publish nothing and obey nobody: this instance is there.
    KeepOut(String),
    /// Publish everything again: another has overwritten it.
    Repeat,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Not connected.
    Away,
    /// Reads what the broker has kept.
    Listening { marker: String, until: Instant },
    /// Waits for signs of life.
    Probing { transaction: String, until: Instant },
    /// Nobody else is there.
    Alone { repeat_at: Option<Instant> },
    /// Another instance is there.
    Out { probe_at: Instant },
}

/// Knows whether another instance uses the same base topic.
#[derive(Clone, Debug)]
pub struct Rival {
    instance: String,
    /// Instance and process.
    own: String,
    state: State,
    /// Another instance was there, and has not been found gone since.
    kept_out: bool,
    /// What the broker says of the bridge's state.
    online: bool,
    /// The broker says that the bridge ended in order.
    ended: bool,
    /// The other bridge, as last heard of.
    other: Option<String>,
    /// The client id has been taken over: somebody is there, and is asked.
    taken_over: bool,
    /// The connection was lost before it was found out who is there.
    in_doubt: bool,
    count: u64,
}

impl Rival {
    /// For the process `process` of the instance `instance`.
    #[must_use]
    pub fn new(instance: String, process: &str) -> Self {
        Self {
            own: format!("{instance}-{process}"),
            instance,
            state: State::Away,
            kept_out: false,
            online: false,
            ended: false,
            other: None,
            taken_over: false,
            in_doubt: false,
            count: 0,
        }
    }

    /// Whether nobody else is there, as far as is known.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        matches!(self.state, State::Alone { .. })
    }

    /// Whether another instance is there, as far as is known: it counts as there until it has been
    /// found gone, also while it is asked, and while there is no connection.
    #[must_use]
    pub fn keeps_out(&self) -> bool {
        self.kept_out
    }

    /// Whether it is being found out just now if another instance is there.
    #[must_use]
    pub fn is_finding_out(&self) -> bool {
        self.in_doubt || matches!(self.state, State::Listening { .. } | State::Probing { .. })
    }

    /// What a bridge is called here, as its info tells of it.
    #[must_use]
    pub fn name_of(instance: &str, process: Option<&str>) -> String {
        match process {
            Some(process) => format!("{instance}-{process}"),
            None => instance.to_owned(),
        }
    }

    /// Whether the bridge `other` has a copy of our data folder.
    #[must_use]
    pub fn is_copy(&self, other: &str) -> bool {
        other != self.own && other.split('-').next() == Some(&self.instance)
    }

    /// Whether this question was asked by a bridge with a copy of our data folder.
    #[must_use]
    pub fn is_asked_by_copy(&self, transaction: &str) -> bool {
        let asker = transaction.rsplit_once('-').map(|(asker, _)| asker);
        asker.is_some_and(|asker| self.is_copy(asker))
    }

    /// Another client takes over our client id again and again.
    pub fn taken_over(&mut self) {
        self.taken_over = true;
        self.in_doubt = true;
    }

    /// Connected and subscribed.
    pub fn connected(&mut self, now: Instant) -> Step {
        self.online = false;
        self.ended = false;
        if self.kept_out || self.taken_over {
            // Whoever was there has to reconnect, too.
            return self.probe(now, PROBE);
        }
        self.other = None;
        let marker = self.name();
        self.state = State::Listening {
            marker: marker.clone(),
            until: now + LISTEN,
        };
        Step::Marker(marker)
    }

    /// The connection is lost.
    pub fn disconnected(&mut self) {
        self.in_doubt |= !self.kept_out && matches!(self.state, State::Probing { .. });
        self.state = State::Away;
    }

    /// A marker came back.
    pub fn marker(&mut self, payload: &[u8], now: Instant) -> Option<Step> {
        match &self.state {
            State::Listening { marker, .. } if marker.as_bytes() == payload => {
                Some(self.decide(now))
            }
            _ => None,
        }
    }

    /// The bridge's state, as published by whomever.
    pub fn bridge_state(&mut self, word: &[u8], now: Instant) -> Option<Step> {
        self.online = word == b"online";
        self.ended = word == b"stopped";
        let out = matches!(self.state, State::Out { .. });
        (!self.online && out).then(|| self.probe(now, PROBE))
    }

    /// The info of a bridge, by its [name](Self::name_of); `kept` by the broker rather than published
    /// just now.
    pub fn info(&mut self, instance: &str, kept: bool, now: Instant) -> Option<Step> {
        if instance == self.own {
            return None;
        }
        self.other = Some(instance.to_owned());
        let is_copy = self.is_copy(instance);
        if kept {
            return None;
        }
        match &mut self.state {
            State::Away => None,
            State::Listening { .. } | State::Probing { .. } => Some(self.keep_out(now)),
            State::Alone { .. } if *instance < *self.own => Some(self.keep_out(now)),
            State::Alone { repeat_at } => {
                repeat_at.get_or_insert(now + SETTLE);
                None
            }
            State::Out { probe_at } => {
                // A copy has to hear of us from time to time: it shows that to the user.
                if !is_copy {
                    *probe_at = now + AGAIN;
                }
                None
            }
        }
    }

    /// Somebody answered a question.
    pub fn answer(&mut self, transaction: &str, now: Instant) -> Option<Step> {
        match &self.state {
            State::Probing {
                transaction: ours, ..
            } if ours == transaction => Some(self.keep_out(now)),
            _ => None,
        }
    }

    /// When to call [`Self::tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Away => None,
            State::Listening { until, .. } | State::Probing { until, .. } => Some(*until),
            State::Alone { repeat_at } => *repeat_at,
            State::Out { probe_at } => Some(*probe_at),
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) -> Option<Step> {
        if self.next_deadline().is_none_or(|at| now < at) {
            return None;
        }
        match self.state {
            State::Away => None,
            State::Listening { .. } => Some(self.decide(now)),
            State::Probing { .. } => Some(self.begin()),
            State::Alone { .. } => {
                self.state = State::Alone { repeat_at: None };
                Some(Step::Repeat)
            }
            State::Out { .. } => Some(self.probe(now, PROBE)),
        }
    }

    /// What the broker has kept is known.
    fn decide(&mut self, now: Instant) -> Step {
        let Some(other) = &self.other else {
            return self.begin();
        };
        if self.online {
            self.probe(now, PROBE)
        } else if self.is_copy(other) && !self.ended {
            self.probe(now, SIBLING)
        } else {
            self.begin()
        }
    }

    fn begin(&mut self) -> Step {
        self.other = None;
        self.kept_out = false;
        self.taken_over = false;
        self.in_doubt = false;
        self.state = State::Alone { repeat_at: None };
        Step::Begin
    }

    fn probe(&mut self, now: Instant, patience: Duration) -> Step {
        let transaction = self.name();
        self.state = State::Probing {
            transaction: transaction.clone(),
            until: now + patience,
        };
        Step::Probe(transaction)
    }

    fn keep_out(&mut self, now: Instant) -> Step {
        self.kept_out = true;
        self.taken_over = false;
        self.in_doubt = false;
        self.state = State::Out {
            probe_at: now + AGAIN,
        };
        Step::KeepOut(self.other.clone().unwrap_or_default())
    }

    /// A word that nobody else uses.
    fn name(&mut self) -> String {
        self.count += 1;
        format!("{}-{}", self.own, self.count)
    }
}

#[cfg(test)]
mod tests;
