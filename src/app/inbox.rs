//! What messages from the broker mean for the driver.

use std::path::PathBuf;

use serde_json::Value;
use tracing::{debug, info, warn};

use crate::domain::{Action, ErrorCode, Limits, Rejection, Target, ToyDescription};
use crate::engine::Input;
use crate::hass::command::{self, Parsed};
use crate::mqtt::{Incoming, Message, Topics};

use super::driver::Driver;
use super::outlet::Own;
use super::tickets::{Question, Reply};

/// What the driver has to know to read messages.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bridge's topics.
    pub topics: Topics,
    /// This installation's id.
    pub instance: String,
    /// A word of this process alone.
    pub process: String,
    /// The data folder.
    pub data_dir: PathBuf,
    /// Where Home Assistant says that it comes and goes.
    pub status_topic: String,
    /// What it says when it comes.
    pub status_online: String,
    /// What it says when it goes.
    pub status_offline: String,
}

impl Driver {
    /// Takes a message. `urgent`: it came over the connection for stops.
    pub(super) fn message(&mut self, message: &Message, urgent: bool) {
        self.health.received();
        let topic = message.topic.as_str();
        if self.hears(message) {
            return;
        }
        if topic == self.inbox.status_topic {
            self.home_assistant(message);
            return;
        }
        if topic == self.inbox.topics.barrier() {
            self.barrier.lower(&message.payload);
            return;
        }
        let now = self.clock.now();
        match self.outlet.is_own(now, message, &self.engine) {
            Own::No => {}
            Own::Seen => return,
            Own::Forget(toy) => {
                info!("a device was deleted in home assistant: forgetting it");
                self.ask(Target::Toy(toy), Action::Forget, None, Value::Null, topic);
                return;
            }
        }
        let incoming = match self.inbox.topics.parse(topic) {
            Ok(incoming) => incoming,
            Err(error) => {
                debug!(%error, "message ignored");
                return;
            }
        };
        let safe = matches!(incoming, Incoming::Stop(_) | Incoming::Quiet);
        if message.retained && self.company.is_alone() {
            self.refuse_retained(message);
        } else if message.retained {
            self.company.keep(message);
        } else if !safe && !self.company.is_alone() {
            debug!("command ignored: it is for the other bridge");
        } else if self.outlet.was_cleared(topic, &message.payload) {
            // Our own removal of a retained command comes back to us.
        } else {
            self.command(incoming, message, urgent);
        }
    }

    fn command(&mut self, incoming: Incoming, message: &Message, urgent: bool) {
        let topic = &message.topic;
        match incoming {
            Incoming::Stop(target) => {
                let id = command::id_of(&message.payload);
                self.company.note_stop(topic);
                self.stop(target, topic, id, urgent);
            }
            Incoming::Quiet => self.quiet(message),
            Incoming::Scan => self.scan(message),
            Incoming::Request(verb) => self.bridge_request(&verb, topic, &message.payload),
            Incoming::Identify(target) => {
                self.ask(target, Action::Identify, None, Value::Null, topic);
            }
            Incoming::Set(target) => {
                let parsed = command::set(self.described(&target), &message.payload);
                self.ask_parsed(target, parsed, message);
            }
            Incoming::SetAttribute(target, attribute) => {
                let toy = self.described(&target);
                let parsed = command::attribute(toy, &attribute, &message.payload);
                self.ask_parsed(target, parsed, message);
            }
        }
    }

    /// What a target can do, if it is one known toy.
    pub(super) fn described(&self, target: &Target) -> Option<&ToyDescription> {
        match target {
            Target::Toy(toy) => self.engine.description(*toy),
            Target::Group(_) | Target::All => None,
        }
    }

    fn ask_parsed(&mut self, target: Target, parsed: Parsed, message: &Message) {
        let Parsed {
            id,
            requested,
            change,
        } = parsed;
        let topic = message.topic.as_str();
        // Whoever misspells an attribute wants to know of that very request, too.
        let id = id.or_else(|| match change {
            Ok(_) => None,
            Err(_) => command::id_of(&message.payload),
        });
        match change {
            Ok(change) => {
                let limits = match &target {
                    Target::Toy(toy) => self.engine.limits(*toy),
                    Target::Group(_) | Target::All => None,
                };
                let action = change.action(limits.unwrap_or(&Limits::default()));
                self.ask(target, action, id, requested, topic);
            }
            Err(rejection) => {
                self.refuse(&target, topic, id.as_deref(), &requested, &rejection);
            }
        }
    }

    /// Passes a request to the engine, unless it was sent before a stop.
    fn ask(
        &mut self,
        target: Target,
        action: Action,
        id: Option<String>,
        requested: Value,
        topic: &str,
    ) {
        let now = self.clock.now();
        if matches!(action, Action::Set(_) | Action::Identify) && self.barrier.holds(&target, now) {
            let rejection = Rejection::new(ErrorCode::Stopped, "it was sent before a stop");
            self.refuse(&target, topic, id.as_deref(), &requested, &rejection);
            return;
        }
        let question = Question {
            reply: Reply::Result,
            id,
            requested,
            topic: topic.to_owned(),
        };
        self.put(target, action, question);
    }

    /// Passes a request to the engine.
    pub(super) fn put(&mut self, target: Target, action: Action, question: Question) {
        let now = self.clock.now();
        let ticket = self.tickets.issue(&target, question, now);
        self.input(Input::Request {
            ticket,
            target,
            action,
        });
    }

    fn stop(&mut self, target: Target, topic: &str, id: Option<String>, urgent: bool) {
        info!("stop");
        self.overtake(&target, urgent);
        self.ask(target.clone(), Action::Stop, id, Value::Null, topic);
        self.note_stop(&target, "stop", "mqtt");
    }

    /// A stop came: nothing that was sent before it is obeyed any more. `urgent`: it did not come
    /// over the connection that carries commands.
    pub(super) fn overtake(&mut self, target: &Target, urgent: bool) {
        let now = self.clock.now();
        self.with_panel(|panel| panel.stopped(target, now));
        // Whatever comes before its markers was sent before the stop.
        if urgent && self.company.is_alone() && self.outlet.is_connected() {
            for marker in self.barrier.raise(target.clone(), now) {
                self.outlet.send_marker(&marker);
            }
        }
    }

    fn quiet(&mut self, message: &Message) {
        match command::quiet(&message.payload) {
            Ok(on) => self.switch_quiet(on),
            Err(rejection) => {
                self.refuse(&Target::All, &message.topic, None, &Value::Null, &rejection);
            }
        }
    }

    pub(super) fn switch_quiet(&mut self, on: bool) {
        info!(on, "quiet");
        if on {
            // As with a stop: what was sent before it is not obeyed when it is over, either.
            self.overtake(&Target::All, true);
        }
        self.input(Input::Quiet(on));
        if on {
            self.note_stop(&Target::All, "quiet", "");
        }
        // Whoever sees that it is on relies on it, whatever becomes of this process.
        self.saver.memory_changed_urgently();
    }

    fn scan(&mut self, message: &Message) {
        match command::switch(&message.payload) {
            Ok(on) => self.set_scanning(on),
            Err(rejection) => {
                self.refuse(&Target::All, &message.topic, None, &Value::Null, &rejection);
            }
        }
    }

    fn home_assistant(&mut self, message: &Message) {
        let payload = message.payload.as_slice();
        if payload == self.inbox.status_online.as_bytes() {
            self.input(Input::HomeAssistant(true));
            // What the broker kept says nothing new: everything was published on connecting.
            if !message.retained {
                info!("home assistant is back: publishing everything again");
                self.outlet.home_assistant_born(self.clock.now());
            }
        } else if payload == self.inbox.status_offline.as_bytes() {
            info!("home assistant says that it goes");
            self.input(Input::HomeAssistant(false));
        }
    }

    /// Nobody asked just now: counts it, says so, and removes it.
    pub(super) fn refuse_retained(&mut self, message: &Message) {
        warn!("refused a retained command and deleted it: publish commands without retain");
        let rejection = Rejection::new(ErrorCode::Retained, "retained commands are never obeyed");
        self.health.rejected(rejection.code);
        self.outlet.rejected(&message.topic, &rejection);
        self.outlet.clear(&message.topic);
    }

    /// Answers a request that does not reach the engine.
    fn refuse(
        &mut self,
        target: &Target,
        topic: &str,
        id: Option<&str>,
        requested: &Value,
        rejection: &Rejection,
    ) {
        self.health.rejected(rejection.code);
        self.note_refused(target, id, requested, rejection);
        self.outlet.refused(target, topic, id, requested, rejection);
    }

    /// The broker does not let us read what this filter names.
    pub(super) fn denied(&mut self, filter: &str) {
        warn!(
            filter,
            "the broker denies this subscription: check its access list"
        );
        self.outlet.denied(filter);
    }
}
