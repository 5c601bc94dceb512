//! A session as the bridge has it, and waiting for what it tells.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc;
use toy2mqtt::mqtt::{Access, Event, Message, Options, Publisher, Session};

use crate::support::soon;

pub(crate) const STATE: &str = "toy2mqtt/bridge/state";
pub(crate) const STOP: &str = "toy2mqtt/toy_1a2b3c4d/stop";
pub(crate) const SET: &str = "toy2mqtt/toy_1a2b3c4d/set";

/// What the bridge asks of the session.
pub(crate) fn options(addr: SocketAddr) -> Options {
    Options {
        access: Access {
            host: addr.ip().to_string(),
            port: addr.port(),
            ..Access::default()
        },
        client_id: "toy2mqtt-test".into(),
        will: Some((STATE.into(), b"offline".to_vec())),
        filters: vec!["toy2mqtt/+/set".into(), "toy2mqtt/+/+/set".into()],
        stop_filters: vec!["toy2mqtt/+/stop".into(), "toy2mqtt/bridge/quiet/set".into()],
        ..Options::default()
    }
}

/// A running session and what it tells.
pub(crate) struct Bridge {
    pub(crate) session: Session,
    pub(crate) publisher: Publisher,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) stops: mpsc::UnboundedReceiver<Message>,
}

impl Bridge {
    pub(crate) fn start(options: &Options) -> Self {
        let (session, events, stops) = Session::start(options);
        let publisher = session.publisher();
        Self {
            session,
            publisher,
            events,
            stops,
        }
    }

    /// Started and connected.
    pub(crate) async fn up(options: &Options) -> Self {
        let mut bridge = Self::start(options);
        bridge.wait_up().await;
        bridge
    }

    pub(crate) async fn event(&mut self) -> Event {
        let event = soon("an event", self.events.recv()).await;
        let event = event.expect("the session runs");
        println!("{event:.200?}");
        event
    }

    pub(crate) async fn wait_up(&mut self) {
        while self.event().await != Event::Up {}
    }

    /// Waits until the connection is down for a reason with `word` in it.
    pub(crate) async fn wait_down(&mut self, word: &str) -> String {
        loop {
            if let Event::Down(reason) = self.event().await
                && reason.contains(word)
            {
                return reason;
            }
        }
    }

    /// The next message, which must come without anything else before it.
    pub(crate) async fn message(&mut self) -> Message {
        match self.event().await {
            Event::Message(message) => message,
            other => panic!("{other:?} instead of a message"),
        }
    }

    pub(crate) async fn stop(&mut self) -> Message {
        let stop = soon("a stop", self.stops.recv()).await;
        stop.expect("the session runs")
    }

    /// Says goodbye.
    pub(crate) async fn close(self) {
        drop(self.events);
        self.session.close(Duration::from_secs(10)).await;
    }
}

/// A message as somebody sends it just now.
pub(crate) fn fresh(topic: &str, payload: &str) -> Message {
    Message {
        topic: topic.into(),
        payload: payload.into(),
        retained: false,
        replayed: false,
    }
}
