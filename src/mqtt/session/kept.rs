//! Asks the broker whether it keeps a message under a topic.
//!
//! The retain flag says so only of what comes with the answer to a subscription (MQTT 3.1.1
//! §3.3.1.3): a command that was published with retain just now comes without the flag, and a link
//! between two brokers hands on what one of them keeps as if it had been sent just now. So the bridge
//! subscribes to the topic, over the connection for stops, sends itself a marker behind that, and
//! unsubscribes: what the broker keeps comes with the flag, and before the marker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rumqttc::{AsyncClient, QoS};
use tokio::sync::mpsc;

use super::Message;

/// What the broker answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The topic that was asked about.
    pub topic: String,
    /// Whether the broker keeps a message under it; `None` if the connection was lost meanwhile.
    pub kept: Option<bool>,
}

#[derive(Debug)]
struct Question {
    topic: String,
    marker: String,
    kept: bool,
}

#[derive(Debug, Default)]
struct State {
    /// The connection is there, and has answered the last question in time.
    up: bool,
    count: u64,
    open: Option<Question>,
}

/// Asks, one question at a time. Clones share it.
#[derive(Clone, Debug)]
pub struct Checker {
    client: AsyncClient,
    /// The topic of the markers; without one nothing can be asked.
    marker: Option<String>,
    /// What the own markers begin with: another bridge may use the topic, too.
    prefix: String,
    /// What the connection is subscribed to anyway.
    filters: Vec<String>,
    verdicts: mpsc::UnboundedSender<Verdict>,
    state: Arc<Mutex<State>>,
}

impl Checker {
    pub(super) fn new(
        client: AsyncClient,
        marker: Option<String>,
        process: &str,
        filters: Vec<String>,
        verdicts: mpsc::UnboundedSender<Verdict>,
    ) -> Self {
        Self {
            client,
            marker,
            prefix: format!("kept-{process}-"),
            filters,
            verdicts,
            state: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the broker can be asked.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.lock().up
    }

    /// Asks whether the broker keeps a message under `topic`; false if that cannot be asked now.
    pub fn ask(&self, topic: &str) -> bool {
        let mut state = self.lock();
        let Some(markers) = self.marker.as_ref().filter(|_| state.up) else {
            return false;
        };
        if state.open.is_some() {
            return false;
        }
        state.count += 1;
        let marker = format!("{}{}", self.prefix, state.count);
        let qos = QoS::AtLeastOnce;
        let payload = marker.as_bytes();
        let mut sent = self.client.try_subscribe(topic, qos).is_ok()
            && self
                .client
                .try_publish(markers, qos, false, payload)
                .is_ok();
        if !self.filters.iter().any(|filter| filter == topic) {
            sent &= self.client.try_unsubscribe(topic).is_ok();
        }
        if sent {
            state.open = Some(Question {
                topic: topic.to_owned(),
                marker,
                kept: false,
            });
        }
        sent
    }

    /// The answer takes too long: nothing is asked before a marker has come back.
    pub fn give_up(&self) {
        let mut state = self.lock();
        state.up = false;
        state.open = None;
    }

    pub(super) fn connected(&self) {
        self.lock().up = true;
    }

    pub(super) fn disconnected(&self) {
        let mut state = self.lock();
        state.up = false;
        if let Some(Question { topic, .. }) = state.open.take() {
            let _ = self.verdicts.send(Verdict { topic, kept: None });
        }
    }

    /// Takes notice of what came over the connection. True if it is nothing else.
    pub(super) fn hears(&self, message: &Message) -> bool {
        let mut state = self.lock();
        if self.marker.as_ref() == Some(&message.topic) {
            let is_own = |open: &mut Question| message.payload == open.marker.as_bytes();
            if let Some(Question { topic, kept, .. }) = state.open.take_if(is_own) {
                let kept = Some(kept);
                let _ = self.verdicts.send(Verdict { topic, kept });
            }
            if message.payload.starts_with(self.prefix.as_bytes()) {
                state.up = true;
            }
            return true;
        }
        match &mut state.open {
            Some(open) if open.topic == message.topic && message.retained => {
                open.kept |= !message.payload.is_empty();
                true
            }
            _ => false,
        }
    }
}
