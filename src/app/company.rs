//! What another bridge under the same topics means for the driver.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::{debug, error, info, warn};

use crate::domain::{Action, ErrorCode, Instant, Rejection, Target, Ticket};
use crate::engine::Input;
use crate::mqtt::{Event as MqttEvent, Message, Topics};

use super::driver::Driver;
use super::rival::{Rival, Step};

/// The request that another bridge answers if it lives.
pub(super) const PROBE: &str = "toys";

/// Retained commands that wait until it is clear who is to refuse them.
const MAX_WAITING: usize = 1_000;

/// Stops that came before it was clear who is to obey them, by topic.
const MAX_STOPS: usize = 100;

/// A copy that has not asked for this long is gone: it asks every 30 s.
const COPY_GONE: Duration = Duration::from_secs(75);

/// Stops that nobody asked for by message. Tickets of requests count from 1.
const NOBODY: Ticket = Ticket(0);

/// Who else is there, and what waits until that is known.
pub(super) struct Company {
    rival: Rival,
    topics: Heard,
    /// Retained commands that came before it was clear whether we are alone.
    waiting: Vec<Message>,
    /// The user has been told that we keep out.
    told: bool,
    /// The data folder, as the user knows it.
    folder: PathBuf,
    /// When a bridge with a copy of the data folder was last heard of.
    copy_at: Option<Instant>,
    /// Topics of stops that came while it was found out who is there. A copy that drives may have
    /// missed them: the broker had given its connection to us.
    stops: BTreeSet<String>,
}

/// The topics that tell of another bridge.
struct Heard {
    state: String,
    info: String,
    request: String,
    response: String,
    barrier: String,
}

impl Company {
    pub(super) fn new(instance: String, process: &str, topics: &Topics, folder: PathBuf) -> Self {
        Self {
            rival: Rival::new(instance, process),
            topics: Heard {
                state: topics.bridge_state(),
                info: topics.bridge_info(),
                request: topics.bridge_request(PROBE),
                response: topics.bridge_response(PROBE),
                barrier: topics.barrier(),
            },
            waiting: Vec::new(),
            told: false,
            folder,
            copy_at: None,
            stops: BTreeSet::new(),
        }
    }

    /// Whether commands are for us.
    pub(super) fn is_alone(&self) -> bool {
        self.rival.is_alone()
    }

    /// Whether another bridge is there, or was when this was last known.
    pub(super) fn keeps_out(&self) -> bool {
        self.rival.keeps_out()
    }

    /// Why no toy is driven or searched for over the panel, if that is so. Without a broker there is
    /// nobody to be asked, and the panel is all there is: only a bridge that kept out goes on so.
    pub(super) fn refusal(&self) -> Option<Rejection> {
        let message = if self.rival.keeps_out() {
            "another bridge uses the same base topic; this one keeps out"
        } else if self.rival.is_finding_out() {
            "whether another bridge uses the same base topic is not known yet; try again in a moment"
        } else {
            return None;
        };
        Some(Rejection::new(ErrorCode::Busy, message))
    }

    /// A stop came.
    pub(super) fn note_stop(&mut self, topic: &str) {
        if self.rival.is_finding_out() && self.stops.len() < MAX_STOPS {
            self.stops.insert(topic.to_owned());
        }
    }

    /// What is wrong with the data folder, as long as another bridge uses a copy of it.
    pub(super) fn problem(&mut self, now: Instant) -> Option<String> {
        if self.copy_at.is_some_and(|at| now - at >= COPY_GONE) {
            info!("the bridge with the copied data folder is gone");
            self.copy_at = None;
        }
        self.copy_at?;
        let which = if self.rival.keeps_out() {
            "this one"
        } else {
            "the other one"
        };
        Some(format!(
            "the data folder {} was copied: another bridge uses the copy, and {which} keeps out; end \
             one of them, and give it an empty data_dir, or remove \"instance\" from its state.json",
            self.folder.display()
        ))
    }

    /// When to look again.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.rival.next_deadline()
    }

    /// Keeps a retained command until it is clear whether it is ours to refuse.
    pub(super) fn keep(&mut self, message: &Message) {
        if self.rival.is_finding_out() && self.waiting.len() < MAX_WAITING {
            self.waiting.push(message.clone());
        }
    }
}

impl Driver {
    /// Something happened to the connection that carries commands, or came over it.
    pub(super) fn mqtt(&mut self, event: MqttEvent) {
        match event {
            MqttEvent::Up => {
                info!("connected to the broker");
                self.health.broker_up();
                self.input(Input::Broker(true));
                self.outlet.connected();
                self.meet(true);
            }
            MqttEvent::Down(reason) => {
                warn!("no connection to the broker: {reason}; will keep trying");
                self.barrier.clear();
                self.gate.clear();
                self.outlet.disconnected();
                self.outlet.bridge_changed();
                self.meet(false);
                self.input(Input::Broker(false));
            }
            MqttEvent::Denied { filter } => self.denied(&filter),
            MqttEvent::TakenOver => self.taken_over(),
            MqttEvent::Message(message) => self.message(&message, false),
        }
    }

    /// The connection has come (`true`) or gone.
    pub(super) fn meet(&mut self, connected: bool) {
        let now = self.clock.now();
        self.company.waiting.clear();
        if connected {
            let step = self.company.rival.connected(now);
            self.follow(Some(step));
        } else {
            self.company.rival.disconnected();
        }
    }

    /// Time has passed.
    pub(super) fn look_around(&mut self) {
        let now = self.clock.now();
        let step = self.company.rival.tick(now);
        self.follow(step);
    }

    /// Takes notice of a message that tells of another bridge. True if it is nothing else.
    pub(super) fn hears(&mut self, message: &Message) -> bool {
        let now = self.clock.now();
        let Company { rival, topics, .. } = &mut self.company;
        let topic = message.topic.as_str();
        let word = |key: &str| {
            let payload: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
            payload[key].as_str().map(str::to_owned)
        };
        let (step, no_more) = if topic == topics.state {
            (rival.bridge_state(&message.payload, now), false)
        } else if topic == topics.request {
            if word("transaction").is_some_and(|asks| rival.is_asked_by_copy(&asks)) {
                self.heard_of_copy();
            }
            (None, false)
        } else if topic == topics.barrier {
            (rival.marker(&message.payload, now), false)
        } else if topic == topics.info {
            let instance = word("instance");
            let other = instance.map(|it| Rival::name_of(&it, word("process").as_deref()));
            let step = other.and_then(|other| rival.info(&other, message.retained, now));
            (step, true)
        } else if topic == topics.response {
            let transaction = if rival.is_alone() {
                None
            } else {
                word("transaction")
            };
            let step = transaction.and_then(|theirs| rival.answer(&theirs, now));
            (step, true)
        } else {
            (None, false)
        };
        self.follow(step);
        no_more
    }

    fn follow(&mut self, step: Option<Step>) {
        match step {
            None => {}
            Some(Step::Marker(marker)) => self.outlet.ask(&self.company.topics.barrier, &marker),
            Some(Step::Probe(transaction)) => {
                debug!("another bridge may be there: asking it");
                let question = json!({ "transaction": transaction }).to_string();
                self.outlet.ask(&self.company.topics.request, &question);
            }
            Some(Step::Begin) => self.begin_to_speak(),
            Some(Step::KeepOut(instance)) => self.keep_out(&instance),
            Some(Step::Repeat) => {
                warn!("another bridge used the same base topic: publishing everything again");
                self.outlet.republish();
            }
        }
    }

    fn heard_of_copy(&mut self) {
        let now = self.clock.now();
        let is_news = self.company.copy_at.replace(now).is_none();
        if is_news && let Some(problem) = self.company.problem(now) {
            error!("{problem}");
        }
    }

    /// Another client takes over our client id again and again. Stops may have been missed meanwhile.
    pub(super) fn taken_over(&mut self) {
        error!(
            "another client takes over this bridge's client id again and again, as a bridge with a \
             copy of its data folder {} does: stopping what runs, and asking who is there",
            self.company.folder.display()
        );
        self.company.rival.taken_over();
        self.stop_what_runs();
    }

    fn begin_to_speak(&mut self) {
        self.company.stops.clear();
        if std::mem::take(&mut self.company.told) {
            info!("the other bridge is gone: taking over");
        }
        self.outlet.set_speaking(true);
        for message in std::mem::take(&mut self.company.waiting) {
            self.refuse_retained(&message.topic, true);
        }
    }

    fn keep_out(&mut self, instance: &str) {
        self.outlet.set_speaking(false);
        self.company.waiting.clear();
        if !std::mem::replace(&mut self.company.told, true) {
            error!(
                instance,
                "another bridge uses the same base topic: keeping out until it is gone; \
                 give one of them another mqtt.base_topic"
            );
        }
        let stops = std::mem::take(&mut self.company.stops);
        if self.company.rival.is_copy(instance) {
            self.heard_of_copy();
            for topic in stops {
                self.outlet.ask(&topic, "");
            }
        }
        // What we drove is not ours any more.
        self.stop_what_runs();
    }

    fn stop_what_runs(&mut self) {
        if !self.engine.may_run().is_empty() {
            self.input(Input::Request {
                ticket: NOBODY,
                target: Target::All,
                action: Action::Stop,
            });
        }
    }
}
