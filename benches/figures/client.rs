//! An MQTT client on a thread of its own.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, SubscribeFilter};
use tokio::sync::{mpsc, oneshot};

use crate::{Failure, within};

/// A message, and when it was there.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) at: Instant,
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) retained: bool,
}

/// A client.
pub(crate) struct Client {
    mqtt: AsyncClient,
    arrived: mpsc::UnboundedReceiver<Arrived>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    /// Connects and subscribes; returns when the broker has confirmed both.
    pub(crate) async fn connect(port: u16, id: &str, filters: &[&str]) -> Result<Self, Failure> {
        let mut options = MqttOptions::new(id, "127.0.0.1", port);
        options.set_max_packet_size(16 << 20, 16 << 20);
        let (mqtt, mut events) = AsyncClient::new(options, 10_000);
        let mut network = events.network_options();
        network.set_tcp_nodelay(true);
        events.set_network_options(network);
        let filters: Vec<_> = filters
            .iter()
            .map(|filter| SubscribeFilter::new((*filter).to_owned(), QoS::AtLeastOnce))
            .collect();
        let none = filters.is_empty();
        if !none {
            mqtt.try_subscribe_many(filters)?;
        }
        let (messages, arrived) = mpsc::unbounded_channel();
        let (ready, is_ready) = oneshot::channel();
        let mut ready = Some(ready);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    match events.poll().await {
                        Ok(Event::Incoming(Packet::Publish(publish))) => {
                            let arrived = Arrived {
                                at: Instant::now(),
                                topic: publish.topic,
                                payload: publish.payload.into(),
                                retained: publish.retain,
                            };
                            if messages.send(arrived).is_err() {
                                return;
                            }
                        }
                        Ok(Event::Incoming(packet)) => {
                            let last = match packet {
                                Packet::ConnAck(_) => none,
                                Packet::SubAck(_) => true,
                                _ => false,
                            };
                            if let Some(ready) = ready.take_if(|_| last) {
                                let _ = ready.send(());
                            }
                        }
                        Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) | Err(_) => return,
                        Ok(Event::Outgoing(_)) => {}
                    }
                }
            });
        });
        within(10, "the broker", is_ready).await??;
        Ok(Self {
            mqtt,
            arrived,
            thread: Some(thread),
        })
    }

    /// Publishes at least once, as Home Assistant does for our entities.
    pub(crate) async fn publish(&self, topic: &str, payload: &str) -> Result<(), Failure> {
        self.send(topic, payload, QoS::AtLeastOnce, false).await
    }

    /// Publishes with this QoS, and with the retain flag or without.
    pub(crate) async fn send(
        &self,
        topic: &str,
        payload: &str,
        qos: QoS,
        retain: bool,
    ) -> Result<(), Failure> {
        Ok(self.mqtt.publish(topic, qos, retain, payload).await?)
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Result<Arrived, Failure> {
        let next = self.arrived.recv().await;
        next.ok_or_else(|| "the connection to the broker has ended".into())
    }

    /// The next message that `wanted` wants.
    pub(crate) async fn find(
        &mut self,
        mut wanted: impl FnMut(&Arrived) -> bool,
    ) -> Result<Arrived, Failure> {
        loop {
            let arrived = self.next().await?;
            if wanted(&arrived) {
                return Ok(arrived);
            }
        }
    }

    /// Forgets what has arrived until now.
    pub(crate) fn forget(&mut self) {
        while self.arrived.try_recv().is_ok() {}
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.mqtt.try_disconnect();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Ticks of this length, without catching up on those that were missed more than `burst` late.
pub(crate) fn ticks(every: Duration) -> tokio::time::Interval {
    // Late ticks follow at once, so that the rate is kept.
    tokio::time::interval(every)
}
