//! The other side of the broker: publishes what Home Assistant would, and sees everything.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::soon;

/// A message that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    /// The broker had kept it from before we subscribed.
    pub(crate) retained: bool,
    pub(crate) at: tokio::time::Instant,
}

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// The payload as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or_default()
    }
}

#[derive(Default)]
struct Log(Mutex<Vec<Seen>>);

/// A connected client that is subscribed to everything. It does not reconnect.
pub(crate) struct Home {
    client: AsyncClient,
    log: Arc<Log>,
    count: watch::Receiver<usize>,
    _tasks: JoinSet<()>,
}

static CLIENTS: AtomicU64 = AtomicU64::new(0);

impl Home {
    /// Connects, and waits until everything that the broker has kept is there.
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let id = format!("home-{}", CLIENTS.fetch_add(1, Ordering::Relaxed));
        let mut options = MqttOptions::new(&id, addr.ip().to_string(), addr.port());
        options.set_max_packet_size(1 << 24, 1 << 24);
        let (client, mut event_loop) = AsyncClient::new(options, 50_000);
        let log = Arc::new(Log::default());
        let (counter, count) = watch::channel(0);
        let mut tasks = JoinSet::new();
        let seen = Arc::clone(&log);
        tasks.spawn(async move {
            while let Ok(event) = event_loop.poll().await {
                if let Event::Incoming(Packet::Publish(publish)) = event {
                    let mut seen = seen.0.lock().unwrap();
                    seen.push(Seen {
                        topic: publish.topic,
                        payload: publish.payload.to_vec(),
                        retained: publish.retain,
                        at: now(),
                    });
                    counter.send_replace(seen.len());
                }
            }
        });
        let home = Self {
            client,
            log,
            count,
            _tasks: tasks,
        };
        home.client.subscribe("#", QoS::AtLeastOnce).await.unwrap();
        home.synced().await;
        home
    }

    /// Waits until the broker has passed on everything that it had before.
    pub(crate) async fn synced(&self) {
        let topic = format!("sync/{}", CLIENTS.fetch_add(1, Ordering::Relaxed));
        self.publish(&topic, "");
        self.wait("a message to oneself", |seen| {
            seen.iter().any(|seen| seen.topic == topic).then_some(())
        })
        .await;
    }

    /// Publishes at least once, without waiting.
    pub(crate) fn publish(&self, topic: &str, payload: impl AsRef<[u8]>) {
        self.send(topic, payload, false);
    }

    /// Publishes and has it kept.
    pub(crate) fn retain(&self, topic: &str, payload: impl AsRef<[u8]>) {
        self.send(topic, payload, true);
    }

    fn send(&self, topic: &str, payload: impl AsRef<[u8]>, retain: bool) {
        self.client
            .try_publish(topic, QoS::AtLeastOnce, retain, payload.as_ref())
            .unwrap();
    }

    /// How many messages came so far: where to go on reading.
    pub(crate) fn mark(&self) -> usize {
        self.log.0.lock().unwrap().len()
    }

    /// Everything that came after `mark`.
    pub(crate) fn after(&self, mark: usize) -> Vec<Seen> {
        self.log.0.lock().unwrap()[mark..].to_vec()
    }

    /// The newest payload under `topic`; nothing if there is none or it was deleted.
    pub(crate) fn newest(&self, topic: &str) -> Option<Seen> {
        let log = self.log.0.lock().unwrap();
        let newest = log.iter().rev().find(|seen| seen.topic == topic).cloned();
        newest.filter(|seen| !seen.payload.is_empty())
    }

    /// Waits until `found` finds something in all that came.
    pub(crate) async fn wait<T>(
        &self,
        what: &str,
        mut found: impl FnMut(&[Seen]) -> Option<T>,
    ) -> T {
        let mut count = self.count.clone();
        let waiting = async {
            loop {
                count.borrow_and_update();
                if let Some(found) = found(&self.log.0.lock().unwrap()) {
                    return found;
                }
                count.changed().await.expect("the connection lasts");
            }
        };
        soon(what, waiting).await
    }

    /// Waits for a message under `topic` after `mark` that `wanted` accepts.
    pub(crate) async fn next(
        &self,
        mark: usize,
        topic: &str,
        mut wanted: impl FnMut(&Seen) -> bool,
    ) -> Seen {
        self.wait(topic, |seen| {
            let mut new = seen[mark..].iter();
            new.find(|seen| seen.topic == topic && wanted(seen))
                .cloned()
        })
        .await
    }

    /// Waits until the newest payload under `topic` is accepted by `wanted`.
    pub(crate) async fn until(&self, topic: &str, mut wanted: impl FnMut(&Seen) -> bool) -> Seen {
        self.wait(topic, |seen| {
            let newest = seen.iter().rev().find(|seen| seen.topic == topic)?;
            wanted(newest).then(|| newest.clone())
        })
        .await
    }

    /// Sends a JSON command to a topic below `toy`, a toy's own, and returns its result.
    pub(crate) async fn ask(&self, toy: &str, below: &str, mut payload: Value) -> Value {
        static REQUESTS: AtomicU64 = AtomicU64::new(0);
        let id = format!("ask-{}", REQUESTS.fetch_add(1, Ordering::Relaxed));
        payload["id"] = id.clone().into();
        let mark = self.mark();
        self.publish(&format!("{toy}/{below}"), payload.to_string());
        let result = format!("{toy}/result");
        let answered = self.next(mark, &result, |seen| seen.json()["id"] == id);
        answered.await.json()
    }

    /// Waits until the newest state of `toy`, a toy's own topic, is accepted by `wanted`.
    pub(crate) async fn state_until(
        &self,
        toy: &str,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Value {
        let topic = format!("{toy}/state");
        let seen = self.until(&topic, |seen| wanted(&seen.json()));
        seen.await.json()
    }

    /// Waits until the newest payload under `topic` is this text.
    pub(crate) async fn says(&self, topic: &str, text: &str) -> Seen {
        self.until(topic, |seen| seen.text() == text).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how long something took"
)]
fn now() -> tokio::time::Instant {
    std::time::Instant::now().into()
}
