//! Everything that the bridge publishes: what is to be shown, as MQTT messages.
//!
//! Changes are only noted here; [`Outlet::flush`] publishes the newest state of what has changed,
//! once per turn of the driver's loop.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::{
    BridgeEvent, BridgeView, Gesture, Instant, Outcome, Rejection, Target, ToyId, ToyView,
    view::ToyCount,
};
use crate::engine::Engine;
use crate::hass::{Privacy, state};
use crate::mqtt::{Message, Publisher, Rank, Topics};

use super::announcer::Announcer;
use super::backends::Backends;
use super::barrier::Marker;
use super::clearing::Clearing;
use super::health::Health;
use super::tickets::Asked;

/// How often counters are published.
const HEALTH_INTERVAL: Duration = Duration::from_secs(60);

/// What the outlet has to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bridge's topics.
    pub topics: Topics,
    /// This installation's id.
    pub instance: String,
    /// A word of this process alone.
    pub process: String,
    /// Where Home Assistant looks for devices; `None` to announce nothing.
    pub discovery_prefix: Option<String>,
    /// Whether toys have a light entity.
    pub light: bool,
    /// How much is said of what a device is.
    pub privacy: Privacy,
    /// The panel's address, if others in the network can reach it.
    pub page: Option<String>,
    /// The settings, redacted.
    pub settings: Value,
    /// The level of the log.
    pub log_level: String,
    /// Own discovery topics of toys that nobody has seen for this long are removed.
    pub stale_after: Duration,
}

/// Publishes.
pub struct Outlet {
    publisher: Publisher,
    settings: Settings,
    announcer: Announcer,
    dirty: BTreeSet<ToyId>,
    bridge_dirty: bool,
    quiet: bool,
    scanning: bool,
    problems: Vec<String>,
    denied: BTreeSet<String>,
    last_error: Option<String>,
    /// Which of the known toys are there.
    available: BTreeMap<ToyId, bool>,
    /// Retained commands that were deleted, until the deletion comes back.
    clearing: Clearing,
    health_published: Option<Instant>,
}

impl Outlet {
    /// Publishes through `publisher`.
    #[must_use]
    pub fn new(publisher: Publisher, settings: Settings) -> Self {
        Self {
            announcer: Announcer::new(&settings),
            publisher,
            settings,
            dirty: BTreeSet::new(),
            bridge_dirty: true,
            quiet: false,
            scanning: false,
            problems: Vec::new(),
            denied: BTreeSet::new(),
            last_error: None,
            available: BTreeMap::new(),
            clearing: Clearing::default(),
            health_published: None,
        }
    }

    fn topics(&self) -> &Topics {
        &self.settings.topics
    }

    /// What there is to show of a toy has changed.
    pub fn toy_changed(&mut self, toy: ToyId) {
        self.dirty.insert(toy);
    }

    /// A toy is no longer known.
    pub fn toy_forgotten(&mut self, toy: ToyId) {
        self.dirty.remove(&toy);
        self.available.remove(&toy);
        self.announcer.forget(toy, &self.publisher);
        self.publisher.remove(&self.topics().toy_state(toy));
        self.publisher.remove(&self.topics().toy_availability(toy));
        self.bridge_dirty = true;
    }

    /// What there is to show of the bridge has changed.
    pub fn bridge_changed(&mut self) {
        self.bridge_dirty = true;
    }

    /// Publishes what has changed. True if the bridge has.
    pub fn flush(&mut self, now: Instant, engine: &Engine, backends: &Backends) -> bool {
        for toy in std::mem::take(&mut self.dirty) {
            if let Some(view) = engine.toy(toy) {
                self.show_toy(now, &view);
            }
        }
        self.announcer.due(now, engine, &self.publisher);
        let bridge = std::mem::take(&mut self.bridge_dirty);
        if bridge {
            self.quiet = engine.quiet();
            self.show_bridge(now, backends);
        }
        bridge
    }

    fn show_toy(&mut self, now: Instant, view: &ToyView) {
        self.announcer.toy(now, view, &self.publisher);
        let payload = state::toy(view, self.settings.privacy).to_string();
        self.publisher.retain(
            Rank::State,
            &self.topics().toy_state(view.id),
            payload.as_bytes(),
        );
        if self.available.insert(view.id, view.available) != Some(view.available) {
            self.bridge_dirty = true;
            self.publisher.retain(
                Rank::Availability,
                &self.topics().toy_availability(view.id),
                state::availability(view.available).as_bytes(),
            );
        }
    }

    fn show_bridge(&mut self, now: Instant, backends: &Backends) {
        let view = self.bridge_view(now, backends);
        self.announcer.bridge(&view, &self.publisher);
        let info = state::info(&view, &self.about(now), self.settings.privacy).to_string();
        let topics = &self.settings.topics;
        let retain = |rank, topic: String, payload: &str| {
            self.publisher.retain(rank, &topic, payload.as_bytes());
        };
        retain(Rank::State, topics.bridge_info(), &info);
        retain(Rank::State, topics.quiet_state(), state::switch(view.quiet));
        retain(
            Rank::State,
            topics.scan_state(),
            state::switch(view.scanning),
        );
        retain(Rank::Online, topics.bridge_state(), "online");
    }

    fn bridge_view(&self, now: Instant, backends: &Backends) -> BridgeView {
        let denied = self
            .denied
            .iter()
            .map(|filter| format!("the broker denies {filter:?}: check its access list"));
        BridgeView {
            quiet: self.quiet,
            scanning: self.scanning,
            backends: backends.views(now),
            toys: ToyCount {
                known: self.available.len(),
                available: self.available.values().filter(|there| **there).count(),
            },
            problems: self.problems.iter().cloned().chain(denied).collect(),
            last_error: self.last_error.clone(),
            log_level: self.settings.log_level.clone(),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "only for people: when a backend came or went"
    )]
    fn about(&self, _now: Instant) -> state::About<'_> {
        state::About {
            version: env!("CARGO_PKG_VERSION"),
            instance: &self.settings.instance,
            process: &self.settings.process,
            settings: &self.settings.settings,
            now: std::time::SystemTime::now(),
        }
    }

    /// A button or a gesture.
    pub fn gesture(&self, toy: ToyId, gesture: Gesture) {
        let payload = state::gesture(gesture).to_string();
        let topic = self.topics().toy_event(toy);
        self.publisher.emit_acknowledged(&topic, payload.as_bytes());
    }

    /// Something happened to the bridge.
    pub fn event(&mut self, event: &BridgeEvent) {
        if let BridgeEvent::BackendDown(_, reason) = event {
            self.last_error = Some(reason.clone());
        }
        self.emit_event(&state::event(event, self.settings.privacy));
    }

    fn emit_event(&self, event: &Value) {
        let topic = self.topics().bridge_event();
        self.publisher
            .emit_acknowledged(&topic, event.to_string().as_bytes());
    }

    /// What became of a request that reached the engine.
    pub fn result(&self, outcome: &Outcome, asked: &Asked, latency: Duration) {
        match (outcome.toy, &outcome.result) {
            (Some(toy), result) => {
                let question = &asked.question;
                let id = question.id.as_deref();
                let privacy = self.settings.privacy;
                let payload = state::result(result, id, &question.requested, latency, privacy);
                let topic = self.topics().toy_result(toy);
                self.publisher.emit(&topic, payload.to_string().as_bytes());
            }
            (None, Err(rejection)) => self.rejected(&asked.question.topic, rejection),
            (None, Ok(_)) => {}
        }
    }

    /// A request that does not reach the engine.
    pub fn refused(
        &self,
        target: &Target,
        topic: &str,
        id: Option<&str>,
        requested: &Value,
        rejection: &Rejection,
    ) {
        match target {
            Target::Toy(toy) if self.available.contains_key(toy) => {
                let result = Err(rejection.clone());
                let privacy = self.settings.privacy;
                let payload = state::result(&result, id, requested, Duration::ZERO, privacy);
                let topic = self.topics().toy_result(*toy);
                self.publisher.emit(&topic, payload.to_string().as_bytes());
            }
            _ => self.rejected(topic, rejection),
        }
    }

    /// A command that had no effect and has no toy to tell it to.
    pub fn rejected(&self, topic: &str, rejection: &Rejection) {
        self.emit_event(&state::command_rejected(
            topic,
            rejection,
            self.settings.privacy,
        ));
    }

    /// The answer to a request to the bridge.
    pub fn response(
        &self,
        verb: &str,
        transaction: Option<&str>,
        answer: &Result<Value, Rejection>,
    ) {
        let payload = state::response(transaction, answer, self.settings.privacy);
        let topic = self.topics().bridge_response(verb);
        self.publisher.emit(&topic, payload.to_string().as_bytes());
    }

    /// A marker behind a stop.
    pub fn send_marker(&self, marker: &Marker) {
        let topic = self.topics().barrier();
        let payload = marker.payload.as_bytes();
        if marker.acknowledged {
            self.publisher.ask(&topic, payload);
        } else {
            self.publisher.ask_once(&topic, payload);
        }
    }

    /// Sends something, whether or not anything may be published.
    pub fn ask(&self, topic: &str, payload: &str) {
        self.publisher.ask(topic, payload.as_bytes());
    }

    /// Publishes from now on, or nothing any more.
    pub fn set_speaking(&self, on: bool) {
        if on {
            self.publisher.release();
        } else {
            self.publisher.hush();
        }
    }

    /// Deletes a retained command. Unless the broker is `certain` to keep it, not again if that has been
    /// done a moment ago: then false.
    pub fn clear(&mut self, topic: &str, certain: bool, now: Instant) -> bool {
        if !self.clearing.begin(topic, certain, now) {
            return false;
        }
        self.publisher.delete(topic);
        true
    }

    /// Whether this message is the deletion of a retained command, come back to us.
    pub fn was_cleared(&mut self, topic: &str, payload: &[u8], now: Instant) -> bool {
        self.clearing.returned(topic, payload, now)
    }

    /// Connected (again): the publisher repeats everything by itself.
    pub fn connected(&mut self) {
        self.clearing.clear();
        self.bridge_dirty = true;
    }

    /// Not connected any more: what is denied is told anew with each connection, before it can be
    /// used.
    pub fn disconnected(&mut self) {
        self.denied.clear();
    }

    /// The broker does not let us read what this filter names.
    pub fn denied(&mut self, filter: &str) {
        self.denied.insert(filter.to_owned());
        self.bridge_dirty = true;
    }

    /// Whether there is a connection to publish over.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.publisher.is_connected()
    }

    /// Home Assistant has started: everything is to be published again, soon.
    pub fn home_assistant_born(&mut self, now: Instant) {
        self.announcer.born(now);
    }

    /// Publishes everything again, now.
    pub fn republish(&self) {
        self.publisher.replay();
    }

    /// Takes notice of what is published under topics of ours. True if the message is one of
    /// those, and no command.
    pub fn is_own(&mut self, now: Instant, message: &Message, engine: &Engine) -> Own {
        if message.topic == self.topics().bridge_state() {
            // The will of an earlier connection of ours, come late.
            if message.payload != b"online" {
                self.publisher.repeat(&message.topic);
            }
            return Own::Seen;
        }
        self.announcer
            .discovery_message(now, message, engine, &self.publisher)
    }

    /// When something is to be published without anything happening.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.announcer.next_deadline()
    }

    /// Whether a scan for toys is under way.
    pub fn set_scanning(&mut self, on: bool) {
        self.scanning = on;
        self.bridge_dirty = true;
    }

    /// The level of the log has changed.
    pub fn set_log_level(&mut self, level: &str) {
        level.clone_into(&mut self.settings.log_level);
        self.bridge_dirty = true;
    }

    /// What is wrong with the bridge itself.
    pub fn set_problems<'a>(&mut self, problems: impl Iterator<Item = &'a str>) {
        let problems: Vec<String> = problems.map(str::to_owned).collect();
        if problems != self.problems {
            self.problems = problems;
            self.bridge_dirty = true;
        }
    }

    /// Publishes counters, if it is time.
    pub fn health(&mut self, now: Instant, health: &Health) {
        if self
            .health_published
            .is_some_and(|at| now - at < HEALTH_INTERVAL)
        {
            return;
        }
        self.health_published = Some(now);
        let payload = self.health_json(now, health);
        let topic = self.topics().bridge_health();
        self.publisher
            .retain(Rank::State, &topic, payload.to_string().as_bytes());
    }

    /// Counters and latencies.
    #[must_use]
    pub fn health_json(&self, now: Instant, health: &Health) -> Value {
        let (published, dropped) = self.counts();
        health.to_json(now, published, dropped)
    }

    /// How many messages were published, and how many given up.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.publisher.published(), self.publisher.dropped())
    }

    /// How much is said of what a device is.
    #[must_use]
    pub const fn privacy(&self) -> Privacy {
        self.settings.privacy
    }

    /// What the bridge tells of itself.
    #[must_use]
    pub fn info(&self, now: Instant, backends: &Backends) -> Value {
        let view = self.bridge_view(now, backends);
        state::info(&view, &self.about(now), self.settings.privacy)
    }

    /// A toy's discovery topic and payload; null if nothing is announced.
    #[must_use]
    pub fn discovery(&self, view: &ToyView) -> Value {
        self.announcer.payload(view).map_or(
            Value::Null,
            |publication| json!({"topic": publication.topic, "payload": publication.payload}),
        )
    }

    /// All toys, in detail.
    #[must_use]
    pub fn toys(&self, engine: &Engine) -> Vec<Value> {
        let views = engine.toys().filter_map(|id| engine.toy(id));
        views
            .map(|view| state::details(&view, self.settings.privacy))
            .collect()
    }

    /// Everything that helps to find a fault, without secrets.
    #[must_use]
    pub fn diagnostics(
        &self,
        now: Instant,
        engine: &Engine,
        backends: &Backends,
        health: &Health,
    ) -> Value {
        let view = self.bridge_view(now, backends).for_strangers();
        json!({
            "info": state::info(&view, &self.about(now), self.settings.privacy),
            "health": self.health_json(now, health),
            "toys": self.toys(engine),
        })
    }

    /// Nothing can be used any more.
    pub fn all_offline(&self, engine: &Engine) {
        for toy in engine.toys() {
            let topic = self.topics().toy_availability(toy);
            let payload = state::availability(false);
            self.publisher
                .retain(Rank::Availability, &topic, payload.as_bytes());
        }
    }

    /// The last message: the bridge ended in order.
    pub fn goodbye(&self) {
        let topic = self.topics().bridge_state();
        self.publisher.retain(Rank::Online, &topic, b"stopped");
    }
}

/// What a message under a topic of ours comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// It is no such message.
    No,
    /// It is, and has been dealt with.
    Seen,
    /// The user deleted the device of a toy that is not there: it is to be forgotten.
    Forget(ToyId),
}
