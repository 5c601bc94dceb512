//! What messages from the broker mean for the driver.

use std::path::PathBuf;

use serde_json::Value;
use tracing::{debug, info, warn};

use crate::domain::{
    Action, ErrorCode, Level, Limits, Rejection, SetCommand, Target, ToyDescription,
};
use crate::engine::Input;
use crate::hass::command::{self, Change, Parsed};
use crate::mqtt::{Checker, Incoming, Message, Topics, Verdict};

use super::driver::Driver;
use super::gate::Held;
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
    /// Asks the broker what it keeps.
    pub checker: Checker,
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
        if self.outlet.was_cleared(topic, &message.payload, now) {
            // Our own removal of a retained command comes back to us.
            return;
        }
        let alone = self.company.is_alone();
        let safe = matches!(incoming, Incoming::Stop(_) | Incoming::Quiet);
        if message.retained && (message.replayed || !self.means_off(&incoming, message)) {
            if message.payload.is_empty() {
                // A broker keeps no empty message (MQTT 3.1.1 §3.3.1.3): this is a deletion by a broker
                // that leaves the flag on. Another deletion would be answered with the next one.
                debug!("an empty message with the retain flag is ignored");
            } else if alone {
                self.refuse_retained(topic, message.replayed);
            } else {
                self.company.keep(message);
            }
        } else if !safe && !alone {
            debug!("command ignored: it is for the other bridge");
        } else if !self.checker.is_up()
            || self.gate.admits(topic, now)
            || self.means_off(&incoming, message)
        {
            self.command(incoming, message, urgent);
        } else {
            self.hold(incoming, message, urgent);
        }
    }

    /// Whether a message can only end something. Such a message is obeyed whatever its flags.
    fn means_off(&self, incoming: &Incoming, message: &Message) -> bool {
        let parsed = match incoming {
            Incoming::Stop(_) => return true,
            Incoming::Quiet => return command::switch(&message.payload) == Ok(true),
            Incoming::Set(target) => command::set(self.described(target), &message.payload),
            Incoming::SetAttribute(target, attribute) => {
                command::attribute(self.described(target), attribute, &message.payload)
            }
            Incoming::Scan | Incoming::Request(_) | Incoming::Identify(_) => return false,
        };
        match parsed.change {
            Ok(Change::Set(set)) => {
                set.levels.values().all(|level| level.is_zero())
                    && set.brightness.is_none_or(Level::is_zero)
                    && set.power != Some(true)
                    && set.effect.is_none_or(|it| it == SetCommand::NO_EFFECT)
            }
            Ok(Change::Limit(_) | Change::Flash) | Err(_) => false,
        }
    }

    /// Keeps a command until the broker has said whether it keeps the same one.
    fn hold(&mut self, incoming: Incoming, message: &Message, urgent: bool) {
        let held = Held {
            incoming,
            message: message.clone(),
            urgent,
        };
        if let Some(held) = self.gate.hold(held) {
            self.refuse_held(&held, ErrorCode::Busy, "too many commands are waiting");
        }
        self.ask_broker();
    }

    /// Asks the broker what is to be asked next.
    pub(super) fn ask_broker(&mut self) {
        let now = self.clock.now();
        while let Some(topic) = self.gate.next_question(now) {
            if self.checker.ask(&topic) {
                self.gate.asked(topic, now);
                return;
            }
            // Without its answer things are as they were: the flag alone decides.
            match self.gate.release() {
                Some(held) => self.command(held.incoming, &held.message, held.urgent),
                None => return,
            }
        }
    }

    /// The broker has said whether it keeps a message.
    pub(super) fn verdict(&mut self, verdict: &Verdict) {
        let now = self.clock.now();
        let free = verdict.kept == Some(false);
        if verdict.kept == Some(true) {
            self.gate.taint(&verdict.topic, now);
        }
        let held = self.gate.answered(&verdict.topic, free, now);
        match held {
            _ if !self.company.is_alone() => {}
            _ if verdict.kept == Some(true) => self.refuse_retained(&verdict.topic, true),
            // A link hands on what it has queued and what the broker keeps: the second one comes when
            // the first one has been deleted.
            Some(held) if self.gate.is_tainted(&held.message.topic, now) => {
                self.refuse_retained(&held.message.topic, false);
            }
            Some(held) => self.command(held.incoming, &held.message, held.urgent),
            None => {}
        }
        self.ask_broker();
    }

    /// Stops waiting for an answer that does not come.
    pub(super) fn look_at_gate(&mut self) {
        if !self.gate.is_late(self.clock.now()) {
            return;
        }
        self.checker.give_up();
        while let Some(held) = self.gate.release() {
            let message =
                "the broker did not say in time whether it keeps this command; send it again";
            self.refuse_held(&held, ErrorCode::Timeout, message);
        }
    }

    fn refuse_held(&mut self, held: &Held, code: ErrorCode, why: &str) {
        let id = command::id_of(&held.message.payload);
        let target = match &held.incoming {
            Incoming::Set(target)
            | Incoming::SetAttribute(target, _)
            | Incoming::Identify(target)
            | Incoming::Stop(target) => target.clone(),
            Incoming::Quiet | Incoming::Scan | Incoming::Request(_) => Target::All,
        };
        let rejection = Rejection::new(code, why);
        let topic = &held.message.topic;
        self.refuse(&target, topic, id.as_deref(), &Value::Null, &rejection);
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
        for held in self.gate.overtaken(target) {
            self.refuse_held(&held, ErrorCode::Stopped, "it was sent before a stop");
        }
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

    /// A command that the broker keeps, or may keep: counts it, says so, and removes it. `proven`: the
    /// broker said that it keeps one.
    pub(super) fn refuse_retained(&mut self, topic: &str, proven: bool) {
        let now = self.clock.now();
        let rejection = Rejection::new(ErrorCode::Retained, "retained commands are never obeyed");
        self.health.rejected(rejection.code);
        self.outlet.rejected(topic, &rejection);
        // A broker that flags live messages has nothing to delete: that is tried once in a while.
        if self.outlet.clear(topic, proven, now) {
            warn!("refused a retained command and deleted it: publish commands without retain");
        }
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
