//! A plain MQTT client that keeps everything it received.

use std::net::SocketAddr;

use rumqttc::{
    AsyncClient, ConnectionError, Event, MqttOptions, Outgoing, Packet, Publish, QoS,
    SubscribeReasonCode,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::soon;

const LIMIT: usize = 268_435_455;

/// A message that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retained: bool,
}

impl Received {
    /// The payload as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

/// A connected client. It does not reconnect; dropping it breaks its connection without goodbye.
pub struct Client {
    client: AsyncClient,
    events: mpsc::UnboundedReceiver<Event>,
    task: JoinSet<ConnectionError>,
    /// What came so far, in order, as far as somebody waited for it.
    pub received: Vec<Received>,
}

impl Client {
    /// Connects with a clean session.
    pub async fn connect(addr: SocketAddr, id: &str) -> Self {
        Self::connect_with(MqttOptions::new(id, addr.ip().to_string(), addr.port())).await
    }

    /// Connects as `options` say.
    pub async fn connect_with(mut options: MqttOptions) -> Self {
        options.set_max_packet_size(LIMIT, LIMIT);
        let (client, mut event_loop) = AsyncClient::new(options, 20_000);
        let (sender, events) = mpsc::unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                match event_loop.poll().await {
                    Ok(event) => drop(sender.send(event)),
                    Err(error) => return error,
                }
            }
        });
        let mut connected = Self {
            client,
            events,
            task,
            received: Vec::new(),
        };
        connected
            .event("the connection", |event| {
                matches!(event, Event::Incoming(Packet::ConnAck(_))).then_some(())
            })
            .await;
        connected
    }

    async fn event<T>(&mut self, what: &str, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let found = async {
            while let Some(event) = self.events.recv().await {
                if let Event::Incoming(Packet::Publish(publish)) = &event {
                    self.received.push(received(publish));
                }
                if let Some(found) = wanted(&event) {
                    return Some(found);
                }
            }
            None
        };
        let found = soon(what, found).await;
        found.unwrap_or_else(|| panic!("the connection broke before {what}"))
    }

    /// Subscribes with QoS 1; false if the broker refuses.
    pub async fn subscribe(&mut self, filter: &str) -> bool {
        let subscribed = self.client.subscribe(filter, QoS::AtLeastOnce).await;
        subscribed.expect("the client's task runs");
        self.event("the answer to a subscription", |event| match event {
            Event::Incoming(Packet::SubAck(answer)) => Some(matches!(
                answer.return_codes[..],
                [SubscribeReasonCode::Success(_)]
            )),
            _ => None,
        })
        .await
    }

    /// Publishes with QoS 1 and waits until the broker has it.
    pub async fn publish(&mut self, topic: &str, payload: impl AsRef<[u8]>, retain: bool) {
        self.publish_all(retain, [(topic.to_owned(), payload.as_ref().to_owned())])
            .await;
    }

    /// Publishes with QoS 1 and waits until the broker has everything.
    pub async fn publish_all(
        &mut self,
        retain: bool,
        messages: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) {
        let mut open = 0_usize;
        for (topic, payload) in messages {
            let qos = QoS::AtLeastOnce;
            let published = self.client.publish(topic, qos, retain, payload).await;
            published.expect("the client's task runs");
            open += 1;
        }
        if open == 0 {
            return;
        }
        self.event("the acknowledgement of a message", |event| {
            open -= usize::from(matches!(event, Event::Incoming(Packet::PubAck(_))));
            (open == 0).then_some(())
        })
        .await;
    }

    /// Publishes at most once, without waiting for anything.
    pub fn publish_lightly(&self, topic: &str, payload: &[u8]) {
        let qos = QoS::AtMostOnce;
        let published = self.client.try_publish(topic, qos, false, payload);
        published.expect("room in the queue");
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> Received {
        self.event("a message", |event| match event {
            Event::Incoming(Packet::Publish(publish)) => Some(received(publish)),
            _ => None,
        })
        .await
    }

    /// Waits for a message on `topic` that fits, among those that came already and were waited
    /// for as well.
    pub async fn wait_for(&mut self, topic: &str, fits: impl Fn(&Received) -> bool) -> Received {
        let wanted = |message: &Received| message.topic == topic && fits(message);
        if let Some(found) = self.received.iter().find(|message| wanted(message)) {
            return found.clone();
        }
        let what = format!("a message on {topic}");
        self.event(&what, |event| match event {
            Event::Incoming(Packet::Publish(publish)) => Some(received(publish)).filter(wanted),
            _ => None,
        })
        .await
    }

    /// Waits until everything that the broker had for us by now is here: sends a message to
    /// itself and waits for it.
    pub async fn catch_up(&mut self) {
        let topic = format!("catch-up/{}", self.received.len());
        assert!(self.subscribe(&topic).await);
        self.publish(&topic, "", false).await;
        self.wait_for(&topic, |_| true).await;
        self.received.retain(|message| message.topic != topic);
    }

    /// Disconnects in order.
    pub async fn disconnect(mut self) {
        self.client.disconnect().await.expect("the task runs");
        self.event("the goodbye", |event| {
            matches!(event, Event::Outgoing(Outgoing::Disconnect)).then_some(())
        })
        .await;
    }

    /// Waits until the broker has ended the connection.
    pub async fn broken(mut self) -> ConnectionError {
        soon("the end of the connection", self.task.join_next())
            .await
            .expect("a task")
            .expect("the task does not panic")
    }
}

fn received(publish: &Publish) -> Received {
    Received {
        topic: publish.topic.clone(),
        payload: publish.payload.to_vec(),
        retained: publish.retain,
    }
}
